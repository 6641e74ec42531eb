//! Lists and objects: how many things they hold, and each of these.

use serde_json::{Map, Value};

use super::{Issue, Outcome, Pair, issue, node};
use crate::deep;
use crate::definitions::path::Path;
use crate::definitions::schema::{Additional, Schema};
use crate::field::FieldError;

fn count(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

pub(super) fn slice(schema: &Schema, list: &[Value], path: &Path<'_>, pair: Option<Pair<'_>>) -> Outcome {
    let (checks, mut all) = (&schema.checks, Outcome::default());
    if let Some(items) = &schema.items {
        for (at, value) in list.iter().enumerate() {
            all.merge(node(items, value, &path.index(at), pair.and_then(|pair| pair.index(at))));
        }
    }
    if let Some(least) = checks.min_items.filter(|least| count(list.len()) < *least) {
        let text = format!("{path} in body should have at least {least} items");
        all.add(issue(path, list.len().into(), text));
    }
    if let Some(most) = checks.max_items.filter(|most| count(list.len()) > *most) {
        let text = format!("{path} in body should have at most {most} items");
        all.add(too_many(path, list.len(), most, text));
    }
    let twice = |at: usize| list[..at].iter().any(|before| deep::equal(before, &list[at]));
    if checks.unique_items && (1..list.len()).any(twice) {
        all.add(issue(path, "".into(), format!("{path} in body shouldn't contain duplicates")));
    }
    all.matches += 1;
    all
}

fn too_many(path: &Path<'_>, actual: usize, most: i64, text: String) -> Issue {
    let error = FieldError::too_many("", actual, usize::try_from(most).unwrap_or(0));
    Issue { name: Some(path.to_string()), text, error }
}

pub(super) fn fields<'a>(
    schema: &'a Schema,
    object: &'a Map<String, Value>,
    path: &Path<'_>,
    pair: impl Fn(&str) -> Option<Pair<'a>>,
    all: &mut Outcome,
) {
    let checks = &schema.checks;
    if let Some(least) = checks.min_properties.filter(|least| count(object.len()) < *least) {
        all.add(issue(
            path,
            object.len().into(),
            format!("{path} in body should have at least {least} properties"),
        ));
    }
    if let Some(most) = checks.max_properties.filter(|most| count(object.len()) > *most) {
        let text = format!("{path} in body should have at most {most} properties");
        all.add(too_many(path, object.len(), most, text));
    }
    for (key, value) in object.iter().filter(|(key, _)| !schema.properties.contains_key(*key)) {
        match &schema.additional {
            Additional::Allowed(false) => {
                let text = format!("{path}.{key} in body is a forbidden property");
                all.add(issue(path, key.as_str().into(), text));
            }
            Additional::Like(inner) => all.merge(node(inner, value, &path.extra(key), pair(key))),
            _ => {}
        }
    }
    for (name, property) in &schema.properties {
        if let Some(value) = object.get(name) {
            all.merge(node(property, value, &path.field(name), pair(name)));
        }
    }
    for name in checks.required.iter().filter(|name| !object.contains_key(*name)) {
        let place = path.extra(name);
        let text = format!("{place} in body is required");
        all.add(Issue { name: Some(place.to_string()), text, error: FieldError::required("", "") });
    }
}
