//! A polite web crawler, and the website to try it on.
//!
//! A library, so that tests can drive the parts one by one.
//!
//! ```
//! use anabranch_core_cancel::CancelToken;
//! use anabranch_scraper::{cli::Args, crawl::crawl, fetch::FetchOptions, fetch::Fetcher, site::Site};
//! use clap::Parser as _;
//!
//! let site = Site::start(&Default::default())?;
//! let fetcher = Fetcher::new(FetchOptions { use_proxy: false, ..FetchOptions::default() });
//! let limits = Args::parse_from(["scraper", "--max-pages=5"]).settings()?.limits;
//! let token = CancelToken::new(); // cancelled by whoever holds it, it ends the crawl at once
//! let report = crawl([site.url().clone()], &limits, fetcher, &token, |_status| ())?;
//! assert_eq!(report.visits.len(), 5);
//! println!("{}", report.summary());
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! | part | what it is |
//! | --- | --- |
//! | [`crawl`](mod@crawl) | the crawl itself: pool, limiter and token at work together |
//! | [`site`] | a website inside the process, deterministic, with every kind of bad behaviour |
//! | [`fetch`] | one page by one blocking thread, stoppable from outside |
//! | [`links`] | what a page links to |
//! | [`frontier`] | what is to be done, seen, under way |
//! | [`visit`] | one worker at one page: the fetch, and the stamps the limiter is judged by |
//! | [`ledger`] | who is sent where, what came back, what is left |
//! | [`report`] | what came of each page, and of the whole |
//! | [`cli`] | the command line, checked |
//! | [`interrupt`] | Ctrl-C as a callback |
//! | [`progress`] | a bar while it runs |
#![forbid(unsafe_code)]

pub mod cli;
pub mod crawl;
pub mod fetch;
pub mod frontier;
pub mod interrupt;
pub mod ledger;
pub mod links;
pub mod progress;
pub mod report;
pub mod site;
pub mod visit;

/// The front page's example compiles and runs: this is the package that has all it needs.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct FrontPage;
