//! The command line, and what it means once it has been checked.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use url::Url;

use crate::crawl::Limits;
use crate::links::normal;

/// Crawls a site with a few workers, politely: one rate limit for all of them, a time limit for
/// each page and for the whole, and Ctrl-C that stops at once and still reports.
///
/// Without --url or --file it crawls a website of its own making, inside this process.
#[derive(Clone, Debug, Parser)]
#[command(name = "scraper", version)]
#[command(
    after_help = "Exit codes: 0 the crawl ran to its end, whatever it found; 1 the system refused \
    something; 2 the input was wrong; 3 the deadline ended it; 130 (143) Ctrl-C (SIGTERM) ended it."
)]
pub struct Args {
    /// A page to start from; may be given several times. The crawl stays on the hosts of these.
    #[arg(long, value_name = "URL")]
    pub url: Vec<String>,

    /// A file of pages to start from, one address a line; blank lines and lines with # are skipped.
    #[arg(long, value_name = "PATH")]
    pub file: Option<PathBuf>,

    /// How many pages are fetched at the same time.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub workers: u16,

    /// How many requests may start per second, all workers together.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(2..=50))]
    pub rate: u32,

    /// How many requests may start at once after a pause.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub burst: u32,

    /// How long one page may take, redirects included [default: 1s, or 10s for real addresses].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,

    /// How long the whole crawl may take [default: 20s, or 2m for real addresses].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub deadline: Option<Duration>,

    /// How many pages are fetched at most.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_pages: u32,

    /// Which website to make up: each number gives another.
    #[arg(long, default_value_t = 1, conflicts_with_all = ["url", "file"])]
    pub seed: u64,

    /// How many pages the table shows.
    #[arg(long, default_value_t = 25)]
    pub rows: usize,

    /// Print the report as JSON, with all pages, instead of the table and the summary.
    #[arg(long)]
    pub json: bool,

    /// Show no progress bar.
    #[arg(long, short)]
    pub quiet: bool,
}

/// How long a crawl that was told to stop waits for workers that cannot be interrupted: short
/// enough for somebody who pressed Ctrl-C.
const GRACE: Duration = Duration::from_secs(1);

/// What to crawl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The embedded site made from this seed.
    Embedded {
        /// The seed.
        seed: u64,
    },
    /// Real pages: at least one.
    Pages(Vec<Url>),
}

/// A checked command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What to crawl.
    pub target: Target,
    /// How hard to crawl it.
    pub limits: Limits,
}

/// What is wrong with the input. The message is all the user gets: it names the place.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file cannot be read.
    #[error("cannot read {}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// A line of the file is no address.
    #[error("{} line {line}: {why}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        why: BadAddress,
    },
    /// A `--url` is no address.
    #[error("--url: {0}")]
    Url(#[from] BadAddress),
    /// The file holds no address at all, and no `--url` is given.
    #[error("{} holds no address", .0.display())]
    Empty(PathBuf),
}

/// Text that is no address of the web.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no http or https address{hint}")]
pub struct BadAddress {
    text: String,
    hint: String,
}

impl Args {
    /// Reads the addresses and fills in what depends on them.
    ///
    /// # Errors
    /// The first thing that is wrong: nothing is crawled before all of the input is right.
    pub fn settings(&self) -> Result<Settings, InputError> {
        let target = self.target()?;
        let (timeout, deadline) = match target {
            Target::Embedded { .. } => (Duration::from_secs(1), Duration::from_secs(20)),
            Target::Pages(_) => (Duration::from_secs(10), Duration::from_secs(120)),
        };
        let limits = Limits {
            workers: self.workers.into(),
            rate: self.rate,
            burst: self.burst,
            timeout: self.timeout.unwrap_or(timeout),
            deadline: self.deadline.unwrap_or(deadline),
            grace: GRACE,
            // Lossless wherever there is room for so many pages.
            max_pages: self.max_pages.try_into().unwrap_or(usize::MAX),
        };
        Ok(Settings { target, limits })
    }

    fn target(&self) -> Result<Target, InputError> {
        let mut pages = Vec::new();
        for text in &self.url {
            pages.push(address(text)?);
        }
        if let Some(path) = &self.file {
            pages.extend(addresses(path)?);
            if pages.is_empty() {
                return Err(InputError::Empty(path.clone()));
            }
        }
        Ok(match pages.is_empty() {
            true => Target::Embedded { seed: self.seed },
            false => Target::Pages(pages),
        })
    }
}

