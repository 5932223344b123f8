//! The table laid over the workspace: which cells there are, and which of them this run takes.

use std::fmt::Write as _;

use anyhow::bail;

use super::features::{FeatureSet, feature_sets};
use super::probe::Probe;
use super::selection::Selection;
use super::table::{Need, Per, Row, TABLE};
use crate::workspace::{Crate, Workspace};

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
pub(crate) mod tests {
    use super::*;
    use crate::matrix::table::{Run, Tool};
    use crate::workspace::tests::{library, program};
    use std::path::PathBuf;

    pub(crate) fn workspace() -> Workspace {
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

    pub(crate) fn ask(run: Run) -> Selection {
        Selection {
            run,
            full: false,
            packages: vec![],
            tools: vec![],
            features: vec![],
        }
    }

    pub(crate) fn taken(selection: &Selection) -> Vec<String> {
        let planned = plan(&workspace(), selection, &Probe::everything()).unwrap();
        let taken = planned.iter().filter(|p| p.state == State::In);
        taken.map(|p| p.cell.name()).collect()
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
}
