//! A website inside the process: a few hundred linked pages, not all of them well-behaved.
//!
//! It runs on a thread and a small runtime of its own, so that the crawler under test shares
//! nothing with it but a socket. What it contains follows from a seed; what happened to it can be
//! asked afterwards: who came when, and what is still open.

mod html;
mod plan;
mod serve;
mod watch;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

use self::plan::Plan;
use self::serve::Server;
use self::watch::Watch;

pub use self::plan::{Class, Expected, SiteConfig};
pub use self::watch::{Arrival, Open};

/// A running site. Dropping it closes every connection and joins its thread.
#[derive(Debug)]
pub struct Site {
    url: Url,
    expected: Expected,
    paths: Vec<(Class, String)>,
    watch: Arc<Watch>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    /// Starts the site on a free port of the loopback address.
    ///
    /// # Errors
    /// When the port, the runtime or the thread cannot be had.
    pub fn start(config: &SiteConfig) -> io::Result<Site> {
        let plan = Plan::new(config);
        let expected = plan.expected();
        let paths = plan.paths();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let url = address(listener.local_addr()?)?;

        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let watch = Arc::new(Watch::default());
        let server = Arc::new(Server::new(plan, watch.clone()));
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("site".to_owned())
            .spawn(move || {
                runtime.spawn(server.accept(listener));
                // Until told to stop, or until the handle is gone. Then the runtime is dropped here,
                // and with it the listener and every connection, the silent ones included.
                let _ = runtime.block_on(stopped);
            })?;
        Ok(Site {
            url,
            expected,
            paths,
            watch,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The home page.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What a complete crawl from [`url`](Site::url) has to find.
    pub fn expected(&self) -> &Expected {
        &self.expected
    }

    /// The addresses of all pages of a class that others link to, in the order of the plan.
    pub fn pages(&self, class: Class) -> Vec<Url> {
        let wanted = self.paths.iter().filter(|(of, _)| *of == class);
        // Paths of the plan are absolute and valid: joining them cannot fail.
        wanted
            .filter_map(|(_, path)| self.url.join(path).ok())
            .collect()
    }

    /// Every request so far, in order of arrival.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.watch.arrivals()
    }

    /// What is open: a snapshot, may be stale on return.
    pub fn open(&self) -> Open {
        self.watch.open()
    }

    /// The most requests that were ever open at the same time.
    pub fn most_open_requests(&self) -> usize {
        self.watch.most_requests()
    }

    /// Blocks the thread until what is open satisfies `reached`; `false` if `patience` ends first.
    pub fn wait_until(&self, patience: Duration, reached: impl Fn(Open) -> bool) -> bool {
        self.watch.wait_until(patience, reached)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Fails only if the thread is gone already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic of the site's thread has been printed; there is no one to hand it to here.
            let _ = thread.join();
        }
    }
}

fn address(bound: SocketAddr) -> io::Result<Url> {
    Url::parse(&format!("http://{bound}/")).map_err(io::Error::other)
}
