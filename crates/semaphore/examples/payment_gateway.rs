//! At most three payments at the gateway, and at most four units of work at the database, whoever
//! asks: threads and tasks share both semaphores.
//!
//! `cargo run -p anabranch-semaphore --example payment_gateway` takes half a second; the same code
//! takes none in `tests/payment_gateway.rs`, where the token comes with a clock of its own.

use anabranch_core_cancel::runtime_free;
use anabranch_semaphore::{AcquireError, CancelToken, Semaphore};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// The gateway bears so many at once. A `static` needs no `Arc`.
static GATEWAY: Semaphore = Semaphore::new(3);

/// What happened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) paid: usize,
    pub(crate) most_paying: usize,
    pub(crate) queried: usize,
    pub(crate) most_units: usize,
    pub(crate) gave_up: usize,
}

struct Shop {
    token: CancelToken,
    database: Semaphore,
    payments: Gauge,
    queries: Gauge,
}

impl Shop {
    /// A thread blocks until it is let in.
    fn pay(&self) {
        let _permit = GATEWAY.acquire().wait();
        let _inside = self.payments.enter(1);
        let done = self.token.sleep(Duration::from_millis(100)).wait();
        done.expect("nobody cancels");
    }

    /// A task is suspended until it is.
    async fn pay_in_task(&self) {
        let _permit = GATEWAY.acquire().await;
        let _inside = self.payments.enter(1);
        let done = self.token.sleep(Duration::from_millis(100)).await;
        done.expect("nobody cancels");
    }

    /// A report takes all that the database has, and waits no longer than 300 ms for it.
    async fn report(&self) -> Result<(), AcquireError> {
        let turn = self.database.acquire_many(4).with_cancel(&self.token);
        let _permits = turn.timeout(Duration::from_millis(300)).await?;
        let _inside = self.queries.enter(4);
        self.token.sleep(Duration::from_millis(200)).await?;
        Ok(())
    }

    /// Runs `work` on a thread of its own; on a manual clock its time starts when it waits.
    fn start(
        self: &Arc<Self>,
        work: impl FnOnce(&Shop) -> bool + Send + 'static,
    ) -> JoinHandle<bool> {
        let (shop, takes_part) = (self.clone(), self.token.clock().participant("a customer"));
        thread::spawn(move || {
            let _in = takes_part.enter();
            work(&shop)
        })
    }
}

/// Ten payments, five of them in tasks, and four reports, all at once.
pub(crate) fn run(token: &CancelToken) -> Report {
    let shop = Arc::new(Shop {
        token: token.clone(),
        database: Semaphore::new(4),
        payments: Gauge::default(),
        queries: Gauge::default(),
    });
    let opening = token.clock().participant("the shop that opens");
    let mut customers = Vec::new();
    for _ in 0..5 {
        customers.push(shop.start(|shop| {
            shop.pay();
            true
        }));
        // What waits for our operations alone needs no runtime: this thread is executor enough.
        customers.push(shop.start(|shop| {
            runtime_free(shop.pay_in_task()).wait();
            true
        }));
    }
    for _ in 0..4 {
        customers.push(shop.start(|shop| runtime_free(shop.report()).wait().is_ok()));
    }
    drop(opening);
    let done = customers
        .into_iter()
        .map(|customer| customer.join().expect("no panic"));
    let gave_up = done.filter(|done| !done).count();
    Report {
        paid: shop.payments.passed.load(SeqCst),
        most_paying: shop.payments.most.load(SeqCst),
        queried: shop.queries.passed.load(SeqCst),
        most_units: shop.queries.most.load(SeqCst),
        gave_up,
    }
}

/// How much is inside, the most that ever was, and how many have passed.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
    passed: AtomicUsize,
}

struct Inside<'a>(&'a Gauge, usize);

impl Gauge {
    fn enter(&self, weight: usize) -> Inside<'_> {
        let now = self.now.fetch_add(weight, SeqCst) + weight;
        self.most.fetch_max(now, SeqCst);
        Inside(self, weight)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(self.1, SeqCst);
        self.0.passed.fetch_add(1, SeqCst);
    }
}

fn main() {
    let report = run(&CancelToken::new());
    println!(
        "{} paid, never more than {} at a time; {} reports, never more than {} units; {} gave up",
        report.paid, report.most_paying, report.queried, report.most_units, report.gave_up
    );
}
