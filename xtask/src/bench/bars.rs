//! The bars of `benches/bars.toml`: what ours must reach, against whom, and whether it does.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Deserializer, Serialize};

use crate::near;

use super::measure::Session;
use super::plan::Slot;
use super::protocol::{Cell, Kind, METRICS};
use super::select::{Selection, distinct};
use super::stats::{Ratio, Spread};
use super::verdict::Verdict;

/// One row of the file, as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bar {
    pub(crate) id: String,
    #[serde(rename = "crate")]
    krate: String,
    workload: String,
    ours: String,
    /// The peers or limits on the other side, of which the best counts. Of another workload where
    /// the name says which: `X1-2/anabranch`. Left out only if the bar is one value alone.
    #[serde(default, deserialize_with = "one_or_more")]
    against: Vec<String>,
    #[serde(default = "ns_per_op")]
    pub(crate) metric: String,
    /// Ours may be so many times the other side ...
    at_most: Option<f64>,
    /// ... plus so many nanoseconds.
    #[serde(default)]
    plus_ns: f64,
    /// And never more than this, in the metric's unit.
    max_value: Option<f64>,
    /// Where more is better: ours must be so many times the other side ...
    at_least: Option<f64>,
    /// ... and never less than this.
    min_value: Option<f64>,
}

fn ns_per_op() -> String {
    "ns_per_op".into()
}

/// A name, or a list of them.
fn one_or_more<'de, D: Deserializer<'de>>(names: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        One(String),
        More(Vec<String>),
    }
    Ok(match Names::deserialize(names)? {
        Names::One(name) => vec![name],
        Names::More(names) => names,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    bar: Vec<Bar>,
}

/// A bar whose cells have been found.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) bar: Bar,
    ours: usize,
    against: Vec<usize>,
}

/// A bar and what was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Judged {
    pub(crate) id: String,
    pub(crate) ours: String,
    /// The best of the other side, by its median in this run.
    pub(crate) against: Option<String>,
    pub(crate) metric: String,
    /// The bar in words: `<= 1.1x + 2 ns`.
    pub(crate) bar: String,
    pub(crate) ours_value: Option<Spread>,
    pub(crate) against_value: Option<Spread>,
    /// Ours over the other side.
    pub(crate) ratio: Option<Ratio>,
    /// Ours over what the bar allows, or what it asks for over ours: what the verdict is about.
    pub(crate) to_bar: Option<Ratio>,
    pub(crate) noise: Option<f64>,
    pub(crate) verdict: Verdict,
}

/// Reads the file and finds every cell it names; any mistake in it is an error that names the row.
pub(crate) fn read(path: &Path, cells: &[Cell]) -> anyhow::Result<Vec<Placed>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
    parse(&text, cells).with_context(|| format!("{}", path.display()))
}

fn parse(text: &str, cells: &[Cell]) -> anyhow::Result<Vec<Placed>> {
    let file: File = toml::from_str(text)?;
    let mut ids = HashSet::new();
    let place = |bar: Bar| {
        let id = bar.id.clone();
        ensure!(ids.insert(id.clone()), "bar `{id}` is there twice");
        bar.place(cells).with_context(|| format!("bar `{id}`"))
    };
    file.bar.into_iter().map(place).collect()
}

