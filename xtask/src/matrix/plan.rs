//! The table laid over the workspace: which cells there are, and which of them this run takes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::bail;

use super::features::{FeatureSet, Kind, feature_sets};
use super::probe::Probe;
use super::table::{Need, Per, Row, Run, TABLE, Tool};
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

/// One square of the matrix.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) row: &'static Row,
    /// `None` where the workspace is checked as a whole.
    pub(crate) krate: Option<Crate>,
    pub(crate) set: FeatureSet,
}

#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) cell: Cell,
    pub(crate) state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    In,
    /// Wanted, but something it needs is missing here.
    Skip(String),
    /// Not asked for.
    Out(&'static str),
    /// There is no such cell.
    Absent(&'static str),
}

impl Cell {
    pub(crate) fn subject(&self) -> &str {
        self.krate.as_ref().map_or("workspace", |krate| &krate.name)
    }

    /// `pool all tests`
    pub(crate) fn name(&self) -> String {
        format!(
            "{} {} {}",
            self.subject(),
            self.set.name(),
            self.row.tool.name()
        )
    }

    /// The options that select this cell alone.
    pub(crate) fn options(&self) -> Vec<String> {
        let tool = self.row.tool.name();
        let words = match &self.krate {
            Some(krate) => vec!["-p", &krate.name, "-f", self.set.name(), "-t", tool],
            None => vec!["-t", tool],
        };
        words.into_iter().map(str::to_owned).collect()
    }
}

impl Selection {
    /// Fails on names that nothing answers to, rather than to run less than was meant.
    fn check(&self, workspace: &Workspace) -> anyhow::Result<()> {
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
    fn leaves_out(&self, cell: &Cell) -> Option<&'static str> {
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

/// Every cell of the workspace, in the order in which they run, and what becomes of it.
pub(crate) fn plan(
    workspace: &Workspace,
    selection: &Selection,
    probe: &Probe,
) -> anyhow::Result<Vec<Planned>> {
    selection.check(workspace)?;
    let mut cells = Vec::new();
    for row in TABLE {
        match row.per {
            Per::Workspace => {
                let found: Vec<_> = workspace.crates.iter().map(row.exists).collect();
                let exists = if found.iter().any(Result::is_ok) {
                    Ok(())
                } else {
                    found
                        .into_iter()
                        .next()
                        .unwrap_or(Err("the workspace is empty"))
                };
                cells.push((
                    Cell {
                        row,
                        krate: None,
                        set: FeatureSet::whole(),
                    },
                    exists,
                ));
            }
            Per::Crate => {
                for krate in &workspace.crates {
                    let exists = (row.exists)(krate);
                    for set in feature_sets(&krate.features) {
                        if set.is_any_of(row.sets) || set.is_any_of(row.full_sets) {
                            cells.push((
                                Cell {
                                    row,
                                    krate: Some(krate.clone()),
                                    set,
                                },
                                exists,
                            ));
                        }
                    }
                }
            }
        }
    }
    let planned: Vec<Planned> = cells
        .into_iter()
        .map(|(cell, exists)| {
            let state = match (exists, selection.leaves_out(&cell)) {
                (Err(why), _) => State::Absent(why),
                (Ok(()), Some(why)) => State::Out(why),
                (Ok(()), None) => match missing(&cell, probe) {
                    Some(why) => State::Skip(why),
                    None => State::In,
                },
            };
            Planned { cell, state }
        })
        .collect();
    if !planned
        .iter()
        .any(|p| matches!(p.state, State::In | State::Skip(_)))
    {
        bail!("nothing selected: --list shows every cell and why it is in or out");
    }
    Ok(planned)
}

fn missing(cell: &Cell, probe: &Probe) -> Option<String> {
    cell.row.needs.iter().find_map(|need| match *need {
        Need::Subcommand(name, get) => {
            (!probe.has_subcommand(name)).then(|| format!("cargo-{name} is not installed ({get})"))
        }
        Need::PromisedToolchain => probe.promised_toolchain().err().map(str::to_owned),
    })
}

/// One line per cell, for `--list`.
pub(crate) fn list(planned: &[Planned]) -> String {
    let width = planned
        .iter()
        .map(|p| p.cell.name().len())
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    let mut taken = 0;
    for Planned { cell, state } in planned {
        let (word, why) = match state {
            State::In => {
                taken += 1;
                ("in", "")
            }
            State::Skip(why) => ("skip", why.as_str()),
            State::Out(why) => ("out", *why),
            State::Absent(why) => ("n/a", *why),
        };
        let line = format!("{word:<4}  {:<width$}  {why}", cell.name());
        writeln!(out, "{}", line.trim_end()).expect("a string takes every write");
    }
    writeln!(out, "{taken} of {} cells", planned.len()).expect("a string takes every write");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::tests::{library, program};
    use std::path::PathBuf;

    fn workspace() -> Workspace {
        Workspace {
            root: PathBuf::from("/w"),
            target: PathBuf::from("/w/target"),
            manifest: None,
            crates: vec![
                library("pool", &[("rayon", &[]), ("tokio", &[])], &["loom"]),
                program("xtask"),
            ],
        }
    }

    fn ask(run: Run) -> Selection {
        Selection {
            run,
            full: false,
            packages: vec![],
            tools: vec![],
            features: vec![],
        }
    }

    fn taken(selection: &Selection) -> Vec<String> {
        let planned = plan(&workspace(), selection, &Probe::everything()).unwrap();
        let taken = planned.iter().filter(|p| p.state == State::In);
        taken.map(|p| p.cell.name()).collect()
    }

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
    fn a_cell_can_be_selected_alone_by_the_options_it_names() {
        let planned = plan(&workspace(), &ask(Run::Ci), &Probe::everything()).unwrap();
        for Planned { cell, .. } in planned.iter().filter(|p| p.state == State::In) {
            let options = cell.options();
            let given = |flag: &str| {
                let at = options.iter().position(|option| option == flag);
                at.map(|at| options[at + 1].clone())
                    .into_iter()
                    .collect::<Vec<_>>()
            };
            let alone = Selection {
                tools: vec![cell.row.tool],
                packages: given("-p"),
                features: given("-f"),
                ..ask(Run::Test)
            };
            assert_eq!(taken(&alone), [cell.name()]);
        }
    }

    #[test]
    fn what_does_not_exist_is_absent_and_not_skipped() {
        let planned = plan(&workspace(), &ask(Run::Test), &Probe::nothing()).unwrap();
        let state = |name: &str| {
            planned
                .iter()
                .find(|p| p.cell.name() == name)
                .map(|p| p.state.clone())
                .unwrap()
        };
        assert_eq!(state("xtask default doctest"), State::Absent("no library"));
        assert_eq!(
            state("xtask default loom"),
            State::Absent("no tests/loom*.rs")
        );
        assert!(matches!(state("pool default clippy"), State::Out(_)));
    }

    #[test]
    fn a_missing_tool_is_a_skip_that_says_how_to_get_it() {
        let planned = plan(&workspace(), &ask(Run::Ci), &Probe::nothing()).unwrap();
        let fmt = planned
            .iter()
            .find(|p| p.cell.row.tool == Tool::Fmt)
            .unwrap();
        assert_eq!(
            fmt.state,
            State::Skip("cargo-fmt is not installed (rustup component add rustfmt)".to_owned())
        );
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
