//! What the real server checks and this one does not, by kind, from `unchecked.txt` beside the rules.

use std::collections::HashMap;
use std::sync::LazyLock;

static LISTED: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut kinds: HashMap<&'static str, Vec<&'static str>> = HashMap::new();
    for line in
        include_str!("unchecked.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let (kind, group) = line.split_once(' ').unwrap_or((line, ""));
        kinds.entry(kind).or_default().push(group.trim());
    }
    kinds
});

/// The groups of rules that are not checked of a kind, such as `pods` or `jobs.batch` (see
/// [`daytwo_core::resource::ResourceType::group_resource`]); those of `*` are checked of none.
pub fn unchecked(kind: &str) -> &'static [&'static str] {
    LISTED.get(kind).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_listed_by_kind_and_kinds_are_known() {
        assert!(unchecked("*").iter().any(|group| group.contains("webhook")));
        assert!(unchecked("widgets.example.com").is_empty());
        for (kind, groups) in LISTED.iter() {
            assert!(*kind == "*" || !super::super::kinds::named(kind).resource.is_empty(), "{kind}");
            assert!(groups.iter().all(|group| !group.is_empty()), "{kind}");
        }
    }
}
