//! `select!` in threads: which arm is chosen, what the others have done (nothing), and what
//! handlers may do. The bodies are those of `tests/select_task.rs`.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_select::thread::select;

macro_rules! body {
    ($body:block) => {
        $body
    };
}

macro_rules! wait {
    ($operation:expr) => {
        $operation.wait()
    };
}

/// A function that leaves its loop and itself from within an arm.
macro_rules! control_flow {
    ($rx:expr) => {{
        fn first(rx: &Receiver<u32>) -> Result<u32, Closed> {
            loop {
                select! {
                    got = rx.recv() => match got? {
                        0 => continue,
                        9 => break,
                        n => return Ok(n),
                    },
                }
            }
            Ok(100)
        }
        first(&$rx)
    }};
}

#[path = "select/bodies.rs"]
mod bodies;
#[path = "select/waiting.rs"]
mod waiting;
