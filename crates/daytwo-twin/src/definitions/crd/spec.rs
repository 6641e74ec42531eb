//! The spec of a definition: group, scope, versions, names. What all versions have alike, the server holds once for all
//! of them, and names accordingly in its errors (`pkg/apis/apiextensions/v1/conversion.go`).

use serde_json::{Map, Value};

use super::{columns, conversion, flag, naming, openapi, shown, text, versions};
use crate::deep;
use crate::definitions::names::{dns_1035, subdomain};
use crate::definitions::schema::Schema;
use crate::field::FieldError;

/// What versions have alike.
pub(super) struct Alike {
    schema: bool,
    subresources: bool,
    columns: bool,
    selectable: bool,
}

impl Alike {
    pub(super) fn of(spec: &Map<String, Value>) -> Self {
        let alike = |field: &str| {
            let mut all = versions(spec).map(|version| version.get(field).unwrap_or(&Value::Null));
            all.next().is_some_and(|first| all.all(|other| deep::equal(first, other)))
        };
        Alike {
            schema: alike("schema"),
            subresources: alike("subresources"),
            columns: alike("additionalPrinterColumns"),
            selectable: alike("selectableFields"),
        }
    }
}

/// What is wrong with a spec. What the old one has wrong as well is let through where it is about schemas: they may be
/// older than the rule.
pub(super) fn wrong(spec: &Map<String, Value>, old: Option<&Map<String, Value>>) -> Vec<FieldError> {
    let known = old.map(|old| schema_errors(old, &Alike::of(old))).unwrap_or_default();
    let mut errors = group_and_scope(spec);
    let alike = Alike::of(spec);
    errors.extend(schema_errors(spec, &alike).into_iter().filter(|error| !known.contains(error)));
    errors.extend(version_errors(spec, &alike));
    errors.extend(counts(spec, &alike));
    let names = spec.get("names").and_then(Value::as_object).cloned().unwrap_or_default();
    errors.extend(naming::missing(&names));
    errors.extend(naming::wrong(&names, "spec.names"));
    if let Some(first) = versions(spec).next() {
        errors.extend(shared(first, &alike));
    }
    errors.extend(conversion::wrong(spec));
    errors
}

fn group_and_scope(spec: &Map<String, Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let group = text(spec, "group");
    let wrong = subdomain(&group);
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if !wrong.is_empty() {
        errors.push(FieldError::invalid("spec.group", group, wrong.join(",")));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid("spec.group", group, "should be a domain with at least one dot"));
    }
    errors.extend(one_of("spec.scope", &text(spec, "scope"), &["Cluster", "Namespaced"]));
    errors
}

/// One of an enumeration, and not nothing.
pub(super) fn one_of(field: &str, value: &str, accepted: &[&str]) -> Option<FieldError> {
    match value {
        "" => Some(FieldError::required(field, "")),
        value if accepted.contains(&value) => None,
        value => Some(FieldError::not_supported(field, value, accepted)),
    }
}

fn schema_of(version: &Map<String, Value>) -> Option<&Map<String, Value>> {
    version.get("schema")?.get("openAPIV3Schema")?.as_object()
}

fn has_status(version: &Map<String, Value>) -> bool {
    version
        .get("subresources")
        .and_then(|subresources| subresources.get("status"))
        .is_some_and(Value::is_object)
}

fn schema_errors(spec: &Map<String, Value>, alike: &Alike) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let shared = alike.schema && versions(spec).next().is_some_and(|version| schema_of(version).is_some());
    for (at, version) in versions(spec).enumerate() {
        if !shared && schema_of(version).is_none() {
            errors.push(FieldError::required(format!("spec.versions[{at}].schema.openAPIV3Schema"), ""));
        }
    }
    let defaults = versions(spec).filter_map(schema_of).any(|schema| {
        let mut found = false;
        openapi::each(schema, 0, &mut |node| {
            found |= node.get("default").is_some_and(|value| !value.is_null());
        });
        found
    });
    if defaults && flag(spec, "preserveUnknownFields") {
        let detail = "must be false in order to use defaults in the schema";
        errors.push(FieldError::invalid("spec.preserveUnknownFields", true, detail));
    }
    if shared {
        let status = versions(spec).any(has_status);
        if let Some(schema) = versions(spec).next().and_then(schema_of) {
            errors.extend(openapi::wrong(schema, status, "spec.validation.openAPIV3Schema"));
        }
        return errors;
    }
    for (at, version) in versions(spec).enumerate() {
        if let Some(schema) = schema_of(version) {
            errors.extend(openapi::wrong(
                schema,
                has_status(version),
                &format!("spec.versions[{at}].schema.openAPIV3Schema"),
            ));
        }
    }
    errors
}

