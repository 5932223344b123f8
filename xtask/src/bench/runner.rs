//! A runner: the program that has the cells, one process for each figure.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::protocol::{Cell, Measured, read_run};

/// A cell that takes longer has hung: the longest takes seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// The package in `benches` and its program.
const PACKAGE: &str = "anabranch-benches";
const PROGRAM: &str = "anabranch-bench";

/// A program that speaks the protocol.
#[derive(Debug)]
pub(crate) struct Runner {
    program: PathBuf,
    /// Every child starts here, so that the runner finds the repository it was built from.
    root: PathBuf,
    /// To build and run it by hand.
    profile: String,
}

/// How a cell is to be run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    /// `None`: calibrate.
    pub(crate) ops: Option<u64>,
    pub(crate) reps: Option<u32>,
    pub(crate) seed: u64,
    /// The self-check's extra work; 1 is none.
    pub(crate) plant: f64,
}

impl Runner {
    /// Builds the runner of this workspace.
    pub(crate) fn build(root: &Path, profile: &str) -> anyhow::Result<Runner> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--package", PACKAGE, "--bin", PROGRAM])
            .args([
                "--profile",
                profile,
                "--message-format",
                "json-render-diagnostics",
            ])
            .current_dir(root)
            .stderr(Stdio::inherit())
            .output()
            .context("cargo build")?;
        if !output.status.success() {
            bail!("{PACKAGE} does not build");
        }
        let executable = String::from_utf8_lossy(&output.stdout)
            .lines()
            .find_map(|line| {
                let message: Value = serde_json::from_str(line).ok()?;
                let is_ours = message["target"]["name"] == PROGRAM;
                is_ours
                    .then(|| message["executable"].as_str().map(PathBuf::from))
                    .flatten()
            });
        let program = executable.context("cargo did not say where it put the runner")?;
        Ok(Runner {
            program,
            root: root.to_owned(),
            profile: profile.to_owned(),
        })
    }

    /// Every cell it has.
    pub(crate) fn list(&self) -> anyhow::Result<Vec<Cell>> {
        let text = self.text("list")?;
        let read = |line: &str| {
            serde_json::from_str(line).with_context(|| format!("the runner listed `{line}`"))
        };
        text.lines().map(read).collect()
    }

    /// What its figures depend on.
    pub(crate) fn environment(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.text("env")?).context("the runner's environment")
    }

    /// Runs one cell in a process of its own. The error is the reason why it has failed.
    pub(crate) fn run(&self, cell: &Cell, ask: Ask) -> anyhow::Result<Measured> {
        let mut command = self.command();
        command
            .args(run_arguments(cell, ask))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C reaches whatever shares our group; this cell shall finish.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().context("the runner does not start")?;
        let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
        // Read by a thread that sleeps until the end: nobody polls beside the measured process.
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || {
            let mut texts = [String::new(), String::new()];
            let read = out
                .as_mut()
                .map_or(Ok(0), |out| out.read_to_string(&mut texts[0]));
            let also = err
                .as_mut()
                .map_or(Ok(0), |err| err.read_to_string(&mut texts[1]));
            // Nobody listens any more only after the time was up.
            let _ = sender.send(read.and(also).map(|_| texts));
        });
        let Ok(texts) = ended.recv_timeout(PATIENCE) else {
            child.kill()?;
            child.wait()?;
            bail!("it had not ended after {} s", PATIENCE.as_secs());
        };
        let status = child.wait()?;
        let [out, err] = texts.context("reading what the runner printed")?;
        read_run(cell, &out, status.success()).map_err(|error| match last_line(&err) {
            Some(line) => error.context(line.to_owned()),
            None => error,
        })
    }

    /// The line that runs a cell again by hand.
    pub(crate) fn by_hand(&self, cell: &Cell, ask: Ask) -> String {
        let profile = match self.profile.as_str() {
            "dev" => String::new(),
            "release" => " --release".into(),
            other => format!(" --profile {other}"),
        };
        let arguments = run_arguments(cell, ask).join(" ");
        format!("cargo run{profile} -p {PACKAGE} -- {arguments}")
    }

    fn text(&self, command: &str) -> anyhow::Result<String> {
        let output = self
            .command()
            .arg(command)
            .output()
            .context("the runner does not start")?;
        if !output.status.success() {
            bail!(
                "`{command}`: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.root).stdin(Stdio::null());
        command
    }
}

fn run_arguments(cell: &Cell, ask: Ask) -> Vec<String> {
    let mut arguments = vec![
        "run".to_owned(),
        cell.w.clone(),
        cell.implementation.clone(),
    ];
    let mut option = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
    if let Some(ops) = ask.ops {
        option("ops", ops.to_string());
    }
    if let Some(reps) = ask.reps {
        option("reps", reps.to_string());
    }
    option("seed", ask.seed.to_string());
    if ask.plant != 1.0 {
        option("plant", ask.plant.to_string());
    }
    arguments
}

/// What a panic or an abort left on stderr, shortened to its end.
fn last_line(text: &str) -> Option<&str> {
    text.lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty() && !line.starts_with("note:"))
}

#[cfg(test)]
mod tests {
    use super::super::protocol::{Kind, tests::cell};
    use super::*;

    #[test]
    fn the_line_for_the_hand_says_all_that_was_asked() {
        let runner = |profile: &str| Runner {
            program: "runner".into(),
            root: ".".into(),
            profile: profile.into(),
        };
        let cell = cell("C2-1", "tokio-util", Kind::Peer);
        let ask = Ask {
            ops: Some(10),
            reps: Some(1),
            seed: 7,
            plant: 1.0,
        };
        assert_eq!(
            runner("release").by_hand(&cell, ask),
            "cargo run --release -p anabranch-benches -- run C2-1 tokio-util --ops 10 --reps 1 --seed 7"
        );
        let planted = Ask {
            ops: None,
            reps: None,
            plant: 1.3,
            ..ask
        };
        assert!(
            runner("dev")
                .by_hand(&cell, planted)
                .ends_with("--seed 7 --plant 1.3")
        );
    }

    #[test]
    fn the_last_words_are_those_that_say_something() {
        assert_eq!(
            last_line("a\nthread panicked\n\nnote: run with\n"),
            Some("thread panicked")
        );
        assert_eq!(last_line("\n"), None);
    }
}
