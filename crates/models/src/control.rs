//! Tests that have to fail.

use std::process::Command;

/// Runs the ignored test `control` of the calling test program in a process of its own, where it
/// has to fail and say `says`: a model that panics while it is being torn down takes its process
/// with it.
///
/// # Panics
/// When there is no such test, when it passes, and when it fails in another way.
pub fn must_fail(control: &str, says: &str) {
    let program = std::env::current_exe().expect("a running program has a path");
    let output = Command::new(program)
        .args(["--exact", control, "--ignored", "--nocapture"])
        .output()
        .expect("the test program runs a second time");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.contains("running 1 test"),
        "no control of that name: {said}"
    );
    assert!(!output.status.success(), "the control passed: {said}");
    assert!(said.contains(says), "failed in another way: {said}");
}
