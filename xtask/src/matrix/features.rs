//! The feature sets under which a crate is worth testing.

use std::collections::{BTreeMap, BTreeSet};

/// Why a feature set is in the list. Tools choose by it, see `table`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// What a dependent gets that says nothing.
    Default,
    /// `--no-default-features`.
    None,
    /// One feature and what it implies, without the default ones.
    One,
    /// `--all-features`.
    All,
}

/// Features that are switched on together. Sets that come to the same are one set with several
/// names, so that nothing is built and run twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FeatureSet {
    /// The first one is shown, and decides the flags.
    names: Vec<(Kind, String)>,
}

impl FeatureSet {
    /// The set of a cell that concerns the workspace as a whole.
    pub(crate) fn whole() -> Self {
        Self {
            names: vec![(Kind::All, "all".to_owned())],
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.names[0].1
    }

    pub(crate) fn answers_to(&self, name: &str) -> bool {
        self.names.iter().any(|(_, own)| own == name)
    }

    pub(crate) fn is_any_of(&self, kinds: &[Kind]) -> bool {
        self.names.iter().any(|(kind, _)| kinds.contains(kind))
    }

    /// What to tell cargo.
    pub(crate) fn flags(&self) -> Vec<String> {
        let flags: &[&str] = match &self.names[0] {
            (Kind::Default, _) => &[],
            (Kind::None, _) => &["--no-default-features"],
            (Kind::All, _) => &["--all-features"],
            (Kind::One, feature) => &["--no-default-features", "--features", feature],
        };
        flags.iter().map(|flag| flag.to_string()).collect()
    }
}

/// All the sets of a crate with these features: none, default, each alone, all.
pub(crate) fn feature_sets(features: &BTreeMap<String, Vec<String>>) -> Vec<FeatureSet> {
    let own: Vec<&str> = features
        .keys()
        .map(String::as_str)
        .filter(|f| *f != "default")
        .collect();
    // In the order in which names are preferred when two sets come to the same: the plainest
    // command wins.
    let mut candidates = vec![
        (
            Kind::Default,
            "default".to_owned(),
            switched_on(features, &["default"]),
        ),
        (Kind::All, "all".to_owned(), switched_on(features, &own)),
        (Kind::None, "none".to_owned(), BTreeSet::new()),
    ];
    candidates.extend(
        own.iter()
            .map(|one| (Kind::One, one.to_string(), switched_on(features, &[one]))),
    );

    let mut sets: Vec<(BTreeSet<&str>, FeatureSet)> = Vec::new();
    for (kind, name, on) in candidates {
        match sets.iter_mut().find(|(known, _)| *known == on) {
            Some((_, set)) => set.names.push((kind, name)),
            None => sets.push((
                on,
                FeatureSet {
                    names: vec![(kind, name)],
                },
            )),
        }
    }
    let mut sets: Vec<FeatureSet> = sets.into_iter().map(|(_, set)| set).collect();
    sets.sort_by(|a, b| a.names[0].cmp(&b.names[0]));
    sets
}

/// Everything that is on when `start` is asked for. `default` itself is left out: it is only a
/// name for others.
fn switched_on<'a>(
    features: &'a BTreeMap<String, Vec<String>>,
    start: &[&'a str],
) -> BTreeSet<&'a str> {
    let mut on = BTreeSet::new();
    let mut open: Vec<&str> = start.to_vec();
    while let Some(name) = open.pop() {
        // `dep:x` and `x?/y` switch on no feature of ours; `x/y` switches on the feature that an
        // optional dependency brings along.
        let feature = match name.split_once('/') {
            Some((dependency, _)) => dependency,
            None => name,
        };
        if let Some((own, implied)) = features.get_key_value(feature)
            && on.insert(own.as_str())
        {
            open.extend(implied.iter().map(String::as_str));
        }
    }
    on.remove("default");
    on
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(features: &[(&str, &[&str])]) -> Vec<FeatureSet> {
        let features = features
            .iter()
            .map(|(name, on)| (name.to_string(), on.iter().map(|s| s.to_string()).collect()))
            .collect();
        feature_sets(&features)
    }

    fn names(features: &[(&str, &[&str])]) -> Vec<String> {
        sets(features)
            .iter()
            .map(|set| set.name().to_owned())
            .collect()
    }

    #[test]
    fn a_crate_without_features_has_one_set_that_answers_to_all_names() {
        let sets = sets(&[]);
        assert_eq!(sets.len(), 1);
        assert!(
            ["default", "none", "all"]
                .iter()
                .all(|name| sets[0].answers_to(name))
        );
        assert_eq!(sets[0].flags(), [""; 0]);
    }

    #[test]
    fn none_is_a_set_of_its_own_only_beside_default_features() {
        assert_eq!(
            names(&[("tokio", &[]), ("rayon", &[])]),
            ["default", "rayon", "tokio", "all"]
        );
        assert_eq!(
            names(&[("default", &["rayon"]), ("tokio", &[]), ("rayon", &[])]),
            // `rayon` alone is what `default` switches on.
            ["default", "none", "tokio", "all"]
        );
    }

    #[test]
    fn a_single_feature_is_tested_once_under_the_name_all() {
        let sets = sets(&[("crossbeam", &["dep:crossbeam-channel"])]);
        assert_eq!(sets.len(), 2);
        assert_eq!(sets[1].name(), "all");
        assert!(sets[1].answers_to("crossbeam"));
        assert_eq!(sets[1].flags(), ["--all-features"]);
    }

    #[test]
    fn implied_features_count_when_sets_are_compared() {
        // `tokio` alone is already everything.
        assert_eq!(
            names(&[("stream", &[]), ("tokio", &["stream", "dep:tokio"])]),
            ["default", "stream", "all"]
        );
    }

    #[test]
    fn a_dependency_feature_switches_on_the_dependency_but_a_weak_one_does_not() {
        let strong: &[(&str, &[&str])] = &[("serde", &["dep:serde"]), ("json", &["serde/derive"])];
        assert_eq!(names(strong), ["default", "serde", "all"]);
        let weak: &[(&str, &[&str])] = &[("serde", &["dep:serde"]), ("json", &["serde?/derive"])];
        assert_eq!(names(weak), ["default", "json", "serde", "all"]);
    }

    #[test]
    fn one_feature_alone_excludes_the_default_ones() {
        let sets = sets(&[("default", &["rayon"]), ("tokio", &[]), ("rayon", &[])]);
        let tokio = sets.iter().find(|set| set.answers_to("tokio")).unwrap();
        assert_eq!(
            tokio.flags(),
            ["--no-default-features", "--features", "tokio"]
        );
    }
}
