//! The workspace's commands: `cargo xtask <command>`.

fn main() {}
