//! Which pages of the same host a page links to.
//!
//! A tokenizer is enough: a link is an attribute of a tag, and no tree has to be built for it.

use std::collections::HashSet;

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token, Tokenizer};
use url::Url;

/// The pages on the host of `base` that `html` links to: each once, in the order of appearance.
///
/// Takes `<a href>` and `<area href>`, resolves them against `<base href>` if there is one, else
/// against `base`, and drops the fragment. What is no valid `http` or `https` address is no link;
/// neither is what stands in a comment or a script.
pub fn links(base: &Url, html: &[u8]) -> Vec<Url> {
    let mut emitter = DefaultEmitter::default();
    // Without it the text of a script would be read as tags.
    emitter.naively_switch_states(true);
    let mut base_tag = None;
    let mut found = Vec::new();
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        let Token::StartTag(tag) = token else {
            continue;
        };
        match &**tag.name {
            b"a" | b"area" => found.extend(href(&tag)),
            // Only the first one counts, as in a browser.
            b"base" if base_tag.is_none() => {
                base_tag = href(&tag).and_then(|to| base.join(&to).ok());
            }
            _ => {}
        }
    }
    let origin = base_tag.as_ref().unwrap_or(base);
    let mut seen = HashSet::new();
    found
        .iter()
        .filter_map(|to| normal(origin.join(to).ok()?))
        .filter(|to| same_host(to, base))
        .filter(|to| seen.insert(to.clone()))
        .collect()
}

/// The one spelling under which a page is known: without fragment. `None` unless it is the web.
pub fn normal(mut url: Url) -> Option<Url> {
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    url.set_fragment(None);
    Some(url)
}

/// Whether two pages are on the same host and port.
pub fn same_host(one: &Url, other: &Url) -> bool {
    host(one) == host(other)
}

/// The part of an address that says where a page lives, as in `example.org:8080`.
pub fn host(url: &Url) -> (&str, Option<u16>) {
    (
        url.host_str().unwrap_or_default(),
        url.port_or_known_default(),
    )
}

fn href(tag: &StartTag<()>) -> Option<String> {
    let value = tag.attributes.get(b"href".as_slice())?;
    Some(String::from_utf8_lossy(value).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(base: &str, html: &str) -> Vec<String> {
        let base = Url::parse(base).unwrap();
        links(&base, html.as_bytes())
            .into_iter()
            .map(String::from)
            .collect()
    }

    #[test]
    fn relative_addresses_are_resolved_against_the_page() {
        let html = r#"<a href="b.html">1</a><a href='../c/'>2</a><a href=/d?x=1&amp;y=2>3</a>"#;
        assert_eq!(
            found("http://a.org/x/y.html", html),
            [
                "http://a.org/x/b.html",
                "http://a.org/c/",
                "http://a.org/d?x=1&y=2"
            ]
        );
    }

    #[test]
    fn a_base_tag_moves_what_addresses_are_relative_to() {
        let html = r#"<base href="/deep/er/"><base href="/ignored/"><a href="b">b</a>"#;
        assert_eq!(found("http://a.org/x", html), ["http://a.org/deep/er/b"]);
    }

    #[test]
    fn fragments_do_not_make_another_page() {
        let html = "<a href='b#1'>1</a><a href='b#2'>2</a><a href='#top'>top</a><a href='b'>b</a>";
        assert_eq!(
            found("http://a.org/x", html),
            ["http://a.org/b", "http://a.org/x"]
        );
    }

    #[test]
    fn other_hosts_ports_and_schemes_are_left_out() {
        let html = "<a href='http://b.org/'>1</a><a href='//a.org:81/'>2</a>\
                    <a href='mailto:x@a.org'>3</a><a href='javascript:void(0)'>4</a>\
                    <a href='http://['>5</a><a href='http://A.org:80/z'>6</a>";
        assert_eq!(found("http://a.org/", html), ["http://a.org/z"]);
    }

    #[test]
    fn comments_and_scripts_hold_no_links() {
        let html = "<!-- <a href=x> --><script>'<a href=y>'</script><style><a href=w></style>\
                    <textarea><a href=v></textarea><p><A HREF=z>";
        assert_eq!(found("http://a.org/", html), ["http://a.org/z"]);
    }

    #[test]
    fn broken_html_is_read_as_far_as_it_goes() {
        let html = "<a href='b'><a <a href=c/><<>&&<a href=\"d";
        assert_eq!(
            found("http://a.org/", html),
            ["http://a.org/b", "http://a.org/c/"]
        );
    }
}
