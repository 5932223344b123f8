//! What a cell runs, in the words one would type.

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, anyhow};
use xshell::{Shell, cmd};

use super::plan::Cell;
use super::probe::Probe;
use super::table::Tool;
use crate::workspace::Workspace;

/// A command with the environment it needs. Printed, it can be pasted into a shell at the
/// workspace's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    env: Vec<(String, String)>,
    words: Vec<String>,
}

impl Invocation {
    pub(crate) fn of(cell: &Cell, workspace: &Workspace, probe: &Probe) -> anyhow::Result<Self> {
        // A shell that runs nothing: it is here for its way of writing commands.
        let sh = Shell::new()?;
        let manifest = match &workspace.manifest {
            Some(path) => vec!["--manifest-path".to_owned(), path.display().to_string()],
            None => Vec::new(),
        };
        let (m, features) = (&manifest, &cell.set.flags());
        let package = cell.krate.as_ref().map_or("", |krate| &krate.package);
        let command = match cell.row.tool {
            Tool::Fmt => cmd!(sh, "cargo fmt --all {m...} --check"),
            Tool::Deny => cmd!(
                sh,
                "cargo deny {m...} --workspace check bans licenses sources"
            ),
            Tool::Clippy => cmd!(
                sh,
                "cargo clippy {m...} -p {package} {features...} --all-targets --no-deps -- -D warnings"
            ),
            Tool::Msrv => {
                let toolchain = probe.promised_toolchain().map_err(|why| anyhow!("{why}"))?;
                let libraries = workspace
                    .crates
                    .iter()
                    .filter(|k| (cell.row.exists)(k).is_ok());
                let p: Vec<&str> = libraries.flat_map(|krate| ["-p", &krate.package]).collect();
                cmd!(
                    sh,
                    "rustup run {toolchain} cargo check {m...} {p...} --all-features"
                )
                .env("CARGO_TARGET_DIR", own_target(workspace, "msrv"))
            }
            Tool::Doc => cmd!(sh, "cargo doc {m...} -p {package} {features...} --no-deps")
                .env("RUSTDOCFLAGS", with_ambient("RUSTDOCFLAGS", "-D warnings")),
            // What failed comes last in the log, for that is where people look.
            Tool::Tests if probe.has_subcommand("nextest") => cmd!(
                sh,
                "cargo nextest run {m...} -p {package} {features...} --no-fail-fast --failure-output final"
            ),
            // Unlike `--lib --bins`, these also fit a crate that has no library.
            Tool::Tests => cmd!(
                sh,
                "cargo test {m...} -p {package} {features...} --tests --examples --no-fail-fast"
            ),
            Tool::Doctest => cmd!(sh, "cargo test {m...} -p {package} {features...} --doc"),
            Tool::Loom | Tool::Shuttle => {
                let cfg = cell.row.tool.name();
                let krate = cell.krate.as_ref().context("models belong to a crate")?;
                let tests: Vec<&str> = krate
                    .tests_named(cfg)
                    .into_iter()
                    .flat_map(|test| ["--test", test])
                    .collect();
                cmd!(
                    sh,
                    "cargo test {m...} --profile model -p {package} {features...} {tests...} --no-fail-fast"
                )
                .env("RUSTFLAGS", with_ambient("RUSTFLAGS", &format!("--cfg {cfg}")))
                // Other flags mean another build of everything: without a folder of their own the
                // two would undo each other's work.
                .env("CARGO_TARGET_DIR", own_target(workspace, cfg))
            }
            Tool::BenchSmoke => cmd!(sh, "cargo xtask bench --smoke"),
        };
        Self::read(command.into())
    }

    fn read(command: Command) -> anyhow::Result<Self> {
        let text = |s: &std::ffi::OsStr| {
            s.to_str()
                .map(str::to_owned)
                .with_context(|| format!("{s:?} is not UTF-8"))
        };
        let mut words = vec![text(command.get_program())?];
        for arg in command.get_args() {
            words.push(text(arg)?);
        }
        let mut env = Vec::new();
        for (key, value) in command.get_envs() {
            if let Some(value) = value {
                env.push((text(key)?, text(value)?));
            }
        }
        Ok(Self { env, words })
    }

