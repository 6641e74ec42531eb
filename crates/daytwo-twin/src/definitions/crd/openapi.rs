//! A schema as a definition's author wrote it: what fields it may have, how lists and maps are declared
//! (`ValidateCustomResourceDefinitionOpenAPISchema` of `pkg/apis/apiextensions/validation/validation.go`, v0.36).

use serde_json::{Map, Value};

use super::list_types::{extensions, keys_are_there, map_lists};
use super::{defaults, flag, rules, shown, structural, text};
use crate::deep;
use crate::definitions::schema::{MAX_DEPTH, Schema};
use crate::field::FieldError;

const ROOT_FIELDS: &str = "Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength \
    MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example \
    XPreserveUnknownFields XValidations";
const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// Calls `visit` with a schema and with all below it.
pub(super) fn each(schema: &Map<String, Value>, depth: usize, visit: &mut impl FnMut(&Map<String, Value>)) {
    if depth > MAX_DEPTH {
        return;
    }
    visit(schema);
    for (name, value) in schema {
        match (name.as_str(), value) {
            ("items" | "not" | "additionalProperties", Value::Object(inner)) => each(inner, depth + 1, visit),
            ("allOf" | "anyOf" | "oneOf" | "items", Value::Array(list)) => {
                list.iter().filter_map(Value::as_object).for_each(|inner| each(inner, depth + 1, visit));
            }
            ("properties" | "patternProperties" | "definitions", Value::Object(map)) => {
                map.values().filter_map(Value::as_object).for_each(|inner| each(inner, depth + 1, visit));
            }
            _ => {}
        }
    }
}

/// What is wrong with the schema of a version at `path`.
pub(super) fn wrong(schema: &Map<String, Value>, status_enabled: bool, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if status_enabled {
        errors.extend(root_fields(schema, path));
    }
    if flag(schema, "nullable") {
        errors.push(FieldError::forbidden(format!("{path}.nullable"), "nullable cannot be true at the root"));
    }
    let read = Schema::read(&Value::Object(deep::copy_map(schema)));
    let mut check_rules = false;
    if let Ok(read) = &read {
        let invariants = structural::wrong(schema, path);
        let broken = if invariants.is_empty() { defaults::wrong(read, path) } else { invariants };
        check_rules = broken.is_empty();
        errors.extend(broken);
    }
    let walk =
        Walk { inside_meta: false, no_defaults: None, uncorrelatable: None, rules: check_rules, depth: 0 };
    let found = walk.node(schema, path, true);
    errors.extend(found.schema);
    errors.extend(found.rules);
    if let (true, Err(why)) = (errors.is_empty(), read) {
        errors.push(FieldError::invalid(path, "", why));
    }
    errors
}

/// Where the status is a subresource, it is validated alone; what stands at the root may not be about both.
fn root_fields(schema: &Map<String, Value>, path: &str) -> Option<FieldError> {
    let inner = shown::schema(schema);
    for (name, value) in inner.as_object()? {
        let zero = matches!(value, Value::Null | Value::Bool(false)) || value.as_str() == Some("");
        if zero {
            continue;
        }
        if name == "Type" {
            if value.as_str() != Some("object") {
                let detail = "only \"object\" is allowed as the type at the root of the schema if the status subresource \
                    is enabled";
                return Some(FieldError::invalid(format!("{path}.type"), value.clone(), detail));
            }
        } else if !ROOT_FIELDS.split(' ').any(|allowed| allowed == name) {
            let detail = format!(
                "only [{ROOT_FIELDS}] fields are allowed at the root of the schema if the status subresource is enabled"
            );
            return Some(FieldError::invalid(path, inner, detail));
        }
    }
    None
}

/// Errors of the schema, and of the rules in it, which are looked at only where the schema is right.
#[derive(Default)]
pub(super) struct Found {
    pub schema: Vec<FieldError>,
    pub rules: Vec<FieldError>,
}

/// What a place inherits from those above it.
#[derive(Clone)]
pub(super) struct Walk {
    inside_meta: bool,
    /// Why no default may stand here.
    no_defaults: Option<String>,
    /// The first place above whose elements cannot be told from what they were.
    pub(super) uncorrelatable: Option<String>,
    rules: bool,
    depth: usize,
}

impl Walk {
    fn below(&self) -> Walk {
        Walk { depth: self.depth + 1, ..self.clone() }
    }

    fn node(&self, schema: &Map<String, Value>, path: &str, root: bool) -> Found {
        let mut found = Found::default();
        if self.depth > MAX_DEPTH {
            return found;
        }
        found.schema.extend(self.fields(schema, path));
        self.maps(schema, path, root, &mut found);
        self.logic(schema, path, &mut found);
        self.items(schema, path, &mut found);
        found.schema.extend(extensions(schema, path));
        found.schema.extend(map_lists(schema, path));
        found.schema.extend(keys_are_there(schema, path));
        found.schema.extend(rules::form(schema, path));
        if found.schema.is_empty() && self.rules {
            found.rules.extend(rules::wrong(schema, path, root, self));
        }
        found
    }

