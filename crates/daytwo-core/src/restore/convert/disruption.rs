//! PodDisruptionBudgets of policy/v1beta1. There an empty selector selects no pod, in policy/v1 every pod; each has a
//! spelling of the other (kubernetes v1.36.3, `pkg/apis/policy/v1beta1/conversion.go`, `pkg/apis/policy/helper.go`). It
//! refuses to let a budget protect other pods than it did.

use super::Unconvertible;
use super::draft::Draft;
use crate::json::{JsonError, elements, fields, text_at};

/// The label that no pod has, by which one version spells what is the empty selector of the other.
const NO_POD_HAS: &str = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match";

/// Keeps what the selector selects.
pub(super) fn budget(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    const SELECTOR: [&str; 2] = ["spec", "selector"];
    // Without a selector both select no pod.
    let Some(selector) = draft.value(&SELECTOR)? else { return Ok(()) };
    let (labels, expressions) = (size(selector, "matchLabels")?, expressions(selector)?);
    match (labels, &expressions[..]) {
        (0, []) => {
            let none = format!(r#"{{"matchExpressions":[{{"key":"{NO_POD_HAS}","operator":"Exists"}}]}}"#);
            draft.edits.set(&SELECTOR, none);
            draft.notes.push(
                "selects no pod, as before: its selector is empty, which now means every pod".to_owned(),
            );
        }
        (0, [(key, operator)]) if key == NO_POD_HAS && operator == "DoesNotExist" => {
            draft.edits.set(&SELECTOR, "{}");
        }
        (_, all) if all.iter().any(|(key, _)| key == NO_POD_HAS) => {
            draft.edits.remove_where(&["spec", "selector", "matchExpressions"], |expression| {
                text_at(expression, &["key"]).ok().flatten().is_some_and(|key| key == NO_POD_HAS)
            });
        }
        _ => {}
    }
    Ok(())
}

fn size(selector: &[u8], key: &str) -> Result<usize, JsonError> {
    let span = crate::json::find(selector, &[key])?;
    match span.map(|span| &selector[span]).filter(|value| value.starts_with(b"{")) {
        Some(labels) => fields(labels).try_fold(0, |count, field| field.map(|_| count + 1)),
        None => Ok(0),
    }
}

/// Key and operator of each.
fn expressions(selector: &[u8]) -> Result<Vec<(String, String)>, JsonError> {
    let span = crate::json::find(selector, &["matchExpressions"])?;
    let Some(list) = span.map(|span| &selector[span]).filter(|value| value.starts_with(b"[")) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for expression in elements(list) {
        let expression = &list[expression?];
        let text = |key| Ok::<_, JsonError>(text_at(expression, &[key])?.unwrap_or_default().into_owned());
        found.push((text("key")?, text("operator")?));
    }
    Ok(found)
}
