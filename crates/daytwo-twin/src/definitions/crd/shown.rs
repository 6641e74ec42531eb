//! Parts of a definition as errors quote them: in the server's inner form, with every field and Go's names.

use serde_json::{Map, Value};

use super::versions as each_version;
use crate::definitions::schema::Rule;

/// Go's name, the field's, and what stands there when nothing does.
type Fields = &'static [(&'static str, &'static str, Empty)];

#[derive(Clone, Copy)]
enum Empty {
    Text,
    False,
    Null,
}

use Empty::{False, Null, Text};

const SCHEMA: Fields = &[
    ("ID", "id", Text),
    ("Schema", "$schema", Text),
    ("Ref", "$ref", Null),
    ("Description", "description", Text),
    ("Type", "type", Text),
    ("Nullable", "nullable", False),
    ("Format", "format", Text),
    ("Title", "title", Text),
    ("Default", "default", Null),
    ("Maximum", "maximum", Null),
    ("ExclusiveMaximum", "exclusiveMaximum", False),
    ("Minimum", "minimum", Null),
    ("ExclusiveMinimum", "exclusiveMinimum", False),
    ("MaxLength", "maxLength", Null),
    ("MinLength", "minLength", Null),
    ("Pattern", "pattern", Text),
    ("MaxItems", "maxItems", Null),
    ("MinItems", "minItems", Null),
    ("UniqueItems", "uniqueItems", False),
    ("MultipleOf", "multipleOf", Null),
    ("Enum", "enum", Null),
    ("MaxProperties", "maxProperties", Null),
    ("MinProperties", "minProperties", Null),
    ("Required", "required", Null),
    ("Items", "items", Null),
    ("AllOf", "allOf", Null),
    ("OneOf", "oneOf", Null),
    ("AnyOf", "anyOf", Null),
    ("Not", "not", Null),
    ("Properties", "properties", Null),
    ("AdditionalProperties", "additionalProperties", Null),
    ("PatternProperties", "patternProperties", Null),
    ("Dependencies", "dependencies", Null),
    ("AdditionalItems", "additionalItems", Null),
    ("Definitions", "definitions", Null),
    ("ExternalDocs", "externalDocs", Null),
    ("Example", "example", Null),
    ("XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields", Null),
    ("XEmbeddedResource", "x-kubernetes-embedded-resource", False),
    ("XIntOrString", "x-kubernetes-int-or-string", False),
    ("XListMapKeys", "x-kubernetes-list-map-keys", Null),
    ("XListType", "x-kubernetes-list-type", Null),
    ("XMapType", "x-kubernetes-map-type", Null),
    ("XValidations", "x-kubernetes-validations", Null),
];

const VERSION: Fields = &[
    ("Name", "name", Text),
    ("Served", "served", False),
    ("Storage", "storage", False),
    ("Deprecated", "deprecated", False),
    ("DeprecationWarning", "deprecationWarning", Null),
];

fn fields(
    map: &Map<String, Value>,
    fields: Fields,
    inner: impl Fn(&str, &Value) -> Value,
) -> Map<String, Value> {
    let shown = fields.iter().map(|(go, name, empty)| {
        let value = match (map.get(*name).filter(|value| !value.is_null()), empty) {
            (Some(value), _) => inner(name, value),
            (None, Text) => "".into(),
            (None, False) => false.into(),
            (None, Null) => Value::Null,
        };
        ((*go).to_owned(), value)
    });
    shown.collect()
}

/// A schema, to a depth of 32.
pub(super) fn schema(map: &Map<String, Value>) -> Value {
    schema_at(map, 0)
}

fn schema_at(map: &Map<String, Value>, depth: usize) -> Value {
    let of = |value: &Value| match value.as_object() {
        Some(map) if depth < 32 => schema_at(map, depth + 1),
        _ => value.clone(),
    };
    Value::Object(fields(map, SCHEMA, |name, value| match (name, value) {
        ("not", value) => of(value),
        ("allOf" | "oneOf" | "anyOf", Value::Array(list)) => list.iter().map(of).collect(),
        ("properties" | "patternProperties" | "definitions", Value::Object(map)) => {
            Value::Object(map.iter().map(|(name, value)| (name.clone(), of(value))).collect())
        }
        ("items", Value::Object(_)) => serde_json::json!({"Schema": of(value), "JSONSchemas": null}),
        ("additionalProperties", Value::Object(_)) => {
            serde_json::json!({"Allows": true, "Schema": of(value)})
        }
        ("additionalProperties", Value::Bool(allows)) => {
            serde_json::json!({"Allows": allows, "Schema": null})
        }
        ("x-kubernetes-validations", _) => super::super::schema::rules(map).iter().map(rule).collect(),
        (_, value) => value.clone(),
    }))
}

/// A rule.
pub(super) fn rule(rule: &Rule) -> Value {
    serde_json::json!({
        "Rule": rule.rule, "Message": rule.message, "MessageExpression": rule.message_expression, "Reason": rule.reason,
        "FieldPath": rule.field_path, "OptionalOldSelf": rule.optional_old_self,
    })
}

/// The versions; what all of them have alike stands elsewhere.
pub(super) fn versions(
    spec: &Map<String, Value>,
    schema: bool,
    subresources: bool,
    columns: bool,
    selectable: bool,
) -> Value {
    let shown = each_version(spec).map(|version| {
        let mut shown = fields(version, VERSION, |_, value| value.clone());
        let own = |alike: bool, name: &str| {
            if alike { Value::Null } else { version.get(name).cloned().unwrap_or_default() }
        };
        let schema = match own(schema, "schema").get("openAPIV3Schema").and_then(Value::as_object) {
            Some(schema) => serde_json::json!({"OpenAPIV3Schema": self::schema(schema)}),
            None => Value::Null,
        };
        shown.insert("Schema".into(), schema);
        shown.insert("Subresources".into(), own(subresources, "subresources"));
        shown.insert("AdditionalPrinterColumns".into(), own(columns, "additionalPrinterColumns"));
        shown.insert("SelectableFields".into(), own(selectable, "selectableFields"));
        Value::Object(shown)
    });
    shown.collect()
}
