//! What one repetition took, and the watch that takes it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::sys;

/// One repetition of a cell: checked work, and what it took.
#[derive(Debug, Clone)]
pub struct Rep {
    /// Operations that the time is divided by.
    pub ops: u64,
    /// Wall time of the measured part.
    pub wall: Duration,
    /// User and system time of the whole process during the measured part.
    pub cpu: Duration,
    /// Times the kernel took a thread of ours off a core in the measured part.
    pub switches: u64,
    /// A figure that is not wall time divided by operations: the median latency.
    pub latency_ns: Option<f64>,
    /// Further figures by name, unit last: `p99_us`, `bytes`.
    pub metrics: BTreeMap<&'static str, f64>,
}

impl Rep {
    /// The main figure: the median latency where that is what the workload asks for, else wall
    /// time per operation.
    pub fn ns_per_op(&self) -> f64 {
        self.latency_ns
            .unwrap_or_else(|| self.wall.as_secs_f64() * 1e9 / self.ops as f64)
    }

    /// Adds a figure.
    pub fn with_metric(mut self, name: &'static str, value: f64) -> Self {
        self.metrics.insert(name, value);
        self
    }

    /// Makes the median of `samples` (nanoseconds) the figure and adds their 99th percentile.
    ///
    /// # Errors
    /// No samples.
    pub fn with_latencies(mut self, mut samples: Vec<f64>) -> Result<Self> {
        ensure!(!samples.is_empty(), "no samples were taken");
        samples.sort_by(f64::total_cmp);
        let median = quantile(&samples, 0.5);
        self.latency_ns = Some(median);
        Ok(self
            .with_metric("median_us", median / 1e3)
            .with_metric("p99_us", quantile(&samples, 0.99) / 1e3))
    }
}

/// Times the measured part of a repetition: setting up and taking down stay outside.
#[derive(Debug)]
pub struct Stopwatch {
    usage: sys::Usage,
    wall: Instant,
}

impl Stopwatch {
    /// Starts the clocks, the wall clock last.
    pub fn start() -> Self {
        Stopwatch {
            usage: sys::usage(),
            wall: Instant::now(),
        }
    }

    /// Stops the clocks, the wall clock first.
    pub fn stop(self, ops: u64) -> Rep {
        let wall = self.wall.elapsed();
        let usage = sys::usage();
        Rep {
            ops,
            wall,
            cpu: usage.cpu.saturating_sub(self.usage.cpu),
            switches: usage.switches.saturating_sub(self.usage.switches),
            latency_ns: None,
            metrics: BTreeMap::new(),
        }
    }
}

/// The `q` quantile (0 to 1) of sorted samples, the nearest one: no value that was not measured.
///
/// # Panics
/// `sorted` is empty.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let last = sorted.len() - 1;
    sorted[(q * last as f64).round() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measured_values() {
        let sorted: Vec<f64> = (1..=101).map(f64::from).collect();
        assert_eq!(quantile(&sorted, 0.0), 1.0);
        assert_eq!(quantile(&sorted, 0.5), 51.0);
        assert_eq!(quantile(&sorted, 0.99), 100.0);
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
    }

    #[test]
    fn a_latency_takes_the_place_of_wall_time_per_operation() {
        let rep = Stopwatch::start().stop(10);
        assert!(rep.latency_ns.is_none());
        let rep = rep.with_latencies(vec![3000.0, 1000.0, 2000.0]).unwrap();
        assert_eq!(rep.ns_per_op(), 2000.0);
        assert_eq!(rep.metrics["median_us"], 2.0);
        assert_eq!(rep.metrics["p99_us"], 3.0);
    }

    #[test]
    fn no_samples_are_an_error_and_not_a_figure() {
        assert!(
            Stopwatch::start()
                .stop(1)
                .with_latencies(Vec::new())
                .is_err()
        );
    }
}
