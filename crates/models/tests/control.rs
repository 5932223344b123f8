//! Controls fail as they say, or are found out.

use anabranch_models::must_fail;
use std::panic::catch_unwind;

#[test]
fn a_control_that_fails_as_it_says_is_fine() {
    must_fail("control_that_fails", "as it should");
}

#[test]
fn one_that_passes_fails_otherwise_or_is_not_there_is_found_out() {
    let found_out = |control: &'static str, says: &'static str, why: &str| {
        let panic = catch_unwind(|| must_fail(control, says)).expect_err("found out");
        let panic = panic.downcast_ref::<String>().expect("a sentence");
        assert!(panic.starts_with(why), "{panic}");
    };
    found_out("control_that_passes", "", "the control passed");
    found_out(
        "control_that_fails",
        "something else",
        "failed in another way",
    );
    found_out("control_that_is_not_there", "", "no control of that name");
}

#[test]
#[ignore = "a control that has to fail: run by a_control_that_fails_as_it_says_is_fine"]
fn control_that_fails() {
    panic!("as it should");
}

#[test]
#[ignore = "a control that ought to fail and does not: run by the second test"]
fn control_that_passes() {
    assert_eq!(1 + 1, 2);
}
