//! "Did you mean": the nearest of the names that exist.

/// The candidates nearest to `typed`, at most three, nearest first; none where nothing is near.
///
/// Near is an edit distance (insert, delete, replace, swap of neighbours) of at most a third of the longer of the two
/// words, or a candidate that `typed` is the beginning of.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let typed = typed.to_lowercase();
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let far = distance(&typed, &lower);
            let limit = typed.chars().count().max(lower.chars().count()).div_ceil(3);
            let begins = typed.len() >= 2 && lower.starts_with(&typed);
            (far <= limit || begins).then_some((if begins { far.min(limit) } else { far }, candidate))
        })
        .collect();
    near.sort();
    near.dedup();
    near.truncate(3);
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

/// `did you mean a, b or c?`, where there is something to mean.
pub fn did_you_mean<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near = nearest(typed, candidates);
    let (last, others) = near.split_last()?;
    Some(match others {
        [] => format!("did you mean {last}?"),
        others => format!("did you mean {} or {last}?", others.join(", ")),
    })
}

/// Optimal string alignment distance.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            next[j] = (row[j] + 1).min(next[j - 1] + 1).min(row[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word() {
        assert_eq!(did_you_mean("nightyl", ["nightly", "weekly"]).unwrap(), "did you mean nightly?");
        assert_eq!(nearest("deplyoment", ["deployments.apps", "deployment", "pods"]), ["deployment"]);
        assert_eq!(nearest("night", ["nightly-1", "nightly-2", "weekly"]), ["nightly-1", "nightly-2"]);
    }

    #[test]
    fn nothing_near_suggests_nothing() {
        assert_eq!(did_you_mean("zebra", ["nightly", "weekly"]), None);
        assert_eq!(did_you_mean("", ["nightly"]), None);
    }
}
