//! Who manages which fields, where an object comes to another version: an entry of `metadata.managedFields` names fields
//! as its API version does. Where both versions name them alike the entry goes along; else it is left out and told, as
//! it would claim fields that are not there. The server forgets entries of versions it does not know at the next write
//! (structured-merge-diff v6, `merge/update.go`: a missing version drops the manager).

use super::draft::Draft;
use crate::json::{Edits, JsonError, elements, text_at};
use crate::resource::ResourceType;

/// Carries the managers of fields over to the type `to`; `alike` tells of an API version whether it names fields as that
/// does.
pub(super) fn carry(
    draft: &mut Draft<'_>,
    to: &ResourceType,
    alike: impl Fn(&str) -> bool,
) -> Result<(), JsonError> {
    const PATH: [&str; 2] = ["metadata", "managedFields"];
    let Some(entries) = draft.value(&PATH)?.filter(|entries| entries.starts_with(b"[")) else {
        return Ok(());
    };
    let here = to.api_version();
    let mut kept: Vec<u8> = Vec::new();
    let mut lost: Vec<String> = Vec::new();
    for entry in elements(entries) {
        let entry = &entries[entry?];
        let version = text_at(entry, &["apiVersion"])?.unwrap_or_default();
        if version != here && !alike(&version) {
            let manager = text_at(entry, &["manager"])?.unwrap_or_default().into_owned();
            if text_at(entry, &["subresource"])?.is_none() && !lost.contains(&manager) {
                lost.push(manager);
            }
            continue;
        }
        kept.push(if kept.is_empty() { b'[' } else { b',' });
        Edits::new().set_str(&["apiVersion"], &here).apply_to(entry, &mut kept)?;
    }
    if !lost.is_empty() {
        draft.notes.push(format!(
            "no longer says which fields {} manages: at {here} they have other names",
            lost.join(", ")
        ));
    }
    if kept.is_empty() {
        draft.edits.remove(&PATH);
    } else {
        kept.push(b']');
        draft.edits.set(&PATH, kept);
    }
    Ok(())
}
