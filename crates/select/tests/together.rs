//! One body, two worlds: a select over a channel that a tokio task feeds, a permit, a ticker and a
//! token, in a thread and in a task.
#![cfg(not(any(loom, shuttle)))]

use anabranch_core_cancel::{CancelToken, Hold, ManualTime};
use anabranch_select::{Receiver, channel, task, thread as threads};
use anabranch_semaphore::Semaphore;
use std::{sync::Arc, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

/// What came in, in order, with the second in which it did.
type Log = Vec<(&'static str, u64)>;

/// Everything that the selecting side waits for, on one clock.
struct World {
    token: CancelToken,
    time: ManualTime,
    orders: Receiver<u32>,
    desk: Arc<Semaphore>,
    /// Time stands still until the body begins.
    hold: Hold,
}

/// The body: `$wait` is what a select of that kind needs, nothing or `async`.
macro_rules! serve {
    ($mode:ident, $($wait:tt)?) => {
        pub(super) $($wait)? fn serve(world: World) -> Log {
            let World { token, time, orders, desk, hold } = world;
            drop(hold);
            let until = token.child_with_timeout(10 * SECOND);
            let mut ticks = token.ticker(4 * SECOND);
            let (mut open, mut seated) = (true, None);
            let mut log = Log::new();
            loop {
                let what = $mode::select! {
                    order = orders.recv(), if open => match order {
                        Ok(_) => "order",
                        Err(_) => { open = false; "closed" }
                    },
                    permit = desk.acquire(), if seated.is_none() => { seated = Some(permit); "seated" }
                    _ = ticks.tick() => "tick",
                    _ = until.cancelled() => break,
                };
                log.push((what, time.elapsed().as_secs()));
            }
            log
        }
    };
}

mod in_a_thread {
    use super::{threads as select, *};
    serve! { select, }
}

mod in_a_task {
    use super::{task as select, *};
    serve! { select, async }
}

/// A tokio task sends an order in the seconds 1, 2 and 3; somebody leaves the desk in second 6.
fn run(serve: impl FnOnce(&tokio::runtime::Runtime, World) -> Log) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let (token, time) = CancelToken::manual();
    let hold = time.hold();
    let (tx, orders) = channel::bounded(1);
    let desk = Arc::new(Semaphore::new(1));
    let feeder = runtime.spawn(time.task({
        let (token, desk) = (token.clone(), desk.clone());
        async move {
            let held = desk.acquire().await;
            for n in 0..3 {
                token.sleep(SECOND).await.unwrap();
                tx.send(n).await.unwrap();
            }
            drop(tx);
            token.sleep(3 * SECOND).await.unwrap();
            drop(held);
        }
    }));
    while desk.available_permits() > 0 {
        std::thread::yield_now(); // the feeder sits first
    }
    time.auto_advance();
    let log = serve(
        &runtime,
        World {
            token,
            time,
            orders,
            desk: desk.clone(),
            hold,
        },
    );
    runtime.block_on(feeder).unwrap();
    let expected = [
        ("order", 1),
        ("order", 2),
        ("order", 3),
        ("closed", 3),
        ("tick", 4),
        ("seated", 6),
        ("tick", 8),
    ];
    assert_eq!(log, expected);
    assert_eq!((desk.available_permits(), desk.waiting()), (1, 0));
}

#[test]
fn a_thread_selects_over_a_channel_fed_by_a_task_a_permit_a_ticker_and_a_token() {
    run(|_, world| {
        let time = world.time.clone();
        time.spawn(move || in_a_thread::serve(world))
            .join()
            .unwrap()
    });
}

#[test]
fn a_task_selects_over_a_channel_fed_by_a_task_a_permit_a_ticker_and_a_token() {
    run(|runtime, world| {
        let time = world.time.clone();
        runtime
            .block_on(runtime.spawn(time.task(in_a_task::serve(world))))
            .unwrap()
    });
}
