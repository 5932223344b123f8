//! What one sees while cells run: one line that is redrawn, or plain lines where nobody watches.

use std::io::{IsTerminal as _, stderr, stdout};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::plan::Cell;

pub(crate) struct Progress {
    total: usize,
    done: usize,
    failed: usize,
    /// `None`: not a terminal.
    bar: Option<ProgressBar>,
    /// When a plain run last said something.
    spoke: Instant,
}

/// A plain run says that it is alive this often.
const SILENCE: Duration = Duration::from_secs(60);

impl Progress {
    pub(crate) fn start(total: usize) -> Self {
        // With stdout in a file or a pipe, what is on screen would mix with what is not.
        let watched = stderr().is_terminal() && stdout().is_terminal();
        let bar = watched.then(|| {
            let style = ProgressStyle::with_template("{wide_msg} {elapsed_precise}")
                .expect("the template is a constant");
            let bar = ProgressBar::new(total as u64).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self {
            total,
            done: 0,
            failed: 0,
            bar,
            spoke: Instant::now(),
        }
    }

    pub(crate) fn begin(&mut self, cell: &Cell) {
        self.spoke = Instant::now();
        if let Some(bar) = &self.bar {
            let at = self.position(self.done + 1);
            let failed = self.failed;
            bar.set_message(format!("{at} {}   {failed} failed", cell.name()));
        }
    }

    /// To be called while a cell runs.
    pub(crate) fn tick(&mut self, cell: &Cell, since: Instant) {
        if self.bar.is_none() && self.spoke.elapsed() >= SILENCE {
            self.spoke = Instant::now();
            let at = self.position(self.done + 1);
            eprintln!(
                "{at} {} still runs, {} s",
                cell.name(),
                since.elapsed().as_secs()
            );
        }
    }

    pub(crate) fn end(&mut self, cell: &Cell, words: &str, failed: bool, took: Duration) {
        self.done += 1;
        self.failed += usize::from(failed);
        if self.bar.is_none() {
            let mark = if failed { "FAIL" } else { "ok  " };
            let (at, name) = (self.position(self.done), cell.name());
            eprintln!(
                "{at} {mark} {name:<32} {words}, {:.1} s",
                took.as_secs_f64()
            );
        }
    }

    /// Prints something that stays, above the line.
    pub(crate) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{text}")),
            None => println!("{text}"),
        }
    }

    /// Takes the line away: what follows is the report.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn position(&self, n: usize) -> String {
        let width = self.total.to_string().len();
        format!("[{n:>width$}/{}]", self.total)
    }
}
