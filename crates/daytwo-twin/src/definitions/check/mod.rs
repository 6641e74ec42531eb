//! Whether a value is what its schema says: JSON schema as `k8s.io/kube-openapi/pkg/validation/validate` understands it
//! and as `apiextensions-apiserver/pkg/apiserver/validation` (v0.36) words it, ratcheting included.
//!
//! It refuses rules in CEL, lists' keys and embedded metadata: [`super::cel`], [`super::lists`] and
//! [`super::embedded`] look at those.

mod compound;
mod formats;
mod logic;
mod numbers;
mod pair;

use serde_json::{Map, Value};

use compound::{fields, slice};
pub(crate) use pair::{Pair, counterpart};

use super::path::Path;
use super::schema::Schema;
use crate::deep::{self, GoNumber};
use crate::field::{FieldError, quoted};

/// What is wrong with `value`, whose errors stand below `base`; `pair` correlates it with what it was, and what is as it
/// was is let through.
pub(crate) fn value(
    schema: &Schema,
    value: &Value,
    base: Option<&str>,
    pair: Option<Pair<'_>>,
) -> Vec<FieldError> {
    finish(node(schema, value, &Path::root(""), pair), base)
}

/// [`value`] for a whole resource.
pub(crate) fn object(
    schema: &Schema,
    object: &Map<String, Value>,
    old: Option<&Map<String, Value>>,
) -> Vec<FieldError> {
    let mut all = Outcome::default();
    let types = types(schema);
    if !types.is_empty() && !types.contains(&"object") {
        all.add(wrong_type(&Path::root(""), &types.join(","), "object"));
    }
    logic::check_map(schema, object, &Path::root(""), &mut all);
    fields(schema, object, &Path::root(""), |name| Pair::of_root_field(schema, object, old, name), &mut all);
    finish(all, None)
}

fn finish(outcome: Outcome, base: Option<&str>) -> Vec<FieldError> {
    let place = |issue: &Issue| match (&issue.name, base) {
        (None, base) => base.unwrap_or("<nil>").to_owned(),
        (Some(name), Some(base)) if name.is_empty() || name == "." => base.to_owned(),
        (Some(name), Some(base)) => format!("{base}.{}", name.strip_prefix('.').unwrap_or(name)),
        (Some(name), None) if name.is_empty() || name == "." => "<nil>".to_owned(),
        (Some(name), None) => name.strip_prefix('.').unwrap_or(name).to_owned(),
    };
    outcome.issues.into_iter().map(|issue| FieldError { field: place(&issue), ..issue.error }).collect()
}

/// One thing that is wrong.
struct Issue {
    /// The path; `None` of an error about none.
    name: Option<String>,
    /// What tells it from others.
    text: String,
    /// Without its field.
    error: FieldError,
}

/// What is wrong, and how much was right, by which the alternatives of an anyOf or oneOf are told apart.
#[derive(Default)]
struct Outcome {
    issues: Vec<Issue>,
    matches: u32,
}

impl Outcome {
    fn add(&mut self, issue: Issue) {
        if self.issues.iter().all(|known| known.text != issue.text) {
            self.issues.push(issue);
        }
    }

    fn merge(&mut self, other: Outcome) {
        self.matches += other.matches;
        for issue in other.issues {
            self.add(issue);
        }
    }

    fn one(issue: Issue) -> Self {
        Self { issues: vec![issue], matches: 0 }
    }

    fn valid(&self) -> bool {
        self.issues.is_empty()
    }
}

fn issue(path: &Path<'_>, value: Value, text: String) -> Issue {
    Issue { name: Some(path.to_string()), error: FieldError::invalid("", value, text.clone()), text }
}

fn bare(text: String) -> Issue {
    Issue { name: None, error: FieldError::invalid("", "", text.clone()), text }
}

fn wrong_type(path: &Path<'_>, wanted: &str, found: &str) -> Issue {
    let text = format!("{path} in body must be of type {wanted}: {}", quoted(found));
    Issue { name: Some(path.to_string()), error: FieldError::type_invalid("", found, text.clone()), text }
}

fn types(schema: &Schema) -> Vec<&str> {
    match (schema.int_or_string, schema.kind.as_str()) {
        (true, _) => vec!["integer", "string"],
        (false, "") => Vec::new(),
        (false, kind) => vec![kind],
    }
}

fn node(schema: &Schema, value: &Value, path: &Path<'_>, pair: Option<Pair<'_>>) -> Outcome {
    let mut outcome = plain(schema, value, path, pair);
    if !outcome.valid() && pair.is_some_and(|pair| pair.same()) {
        outcome.issues.clear();
    }
    outcome
}