impl Bar {
    fn place(self, cells: &[Cell]) -> anyhow::Result<Placed> {
        let is_below = self.at_most.is_some() || self.max_value.is_some();
        ensure!(
            !(is_below && self.is_above()),
            "a bar is a most or a least, not both: make it two"
        );
        let times = self.at_most.or(self.at_least);
        let value = self.max_value.or(self.min_value);
        match (self.against.is_empty(), times, value) {
            (false, Some(_), _) | (true, None, Some(_)) => {}
            (false, None, _) => bail!("`against` needs `at_most` or `at_least`"),
            (true, Some(_), _) => bail!("`at_most`, as `at_least`, needs `against`"),
            (true, None, None) => {
                bail!(
                    "sets no bar: give `against` and `at_most` or `at_least`, or `max_value` or \
                     `min_value`"
                )
            }
        }
        let sound = |x: f64| x.is_finite() && x > 0.0;
        ensure!(
            times.into_iter().chain(value).all(sound),
            "a bar is a positive number"
        );
        ensure!(
            self.plus_ns >= 0.0 && self.plus_ns.is_finite(),
            "`plus_ns` is negative"
        );
        if !METRICS.contains(&self.metric.as_str()) {
            return Err(near::unknown("metric", &self.metric, METRICS));
        }
        ensure!(
            self.plus_ns == 0.0 || is_below && self.metric.ends_with("ns_per_op"),
            "`plus_ns` cannot be added to {}",
            self.metric
        );
        let ours = self.find(&self.ours, cells)?;
        let mut against = Vec::new();
        for name in &self.against {
            let place = self.find(name, cells)?;
            ensure!(place != ours, "`ours` and `against` are the same cell");
            ensure!(!against.contains(&place), "`{name}` is there twice");
            ensure!(
                cells[place].kind != Kind::Unsound,
                "`{name}` is unsound, and how fast that is says nothing about what ours should reach"
            );
            against.push(place);
        }
        Ok(Placed {
            bar: self,
            ours,
            against,
        })
    }

    /// The cell of this name: an implementation of the bar's workload, or both as `X1-2/anabranch`.
    fn find(&self, name: &str, cells: &[Cell]) -> anyhow::Result<usize> {
        let own = (self.workload.as_str(), name);
        let (workload, implementation) = name.split_once('/').unwrap_or(own);
        let crates = distinct(cells.iter().map(|cell| cell.krate.as_str()));
        if !crates.contains(&self.krate.as_str()) {
            return Err(near::unknown("crate with benchmarks", &self.krate, crates));
        }
        let of_crate = || cells.iter().filter(|cell| cell.krate == self.krate);
        let workloads = distinct(of_crate().map(|cell| cell.w.as_str()));
        if !workloads.contains(&workload) {
            let what = format!("workload of {}", self.krate);
            return Err(near::unknown(&what, workload, workloads));
        }
        let found = cells.iter().position(|cell| {
            (cell.krate.as_str(), cell.w.as_str()) == (&self.krate, workload)
                && cell.implementation == implementation
        });
        found.ok_or_else(|| {
            let those = of_crate().filter(|cell| cell.w == workload);
            let what = format!("implementation of {workload}");
            near::unknown(
                &what,
                implementation,
                those.map(|cell| cell.implementation.as_str()),
            )
        })
    }

    /// Whether more is better.
    fn is_above(&self) -> bool {
        self.at_least.is_some() || self.min_value.is_some()
    }

    /// Ours over what the bar allows, or what it asks for over ours, where the other side was
    /// measured as `against`: at most one is good.
    fn to_bar(&self, ours: f64, against: Option<f64>) -> (f64, f64) {
        if self.is_above() {
            let relative = self
                .at_least
                .zip(against)
                .map(|(times, other)| times * other);
            let least = relative.unwrap_or(0.0).max(self.min_value.unwrap_or(0.0));
            return (least, ours);
        }
        let relative = self.at_most.zip(against);
        let relative = relative.map(|(times, other)| times * other + self.plus_ns);
        let most = relative.unwrap_or(f64::INFINITY);
        (ours, most.min(self.max_value.unwrap_or(f64::INFINITY)))
    }

    fn words(&self) -> String {
        let mut parts = Vec::new();
        if let Some(times) = self.at_most.or(self.at_least) {
            let plus = self.plus_ns;
            parts.push(if plus == 0.0 {
                format!("{times}x")
            } else {
                format!("{times}x + {plus} ns")
            });
        }
        parts.extend(
            self.max_value
                .or(self.min_value)
                .map(|value| value.to_string()),
        );
        let is_above = self.at_least.is_some() || self.min_value.is_some();
        let sign = if is_above { ">=" } else { "<=" };
        format!("{sign} {}", parts.join(" and "))
    }
}

impl Placed {
    /// Whether the selection leaves this bar in. Peers are part of a bar and not to be left out.
    pub(crate) fn is_selected(&self, selection: &Selection, cells: &[Cell]) -> bool {
        selection.reason_out(&cells[self.ours]).is_none()
    }

