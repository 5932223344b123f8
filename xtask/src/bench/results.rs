//! The files a run leaves behind: `results.jsonl` as it goes, `summary.json` at its end, and a link
//! to the latest.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;
use serde_json::{Value, json};

use super::bars::Judged;
use super::env::Environment;
use super::figures::Figure;
use super::plan::Slot;
use super::protocol::{Cell, Measured};

/// Raised when a field changes its meaning or goes away.
const SCHEMA: u32 = 1;

/// The folder of one run.
#[derive(Debug)]
pub(crate) struct Results {
    folder: PathBuf,
    rows: File,
}

/// All there is to say at the end; what `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Summary<'a> {
    schema: u32,
    /// Whether Ctrl-C ended it early.
    pub(crate) interrupted: bool,
    /// By how much two measurements of the same cell differed: 1.03 is 3 %.
    pub(crate) noise: Option<f64>,
    pub(crate) stolen_ticks: Option<u64>,
    pub(crate) figures: Vec<Figure<'a>>,
    pub(crate) bars: Vec<Judged>,
    environment: Value,
}

impl<'a> Summary<'a> {
    pub(crate) fn new(figures: Vec<Figure<'a>>, bars: Vec<Judged>, env: &Environment) -> Self {
        Summary {
            schema: SCHEMA,
            interrupted: false,
            noise: None,
            stolen_ticks: env.stolen_since(),
            figures,
            bars,
            environment: env.json().clone(),
        }
    }
}

impl Results {
    /// A new folder under `target/bench`, and `latest` pointing to it.
    pub(crate) fn create(target: &Path, environment: &Environment) -> anyhow::Result<Results> {
        let all = target.join("bench");
        let stamp = environment.stamp();
        // Two runs within one second are told apart by a number.
        let names = (1..).map(|n| {
            if n == 1 {
                stamp.clone()
            } else {
                format!("{stamp}.{n}")
            }
        });
        fs::create_dir_all(&all).with_context(|| format!("{}", all.display()))?;
        let mut made = None;
        for name in names {
            match fs::create_dir(all.join(&name)) {
                Ok(()) => made = Some(name),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error).context("the folder for the results"),
            }
            break;
        }
        let name = made.context("the folder for the results has no free name")?;
        link_latest(&all, &name)?;
        let folder = all.join(name);
        let pretty = serde_json::to_string_pretty(environment.json())?;
        fs::write(folder.join("environment.json"), pretty + "\n")?;
        let rows = File::create(folder.join("results.jsonl"))?;
        Ok(Results { folder, rows })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds one process's outcome at once, so that whatever ends the run loses nothing.
    pub(crate) fn row(
        &mut self,
        round: usize,
        cell: &Cell,
        slot: Slot,
        result: Result<&Measured, &str>,
    ) -> anyhow::Result<()> {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let mut row = json!({
            "round": round + 1,
            "cell": cell.name(),
            "again": slot.again,
            "load": load.split(' ').next().unwrap_or_default(),
        });
        match result {
            Ok(measured) => row["measured"] = serde_json::to_value(measured)?,
            Err(error) => row["error"] = json!(error),
        }
        writeln!(self.rows, "{row}").context("results.jsonl")
    }

    pub(crate) fn summary(&self, summary: &Summary<'_>) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(summary)? + "\n";
        fs::write(self.folder.join("summary.json"), text).context("summary.json")
    }
}

/// Points `latest` at `name`, by a relative link, so that the folder can be moved.
#[cfg(unix)]
fn link_latest(all: &Path, name: &str) -> anyhow::Result<()> {
    let latest = all.join("latest");
    if latest.is_symlink() {
        fs::remove_file(&latest)?;
    }
    std::os::unix::fs::symlink(name, &latest).context("the link to the latest results")
}

/// Where links need privileges, the newest folder is the one whose name sorts last.
#[cfg(not(unix))]
fn link_latest(_: &Path, _: &str) -> anyhow::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::protocol::{Kind, tests::cell, tests::measured};
    use super::*;

    #[test]
    fn rows_are_on_disk_as_soon_as_they_are_known() {
        let target = tempfile::tempdir().unwrap();
        let environment = Environment::new(json!({"date": "2026-01-02T03:04:05Z"}));
        let mut results = Results::create(target.path(), &environment).unwrap();
        let cell = cell("C1", "a", Kind::Peer);
        results
            .row(0, &cell, Slot::first(0), Ok(&measured(&cell, 2.0)))
            .unwrap();
        results
            .row(1, &cell, Slot::again(0), Err("wrong sum"))
            .unwrap();

        let latest = target.path().join("bench/latest/results.jsonl");
        let text = fs::read_to_string(latest).unwrap();
        let rows: Vec<Value> = text
            .lines()
            .map(|row| serde_json::from_str(row).unwrap())
            .collect();
        assert_eq!(rows[0]["measured"]["ns_per_op"], 2.0);
        assert_eq!(
            (&rows[1]["error"], &rows[1]["again"]),
            (&json!("wrong sum"), &json!(true))
        );
        assert!(rows[1]["measured"].is_null());
    }

    #[test]
    fn latest_follows_the_newest_of_two_runs_in_one_second() {
        let target = tempfile::tempdir().unwrap();
        let environment = Environment::new(json!({"date": "2026-01-02T03:04:05Z"}));
        let first = Results::create(target.path(), &environment).unwrap();
        let second = Results::create(target.path(), &environment).unwrap();
        assert_ne!(first.folder(), second.folder());
        let latest = target.path().join("bench/latest").canonicalize().unwrap();
        assert_eq!(latest, second.folder().canonicalize().unwrap());
    }
}
