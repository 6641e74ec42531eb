//! One object in three states side by side: as a backup holds it, as it is in the cluster, and as it is sent.
//!
//! Which fields are shown is decided by two comparisons with the backup, made before. It refuses to show a value that
//! [`super::diff`] would hide.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::path::{Path, Segment};
use super::{FieldChange, Noise, Options, Secrets, diff, lists, raw};
use crate::json::{JsonError, elements, find, string};
use crate::redact;

/// The states of one object.
#[derive(Clone, Copy)]
pub struct States<'a> {
    /// In the backup.
    pub backup: &'a [u8],
    /// In the cluster; `None` where it is not there.
    pub live: Option<&'a [u8]>,
    /// What is sent.
    pub sent: &'a [u8],
}

/// Whose value is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// The backup's.
    Backup,
    /// The cluster's: it stays as it is.
    Live,
    /// One that neither has.
    Neither,
}

/// One field whose three values are not all the same.
#[derive(Debug, Clone, Serialize)]
pub struct Field {
    /// Where it stands.
    pub path: Path,
    /// Whether only the order of a list's items differs; the values then hold their keys.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub order: bool,
    /// The backup's value; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<Box<RawValue>>,
    /// The cluster's value; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Box<RawValue>>,
    /// The value sent; absent where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<Box<RawValue>>,
    /// Whose value that is; told apart before values are hidden.
    pub from: Origin,
}

/// What changed of one path, against what is in the cluster and against what is sent.
type Both = (Option<FieldChange>, Option<FieldChange>);

/// Puts `to_live` and `to_sent`, the changes from the backup's state to the two others, side by side, in the order of
/// their paths. `whole` is what the values to hide are taken from.
///
/// # Errors
/// One of the states is not JSON.
pub fn three_way(
    resource: &str,
    states: States<'_>,
    (to_live, to_sent): (Vec<FieldChange>, Vec<FieldChange>),
    whole: States<'_>,
    secrets: Secrets,
) -> Result<Vec<Field>, JsonError> {
    let as_stored = to_sent.is_empty();
    let mut rows: BTreeMap<(Path, bool), Both> = BTreeMap::new();
    for change in to_live {
        let row = rows.entry((change.path.clone(), change.order)).or_default();
        row.0 = Some(change);
    }
    for change in to_sent {
        let row = rows.entry((change.path.clone(), change.order)).or_default();
        row.1 = Some(change);
    }
    // In this order what is inside a field follows it.
    let mut top: Option<Path> = None;
    rows.retain(|(path, order), _| {
        let inside = top.as_ref().is_some_and(|top| is_below(path, top));
        if !inside && !order {
            top = Some(path.clone());
        }
        !inside
    });
    let mut fields = Vec::with_capacity(rows.len());
    for ((path, order), both) in rows {
        fields.push(field(path, order, both, states, as_stored)?);
    }
    if secrets == Secrets::Hide {
        let sides: Vec<&[u8]> = [whole.backup, whole.sent].into_iter().chain(whole.live).collect();
        let values = fields.iter_mut().flat_map(|field| {
            let Field { path, backup, live, sent, .. } = field;
            let path = &*path;
            [backup, live, sent].into_iter().flatten().map(move |value| (path, value))
        });
        redact::hide_values(resource, &sides, values);
    }
    Ok(fields)
}

/// One row; `as_stored` tells that nothing is changed on the way.
fn field(
    path: Path,
    order: bool,
    both: Both,
    states: States<'_>,
    as_stored: bool,
) -> Result<Field, JsonError> {
    let (to_live, to_sent) = both;
    let backup = to_sent.as_ref().or(to_live.as_ref()).and_then(|change| change.before.clone());
    let other = |change: Option<FieldChange>, state: Option<&[u8]>| match (change, state) {
        (Some(change), _) => Ok::<_, JsonError>(change.after),
        // Where two lists differ in their order, one that does not is like the backup's.
        (None, Some(_)) if order => Ok(backup.clone()),
        (None, Some(state)) => at(&path, state)?.map(raw).transpose(),
        (None, None) => Ok(None),
    };
    let live = other(to_live, states.live)?;
    let sent = if as_stored { backup.clone() } else { other(to_sent, Some(states.sent))? };
    let from = if same(sent.as_deref(), backup.as_deref())? {
        Origin::Backup
    } else if states.live.is_some() && same(sent.as_deref(), live.as_deref())? {
        Origin::Live
    } else {
        Origin::Neither
    };
    Ok(Field { path, order, backup, live, sent, from })
}

fn is_below(path: &Path, top: &Path) -> bool {
    path.segments().len() > top.segments().len() && path.segments().starts_with(top.segments())
}

fn same(one: Option<&RawValue>, other: Option<&RawValue>) -> Result<bool, JsonError> {
    let all = Options { noise: Noise::Show, secrets: Secrets::Show };
    match (one, other) {
        (Some(one), Some(other)) => {
            Ok(diff("", one.get().as_bytes(), other.get().as_bytes(), all)?.is_empty())
        }
        (one, other) => Ok(one.is_none() && other.is_none()),
    }
}

