//! Runs one cell's command: output to its log, an end after its time, and no process left behind
//! when it is ended early.
//!
//! The command leads a process group of its own, so that ending it reaches the compilers and tests
//! it started and nothing else.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// How a command came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself.
    Exited(ExitStatus),
    /// It had not ended after this long.
    TimedOut(Duration),
    /// Someone interrupted the run.
    Interrupted,
}

/// Set by Ctrl-C or a polite request to end. The commands are in groups of their own, where a
/// terminal's Ctrl-C does not reach them: we have to pass it on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From here on, signals set the flag instead of ending this process.
    pub(crate) fn listen() -> io::Result<Self> {
        let interrupt = Self::default();
        #[cfg(unix)]
        for signal in signal_hook::consts::TERM_SIGNALS {
            signal_hook::flag::register(*signal, interrupt.0.clone())?;
        }
        Ok(interrupt)
    }

    pub(crate) fn is_set(&self) -> bool {
        // ORDERING: Relaxed; the flag publishes nothing but itself.
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs `command` to its end, calling `tick` now and then meanwhile.
pub(crate) fn run(
    mut command: Command,
    log: &Path,
    timeout: Duration,
    interrupt: &Interrupt,
    mut tick: impl FnMut(),
) -> anyhow::Result<End> {
    let out = File::create(log).with_context(|| log.display().to_string())?;
    let err = out.try_clone()?;
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let started = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;
    // Nothing tells us of both a child's end and the passing of time; the pause grows, so that a
    // quick cell ends at once and a long one costs nothing to watch.
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(End::Exited(status));
        }
        let end = if interrupt.is_set() {
            Some(End::Interrupted)
        } else if started.elapsed() >= timeout {
            Some(End::TimedOut(timeout))
        } else {
            None
        };
        if let Some(end) = end {
            stop(&mut child)?;
            return Ok(end);
        }
        tick();
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Asks the group to end, insists after a while, and waits for the one we started.
#[cfg(unix)]
fn stop(child: &mut Child) -> anyhow::Result<()> {
    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

    // nextest gives each test a group of its own and ends them when it is asked to, within 10 s:
    // killed outright, it would leave them running.
    const GRACE: Duration = Duration::from_secs(12);

    let leader = Pid::from_child(child);
    kill_process_group(leader, Signal::TERM)?;
    let asked = Instant::now();
    // NOWAIT: its number stays taken until we are done with the group, and cannot come to mean
    // someone else's process in between.
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    while waitid(WaitId::Pid(leader), look)?.is_none() && asked.elapsed() < GRACE {
        std::thread::sleep(Duration::from_millis(20));
    }
    // The leader may be gone while others of the group ignore the request.
    kill_process_group(leader, Signal::KILL)?;
    child.wait()?;
    Ok(())
}

/// Without process groups, only the command itself can be ended.
#[cfg(not(unix))]
fn stop(child: &mut Child) -> anyhow::Result<()> {
    child.kill()?;
    child.wait()?;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn output_of_both_kinds_is_in_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let end = run(
            sh("echo out; echo err >&2; exit 3"),
            &log,
            LONG,
            &Interrupt::default(),
            || {},
        );
        assert!(matches!(end.unwrap(), End::Exited(status) if status.code() == Some(3)));
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "out\nerr\n");
    }

    #[test]
    fn time_over_ends_the_grandchildren_too() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        // The grandchild does not end by itself within the test; its number is in the log.
        let script = sh("sleep 300 & echo $!; wait");
        let short = Duration::from_millis(300);
        let end = run(script, &log, short, &Interrupt::default(), || {});
        assert_eq!(end.unwrap(), End::TimedOut(short));
        let grandchild = std::fs::read_to_string(&log).unwrap();
        assert!(
            is_gone(grandchild.trim()),
            "process {grandchild} still runs"
        );
    }

    #[test]
    fn an_interrupt_ends_the_cell() {
        let dir = tempfile::tempdir().unwrap();
        let interrupt = Interrupt::default();
        let set = interrupt.clone();
        let end = run(
            sh("sleep 300"),
            &dir.path().join("log"),
            LONG,
            &interrupt,
            move || {
                set.0.store(true, Ordering::Relaxed);
            },
        );
        assert_eq!(end.unwrap(), End::Interrupted);
    }

    /// Killed processes stay listed for a moment until someone reaps them: those count as gone.
    fn is_gone(pid: &str) -> bool {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            let stat = Command::new("ps")
                .args(["-o", "stat=", "-p", pid])
                .output()
                .unwrap();
            let stat = String::from_utf8_lossy(&stat.stdout).trim().to_owned();
            if stat.is_empty() || stat.starts_with('Z') {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }
}
