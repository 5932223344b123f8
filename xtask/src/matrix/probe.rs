//! What is installed here. Looks only: nothing in this file may start a download.

use std::process::{Command, Stdio};

use crate::workspace::{Crate, Workspace};

use super::table::{Need, TABLE, Tool};

#[derive(Debug)]
pub(crate) struct Probe {
    subcommands: Vec<&'static str>,
    /// How rustup calls the promised toolchain, or why it cannot be used.
    promised: Result<String, String>,
}

impl Probe {
    pub(crate) fn look(workspace: &Workspace) -> Self {
        let wanted = TABLE
            .iter()
            .flat_map(|row| row.needs)
            .filter_map(|need| match *need {
                Need::Subcommand(name, _) => Some(name),
                Need::PromisedToolchain => None,
            });
        let mut subcommands: Vec<&str> = wanted.chain(["nextest"]).collect();
        subcommands.sort_unstable();
        subcommands.dedup();
        subcommands.retain(|name| succeeds("cargo", &[name, "--version"]));
        Self {
            subcommands,
            promised: promised_toolchain(workspace),
        }
    }

    pub(crate) fn has_subcommand(&self, name: &str) -> bool {
        self.subcommands.contains(&name)
    }

    pub(crate) fn promised_toolchain(&self) -> Result<&str, &str> {
        self.promised.as_deref().map_err(String::as_str)
    }
}

fn promised_toolchain(workspace: &Workspace) -> Result<String, String> {
    let exists = Tool::Msrv.row().exists;
    let libraries = workspace
        .crates
        .iter()
        .filter(|krate| exists(krate).is_ok());
    let mut versions: Vec<&str> = libraries
        .filter_map(|krate: &Crate| krate.rust_version.as_deref())
        .collect();
    versions.sort_unstable();
    versions.dedup();
    let version = match versions[..] {
        [] => return Err("no library promises a compiler".to_owned()),
        [version] => version,
        // They are released together, so two promises are one mistake.
        _ => {
            return Err(format!(
                "the libraries disagree on rust-version: {versions:?}"
            ));
        }
    };
    let listed = Command::new("rustup").args(["toolchain", "list"]).output();
    let Ok(listed) = listed else {
        return Err(format!("no rustup to ask for Rust {version}; {STAND_IN}"));
    };
    // `rustup run` installs what it lacks when it is set up to, so only what is listed is tried.
    match among(&String::from_utf8_lossy(&listed.stdout), version) {
        Some(name) if succeeds("rustup", &["run", &name, "cargo", "--version"]) => Ok(name),
        Some(name) => Err(format!("toolchain {name} does not run; {STAND_IN}")),
        None => Err(format!(
            "no Rust {version} (rustup toolchain install {version}); {STAND_IN}"
        )),
    }
}

const STAND_IN: &str = "clippy's incompatible_msrv still checks our own code";

/// The installed toolchain that is `version`: `1.88-<host>` or any `1.88.N-<host>`.
fn among(listed: &str, version: &str) -> Option<String> {
    let names = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let mut fitting = names.filter(|name| {
        let rest = name.strip_prefix(version);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    });
    fitting.next().map(str::to_owned)
}

fn succeeds(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
impl Probe {
    pub(crate) fn everything() -> Self {
        let subcommands = vec!["clippy", "deny", "fmt", "nextest"];
        Self {
            subcommands,
            promised: Ok("1.88-here".to_owned()),
        }
    }

    pub(crate) fn nothing() -> Self {
        Self {
            subcommands: vec![],
            promised: Err("no Rust 1.88".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "stable-x86_64-unknown-linux-gnu (active, default)\n\
                          1.8.0-x86_64-unknown-linux-gnu\n\
                          1.88.0-x86_64-unknown-linux-gnu\n";

    #[test]
    fn the_promised_toolchain_is_found_by_its_version_alone() {
        assert_eq!(
            among(LISTED, "1.88").as_deref(),
            Some("1.88.0-x86_64-unknown-linux-gnu")
        );
        assert_eq!(
            among(LISTED, "1.8").as_deref(),
            Some("1.8.0-x86_64-unknown-linux-gnu")
        );
        assert_eq!(among(LISTED, "1.87"), None);
    }

    #[test]
    fn no_toolchain_is_installed_when_none_is_listed() {
        assert_eq!(among("no installed toolchains\n", "1.88"), None);
    }
}
