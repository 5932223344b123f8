//! What the kernel knows about this process: processor time, memory, whether a thread sleeps.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// Processor time and context switches of the process so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) switches: u64,
}

/// Reads [`Usage`], threads that have ended included.
pub(crate) fn usage() -> Usage {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("getrusage of oneself cannot fail");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let switches = usage.voluntary_context_switches() + usage.involuntary_context_switches();
    Usage {
        cpu: Duration::from_micros(micros.unsigned_abs()),
        switches: switches.unsigned_abs(),
    }
}

/// The largest resident size so far, in KiB.
pub(crate) fn peak_rss_kib() -> Result<u64> {
    status_field("VmHWM:").and_then(|value| {
        let kib = value.trim_end_matches("kB").trim();
        kib.parse().with_context(|| format!("VmHWM is `{value}`"))
    })
}

/// The resident size now, in bytes, by whole pages.
pub(crate) fn rss_bytes() -> Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm").context("reading /proc/self/statm")?;
    let pages = statm
        .split_whitespace()
        .nth(1)
        .context("/proc/self/statm has no second field")?;
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)?;
    Ok(pages.parse::<u64>()? * page.context("the page size is unknown")?.unsigned_abs())
}

/// One line of `/proc/self/status`, without its name.
pub(crate) fn status_field(name: &str) -> Result<String> {
    let status = fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    Ok(line
        .with_context(|| format!("/proc/self/status has no {name}"))?
        .trim()
        .to_owned())
}

/// Lets one thread see whether another one is asleep in the kernel.
#[derive(Debug, Clone)]
pub(crate) struct ThreadState(PathBuf);

impl ThreadState {
    /// For the calling thread; hand it to whoever wants to look.
    pub(crate) fn of_this_thread() -> Result<Self> {
        let own = fs::read_link("/proc/thread-self").context("reading /proc/thread-self")?;
        Ok(ThreadState(PathBuf::from("/proc").join(own).join("stat")))
    }

    /// Whether the thread sleeps. A snapshot: may be stale on return.
    pub(crate) fn is_asleep(&self) -> Result<bool> {
        let stat = fs::read_to_string(&self.0).context("reading a thread's state")?;
        // The state follows the name, which stands in brackets and may hold anything.
        let state = stat.rsplit_once(") ").map(|(_, rest)| rest.as_bytes()[0]);
        Ok(state == Some(b'S'))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn memory_in_use_is_seen_to_grow() {
        let before = rss_bytes().unwrap();
        let filled = std::hint::black_box(vec![1_u8; 32 << 20]);
        let grown = rss_bytes().unwrap() - before;
        assert!(grown > 30 << 20, "32 MiB were seen as {grown} bytes");
        assert!(peak_rss_kib().unwrap() > 30 << 10);
        drop(filled);
    }

    #[test]
    fn a_blocked_thread_is_seen_to_sleep_and_this_one_to_run() {
        let (state, states) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let blocked = thread::spawn(move || {
            state.send(ThreadState::of_this_thread().unwrap()).unwrap();
            stopped.recv().unwrap_err();
        });
        let other = states.recv().unwrap();
        while !other.is_asleep().unwrap() {
            thread::yield_now();
        }
        assert!(!ThreadState::of_this_thread().unwrap().is_asleep().unwrap());
        drop(stop);
        blocked.join().unwrap();
    }
}
