//! The program as a person or a script runs it: what it prints where, and its exit codes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anabranch_scraper::site::{Site, SiteConfig};

/// Far longer than anything here takes: a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn scraper(args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scraper"));
    command
        .args(args.split_whitespace())
        // A proxy has no way to the loopback address of a test's own site.
        .env("NO_PROXY", "*")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(proxy);
    }
    command
}

fn run(args: &str) -> Output {
    scraper(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let kill = Command::new("kill").args([name, &id]).status().unwrap();
    assert!(kill.success());
}

#[test]
fn a_short_crawl_ends_well_with_a_table_and_a_summary_and_no_bar() {
    let output = run("--max-pages 12 --rows 3");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(out.contains("… and 9 more (--rows 12 shows all)"), "{out}");
    assert!(out.contains("done in "), "{out}");
    assert!(
        out.contains("0 abandoned, 0 never begun") && out.contains("never over"),
        "{out}"
    );
    // Standard error is no terminal here.
    assert!(
        err.starts_with("crawling http://127.0.0.1:") && err.lines().count() == 1,
        "{err:?}"
    );
}

#[test]
fn json_is_all_there_is_on_standard_output() {
    let output = run("--json --quiet --max-pages 7 --workers 1");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["ended"], &report["workers"]),
        (&"complete".into(), &1.into())
    );
    assert_eq!(report["pages"].as_array().unwrap().len(), 7);
}

#[test]
fn ctrl_c_in_the_middle_ends_it_with_130_and_a_summary_of_what_was_done() {
    let site = Site::start(&SiteConfig {
        fine: 20,
        slow: 0,
        silent: 3,
        ..SiteConfig::default()
    })
    .unwrap();
    // One worker more than there are silent pages, to do all the rest.
    let args = format!("--url {} --timeout 1m --burst 1000 --workers 4", site.url());
    let child = scraper(&args).spawn().unwrap();
    // Every request has come, and three of them will never be answered.
    let all = site.expected().requests(5);
    let began = Instant::now();
    while site.arrivals().len() < all {
        assert!(began.elapsed() < PATIENCE, "{}", site.arrivals().len());
        std::thread::yield_now();
    }
    assert!(site.wait_until(PATIENCE, |open| open.requests == 3));
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{out}");
    assert!(out.contains("by Ctrl-C (SIGINT)\n"), "{out}");
    // The fourth worker may have been at the last page, answered and not read yet.
    let abandoned = out.matches("abandoned  by worker ").count();
    assert!([3, 4].contains(&abandoned), "{out}");
    let rest = format!("{abandoned} abandoned, 0 never begun");
    assert!(out.contains(&rest), "{out}");
    assert!(!out.contains(" has not come back "), "{out}");
    let readable = site.expected().readable();
    let read = |pages: usize| out.contains(&format!("pages      {pages} read ("));
    assert!(read(readable) || read(readable - 1), "{out}");
}

#[test]
fn a_signal_at_the_first_sign_of_life_is_reported_too() {
    let mut child = scraper("--json").spawn().unwrap();
    let mut line = String::new();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    err.read_line(&mut line).unwrap();
    assert!(line.starts_with("crawling "), "{line:?}");
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ended"], "interrupted");
    assert_eq!(report["exit_code"], 143);
}

#[test]
fn the_deadline_ends_it_with_3_and_a_summary() {
    let output = run("--deadline 300ms --rate 10 --burst 1");
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{out}");
    assert!(out.contains("the deadline of 300ms was reached"), "{out}");
}

#[test]
fn wrong_input_ends_with_2_and_says_what_was_meant() {
    for (args, expected) in [
        ("--workrs 3", "'--workers'"),
        ("--rate 500", "2..=50"),
        ("--deadline soon", "write it as 500ms, 10s or 1m 30s"),
        ("--url localhost/x", "did you mean https://localhost/x?"),
        ("--url ftp://a.org/", "is no http or https address"),
        ("--file no-such-file.txt", "cannot read no-such-file.txt"),
        ("http://a.org", "--help"),
    ] {
        let output = run(args);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args}: {err}");
        assert!(err.starts_with("error: "), "{args}: {err}");
        assert!(
            err.contains(expected) && err.contains("'--help'"),
            "{args}: {err}"
        );
        assert_eq!(text(&output.stdout), "", "{args}");
    }
}

#[test]
fn whoever_reads_may_leave_early() {
    let mut child = scraper("--json --quiet --max-pages 3").spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}