    /// What must be measured: both sides, and the other side (or ours, if there is none) once more
    /// for the noise.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let twice = |&reference| [Slot::first(reference), Slot::again(reference)];
        [Slot::first(self.ours)]
            .into_iter()
            .chain(self.references().iter().flat_map(twice))
            .collect()
    }

    /// What ours may be compared with: the other side, or itself if there is none.
    fn references(&self) -> &[usize] {
        if self.against.is_empty() {
            std::slice::from_ref(&self.ours)
        } else {
            &self.against
        }
    }

    /// The one of them that is best in this run. By its median over all rounds: the best of each
    /// round would be nobody's figure, only luck.
    fn best(&self, session: &Session<'_>) -> usize {
        let metric = self.bar.metric.as_str();
        let worst = if self.bar.is_above() {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
        let middle = |reference: &usize| {
            let figures = session.by_round(Slot::first(*reference), metric);
            let spread = Spread::of(figures.into_iter().flatten().collect());
            spread.map_or(worst, |s| s.median)
        };
        let best = self.references().iter().min_by(|a, b| {
            let order = middle(a).total_cmp(&middle(b));
            if self.bar.is_above() {
                order.reverse()
            } else {
                order
            }
        });
        *best.unwrap_or(&self.ours)
    }

    /// The other side as the report shows it: the implementation alone where the workload is the same.
    fn name_of(&self, reference: usize, cells: &[Cell]) -> Option<String> {
        let cell = &cells[reference];
        if self.against.is_empty() {
            None
        } else if cell.w == self.bar.workload {
            Some(cell.implementation.clone())
        } else {
            Some(cell.name())
        }
    }

    /// Compares the rounds in which all of its slots were measured.
    pub(crate) fn judge(&self, session: &Session<'_>, seed: u64) -> Judged {
        let bar = &self.bar;
        let reference = self.best(session);
        let stands_alone = self.against.is_empty();
        let metric = bar.metric.as_str();
        let ours = session.by_round(Slot::first(self.ours), metric);
        let theirs = session.by_round(Slot::first(reference), metric);
        let again = session.by_round(Slot::again(reference), metric);
        let pairs = |top: &[Option<f64>], bottom: &[Option<f64>]| -> Vec<(f64, f64)> {
            top.iter()
                .zip(bottom)
                .filter_map(|(top, bottom)| Some(((*top)?, (*bottom)?)))
                .collect()
        };
        let against = pairs(&ours, &theirs);
        let to_bar: Vec<_> = against
            .iter()
            .map(|(ours, theirs)| bar.to_bar(*ours, (!stands_alone).then_some(*theirs)))
            .collect();
        let ratio = Ratio::of_pairs(&against, seed).filter(|_| !stands_alone);
        let to_bar = Ratio::of_pairs(&to_bar, seed);
        let noise = Ratio::of_pairs(&pairs(&again, &theirs), seed);
        let noise = noise.map(|ratio| ratio.distance_from_equal());
        // Any of them: one that failed might have been the best.
        let failed = session.has_failed(self.ours)
            || self.references().iter().any(|&i| session.has_failed(i));
        let verdict = match (&to_bar, noise) {
            (Some(to_bar), Some(noise)) if !failed => Verdict::of(to_bar, noise),
            // Interrupted before anything was measured is not a failure.
            _ if !failed && ours.is_empty() => Verdict::Unclear,
            _ => Verdict::Failed,
        };
        let spread =
            |values: &[Option<f64>]| Spread::of(values.iter().copied().flatten().collect());
        Judged {
            id: bar.id.clone(),
            ours: session.cells[self.ours].name(),
            against: self.name_of(reference, session.cells),
            metric: bar.metric.clone(),
            bar: bar.words(),
            ours_value: spread(&ours),
            against_value: spread(&theirs).filter(|_| !stands_alone),
            ratio,
            to_bar,
            noise,
            verdict,
        }
    }
}

#[cfg(test)]
mod tests;
