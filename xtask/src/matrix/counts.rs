//! How many tests ran, read from what the harness printed.

/// Tests of one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Marked `#[ignore]`, or filtered out.
    pub(crate) ignored: usize,
}

impl Counts {
    pub(crate) fn ran(self) -> usize {
        self.passed + self.failed
    }
}

/// Reads a log of `cargo nextest` or of `cargo test`, whichever it is.
pub(crate) fn counts(log: &str) -> Counts {
    match log.lines().rev().find_map(nextest) {
        Some(counts) => counts,
        None => log
            .lines()
            .filter_map(libtest)
            .fold(Counts::default(), |sum, one| Counts {
                passed: sum.passed + one.passed,
                failed: sum.failed + one.failed,
                ignored: sum.ignored + one.ignored,
            }),
    }
}

/// `     Summary [   0.012s] 5/9 tests run: 3 passed (1 slow), 1 failed, 1 timed out, 2 skipped`
fn nextest(line: &str) -> Option<Counts> {
    let rest = line.trim_start().strip_prefix("Summary [")?;
    let (_, numbers) = rest.split_once("run: ")?;
    let mut counts = Counts::default();
    for part in without_parentheses(numbers).split(',') {
        let (number, word) = part.trim().split_once(' ')?;
        let number: usize = number.parse().ok()?;
        match word.trim() {
            "passed" => counts.passed += number,
            "skipped" => counts.ignored += number,
            // failed, timed out, exec failed, and what later versions may add: a word we do not
            // know must not make a failure vanish.
            _ => counts.failed += number,
        }
    }
    Some(counts)
}

/// `test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished ...`
fn libtest(line: &str) -> Option<Counts> {
    let rest = line.strip_prefix("test result: ")?;
    let (_, numbers) = rest.split_once(". ")?;
    let mut counts = Counts::default();
    for part in numbers.split(';') {
        // The last part is a time, and no number with a word.
        let Some((number, word)) = part.trim().split_once(' ') else {
            continue;
        };
        let Ok(number) = number.parse::<usize>() else {
            continue;
        };
        match word {
            "passed" => counts.passed += number,
            "failed" => counts.failed += number,
            "ignored" => counts.ignored += number,
            _ => {}
        }
    }
    Some(counts)
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0usize;
    text.chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(passed: usize, failed: usize, ignored: usize) -> Counts {
        Counts {
            passed,
            failed,
            ignored,
        }
    }

    #[test]
    fn the_binaries_of_cargo_test_are_summed_up() {
        let log = "running 3 tests\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            running 2 tests\n\
            test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(counts(log), of(4, 1, 1));
    }

    #[test]
    fn nextest_says_it_in_one_line() {
        let log = "     Summary [   0.012s] 5 tests run: 5 passed, 2 skipped\n";
        assert_eq!(counts(log), of(5, 0, 2));
        assert_eq!(
            counts("     Summary [   0.001s] 1 test run: 1 passed, 0 skipped\n"),
            of(1, 0, 0)
        );
        assert_eq!(
            counts("     Summary [   0.001s] 0 tests run: 0 passed, 0 skipped\n"),
            of(0, 0, 0)
        );
    }

    #[test]
    fn every_way_to_fail_counts_as_failed() {
        let log = "     Summary [  61.0s] 6/9 tests run: 2 passed (1 slow, 1 flaky), \
                   1 failed, 2 timed out, 1 exec failed, 3 skipped\n";
        assert_eq!(counts(log), of(2, 4, 3));
        assert_eq!(
            counts("Summary [ 1s] 2 tests run: 1 passed, 1 melted"),
            of(1, 1, 0)
        );
    }

    #[test]
    fn lines_that_tests_print_themselves_are_not_counted() {
        let log = "    test result: ok. 99 passed; 0 failed; 0 ignored\n\
            test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(counts(log), of(1, 0, 0));
        // A runner tested by a runner: the outer summary is the last one.
        let nested = "Summary [ 1s] 7 tests run: 7 passed\nSummary [ 2s] 1 test run: 1 failed\n";
        assert_eq!(counts(nested), of(0, 1, 0));
    }

    #[test]
    fn a_build_that_failed_ran_nothing() {
        assert_eq!(
            counts("error[E0425]: cannot find value `x` in this scope\n").ran(),
            0
        );
    }
}
