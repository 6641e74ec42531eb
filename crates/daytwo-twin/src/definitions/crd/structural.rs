//! Whether a schema is structural: every place has one type, and logic only narrows what structure says
//! (`pkg/apiserver/schema/{validation,complete}.go`, v0.36).

use serde_json::{Map, Value, json};

use super::{flag, text};
use crate::definitions::pattern;
use crate::definitions::schema::MAX_DEPTH;
use crate::field::FieldError;

type Node = Map<String, Value>;

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Field,
}

/// What keeps the schema from being structural, in order.
pub(super) fn wrong(schema: &Node, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    invariants(schema, Level::Root, path, 0, &mut errors);
    logic_complete(schema, schema, path, path, 0, &mut errors);
    errors.sort_by_cached_key(ToString::to_string);
    errors
}

fn node<'a>(schema: &'a Node, name: &str) -> Option<&'a Node> {
    schema.get(name).and_then(Value::as_object)
}

fn nodes<'a>(schema: &'a Node, name: &str) -> impl Iterator<Item = (usize, &'a Node)> {
    schema.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).enumerate()
}

fn properties(schema: &Node) -> impl Iterator<Item = (&String, &Node)> {
    node(schema, "properties")
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name, value.as_object()?)))
}

fn given(schema: &Node, name: &str) -> bool {
    schema.get(name).is_some_and(|value| !value.is_null())
}

/// `anyOf` of an integer and a string, which an int-or-string may have.
fn int_or_string(any_of: Option<&Value>) -> bool {
    any_of == Some(&json!([{"type": "integer"}, {"type": "string"}]))
}

fn invariants(schema: &Node, level: Level, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    if depth > MAX_DEPTH {
        return;
    }
    let field = |name: &str| format!("{path}.{name}");
    let kind = text(schema, "type");
    if kind == "array" && node(schema, "items").is_none() {
        errors.push(FieldError::required(field("items"), "must be specified"));
    }
    if let Some(items) = node(schema, "items") {
        invariants(items, Level::Item, &field("items"), depth + 1, errors);
    }
    for (name, property) in properties(schema) {
        invariants(property, Level::Field, &field(&format!("properties[{name}]")), depth + 1, errors);
    }
    if given(schema, "additionalProperties") {
        if level == Level::Root {
            errors.push(FieldError::forbidden(field("additionalProperties"), "must not be used at the root"));
        }
        if let Some(additional) = node(schema, "additionalProperties") {
            invariants(additional, Level::Field, &field("additionalProperties"), depth + 1, errors);
        }
    }
    extensions(schema, path, errors);
    let first_all_of =
        nodes(schema, "allOf").next().is_some_and(|(_, first)| int_or_string(first.get("anyOf")));
    logic(schema, int_or_string(schema.get("anyOf")), first_all_of, path, depth, errors);
    types(schema, level, path, errors);
    metadata(schema, level, path, errors);
    let bare = flag(schema, EMBEDDED) && !flag(schema, PRESERVE) && properties(schema).next().is_none();
    if bare {
        let detail = format!("must not be empty if {EMBEDDED} is true without {PRESERVE}");
        errors.push(FieldError::required(field("properties"), detail));
    }
}

const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";

fn extensions(schema: &Node, path: &str, errors: &mut Vec<FieldError>) {
    for name in [PRESERVE, EMBEDDED] {
        if flag(schema, INT_OR_STRING) && flag(schema, name) {
            let detail = format!("must be false if {INT_OR_STRING} is true");
            errors.push(FieldError::invalid(format!("{path}.{name}"), true, detail));
        }
    }
}

fn types(schema: &Node, level: Level, path: &str, errors: &mut Vec<FieldError>) {
    let (kind, field) = (text(schema, "type"), format!("{path}.type"));
    let embedded = flag(schema, EMBEDDED);
    let detail = format!("must be object if {EMBEDDED} is true");
    match kind.as_str() {
        "" if embedded => errors.push(FieldError::required(field.as_str(), detail)),
        kind if embedded && kind != "object" => {
            errors.push(FieldError::invalid(field.as_str(), kind, detail));
        }
        "" if !flag(schema, INT_OR_STRING) && !flag(schema, PRESERVE) => {
            let detail = match level {
                Level::Root => "must not be empty at the root",
                Level::Item => "must not be empty for specified array items",
                Level::Field => "must not be empty for specified object fields",
            };
            errors.push(FieldError::required(field.as_str(), detail));
        }
        _ => {}
    }
    if embedded && given(schema, "additionalProperties") {
        let detail = format!("must not be used if {EMBEDDED} is set");
        errors.push(FieldError::forbidden(format!("{path}.additionalProperties"), detail));
    }
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        errors.push(FieldError::invalid(field, kind, "must be object at the root"));
    }
}

/// Of a resource, kind and version are strings; of its metadata only the names may be restricted.
fn metadata(schema: &Node, level: Level, path: &str, errors: &mut Vec<FieldError>) {
    let resource = level == Level::Root || flag(schema, EMBEDDED);
    let property = |name: &str| node(schema, "properties").and_then(|properties| node(properties, name));
    for name in ["kind", "apiVersion"] {
        let kind = property(name).map(|schema| text(schema, "type"));
        if let Some(kind) = kind.filter(|kind| resource && kind != "string") {
            errors.push(FieldError::invalid(
                format!("{path}.properties[{name}].type"),
                kind,
                "must be string",
            ));
        }
    }
    let Some(metadata) = property("metadata") else { return };
    let place = format!("{path}.properties[metadata]");
    let kind = text(metadata, "type");
    if resource && kind != "object" {
        errors.push(FieldError::invalid(format!("{place}.type"), kind, "must be object"));
    }
    let only_names = metadata.iter().all(|(name, value)| match (name.as_str(), value) {
        ("type" | "default", _) | (_, Value::Null | Value::Bool(false)) => true,
        ("properties", Value::Object(map)) => {
            map.keys().all(|name| matches!(name.as_str(), "name" | "generateName"))
        }
        (_, Value::String(text)) => text.is_empty(),
        (_, Value::Array(list)) => list.is_empty(),
        _ => false,
    });
    if level == Level::Root && !only_names {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(FieldError::forbidden(place, detail));
    }
}