fn plain(schema: &Schema, value: &Value, path: &Path<'_>, pair: Option<Pair<'_>>) -> Outcome {
    let mut all = Outcome::default();
    if value.is_null() {
        all.merge(null(schema, path));
        all.merge(allowed(schema, value, path));
        return all;
    }
    let mut step = |outcome: Outcome| {
        all.merge(outcome);
        all.matches += 1;
    };
    if !types(schema).is_empty() || !schema.checks.format.is_empty() {
        step(kind(schema, value, path));
    }
    step(logic::check(schema, value, path));
    match value {
        Value::String(text) => {
            step(string(schema, text, path));
            if !schema.checks.format.is_empty() && formats::known(&schema.checks.format) {
                step(format(schema, text, path));
            }
        }
        Value::Number(number) => step(numbers::check(schema, GoNumber::from(number), path)),
        Value::Array(list) => step(slice(schema, list, path, pair)),
        _ => {}
    }
    step(allowed(schema, value, path));
    if let Value::Object(object) = value {
        let mut below = Outcome::default();
        fields(schema, object, path, |name| pair.and_then(|pair| pair.key(name)), &mut below);
        step(below);
    }
    all.matches += 1;
    all
}

fn null(schema: &Schema, path: &Path<'_>) -> Outcome {
    let types = types(schema);
    match types.is_empty() || schema.nullable {
        true => Outcome { matches: 1, ..Outcome::default() },
        false => Outcome::one(wrong_type(path, &types.join(","), "null")),
    }
}

fn kind(schema: &Schema, value: &Value, path: &Path<'_>) -> Outcome {
    let types = types(schema);
    let (found, format) = match value {
        Value::Bool(_) => ("boolean", ""),
        Value::String(_) => ("string", ""),
        Value::Array(_) => ("array", ""),
        Value::Object(_) => ("object", ""),
        Value::Number(number) => match GoNumber::from(number) {
            GoNumber::Int(_) => ("integer", "int64"),
            GoNumber::Float(_) => ("number", "float64"),
        },
        Value::Null => ("null", ""),
    };
    let numeric = types.contains(&"number") || types.contains(&"integer");
    let whole = match value {
        Value::Number(number) => {
            matches!(GoNumber::from(number), GoNumber::Float(float) if numbers::whole(float))
        }
        _ => false,
    };
    let converts = (whole && types.contains(&"integer")) || (found == "integer" && types.contains(&"number"));
    let formatted = &schema.checks.format;
    let textual = value.is_string() || value.is_array();
    let fits = types.contains(&found) || format == formatted || converts;
    if !(textual || formatted.is_empty() || fits) {
        return Outcome::one(wrong_type(path, formatted, format));
    }
    let accepted = types.contains(&found) || converts || (!numeric && !formatted.is_empty() && textual);
    match accepted {
        true => Outcome { matches: 1, ..Outcome::default() },
        false => Outcome::one(wrong_type(path, &types.join(","), found)),
    }
}

fn allowed(schema: &Schema, value: &Value, path: &Path<'_>) -> Outcome {
    let values = &schema.checks.values;
    let same = |one: &Value| match (one, value) {
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Number(one), Value::Number(value)) => one.as_f64() == value.as_f64(),
        (one, value) => deep::equal(one, value),
    };
    if values.is_empty() || values.iter().any(same) {
        return Outcome::default();
    }
    let shown: Vec<String> =
        values.iter().map(|one| one.as_str().map_or_else(|| deep::json(one), str::to_owned)).collect();
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    let text = format!("{path} in body should be one of [{}]", shown.join(" "));
    let error = FieldError::not_supported("", deep::quotable(value), &shown);
    Outcome::one(Issue { name: Some(path.to_string()), text, error })
}

fn string(schema: &Schema, text: &str, path: &Path<'_>) -> Outcome {
    let checks = &schema.checks;
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if let Some(most) = checks.max_length.filter(|most| length > *most) {
        let error = FieldError::too_long("", usize::try_from(most).unwrap_or(0));
        let text = format!("{path} in body should be at most {most} chars long");
        return Outcome::one(Issue { name: Some(path.to_string()), text, error });
    }
    if let Some(least) = checks.min_length.filter(|least| length < *least) {
        return Outcome::one(issue(
            path,
            text.into(),
            format!("{path} in body should be at least {least} chars long"),
        ));
    }
    match &checks.pattern {
        Some((pattern, Ok(compiled))) if !compiled.is_match(text) => {
            Outcome::one(issue(path, text.into(), format!("{path} in body should match '{pattern}'")))
        }
        Some((pattern, Err(error))) => {
            let why = format!("{pattern}, but pattern is invalid: error parsing regexp: {error}");
            Outcome::one(issue(path, text.into(), format!("{path} in body should match '{why}'")))
        }
        _ => Outcome::default(),
    }
}

fn format(schema: &Schema, text: &str, path: &Path<'_>) -> Outcome {
    match formats::holds(&schema.checks.format, text) {
        true => Outcome::default(),
        false => Outcome::one(wrong_type(path, &schema.checks.format, text)),
    }
}
