//! What the figures of this process depend on, for the file that keeps them.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::sys;

/// Machine, build and moment. What cannot be read says so instead of being left out, so that two
/// files always have the same fields.
pub fn environment() -> Value {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    json!({
        "cpu": field(&cpuinfo, "model name"),
        "cores": thread::available_parallelism().map_or(0, usize::from),
        "smt": read("/sys/devices/system/cpu/smt/control"),
        "affinity": sys::status_field("Cpus_allowed_list:").unwrap_or_else(|_| unknown()),
        "cgroup_cpu_max": read("/sys/fs/cgroup/cpu.max"),
        "governor": read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "boost": read("/sys/devices/system/cpu/cpufreq/boost"),
        "virtualised": field(&cpuinfo, "flags").split(' ').any(|flag| flag == "hypervisor"),
        "steal_ticks": steal_ticks(),
        "memory": field(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), "MemTotal"),
        "load": read("/proc/loadavg"),
        "kernel": read("/proc/sys/kernel/osrelease"),
        "rustc": env!("BUILD_RUSTC"),
        "profile": env!("BUILD_PROFILE"),
        "opt_level": env!("BUILD_OPT_LEVEL"),
        "rustflags": env!("BUILD_RUSTFLAGS"),
        "allocator": "system",
        "lock_hash": env!("LOCK_HASH"),
        "git_rev": git(&["rev-parse", "HEAD"]).unwrap_or_else(unknown),
        "git_dirty": git(&["status", "--porcelain"]).map(|changes| !changes.is_empty()),
        "runner": concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")),
        "date": utc(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs())),
        // Arguments only: where the program lies says nothing about the figures.
        "command": std::env::args().skip(1).collect::<Vec<_>>().join(" "),
    })
}

fn unknown() -> String {
    "n/a".into()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| unknown(), |text| text.trim().to_owned())
}

/// The value of the first line `name : value`.
fn field(text: &str, name: &str) -> String {
    let found = text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    });
    found.unwrap_or_else(unknown)
}

/// Ticks that a hypervisor gave to other machines since boot: two readings tell of a disturbance.
fn steal_ticks() -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().next()?.split_whitespace().nth(8)?.parse().ok()
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Seconds since 1970 as `2024-02-29T12:00:00Z`.
fn utc(seconds: u64) -> String {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut days, time) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!(
        "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
        days + 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(utc(1_735_689_599), "2024-12-31T23:59:59Z");
        assert_eq!(utc(1_735_689_600), "2025-01-01T00:00:00Z");
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "model\t: 1\nmodel name\t: EPYC: the second\n";
        assert_eq!(field(text, "model name"), "EPYC: the second");
        assert_eq!(field(text, "flags"), "n/a");
    }

    #[test]
    fn the_environment_names_machine_build_and_moment() {
        let environment = environment();
        for key in [
            "cpu",
            "cores",
            "kernel",
            "load",
            "rustc",
            "profile",
            "lock_hash",
            "date",
        ] {
            assert!(!environment[key].is_null(), "{key} is missing");
        }
    }
}
