//! Annotations that every restored object gets, or loses. It refuses the marks that a restore goes on by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::json::Edits;

/// What a restore marks unfinished objects with begins so.
const OURS: &str = "daytwo.dev/";

/// Annotations, each with its value; `None` where it is taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Annotations(BTreeMap<String, Option<String>>);

/// Why an annotation cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnnotationError {
    /// Neither `KEY=VALUE` nor `KEY-`.
    #[error("{0:?} is no annotation: write KEY=VALUE, or KEY- to take one away")]
    Form(String),
    /// No annotation can be called so.
    #[error(
        "{0:?} cannot be an annotation's key: at most 63 of A-Z, a-z, 0-9, '-', '_' and '.', beginning and ending with a letter or digit, with a DNS name and a '/' before it if need be"
    )]
    Key(String),
    /// A key is given twice.
    #[error("the annotation {0} is given twice: name it once")]
    Twice(String),
    /// A key that restores go on by.
    #[error("{0} is what a restore marks unfinished objects with: choose another key")]
    Ours(String),
}

impl Annotations {
    /// Reads `KEY=VALUE` and `KEY-` texts.
    ///
    /// # Errors
    /// A text that is neither, a key that no annotation can have, or one that is given twice.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, AnnotationError> {
        let mut annotations = BTreeMap::new();
        for text in texts {
            let (key, value) = match (text.split_once('='), text.strip_suffix('-')) {
                (Some((key, value)), _) => (key, Some(value.to_owned())),
                (None, Some(key)) => (key, None),
                (None, None) => return Err(AnnotationError::Form(text.to_owned())),
            };
            if !is_qualified_name(key) {
                return Err(AnnotationError::Key(key.to_owned()));
            }
            if key.starts_with(OURS) {
                return Err(AnnotationError::Ours(key.to_owned()));
            }
            if annotations.insert(key.to_owned(), value).is_some() {
                return Err(AnnotationError::Twice(key.to_owned()));
            }
        }
        Ok(Self(annotations))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the edits that set them and take them away.
    pub(in crate::restore) fn edit(&self, edits: &mut Edits<'_>) {
        for (key, value) in &self.0 {
            let path = ["metadata", "annotations", key];
            match value {
                Some(value) => edits.set_str(&path, value),
                None => edits.remove(&path),
            };
        }
    }
}

/// apimachinery 0.36, `pkg/util/validation/validation.go`, `IsQualifiedName`, of the key in lower case, as
/// `pkg/api/validation/objectmeta.go`, `ValidateAnnotations` has it.
fn is_qualified_name(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let (prefix, name) =
        key.split_once('/').map_or((None, key.as_str()), |(prefix, name)| (Some(prefix), name));
    let ends = |text: &str, inner: fn(char) -> bool| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(inner)
    };
    let label = |text: &str| {
        ends(text, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') && text.len() <= 63
    };
    name.len() <= 63
        && ends(name, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_set_and_taken_away() {
        let annotations = Annotations::parse(["team=a=b, c", "x.io/old-", "empty="]).unwrap();
        let mut edits = Edits::new();
        annotations.edit(&mut edits);
        let object = br#"{"metadata":{"annotations":{"x.io/old":"1","kept":"2","team":"z"}}}"#;
        let edited = String::from_utf8(edits.apply(object).unwrap()).unwrap();
        assert_eq!(edited, r#"{"metadata":{"annotations":{"kept":"2","team":"a=b, c","empty":""}}}"#);
        let bare = String::from_utf8(edits.apply(br#"{"metadata":{}}"#).unwrap()).unwrap();
        assert_eq!(bare, r#"{"metadata":{"annotations":{"empty":"","team":"a=b, c"}}}"#);
    }

    #[test]
    fn the_case_of_a_key_does_not_matter_to_a_server() {
        assert!(Annotations::parse(["X.io/Old-", "Team=a"]).is_ok());
    }

    #[test]
    fn what_is_no_annotation_is_refused() {
        let parse = |texts: &[&str]| Annotations::parse(texts.iter().copied()).unwrap_err();
        assert_eq!(parse(&["key"]), AnnotationError::Form("key".into()));
        for bad in ["", "-a", "a b", "x.io/", "x.io/a/b", "/a"] {
            assert_eq!(parse(&[&format!("{bad}=1")]), AnnotationError::Key(bad.into()));
        }
        assert_eq!(parse(&["a=1", "a-"]), AnnotationError::Twice("a".into()));
        let ours = "daytwo.dev/restore-unfinished";
        assert_eq!(parse(&[&format!("{ours}-")]), AnnotationError::Ours(ours.into()));
    }
}
