//! What changed between two values, as the API server tells it: lines of JSON, and a unified diff of those
//! (`k8s.io/apimachinery/pkg/util/diff/diff.go`, v0.36, over `github.com/pmezard/go-difflib`).

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

/// A unified diff with three lines around each change; empty if nothing changed.
pub(in crate::rules) fn diff(old: &Value, new: &Value) -> String {
    let (old, new) = (pretty(old), pretty(new));
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
    let mut out = String::new();
    for group in groups(&edits(&old, &new)) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let span = |from: usize, to: usize| match to - from {
            0 => format!("{from},0"),
            1 => format!("{}", from + 1),
            length => format!("{},{length}", from + 1),
        };
        out.push_str(&format!(
            "@@ -{} +{} @@\n",
            span(first.old.0, last.old.1),
            span(first.new.0, last.new.1)
        ));
        for edit in group {
            let mut say = |mark: char, lines: &[&str]| {
                for line in lines {
                    out.push(mark);
                    out.push_str(line);
                    out.push('\n');
                }
            };
            if edit.equal {
                say(' ', &old[edit.old.0..edit.old.1]);
            } else {
                say('-', &old[edit.old.0..edit.old.1]);
                say('+', &new[edit.new.0..edit.new.1]);
            }
        }
    }
    out
}

fn pretty(value: &Value) -> String {
    let mut out = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b" ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, format);
    let written = value.serialize(&mut serializer).map(|()| String::from_utf8(out).unwrap_or_default());
    written.unwrap_or_default().replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

#[derive(Clone, Copy)]
struct Edit {
    equal: bool,
    old: (usize, usize),
    new: (usize, usize),
}

/// A run of lines that are the same: where in the old, where in the new, how many.
type Run = (usize, usize, usize);

fn edits(old: &[&str], new: &[&str]) -> Vec<Edit> {
    let mut found = Vec::new();
    let (mut at_old, mut at_new) = (0, 0);
    for (in_old, in_new, length) in runs(old, new) {
        if at_old < in_old || at_new < in_new {
            found.push(Edit { equal: false, old: (at_old, in_old), new: (at_new, in_new) });
        }
        (at_old, at_new) = (in_old + length, in_new + length);
        if length > 0 {
            found.push(Edit { equal: true, old: (in_old, at_old), new: (in_new, at_new) });
        }
    }
    found
}

/// The longest run, then the longest on either side of it, and so on.
fn runs(old: &[&str], new: &[&str]) -> Vec<Run> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(index);
    }
    if new.len() >= 200 {
        let most = new.len() / 100 + 1; // lines found everywhere do not anchor a run
        places.retain(|_, places| places.len() <= most);
    }
    let mut left = vec![(0, old.len(), 0, new.len())];
    let mut found: Vec<Run> = Vec::new();
    while let Some((old_low, old_high, new_low, new_high)) = left.pop() {
        let (in_old, in_new, length) = longest(old, new, &places, (old_low, old_high), (new_low, new_high));
        if length > 0 {
            found.push((in_old, in_new, length));
            left.push((old_low, in_old, new_low, in_new));
            left.push((in_old + length, old_high, in_new + length, new_high));
        }
    }
    found.sort_unstable();
    let mut joined: Vec<Run> = Vec::new();
    for run in found {
        match joined.last_mut() {
            Some(last) if last.0 + last.2 == run.0 && last.1 + last.2 == run.1 => last.2 += run.2,
            _ => joined.push(run),
        }
    }
    joined.push((old.len(), new.len(), 0));
    joined
}

fn longest(
    old: &[&str],
    new: &[&str],
    places: &HashMap<&str, Vec<usize>>,
    within_old: (usize, usize),
    within_new: (usize, usize),
) -> Run {
    let mut best = (within_old.0, within_new.0, 0);
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for (index, line) in old.iter().enumerate().take(within_old.1).skip(within_old.0) {
        let mut next = HashMap::new();
        for &place in places.get(line).into_iter().flatten() {
            if place < within_new.0 {
                continue;
            }
            if place >= within_new.1 {
                break;
            }
            let length =
                place.checked_sub(1).and_then(|before| lengths.get(&before)).copied().unwrap_or(0) + 1;
            next.insert(place, length);
            if length > best.2 {
                best = (index + 1 - length, place + 1 - length, length);
            }
        }
        lengths = next;
    }
    let (mut in_old, mut in_new, mut length) = best;
    while in_old > within_old.0 && in_new > within_new.0 && old[in_old - 1] == new[in_new - 1] {
        (in_old, in_new, length) = (in_old - 1, in_new - 1, length + 1);
    }
    while in_old + length < within_old.1
        && in_new + length < within_new.1
        && old[in_old + length] == new[in_new + length]
    {
        length += 1;
    }
    (in_old, in_new, length)
}

/// Edits that are near each other, with three lines around them.
fn groups(edits: &[Edit]) -> Vec<Vec<Edit>> {
    const AROUND: usize = 3;
    let mut edits = edits.to_vec();
    if let Some(first) = edits.first_mut().filter(|first| first.equal) {
        first.old.0 = first.old.0.max(first.old.1.saturating_sub(AROUND));
        first.new.0 = first.new.0.max(first.new.1.saturating_sub(AROUND));
    }
    if let Some(last) = edits.last_mut().filter(|last| last.equal) {
        last.old.1 = last.old.1.min(last.old.0 + AROUND);
        last.new.1 = last.new.1.min(last.new.0 + AROUND);
    }
    let (mut found, mut group) = (Vec::new(), Vec::new());
    for mut edit in edits {
        if edit.equal && edit.old.1 - edit.old.0 > 2 * AROUND {
            let (old, new) = (edit.old.0 + AROUND, edit.new.0 + AROUND);
            group.push(Edit { equal: true, old: (edit.old.0, old), new: (edit.new.0, new) });
            found.push(std::mem::take(&mut group));
            edit.old.0 = edit.old.0.max(edit.old.1 - AROUND);
            edit.new.0 = edit.new.0.max(edit.new.1 - AROUND);
        }
        group.push(edit);
    }
    if group.iter().any(|edit| !edit.equal) {
        found.push(group);
    }
    found.retain(|group| group.iter().any(|edit| !edit.equal));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_stands_between_three_lines_on_either_side() {
        let old = json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6});
        let new = json!({"a": 1, "b": 2, "c": 3, "d": 9, "e": 5, "f": 6});
        let said = "@@ -2,7 +2,7 @@\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3,\n- \"d\": 4,\n+ \"d\": 9,\n  \"e\": 5,\n  \"f\": 6\n }\n";
        assert_eq!(diff(&old, &new), said);
        assert_eq!(diff(&old, &old), "");
    }
}
