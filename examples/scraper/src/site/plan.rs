//! Which pages the site has, what each of them does and which links to which.
//!
//! Plain data made from a seed: the same [`SiteConfig`] gives the same plan everywhere, so a test
//! can know beforehand what a crawl has to find ([`Plan::expected`]).

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;

use fastrand::Rng;

/// How many pages of each kind the site has.
#[derive(Clone, Debug)]
pub struct SiteConfig {
    /// Decides every random choice: two sites of one seed are the same site.
    pub seed: u64,
    /// Pages that answer at once. The home page is one of them, so zero counts as one.
    pub fine: usize,
    /// Pages that answer after a pause.
    pub slow: usize,
    /// How long a slow page lets its visitor wait, in milliseconds.
    pub slow_ms: RangeInclusive<u64>,
    /// Pages that answer 404, 500 or 503.
    pub failing: usize,
    /// Pages that redirect to a fine or slow one.
    pub redirecting: usize,
    /// Pages that redirect in a circle.
    pub looping: usize,
    /// Pages that take the request and never answer.
    pub silent: usize,
    /// Pages whose connection is cut in the middle of the body.
    pub cut: usize,
    /// Fine pages that no other page links to: a crawler never finds them.
    pub unlinked: usize,
}

impl Default for SiteConfig {
    /// A few hundred pages that three workers get through in well under 20 seconds.
    fn default() -> Self {
        SiteConfig {
            seed: 1,
            fine: 200,
            slow: 24,
            slow_ms: 200..=800,
            failing: 18,
            redirecting: 14,
            looping: 2,
            silent: 4,
            cut: 4,
            unlinked: 6,
        }
    }
}

/// What kind of answer a page gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Answers at once.
    Fine,
    /// Answers after a pause.
    Slow,
    /// Answers with an error status.
    Failing,
    /// Redirects to a page that answers.
    Redirecting,
    /// Redirects in a circle.
    Looping,
    /// Never answers.
    Silent,
    /// Is cut off in mid-body.
    Cut,
}

/// What a page does when it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Fine,
    Slow(Duration),
    Failing(u16),
    Redirect { status: u16, to: usize },
    Loop { to: usize },
    Silent,
    Cut,
}

impl Behaviour {
    fn class(&self) -> Class {
        match self {
            Behaviour::Fine => Class::Fine,
            Behaviour::Slow(_) => Class::Slow,
            Behaviour::Failing(_) => Class::Failing,
            Behaviour::Redirect { .. } => Class::Redirecting,
            Behaviour::Loop { .. } => Class::Looping,
            Behaviour::Silent => Class::Silent,
            Behaviour::Cut => Class::Cut,
        }
    }

    fn shows_links(&self) -> bool {
        matches!(self, Behaviour::Fine | Behaviour::Slow(_))
    }
}

/// One page: where it is, what it does, where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) title: String,
    pub(crate) behaviour: Behaviour,
    /// Indices into [`Plan::pages`]. Empty unless the page shows its links.
    pub(crate) links: Vec<usize>,
    linked: bool,
}

/// All pages. The first is the home page, `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) pages: Vec<Page>,
}

/// What a complete crawl from the home page has to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    by_class: BTreeMap<Class, usize>,
}

impl Expected {
    /// How many pages of this class can be reached.
    pub fn of(&self, class: Class) -> usize {
        self.by_class.get(&class).copied().unwrap_or(0)
    }

    /// How many pages can be reached.
    pub fn pages(&self) -> usize {
        self.by_class.values().sum()
    }

    /// How many of them end in a page that can be read.
    pub fn readable(&self) -> usize {
        self.of(Class::Fine) + self.of(Class::Slow) + self.of(Class::Redirecting)
    }

    /// How many requests that takes when at most `max_redirects` are followed for a page.
    pub fn requests(&self, max_redirects: usize) -> usize {
        let redirecting = self.of(Class::Redirecting) * max_redirects.min(1);
        let looping = self.of(Class::Looping) * max_redirects;
        self.pages() + redirecting + looping
    }
}