fn addresses(path: &Path) -> Result<Vec<Url>, InputError> {
    let text = std::fs::read_to_string(path).map_err(|why| InputError::File {
        path: path.to_owned(),
        why,
    })?;
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, text)| {
            address(text).map_err(|why| InputError::Line {
                path: path.to_owned(),
                line,
                why,
            })
        })
        .collect()
}

fn address(text: &str) -> Result<Url, BadAddress> {
    Url::parse(text).ok().and_then(normal).ok_or_else(|| {
        let with_scheme = format!("https://{text}");
        let would_do =
            !text.contains("://") && Url::parse(&with_scheme).is_ok_and(|u| u.has_host());
        let hint = if would_do {
            format!(": did you mean {with_scheme}?")
        } else {
            String::new()
        };
        BadAddress {
            text: text.to_owned(),
            hint,
        }
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err("no time at all".to_owned()),
        Ok(time) => Ok(time),
        Err(why) => Err(format!("{why}; write it as 500ms, 10s or 1m 30s")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        let words = std::iter::once("scraper").chain(line.split_whitespace());
        Args::try_parse_from(words).map_err(|error| error.to_string())
    }

    fn settings(line: &str) -> Settings {
        parse(line).unwrap().settings().unwrap()
    }

    #[test]
    fn clap_finds_no_fault_with_the_definition() {
        Args::command().debug_assert();
    }

    #[test]
    fn nothing_given_means_the_embedded_site_within_twenty_seconds() {
        let settings = settings("");
        assert_eq!(settings.target, Target::Embedded { seed: 1 });
        let limits = settings.limits;
        assert_eq!((limits.workers, limits.rate, limits.burst), (3, 50, 10));
        assert_eq!(limits.deadline, Duration::from_secs(20));
    }

    #[test]
    fn real_addresses_get_more_time_unless_told_otherwise() {
        let patient = settings("--url https://a.org/x#y --url http://b.org");
        let pages = ["https://a.org/x", "http://b.org/"].map(|url| Url::parse(url).unwrap());
        assert_eq!(patient.target, Target::Pages(pages.to_vec()));
        assert_eq!(patient.limits.timeout, Duration::from_secs(10));
        let hasty = settings("--url http://a.org --timeout 250ms --deadline 1m");
        assert_eq!(hasty.limits.timeout, Duration::from_millis(250));
        assert_eq!(hasty.limits.deadline, Duration::from_secs(60));
    }

    #[test]
    fn values_out_of_range_are_refused_with_the_range() {
        for (line, expected) in [
            ("--workers 0", "1..=64"),
            ("--rate 1", "2..=50"),
            ("--rate 51", "2..=50"),
            ("--burst 0", "1..=1000"),
            ("--max-pages 0", "1.."),
            ("--timeout 0s", "no time at all"),
            ("--deadline soon", "write it as"),
            ("--seed 3 --url http://a.org", "cannot be used with"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn an_address_without_scheme_gets_a_hint() {
        let error = parse("--url a.org/x")
            .unwrap()
            .settings()
            .unwrap_err()
            .to_string();
        assert!(error.contains("did you mean https://a.org/x?"), "{error}");
        let error = parse("--url ftp://a.org/")
            .unwrap()
            .settings()
            .unwrap_err()
            .to_string();
        assert!(!error.contains("did you mean"), "{error}");
    }

    #[test]
    fn a_file_gives_addresses_and_its_faults_are_placed() {
        let dir = std::env::temp_dir().join(format!("scraper-cli-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let from = |text: &str| {
            let path = dir.join("urls.txt");
            std::fs::write(&path, text).unwrap();
            parse(&format!("--file {}", path.display()))
                .unwrap()
                .settings()
        };
        let settings = from("# mine\n\n  http://a.org/1 \nhttp://a.org/2\n").unwrap();
        assert!(matches!(settings.target, Target::Pages(pages) if pages.len() == 2));
        let error = from("http://a.org/1\n#\nnonsense\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("urls.txt line 3: \"nonsense\""), "{error}");
        assert!(matches!(from("# nothing\n"), Err(InputError::Empty(_))));
        std::fs::remove_dir_all(&dir).unwrap();
        let gone = parse(&format!("--file {}", dir.join("urls.txt").display())).unwrap();
        assert!(
            gone.settings()
                .unwrap_err()
                .to_string()
                .starts_with("cannot read")
        );
    }
}
