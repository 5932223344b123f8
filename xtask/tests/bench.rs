//! `cargo xtask bench` as a person runs it: exit codes, failed cells, planted work.
//!
//! The runner is built without optimisation, which is quicker; nothing here depends on how fast
//! anything is, only on one side being made to do several times the work of the other.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const SEED: [&str; 2] = ["--seed", "1"];

fn bench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["bench", "--profile", "dev"])
        .args(args)
        .args(SEED)
        .env("ANABRANCH_BENCH_SELF_CHECK", "1")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A file with one bar: `twin` may be 1.5 times tokio-util, whose double it is.
fn bar_of_the_twin(folder: &Path) -> String {
    let file = folder.join("bars.toml");
    let bar = "[[bar]]\nid = \"twin\"\ncrate = \"core-cancel\"\nworkload = \"C2-1\"\n\
               ours = \"twin\"\nagainst = \"tokio-util\"\nat_most = 1.5\n";
    std::fs::write(&file, bar).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn smoke_passes_and_says_how_many() {
    let output = bench(&["--smoke", "-w", "C1*", "--peers", "tokio-util"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains(", 0 failed"));
}

#[test]
fn a_wrong_result_fails_the_smoke_test_with_the_line_that_repeats_it() {
    let output = bench(&["--smoke", "-w", "C2-1", "--peers", "broken"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stdout(&output);
    assert!(
        text.contains("FAILED C2-1/broken: the last child did not see"),
        "{text}"
    );
    assert!(
        text.contains("cargo run -p anabranch-benches -- run C2-1 broken --ops"),
        "{text}"
    );
}

#[test]
fn a_wrong_result_is_a_failed_cell_and_never_a_figure() {
    let args = ["-w", "C2-1", "--peers", "broken", "--rounds", "1"];
    let output = bench(&[&args[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(2));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let figures = summary["figures"].as_array().unwrap();
    let broken = figures
        .iter()
        .find(|figure| figure["impl"] == "broken")
        .unwrap();
    assert!(broken["error"].as_str().unwrap().contains("did not see"));
    for figure in ["ns_per_op", "cpu_ns_per_op", "wall_s", "rss_kib", "to_best"] {
        assert!(
            broken[figure].is_null(),
            "{figure} of a failed cell: {broken}"
        );
    }
    let other = figures
        .iter()
        .find(|figure| figure["impl"] == "Arc-clone")
        .unwrap();
    assert!(
        other["ns_per_op"]["median"].as_f64().unwrap() > 0.0,
        "the others are measured"
    );
}

#[test]
fn planted_work_is_called_missed_and_none_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let bars = bar_of_the_twin(folder.path());
    let args = ["--bars", "--bars-file", &bars, "--rounds", "7"];

    let output = bench(&args);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(!text.contains("MISSED"), "{text}");

    let output = bench(&[&args[..], &["--plant", "C2-1/twin=4"]].concat());
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("MISSED") && text.contains("bars: 1 missed"),
        "{text}"
    );
    assert!(
        stderr(&output).contains("planted: C2-1/twin does 4 times"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_nobody_has_is_an_error_with_near_matches() {
    let output = bench(&["--smoke", "-w", "C2-l"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("C2-1"), "{}", stderr(&output));

    let folder = tempfile::tempdir().unwrap();
    let bars = bar_of_the_twin(folder.path());
    let text = std::fs::read_to_string(&bars)
        .unwrap()
        .replace("\"tokio-util\"", "\"tokio-utl\"");
    std::fs::write(&bars, text).unwrap();
    let output = bench(&["--bars", "--bars-file", &bars]);
    assert_eq!(output.status.code(), Some(2));
    let message = stderr(&output);
    assert!(
        message.contains("bar `twin`") && message.contains("tokio-util"),
        "{message}"
    );
}

#[test]
fn too_few_rounds_for_a_verdict_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bars = bar_of_the_twin(folder.path());
    let output = bench(&["--bars", "--bars-file", &bars, "--rounds", "6"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("at least 7"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn list_says_why_a_cell_is_out() {
    let output = bench(&["--list", "-w", "C1*", "--peers", "none"]);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    assert!(text.contains("out: not in -w C1*"), "{text}");
    assert!(
        text.contains("out: a peer that is not in --peers none"),
        "{text}"
    );
}
