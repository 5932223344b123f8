//! The part of a log that a person wants to see.

use std::collections::BTreeSet;

const LINES: usize = 40;

/// The end of the log; and where the trouble began earlier than that, its beginning too.
pub(crate) fn excerpt(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines.len().saturating_sub(LINES);
    let trouble = lines
        .iter()
        .position(|line| is_trouble(line))
        .unwrap_or(tail);
    if tail == 0 || trouble >= tail {
        return lines[tail..].join("\n");
    }
    let half = LINES / 2;
    let last = lines.len() - half;
    let first = trouble..(trouble + half).min(last);
    let between = last - first.end;
    let mut shown = lines[first].to_vec();
    let gap = format!("... {between} lines ...");
    if between > 0 {
        shown.push(&gap);
    }
    shown.extend(&lines[last..]);
    shown.join("\n")
}

fn is_trouble(line: &str) -> bool {
    line.starts_with("error")
        || line.starts_with("failures:")
        || line.starts_with("Diff in ")
        || line.contains("panicked at ")
}

/// The compiler's warnings, each with its explanation. Those already in `seen` are left out: the
/// same line warns again under every feature set.
pub(crate) fn new_warnings(log: &str, seen: &mut BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        // Cargo's count at the end stands for warnings shown above.
        if !is_warning(line) || line.starts_with("warning: `") && line.contains(" generated ") {
            continue;
        }
        let mut block = vec![line];
        while let Some(next) = lines.next_if(|next| explains(next)) {
            block.push(next);
        }
        let block = block.join("\n");
        if seen.insert(block.clone()) {
            found.push(block);
        }
    }
    found
}

fn is_warning(line: &str) -> bool {
    line.starts_with("warning: ") || line.starts_with("warning[")
}

/// Whether a line continues the warning above it: neither empty, nor the next one, nor one of
/// cargo's own, which put a capitalised verb into a column of twelve.
fn explains(line: &str) -> bool {
    let verb = line
        .trim_start()
        .starts_with(|c: char| c.is_ascii_uppercase());
    let cargo = verb && line.starts_with("   ");
    !line.is_empty() && !is_warning(line) && !cargo
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(range: std::ops::Range<usize>) -> String {
        range.map(|n| format!("line {n}\n")).collect()
    }

    #[test]
    fn a_short_log_is_shown_whole() {
        assert_eq!(excerpt("a\nb\n"), "a\nb");
    }

    #[test]
    fn a_long_log_is_shown_from_its_end() {
        let shown = excerpt(&numbered(0..100));
        assert!(
            shown.starts_with("line 60\n") && shown.ends_with("line 99"),
            "{shown}"
        );
    }

    #[test]
    fn trouble_further_up_is_shown_with_the_end() {
        let log = format!(
            "{}error: no such thing\n{}",
            numbered(0..10),
            numbered(10..200)
        );
        let shown = excerpt(&log);
        assert!(shown.starts_with("error: no such thing\n"), "{shown}");
        assert!(
            shown.contains("... 151 lines ...") && shown.ends_with("line 199"),
            "{shown}"
        );
        assert_eq!(shown.lines().count(), LINES + 1);
    }

    #[test]
    fn a_warning_is_shown_with_its_explanation_and_only_once() {
        let log = "   Compiling x v0.1.0\n\
                   warning: unused variable: `a`\n --> src/lib.rs:1:2\n  |\n\n\
                   warning: unused manifest key: y\n\
                   \x20  Compiling y v0.1.0\n\
                   warning: `x` (lib) generated 1 warning\n\
                   \x20   Finished `test` profile\n";
        let mut seen = BTreeSet::new();
        assert_eq!(
            new_warnings(log, &mut seen),
            [
                "warning: unused variable: `a`\n --> src/lib.rs:1:2\n  |",
                "warning: unused manifest key: y",
            ]
        );
        assert!(new_warnings(log, &mut seen).is_empty());
    }
}
