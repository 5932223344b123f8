//! The runner, run: on crates that pass, fail, hang or have no tests, as a user would see it.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

/// A copy of the fixture workspace, so that nothing is built or locked inside the repository.
struct Fixture {
    folder: TempDir,
}

/// What a run left behind.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture");
        copy(&original, folder.path());
        Self { folder }
    }

    fn manifest(&self) -> PathBuf {
        self.folder
            .path()
            .join("Cargo.toml")
            .canonicalize()
            .unwrap()
    }

    /// `cargo xtask test <options>`
    fn test(&self, options: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .arg("test")
            .arg("--manifest-path")
            .arg(self.manifest())
            .args(options);
        self.run(command)
    }

    /// A line that the runner printed, typed into a shell somewhere else. `cargo xtask` is replaced
    /// by the program it stands for: cargo would first build xtask again.
    fn typed(&self, line: &str) -> Ran {
        let line = line.replace("cargo xtask ", &format!("{} ", env!("CARGO_BIN_EXE_xtask")));
        let mut command = Command::new("sh");
        command.args(["-c", &line]).current_dir("/");
        self.run(command)
    }

    fn run(&self, mut command: Command) -> Ran {
        self.environment(&mut command);
        Ran::from(command.output().unwrap())
    }

    fn environment(&self, command: &mut Command) {
        command.env("CARGO_TARGET_DIR", self.folder.path().join("target"));
        command.env("FIXTURE_PID_FILE", self.pid_file());
        // Flags meant for the outer build, such as `--cfg loom`, are not meant for the fixture.
        command.env_remove("RUSTFLAGS");
    }

    /// That the test of `hangs` had started, and is gone with the process it waited for.
    #[track_caller]
    fn assert_nothing_left(&self) {
        let pids = fs::read_to_string(self.pid_file()).expect("the test had started");
        for pid in pids.split_whitespace() {
            assert!(!is_running(pid), "process {pid} is left over");
        }
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.path().join("pids")
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("ended by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    fn last_line(&self) -> &str {
        self.out.lines().last().unwrap_or_default()
    }

    /// The rest of the line that starts with `label`.
    fn after(&self, label: &str) -> &str {
        let found = self
            .out
            .lines()
            .find_map(|line| line.trim_start().strip_prefix(label));
        found
            .unwrap_or_else(|| panic!("no `{label}` in:\n{}{}", self.out, self.err))
            .trim()
    }

    #[track_caller]
    fn assert_out(&self, text: &str) {
        assert!(
            self.out.contains(text),
            "no `{text}` in:\n{}{}",
            self.out,
            self.err
        );
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn a_passing_crate_passes_with_its_counts() {
    let ran = Fixture::new().test(&["-p", "fine"]);
    // 2 tests without the feature, 3 with it, and the doctest under both.
    assert_eq!(
        ran.last_line(),
        "8 passed, 0 failed, 0 skipped",
        "{}{}",
        ran.out,
        ran.err
    );
    assert_eq!(ran.code, 0);
}

#[test]
fn a_failing_cell_is_named_and_the_commands_it_prints_fail_again() {
    let fixture = Fixture::new();
    let ran = fixture.test(&["-p", "fails", "-p", "fine", "-t", "tests"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert_eq!(ran.last_line(), "6 passed, 1 failed, 0 skipped");
    assert!(
        ran.after("FAIL   ")
            .starts_with("fails default tests: 1 of 2 tests failed")
    );
    // The log's end is shown, and kept.
    ran.assert_out("the fixture fails as it should");
    assert!(Path::new(ran.after("log:")).is_absolute() || ran.after("log:").starts_with("target/"));

    let again = fixture.typed(ran.after("again:"));
    assert_eq!(again.code, 1, "{}{}", again.out, again.err);
    assert_eq!(again.last_line(), "1 passed, 1 failed, 0 skipped");

    let direct = fixture.typed(ran.after("direct:"));
    assert_ne!(direct.code, 0);
    let said = format!("{}{}", direct.out, direct.err);
    assert!(said.contains("the fixture fails as it should"), "{said}");
}

#[test]
fn a_crate_without_tests_fails() {
    let ran = Fixture::new().test(&["-p", "empty"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.after("FAIL   ")
            .starts_with("empty default tests: ran no test"),
        "{}",
        ran.out
    );
    ran.assert_out("empty default doctest: ran no test");
    assert_eq!(ran.last_line(), "0 passed, 2 failed, 0 skipped");
}

#[test]
fn a_test_that_hangs_is_ended_with_all_it_started() {
    let fixture = Fixture::new();
    // Built first, for the limit to be spent on the test and not on the compiler.
    let manifest = fixture.manifest().display().to_string();
    let built = fixture.typed(&format!(
        "cargo test --no-run -p fixture-hangs --manifest-path {manifest}"
    ));
    assert_eq!(built.code, 0, "{}", built.err);
    let ran = fixture.test(&["-p", "hangs", "-t", "tests", "--timeout", "8"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.after("FAIL   ").contains("timeout after 8 s"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert_eq!(ran.last_line(), "0 passed, 1 failed, 0 skipped");
    fixture.assert_nothing_left();
}

fn is_running(pid: &str) -> bool {
    let stat = Command::new("ps")
        .args(["-o", "stat=", "-p", pid])
        .output()
        .unwrap();
    let stat = String::from_utf8(stat.stdout).unwrap();
    !stat.trim().is_empty() && !stat.starts_with('Z')
}

#[test]
fn an_interrupt_ends_the_run_with_all_it_started() {
    let fixture = Fixture::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .arg("test")
        .arg("--manifest-path")
        .arg(fixture.manifest());
    fixture.environment(&mut command);
    command
        .args(["-p", "hangs"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let runner = command.spawn().unwrap();
    let written = || fs::read_to_string(fixture.pid_file()).is_ok_and(|pids| pids.ends_with('\n'));
    let started = Instant::now();
    while !written() {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "the test never started"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    rustix::process::kill_process(Pid::from_child(&runner), Signal::INT).unwrap();
    let ran = Ran::from(runner.wait_with_output().unwrap());
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    ran.assert_out("hangs default tests: interrupted");
    ran.assert_out("2 cells: 0 passed, 1 failed, 0 skipped, 1 not run");
    fixture.assert_nothing_left();
}

#[test]
fn a_skip_is_a_failure_only_under_strict() {
    let fixture = Fixture::new();
    let ran = fixture.test(&["-t", "msrv"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    ran.assert_out("skip1  no Rust 1.31");
    assert_eq!(ran.last_line(), "0 passed, 0 failed, 1 skipped");
    let strict = fixture.test(&["-t", "msrv", "--strict"]);
    assert_eq!(strict.code, 1, "{}{}", strict.out, strict.err);
    assert_eq!(strict.last_line(), "0 passed, 1 failed, 0 skipped");
}

#[test]
fn a_check_that_fails_fails_the_run() {
    let fixture = Fixture::new();
    // Dead code: a warning for cargo, an error for clippy as the runner calls it.
    let ran = fixture.test(&["-p", "fails", "-t", "clippy"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    ran.assert_out("nobody_calls_me");
    assert_eq!(ran.last_line(), "0 passed, 1 failed, 0 skipped");
}

#[test]
fn warnings_are_shown_even_when_everything_passes() {
    let fixture = Fixture::new();
    let source = fixture.folder.path().join("fine/src/lib.rs");
    let with_dead_code = fs::read_to_string(&source).unwrap() + "\nfn forgotten() {}\n";
    fs::write(&source, with_dead_code).unwrap();
    let ran = fixture.test(&["-p", "fine", "-t", "tests"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(
        ran.out
            .matches("warning: function `forgotten` is never used")
            .count(),
        1
    );
}

#[test]
fn fail_fast_leaves_the_rest_and_says_so() {
    let ran = Fixture::new().test(&["-p", "empty", "-p", "fine", "-t", "tests", "--fail-fast"]);
    assert_eq!(ran.code, 1);
    ran.assert_out("3 cells: 0 passed, 1 failed, 0 skipped, 2 not run");
}

#[test]
fn list_runs_nothing_and_gives_reasons() {
    let fixture = Fixture::new();
    let ran = fixture.test(&["--list"]);
    assert_eq!(ran.code, 0);
    let line = |cell: &str| {
        let found = ran.out.lines().find(|line| line.contains(cell));
        found
            .unwrap_or_else(|| panic!("no `{cell}` in:\n{}", ran.out))
            .to_owned()
    };
    assert!(line("fine all tests").starts_with("in"));
    assert!(line("fine default clippy").starts_with("out"));
    assert!(line("fine default loom").starts_with("in"));
    assert!(line("fails default loom").starts_with("n/a"));
    assert!(line("fails default loom").ends_with("no tests/loom*.rs"));
    assert!(
        !fixture.folder.path().join("target").exists(),
        "something was built"
    );
}

#[test]
fn an_unknown_crate_is_an_error_with_a_hint() {
    let ran = Fixture::new().test(&["-p", "fien"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("no crate `fien`; did you mean fine?"),
        "{}",
        ran.err
    );
}
