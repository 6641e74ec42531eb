//! Columns that a definition of custom resources asks for (apiextensions-apiserver's
//! `pkg/registry/customresource/tableconvertor`, v0.36).

use jiff::Timestamp;
use serde_json::{Number, Value, json};

use super::path::{Found, Path};
use super::{age, write};
use crate::ask::Object;

/// One of `additionalPrinterColumns`.
#[derive(Debug, Clone)]
pub struct Column {
    /// The heading.
    pub name: String,
    /// `integer`, `number`, `string`, `boolean` or `date`.
    pub kind: String,
    /// A hint to clients, such as `int32`; may be empty.
    pub format: String,
    /// 0 for columns that are always shown; higher ones only when asked for.
    pub priority: i64,
    /// What the column is about; may be empty.
    pub description: String,
    /// Where the cells come from, as it was written.
    pub written: String,
    path: Path,
    /// Whether it stands there because the definition asks for none: nobody described it.
    unasked: bool,
}

impl Column {
    /// Reads an entry of `additionalPrinterColumns`; `None` if its path is none that Kubernetes understands.
    pub fn of(entry: &Value) -> Option<Self> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let written = text("jsonPath");
        Some(Self {
            name: text("name"),
            kind: text("type"),
            format: text("format"),
            priority: entry.get("priority").and_then(Value::as_i64).unwrap_or_default(),
            description: text("description"),
            path: Path::of(&written)?,
            written,
            unasked: false,
        })
    }

    /// The columns of a version whose `additionalPrinterColumns` these are, without the name: the age if there are none,
    /// and none from the first on that cannot be read.
    pub fn all(entries: &[Value]) -> Vec<Self> {
        if entries.is_empty() {
            let age = json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"});
            return Self::of(&age).map(|age| Self { unasked: true, ..age }).into_iter().collect();
        }
        entries.iter().map_while(Self::of).collect()
    }

    /// The heading.
    pub(super) fn heading(&self) -> Value {
        let default = || format!("Custom resource definition column (in JSONPath format): {}", self.written);
        let description = match self.description.as_str() {
            "" if !self.unasked => default(),
            given => given.to_owned(),
        };
        super::heading(&self.name, &self.kind, &self.format, &description, self.priority)
    }

    /// The cell of an object: null if nothing stands there or it is of another type.
    pub(super) fn cell(&self, object: &Object, now: Timestamp) -> Value {
        let Some(found) = self.path.first(object) else { return Value::Null };
        match (self.kind.as_str(), found) {
            ("string", found) => printed(found).into(),
            ("integer", Found::Value(Value::Number(number))) => whole(number).into(),
            ("number", Found::Value(number @ Value::Number(_))) => number.clone(),
            ("boolean", Found::Value(truth @ Value::Bool(_))) => truth.clone(),
            ("date", found) => match found.text() {
                None => Value::Null,
                Some("" | "null") => "<unknown>".into(),
                Some(time) => age::of(time, now).unwrap_or_else(|| "<invalid>".to_owned()).into(),
            },
            _ => Value::Null,
        }
    }
}

/// Go cuts off what a whole number has not.
fn whole(number: &Number) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "Go converts it so: the fraction goes, what is too large is cut"
    )]
    number.as_i64().unwrap_or_else(|| number.as_f64().unwrap_or_default() as i64)
}

/// A value as Go's `fmt` prints it; lists and objects as JSON.
fn printed(found: Found<'_>) -> String {
    match found {
        Found::Text(text) => text.to_owned(),
        Found::Fields(fields) => write::sorted_object(fields),
        Found::Value(Value::Null) => "<no value>".to_owned(),
        Found::Value(Value::String(text)) => text.clone(),
        Found::Value(Value::Number(number)) if !number.is_i64() => float(number.as_f64().unwrap_or_default()),
        Found::Value(other) => write::sorted(other),
    }
}

/// The shortest form that reads back, with an exponent below 1e-4 and from 1e21 on (Go's `%v`).
fn float(number: f64) -> String {
    let written = format!("{number:e}");
    let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..21).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_in_go() {
        let cases = [
            (1.5, "1.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.25e-5, "1.25e-05"),
            (0.0001, "0.0001"),
            (-2.5e-7, "-2.5e-07"),
        ];
        for (number, text) in cases {
            assert_eq!(float(number), text);
        }
    }

    #[test]
    fn cells_are_of_their_columns_type_or_null() {
        let object = json!({
            "int": 3, "float": 2.7, "big": 1e21, "one": 1.0, "text": "x", "yes": true, "none": null,
            "map": {"b": [1.0, 1e-7, 1e22, "<a&b>"], "a": null}, "time": "2026-01-02T03:04:05Z", "empty": "",
        });
        let now = "2026-01-02T03:09:05Z".parse().unwrap();
        let cases = [
            ("string", "int", json!("3")),
            ("string", "float", json!("2.7")),
            ("string", "big", json!("1e+21")),
            ("string", "one", json!("1")),
            ("string", "yes", json!("true")),
            ("string", "none", json!("<no value>")),
            ("string", "map", json!(r#"{"a":null,"b":[1,1e-7,1e+22,"\u003ca\u0026b\u003e"]}"#)),
            ("string", "missing", Value::Null),
            ("integer", "int", json!(3)),
            ("integer", "float", json!(2)),
            ("integer", "text", Value::Null),
            ("number", "float", json!(2.7)),
            ("number", "yes", Value::Null),
            ("boolean", "yes", json!(true)),
            ("boolean", "text", Value::Null),
            ("date", "time", json!("5m")),
            ("date", "text", json!("<invalid>")),
            ("date", "empty", json!("<unknown>")),
            ("date", "int", Value::Null),
            ("odd", "text", Value::Null),
        ];
        for (kind, field, cell) in cases {
            let column =
                Column::of(&json!({"name": "A", "type": kind, "jsonPath": format!(".{field}")})).unwrap();
            assert_eq!(column.cell(object.as_object().unwrap(), now), cell, "{kind} {field}");
        }
    }

    #[test]
    fn columns_end_at_the_first_that_cannot_be_read() {
        let entry = |path: &str| json!({"name": "A", "type": "string", "jsonPath": path});
        assert_eq!(Column::all(&[entry(".a"), entry(".b[x]"), entry(".c")]).len(), 1);
        assert_eq!(Column::all(&[])[0].name, "Age");
    }
}
