//! Names of kinds and resources: what they may look like, in what is wanted and in what was accepted.

use serde_json::{Map, Value};

use crate::ask::Object;
use crate::definitions::names::dns_1035;
use crate::definitions::schema::{text, texts};
use crate::field::FieldError;

/// What is wrong with the names, of which each may be missing.
pub(super) fn wrong(names: &Map<String, Value>, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut check = |field: String, name: &str, mixed: bool| {
        let wrong = dns_1035(&if mixed { name.to_lowercase() } else { name.to_owned() });
        if !name.is_empty() && !wrong.is_empty() {
            let opening = if mixed { "may have mixed case, but should otherwise match: " } else { "" };
            errors.push(FieldError::invalid(field, name, format!("{opening}{}", wrong.join(","))));
        }
    };
    check(format!("{path}.plural"), &text(names, "plural"), false);
    check(format!("{path}.singular"), &text(names, "singular"), false);
    check(format!("{path}.kind"), &text(names, "kind"), true);
    check(format!("{path}.listKind"), &text(names, "listKind"), true);
    let (kind, list_kind) = (text(names, "kind"), text(names, "listKind"));
    errors.extend(listed(names, path, "shortNames"));
    if !kind.is_empty() && kind == list_kind {
        let detail = "kind and listKind may not be the same";
        errors.push(FieldError::invalid(format!("{path}.listKind"), list_kind, detail));
    }
    errors.extend(listed(names, path, "categories"));
    errors
}

fn listed(names: &Map<String, Value>, path: &str, field: &str) -> Vec<FieldError> {
    let listed = texts(names, field).into_iter().enumerate();
    listed
        .filter_map(|(at, name)| {
            let wrong = dns_1035(&name);
            (!wrong.is_empty())
                .then(|| FieldError::invalid(format!("{path}.{field}[{at}]"), name, wrong.join(",")))
        })
        .collect()
}

/// What is missing of the names that a definition must have.
pub(super) fn missing(names: &Map<String, Value>) -> Vec<FieldError> {
    let needed = ["plural", "singular", "kind", "listKind"].into_iter();
    let empty = needed.filter(|field| text(names, field).is_empty());
    empty.map(|field| FieldError::required(format!("spec.names.{field}"), "")).collect()
}

/// What is wrong with the accepted names of a status.
pub(super) fn accepted_errors(object: &Object) -> Vec<FieldError> {
    let accepted =
        object.get("status").and_then(|status| status.get("acceptedNames")).and_then(Value::as_object);
    accepted.map(|names| wrong(names, "status.acceptedNames")).unwrap_or_default()
}
