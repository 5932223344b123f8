//! Who is served, and who is not, with one thread.

use super::*;
use crate::claim::Claim;
use std::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    task::Wake,
};

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_hand_over_that_does_not_fit_leaves_the_first_in_line() {
    let waker = Waker::noop();
    let ticket = Ticket::task(waker);
    let mut line = WaitQueue::new();
    let (big, small) = (line.join(5, &ticket), line.join(1, &ticket));
    let mut wakes = Wakes::new();
    assert!(!line.hand_over_if(&mut wakes, |&n| n <= 3, |_| unreachable!()));
    assert!(line.is_first(&big) && !line.is_granted(&big) && !line.is_granted(&small));
    assert!(line.hand_over_if(&mut wakes, |&n| n <= 5, |n| *n = 0));
    assert!(line.is_granted(&big) && line.is_first(&small));
    assert_eq!(line.leave(big).value, 0);
    let _ = line.leave(small);
    assert!(!line.hand_over_if(&mut wakes, |_| true, |_| unreachable!()));
}

#[test]
fn a_hand_over_measures_the_one_it_serves_and_not_a_lost_select_before_it() {
    let waker = Waker::noop();
    let (ticket, claim) = (Ticket::task(waker), Claim::new());
    let mut line = WaitQueue::new();
    let select = line.join(1, &ticket.arm(&claim, 0));
    let big = line.join(5, &ticket);
    assert!(claim.open());
    assert_eq!(claim.word().win(1), Win::Won, "another arm was chosen");
    let mut wakes = Wakes::new();
    assert!(!line.hand_over_if(&mut wakes, |&n| n <= 3, |_| unreachable!()));
    assert!(line.is_first(&big), "the lost one is passed over");
    let (_, _) = (line.leave(select), line.leave(big));
}

#[test]
fn a_hand_over_to_each_that_fits_passes_over_the_others_and_keeps_their_order() {
    let waker = Waker::noop();
    let (ticket, claims) = (Ticket::task(waker), [(); 3].map(|()| Claim::new()));
    let mut line = WaitQueue::new();
    let plain = [1, 9, 2, 8].map(|n| line.join(n, &ticket));
    // Its select looks right now, waits, has chosen another arm.
    let [busy, open, lost] = claims
        .each_ref()
        .map(|claim| line.join(7, &ticket.arm(claim, 0)));
    assert!(claims[1].open() && claims[2].open());
    assert_eq!(claims[2].word().win(1), Win::Won);
    let mut wakes = Wakes::new();
    let mut given = 0;
    line.hand_over_each(&mut wakes, |&n| n > 5, |_| given += 1);
    assert_eq!(given, 3);
    assert_eq!(
        plain.each_ref().map(|p| line.is_granted(p)),
        [false, true, false, true]
    );
    let granted = [&busy, &open, &lost].map(|p| line.is_granted(p));
    assert_eq!(granted, [false, true, false]);
    assert!(!claims[0].open(), "it has to look again");
    assert_eq!(
        line.len(),
        3,
        "the first, the third, and the one that is looking"
    );
    let [first, second, third, fourth] = plain;
    assert!(line.is_first(&first));
    let _ = line.leave(first);
    assert!(line.is_first(&third));
    for place in [second, third, fourth, busy, open, lost] {
        let _ = line.leave(place);
    }
    assert!(line.is_empty());
}

#[test]
fn a_nudge_wakes_the_first_in_line_and_serves_nobody() {
    let counts: [Arc<Count>; 2] = Default::default();
    let wakers = counts.each_ref().map(|count| Waker::from(count.clone()));
    let mut line = WaitQueue::new();
    let first = line.join((), &Ticket::task(&wakers[0]));
    let second = line.join((), &Ticket::task(&wakers[1]));
    let mut wakes = Wakes::new();
    line.nudge(&mut wakes);
    wakes.wake();
    assert_eq!(counts.each_ref().map(|count| count.0.load(SeqCst)), [1, 0]);
    assert!(line.is_first(&first) && !line.is_granted(&first));
    let (_, _) = (line.leave(first), line.leave(second));
}
