//! One page, fetched by a thread that waits for it.
//!
//! # How a blocked request ends
//! A thread inside a socket read cannot be told anything: no token is looked at until the read
//! returns. Three things make it return, and none of them is a look at the clock every few
//! milliseconds:
//!
//! - The page comes, or the server fails. That is the usual case.
//! - The time for this page is up: the operating system ends the read.
//! - [`Fetcher::stop`] shuts the sockets down from outside. Every read and write on them returns at
//!   once, and each fetch reports [`FetchError::Abandoned`]. This is what a cancelled token calls
//!   (`token.on_cancel(|| fetcher.stop())`), so that Ctrl-C does not wait for a silent server.
//!
//! What cannot be shut down is what has no socket yet: looking up a name and connecting. Both end
//! with the page's time at the latest, and what comes of them after the stop is closed unused.
//!
//! # Redirects
//! They are followed here rather than by the HTTP client, because each is a request of its own:
//! the caller's `ask` is called before every one, and a rate limiter there sees them all.

mod error;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ureq::tls::{RootCerts, TlsConfig};
use url::Url;

use crate::links::{links, normal};

pub use self::error::FetchError;

/// What all fetches have in common.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// How many redirects are followed for one page.
    pub max_redirects: usize,
    /// How many bytes a page may have, after decompression.
    pub max_bytes: u64,
    /// Whether to go through the proxy that the environment names (`HTTPS_PROXY` and its kin).
    pub use_proxy: bool,
}

impl Default for FetchOptions {
    fn default() -> Self {
        FetchOptions {
            max_redirects: 5,
            max_bytes: 4 * 1024 * 1024,
            use_proxy: true,
        }
    }
}

/// A page that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The success status: 200, mostly.
    pub status: u16,
    /// The size of the page, after decompression.
    pub bytes: u64,
    /// Where the page was in the end: another address than asked for after a redirect.
    pub final_url: Url,
    /// The pages of the same host it links to. Empty unless it is HTML.
    pub links: Vec<Url>,
    /// How long it took, without the waits in `ask`.
    pub elapsed: Duration,
}

/// An HTTP client that can be stopped. Share it by reference or in an `Arc`.
#[derive(Debug)]
pub struct Fetcher {
    agent: ureq::Agent,
    options: FetchOptions,
    stopped: AtomicBool,
}

