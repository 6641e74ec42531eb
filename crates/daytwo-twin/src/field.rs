//! Why a field of an object is not taken: the same words as `k8s.io/apimachinery/pkg/util/validation/field/errors.go`
//! (v0.36), as clients show them to people and some read them.
//!
//! It refuses to decide: the rules that find such errors live in [`crate::rules`] and [`crate::definitions`].

use serde_json::Value;

/// What kind of error it is: the `reason` of a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A value that is referred to does not exist.
    NotFound,
    /// Nothing, or nothing but emptiness.
    Required,
    /// There already.
    Duplicate,
    /// Malformed, or out of bounds.
    Invalid,
    /// Not one of an enumeration.
    NotSupported,
    /// Well formed, but not here.
    Forbidden,
    /// More bytes or characters than may be.
    TooLong,
    /// More elements than may be.
    TooMany,
    /// Fewer elements than must be.
    TooFew,
    /// Fewer bytes or characters than must be.
    TooShort,
    /// Of another type than the schema says.
    TypeInvalid,
    /// The server's own.
    Internal,
}

impl Fault {
    /// As in `status.details.causes[].reason`.
    pub fn reason(self) -> &'static str {
        match self {
            Fault::NotFound => "FieldValueNotFound",
            Fault::Required => "FieldValueRequired",
            Fault::Duplicate => "FieldValueDuplicate",
            Fault::Invalid => "FieldValueInvalid",
            Fault::NotSupported => "FieldValueNotSupported",
            Fault::Forbidden => "FieldValueForbidden",
            Fault::TooLong => "FieldValueTooLong",
            Fault::TooMany => "FieldValueTooMany",
            Fault::TooFew => "FieldValueTooFew",
            Fault::TooShort => "FieldValueTooShort",
            Fault::TypeInvalid => "FieldValueTypeInvalid",
            Fault::Internal => "InternalError",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Fault::NotFound => "Not found",
            Fault::Required => "Required value",
            Fault::Duplicate => "Duplicate value",
            Fault::Invalid | Fault::TypeInvalid => "Invalid value",
            Fault::NotSupported => "Unsupported value",
            Fault::Forbidden => "Forbidden",
            Fault::TooLong => "Too long",
            Fault::TooMany => "Too many",
            Fault::TooFew => "Too few",
            Fault::TooShort => "Too short",
            Fault::Internal => "Internal error",
        }
    }

    /// Whether the message quotes the value.
    fn quotes(self) -> bool {
        !matches!(
            self,
            Fault::Required | Fault::Forbidden | Fault::TooLong | Fault::TooShort | Fault::Internal
        )
    }
}

/// One thing that is wrong with one field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// What kind of error.
    pub fault: Fault,
    /// The field, as `spec.containers[0].name`.
    pub field: String,
    /// What stands there; `None` where it is not to be quoted.
    pub value: Option<Value>,
    /// What is wrong with it, in words.
    pub detail: String,
}

impl FieldError {
    /// `field` must have a value.
    pub fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { fault: Fault::Required, field: field.into(), value: None, detail: detail.into() }
    }

    /// `value` is malformed or out of bounds.
    pub fn invalid(field: impl Into<String>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self { fault: Fault::Invalid, field: field.into(), value: Some(value.into()), detail: detail.into() }
    }

    /// `value` is of another type than the schema says.
    pub fn type_invalid(
        field: impl Into<String>,
        value: impl Into<Value>,
        detail: impl Into<String>,
    ) -> Self {
        Self { fault: Fault::TypeInvalid, ..Self::invalid(field, value, detail) }
    }

    /// `value` is there already.
    pub fn duplicate(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { fault: Fault::Duplicate, ..Self::invalid(field, value, "") }
    }

    /// What `value` names does not exist.
    pub fn not_found(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { fault: Fault::NotFound, ..Self::invalid(field, value, "") }
    }

    /// `value` is none of `supported`, which stand in the order they are to be shown in.
    pub fn not_supported(field: impl Into<String>, value: impl Into<Value>, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|one| quoted(one)).collect();
        let detail = match supported.is_empty() {
            true => String::new(),
            false => format!("supported values: {}", supported.join(", ")),
        };
        Self { fault: Fault::NotSupported, ..Self::invalid(field, value, detail) }
    }

    /// The field may not stand here, or not change.
    pub fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { fault: Fault::Forbidden, ..Self::required(field, detail) }
    }

    /// More than `most` bytes.
    pub fn too_long(field: impl Into<String>, most: usize) -> Self {
        Self { fault: Fault::TooLong, ..Self::required(field, format!("may not be more than {most} bytes")) }
    }

    /// `actual` elements where there may be `most`.
    pub fn too_many(field: impl Into<String>, actual: usize, most: usize) -> Self {
        let items = if most == 1 { "item" } else { "items" };
        let detail = format!("must have at most {most} {items}");
        Self { fault: Fault::TooMany, ..Self::invalid(field, actual, detail) }
    }

    /// The server's own error about a field.
    pub fn internal(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { fault: Fault::Internal, ..Self::required(field, detail) }
    }

    /// The message of a cause: without the field.
    pub fn body(&self) -> String {
        let mut body = self.fault.words().to_owned();
        if let Some(value) = self.value.as_ref().filter(|_| self.fault.quotes()) {
            body.push_str(": ");
            match value {
                Value::String(text) => body.push_str(&quoted(text)),
                other => body.push_str(&go_json(other)),
            }
        }
        if !self.detail.is_empty() {
            body.push_str(": ");
            body.push_str(&self.detail);
        }
        body
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.field, self.body())
    }
}

/// JSON as Go's `encoding/json` writes it: `<`, `>` and `&` escaped.
pub fn go_json(value: &Value) -> String {
    value.to_string().replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

/// A Go string literal, as `%q` prints it.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            other if u32::from(other) < 0x20 || other == '\u{7f}' => {
                out.push_str(&format!("\\x{:02x}", u32::from(other)));
            }
            other if other.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(other))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_reads_as_the_servers() {
        let cases = [
            (FieldError::required("spec.x", ""), "spec.x: Required value"),
            (FieldError::invalid("a", "b\"c", "no"), "a: Invalid value: \"b\\\"c\": no"),
            (FieldError::invalid("a", 3, "no"), "a: Invalid value: 3: no"),
            (FieldError::invalid("a", json!({"b": "<"}), ""), "a: Invalid value: {\"b\":\"\\u003c\"}"),
            (
                FieldError::not_supported("a", "b", &["c", "d"]),
                "a: Unsupported value: \"b\": supported values: \"c\", \"d\"",
            ),
            (FieldError::too_long("a", 63), "a: Too long: may not be more than 63 bytes"),
            (FieldError::too_many("a", 3, 2), "a: Too many: 3: must have at most 2 items"),
        ];
        for (error, text) in cases {
            assert_eq!(error.to_string(), text);
        }
    }
}
