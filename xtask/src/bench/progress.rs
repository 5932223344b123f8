//! What one sees while cells are measured: one line, redrawn; or a line per round where nobody
//! watches. All on stderr, so that the tables can go elsewhere.

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use indicatif::ProgressBar;

use super::protocol::Cell;

#[derive(Debug)]
pub(crate) struct Progress {
    /// `None`: not a terminal.
    bar: Option<ProgressBar>,
    round: String,
}

impl Progress {
    pub(crate) fn start() -> Self {
        // No steady tick: a thread that redraws would take time from what is measured.
        let bar = stderr().is_terminal().then(|| {
            let style = indicatif::ProgressStyle::with_template("{wide_msg}");
            ProgressBar::new_spinner().with_style(style.expect("the template is a constant"))
        });
        Progress {
            bar,
            round: String::new(),
        }
    }

    pub(crate) fn calibrating(&self, n: usize, of: usize, cell: &Cell) {
        match &self.bar {
            Some(bar) => show(bar, format!("calibrating  cell {n}/{of}  {}", cell.name())),
            None if n == 1 => eprintln!("calibrating {of} cells"),
            None => {}
        }
    }

    pub(crate) fn begin_round(&mut self, round: usize, of: usize, eta: Duration) {
        self.round = format!("round {}/{of}", round + 1);
        if self.bar.is_none() {
            eprintln!("{}  ETA {}", self.round, clock(eta));
        }
    }

    pub(crate) fn begin_cell(&self, n: usize, of: usize, cell: &Cell, eta: Duration) {
        if let Some(bar) = &self.bar {
            let (round, name, eta) = (&self.round, cell.name(), clock(eta));
            show(bar, format!("{round}  cell {n}/{of}  {name}  ETA {eta}"));
        }
    }

    /// Prints something that stays, above the line.
    pub(crate) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    /// Takes the line away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn show(bar: &ProgressBar, message: String) {
    bar.set_message(message);
    bar.tick();
}

/// `48s`, `3m10s`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    if seconds < 60 {
        format!("{seconds}s")
    } else {
        format!("{}m{:02}s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(clock(Duration::from_millis(41_200)), "42s");
        assert_eq!(clock(Duration::from_secs(190)), "3m10s");
        assert_eq!(clock(Duration::ZERO), "0s");
    }
}
