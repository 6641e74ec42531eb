//! Paths that name a field of a schema: of a rule's `fieldPath` and of selectable fields (`ValidFieldPath` of
//! `pkg/apiserver/schema/cel/validation.go`, v0.36).

use crate::definitions::schema::{Additional, Schema};

/// A field, found.
pub(crate) struct FieldPath<'a> {
    /// As errors write it: `a.b[key]`.
    pub path: String,
    /// Its name at the start.
    pub first: String,
    pub schema: &'a Schema,
}

/// The field that `.a.b['key']` is of `schema`; without `brackets`, dots only.
///
/// # Errors
/// The server's words.
pub(crate) fn read<'a>(text: &str, schema: &'a Schema, brackets: bool) -> Result<FieldPath<'a>, String> {
    let mut found = FieldPath { path: String::new(), first: String::new(), schema };
    let tokens = tokens(text);
    let mut rest = tokens.iter();
    let end = || "unexpected end of JSON path".to_owned();
    while let Some(token) = rest.next() {
        match *token {
            "[" if !brackets => return Err("array notation is not allowed".to_owned()),
            "[" => {
                let quoted = *rest.next().ok_or_else(end)?;
                let inner = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                let inner = inner.ok_or_else(|| format!("expected single quoted string but got {quoted}"))?;
                found.step(&unescape(inner)?)?;
                match *rest.next().ok_or_else(end)? {
                    "]" => {}
                    other => return Err(format!("expected ] but got {other}")),
                }
            }
            "." => found.step(rest.next().ok_or_else(end)?)?,
            other => return Err(format!("expected [ or . but got: {other}")),
        }
    }
    Ok(found)
}

impl FieldPath<'_> {
    fn step(&mut self, name: &str) -> Result<(), String> {
        let unknown = || "does not refer to a valid field".to_owned();
        if self.path.is_empty() {
            self.first = name.to_owned();
        }
        if !self.schema.properties.is_empty() {
            let dot = if self.path.is_empty() { "" } else { "." };
            self.path.push_str(&format!("{dot}{name}"));
            self.schema = self.schema.properties.get(name).ok_or_else(unknown)?;
            return Ok(());
        }
        let Additional::Like(inner) = &self.schema.additional else { return Err(unknown()) };
        self.path.push_str(&format!("[{name}]"));
        self.schema = inner;
        Ok(())
    }
}

/// Dots, brackets, and what stands between; a quoted string is one token.
fn tokens(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '.' | '[' | ']' => 1,
            '\'' => {
                let mut before = '\'';
                let close = rest.char_indices().skip(1).find(|(_, character)| {
                    let closes = *character == '\'' && before != '\\';
                    before = *character;
                    closes
                });
                close.map_or(rest.len(), |(at, _)| at + 1)
            }
            _ => rest.find(['.', '[', ']']).unwrap_or(rest.len()),
        };
        out.push(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        out.push(match rest.next() {
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some(sign @ ('\'' | '\\')) => sign,
            Some(other) => return Err(format!("invalid string literal: invalid escape char \\{other}")),
            None => '\\',
        });
    }
    Ok(out)
}
