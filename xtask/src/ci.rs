//! `cargo xtask ci`: all that has to pass before a change goes in.

use std::process::ExitCode;

use crate::matrix::{Probe, Run, Selection, plan, run};
use crate::test::How;
use crate::workspace::Workspace;

/// Run all that a change has to pass: formatting, lints, documentation, the promised compiler, tests
#[derive(Debug, clap::Args)]
pub(crate) struct Ci {
    /// Test each feature alone, too
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    how: How,
}

impl Ci {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let workspace = Workspace::load(None)?;
        let probe = Probe::look(&workspace);
        let everything = Selection {
            run: Run::Ci,
            full: self.full,
            packages: Vec::new(),
            tools: Vec::new(),
            features: Vec::new(),
        };
        let planned = plan(&workspace, &everything, &probe)?;
        run(&workspace, planned, &probe, self.how.conduct())
    }
}
