//! JSONPath as Kubernetes understands it (client-go's `util/jsonpath`, v0.36), as far as columns use it: one expression,
//! of which the first match counts, and what is missing is no error.
//!
//! It refuses templates of several expressions, which a column cannot print.

mod evaluate;
mod parse;

use serde_json::Value;

use crate::ask::Object;

/// An expression.
#[derive(Debug, Clone)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    /// A literal, which stands for itself: once whatever there was.
    Text(String),
    /// A number or truth value, once for each of what there was.
    Literal(Value),
    Field(String),
    Slice(Slice),
    Wildcard,
    Recursive,
    Union(Vec<Vec<Step>>),
    Filter(Filter),
    /// A word, such as `range`: it has no meaning here.
    Word,
}

/// `[start:end:step]`.
#[derive(Debug, Clone, Copy)]
struct Slice {
    start: i64,
    end: Option<i64>,
    step: Option<i64>,
    /// `end` follows from `start`: a single index was written.
    single: bool,
}

#[derive(Debug, Clone)]
struct Filter {
    left: Vec<Step>,
    /// `None` asks whether there is something at `left`.
    than: Option<(String, Vec<Step>)>,
}

impl Path {
    /// Reads `.spec.replicas`; `None` if Kubernetes would not.
    pub(super) fn of(text: &str) -> Option<Self> {
        parse::path(text).map(Self)
    }

    /// The first match; `None` if there is none, or if something was compared or taken that cannot be.
    pub(super) fn first<'a>(&'a self, object: &'a Object) -> Option<Found<'a>> {
        evaluate::walk(&self.0, vec![Found::Fields(object)]).ok()?.first().copied()
    }
}

/// What a path finds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found<'a> {
    /// An object.
    Fields(&'a Object),
    /// Anything else.
    Value(&'a Value),
    /// A literal of the path.
    Text(&'a str),
}

impl<'a> Found<'a> {
    fn of(value: &'a Value) -> Self {
        match value {
            Value::Object(fields) => Self::Fields(fields),
            other => Self::Value(other),
        }
    }

    fn fields(self) -> Option<&'a Object> {
        match self {
            Self::Fields(fields) => Some(fields),
            Self::Value(_) | Self::Text(_) => None,
        }
    }

    /// A string, from the object or the path.
    pub(super) fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Value(value) => value.as_str(),
            Self::Fields(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
