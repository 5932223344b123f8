//! The runner as a program: what it prints, and how it exits.

use std::process::{Command, Output};

use serde_json::Value;

fn runner(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_anabranch-bench"))
        .args(args)
        .output()
        .unwrap()
}

fn line(output: &Output) -> Value {
    let text = str::from_utf8(&output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "not one line: {text}");
    serde_json::from_str(text).unwrap()
}

#[test]
fn list_names_each_cell_with_what_a_plan_needs() {
    let output = runner(&["list"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let cells: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(cells.len() > 20);
    for cell in cells {
        for key in ["w", "impl", "crate", "kind", "version", "shape", "about"] {
            assert!(
                cell[key].as_str().is_some_and(|text| !text.is_empty()),
                "{key} in {cell}"
            );
        }
        assert_ne!(cell["impl"], "broken", "the planted cells are hidden");
        assert_eq!(cell["ops"].is_u64(), cell["shape"] != "repeat", "{cell}");
    }
}

#[test]
fn run_prints_one_figure() {
    let output = runner(&[
        "run",
        "C2-1",
        "tokio-util",
        "--ops",
        "1000",
        "--reps",
        "3",
        "--seed",
        "9",
    ]);
    assert!(output.status.success());
    let figure = line(&output);
    assert_eq!(
        (&figure["w"], &figure["impl"]),
        (&"C2-1".into(), &"tokio-util".into())
    );
    assert_eq!((&figure["ops"], &figure["reps"]), (&1000.into(), &3.into()));
    assert!(figure["ns_per_op"].as_f64().unwrap() > 0.0);
    assert!(figure["rss_kib"].as_u64().unwrap() > 0);
}

#[test]
fn a_latency_comes_with_its_quantiles() {
    let figure = line(&runner(&["run", "C5-thread", "park", "--ops", "30"]));
    assert!(figure["p99_us"].as_f64().unwrap() >= figure["median_us"].as_f64().unwrap());
}

#[test]
fn a_wrong_checksum_is_an_error_and_never_a_figure() {
    let output = Command::new(env!("CARGO_BIN_EXE_anabranch-bench"))
        .args(["run", "C2-1", "broken", "--ops", "10"])
        .env(anabranch_benches::cells::SELF_CHECK, "1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let failure = line(&output);
    assert!(
        failure["error"].as_str().unwrap().contains("did not see"),
        "{failure}"
    );
    assert!(failure["ns_per_op"].is_null());
}

#[test]
fn an_unknown_cell_is_an_error_of_another_kind() {
    let output = runner(&["run", "C2-1", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        line(&output)["error"]
            .as_str()
            .unwrap()
            .contains("tokio-util")
    );
}

#[test]
fn env_names_machine_and_build() {
    let environment = line(&runner(&["env"]));
    assert_eq!(environment["command"], "env");
    assert!(environment["rustc"].as_str().unwrap().starts_with("rustc"));
}
