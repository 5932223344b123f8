//! The embedded site, and single fetches against it: each kind of page does what it says.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anabranch_scraper::fetch::{FetchError, FetchOptions, Fetched, Fetcher};
use anabranch_scraper::site::{Class, Open, Site, SiteConfig};
use url::Url;

/// Far longer than anything here takes: a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn site() -> Site {
    Site::start(&SiteConfig {
        slow_ms: 20..=40,
        ..SiteConfig::default()
    })
    .unwrap()
}

fn fetcher() -> Fetcher {
    // A proxy named in the environment has no way to our loopback address.
    Fetcher::new(FetchOptions {
        use_proxy: false,
        ..FetchOptions::default()
    })
}

fn get(fetcher: &Fetcher, url: &Url) -> Result<Fetched, FetchError> {
    fetcher.get(url, PATIENCE, || Ok(()))
}

#[test]
fn the_home_page_has_links_and_every_request_is_recorded() {
    let (site, fetcher) = (site(), fetcher());
    let before = Instant::now();
    let home = get(&fetcher, site.url()).unwrap();
    assert_eq!((home.status, &home.final_url), (200, site.url()));
    assert!(home.bytes > 500 && !home.links.is_empty());
    assert!(
        home.links
            .iter()
            .all(|link| link.host() == site.url().host())
    );
    let arrivals = site.arrivals();
    assert_eq!(arrivals.len(), 1);
    assert_eq!(arrivals[0].path, "/");
    assert!(arrivals[0].at >= before && arrivals[0].at <= Instant::now());
}

#[test]
fn fine_and_slow_pages_answer() {
    let (site, fetcher) = (site(), fetcher());
    for class in [Class::Fine, Class::Slow] {
        for url in site.pages(class).iter().take(5) {
            let page = get(&fetcher, url).unwrap();
            assert_eq!(page.status, 200, "{url}");
            assert!(class != Class::Slow || page.elapsed >= Duration::from_millis(20));
        }
    }
}

#[test]
fn failing_pages_answer_with_their_status() {
    let (site, fetcher) = (site(), fetcher());
    let statuses: Vec<_> = site
        .pages(Class::Failing)
        .iter()
        .map(|url| get(&fetcher, url).unwrap_err().status().expect("a status"))
        .collect();
    for status in [404, 500, 503] {
        assert!(statuses.contains(&status), "no {status} among {statuses:?}");
    }
    let missing = site.url().join("/made-by-script.html").unwrap();
    assert_eq!(get(&fetcher, &missing), Err(FetchError::Status(404)));
}

#[test]
fn a_redirect_is_followed_and_each_step_asks_first() {
    let (site, fetcher) = (site(), fetcher());
    let from = &site.pages(Class::Redirecting)[0];
    let mut asked = 0;
    let page = fetcher
        .get(from, PATIENCE, || {
            asked += 1;
            Ok(())
        })
        .unwrap();
    assert_ne!(&page.final_url, from);
    assert_eq!((page.status, asked, site.arrivals().len()), (200, 2, 2));
}

#[test]
fn a_redirect_loop_ends_at_the_limit() {
    let (site, fetcher) = (site(), fetcher());
    let result = get(&fetcher, &site.pages(Class::Looping)[0]);
    assert_eq!(result, Err(FetchError::TooManyRedirects(5)));
    assert_eq!(site.arrivals().len(), 6);
}

#[test]
fn a_silent_page_times_out_and_leaves_nothing_open() {
    let (site, fetcher) = (site(), fetcher());
    let url = &site.pages(Class::Silent)[0];
    let result = fetcher.get(url, Duration::from_millis(50), || Ok(()));
    assert_eq!(result.unwrap_err().kind(), "timeout");
    // The site learns of it only when it looks at its side of the connection.
    assert!(
        site.wait_until(PATIENCE, |open| open == Open::default()),
        "{:?}",
        site.open()
    );
}

#[test]
fn a_page_cut_in_the_middle_is_an_error_of_its_own() {
    let (site, fetcher) = (site(), fetcher());
    for url in site.pages(Class::Cut) {
        assert_eq!(get(&fetcher, &url), Err(FetchError::BodyCut), "{url}");
    }
}

#[test]
fn a_page_over_the_limit_is_refused() {
    let options = FetchOptions {
        max_bytes: 100,
        use_proxy: false,
        ..FetchOptions::default()
    };
    let (site, fetcher) = (site(), Fetcher::new(options));
    assert_eq!(get(&fetcher, site.url()), Err(FetchError::TooLarge(100)));
}

#[test]
fn nobody_there_no_such_host_and_no_tls_are_told_apart() {
    let (site, fetcher) = (site(), fetcher());
    let mut secure = site.url().clone();
    secure.set_scheme("https").unwrap();
    assert_eq!(get(&fetcher, &secure).unwrap_err().kind(), "tls");

    let gone = site.url().clone();
    drop(site);
    assert_eq!(get(&fetcher, &gone).unwrap_err().kind(), "cannot connect");

    let nowhere = Url::parse("http://no-such-host.invalid/").unwrap();
    assert_eq!(get(&fetcher, &nowhere), Err(FetchError::Dns));
}

#[test]
fn stopping_ends_a_request_that_would_wait_for_ever() {
    let (site, fetcher) = (site(), Arc::new(fetcher()));
    let url = site.pages(Class::Silent)[0].clone();
    let waiting = thread::spawn({
        let fetcher = fetcher.clone();
        move || fetcher.get(&url, PATIENCE, || Ok(()))
    });
    assert!(site.wait_until(PATIENCE, |open| open.requests == 1));
    let stopped = Instant::now();
    fetcher.stop();
    assert_eq!(waiting.join().unwrap(), Err(FetchError::Abandoned));
    assert!(
        stopped.elapsed() < PATIENCE / 2,
        "it waited for the timeout"
    );
    assert!(
        site.wait_until(PATIENCE, |open| open == Open::default()),
        "{:?}",
        site.open()
    );
}

#[test]
fn dropping_the_site_hangs_up_on_whoever_waits() {
    let (site, fetcher) = (site(), Arc::new(fetcher()));
    let url = site.pages(Class::Silent)[0].clone();
    let waiting = thread::spawn(move || fetcher.get(&url, PATIENCE, || Ok(())));
    assert!(site.wait_until(PATIENCE, |open| open.requests == 1));
    drop(site);
    assert_eq!(waiting.join().unwrap().unwrap_err().kind(), "broken answer");
}

#[test]
fn two_sites_of_one_seed_are_the_same_site() {
    let (one, other, fetcher) = (site(), site(), fetcher());
    assert_eq!(one.expected(), other.expected());
    let of_one = get(&fetcher, one.url()).unwrap();
    let of_other = get(&fetcher, other.url()).unwrap();
    let paths = |page: &Fetched| {
        page.links
            .iter()
            .map(|l| l.path().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(&of_one), paths(&of_other));
}
