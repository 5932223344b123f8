//! Three algorithms look for the knee of a server: the point beyond which more calls at once only
//! wait for one another.
//!
//! The server is simulated: it works on so many calls at a time, each takes a fifth more or less
//! than 10 ms, the others stand in line. Its clients ask without end, as many as the limit lets in.
//! There are no threads, and time is a manual clock's: two minutes take no time, and come out the
//! same each time.
//!
//! `cargo run -p anabranch-semaphore --example adaptive_limit`

use anabranch_core_cancel::ManualTime;
use anabranch_semaphore::{
    AdaptiveLimit, CancelToken, OwnedAdmission,
    adaptive::{Aimd, Algorithm, Gradient2, Vegas},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
    time::Duration,
};

/// In microseconds, as all times here.
const CALL: u64 = 10_000;
const SECOND: u64 = 1_000_000;

/// A server with so many workers and one line, its clients, and the limit between them.
pub(crate) struct World {
    pub(crate) limit: Arc<AdaptiveLimit>,
    time: ManualTime,
    now: u64,
    /// When each worker is through with its last call.
    workers: BinaryHeap<Reverse<u64>>,
    /// Calls by when they end; the number keeps those of one moment apart.
    calls: BTreeMap<(u64, u64), (u64, OwnedAdmission)>,
    numbers: u64,
    random: u64,
    /// What a call takes, on average, when nobody waits.
    pub(crate) call: u64,
    /// The clients never have more calls inside than this.
    pub(crate) demand: usize,
    /// Out of a hundred calls, so many take five times as long as the others.
    long: u64,
    /// A client gives up after so long.
    patience: u64,
}

/// How it went for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    /// The limit, on average over time.
    pub(crate) limit: f64,
    /// The highest it was.
    pub(crate) highest: usize,
    /// Answers a second.
    pub(crate) answers: f64,
    /// What a call took, on average, in milliseconds.
    pub(crate) took: f64,
}

impl World {
    pub(crate) fn new(algorithm: impl Algorithm + 'static, initial: usize, knee: usize) -> Self {
        let (token, time) = CancelToken::manual();
        let builder = AdaptiveLimit::builder().algorithm(algorithm);
        let limit = builder.initial(initial).on(&token).build();
        let mut world = Self {
            limit: Arc::new(limit),
            time,
            now: 0,
            workers: BinaryHeap::new(),
            calls: BTreeMap::new(),
            numbers: 0,
            random: 7,
            call: CALL,
            demand: usize::MAX,
            long: 0,
            patience: 3 * CALL,
        };
        world.knee(knee);
        world
    }

    /// From now on the server works on so many calls at a time.
    pub(crate) fn knee(&mut self, knee: usize) {
        while self.workers.len() < knee {
            self.workers.push(Reverse(self.now));
        }
        while self.workers.len() > knee {
            // The one who is through first goes home then.
            self.workers.pop();
        }
    }

    /// Lets time pass. What comes of it is of the last half of that time.
    pub(crate) fn run(&mut self, seconds: u64) -> Report {
        let (half, end) = (self.now + seconds * SECOND / 2, self.now + seconds * SECOND);
        let (mut answers, mut took, mut area, mut highest) = (0_u64, 0, 0.0, 0);
        loop {
            while self.calls.len() < self.demand {
                let Ok(admission) = self.limit.try_acquire_owned() else {
                    break;
                };
                self.serve(admission);
            }
            let next = self.calls.first_key_value().map(|((at, _), _)| *at);
            let next = next.filter(|&next| next < end).unwrap_or(end);
            if next > half {
                area += (next - self.now.max(half)) as f64 * self.limit.limit() as f64;
                highest = highest.max(self.limit.limit());
            }
            self.time.advance(Duration::from_micros(next - self.now));
            self.now = next;
            if next == end {
                break;
            }
            let (_, (began, admission)) = self.calls.pop_first().expect("it is the next one");
            let took_now = self.now - began;
            if took_now >= self.patience {
                admission.dropped();
            } else {
                admission.succeeded();
                if self.now > half {
                    answers += 1;
                    took += took_now;
                }
            }
        }
        let counted = (end - half) as f64;
        Report {
            limit: area / counted,
            highest,
            answers: answers as f64 / counted * SECOND as f64,
            took: took as f64 / answers.max(1) as f64 / 1_000.0,
        }
    }

    /// The server takes the call on; it ends when a worker has had time for it, or the client has
    /// no more patience. (Then the worker does it all the same.)
    fn serve(&mut self, admission: OwnedAdmission) {
        let Reverse(free) = self.workers.pop().expect("somebody works");
        let mut work = self.call * (80 + self.random(41)) / 100;
        if self.random(100) < self.long {
            work *= 5;
        }
        let done = free.max(self.now) + work;
        self.workers.push(Reverse(done));
        let end = done.min(self.now + self.patience);
        self.numbers += 1;
        self.calls
            .insert((end, self.numbers), (self.now, admission));
    }

    fn random(&mut self, below: u64) -> u64 {
        // D. Knuth's MMIX generator; its upper half is the better one.
        let next = self.random.wrapping_mul(6_364_136_223_846_793_005);
        self.random = next.wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }
}

pub(crate) type Make = fn() -> Box<dyn Algorithm>;

/// The algorithms, with seeds for those that draw.
pub(crate) const ALGORITHMS: [(&str, Make); 3] = [
    ("Aimd", || {
        Box::new(Aimd::default().timeout(Duration::from_micros(2 * CALL)))
    }),
    ("Vegas", || Box::new(Vegas::default().seed(1))),
    ("Gradient2", || Box::new(Gradient2::default().seed(1))),
];

/// A name, and what happens.
pub(crate) type Scene = (&'static str, fn(Make) -> Report);

pub(crate) const SCENES: [Scene; 7] = [
    ("from 5 up to 50", |make| World::new(make(), 5, 50).run(20)),
    ("from 200 down to 50", |make| {
        World::new(make(), 200, 50).run(20)
    }),
    ("the knee falls, 100 to 50", |make| {
        let mut world = World::new(make(), 20, 100);
        world.run(20);
        world.knee(50);
        world.run(20)
    }),
    ("the knee rises, 25 to 50", |make| {
        let mut world = World::new(make(), 20, 25);
        world.run(20);
        world.knee(50);
        world.run(20)
    }),
    ("after a second of tenfold time", |make| {
        let mut world = World::new(make(), 20, 50);
        world.run(20);
        world.call = 10 * CALL;
        world.run(1);
        world.call = CALL;
        world.run(20)
    }),
    ("one call in twenty takes 50 ms", |make| {
        let mut world = World::new(make(), 20, 50);
        world.long = 5;
        world.patience = 20 * CALL;
        world.run(20)
    }),
    ("calls take twice as long for good", |make| {
        let mut world = World::new(make(), 20, 50);
        world.run(20);
        world.call = 2 * CALL;
        world.patience *= 2;
        world.run(40)
    }),
];

pub(crate) fn table(scenes: &[Scene]) -> String {
    let mut table = String::from("knee 50                            algorithm  limit  highest");
    table += "  answers/s   ms each\n";
    for (scene, run) in scenes {
        for (name, make) in ALGORITHMS {
            let Report {
                limit,
                highest,
                answers,
                took,
            } = run(make);
            table += &format!(
                "{scene:<34} {name:<9} {limit:>6.1} {highest:>8} {answers:>10.0} {took:>9.1}\n"
            );
        }
    }
    table
}

fn main() {
    print!("{}", table(&SCENES));
}
