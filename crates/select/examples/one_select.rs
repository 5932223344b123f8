//! One select over things of every kind, in a thread and, the same body, in a task: a channel that a
//! tokio task feeds, a permit, a ticker and a token.

use anabranch_select::{CancelToken, Receiver, channel, task, thread};
use anabranch_semaphore::Semaphore;
use std::{sync::Arc, time::Duration};

const ORDERS: u32 = 5;

/// What the desk has seen when the day ends.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Day {
    orders: u32,
    seated: bool,
    ticked: bool,
}

/// The body, written once: the select is `thread::select!` or `task::select!`, and the function around
/// it is what that needs.
macro_rules! desk {
    ([$($async:ident)?] fn $name:ident uses $module:ident) => {
        $($async)? fn $name(orders: Receiver<u32>, seats: Arc<Semaphore>, day: CancelToken) -> Day {
            let mut ticks = day.ticker(Duration::from_millis(5));
            let (mut seat, mut seen) = (None, Day::default());
            loop {
                $module::select! {
                    order = orders.recv(), if seen.orders < ORDERS => {
                        seen.orders += u32::from(order.is_ok());
                    }
                    permit = seats.acquire(), if seat.is_none() => {
                        seat = Some(permit);
                        seen.seated = true;
                    }
                    _ = ticks.tick() => seen.ticked = true,
                    why = day.cancelled() => {
                        println!("{}: {why:#}", stringify!($name));
                        return seen;
                    }
                }
                if seen.orders == ORDERS && seen.seated && seen.ticked {
                    day.cancel_with("all done");
                }
            }
        }
    };
}

desk! { [] fn in_a_thread uses thread }
desk! { [async] fn in_a_task uses task }

/// A day at the desk, in a thread or in a task.
pub(crate) async fn serve(in_task: bool) -> Day {
    let (tx, orders) = channel::bounded(2);
    let feeder = tokio::spawn(async move {
        for n in 0..ORDERS {
            tx.send(n).await.expect("the desk is open");
        }
    });
    let (seats, day) = (Arc::new(Semaphore::new(1)), CancelToken::new());
    let seen = if in_task {
        in_a_task(orders, seats, day).await
    } else {
        let desk = move || in_a_thread(orders, seats, day);
        let desk = tokio::task::spawn_blocking(desk).await;
        desk.expect("nobody panics")
    };
    feeder.await.expect("nobody panics");
    seen
}

/// What a day must have brought.
pub(crate) fn full_day() -> Day {
    Day {
        orders: ORDERS,
        seated: true,
        ticked: true,
    }
}

#[tokio::main]
async fn main() {
    for in_task in [false, true] {
        let day = serve(in_task).await;
        println!("{day:?}");
        assert_eq!(day, full_day());
    }
}
