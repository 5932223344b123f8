//! `cargo xtask demo`: runs one of the programs that show the crates at work.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use cargo_metadata::TargetKind;
use xshell::{Shell, cmd};

use crate::near;
use crate::workspace::{Crate, Workspace};

/// Run an example program; the web scraper if none is named
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Which one, and then what the program is given. A folder of examples/, or an example of a crate:
    /// `limit`, or `semaphore/limit` where two crates have one
    // One list: of two arguments, clap would keep the program's options that are also ours.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_names = ["NAME", "ARGS"])]
    words: Vec<String>,
    /// Show all there is to run
    #[arg(long)]
    list: bool,
}

const FIRST: &str = "scraper";

/// A program that can be run.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    name: String,
    /// The crate it is an example of; `None` for a package of its own.
    of: Option<String>,
    package: String,
    /// Without these cargo does not build it.
    features: Vec<String>,
    about: String,
}

impl Program {
    /// What names it even where two crates have an example of the same name.
    fn full_name(&self) -> String {
        match &self.of {
            Some(krate) => format!("{krate}/{}", self.name),
            None => self.name.clone(),
        }
    }

    fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.full_name() == name || self.of.is_none() && self.package == name
    }
}

impl Demo {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let workspace = Workspace::load(None)?;
        let programs = programs(&workspace)?;
        if self.list {
            print!("{}", list(&programs));
            return Ok(ExitCode::SUCCESS);
        }
        let (name, args) = match self.words.split_first() {
            Some((name, args)) => (name.as_str(), args),
            None => (FIRST, [].as_slice()),
        };
        let program = find(&programs, name)?;
        let sh = Shell::new()?;
        let package = &program.package;
        let example = match program.of {
            Some(_) => vec!["--example", &program.name],
            None => vec![],
        };
        let features: Vec<&str> = program
            .features
            .iter()
            .flat_map(|feature| ["--features", feature])
            .collect();
        let command = cmd!(
            sh,
            "cargo run --release -p {package} {example...} {features...} -- {args...}"
        );
        become_program(command.into())
    }
}

/// Hands the terminal and this process over, so that Ctrl-C and the exit code are the program's.
#[cfg(unix)]
fn become_program(mut command: Command) -> anyhow::Result<ExitCode> {
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    Err(error).context("cannot start cargo")
}

#[cfg(not(unix))]
fn become_program(mut command: Command) -> anyhow::Result<ExitCode> {
    let status = command.status().context("cannot start cargo")?;
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// The packages under `examples/`, then the examples of all crates.
fn programs(workspace: &Workspace) -> anyhow::Result<Vec<Program>> {
    let mut programs = Vec::new();
    for krate in &workspace.crates {
        if krate.folder.starts_with("examples") && krate.targets.iter().any(|t| t.is_bin()) {
            programs.push(Program {
                name: krate.folder_name().unwrap_or(&krate.name).to_owned(),
                of: None,
                package: krate.package.clone(),
                features: Vec::new(),
                about: krate.description.clone().unwrap_or_default(),
            });
        }
    }
    for krate in &workspace.crates {
        examples_of(krate, &mut programs)?;
    }
    Ok(programs)
}

fn examples_of(krate: &Crate, programs: &mut Vec<Program>) -> anyhow::Result<()> {
    for target in krate
        .targets
        .iter()
        .filter(|t| t.kind.contains(&TargetKind::Example))
    {
        let source =
            fs::read_to_string(&target.src_path).with_context(|| target.src_path.to_string())?;
        programs.push(Program {
            name: target.name.clone(),
            of: Some(krate.name.clone()),
            package: krate.package.clone(),
            features: target.required_features.clone(),
            about: first_doc_line(&source).unwrap_or_default().to_owned(),
        });
    }
    Ok(())
}

fn first_doc_line(source: &str) -> Option<&str> {
    source
        .lines()
        .find_map(|line| line.strip_prefix("//!"))
        .map(str::trim)
}

fn find<'a>(programs: &'a [Program], name: &str) -> anyhow::Result<&'a Program> {
    let found: Vec<&Program> = programs.iter().filter(|p| p.answers_to(name)).collect();
    match found[..] {
        [program] => Ok(program),
        [] => {
            // Both spellings count as near: one types the short one and pastes the long one.
            let names: Vec<String> = programs
                .iter()
                .flat_map(|p| [p.name.clone(), p.full_name()])
                .collect();
            let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
            names.sort_unstable();
            names.dedup();
            Err(near::unknown("example", name, names))
        }
        _ => {
            let names: Vec<String> = found.iter().map(|program| program.full_name()).collect();
            bail!("several examples are called `{name}`: {}", names.join(", "))
        }
    }
}

fn list(programs: &[Program]) -> String {
    if programs.is_empty() {
        return "nothing to run yet: no package under examples/, no examples in any crate\n"
            .to_owned();
    }
    let width = programs
        .iter()
        .map(|program| program.full_name().len())
        .max()
        .unwrap_or(0);
    programs
        .iter()
        .map(|p| {
            format!("{:<width$}  {}", p.full_name(), p.about)
                .trim_end()
                .to_owned()
                + "\n"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn program(name: &str, of: Option<&str>) -> Program {
        Program {
            name: name.to_owned(),
            of: of.map(str::to_owned),
            package: format!("{}-demo", of.unwrap_or(name)),
            features: Vec::new(),
            about: format!("About {name}."),
        }
    }

    fn some() -> Vec<Program> {
        vec![
            program("scraper", None),
            program("limit", Some("semaphore")),
            program("limit", Some("ratelimit")),
        ]
    }

    #[test]
    fn a_package_answers_to_its_folder_and_its_own_name() {
        let programs = some();
        assert_eq!(find(&programs, "scraper").unwrap(), &programs[0]);
        assert_eq!(find(&programs, "scraper-demo").unwrap(), &programs[0]);
    }

    #[test]
    fn the_same_name_in_two_crates_has_to_be_told_apart() {
        let programs = some();
        let error = find(&programs, "limit").unwrap_err().to_string();
        assert!(
            error.ends_with("semaphore/limit, ratelimit/limit"),
            "{error}"
        );
        assert_eq!(find(&programs, "ratelimit/limit").unwrap(), &programs[2]);
    }

    #[test]
    fn an_unknown_name_gets_a_hint() {
        let error = find(&some(), "scrapper").unwrap_err().to_string();
        assert_eq!(error, "no example `scrapper`; did you mean scraper?");
        let error = find(&[], "scraper").unwrap_err().to_string();
        assert_eq!(error, "no example `scraper`: there is none at all");
    }

    #[test]
    fn the_list_has_a_line_for_each() {
        assert_eq!(
            list(&some()),
            "scraper          About scraper.\n\
             semaphore/limit  About limit.\n\
             ratelimit/limit  About limit.\n"
        );
    }

    #[test]
    fn options_after_the_name_belong_to_the_program() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            demo: Demo,
        }
        let parse = |line: &str| Line::parse_from(line.split(' ')).demo;
        assert_eq!(
            parse("demo scraper --list -v x").words,
            ["scraper", "--list", "-v", "x"]
        );
        assert!(!parse("demo scraper --list").list);
        assert!(parse("demo --list").list);
        assert!(parse("demo").words.is_empty());
    }

    #[test]
    fn an_example_is_described_by_its_first_doc_line() {
        assert_eq!(
            first_doc_line("// x\n//! Limits downloads.\n//! More."),
            Some("Limits downloads.")
        );
        assert_eq!(first_doc_line("fn main() {}"), None);
    }
}
