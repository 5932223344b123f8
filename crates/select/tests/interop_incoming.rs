//! std's and crossbeam's receivers as ours: nothing lost, in order, and no thread left behind.
#![cfg(not(any(loom, shuttle)))]

mod support;

/// The same for both.
macro_rules! incoming {
    ($name:ident, $channel:path) => {
        mod $name {
            use crate::support::{Census, until};
            use anabranch_core_cancel::CancelToken;
            use anabranch_select::{Closed, Mux, channel, interop::Incoming, thread::select};
            use std::thread;
            use $channel as their_channel;

            #[test]
            fn every_message_comes_in_order_and_then_the_end() {
                let (tx, rx) = their_channel();
                let incoming = Incoming::new(rx);
                let sender = thread::spawn(move || (0..10_000).for_each(|n| tx.send(n).unwrap()));
                assert!(incoming.iter().eq(0..10_000));
                assert_eq!(incoming.recv().wait(), Err(Closed));
                sender.join().unwrap();
            }

            #[test]
            fn it_stands_in_a_select_and_in_a_set() {
                let (tx, rx) = their_channel();
                tx.send(1).unwrap();
                let incoming = Incoming::new(rx);
                let token = CancelToken::new();
                let got = select! {
                    got = incoming.recv() => got,
                    _ = token.cancelled() => unreachable!(),
                };
                assert_eq!(got, Ok(1));
                let (own, own_rx) = channel::bounded(1);
                own.try_send(2).unwrap();
                tx.send(2).unwrap();
                drop((tx, own));
                let mut set = Mux::from_iter([("theirs", incoming.clone()), ("ours", own_rx)]);
                let mut sum = 0;
                while let Some((_, event)) = set.recv().wait() {
                    sum += event.unwrap_or(0);
                }
                assert_eq!(sum, 4);
            }

            #[test]
            fn stop_gives_back_the_receiver_and_the_message_that_was_held() {
                let (tx, rx) = their_channel();
                let incoming = Incoming::new(rx);
                (0..10).for_each(|n| tx.send(n).unwrap());
                assert_eq!(incoming.recv().wait(), Ok(0));
                until(|| incoming.stats().waiting_senders == 1);
                let kept = incoming.clone();
                let (rx, held) = incoming.stop();
                assert_eq!(held, Some(1));
                assert!(rx.try_iter().eq(2..10));
                assert_eq!(kept.recv().wait(), Err(Closed), "a clone finds the end");
            }

            #[test]
            fn a_drop_ends_the_thread_whether_it_waits_for_a_message_or_for_a_taker() {
                let census = Census::default();
                let (tx, rx) = their_channel();
                drop(Incoming::new(rx));
                // The receiver was the thread's: it is gone with it.
                assert!(tx.send(census.make(0)).is_err());

                let (tx, rx) = their_channel();
                let incoming = Incoming::new(rx);
                tx.send(census.make(1)).unwrap();
                until(|| incoming.stats().waiting_senders == 1);
                drop(incoming);
                assert!(tx.send(census.make(2)).is_err());
                census.assert_all_gone();
            }

            #[test]
            fn senders_that_go_end_the_thread() {
                let (tx, rx) = their_channel::<u32>();
                let incoming = Incoming::new(rx);
                assert_eq!(incoming.stats().senders, 1);
                drop(tx);
                until(|| incoming.stats().senders == 0);
                let (_, held) = incoming.stop();
                assert_eq!(held, None);
            }
        }
    };
}

incoming!(mpsc, std::sync::mpsc::channel);
#[cfg(feature = "crossbeam")]
incoming!(crossbeam, crossbeam_channel::unbounded);
