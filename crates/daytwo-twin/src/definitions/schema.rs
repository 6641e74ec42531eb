//! A structural schema, read once: what `apiextensions-apiserver/pkg/apiserver/schema` (v0.36) makes of an
//! `openAPIV3Schema`.
//!
//! It refuses to judge a schema: what a definition may contain is [`super::crd`]'s to say.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value};

use super::pattern;

/// How deep a schema may be nested; what is read recursively stays far from a thread's stack. The server has no such
/// limit, and no definition comes near.
pub(crate) const MAX_DEPTH: usize = 100;

/// One node.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    /// `type`; empty for none.
    pub kind: String,
    pub nullable: bool,
    /// Never null: a null default is none.
    pub default: Option<Value>,
    pub properties: BTreeMap<String, Schema>,
    pub additional: Additional,
    pub items: Option<Box<Schema>>,
    pub preserve: bool,
    pub embedded: bool,
    pub int_or_string: bool,
    /// `x-kubernetes-list-type`.
    pub list: Option<String>,
    pub list_keys: Vec<String>,
    /// `x-kubernetes-map-type`.
    pub map: Option<String>,
    pub rules: Vec<Rule>,
    pub checks: Checks,
}

/// `additionalProperties`.
#[derive(Debug, Default)]
pub(crate) enum Additional {
    #[default]
    Absent,
    Allowed(bool),
    Like(Box<Schema>),
}

/// What values must be, beside their structure.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// Empty where the server does not know it.
    pub format: String,
    pub maximum: Option<f64>,
    pub exclusive_maximum: bool,
    pub minimum: Option<f64>,
    pub exclusive_minimum: bool,
    pub multiple_of: Option<f64>,
    pub max_length: Option<i64>,
    pub min_length: Option<i64>,
    pub pattern: Option<(String, Result<Regex, String>)>,
    pub max_items: Option<i64>,
    pub min_items: Option<i64>,
    pub unique_items: bool,
    pub max_properties: Option<i64>,
    pub min_properties: Option<i64>,
    pub values: Vec<Value>,
    pub required: Vec<String>,
    pub all_of: Vec<Schema>,
    pub any_of: Vec<Schema>,
    pub one_of: Vec<Schema>,
    pub not: Option<Box<Schema>>,
}

/// One of `x-kubernetes-validations`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    pub rule: String,
    pub message: String,
    pub message_expression: String,
    pub reason: Option<String>,
    pub field_path: String,
    pub optional_old_self: Option<bool>,
}

impl Schema {
    /// The schema that `text` is.
    ///
    /// # Errors
    /// It uses a field that no structural schema has, in the server's words.
    pub(crate) fn read(json: &Value) -> Result<Schema, String> {
        Schema::read_at(json, 0)
    }

    fn read_at(json: &Value, depth: usize) -> Result<Schema, String> {
        if depth > MAX_DEPTH {
            return Err(format!("OpenAPIV3Schema is nested deeper than {MAX_DEPTH}"));
        }
        let depth = depth + 1;
        let empty = Map::new();
        let map = json.as_object().unwrap_or(&empty);
        refuse_unsupported(map)?;
        let mut properties = BTreeMap::new();
        for (name, inner) in map.get("properties").and_then(Value::as_object).into_iter().flatten() {
            properties.insert(name.clone(), Schema::read_at(inner, depth)?);
        }
        let additional = match map.get("additionalProperties") {
            Some(Value::Bool(allowed)) => Additional::Allowed(*allowed),
            Some(inner @ Value::Object(_)) => Additional::Like(Box::new(Schema::read_at(inner, depth)?)),
            _ => Additional::Absent,
        };
        let items = match map.get("items") {
            Some(Value::Array(list)) if !list.is_empty() => {
                return Err("OpenAPIV3Schema 'items' must be a schema, but is an array".to_owned());
            }
            Some(inner @ Value::Object(_)) => Some(Box::new(Schema::read_at(inner, depth)?)),
            _ => None,
        };
        if map.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(false)) {
            return Err(
                "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined".to_owned()
            );
        }
        let int_or_string = flag(map, "x-kubernetes-int-or-string");
        let kind = text(map, "type");
        Ok(Schema {
            nullable: flag(map, "nullable"),
            default: map.get("default").filter(|value| !value.is_null()).cloned(),
            properties,
            additional,
            items,
            preserve: flag(map, "x-kubernetes-preserve-unknown-fields"),
            embedded: flag(map, "x-kubernetes-embedded-resource"),
            int_or_string,
            list: map.get("x-kubernetes-list-type").and_then(Value::as_str).map(str::to_owned),
            list_keys: texts(map, "x-kubernetes-list-map-keys"),
            map: map.get("x-kubernetes-map-type").and_then(Value::as_str).map(str::to_owned),
            rules: rules(map),
            checks: Checks::read(map, &kind, int_or_string, depth)?,
            kind,
        })
    }

    /// The schema of a field; `None` where there is none to go by.
    pub(crate) fn field(&self, name: &str) -> Option<&Schema> {
        match (self.properties.get(name), &self.additional) {
            (Some(found), _) => Some(found),
            (None, Additional::Like(schema)) => Some(schema),
            _ => None,
        }
    }

    /// Whether `pred` holds of this node or one below it, logic included.
    pub(crate) fn any(&self, pred: &impl Fn(&Schema) -> bool) -> bool {
        let additional = match &self.additional {
            Additional::Like(schema) => Some(&**schema),
            _ => None,
        };
        let checks = &self.checks;
        let logic =
            checks.all_of.iter().chain(&checks.any_of).chain(&checks.one_of).chain(checks.not.as_deref());
        let mut below = self.properties.values().chain(additional).chain(self.items.as_deref()).chain(logic);
        pred(self) || below.any(|schema| schema.any(pred))
    }
}

