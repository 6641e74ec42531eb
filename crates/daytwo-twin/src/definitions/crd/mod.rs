//! A CustomResourceDefinition as an object: defaults, preparation, validation, and the status that its controllers write
//! (`pkg/registry/customresourcedefinition/strategy.go`, `pkg/apis/apiextensions/validation`, v0.36).
//!
//! It refuses to estimate what a rule in CEL costs: a definition that a server would refuse for that is taken.

mod columns;
mod conversion;
mod defaults;
mod list_types;
mod naming;
mod openapi;
mod rules;
mod shown;
mod spec;
mod status;
mod structural;

use serde_json::{Map, Value, json};

pub use status::{Taken, established};

use super::schema::{flag, text, texts};
use crate::ask::{Ask, Object};
use crate::deep;
use crate::field::FieldError;
use crate::status::{Result, Status, Subject};

/// Prepares and validates a definition that is to be created. `metadata` is what is wrong with its metadata.
///
/// # Errors
/// 422 with all causes.
pub fn create(object: &mut Object, mut metadata: Vec<FieldError>, ask: &mut Ask<'_>) -> Result<()> {
    let versions: Vec<String> = storage_version(object).into_iter().collect();
    let status =
        json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": versions});
    object.insert("status".into(), status);
    set_generation(object, 1);
    let spec = spec_of(object);
    let names =
        spec.get("names").and_then(Value::as_object).map(|names| text(names, "plural")).unwrap_or_default();
    let name = name_of(object);
    if name != format!("{names}.{}", text(spec, "group")) {
        metadata.push(FieldError::invalid(
            "metadata.name",
            name,
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    let mut errors = metadata;
    errors.extend(spec::wrong(spec, None));
    errors.extend(status_errors(object));
    errors.extend(status::approval_errors(object, None));
    errors.extend(preserve_errors(spec, None));
    refuse(object, &errors)?;
    ask.warnings.extend(unknown_formats(spec, None));
    Ok(())
}

/// The same for a change of `old` to `new`; of the status alone where the request says so.
///
/// # Errors
/// As [`create`].
pub fn update(new: &mut Object, old: &Object, metadata: Vec<FieldError>, ask: &mut Ask<'_>) -> Result<()> {
    let mut errors = metadata;
    if ask.subresource == Some("status") {
        if let Some(spec) = old.get("spec") {
            new.insert("spec".into(), deep::copy(spec));
        }
        errors.extend(naming::accepted_errors(new));
        return refuse(new, &errors);
    }
    if let Some(status) = old.get("status") {
        new.insert("status".into(), deep::copy(status));
    }
    let changed =
        !deep::equal(new.get("spec").unwrap_or(&Value::Null), old.get("spec").unwrap_or(&Value::Null));
    let before = old
        .get("metadata")
        .and_then(|metadata| metadata.get("generation"))
        .and_then(Value::as_i64)
        .unwrap_or(0);
    set_generation(new, before.saturating_add(i64::from(changed)));
    let mut stored = stored_versions(new);
    if let Some(version) = storage_version(new).filter(|version| !stored.contains(version)) {
        stored.push(version);
        if let Some(status) = new.get_mut("status").and_then(Value::as_object_mut) {
            status.insert("storedVersions".into(), stored.into());
        }
    }
    let spec = spec_of(new);
    errors.extend(spec::wrong(spec, Some(spec_of(old))));
    errors.extend(spec::fixed(spec, spec_of(old), status::condition_is_true(old, "Established")));
    errors.extend(status_errors(new));
    errors.extend(status::approval_errors(new, Some(old)));
    errors.extend(preserve_errors(spec, Some(spec_of(old))));
    refuse(new, &errors)?;
    ask.warnings.extend(unknown_formats(spec, Some(spec_of(old))));
    Ok(())
}

fn refuse(object: &Object, errors: &[FieldError]) -> Result<()> {
    let kind = Subject { group: "apiextensions.k8s.io", kind: "CustomResourceDefinition" };
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Status::invalid(kind, name_of(object), errors)),
    }
}

fn name_of(object: &Object) -> &str {
    object
        .get("metadata")
        .and_then(|metadata| metadata.get("name"))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn spec_of(object: &Object) -> &Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    object.get("spec").and_then(Value::as_object).unwrap_or(&NONE)
}

fn set_generation(object: &mut Object, generation: i64) {
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert("generation".into(), generation.into());
    }
}

fn versions(spec: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    spec.get("versions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// The first version that is marked.
fn storage_version(object: &Object) -> Option<String> {
    versions(spec_of(object)).find(|version| flag(version, "storage")).map(|version| text(version, "name"))
}

fn stored_versions(object: &Object) -> Vec<String> {
    object
        .get("status")
        .and_then(Value::as_object)
        .map(|status| texts(status, "storedVersions"))
        .unwrap_or_default()
}

fn status_errors(object: &Object) -> Vec<FieldError> {
    const FIELD: &str = "status.storedVersions";
    let mut errors = naming::accepted_errors(object);
    let stored = stored_versions(object);
    if stored.is_empty() {
        errors.push(FieldError::invalid(FIELD, Value::Null, "must have at least one stored version"));
        return errors;
    }
    // As in the server, a name that two versions share is stored once.
    let mut left: Vec<(usize, &String)> = stored.iter().enumerate().collect();
    for version in versions(spec_of(object)) {
        let name = text(version, "name");
        let there = left.iter().any(|(_, stored)| **stored == name);
        if flag(version, "storage") && !there {
            let detail = format!("must have the storage version {name}");
            errors.push(FieldError::invalid(FIELD, stored.clone(), detail));
        }
        left.retain(|(_, stored)| **stored != name);
    }
    for (at, name) in left {
        let detail = format!(
            "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until \
             a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
        );
        errors.push(FieldError::invalid(format!("{FIELD}[{at}]"), name.as_str(), detail));
    }
    errors
}

fn preserve_errors(spec: &Map<String, Value>, old: Option<&Map<String, Value>>) -> Option<FieldError> {
    const FIELD: &str = "preserveUnknownFields";
    let before = old.is_some_and(|old| flag(old, FIELD));
    (flag(spec, FIELD) && !before).then(|| {
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in \
            spec.versions[*].schema instead";
        FieldError::invalid(format!("spec.{FIELD}"), true, detail)
    })
}

/// A warning for each format of a schema that no value will be held to, unless it was there before.
fn unknown_formats(spec: &Map<String, Value>, old: Option<&Map<String, Value>>) -> Vec<String> {
    let found = |spec: &Map<String, Value>| {
        let mut found = Vec::new();
        for schema in
            versions(spec).filter_map(|version| version.get("schema")?.get("openAPIV3Schema")?.as_object())
        {
            openapi::each(schema, 0, &mut |node| {
                let format = text(node, "format");
                if !format.is_empty() && !super::schema::known_format(&text(node, "type"), &format) {
                    found.push(format);
                }
            });
        }
        found
    };
    let before = old.map(found).unwrap_or_default();
    let mut new: Vec<String> = found(spec).into_iter().filter(|format| !before.contains(format)).collect();
    new.sort();
    new.dedup();
    new.into_iter().map(|format| format!("unrecognized format {}", crate::field::quoted(&format))).collect()
}

#[cfg(test)]
mod tests;
