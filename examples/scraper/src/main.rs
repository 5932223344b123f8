//! The program around the crawl: the command line, Ctrl-C, and what is printed where.
//!
//! The report goes to standard output, everything else to standard error.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anabranch_core_cancel::CancelToken;
use anabranch_scraper::cli::{Args, Settings, Target};
use anabranch_scraper::crawl::{Limits, crawl};
use anabranch_scraper::fetch::{FetchOptions, Fetcher};
use anabranch_scraper::interrupt::Interrupt;
use anabranch_scraper::progress::Progress;
use anabranch_scraper::report::Report;
use anabranch_scraper::site::{Site, SiteConfig};
use clap::Parser as _;
use url::Url;

fn main() -> ExitCode {
    let args = Args::parse();
    let settings = match args.settings() {
        Ok(settings) => settings,
        Err(wrong) => {
            eprintln!("error: {wrong}\n\nFor more information, try '--help'.");
            return ExitCode::from(2);
        }
    };
    let result = run(&args, settings).and_then(|report| {
        print(&args, &report)?;
        Ok(report.exit_code())
    });
    match result {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            eprintln!("error: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args, Settings { target, limits }: Settings) -> anyhow::Result<Report> {
    let (site, pages) = match target {
        Target::Embedded { seed } => {
            let site = Site::start(&SiteConfig {
                seed,
                ..SiteConfig::default()
            })?;
            let home = site.url().clone();
            (Some(site), vec![home])
        }
        Target::Pages(pages) => (None, pages),
    };
    let fetcher = Fetcher::new(FetchOptions {
        // A proxy has no way to our loopback address.
        use_proxy: site.is_none(),
        ..FetchOptions::default()
    });

    let root = CancelToken::new();
    let asked_to_stop = root.clone();
    // The signal becomes the cause: the report finds it there.
    let _interrupt = Interrupt::watch(move |signal| {
        asked_to_stop.cancel_with(signal);
    })?;
    if !args.quiet {
        eprintln!("{}", opening(&pages, &limits));
    }
    let progress = Progress::new(args.quiet);
    Ok(crawl(pages, &limits, fetcher, &root, |status| {
        progress.show(status)
    })?)
}

/// What is about to happen: the first sign of life, and where the embedded site is.
fn opening(pages: &[Url], limits: &Limits) -> String {
    let (first, more) = (&pages[0], pages.len() - 1);
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (workers, rate) = (limits.workers, limits.rate);
    let plural = if workers == 1 { "" } else { "s" };
    format!("crawling {first}{more} with {workers} worker{plural}, at most {rate} requests/s")
}

fn print(args: &Args, report: &Report) -> io::Result<()> {
    let text = if args.json {
        report.json()? + "\n"
    } else {
        format!("{}\n\n{}", report.table(args.rows), report.summary())
    };
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has seen enough: `scraper | head`.
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
