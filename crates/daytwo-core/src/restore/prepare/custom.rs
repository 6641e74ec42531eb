//! The status of what gets it back: an operator that does not find it does its work again.

use crate::json::{Change, Edits, JsonError, find};

/// The status to give back to `object`; `None` where it has none.
///
/// A restored object begins at generation 1. What had been observed of it is as far observed again; what had not been is
/// not observed at all.
pub(super) fn status(object: &[u8]) -> Result<Option<Vec<u8>>, JsonError> {
    let Some(status) = find(object, &["status"])?.map(|span| &object[span]) else { return Ok(None) };
    if status == b"null" || status == b"{}" {
        return Ok(None);
    }
    let Some(generation) = find(object, &["metadata", "generation"])?.map(|span| &object[span]) else {
        return Ok(Some(status.to_vec()));
    };
    let observed = move |value: &[u8]| {
        let number = value.iter().all(u8::is_ascii_digit);
        match number {
            true if value == generation => Change::With(b"1".to_vec()),
            true => Change::With(b"0".to_vec()),
            false => Change::Keep,
        }
    };
    let mut edits = Edits::new();
    edits.replace(&["observedGeneration"], observed);
    edits.each_element(&["conditions"], |condition| {
        let mut edits = Edits::new();
        edits.replace(&["observedGeneration"], observed);
        edits.apply(condition).map_or(Change::Keep, Change::With)
    });
    edits.apply(status).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(object: &str) -> Option<String> {
        let status = status(object.as_bytes()).unwrap();
        status.map(|status| String::from_utf8(status).unwrap())
    }

    #[test]
    fn what_was_observed_is_observed_again_and_what_was_not_is_not() {
        let object = r#"{"metadata":{"generation":7},"status":{"observedGeneration":7,"phase":"Ready",
            "conditions":[{"type":"A","observedGeneration":7},{"type":"B","observedGeneration":5},"odd"]}}"#;
        let status = of(object).unwrap();
        assert!(status.starts_with(r#"{"observedGeneration":1,"phase":"Ready""#), "{status}");
        assert!(
            status
                .contains(r#"{"type":"A","observedGeneration":1},{"type":"B","observedGeneration":0},"odd""#)
        );
    }

    #[test]
    fn there_is_none_to_give_back_where_there_was_none() {
        assert_eq!(of(r#"{"metadata":{},"spec":{}}"#), None);
        assert_eq!(of(r#"{"metadata":{},"status":{}}"#), None);
    }
}
