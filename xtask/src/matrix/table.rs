//! What there is to run: one row per tool. Nothing else in xtask decides which cells exist.

use std::time::Duration;

use clap::ValueEnum;

use super::features::Kind;
use crate::workspace::Crate;

/// A column of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Tool {
    /// rustfmt changes nothing
    Fmt,
    /// dependencies: licences and sources as deny.toml allows
    Deny,
    /// clippy has nothing to say, in any target
    Clippy,
    /// the promised compiler builds the libraries
    Msrv,
    /// rustdoc has nothing to say
    Doc,
    /// unit and integration tests; examples are built
    Tests,
    /// the examples in the documentation
    Doctest,
    /// every interleaving of a few threads
    Loom,
    /// many random interleavings of many threads
    Shuttle,
    /// every benchmark once, for its checksums
    BenchSmoke,
}

/// How much is run when nothing is named. Each contains the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Run {
    /// `cargo xtask test --quick`
    Quick,
    /// `cargo xtask test`
    Test,
    /// `cargo xtask ci`
    Ci,
}

/// One run of the tool covers a crate, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Per {
    Crate,
    Workspace,
}

/// What a cell leaves in its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// Numbers of tests. None at all is a failure: this is how coverage disappears.
    Counts,
    /// Nothing but its exit status.
    Verdict,
}

/// What a cell cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// `cargo <name>`, and how to get it.
    Subcommand(&'static str, &'static str),
    /// The toolchain that the libraries promise.
    PromisedToolchain,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) tool: Tool,
    /// The smallest run it belongs to.
    pub(crate) run: Run,
    pub(crate) per: Per,
    /// Whether a crate has such a cell at all; if not, why.
    pub(crate) exists: fn(&Crate) -> Result<(), &'static str>,
    /// The feature sets of every run.
    pub(crate) sets: &'static [Kind],
    /// The feature sets that `--full` adds.
    pub(crate) full_sets: &'static [Kind],
    pub(crate) needs: &'static [Need],
    /// For build and run together, on a slow machine with nothing built yet.
    pub(crate) timeout: Duration,
    pub(crate) says: Says,
}

const MINUTE: Duration = Duration::from_secs(60);
const CLIPPY: Need = Need::Subcommand("clippy", "rustup component add clippy");
const RUSTFMT: Need = Need::Subcommand("fmt", "rustup component add rustfmt");
const DENY: Need = Need::Subcommand("deny", "cargo install cargo-deny");

/// In the order in which cells run: what is cheap and what fails often comes first.
///
/// Clippy compiles every feature set, each feature alone included, so that the tests need not:
/// they run where behaviour differs, and under each feature alone with `--full`.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row] = &[
    Row { tool: Tool::Fmt, run: Run::Ci, per: Per::Workspace, exists: always,
          sets: &[Kind::All], full_sets: &[],
          needs: &[RUSTFMT], timeout: MINUTE, says: Says::Verdict },
    Row { tool: Tool::Deny, run: Run::Ci, per: Per::Workspace, exists: always,
          sets: &[Kind::All], full_sets: &[],
          needs: &[DENY], timeout: MINUTE.saturating_mul(3), says: Says::Verdict },
    Row { tool: Tool::Clippy, run: Run::Ci, per: Per::Crate, exists: always,
          sets: &[Kind::Default, Kind::None, Kind::One, Kind::All], full_sets: &[],
          needs: &[CLIPPY], timeout: MINUTE.saturating_mul(10), says: Says::Verdict },
    Row { tool: Tool::Msrv, run: Run::Ci, per: Per::Workspace, exists: promises_a_compiler,
          sets: &[Kind::All], full_sets: &[],
          needs: &[Need::PromisedToolchain], timeout: MINUTE.saturating_mul(10), says: Says::Verdict },
    Row { tool: Tool::Doc, run: Run::Ci, per: Per::Crate, exists: always,
          sets: &[Kind::All], full_sets: &[Kind::Default],
          needs: &[], timeout: MINUTE.saturating_mul(10), says: Says::Verdict },
    Row { tool: Tool::Tests, run: Run::Quick, per: Per::Crate, exists: has_tests,
          sets: &[Kind::Default, Kind::None, Kind::All], full_sets: &[Kind::One],
          needs: &[], timeout: MINUTE.saturating_mul(10), says: Says::Counts },
    Row { tool: Tool::Doctest, run: Run::Quick, per: Per::Crate, exists: has_doctests,
          sets: &[Kind::Default, Kind::All], full_sets: &[Kind::None, Kind::One],
          needs: &[], timeout: MINUTE.saturating_mul(10), says: Says::Counts },
    Row { tool: Tool::Loom, run: Run::Test, per: Per::Crate, exists: has_loom_tests,
          sets: &[Kind::Default], full_sets: &[Kind::All],
          needs: &[], timeout: MINUTE.saturating_mul(15), says: Says::Counts },
    Row { tool: Tool::Shuttle, run: Run::Test, per: Per::Crate, exists: has_shuttle_tests,
          sets: &[Kind::Default], full_sets: &[Kind::All],
          needs: &[], timeout: MINUTE.saturating_mul(15), says: Says::Counts },
    Row { tool: Tool::BenchSmoke, run: Run::Test, per: Per::Workspace, exists: has_bench_runner,
          sets: &[Kind::All], full_sets: &[],
          needs: &[], timeout: MINUTE.saturating_mul(10), says: Says::Verdict },
];

