//! A bar on standard error while the crawl runs, if someone can see it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a crawl is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Pages dealt with.
    pub done: usize,
    /// Pages known and within the limit: it grows while links are found.
    pub known: usize,
    /// Pages under way.
    pub in_flight: usize,
    /// Pages that turned out bad.
    pub failed: usize,
}

/// The bar. Hidden when asked to, and when standard error is no terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar on standard error, or none if `quiet`.
    pub fn new(quiet: bool) -> Progress {
        // `stderr` draws nothing unless it is a terminal.
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style =
            ProgressStyle::with_template("{elapsed:>4} [{bar:40}] {pos}/{len} pages, {msg}");
        // The template is a constant: were it wrong, the default style would do.
        bar.set_style(
            style
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar }
    }

    /// Shows the state of things. Cheap: it is drawn a few times a second at most.
    pub fn show(&self, status: Status) {
        self.bar.set_length(status.known as u64);
        self.bar.set_position(status.done as u64);
        self.bar.set_message(format!(
            "{} in flight, {} failed",
            status.in_flight, status.failed
        ));
    }
}

impl Drop for Progress {
    /// Removes the bar, so that the report begins on a clean line.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_bar_counts_and_draws_nothing() {
        let progress = Progress::new(true);
        progress.show(Status {
            done: 3,
            known: 9,
            in_flight: 2,
            failed: 1,
        });
        assert!(progress.bar.is_hidden());
        assert_eq!(
            (progress.bar.position(), progress.bar.length()),
            (3, Some(9))
        );
        assert_eq!(progress.bar.message(), "2 in flight, 1 failed");
    }
}
