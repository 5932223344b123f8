//! `cargo xtask test`: the test matrix, or the part of it that is named.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::matrix::{Conduct, Probe, Run, Selection, Tool, list, plan, run};
use crate::workspace::Workspace;

/// Run the tests: every crate, feature set and tool, or those named
///
/// Without options: unit and integration tests, doctests and model checks of every crate, under its
/// default features, none and all. The last line is `N passed, M failed, K skipped`: tests, tests,
/// and cells that need something that is not installed.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// Only this crate, by folder or package name; may be repeated
    #[arg(short, long = "package", value_name = "CRATE")]
    packages: Vec<String>,
    /// Only this feature set: none, default, all, or one feature; may be repeated
    #[arg(short, long, value_name = "SET")]
    features: Vec<String>,
    /// Only this tool; may be repeated
    #[arg(short, long = "tool", value_name = "TOOL")]
    tools: Vec<Tool>,
    /// Default features, tests and doctests only
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Test each feature alone, too
    #[arg(long)]
    full: bool,
    /// Show every cell, whether it is in, and why not; run nothing
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    how: How,
    /// A workspace other than the one around the current folder
    #[arg(long, value_name = "CARGO_TOML")]
    manifest_path: Option<PathBuf>,
}

/// How to run cells, whichever they are.
#[derive(Debug, clap::Args)]
pub(crate) struct How {
    /// Stop at the first cell that fails
    #[arg(long)]
    fail_fast: bool,
    /// A cell that is skipped because something is not installed is a failure
    #[arg(long)]
    strict: bool,
    /// Time for each cell, build included, in place of the tool's own limit
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

impl How {
    pub(crate) fn conduct(&self) -> Conduct {
        Conduct {
            fail_fast: self.fail_fast,
            strict: self.strict,
            timeout: self.timeout.map(Duration::from_secs),
        }
    }
}

impl Test {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let workspace = Workspace::load(self.manifest_path.as_deref())?;
        let probe = Probe::look(&workspace);
        let selection = Selection {
            run: if self.quick { Run::Quick } else { Run::Test },
            full: self.full,
            packages: self.packages,
            tools: self.tools,
            features: self.features,
        };
        let planned = plan(&workspace, &selection, &probe)?;
        if self.list {
            print!("{}", list(&planned));
            return Ok(ExitCode::SUCCESS);
        }
        run(&workspace, planned, &probe, self.how.conduct())
    }
}
