//! One worker at one page: what it is sent to do, and what it brings back.

use std::time::{Duration, Instant};

use url::Url;

use crate::fetch::{FetchError, Fetched, Fetcher};
use crate::frontier::Task;
use crate::report::{Read, Visit};

/// What a worker brings back.
#[derive(Clone, Debug)]
pub struct Visited {
    /// The line for the report.
    pub visit: Visit,
    /// How many links away from a start page this was.
    pub depth: usize,
    /// Where the page was in the end, if there is one.
    pub final_url: Option<Url>,
    /// What it links to.
    pub links: Vec<Url>,
    /// When each request was let through: one, and one more for each redirect.
    pub starts: Vec<Instant>,
}

/// Fetches the page of `task` as `worker`. Blocks the thread as [`Fetcher::get`] does.
///
/// `leave` is asked before each request and may wait, for a rate limiter for example; the moment
/// it returns is the request's start. If it refuses, the page is reported with that error.
pub fn visit(
    fetcher: &Fetcher,
    task: Task,
    worker: usize,
    timeout: Duration,
    mut leave: impl FnMut() -> Result<(), FetchError>,
) -> Visited {
    let began = Instant::now();
    let mut starts = Vec::with_capacity(1);
    let mut waited = Duration::ZERO;
    let fetched = fetcher.get(&task.url, timeout, || {
        let asked = Instant::now();
        let left = leave();
        let now = Instant::now();
        waited += now - asked;
        left?;
        starts.push(now);
        Ok(())
    });
    // The server's share: a page is not slow because its worker had to wait for the limiter.
    let took = began.elapsed().saturating_sub(waited);
    let (outcome, final_url, links) = match fetched {
        Ok(Fetched {
            status,
            bytes,
            final_url,
            links,
            ..
        }) => {
            let redirected_to = (final_url != task.url).then(|| final_url.clone());
            (
                Ok(Read {
                    status,
                    bytes,
                    redirected_to,
                }),
                Some(final_url),
                links,
            )
        }
        Err(error) => (Err(error), None, Vec::new()),
    };
    let visit = Visit {
        url: task.url,
        worker,
        took,
        outcome,
    };
    Visited {
        visit,
        depth: task.depth,
        final_url,
        links,
        starts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::FetchOptions;

    #[test]
    fn a_refused_leave_is_a_visit_without_a_request() {
        let fetcher = Fetcher::new(FetchOptions::default());
        let task = Task {
            url: Url::parse("http://127.0.0.1:9/").unwrap(),
            depth: 2,
        };
        let refuse = || {
            std::thread::sleep(Duration::from_millis(200)); // a wait for the limiter, not for a thread
            Err(FetchError::Abandoned)
        };
        let visited = visit(&fetcher, task, 1, Duration::from_secs(1), refuse);
        assert!(
            visited.visit.took < Duration::from_millis(200),
            "the wait is not the page's"
        );
        assert!(visited.visit.is_abandoned());
        assert_eq!(
            (visited.visit.worker, visited.depth, visited.starts.len()),
            (1, 2, 0)
        );
    }
}
