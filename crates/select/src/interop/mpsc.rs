//! std's receivers.

use super::incoming::Source;
use crate::CancelToken;
use std::{sync::mpsc, time::Duration};

/// How often the thread looks whether it should end: std's receiver cannot be interrupted.
const LOOK: Duration = Duration::from_millis(20);

impl<T: Send + 'static> Source for mpsc::Receiver<T> {
    type Message = T;

    fn next(&mut self, stop: &CancelToken) -> Option<T> {
        while !stop.is_cancelled() {
            match self.recv_timeout(LOOK) {
                Ok(message) => return Some(message),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            }
        }
        None
    }
}
