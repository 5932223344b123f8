//! Names close to a mistyped one.

/// An error for a name nobody has: says what was looked for and names the closest candidates.
pub(crate) fn unknown<'a>(
    what: &str,
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> anyhow::Error {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let near = nearest(name, candidates.iter().copied());
    match (near.as_slice(), candidates.as_slice()) {
        (_, []) => anyhow::anyhow!("no {what} `{name}`: there is none at all"),
        ([], all) => anyhow::anyhow!("no {what} `{name}`; there are: {}", all.join(", ")),
        (near, _) => anyhow::anyhow!("no {what} `{name}`; did you mean {}?", near.join(", ")),
    }
}

/// The candidates that look like `name`, closest first, at most three.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = candidates
        .into_iter()
        .map(|candidate| (likeness(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.75)
        .collect();
    // Equal scores fall back on the name, so that the message does not depend on the order in
    // which cargo lists its packages.
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup();
    scored
        .into_iter()
        .take(3)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// From 0 (nothing in common) to 1 (equal). A name of which only a part was typed counts as close:
/// `cancel` for `core-cancel`.
fn likeness(wanted: &str, candidate: &str) -> f64 {
    let spelled = strsim::jaro_winkler(wanted, candidate);
    let part = wanted.len() >= 3 && candidate.contains(wanted);
    if part { spelled.max(0.9) } else { spelled }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATES: [&str; 4] = ["core-cancel", "semaphore", "ratelimit", "pool"];

    #[test]
    fn a_typing_error_finds_the_name() {
        assert_eq!(nearest("semaphor", CRATES), ["semaphore"]);
        assert_eq!(nearest("ratelimt", CRATES), ["ratelimit"]);
        assert_eq!(nearest("POOL", CRATES), ["pool"]);
    }

    #[test]
    fn a_part_of_a_name_finds_the_name() {
        assert_eq!(nearest("cancel", CRATES), ["core-cancel"]);
    }

    #[test]
    fn nothing_alike_lists_everything_instead() {
        assert!(nearest("zebra", CRATES).is_empty());
        let message = unknown("crate", "zebra", CRATES).to_string();
        assert_eq!(
            message,
            "no crate `zebra`; there are: core-cancel, semaphore, ratelimit, pool"
        );
    }

    #[test]
    fn the_message_names_the_nearest_first() {
        let message = unknown("crate", "pol", ["semaphore", "pool", "polo"]).to_string();
        assert_eq!(message, "no crate `pol`; did you mean polo, pool?");
    }
}