    fn look_at(&self, schema: Option<&Value>, path: &str, found: &mut Found) {
        if let Some(Value::Object(inner)) = schema {
            let below = self.node(inner, path, false);
            found.schema.extend(below.schema);
            found.rules.extend(below.rules);
        }
    }

    /// Fields that no schema may have, or not here.
    fn fields(&self, schema: &Map<String, Value>, path: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let kind = text(schema, "type");
        if !kind.is_empty() && !TYPES.contains(&kind.as_str()) {
            errors.push(FieldError::not_supported(format!("{path}.type"), kind.as_str(), &TYPES));
        }
        let set = |name: &str| schema.get(name).is_some_and(|value| !value.is_null());
        let mut forbid =
            |name: &str, detail: &str| errors.push(FieldError::forbidden(format!("{path}.{name}"), detail));
        if let Some(reason) = self.no_defaults.as_ref().filter(|_| set("default")) {
            forbid("default", &format!("must not be set {reason}"));
        }
        let filled = |name: &str| match schema.get(name) {
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Object(map)) => !map.is_empty() || name == "dependencies",
            _ => false,
        };
        for (name, given) in [
            ("id", filled("id")),
            ("additionalItems", set("additionalItems")),
            ("patternProperties", filled("patternProperties")),
            ("definitions", filled("definitions")),
            ("dependencies", filled("dependencies")),
            ("$ref", set("$ref")),
        ] {
            if given {
                forbid(name, &format!("{name} is not supported"));
            }
        }
        if kind == "null" {
            forbid("type", "type cannot be set to null, use nullable as an alternative");
        }
        if schema.get("items").and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
            forbid("items", "items must be a schema object and not an array");
        }
        if self.inside_meta && flag(schema, "x-kubernetes-embedded-resource") {
            forbid("x-kubernetes-embedded-resource", "must not be used inside of resource meta");
        }
        if flag(schema, "uniqueItems") {
            forbid(
                "uniqueItems",
                "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
            );
        }
        errors
    }

    fn maps(&self, schema: &Map<String, Value>, path: &str, root: bool, found: &mut Found) {
        let properties = schema.get("properties").and_then(Value::as_object);
        if let Some(additional) = schema.get("additionalProperties").filter(|value| !value.is_null()) {
            if properties.is_some_and(|map| !map.is_empty()) && *additional != Value::Bool(true) {
                let detail = "additionalProperties and properties are mutual exclusive";
                found.schema.push(FieldError::forbidden(format!("{path}.additionalProperties"), detail));
            }
            let mut below = self.below();
            if self.inside_meta {
                below.no_defaults =
                    Some("inside additionalProperties applying to object metadata".to_owned());
            }
            below.look_at(Some(additional), &format!("{path}.additionalProperties"), found);
        }
        let correlatable =
            matches!(text(schema, "x-kubernetes-map-type").as_str(), "" | "granular" | "atomic");
        for (name, property) in properties.into_iter().flatten() {
            let mut below = self.below();
            if !correlatable {
                below.uncorrelatable.get_or_insert_with(|| path.to_owned());
            }
            let meta = matches!(name.as_str(), "metadata" | "kind" | "apiVersion");
            if meta && (root || flag(schema, "x-kubernetes-embedded-resource")) {
                below.inside_meta = true;
                if root {
                    below.no_defaults = Some(format!("in top-level {name}"));
                }
            }
            below.look_at(Some(property), &format!("{path}.properties[{name}]"), found);
        }
    }

    fn logic(&self, schema: &Map<String, Value>, path: &str, found: &mut Found) {
        let below = Walk { rules: false, ..self.below() };
        below.look_at(schema.get("not"), &format!("{path}.not"), found);
        for name in ["allOf", "oneOf", "anyOf"] {
            for (at, inner) in schema.get(name).and_then(Value::as_array).into_iter().flatten().enumerate() {
                below.look_at(Some(inner), &format!("{path}.{name}[{at}]"), found);
            }
        }
        for (name, inner) in schema.get("definitions").and_then(Value::as_object).into_iter().flatten() {
            below.look_at(Some(inner), &format!("{path}.definitions[{name}]"), found);
        }
    }

    fn items(&self, schema: &Map<String, Value>, path: &str, found: &mut Found) {
        let mut below = self.below();
        if text(schema, "x-kubernetes-list-type") != "map" {
            below.uncorrelatable.get_or_insert_with(|| path.to_owned());
        }
        match schema.get("items") {
            Some(Value::Array(list)) => {
                for (at, inner) in list.iter().enumerate() {
                    below.look_at(Some(inner), &format!("{path}.items[{at}]"), found);
                }
            }
            other => below.look_at(other, &format!("{path}.items"), found),
        }
    }
}
