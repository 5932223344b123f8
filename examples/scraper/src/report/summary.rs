//! The whole crawl in a few lines of text.

use std::fmt::Write as _;

use super::table::{millis, size};
use super::{Ended, Report};

impl Report {
    /// The summary: how it ended, what was done, how fast, what failed, what was abandoned by whom.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail: the results below are dropped for that reason.
        let seconds = self.took.as_secs_f64();
        let _ = match self.ended {
            Ended::Complete => {
                let plural = if self.workers == 1 { "" } else { "s" };
                writeln!(
                    text,
                    "done in {seconds:.1} s with {} worker{plural}",
                    self.workers
                )
            }
            Ended::Deadline(after) => writeln!(
                text,
                "stopped after {seconds:.1} s: the deadline of {} was reached",
                humantime::format_duration(after)
            ),
            Ended::Interrupted(signal) => {
                writeln!(text, "stopped after {seconds:.1} s by {signal}")
            }
            Ended::Cancelled => writeln!(text, "cancelled after {seconds:.1} s"),
        };
        let abandoned = self.abandoned().count();
        let _ = writeln!(
            text,
            "pages      {} read ({}), {} failed, {abandoned} abandoned, {} never begun",
            self.read(),
            size(self.bytes()),
            self.failed(),
            self.never_begun
        );
        if self.beyond_limit > 0 {
            let _ = writeln!(
                text,
                "           {} more beyond the page limit",
                self.beyond_limit
            );
        }
        self.write_speed(&mut text, seconds);
        self.write_errors(&mut text);
        self.write_abandoned(&mut text);
        text
    }

    fn write_speed(&self, text: &mut String, seconds: f64) {
        let finished = self.read() + self.failed();
        if seconds > 0.0 {
            let _ = writeln!(
                text,
                "throughput {:.1} pages/s, {}/s",
                finished as f64 / seconds,
                size((self.bytes() as f64 / seconds) as u64)
            );
        }
        let pace = self.pace();
        let _ = write!(text, "limit      {}/s, burst {}: ", pace.rate, pace.burst);
        let _ = match pace.achieved {
            Some(achieved) => write!(text, "{} requests at {achieved:.1}/s", pace.requests),
            None => write!(text, "{} requests", pace.requests),
        };
        if let Some(used) = pace.used {
            let _ = write!(text, ", {:.1} % of what was allowed", used * 100.0);
        }
        let _ = write!(text, ", at most {} within a second", pace.busiest_second);
        let _ = match pace.over {
            over if over < 0.05 => writeln!(text, ", never over"),
            over => writeln!(text, ", over by {over:.1} requests at worst"),
        };
    }

    fn write_errors(&self, text: &mut String) {
        let mut kinds: Vec<_> = self.error_kinds().into_iter().collect();
        if kinds.is_empty() {
            return;
        }
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let kinds: Vec<_> = kinds
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        let _ = writeln!(text, "errors     {}", kinds.join(", "));
    }

    fn write_abandoned(&self, text: &mut String) {
        for visit in self.abandoned() {
            let (worker, took) = (visit.worker, millis(visit.took));
            let _ = writeln!(
                text,
                "abandoned  by worker {worker} after {took}: {}",
                visit.url
            );
        }
        for (worker, url) in &self.left_behind {
            let _ = writeln!(
                text,
                "left       worker {worker} has not come back from {url}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::{report, visit};
    use super::*;
    use crate::fetch::FetchError;
    use crate::interrupt::Signal;

    #[test]
    fn a_complete_crawl_says_what_was_read_and_what_failed() {
        let mut visits = vec![visit("/a", Ok(1000)), visit("/b", Err(FetchError::Dns))];
        visits.extend((0..2).map(|_| visit("/c", Err(FetchError::Status(404)))));
        let summary = report(visits).summary();
        assert!(
            summary.starts_with("done in 2.0 s with 3 workers\n"),
            "{summary}"
        );
        assert!(summary.contains("1 read (1.0 kB), 3 failed, 0 abandoned, 0 never begun"));
        assert!(
            summary.contains("throughput 2.0 pages/s, 500 B/s"),
            "{summary}"
        );
        assert!(summary.contains("4 requests at 50.0/s, at most 4 within a second, never over"));
        assert!(
            summary.contains("errors     2 status 404, 1 host not found"),
            "{summary}"
        );
    }

    #[test]
    fn an_interrupted_crawl_names_who_abandoned_what() {
        let mut report = report(vec![visit("/slow", Err(FetchError::Abandoned))]);
        report.ended = Ended::Interrupted(Signal::Interrupt);
        report.never_begun = 7;
        report.left_behind.push((2, visit("/dns", Ok(0)).url));
        let summary = report.summary();
        assert!(
            summary.starts_with("stopped after 2.0 s by Ctrl-C (SIGINT)"),
            "{summary}"
        );
        assert!(summary.contains("1 abandoned, 7 never begun"), "{summary}");
        assert!(
            summary.contains("by worker 1 after 20 ms: http://a.org/slow"),
            "{summary}"
        );
        assert!(
            summary.contains("worker 2 has not come back from http://a.org/dns"),
            "{summary}"
        );
    }

    #[test]
    fn a_deadline_is_named() {
        let mut report = report(Vec::new());
        report.ended = Ended::Deadline(Duration::from_secs(90));
        assert!(
            report
                .summary()
                .contains("the deadline of 1m 30s was reached")
        );
    }
}