/// Of each version: its name, its deprecation, and what it does not have like all others.
fn version_errors(spec: &Map<String, Value>, alike: &Alike) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (at, version) in versions(spec).enumerate() {
        let path = format!("spec.versions[{at}]");
        let name = text(version, "name");
        let wrong = dns_1035(&name);
        if !wrong.is_empty() {
            errors.push(FieldError::invalid(format!("{path}.name"), name, wrong.join(",")));
        }
        errors.extend(deprecation(version, &path));
        if !alike.subresources {
            errors.extend(columns::subresources(version, &path));
        }
        if !alike.columns {
            errors.extend(columns::columns(version, &path));
        }
        let selectable =
            version.get("selectableFields").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        if selectable && !alike.selectable {
            let field = format!("{path}.selectableFields");
            match schema_of(version).filter(|_| !alike.schema) {
                None => {
                    let detail = "may only be set when `version.schema.openAPIV3Schema` is not included";
                    errors.push(FieldError::invalid(field, "", detail));
                }
                Some(schema) => errors.extend(selectable_errors(version, schema, &field)),
            }
        }
    }
    errors
}

/// What all versions have alike.
fn shared(version: &Map<String, Value>, alike: &Alike) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if alike.subresources {
        errors.extend(columns::subresources(version, "spec"));
    }
    if alike.columns {
        errors.extend(columns::columns(version, "spec"));
    }
    let selectable =
        version.get("selectableFields").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if selectable && alike.selectable {
        match schema_of(version).filter(|_| alike.schema) {
            None => {
                let detail = "may only be set when validations.schema is included";
                errors.push(FieldError::invalid("spec.selectableFields", "", detail));
            }
            Some(schema) => errors.extend(selectable_errors(version, schema, "spec.selectableFields")),
        }
    }
    errors
}

fn selectable_errors(
    version: &Map<String, Value>,
    schema: &Map<String, Value>,
    path: &str,
) -> Vec<FieldError> {
    match Schema::read(&Value::Object(deep::copy_map(schema))) {
        Ok(schema) => columns::selectable(version, &schema, path),
        // The schema's own errors say it.
        Err(_) => Vec::new(),
    }
}

fn deprecation(version: &Map<String, Value>, path: &str) -> Vec<FieldError> {
    let Some(warning) = version.get("deprecationWarning").and_then(Value::as_str) else { return Vec::new() };
    let mut details = Vec::new();
    if !flag(version, "deprecated") {
        details.push("can only be set for deprecated versions".to_owned());
    } else {
        if warning.len() > 256 {
            details.push("must be <= 256 characters long".to_owned());
        }
        if warning.is_empty() {
            details.push("must not be an empty string".to_owned());
        }
        let odd =
            |character: &char| character.is_control() || (character.is_whitespace() && *character != ' ');
        if let Some((at, _)) = warning.char_indices().find(|(_, character)| odd(character)) {
            details.push(format!(
                "must only contain printable UTF-8 characters; non-printable character found at index {at}"
            ));
        }
    }
    details
        .into_iter()
        .map(|detail| FieldError::invalid(format!("{path}.deprecationWarning"), warning, detail))
        .collect()
}

fn counts(spec: &Map<String, Value>, alike: &Alike) -> Vec<FieldError> {
    let names: Vec<String> = versions(spec).map(|version| text(version, "name")).collect();
    let shown = || shown::versions(spec, alike.schema, alike.subresources, alike.columns, alike.selectable);
    let mut errors = Vec::new();
    if (1..names.len()).any(|at| names[..at].contains(&names[at])) {
        errors.push(FieldError::invalid("spec.versions", shown(), "must contain unique version names"));
    }
    if versions(spec).filter(|version| flag(version, "storage")).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid("spec.versions", shown(), detail));
    }
    if let Some(first) = names.first() {
        let wrong = dns_1035(first);
        if !first.is_empty() && !wrong.is_empty() {
            errors.push(FieldError::invalid("spec.version", first.as_str(), wrong.join(",")));
        }
    }
    errors
}

/// What of a definition may not change; some of it only once its names are in use.
pub(super) fn fixed(
    spec: &Map<String, Value>,
    old: &Map<String, Value>,
    established: bool,
) -> Vec<FieldError> {
    let names = |spec: &Map<String, Value>, field: &str| {
        spec.get("names").and_then(Value::as_object).map(|names| text(names, field)).unwrap_or_default()
    };
    let compared = [
        ("spec.scope", text(spec, "scope"), text(old, "scope"), established),
        ("spec.names.kind", names(spec, "kind"), names(old, "kind"), established),
        ("spec.group", text(spec, "group"), text(old, "group"), true),
        ("spec.names.plural", names(spec, "plural"), names(old, "plural"), true),
    ];
    compared
        .into_iter()
        .filter(|(_, new, old, fixed)| *fixed && new != old)
        .map(|(field, new, ..)| FieldError::invalid(field, new, "field is immutable"))
        .collect()
}