impl Plan {
    pub(crate) fn new(config: &SiteConfig) -> Plan {
        let mut rng = Rng::with_seed(config.seed);
        let mut pages: Vec<Page> = behaviours(config, &mut rng)
            .into_iter()
            .enumerate()
            .map(|(index, (behaviour, linked))| page(index, behaviour, linked, &mut rng))
            .collect();
        aim_redirects(&mut pages, &mut rng);
        link(&mut pages, &mut rng);
        Plan {
            seed: config.seed,
            pages,
        }
    }

    /// Class and path of each page that others link to.
    pub(crate) fn paths(&self) -> Vec<(Class, String)> {
        let linked = self.pages.iter().filter(|page| page.linked);
        linked
            .map(|page| (page.behaviour.class(), page.path.clone()))
            .collect()
    }

    /// Walks the plan as a crawler walks the site.
    pub(crate) fn expected(&self) -> Expected {
        let mut seen = vec![false; self.pages.len()];
        let mut queue = VecDeque::from([0]);
        let mut by_class = BTreeMap::new();
        seen[0] = true;
        while let Some(index) = queue.pop_front() {
            let page = &self.pages[index];
            *by_class.entry(page.behaviour.class()).or_default() += 1;
            // A redirect shows the links of the page it leads to, under its own address.
            let shown = match page.behaviour {
                Behaviour::Redirect { to, .. } => &self.pages[to],
                _ => page,
            };
            for &next in &shown.links {
                if !std::mem::replace(&mut seen[next], true) {
                    queue.push_back(next);
                }
            }
        }
        Expected { by_class }
    }
}

/// What each page does and whether others may link to it; the home page first, the rest shuffled.
fn behaviours(config: &SiteConfig, rng: &mut Rng) -> Vec<(Behaviour, bool)> {
    let mut rest = Vec::new();
    let mut add = |count: usize, linked: bool, make: &mut dyn FnMut() -> Behaviour| {
        rest.extend((0..count).map(|_| (make(), linked)));
    };
    add(config.fine.saturating_sub(1), true, &mut || Behaviour::Fine);
    add(config.slow, true, &mut || {
        Behaviour::Slow(Duration::from_millis(rng.u64(config.slow_ms.clone())))
    });
    add(config.failing, true, &mut || {
        Behaviour::Failing([404, 500, 503][rng.usize(..3)])
    });
    // Where redirects lead is known only once every page has its place: see `aim_redirects`.
    add(config.redirecting, true, &mut || Behaviour::Redirect {
        status: [301, 302][rng.usize(..2)],
        to: 0,
    });
    add(config.looping, true, &mut || Behaviour::Loop { to: 0 });
    add(config.silent, true, &mut || Behaviour::Silent);
    add(config.cut, true, &mut || Behaviour::Cut);
    add(config.unlinked, false, &mut || Behaviour::Fine);
    rng.shuffle(&mut rest);

    let mut all = vec![(Behaviour::Fine, true)];
    all.append(&mut rest);
    all
}

const SECTIONS: [&str; 6] = ["rivers", "lakes", "guides", "maps", "gauges", "notes"];
const WORDS: [&str; 16] = [
    "alder", "bank", "bend", "braid", "cairn", "delta", "eddy", "ford", "gravel", "heron", "islet",
    "marsh", "oxbow", "reed", "sluice", "weir",
];

fn page(index: usize, behaviour: Behaviour, linked: bool, rng: &mut Rng) -> Page {
    let (path, title) = if index == 0 {
        ("/".to_owned(), "All waters".to_owned())
    } else {
        let section = SECTIONS[rng.usize(..SECTIONS.len())];
        let word = WORDS[rng.usize(..WORDS.len())];
        // The index makes the path unique.
        (
            format!("/{section}/{word}-{index}.html"),
            format!("{word} {index}"),
        )
    };
    Page {
        path,
        title,
        behaviour,
        links: Vec::new(),
        linked,
    }
}

