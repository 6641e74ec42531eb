//! Where a value stands in an object: a chain of parts on the stack, written out only when something is wrong.

use std::fmt;

/// One part, and those above it.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    above: Option<&'a Path<'a>>,
    part: Part<'a>,
}

#[derive(Clone, Copy)]
enum Part<'a> {
    /// The start: nothing, or the place that all else is below.
    Root(&'a str),
    /// `.name`; at the very start without the dot.
    Field(&'a str),
    /// `.name`, with the dot in any case.
    Extra(&'a str),
    /// `[key]`.
    Key(&'a str),
    /// `[0]`.
    Index(usize),
}

impl<'a> Path<'a> {
    pub(crate) fn root(base: &'a str) -> Self {
        Path { above: None, part: Part::Root(base) }
    }

    pub(crate) fn field(&'a self, name: &'a str) -> Self {
        Path { above: Some(self), part: Part::Field(name) }
    }

    pub(crate) fn extra(&'a self, name: &'a str) -> Self {
        Path { above: Some(self), part: Part::Extra(name) }
    }

    pub(crate) fn key(&'a self, key: &'a str) -> Self {
        Path { above: Some(self), part: Part::Key(key) }
    }

    pub(crate) fn index(&'a self, at: usize) -> Self {
        Path { above: Some(self), part: Part::Index(at) }
    }

    /// As a field's path in an error: Go's `field.Path`, of which nothing prints as `<nil>`.
    pub(crate) fn shown(&self) -> String {
        let text = self.to_string();
        if text.is_empty() { "<nil>".to_owned() } else { text }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(out, "{above}")?;
        }
        let first = matches!(self.above, Some(Path { above: None, part: Part::Root("") }));
        match self.part {
            Part::Root(base) => out.write_str(base),
            Part::Field(name) if first => out.write_str(name),
            Part::Field(name) | Part::Extra(name) => write!(out, ".{name}"),
            Part::Key(key) => write!(out, "[{key}]"),
            Part::Index(at) => write!(out, "[{at}]"),
        }
    }
}
