//! Reading the file, and judging made-up rounds.

use super::super::protocol::tests::{cell, measured};
use super::*;

fn table() -> Vec<Cell> {
    vec![
        cell("C2-1", "ours", Kind::Ours),
        cell("C2-1", "tokio-util", Kind::Peer),
        cell("C4", "ours", Kind::Ours),
        cell("C2-1", "event-listener", Kind::Peer),
        cell("C2-1", "kanal", Kind::Unsound),
    ]
}

/// One row with the given lines added.
fn row(lines: &str) -> String {
    format!("[[bar]]\nid = \"a\"\ncrate = \"core-cancel\"\n{lines}\n")
}

const GOOD: &str = "workload = \"C2-1\"\nours = \"ours\"\nagainst = \"tokio-util\"\nat_most = 1.1";

fn error(text: &str) -> String {
    format!("{:#}", parse(text, &table()).unwrap_err())
}

#[test]
fn a_sound_row_finds_its_cells() {
    let bars = parse(&row(&format!("{GOOD}\nplus_ns = 2")), &table()).unwrap();
    assert_eq!((bars[0].ours, &bars[0].against[..]), (0, &[1][..]));
    assert_eq!(bars[0].bar.metric, "ns_per_op");
    assert_eq!(bars[0].bar.words(), "<= 1.1x + 2 ns");
    assert_eq!(
        bars[0].slots(),
        [Slot::first(0), Slot::first(1), Slot::again(1)]
    );
    assert!(parse("", &table()).unwrap().is_empty());
}

#[test]
fn an_absolute_bar_needs_no_other_side() {
    let lines = "workload = \"C4\"\nours = \"ours\"\nmetric = \"bytes\"\nmax_value = 96";
    let bars = parse(&row(lines), &table()).unwrap();
    assert_eq!(bars[0].bar.words(), "<= 96");
    assert_eq!(
        bars[0].slots(),
        [Slot::first(2), Slot::first(2), Slot::again(2)]
    );
}

#[test]
fn several_may_stand_on_the_other_side_and_each_is_measured_twice() {
    let several = "[\"tokio-util\", \"event-listener\"]";
    let bars = parse(&row(&GOOD.replace("\"tokio-util\"", several)), &table()).unwrap();
    assert_eq!(bars[0].against, [1, 3]);
    let (first, again) = (Slot::first, Slot::again);
    assert_eq!(
        bars[0].slots(),
        [first(0), first(1), again(1), first(3), again(3)]
    );
    let twice = "[\"tokio-util\", \"C2-1/tokio-util\"]";
    let message = error(&row(&GOOD.replace("\"tokio-util\"", twice)));
    assert!(message.contains("there twice"), "{message}");
}

#[test]
fn a_cell_of_another_workload_may_stand_on_the_other_side() {
    let other = |name: &str| row(&GOOD.replace("tokio-util", name));
    let bars = parse(&other("C4/ours"), &table()).unwrap();
    assert_eq!(bars[0].against, [2]);
    assert!(error(&other("C5/ours")).contains("C4"));
    assert!(error(&other("C4/tokio-util")).contains("implementation of C4"));
}

#[test]
fn no_bar_is_set_against_what_is_unsound() {
    let message = error(&row(&GOOD.replace("tokio-util", "kanal")));
    assert!(message.contains("`kanal` is unsound"), "{message}");
}

#[test]
fn unknown_names_are_errors_that_name_the_row_and_what_is_near() {
    let wrong = |from: &str, to: &str| error(&row(&GOOD.replace(from, to)));
    let message = wrong("\"C2-1\"", "\"C2-3\"");
    assert!(message.contains("bar `a`") && message.contains("`C2-3`") && message.contains("C2-1"));
    let message = wrong("tokio-util", "tokio-utl");
    assert!(
        message.contains("`tokio-utl`") && message.contains("tokio-util"),
        "{message}"
    );
    assert!(wrong("at_most", "at_almost").contains("at_most"));
    assert!(error(&row(&format!("{GOOD}\nmetric = \"p98_us\""))).contains("p99_us"));
    let message = error(&row(GOOD).replace("core-cancel", "core-cancl"));
    assert!(message.contains("core-cancel"), "{message}");
}

#[test]
fn rows_that_say_too_little_or_too_much_are_errors() {
    let ours_only = "workload = \"C2-1\"\nours = \"ours\"";
    assert!(error(&row(ours_only)).contains("sets no bar"));
    assert!(error(&row(&format!("{ours_only}\nat_most = 1"))).contains("needs `against`"));
    let against = format!("{ours_only}\nagainst = \"tokio-util\"");
    assert!(error(&row(&against)).contains("needs `at_most`"));
    assert!(error(&row(&GOOD.replace("1.1", "-1.0"))).contains("positive"));
    assert!(error(&row(&GOOD.replace("tokio-util", "ours"))).contains("same cell"));
    let bytes = format!("{GOOD}\nmetric = \"bytes\"\nplus_ns = 1");
    assert!(error(&row(&bytes)).contains("cannot be added"));
    assert!(error(&format!("{}{}", row(GOOD), row(GOOD))).contains("twice"));
}

