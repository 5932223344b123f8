//! Ctrl-C as a callback: the first signal asks, the second one kills.
//!
//! The callback runs on a thread, not inside a signal handler, so it may lock, print and cancel.
//! The default action is back from the first signal on, and once the watch is over: a program that
//! fails to stop can always be stopped by pressing Ctrl-C again.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};

/// Which signal asked the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// `kill`, or a supervisor.
    Terminate,
}

impl Signal {
    /// What a shell reports for a process ended by this signal: 128 and its number.
    pub fn exit_code(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }

    fn of(number: i32) -> Signal {
        if number == SIGTERM {
            Signal::Terminate
        } else {
            Signal::Interrupt
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Interrupt => "Ctrl-C (SIGINT)",
            Signal::Terminate => "SIGTERM",
        })
    }
}

impl std::error::Error for Signal {}

/// Calls back at the first signal, until dropped. See the module.
#[must_use = "the watch ends when it is dropped"]
#[derive(Debug)]
pub struct Interrupt {
    deadly: Arc<AtomicBool>,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Interrupt {
    /// Calls `react`, on a thread of its own, at the first SIGINT or SIGTERM.
    ///
    /// One watch at a time: a second one would take the first one's signals.
    ///
    /// # Errors
    /// When the handlers or the thread cannot be set up.
    pub fn watch(react: impl FnOnce(Signal) + Send + 'static) -> io::Result<Interrupt> {
        let deadly = deadly_flag()?;
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let handle = signals.handle();
        let thread = thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    react(Signal::of(signal));
                }
            })?;
        // ORDERING: SeqCst, as in the handlers, which choose it: this is no hot path.
        deadly.store(false, Ordering::SeqCst);
        Ok(Interrupt {
            deadly,
            handle,
            thread: Some(thread),
        })
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.deadly.store(true, Ordering::SeqCst);
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the callback has been printed; the program is about to end anyway.
            let _ = thread.join();
        }
    }
}

/// The flag that decides what a signal does: the default action if set, else only set the flag.
///
/// Installed once for the whole process and never removed. A handler that is removed leaves its
/// signal ignored rather than deadly, so the way back to the default action is this flag.
fn deadly_flag() -> io::Result<Arc<AtomicBool>> {
    static FLAG: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);
    let mut installed = FLAG.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(flag) = &*installed {
        return Ok(flag.clone());
    }
    let flag = Arc::new(AtomicBool::new(true));
    for signal in [SIGINT, SIGTERM] {
        // Handlers run in the order they were installed: the first signal finds the flag down,
        // passes, and raises it for the second.
        flag::register_conditional_default(signal, flag.clone())?;
        flag::register(signal, flag.clone())?;
    }
    *installed = Some(flag.clone());
    Ok(flag)
}
