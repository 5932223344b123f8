//! Writes down what the figures depend on: the compiler, its flags and the version of each peer.

use std::{env, fs, path::Path, process::Command};

/// Whose version `list` shows. A name that is missing from the lock file fails the build.
const PEERS: [&str; 16] = [
    "tokio",
    "tokio-util",
    "event-listener",
    "governor",
    "leaky-bucket",
    "quanta",
    "ratelimit",
    "rayon",
    "crossbeam-channel",
    "flume",
    "loole",
    "kanal",
    "async-channel",
    "async-lock",
    "futures-util",
    "tokio-stream",
];

fn main() {
    let lock_path = Path::new("..").join("Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock_path.display());
    println!("cargo::rerun-if-changed=build.rs");

    let lock = fs::read_to_string(&lock_path).expect("the workspace has a Cargo.lock");
    for peer in PEERS {
        let version = locked_version(&lock, peer)
            .unwrap_or_else(|| panic!("{peer} is listed as a peer but not in Cargo.lock"));
        set(
            &format!("VERSION_{}", peer.to_uppercase().replace('-', "_")),
            &version,
        );
    }
    set("LOCK_HASH", &format!("{:016x}", fnv1a(lock.as_bytes())));
    set("BUILD_PROFILE", &env::var("PROFILE").unwrap_or_default());
    set(
        "BUILD_OPT_LEVEL",
        &env::var("OPT_LEVEL").unwrap_or_default(),
    );
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    set("BUILD_RUSTFLAGS", &flags.replace('\u{1f}', " "));
    set("BUILD_RUSTC", &rustc_version());
}

fn set(name: &str, value: &str) {
    println!("cargo::rustc-env={name}={value}");
}

/// The version on the line after `name = "<package>"`; the lock file writes them in this order.
fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    let version = lines.next()?.strip_prefix("version = \"")?;
    Some(version.trim_end_matches('"').to_owned())
}

/// FNV-1a, 64 bits: tells two lock files apart, keeps no secret.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn rustc_version() -> String {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    output
        .map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
        .unwrap_or_default()
}