#[test]
fn a_bar_with_two_limits_holds_both() {
    let lines = format!("{GOOD}\nplus_ns = 2\nmax_value = 20");
    let bar = &parse(&row(&lines), &table()).unwrap()[0].bar;
    assert!((bar.to_bar(1.0, Some(10.0)).1 - 13.0).abs() < 1e-9);
    assert_eq!(bar.to_bar(1.0, Some(100.0)), (1.0, 20.0));
}

#[test]
fn where_more_is_better_a_bar_is_a_least() {
    let lines = GOOD.replace("at_most = 1.1", "at_least = 1.1\nmin_value = 0.5");
    let lines = format!("{lines}\nmetric = \"achieved\"");
    let bar = &parse(&row(&lines), &table()).unwrap()[0].bar;
    assert_eq!(bar.words(), ">= 1.1x and 0.5");
    // Asked for over ours, so that at most one is good here, too.
    assert_eq!(bar.to_bar(0.9, Some(0.1)), (0.5, 0.9));
    assert!((bar.to_bar(0.9, Some(0.9)).0 - 0.99).abs() < 1e-9);
    let alone = "workload = \"C4\"\nours = \"ours\"\nmetric = \"bytes\"\nmin_value = 96";
    assert_eq!(
        parse(&row(alone), &table()).unwrap()[0].bar.words(),
        ">= 96"
    );
    assert!(error(&row(&format!("{GOOD}\nmin_value = 1"))).contains("not both"));
    assert!(error(&row(&format!("{alone}\nplus_ns = 1"))).contains("cannot be added"));
}

/// Ours at `factor` times the peer, over nine rounds in which the machine's speed wanders.
fn judged(factor: f64, noise: f64) -> Judged {
    let cells = table();
    let bar = &parse(&row(GOOD), &cells).unwrap()[0];
    let mut session = Session::new(&cells);
    for round in 0..9 {
        let speed = 10.0 + f64::from(round % 4);
        let wobble = if round % 2 == 0 { noise } else { 1.0 / noise };
        let mut add = |slot: Slot, ns: f64| {
            let figure = measured(&cells[slot.cell], ns);
            session.record(round as usize, slot, Ok(figure));
        };
        add(Slot::first(0), factor * speed);
        add(Slot::first(1), speed);
        add(Slot::again(1), speed * wobble);
    }
    bar.judge(&session, 1)
}

#[test]
fn thirty_percent_over_a_bar_of_ten_is_missed_and_five_is_met() {
    assert_eq!(judged(1.05, 1.01).verdict, Verdict::Met);
    let missed = judged(1.3, 1.01);
    assert_eq!(missed.verdict, Verdict::Missed);
    assert!((missed.ratio.unwrap().median - 1.3).abs() < 1e-9);
    assert!((missed.to_bar.unwrap().median - 1.3 / 1.1).abs() < 1e-9);
}

#[test]
fn a_miss_within_the_noise_is_unclear() {
    assert_eq!(judged(1.3, 1.25).verdict, Verdict::Unclear);
}

#[test]
fn a_failed_side_has_a_verdict_of_its_own() {
    let cells = table();
    let bar = &parse(&row(GOOD), &cells).unwrap()[0];
    let mut session = Session::new(&cells);
    assert_eq!(bar.judge(&session, 1).verdict, Verdict::Unclear);
    session.record(0, Slot::first(0), Ok(measured(&cells[0], 1.0)));
    session.record(0, Slot::first(1), Err("wrong sum".into()));
    let judged = bar.judge(&session, 1);
    assert_eq!(judged.verdict, Verdict::Failed);
    assert!(judged.ratio.is_none());
}

#[test]
fn the_best_of_several_counts_by_its_median_and_not_by_its_luckiest_round() {
    let cells = table();
    let several = GOOD.replace("\"tokio-util\"", "[\"tokio-util\", \"event-listener\"]");
    let bar = &parse(&row(&several), &cells).unwrap()[0];
    let mut session = Session::new(&cells);
    for round in 0..9 {
        let mut add = |slot: Slot, ns: f64| {
            session.record(round, slot, Ok(measured(&cells[slot.cell], ns)));
        };
        add(Slot::first(0), 10.5);
        // Ahead now and then, and behind in the middle.
        let lucky = if round % 4 == 0 { 1.0 } else { 20.0 };
        for (slot, ns) in [(1, lucky), (3, 10.0)] {
            add(Slot::first(slot), ns);
            add(Slot::again(slot), ns);
        }
    }
    let judged = bar.judge(&session, 1);
    assert_eq!(judged.against.as_deref(), Some("event-listener"));
    assert!((judged.ratio.unwrap().median - 1.05).abs() < 1e-9);
    assert_eq!(judged.verdict, Verdict::Met);

    session.record(9, Slot::first(1), Err("wrong sum".into()));
    assert_eq!(bar.judge(&session, 1).verdict, Verdict::Failed);
}
