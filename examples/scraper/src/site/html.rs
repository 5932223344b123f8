//! What the pages look like: real HTML with the kinds of links a crawler meets.

use std::fmt::Write as _;

use fastrand::Rng;

use super::plan::{Page, Plan};

const SENTENCES: [&str; 8] = [
    "Below the weir the channel splits around three gravel bars and meets again at the mill.",
    "The gauge reads a hand's breadth above the spring mean.",
    "Keep left of the islet when the water is low &amp; right when it is high.",
    "Herons stand where the current is slow enough to see the bottom.",
    "The map of 1911 shows an arm that has since silted up.",
    "A braided reach carries more stones than it can move at once.",
    "Ferries stop here only on request.",
    "Where the arms rejoin, the colder one runs beneath the warmer for half a mile.",
];

/// Writes the page at `index`: the same text each time, different for each page.
pub(crate) fn render(plan: &Plan, index: usize) -> String {
    let page = &plan.pages[index];
    // A generator of its own, so that a page does not depend on which were asked for before.
    let mut rng = Rng::with_seed(plan.seed ^ (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n\
         <script>document.write('<a href=\"/made-by-script.html\">no link</a>');</script>\n\
         </head><body><nav><a href=\"/#top\">home</a> <a href=\"mailto:ferry@example.org\">write\
         </a> <a href=\"https://example.org/elsewhere\">elsewhere</a></nav>\n<h1>{title}</h1>\n",
        title = page.title,
    );
    html.push_str("<!-- <a href=\"/commented-out.html\">no link</a> -->\n<ul>\n");
    for &to in &page.links {
        let target = &plan.pages[to];
        let href = href(page, target, &mut rng);
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            html,
            "<li><a class=\"page\" href=\"{href}\">{}</a></li>",
            target.title
        );
    }
    html.push_str("</ul>\n");
    for _ in 0..rng.usize(2..40) {
        html.push_str("<p>");
        for _ in 0..rng.usize(2..8) {
            html.push_str(SENTENCES[rng.usize(..SENTENCES.len())]);
            html.push(' ');
        }
        html.push_str("</p>\n");
    }
    html.push_str("</body></html>\n");
    html
}

/// One of the ways a hand-written page spells an address: in full, relative, with a fragment.
fn href(from: &Page, to: &Page, rng: &mut Rng) -> String {
    let relative = match (from.path.rsplit_once('/'), to.path.rsplit_once('/')) {
        (Some((here, _)), Some((there, name))) if here == there && !name.is_empty() => {
            name.to_owned()
        }
        (Some((here, _)), Some((there, _))) if !here.is_empty() && !there.is_empty() => {
            format!("..{}", to.path)
        }
        _ => to.path.clone(),
    };
    match rng.u8(..4) {
        0 => to.path.clone(),
        1 => format!("{}#part-{}", to.path, rng.u8(1..9)),
        _ => relative,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use url::Url;

    use super::super::plan::SiteConfig;
    use super::*;
    use crate::links::links;

    #[test]
    fn the_links_on_a_page_are_those_of_the_plan() {
        let plan = Plan::new(&SiteConfig::default());
        let site = Url::parse("http://127.0.0.1:1/").unwrap();
        for (index, page) in plan.pages.iter().enumerate() {
            let base = site.join(&page.path).unwrap();
            let mut planned: BTreeSet<Url> = page
                .links
                .iter()
                .map(|&to| site.join(&plan.pages[to].path).unwrap())
                .collect();
            planned.insert(site.clone()); // the home link in every page's head
            let found: BTreeSet<Url> = links(&base, render(&plan, index).as_bytes())
                .into_iter()
                .collect();
            assert_eq!(found, planned, "on {}", page.path);
        }
    }

    #[test]
    fn a_page_reads_the_same_each_time() {
        let plan = Plan::new(&SiteConfig::default());
        assert_eq!(render(&plan, 7), render(&plan, 7));
        assert_ne!(render(&plan, 7), render(&plan, 8));
    }
}
