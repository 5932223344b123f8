//! What a run's figures depend on, and what about it a reader must be warned of.

use std::fs;

use serde_json::{Value, json};

use super::plan::Plan;

/// The runner's view of machine and build, with this command and its plan added.
#[derive(Debug, Clone)]
pub(crate) struct Environment(Value);

impl Environment {
    pub(crate) fn new(runner: Value) -> Self {
        let mut all = runner;
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        all["command"] = json!(format!("cargo xtask {}", arguments.join(" ")));
        Environment(all)
    }

    pub(crate) fn add_plan(&mut self, plan: &Plan) {
        self.0["seed"] = json!(plan.seed);
        self.0["rounds"] = json!(plan.rounds.len());
    }

    pub(crate) fn json(&self) -> &Value {
        &self.0
    }

    /// When the run began, as it can stand in a folder's name.
    pub(crate) fn stamp(&self) -> String {
        self.text("date").replace(':', "-")
    }

    /// One line for the head of a table.
    pub(crate) fn line(&self) -> String {
        let (cpu, kernel, rustc) = (self.text("cpu"), self.text("kernel"), self.text("rustc"));
        let rev: String = self.text("git_rev").chars().take(10).collect();
        let dirty = if self.0["git_dirty"] == json!(true) {
            " + changes"
        } else {
            ""
        };
        let cores = &self.0["cores"];
        format!("{cpu}, {cores} cores, Linux {kernel}; {rustc}; {rev}{dirty}")
    }

    /// What makes the figures worth less, in the order of how much.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.text("profile") != "release" {
            warnings.push(format!(
                "a {} build: its figures mean nothing",
                self.text("profile")
            ));
        }
        let load: f64 = self
            .text("load")
            .split(' ')
            .next()
            .unwrap_or("")
            .parse()
            .unwrap_or(0.0);
        if load > 0.5 {
            warnings.push(format!(
                "load {load:.1} before the first cell: the machine is not idle"
            ));
        }
        if self.0["virtualised"] == json!(true) {
            warnings.push("a virtual machine: short figures vary from run to run".into());
        }
        warnings
    }

    /// How many ticks the hypervisor took since the run began; `None` if it cannot be told.
    pub(crate) fn stolen_since(&self) -> Option<u64> {
        let now = fs::read_to_string("/proc/stat").ok()?;
        let now: u64 = now
            .lines()
            .next()?
            .split_whitespace()
            .nth(8)?
            .parse()
            .ok()?;
        now.checked_sub(self.0["steal_ticks"].as_u64()?)
    }

    fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or("n/a")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(profile: &str, load: &str) -> Environment {
        Environment(json!({"profile": profile, "load": load, "date": "2026-01-02T03:04:05Z"}))
    }

    #[test]
    fn what_spoils_figures_is_said() {
        assert!(
            environment("release", "0.10 0.2 0.3 1/99 7")
                .warnings()
                .is_empty()
        );
        let warnings = environment("debug", "1.70 0.2 0.3 1/99 7").warnings();
        assert!(
            warnings[0].contains("debug") && warnings[1].contains("1.7"),
            "{warnings:?}"
        );
    }

    #[test]
    fn the_stamp_can_name_a_folder() {
        assert_eq!(environment("release", "").stamp(), "2026-01-02T03-04-05Z");
    }

    #[test]
    fn a_runner_that_says_nothing_is_no_reason_to_stop() {
        let environment = Environment::new(json!({}));
        assert!(environment.line().contains("n/a"));
        assert!(
            environment.json()["command"]
                .as_str()
                .unwrap()
                .starts_with("cargo xtask")
        );
    }
}