fn logic(
    schema: &Node,
    skip_any: bool,
    skip_first_all: bool,
    path: &str,
    depth: usize,
    errors: &mut Vec<FieldError>,
) {
    if !skip_any {
        for (at, inner) in nodes(schema, "anyOf") {
            nested(inner, false, &format!("{path}.anyOf[{at}]"), depth + 1, errors);
        }
    }
    for (at, inner) in nodes(schema, "allOf") {
        nested(inner, skip_first_all && at == 0, &format!("{path}.allOf[{at}]"), depth + 1, errors);
    }
    for (at, inner) in nodes(schema, "oneOf") {
        nested(inner, false, &format!("{path}.oneOf[{at}]"), depth + 1, errors);
    }
    if let Some(not) = node(schema, "not") {
        nested(not, false, &format!("{path}.not"), depth + 1, errors);
    }
    let expression = text(schema, "pattern");
    if let (false, Err(why)) = (expression.is_empty(), pattern::compile(&expression)) {
        let detail = format!("must be a valid regular expression, but isn't: error parsing regexp: {why}");
        errors.push(FieldError::invalid(format!("{path}.pattern"), expression, detail));
    }
}

/// A schema inside logic: it may only narrow.
fn nested(schema: &Node, skip_any: bool, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    if depth > MAX_DEPTH {
        return;
    }
    logic(schema, skip_any, false, path, depth, errors);
    if let Some(items) = node(schema, "items") {
        nested(items, false, &format!("{path}.items"), depth + 1, errors);
    }
    for (name, property) in properties(schema) {
        nested(property, false, &format!("{path}.properties[{name}]"), depth + 1, errors);
    }
    let filled = |name: &str| match schema.get(name) {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Bool(set)) => *set,
        _ => false,
    };
    let forbidden = [
        ("type", "must be empty to be structural", filled("type")),
        ("additionalProperties", "must be undefined to be structural", given(schema, "additionalProperties")),
        ("default", "must be undefined to be structural", given(schema, "default")),
        ("title", "must be empty to be structural", filled("title")),
        ("description", "must be empty to be structural", filled("description")),
        ("nullable", "must be false to be structural", filled("nullable")),
        (PRESERVE, "must be false to be structural", filled(PRESERVE)),
        (EMBEDDED, "must be false to be structural", filled(EMBEDDED)),
        (INT_OR_STRING, "must be false to be structural", filled(INT_OR_STRING)),
        (
            "x-kubernetes-list-map-keys",
            "must be empty to be structural",
            filled("x-kubernetes-list-map-keys"),
        ),
        (
            "x-kubernetes-list-type",
            "must be undefined to be structural",
            given(schema, "x-kubernetes-list-type"),
        ),
        (
            "x-kubernetes-map-type",
            "must be undefined to be structural",
            given(schema, "x-kubernetes-map-type"),
        ),
        ("x-kubernetes-validations", "must be empty to be structural", filled("x-kubernetes-validations")),
    ];
    let forbidden = forbidden.into_iter().filter(|(.., there)| *there);
    errors.extend(forbidden.map(|(name, detail, _)| FieldError::forbidden(format!("{path}.{name}"), detail)));
    if node(schema, "properties").is_some_and(|properties| properties.contains_key("metadata")) {
        let detail = "must not be specified in a nested context";
        errors.push(FieldError::forbidden(format!("{path}.properties[metadata]"), detail));
    }
}

/// Whatever logic names must be there in the structure. As in the server, only the logic at the root is looked at.
fn logic_complete(logic: &Node, of: &Node, path: &str, at: &str, depth: usize, errors: &mut Vec<FieldError>) {
    if let Some(not) = node(logic, "not") {
        nested_complete(not, Some(of), path, &format!("{at}.not"), depth + 1, errors);
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        for (index, inner) in nodes(logic, name) {
            nested_complete(inner, Some(of), path, &format!("{at}.{name}[{index}]"), depth + 1, errors);
        }
    }
}

fn nested_complete(
    inner: &Node,
    of: Option<&Node>,
    path: &str,
    at: &str,
    depth: usize,
    errors: &mut Vec<FieldError>,
) {
    let Some(of) = of else {
        errors.push(FieldError::required(path, format!("because it is defined in {at}")));
        return;
    };
    if depth > MAX_DEPTH {
        return;
    }
    logic_complete(inner, of, path, at, depth, errors);
    if let Some(items) = node(inner, "items") {
        nested_complete(
            items,
            node(of, "items"),
            &format!("{path}.items"),
            &format!("{at}.items"),
            depth + 1,
            errors,
        );
    }
    for (name, property) in properties(inner) {
        let found = node(of, "properties").and_then(|properties| node(properties, name));
        let (path, at) = (format!("{path}.properties[{name}]"), format!("{at}.properties[{name}]"));
        nested_complete(property, found, &path, &at, depth + 1, errors);
    }
}