impl Tool {
    pub(crate) fn row(self) -> &'static Row {
        TABLE
            .iter()
            .find(|row| row.tool == self)
            .expect("a test checks that each tool has a row")
    }

    /// As typed after `-t`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Tool::Fmt => "fmt",
            Tool::Deny => "deny",
            Tool::Clippy => "clippy",
            Tool::Msrv => "msrv",
            Tool::Doc => "doc",
            Tool::Tests => "tests",
            Tool::Doctest => "doctest",
            Tool::Loom => "loom",
            Tool::Shuttle => "shuttle",
            Tool::BenchSmoke => "bench-smoke",
        }
    }
}

fn always(_: &Crate) -> Result<(), &'static str> {
    Ok(())
}

fn has_tests(krate: &Crate) -> Result<(), &'static str> {
    let any = krate.targets.iter().any(|target| target.test);
    any.then_some(()).ok_or("no target has tests switched on")
}

fn has_doctests(krate: &Crate) -> Result<(), &'static str> {
    let any = krate.targets.iter().any(|target| target.doctest);
    any.then_some(()).ok_or("no library")
}

fn has_loom_tests(krate: &Crate) -> Result<(), &'static str> {
    let any = !krate.tests_named("loom").is_empty();
    any.then_some(()).ok_or("no tests/loom*.rs")
}

fn has_shuttle_tests(krate: &Crate) -> Result<(), &'static str> {
    let any = !krate.tests_named("shuttle").is_empty();
    any.then_some(()).ok_or("no tests/shuttle*.rs")
}

fn promises_a_compiler(krate: &Crate) -> Result<(), &'static str> {
    let promises = krate.published && krate.is_library() && krate.rust_version.is_some();
    promises
        .then_some(())
        .ok_or("no published library has a rust-version")
}

fn has_bench_runner(krate: &Crate) -> Result<(), &'static str> {
    let runner = krate.folder_name() == Some("benches")
        && krate.targets.iter().any(|target| target.is_bin());
    runner.then_some(()).ok_or("no benches crate with a runner")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::tests::{library, program};

    #[test]
    fn every_tool_has_exactly_one_row() {
        for tool in Tool::value_variants() {
            let rows = TABLE.iter().filter(|row| row.tool == *tool).count();
            assert_eq!(rows, 1, "{tool:?}");
        }
    }

    #[test]
    fn tools_are_called_what_the_command_line_calls_them() {
        for tool in Tool::value_variants() {
            let typed = tool.to_possible_value().expect("no variant is hidden");
            assert_eq!(typed.get_name(), tool.name());
        }
    }

    #[test]
    fn a_program_has_no_doctests_and_promises_no_compiler() {
        assert!(has_tests(&program("xtask")).is_ok());
        assert!(has_doctests(&program("xtask")).is_err());
        assert!(promises_a_compiler(&program("xtask")).is_err());
        assert!(promises_a_compiler(&library("pool", &[], &[])).is_ok());
    }

    #[test]
    fn model_checkers_exist_where_there_are_models() {
        let modelled = library("pool", &[], &["loom", "loom_queue", "stress"]);
        assert!(has_loom_tests(&modelled).is_ok());
        assert!(has_shuttle_tests(&modelled).is_err());
    }
}