/// Leads redirects to pages that answer, and the loop from each of its pages to the next.
fn aim_redirects(pages: &mut [Page], rng: &mut Rng) {
    let open = indices(pages, |page| page.linked && page.behaviour.shows_links());
    let circle = indices(pages, |page| page.behaviour.class() == Class::Looping);
    for page in pages.iter_mut() {
        if let Behaviour::Redirect { to, .. } = &mut page.behaviour {
            *to = open[rng.usize(..open.len())];
        }
    }
    for (at, &index) in circle.iter().enumerate() {
        pages[index].behaviour = Behaviour::Loop {
            to: circle[(at + 1) % circle.len()],
        };
    }
}

/// Hangs each page below an earlier one, so that all can be reached, then adds cross links.
fn link(pages: &mut [Page], rng: &mut Rng) {
    let mut parents = vec![0];
    for index in 1..pages.len() {
        if !pages[index].linked {
            continue;
        }
        let parent = parents[rng.usize(..parents.len())];
        pages[parent].links.push(index);
        if pages[index].behaviour.shows_links() {
            parents.push(index);
        }
    }
    let linked = indices(pages, |page| page.linked);
    for page in pages.iter_mut().filter(|page| page.behaviour.shows_links()) {
        for _ in 0..rng.usize(2..=6) {
            page.links.push(linked[rng.usize(..linked.len())]);
        }
        rng.shuffle(&mut page.links);
    }
}

fn indices(pages: &[Page], wanted: impl Fn(&Page) -> bool) -> Vec<usize> {
    (0..pages.len())
        .filter(|&index| wanted(&pages[index]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_plan_and_another_seed_another() {
        let config = SiteConfig::default();
        assert_eq!(Plan::new(&config), Plan::new(&config));
        let other = SiteConfig {
            seed: 2,
            ..config.clone()
        };
        assert_ne!(Plan::new(&config).pages, Plan::new(&other).pages);
    }

    #[test]
    fn every_linked_page_can_be_reached_and_no_other() {
        for seed in 0..50 {
            let config = SiteConfig {
                seed,
                ..SiteConfig::default()
            };
            let expected = Plan::new(&config).expected();
            let counts = [
                (Class::Fine, config.fine),
                (Class::Slow, config.slow),
                (Class::Failing, config.failing),
                (Class::Redirecting, config.redirecting),
                (Class::Looping, config.looping),
                (Class::Silent, config.silent),
                (Class::Cut, config.cut),
            ];
            for (class, count) in counts {
                assert_eq!(expected.of(class), count, "seed {seed}, {class:?}");
            }
        }
    }

    #[test]
    fn redirects_lead_to_pages_that_answer_and_the_loop_never_leaves_itself() {
        let plan = Plan::new(&SiteConfig {
            looping: 3,
            ..SiteConfig::default()
        });
        for page in &plan.pages {
            match page.behaviour {
                Behaviour::Redirect { to, .. } => {
                    assert!(plan.pages[to].behaviour.shows_links());
                }
                Behaviour::Loop { to } => {
                    assert_eq!(plan.pages[to].behaviour.class(), Class::Looping);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_site_of_one_page_is_just_its_home() {
        let config = SiteConfig {
            fine: 0,
            slow: 0,
            failing: 0,
            redirecting: 0,
            looping: 0,
            silent: 0,
            cut: 0,
            unlinked: 0,
            ..SiteConfig::default()
        };
        let expected = Plan::new(&config).expected();
        assert_eq!((expected.pages(), expected.of(Class::Fine)), (1, 1));
        assert_eq!(expected.requests(5), 1);
    }

    #[test]
    fn each_redirect_followed_is_a_request_more() {
        let expected = Plan::new(&SiteConfig::default()).expected();
        assert_eq!(expected.requests(0), expected.pages());
        let redirecting = expected.of(Class::Redirecting);
        let looping = expected.of(Class::Looping);
        assert_eq!(
            expected.requests(5),
            expected.pages() + redirecting + 5 * looping
        );
    }
}
