//! Which cells take part, and why the others do not.

use crate::near;

use super::protocol::Cell;

/// Narrows the cells of a runner. All conditions must hold.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Selection {
    /// Only these crates: `core-cancel`, `core-*`
    #[arg(
        short = 'p',
        long = "package",
        value_name = "CRATE",
        value_delimiter = ','
    )]
    crates: Vec<String>,
    /// Only these workloads: `C2-1`, 'C*'
    #[arg(short, long, value_name = "ID", value_delimiter = ',')]
    workloads: Vec<String>,
    /// Which peers stand beside ours and the limits: none, all, or names
    #[arg(
        long,
        value_name = "none|all|NAME",
        value_delimiter = ',',
        default_value = "all"
    )]
    peers: Vec<String>,
}

impl Selection {
    /// An error for a pattern that fits nothing, whatever the other patterns leave: it is a typing
    /// mistake, and measuring less than was asked for would hide it.
    pub(crate) fn check(&self, cells: &[Cell]) -> anyhow::Result<()> {
        for pattern in &self.crates {
            if !cells.iter().any(|cell| fits_crate(pattern, cell)) {
                return Err(near::unknown(
                    "crate with benchmarks",
                    pattern,
                    distinct(cells.iter().map(|cell| cell.krate.as_str())),
                ));
            }
        }
        for pattern in &self.workloads {
            if !cells.iter().any(|cell| glob(pattern, &cell.w)) {
                let all = distinct(cells.iter().map(|cell| cell.w.as_str()));
                return Err(near::unknown("workload", pattern, all));
            }
        }
        for name in self.named_peers() {
            if !cells
                .iter()
                .any(|cell| cell.kind.is_peer() && is_by(name, cell))
            {
                let peers = cells.iter().filter(|cell| cell.kind.is_peer());
                let all = distinct(peers.map(|cell| cell.implementation.as_str()));
                return Err(near::unknown("peer", name, all));
            }
        }
        Ok(())
    }

    /// `None` if the cell takes part, else why not.
    pub(crate) fn reason_out(&self, cell: &Cell) -> Option<String> {
        if !self.crates.is_empty() && !self.crates.iter().any(|p| fits_crate(p, cell)) {
            return Some(format!(
                "crate {} is not in -p {}",
                cell.krate,
                self.crates.join(",")
            ));
        }
        if !self.workloads.is_empty() && !self.workloads.iter().any(|p| glob(p, &cell.w)) {
            return Some(format!("not in -w {}", self.workloads.join(",")));
        }
        let peer_in = self.peers.iter().any(|name| match name.as_str() {
            "all" => true,
            "none" => false,
            name => is_by(name, cell),
        });
        if cell.kind.is_peer() && !peer_in {
            return Some(format!(
                "a peer that is not in --peers {}",
                self.peers.join(",")
            ));
        }
        None
    }

    fn named_peers(&self) -> impl Iterator<Item = &str> {
        self.peers
            .iter()
            .map(String::as_str)
            .filter(|name| !matches!(*name, "all" | "none"))
    }
}

fn fits_crate(pattern: &str, cell: &Cell) -> bool {
    glob(
        pattern.strip_prefix("anabranch-").unwrap_or(pattern),
        &cell.krate,
    )
}

/// Whether the peer is `name`, alone or with a helper: `tokio-util` is also `tokio-util+pollster`.
fn is_by(name: &str, cell: &Cell) -> bool {
    let rest = cell.implementation.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
}

/// Shell patterns as far as names need them: `*` is any text, `?` any one character.
fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.chars();
    match parts.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = parts.as_str();
            let mut ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.any(|at| glob(rest, &name[at..]))
        }
        Some(wanted) => {
            let mut chars = name.chars();
            let next = chars.next();
            next.is_some_and(|c| wanted == '?' || c == wanted)
                && glob(parts.as_str(), chars.as_str())
        }
    }
}

/// Each name once, in order.
pub(crate) fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::protocol::Kind;
    use super::super::protocol::tests::cell;
    use super::*;

    fn selection(crates: &[&str], workloads: &[&str], peers: &[&str]) -> Selection {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Selection {
            crates: owned(crates),
            workloads: owned(workloads),
            peers: owned(peers),
        }
    }

    fn table() -> Vec<Cell> {
        vec![
            cell("C1", "flag", Kind::Limit),
            cell("C1", "tokio-util", Kind::Peer),
            cell("C2", "tokio-util+timeout", Kind::Peer),
            cell("C2", "event-listener", Kind::Peer),
            cell("P1", "ours", Kind::Ours),
        ]
    }

    fn chosen(selection: &Selection) -> Vec<String> {
        let table = table();
        selection.check(&table).unwrap();
        let chosen = table
            .iter()
            .filter(|cell| selection.reason_out(cell).is_none());
        chosen.map(Cell::name).collect()
    }

    #[test]
    fn patterns_are_those_of_a_shell() {
        assert!(glob("C*", "C2-1") && glob("C?", "C2") && glob("*-1", "C2-1") && glob("*", ""));
        assert!(!glob("C", "C2") && !glob("C?", "C") && !glob("c*", "C2"));
    }

    #[test]
    fn conditions_combine() {
        assert_eq!(chosen(&selection(&[], &[], &["all"])).len(), 5);
        assert_eq!(chosen(&selection(&[], &["C*"], &["none"])), ["C1/flag"]);
        assert_eq!(
            chosen(&selection(&["anabranch-core-*"], &[], &["tokio-util"])),
            [
                "C1/flag",
                "C1/tokio-util",
                "C2/tokio-util+timeout",
                "P1/ours"
            ]
        );
    }

    #[test]
    fn the_reason_names_the_condition() {
        let reason = |s: &Selection, i: usize| s.reason_out(&table()[i]).unwrap();
        assert!(reason(&selection(&["pool"], &[], &["all"]), 0).contains("-p pool"));
        assert!(reason(&selection(&[], &["P1"], &["all"]), 0).contains("-w P1"));
        assert!(reason(&selection(&[], &[], &["none"]), 1).contains("--peers none"));
    }

    #[test]
    fn a_name_that_fits_nothing_is_an_error_with_near_matches() {
        let error = |s: &Selection| s.check(&table()).unwrap_err().to_string();
        assert!(error(&selection(&["core-cancl"], &[], &["all"])).contains("core-cancel"));
        assert!(error(&selection(&[], &["Z1"], &["all"])).contains("`Z1`"));
        assert!(error(&selection(&[], &[], &["tokio-utl"])).contains("tokio-util"));
    }
}
