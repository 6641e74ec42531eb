//! Which items of two lists are the same item.

use std::collections::BTreeMap;

use super::path::Segment;
use crate::json::{find, string};

/// How the items of a list are told apart, by the list's name, as the API types' `listMapKey` and `patchMergeKey`
/// marks have it (`k8s.io/api`, Kubernetes 1.36). `ordered`: whether the order of the items means something.
struct Rule {
    list: &'static str,
    keys: &'static [&'static str],
    ordered: bool,
}

const fn rule(list: &'static str, keys: &'static [&'static str], ordered: bool) -> Rule {
    Rule { list, keys, ordered }
}

/// Of several rules for one list the first counts whose keys tell the items apart.
const RULES: &[Rule] = &[
    rule("conditions", &["type"], false),
    rule("containerStatuses", &["name"], false),
    rule("ephemeralContainerStatuses", &["name"], false),
    rule("hostAliases", &["ip"], false),
    rule("hostIPs", &["ip"], true),
    rule("imagePullSecrets", &["name"], false),
    rule("initContainerStatuses", &["name"], false),
    rule("managedFields", &["manager", "operation", "subresource"], false),
    rule("ownerReferences", &["kind", "name"], false),
    rule("podIPs", &["ip"], true),
    rule("ports", &["containerPort", "protocol"], false),
    rule("ports", &["port", "protocol"], false),
    rule("secrets", &["name"], false),
    rule("subjects", &["kind", "namespace", "name"], false),
    rule("taints", &["key", "effect"], false),
    rule("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"], false),
    rule("volumeDevices", &["devicePath"], false),
    rule("volumeMounts", &["mountPath"], false),
    rule("volumes", &["name"], false),
    rule("volumesAttached", &["name"], false),
    // Containers, environment variables, versions, webhooks, and what custom resources name: `$(VAR)` and the start
    // of init containers follow the order.
    rule("", &["name"], true),
];

/// Fields that have a value where none is written.
const ABSENT: &[(&str, &str)] =
    &[("protocol", "TCP"), ("namespace", ""), ("subresource", ""), ("effect", "")];

/// Lists of plain values in which each stands once and the order means nothing.
const SETS: &[&str] = &[
    "accessModes",
    "finalizers",
    "resourceNames",
    "sourceRanges",
    "externalIPs",
    "categories",
    "shortNames",
];

/// What something is called, and what it is before and after.
pub(super) type Pair<'a, Name> = (Name, Option<&'a [u8]>, Option<&'a [u8]>);

/// The items of two lists, side by side.
pub(super) struct Matching<'a> {
    /// An item, before and after.
    pub pairs: Vec<Pair<'a, Segment>>,
    /// The keys of the items that both lists hold, before and after, if their order differs where it means something.
    pub order: Option<(String, String)>,
}

/// Matches by key where every item of both lists has one of its own, by place otherwise.
pub(super) fn matching<'a>(list: &str, before: &[&'a [u8]], after: &[&'a [u8]]) -> Matching<'a> {
    for rule in RULES.iter().filter(|rule| rule.list == list || rule.list.is_empty()) {
        let key = |item: &[u8]| by_fields(item, rule.keys);
        if let (Some(before), Some(after)) = (keyed(before, key), keyed(after, key)) {
            return by_key(before, after, rule.ordered);
        }
    }
    if SETS.contains(&list) {
        let value = |item: &[u8]| string(item).map(|text| Segment::Value(text.into_owned()));
        if let (Some(before), Some(after)) = (keyed(before, value), keyed(after, value)) {
            return by_key(before, after, false);
        }
    }
    let pairs = (0..before.len().max(after.len()))
        .map(|place| (Segment::Index(place), before.get(place).copied(), after.get(place).copied()))
        .collect();
    Matching { pairs, order: None }
}

/// The items with their keys; `None` if one has none or two have the same.
fn keyed<'a>(items: &[&'a [u8]], key: impl Fn(&[u8]) -> Option<Segment>) -> Option<Vec<(Segment, &'a [u8])>> {
    let keyed: Vec<_> = items.iter().map(|item| Some((key(item)?, *item))).collect::<Option<_>>()?;
    let mut keys: Vec<&Segment> = keyed.iter().map(|(key, _)| key).collect();
    keys.sort();
    keys.windows(2).all(|pair| pair[0] != pair[1]).then_some(keyed)
}

/// The place of an item in a list whose items are told apart by `keys`.
pub(super) fn by_fields(item: &[u8], keys: &[&'static str]) -> Option<Segment> {
    if item.first() != Some(&b'{') {
        return None;
    }
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let value = match find(item, &[key]).ok()? {
            Some(span) => match &item[span] {
                text @ [b'"', ..] => string(text)?.into_owned(),
                number @ [b'0'..=b'9', ..] => String::from_utf8(number.to_vec()).ok()?,
                _ => return None,
            },
            None => ABSENT.iter().find(|(name, _)| name == key)?.1.to_owned(),
        };
        found.push((*key, value));
    }
    Some(Segment::Item(found))
}

fn by_key<'a>(
    before: Vec<(Segment, &'a [u8])>,
    after: Vec<(Segment, &'a [u8])>,
    ordered: bool,
) -> Matching<'a> {
    let mut places: BTreeMap<Segment, usize> =
        after.iter().enumerate().map(|(place, (key, _))| (key.clone(), place)).collect();
    let mut common = Vec::new();
    let mut pairs = Vec::new();
    for (key, item) in before {
        let place = places.remove(&key);
        common.extend(place.map(|place| (place, key.clone())));
        pairs.push((key, Some(item), place.map(|place| after[place].1)));
    }
    let new = after.into_iter().filter(|(key, _)| places.contains_key(key));
    pairs.extend(new.map(|(key, item)| (key, None, Some(item))));
    let moved = ordered && common.windows(2).any(|pair| pair[0].0 > pair[1].0);
    let order = moved.then(|| {
        let was = names(common.iter().map(|(_, key)| key));
        common.sort();
        (was, names(common.iter().map(|(_, key)| key)))
    });
    Matching { pairs, order }
}

/// Keys as a JSON list of texts.
fn names<'a>(keys: impl Iterator<Item = &'a Segment>) -> String {
    let names: Vec<String> = keys
        .map(|key| match key {
            Segment::Item(fields) => {
                fields.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(",")
            }
            Segment::Key(text) | Segment::Value(text) => text.clone(),
            Segment::Index(place) => place.to_string(),
        })
        .collect();
    serde_json::Value::from(names).to_string()
}
