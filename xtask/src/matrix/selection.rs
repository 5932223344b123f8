//! Which cells a command line asks for.

use std::collections::BTreeSet;

use super::features::Kind;
use super::plan::Cell;
use super::table::{Run, Tool};
use crate::near;
use crate::workspace::{Crate, Workspace};

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) run: Run,
    /// The feature sets that are usually left out, too.
    pub(crate) full: bool,
    /// Empty means all, as with the two below.
    pub(crate) packages: Vec<String>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) features: Vec<String>,
}

impl Selection {
    /// Fails on names that nothing answers to, rather than to run less than was meant.
    pub(crate) fn check(&self, workspace: &Workspace) -> anyhow::Result<()> {
        for package in &self.packages {
            if !workspace
                .crates
                .iter()
                .any(|krate| krate.answers_to(package))
            {
                let names = workspace.crates.iter().map(|krate| krate.name.as_str());
                return Err(near::unknown("crate", package, names));
            }
        }
        let mut known: BTreeSet<&str> = BTreeSet::from(["default", "none", "all"]);
        for krate in workspace.crates.iter().filter(|krate| self.takes(krate)) {
            known.extend(krate.features.keys().map(String::as_str));
        }
        for feature in &self.features {
            if !known.contains(feature.as_str()) {
                return Err(near::unknown("feature set", feature, known));
            }
        }
        Ok(())
    }

    fn takes(&self, krate: &Crate) -> bool {
        self.packages.is_empty() || self.packages.iter().any(|name| krate.answers_to(name))
    }

    /// `None` if the cell is asked for, else why it is not.
    pub(crate) fn leaves_out(&self, cell: &Cell) -> Option<&'static str> {
        let named = self.tools.contains(&cell.row.tool);
        if !self.tools.is_empty() && !named {
            return Some("not named by -t");
        }
        if !named && cell.row.run > self.run {
            return Some(match cell.row.run {
                Run::Ci => "`cargo xtask ci` runs it, or -t",
                Run::Quick | Run::Test => "not in a --quick run",
            });
        }
        let Some(krate) = &cell.krate else {
            let narrowed = !self.packages.is_empty() || !self.features.is_empty();
            return (narrowed && !named).then_some("concerns the whole workspace");
        };
        if !self.takes(krate) {
            return Some("not named by -p");
        }
        if !self.features.is_empty() {
            let asked = self.features.iter().any(|name| cell.set.answers_to(name));
            return (!asked).then_some("not named by -f");
        }
        if self.run == Run::Quick && !cell.set.is_any_of(&[Kind::Default]) {
            return Some("not in a --quick run");
        }
        let usual = cell.set.is_any_of(cell.row.sets);
        (!usual && !self.full).then_some("only with --full, or -f")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::plan::plan;
    use crate::matrix::plan::tests::{ask, taken, workspace};
    use crate::matrix::probe::Probe;

    #[test]
    fn a_plain_run_takes_tests_and_models_but_no_lints() {
        assert_eq!(
            taken(&ask(Run::Test)),
            [
                "pool default tests",
                "pool all tests",
                "xtask default tests",
                "pool default doctest",
                "pool all doctest",
                "pool default loom",
            ]
        );
    }

    #[test]
    fn a_quick_run_takes_the_default_features_and_no_models() {
        assert_eq!(
            taken(&ask(Run::Quick)),
            [
                "pool default tests",
                "xtask default tests",
                "pool default doctest"
            ]
        );
    }

    #[test]
    fn ci_contains_all_of_a_plain_run() {
        let ci = taken(&ask(Run::Ci));
        assert!(taken(&ask(Run::Test)).iter().all(|cell| ci.contains(cell)));
        for cell in [
            "workspace all fmt",
            "pool rayon clippy",
            "workspace all msrv",
        ] {
            assert!(ci.iter().any(|taken| taken == cell), "{cell}");
        }
    }

    #[test]
    fn each_feature_alone_is_tested_when_named_or_with_full() {
        let named = Selection {
            features: vec!["tokio".into()],
            ..ask(Run::Test)
        };
        assert_eq!(taken(&named), ["pool tokio tests", "pool tokio doctest"]);
        let full = taken(&Selection {
            full: true,
            ..ask(Run::Test)
        });
        assert!(full.iter().any(|cell| cell == "pool rayon tests"));
    }

    #[test]
    fn unknown_names_are_errors_with_a_hint() {
        let error = |selection| {
            plan(&workspace(), &selection, &Probe::everything())
                .unwrap_err()
                .to_string()
        };
        let package = Selection {
            packages: vec!["pol".into()],
            ..ask(Run::Test)
        };
        assert_eq!(error(package), "no crate `pol`; did you mean pool?");
        let feature = Selection {
            features: vec!["toklo".into()],
            ..ask(Run::Test)
        };
        assert_eq!(
            error(feature),
            "no feature set `toklo`; did you mean tokio?"
        );
        // A feature of another crate is not one of the named crate.
        let both = Selection {
            packages: vec!["xtask".into()],
            features: vec!["tokio".into()],
            ..ask(Run::Test)
        };
        assert!(error(both).starts_with("no feature set `tokio`; there are: all, default, none"));
        let nothing = Selection {
            packages: vec!["xtask".into()],
            tools: vec![Tool::Loom],
            ..ask(Run::Test)
        };
        assert!(error(nothing).starts_with("nothing selected"));
    }
}
