//! What the site has seen and what is open right now.
//!
//! The site's side of the story: a test trusts this rather than what the crawler says of itself.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When its head had been read.
    pub at: Instant,
    /// What it asked for.
    pub path: String,
}

/// What is open at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// Connections accepted and not closed.
    pub connections: usize,
    /// Requests read and not yet answered in full.
    pub requests: usize,
}

#[derive(Debug, Default)]
struct Seen {
    arrivals: Vec<Arrival>,
    open: Open,
    most_requests: usize,
}

/// Shared by the site's handle and everything it serves.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    seen: Mutex<Seen>,
    changed: Condvar,
}

impl Watch {
    pub(crate) fn connection(self: &Arc<Self>) -> OpenConnection {
        self.change(|seen| seen.open.connections += 1);
        OpenConnection(self.clone())
    }

    pub(crate) fn request(self: &Arc<Self>, path: &str) -> OpenRequest {
        self.change(|seen| {
            // The stamp is taken under the lock, so that arrivals are in order of time.
            seen.arrivals.push(Arrival {
                at: Instant::now(),
                path: path.to_owned(),
            });
            seen.open.requests += 1;
            seen.most_requests = seen.most_requests.max(seen.open.requests);
        });
        OpenRequest(self.clone())
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.lock().arrivals.clone()
    }

    pub(crate) fn open(&self) -> Open {
        self.lock().open
    }

    pub(crate) fn most_requests(&self) -> usize {
        self.lock().most_requests
    }

    /// Blocks until `reached` holds; `false` if it still does not after `patience`.
    pub(crate) fn wait_until(&self, patience: Duration, reached: impl Fn(Open) -> bool) -> bool {
        let (_seen, waited) = self
            .changed
            .wait_timeout_while(self.lock(), patience, |seen| !reached(seen.open))
            .unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // Counters and a list stay usable whatever panicked in between.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts as an open connection until dropped.
#[derive(Debug)]
pub(crate) struct OpenConnection(Arc<Watch>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.change(|seen| seen.open.connections -= 1);
    }
}

/// Counts as an open request until dropped.
#[derive(Debug)]
pub(crate) struct OpenRequest(Arc<Watch>);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.change(|seen| seen.open.requests -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_was_opened_counts_until_it_is_dropped() {
        let watch = Arc::new(Watch::default());
        let connection = watch.connection();
        let (first, second) = (watch.request("/a"), watch.request("/b"));
        assert_eq!(
            watch.open(),
            Open {
                connections: 1,
                requests: 2
            }
        );
        drop((first, second));
        let third = watch.request("/c");
        drop((connection, third));
        assert_eq!(watch.open(), Open::default());
        assert_eq!(watch.most_requests(), 2);
        let paths: Vec<_> = watch
            .arrivals()
            .into_iter()
            .map(|arrival| arrival.path)
            .collect();
        assert_eq!(paths, ["/a", "/b", "/c"]);
    }

    #[test]
    fn waiting_ends_when_the_last_request_closes() {
        let watch = Arc::new(Watch::default());
        let request = watch.request("/");
        thread::scope(|s| {
            let waiter = s.spawn(|| watch.wait_until(Duration::from_secs(60), |o| o.requests == 0));
            drop(request);
            assert!(waiter.join().unwrap());
        });
    }

    #[test]
    fn waiting_gives_up_when_patience_ends() {
        let watch = Arc::new(Watch::default());
        let _request = watch.request("/");
        assert!(!watch.wait_until(Duration::ZERO, |open| open.requests == 0));
    }
}