/// The value at `path`; `None` where there is none.
fn at<'a>(path: &Path, object: &'a [u8]) -> Result<Option<&'a [u8]>, JsonError> {
    let mut value = object;
    for segment in path.segments() {
        let found = match segment {
            Segment::Key(key) if value.starts_with(b"{") => find(value, &[key])?,
            Segment::Key(_) => None,
            _ if !value.starts_with(b"[") => None,
            segment => {
                let items = elements(value).enumerate().map(|(place, span)| span.map(|span| (place, span)));
                let mut items = items.collect::<Result<Vec<_>, _>>()?.into_iter();
                items
                    .find(|(place, span)| is_item(segment, *place, &value[span.clone()]))
                    .map(|(_, span)| span)
            }
        };
        match found {
            Some(span) => value = &value[span],
            None => return Ok(None),
        }
    }
    Ok(Some(value))
}

fn is_item(segment: &Segment, place: usize, item: &[u8]) -> bool {
    match segment {
        Segment::Key(_) => false,
        Segment::Index(index) => *index == place,
        Segment::Item(keys) => {
            let names: Vec<&'static str> = keys.iter().map(|(name, _)| *name).collect();
            lists::by_fields(item, &names).as_ref() == Some(segment)
        }
        Segment::Value(text) => string(item).is_some_and(|item| item == text.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Options = Options { noise: Noise::Show, secrets: Secrets::Show };

    fn fields(resource: &str, states: [&str; 3], secrets: Secrets) -> Vec<Field> {
        let [backup, live, sent] = states.map(str::as_bytes);
        let live = Some(live).filter(|live| !live.is_empty());
        let to_live = live.map(|live| diff(resource, backup, live, ALL).unwrap()).unwrap_or_default();
        let to_sent = diff(resource, backup, sent, ALL).unwrap();
        let states = States { backup, live, sent };
        three_way(resource, states, (to_live, to_sent), states, secrets).unwrap()
    }

    fn rows(states: [&str; 3]) -> Vec<String> {
        let text = |value: &Option<Box<RawValue>>| value.as_deref().map_or("-", RawValue::get).to_owned();
        fields("pods", states, Secrets::Hide)
            .iter()
            .map(|field| {
                let values = [&field.backup, &field.live, &field.sent].map(text).join(" ");
                format!("{}: {values} {:?}", field.path, field.from)
            })
            .collect()
    }

    #[test]
    fn each_field_has_its_three_values_and_says_whose_is_sent() {
        let rows = rows([
            r#"{"a":1,"b":"x","c":true,"same":1}"#,
            r#"{"a":2,"b":"y","d":[1],"same":1.0}"#,
            r#"{"a":1,"b":"z","c":true,"d":[1],"same":1}"#,
        ]);
        assert_eq!(
            rows,
            ["a: 1 2 1 Backup", r#"b: "x" "y" "z" Neither"#, "c: true - true Backup", "d: - [1] [1] Live"]
        );
    }

    #[test]
    fn items_of_lists_are_found_by_their_keys_in_all_three() {
        let pod = |items: &str| format!(r#"{{"containers":[{items}],"finalizers":["f"],"args":["a"]}}"#);
        let (app, log) = (r#"{"name":"app","image":"a:1"}"#, r#"{"name":"log","image":"l:1"}"#);
        let backup = pod(&format!("{app},{log}"));
        let live = pod(&format!("{log},{app}")).replace("a:1", "a:2").replace(r#"["a"]"#, r#"["b"]"#);
        assert_eq!(
            rows([&backup, &live, &backup]),
            [
                r#"args[0]: "a" "b" "a" Backup"#,
                r#"containers: ["app","log"] ["log","app"] ["app","log"] Backup"#,
                r#"containers[name=app].image: "a:1" "a:2" "a:1" Backup"#,
            ]
        );
    }

    #[test]
    fn a_field_inside_one_that_differs_as_a_whole_has_no_row_of_its_own() {
        let rows = rows([r#"{"m":{"a":1,"b":2}}"#, "{}", r#"{"m":{"a":1,"b":3}}"#]);
        assert_eq!(rows, [r#"m: {"a":1,"b":2} - {"a":1,"b":3} Neither"#]);
    }

    #[test]
    fn an_object_that_is_not_there_has_rows_for_what_is_changed_on_the_way_alone() {
        let rows = rows([r#"{"a":1,"n":"old"}"#, "", r#"{"a":1}"#]);
        assert_eq!(rows, [r#"n: "old" - - Neither"#]);
    }

    #[test]
    fn values_of_a_secret_are_hidden_in_all_three_also_in_what_was_last_applied() {
        let secret = |value: &str| {
            let applied = format!(r#"{{\"data\":{{\"k\":\"{value}\"}}}}"#);
            format!(
                r#"{{"metadata":{{"annotations":{{"kubectl.kubernetes.io/last-applied-configuration":"{applied}"}}}},"data":{{"k":"{value}"}}}}"#
            )
        };
        let [backup, live] = ["aGlkZGVuLW9uZQ==", "aGlkZGVuLXR3bw=="].map(secret);
        let states = [&*backup, &live, &backup];
        let hidden = fields("secrets", states, Secrets::Hide);
        let text = serde_json::to_string(&hidden).unwrap();
        assert!(!text.contains("aGlkZGVu") && text.contains("<changed>"), "{text}");
        assert_eq!(hidden.iter().map(|field| field.from).collect::<Vec<_>>(), [Origin::Backup; 2]);
        let shown = serde_json::to_string(&fields("secrets", states, Secrets::Show)).unwrap();
        assert!(shown.contains("aGlkZGVuLXR3bw=="), "{shown}");
    }
}
