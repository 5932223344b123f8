//! What came of a cell.

use super::counts::{Counts, counts};
use super::process::End;
use super::table::{Row, Says};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed(Counts),
    Failed {
        why: String,
        counts: Counts,
    },
    Skipped(String),
    /// The run ended before its turn.
    NotRun,
}

impl Outcome {
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, Outcome::Failed { .. })
    }

    pub(crate) fn counts(&self) -> Counts {
        match self {
            Outcome::Passed(counts) | Outcome::Failed { counts, .. } => *counts,
            Outcome::Skipped(_) | Outcome::NotRun => Counts::default(),
        }
    }

    /// `412 passed`, `ok`, `2 of 14 tests failed`
    pub(crate) fn words(&self, says: Says) -> String {
        match (self, says) {
            (Outcome::Passed(counts), Says::Counts) => format!("{} passed", counts.passed),
            (Outcome::Passed(_), Says::Verdict) => "ok".to_owned(),
            (Outcome::Failed { why, .. }, _) => why.clone(),
            (Outcome::Skipped(why), _) => format!("skipped: {why}"),
            (Outcome::NotRun, _) => "not run".to_owned(),
        }
    }
}

/// Weighs the end of a command and its log. Any doubt is a failure.
pub(crate) fn judge(row: &Row, end: End, log: &str) -> Outcome {
    let counts = match row.says {
        Says::Counts => counts(log),
        Says::Verdict => Counts::default(),
    };
    let why = match end {
        End::Interrupted => "interrupted".to_owned(),
        End::TimedOut(after) => format!("timeout after {} s", after.as_secs()),
        End::Exited(_) if counts.failed > 0 => {
            format!("{} of {} tests failed", counts.failed, counts.ran())
        }
        // nextest takes this for an error and says so by its exit code; cargo is content.
        End::Exited(status)
            if row.says == Says::Counts
                && counts.ran() == 0
                && (status.success() || status.code() == Some(NEXTEST_NO_TESTS)) =>
        {
            "ran no test".to_owned()
        }
        End::Exited(status) if status.success() => return Outcome::Passed(counts),
        End::Exited(status) => match status.code() {
            Some(code) => format!("exit code {code}"),
            None => format!("{status}"),
        },
    };
    Outcome::Failed { why, counts }
}

/// What nextest exits with when it was given no test to run.
const NEXTEST_NO_TESTS: i32 = 4;

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::matrix::table::Tool;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;
    use std::time::Duration;

    fn exited(code: i32) -> End {
        End::Exited(ExitStatus::from_raw(code << 8))
    }

    fn why(outcome: Outcome) -> String {
        match outcome {
            Outcome::Failed { why, .. } => why,
            other => panic!("not a failure: {other:?}"),
        }
    }

    const TWO: &str = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured";
    const NONE: &str = "test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured";

    #[test]
    fn tests_that_ran_and_passed_pass() {
        let counts = Counts {
            passed: 2,
            ..Counts::default()
        };
        assert_eq!(
            judge(Tool::Tests.row(), exited(0), TWO),
            Outcome::Passed(counts)
        );
    }

    #[test]
    fn no_test_at_all_is_a_failure_even_when_the_command_is_content() {
        assert_eq!(
            why(judge(Tool::Tests.row(), exited(0), NONE)),
            "ran no test"
        );
        assert_eq!(why(judge(Tool::Loom.row(), exited(0), "")), "ran no test");
        // nextest's own way to say it.
        let log = "Summary [ 0.0s] 0 tests run: 0 passed, 0 skipped\nerror: no tests to run";
        assert_eq!(why(judge(Tool::Tests.row(), exited(4), log)), "ran no test");
    }

    #[test]
    fn a_check_needs_no_tests() {
        assert!(!judge(Tool::Clippy.row(), exited(0), "").is_failure());
    }

    #[test]
    fn a_build_failure_is_not_mistaken_for_a_lack_of_tests() {
        let log = "error[E0425]: no such value\nerror: could not compile `pool` (lib)\n";
        assert_eq!(
            why(judge(Tool::Tests.row(), exited(101), log)),
            "exit code 101"
        );
    }

    #[test]
    fn a_crash_after_passing_tests_is_a_failure() {
        assert_eq!(
            why(judge(Tool::Tests.row(), exited(101), TWO)),
            "exit code 101"
        );
        let aborted = End::Exited(ExitStatus::from_raw(6));
        assert!(why(judge(Tool::Tests.row(), aborted, TWO)).contains("signal"));
    }

    #[test]
    fn failed_tests_are_counted_whatever_the_exit_code() {
        let log = "test result: FAILED. 12 passed; 2 failed; 0 ignored; 0 measured";
        assert_eq!(
            why(judge(Tool::Tests.row(), exited(0), log)),
            "2 of 14 tests failed"
        );
    }

    #[test]
    fn time_over_says_so() {
        let why = why(judge(
            Tool::Tests.row(),
            End::TimedOut(Duration::from_secs(5)),
            TWO,
        ));
        assert_eq!(why, "timeout after 5 s");
    }
}