    /// Ready to run, in `root`.
    pub(crate) fn command(&self, root: &Path) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).current_dir(root);
        // Logs are read by `counts`, and by people in an editor.
        command.env("CARGO_TERM_COLOR", "never").env("TERM", "dumb");
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        command
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in &self.env {
            write!(f, "{key}={} ", quoted(value))?;
        }
        f.write_str(&line(&self.words))
    }
}

/// Words as a line for a POSIX shell.
pub(crate) fn line(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Flags from the user's environment stay in force beside ours.
fn with_ambient(variable: &str, ours: &str) -> String {
    match std::env::var(variable) {
        Ok(ambient) if !ambient.trim().is_empty() => format!("{ambient} {ours}"),
        _ => ours.to_owned(),
    }
}

/// Relative, as one would type it, unless the workspace is one that nobody stands in.
fn own_target(workspace: &Workspace, name: &str) -> String {
    let folder = workspace.target.join(name);
    let shown = match workspace.manifest {
        Some(_) => &folder,
        None => workspace.relative(&folder),
    };
    shown.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::features::feature_sets;
    use crate::workspace::tests::library;
    use std::path::PathBuf;

    fn typed(tool: Tool, set: &str, probe: &Probe, manifest: Option<&str>) -> String {
        let workspace = Workspace {
            root: PathBuf::from("/w"),
            target: PathBuf::from("/w/target"),
            manifest: manifest.map(PathBuf::from),
            crates: vec![library(
                "pool",
                &[("tokio", &[]), ("rayon", &[])],
                &["loom", "loom_q"],
            )],
        };
        let krate = workspace.crates[0].clone();
        let sets = feature_sets(&krate.features);
        let set = sets.into_iter().find(|s| s.answers_to(set)).unwrap();
        let cell = Cell {
            row: tool.row(),
            krate: Some(krate),
            set,
        };
        Invocation::of(&cell, &workspace, probe)
            .unwrap()
            .to_string()
    }

    #[test]
    fn a_cell_prints_as_one_would_type_it() {
        let probe = Probe::everything();
        assert_eq!(
            typed(Tool::Tests, "all", &probe, None),
            "cargo nextest run -p anabranch-pool --all-features --no-fail-fast --failure-output final"
        );
        assert_eq!(
            typed(Tool::Doctest, "tokio", &probe, None),
            "cargo test -p anabranch-pool --no-default-features --features tokio --doc"
        );
        assert_eq!(
            typed(Tool::Clippy, "default", &probe, None),
            "cargo clippy -p anabranch-pool --all-targets --no-deps -- -D warnings"
        );
    }

    #[test]
    fn models_are_built_apart_and_name_their_environment() {
        let line = typed(Tool::Loom, "default", &Probe::everything(), None);
        assert!(line.contains("CARGO_TARGET_DIR=target/loom "), "{line}");
        assert!(line.contains("--cfg loom' "), "{line}");
        assert!(line.ends_with(
            "cargo test --profile model -p anabranch-pool --test loom --test loom_q --no-fail-fast"
        ));
    }

    #[test]
    fn without_nextest_cargo_runs_the_tests() {
        assert_eq!(
            typed(Tool::Tests, "default", &Probe::nothing(), None),
            "cargo test -p anabranch-pool --tests --examples --no-fail-fast"
        );
    }

    #[test]
    fn a_chosen_manifest_is_repeated_and_quoted() {
        let line = typed(
            Tool::Doctest,
            "default",
            &Probe::nothing(),
            Some("/my dir/Cargo.toml"),
        );
        assert_eq!(
            line,
            "cargo test --manifest-path '/my dir/Cargo.toml' -p anabranch-pool --doc"
        );
    }

    #[test]
    fn quoting_survives_quotes() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
