//! Each algorithm finds the knee of a simulated server, follows it, and does not drift off: the
//! example's world, on a manual clock, from fixed seeds.
#![cfg(not(loom))]

#[allow(dead_code, reason = "the example's own `main` is not called")]
#[path = "../examples/adaptive_limit.rs"]
mod example;

use anabranch_semaphore::adaptive::{Aimd, Algorithm, Gradient2, Sample, Vegas};
use example::{ALGORITHMS, Report, SCENES, World, table};
use std::{ops::RangeInclusive, time::Duration};

/// All scenes; Aimd's timeout of 20 ms is no good where calls take that long by themselves.
fn holds(name: &str, limit: RangeInclusive<f64>, most: usize, answers: f64, took: f64) {
    let (_, make) = ALGORITHMS.iter().find(|(it, _)| *it == name).unwrap();
    for (scene, run) in SCENES {
        if name == "Aimd" && scene == "calls take twice as long for good" {
            continue;
        }
        let slower = match scene {
            "calls take twice as long for good" => 2.0,
            "one call in twenty takes 50 ms" => 1.2,
            _ => 1.0,
        };
        let report = run(*make);
        assert!(limit.contains(&report.limit), "{scene}: {report:?}");
        assert!(report.highest <= most, "{scene}: {report:?}");
        assert!(report.answers * slower >= answers, "{scene}: {report:?}");
        assert!(report.took <= took * slower, "{scene}: {report:?}");
    }
}

/// Its edge is where a call takes its timeout of 20 ms: at twice the knee.
#[test]
fn aimd_stays_below_its_timeout_whatever_happens() {
    holds("Aimd", 85.0..=105.0, 110, 4_900.0, 20.0);
}

#[test]
fn vegas_finds_the_knee_from_anywhere_and_follows_it() {
    holds("Vegas", 45.0..=60.0, 70, 4_750.0, 12.0);
}

/// One and a half times the knee, with a tolerance of one and a half.
#[test]
fn gradient2_finds_the_knee_from_anywhere_and_follows_it() {
    holds("Gradient2", 65.0..=85.0, 100, 4_750.0, 17.5);
}

#[test]
fn the_table_has_a_line_for_each_and_comes_out_the_same_each_time() {
    let scenes = &SCENES[..1];
    let once = table(scenes);
    assert_eq!(once.lines().count(), 1 + ALGORITHMS.len());
    assert_eq!(once, table(scenes));
}

/// Five minutes in which the clients want more than the server can do, without a pause.
fn five_minutes_of_overload(algorithm: impl Algorithm + 'static) -> Report {
    World::new(algorithm, 20, 10).run(300)
}

/// The gradient as it was first described: the long average follows the load, and room for a queue
/// is added always.
struct Drifting {
    long: f64,
}

impl Algorithm for Drifting {
    fn update(&mut self, limit: f64, sample: Sample) -> f64 {
        let short = sample.rtt.as_secs_f64();
        self.long += (short - self.long) / 100.0;
        let gradient = (self.long / short).clamp(0.5, 1.0);
        limit * 0.8 + (limit * gradient + 4.0) * 0.2
    }
}

/// Netflix/concurrency-limits, on Vegas and Gradient2: the baseline drifts up under load, the limit
/// grows slowly and without end. The one that drifts shows that this world would show it.
#[test]
fn under_overload_that_does_not_end_the_limit_does_not_drift_up() {
    let drifting = World::new(Drifting { long: 0.01 }, 20, 10).run(30);
    assert!(drifting.highest > 25, "{drifting:?}");
    assert!(drifting.took > 20.0, "{drifting:?}");
    let vegas = five_minutes_of_overload(Vegas::default().seed(3));
    assert!(vegas.highest <= 24 && vegas.took < 15.0, "{vegas:?}");
    let gradient = five_minutes_of_overload(Gradient2::default().seed(3));
    assert!(
        gradient.highest <= 24 && gradient.took < 17.0,
        "{gradient:?}"
    );
}

/// So many clients that the gradient would be about 0.8, and never more.
#[test]
fn under_modest_overload_the_limit_does_not_grow_either() {
    for seed in 0..3 {
        let mut world = World::new(Gradient2::default().seed(seed), 10, 10);
        world.demand = 19;
        let report = world.run(100);
        assert!(report.highest <= 26 && report.limit <= 18.0, "{report:?}");
        let mut world = World::new(Vegas::default().seed(seed), 10, 10);
        world.demand = 14;
        let report = world.run(100);
        assert!(report.highest <= 26 && report.limit <= 18.0, "{report:?}");
    }
}

#[test]
fn a_limit_that_is_not_needed_grows_to_no_more_than_twice_what_is_used_and_a_step() {
    for (name, make) in ALGORITHMS {
        let mut world = World::new(make(), 5, 50);
        world.demand = 10;
        let report = world.run(20);
        assert!(report.highest <= 26, "{name}: {report:?}");
    }
}

#[test]
fn a_ceiling_on_the_baseline_holds_where_the_first_calls_were_slow() {
    let ceiling = Duration::from_millis(11);
    let vegas = Vegas::default().baseline_at_most(ceiling).probe_every(0);
    let report = World::new(vegas, 100, 10).run(60);
    assert!(report.highest <= 20, "{report:?}");
    let aimd = World::new(Aimd::default(), 100, 10).run(60);
    assert!(
        aimd.took > 25.0,
        "with five seconds of timeout it has no reason: {aimd:?}"
    );
}