impl Fetcher {
    /// A client without connections: they are made, and kept for the next page, as it is used.
    pub fn new(options: FetchOptions) -> Fetcher {
        // The system's certificates rather than built-in ones: they know a company's own authority.
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let mut config = ureq::Agent::config_builder()
            .user_agent(concat!("anabranch-scraper/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(tls);
        if !options.use_proxy {
            config = config.proxy(None);
        }
        Fetcher {
            agent: config.build().into(),
            options,
            stopped: AtomicBool::new(false),
        }
    }

    /// Fetches one page. Blocks the thread until it is there, or `timeout` is up, or
    /// [`stop`](Fetcher::stop) is called.
    ///
    /// Before each request, redirects included, `ask` is called; if it refuses, its error is the
    /// result and nothing is sent. The time spent in it does not count against `timeout`.
    ///
    /// # Errors
    /// See [`FetchError`]. A status other than 2xx is an error. After an error the fetcher is as
    /// good as before, except after [`Abandoned`](FetchError::Abandoned): that is final.
    pub fn get(
        &self,
        url: &Url,
        timeout: Duration,
        mut ask: impl FnMut() -> Result<(), FetchError>,
    ) -> Result<Fetched, FetchError> {
        let mut url = normal(url.clone())
            .ok_or_else(|| FetchError::BadUrl(format!("{url} is not http or https")))?;
        let mut elapsed = Duration::ZERO;
        for _ in 0..=self.options.max_redirects {
            ask()?;
            if self.is_stopped() {
                return Err(FetchError::Abandoned);
            }
            let left = timeout.saturating_sub(elapsed);
            if left.is_zero() {
                return Err(FetchError::Timeout("following redirects"));
            }
            let started = Instant::now();
            let answer = self.request(&url, left);
            elapsed += started.elapsed();
            match answer.map_err(|error| self.explain(error))? {
                Answer::Redirect(to) => url = to,
                Answer::Page {
                    status,
                    bytes,
                    links,
                } => {
                    return Ok(Fetched {
                        status,
                        bytes,
                        final_url: url,
                        links,
                        elapsed,
                    });
                }
            }
        }
        Err(FetchError::TooManyRedirects(self.options.max_redirects))
    }

    /// Ends all fetches, those under way and those to come, with [`FetchError::Abandoned`].
    ///
    /// Does not wait for them: they return on their own threads. See the module for the one thing
    /// that takes longer.
    pub fn stop(&self) {
        // ORDERING: Release, paired with the Acquire in `is_stopped`: a fetch that fails because
        // its socket was shut down below finds the flag that explains why. No other atomic is
        // compared with this one.
        self.stopped.store(true, Ordering::Release);
        self.agent.clone().shutdown();
    }

    fn is_stopped(&self) -> bool {
        // ORDERING: Acquire, the other half of `stop`. The failed read is what orders the two:
        // the socket is shut down after the store.
        self.stopped.load(Ordering::Acquire)
    }

    /// An error after a stop says nothing about the page, only that the stop reached it.
    fn explain(&self, error: FetchError) -> FetchError {
        if self.is_stopped() {
            FetchError::Abandoned
        } else {
            error
        }
    }

    fn request(&self, url: &Url, timeout: Duration) -> Result<Answer, FetchError> {
        let mut response = self
            .agent
            .get(url.as_str())
            .config()
            .timeout_global(Some(timeout))
            .build()
            .call()
            .map_err(FetchError::of_call)?;
        let status = response.status();
        if let 301 | 302 | 303 | 307 | 308 = status.as_u16() {
            let location = response.headers().get("location");
            let location = location.and_then(|to| to.to_str().ok()).unwrap_or_default();
            return redirect(url, location).map(Answer::Redirect);
        }
        if !status.is_success() {
            return Err(FetchError::Status(status.as_u16()));
        }
        // Neither a length nor chunks: the page ends where the connection ends.
        let ends_with_connection = !response.headers().contains_key("content-length")
            && !response.headers().contains_key("transfer-encoding");
        let is_html = matches!(
            response.body().mime_type(),
            Some("text/html" | "application/xhtml+xml")
        );
        let body = response
            .body_mut()
            .with_config()
            .limit(self.options.max_bytes);
        let body = body.read_to_vec().map_err(FetchError::of_body)?;
        if ends_with_connection && self.is_stopped() {
            // The end may be the server's or the one `stop` made: better no page than half of one.
            return Err(FetchError::Abandoned);
        }
        let links = if is_html {
            links(url, &body)
        } else {
            Vec::new()
        };
        Ok(Answer::Page {
            status: status.as_u16(),
            bytes: body.len() as u64,
            links,
        })
    }
}

/// What one request brought.
enum Answer {
    Page {
        status: u16,
        bytes: u64,
        links: Vec<Url>,
    },
    Redirect(Url),
}

fn redirect(from: &Url, location: &str) -> Result<Url, FetchError> {
    let to = if location.is_empty() {
        None
    } else {
        from.join(location).ok()
    };
    to.and_then(normal)
        .ok_or_else(|| FetchError::BadRedirect(format!("{location:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_may_be_relative_and_must_lead_to_the_web() {
        let from = Url::parse("http://a.org/x/y").unwrap();
        assert_eq!(
            redirect(&from, "z#part").unwrap().as_str(),
            "http://a.org/x/z"
        );
        assert_eq!(
            redirect(&from, "https://b.org").unwrap().as_str(),
            "https://b.org/"
        );
        for nowhere in ["", "ftp://a.org/", "http://["] {
            assert_eq!(redirect(&from, nowhere).unwrap_err().kind(), "bad redirect");
        }
    }

    #[test]
    fn what_is_not_the_web_is_refused_before_asking() {
        let fetcher = Fetcher::new(FetchOptions::default());
        let url = Url::parse("file:///etc/passwd").unwrap();
        let result = fetcher.get(&url, Duration::from_secs(1), || panic!("asked"));
        assert_eq!(result.unwrap_err().kind(), "bad address");
    }

    #[test]
    fn a_refusal_is_handed_on_and_nothing_is_sent() {
        let fetcher = Fetcher::new(FetchOptions::default());
        let url = Url::parse("http://127.0.0.1:9/").unwrap();
        let result = fetcher.get(&url, Duration::from_secs(1), || Err(FetchError::Abandoned));
        assert_eq!(result, Err(FetchError::Abandoned));
    }

    #[test]
    fn a_stopped_fetcher_fetches_nothing_more() {
        let fetcher = Fetcher::new(FetchOptions::default());
        fetcher.stop();
        let url = Url::parse("http://127.0.0.1:9/").unwrap();
        let result = fetcher.get(&url, Duration::from_secs(1), || Ok(()));
        assert_eq!(result, Err(FetchError::Abandoned));
    }
}