impl Checks {
    fn read(
        map: &Map<String, Value>,
        kind: &str,
        int_or_string: bool,
        depth: usize,
    ) -> Result<Checks, String> {
        let many = |name: &str| -> Result<Vec<Schema>, String> {
            let list = map.get(name).and_then(Value::as_array);
            list.into_iter().flatten().map(|inner| Schema::read_at(inner, depth)).collect()
        };
        let whole = |name: &str| map.get(name).and_then(Value::as_i64);
        let number = |name: &str| map.get(name).and_then(Value::as_f64);
        let format = text(map, "format");
        let pattern = text(map, "pattern");
        Ok(Checks {
            format: if known_format(if int_or_string { "" } else { kind }, &format) {
                format
            } else {
                String::new()
            },
            maximum: number("maximum"),
            exclusive_maximum: flag(map, "exclusiveMaximum"),
            minimum: number("minimum"),
            exclusive_minimum: flag(map, "exclusiveMinimum"),
            multiple_of: number("multipleOf"),
            max_length: whole("maxLength"),
            min_length: whole("minLength"),
            pattern: (!pattern.is_empty()).then(|| {
                let compiled = pattern::compile(&pattern);
                (pattern, compiled)
            }),
            max_items: whole("maxItems"),
            min_items: whole("minItems"),
            unique_items: flag(map, "uniqueItems"),
            max_properties: whole("maxProperties"),
            min_properties: whole("minProperties"),
            values: map.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
            required: texts(map, "required"),
            all_of: many("allOf")?,
            any_of: many("anyOf")?,
            one_of: many("oneOf")?,
            not: match map.get("not").filter(|not| not.is_object()) {
                Some(not) => Some(Box::new(Schema::read_at(not, depth)?)),
                None => None,
            },
        })
    }
}

/// Whether a format counts for values of a type (`pkg/apiserver/validation/formats.go`); dashes do not matter.
pub(crate) fn known_format(kind: &str, format: &str) -> bool {
    const STRINGS: &[&str] = &[
        "bsonobjectid",
        "uri",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "cidr",
        "mac",
        "uuid",
        "uuid3",
        "uuid4",
        "uuid5",
        "isbn",
        "isbn10",
        "isbn13",
        "creditcard",
        "ssn",
        "hexcolor",
        "rgbcolor",
        "byte",
        "password",
        "date",
        "duration",
        "datetime",
        "k8sshortname",
        "k8slongname",
    ];
    match kind {
        "" | "string" => STRINGS.contains(&format.replace('-', "").as_str()),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    }
}

fn refuse_unsupported(map: &Map<String, Value>) -> Result<(), String> {
    let filled = |name: &str| match map.get(name) {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        _ => false,
    };
    for (key, shown) in [
        ("id", "id"),
        ("$schema", "schema"),
        ("$ref", "$ref"),
        ("patternProperties", "patternProperties"),
        ("dependencies", "dependencies"),
    ] {
        if filled(key) {
            return Err(format!("OpenAPIV3Schema '{shown}' is not supported"));
        }
    }
    if map.get("additionalItems").is_some_and(|value| !value.is_null()) {
        return Err("OpenAPIV3Schema 'additionalItems' is not supported".to_owned());
    }
    if filled("definitions") {
        return Err("OpenAPIV3Schema 'definitions' is not supported".to_owned());
    }
    Ok(())
}

pub(crate) fn rules(map: &Map<String, Value>) -> Vec<Rule> {
    let list = map.get("x-kubernetes-validations").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .map(|rule| Rule {
            rule: text(rule, "rule"),
            message: text(rule, "message"),
            message_expression: text(rule, "messageExpression"),
            reason: rule.get("reason").and_then(Value::as_str).map(str::to_owned),
            field_path: text(rule, "fieldPath"),
            optional_old_self: rule.get("optionalOldSelf").and_then(Value::as_bool),
        })
        .collect()
}

pub(crate) fn flag(map: &Map<String, Value>, name: &str) -> bool {
    map.get(name) == Some(&Value::Bool(true))
}

pub(crate) fn text(map: &Map<String, Value>, name: &str) -> String {
    map.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(crate) fn texts(map: &Map<String, Value>, name: &str) -> Vec<String> {
    let list = map.get(name).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
