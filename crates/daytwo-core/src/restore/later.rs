//! What a create alone cannot say of an object: its owners, by the UIDs that they have in this cluster, the status of a
//! custom resource, and the managers of its fields, where several have changed it.
//!
//! An owner's old UID would get the object collected within seconds. Where its owners are there, the object is created
//! with them; else they follow. What is still to follow is marked, so that a restore which was cut off goes on with it.
//! It refuses to find owners: whoever writes looks them up.

use crate::json::{Edits, JsonError, Meta, elements, find, quote, text_at};

/// The annotation of an object that is still to get its owners or managed fields; it goes with them.
pub const UNFINISHED_MARK: &str = "daytwo.dev/restore-unfinished";

/// An owner, as a child names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its API group; empty for the core group.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    uid: String,
    reference: Vec<u8>,
}

/// What is to be said of an object beside its body.
#[derive(Clone, PartialEq, Eq)]
pub struct Later {
    /// Its owners, in their order.
    pub owners: Vec<Owner>,
    /// The status of a custom resource, as JSON: where the kind has a subresource for it, a create drops it.
    pub status: Option<Vec<u8>>,
    one_manager: bool,
    managed: Option<Vec<u8>>,
}

impl std::fmt::Debug for Later {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (one, status) = (self.one_manager, self.status.is_some());
        write!(f, "Later({:?}, one manager: {one}, status: {status})", self.owners)
    }
}

impl Later {
    /// Of an object with this metadata; `None` where its body says everything. `one_manager` tells that a create keeps
    /// the managers of its fields, `status` is that of a custom resource.
    pub(super) fn of(
        meta: &Meta<'_>,
        one_manager: bool,
        status: Option<Vec<u8>>,
    ) -> Result<Option<Self>, JsonError> {
        let mut owners = Vec::new();
        if let Some(references) = meta.owner_references {
            for element in elements(references) {
                owners.push(Owner::of(&references[element?])?);
            }
        }
        let managed = meta.managed_fields.filter(|fields| fields.len() > 2).map(<[u8]>::to_vec);
        let one_manager = one_manager || managed.is_none();
        let needed = !owners.is_empty() || !one_manager || status.is_some();
        Ok(needed.then_some(Self { owners, status, one_manager, managed }))
    }

    /// The same with owners called by the API version that the cluster knows them by: `moved` gives the group and API
    /// version for one that it does not know, by its API version and kind.
    pub(super) fn moved(
        mut self,
        moved: impl Fn(&str, &str) -> Option<(String, String)>,
    ) -> Result<Self, JsonError> {
        for owner in &mut self.owners {
            let version = text_at(&owner.reference, &["apiVersion"])?.unwrap_or_default().into_owned();
            if let Some((group, version)) = moved(&version, &owner.kind) {
                owner.group = group;
                owner.reference = Edits::new().set_str(&["apiVersion"], &version).apply(&owner.reference)?;
            }
        }
        Ok(self)
    }

    /// Whether a patch has to follow, though it was created with its owners.
    pub fn more_follows(&self) -> bool {
        !self.one_manager || self.status.is_some()
    }

    /// `body`, which creates the object, with the owners whose `uids` are known, in their order; or, with `None`, with a
    /// mark in their place, which it has also where its managers are to follow.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn body(&self, body: &[u8], uids: Option<&[Option<String>]>) -> Result<Vec<u8>, JsonError> {
        let mut edits = Edits::new();
        if let Some(references) = uids.map(|uids| self.references(uids)).transpose()?.flatten() {
            edits.set(&["metadata", "ownerReferences"], references);
        }
        if uids.is_none() || self.more_follows() {
            let mark = ["metadata", "annotations", UNFINISHED_MARK];
            edits.set_str(&mark, "its owners and the managers of its fields follow");
        }
        edits.apply(body)
    }

    /// The merge patch that gives it its status, at its subresource.
    pub fn status_patch(&self) -> Option<Vec<u8>> {
        let status = self.status.as_ref()?;
        Some([br#"{"status":"#.as_slice(), status, b"}"].concat())
    }

    /// The merge patch that gives it its owners; `None` where none is left.
    ///
    /// # Errors
    /// The object was not JSON.
    pub fn owners_patch(&self, uids: &[Option<String>]) -> Result<Option<Vec<u8>>, JsonError> {
        let references = self.references(uids)?;
        Ok(references.map(|references| {
            [br#"{"metadata":{"ownerReferences":"#.as_slice(), &references, b"}}"].concat()
        }))
    }

    /// The merge patch that gives it the managers of its fields and takes the mark away. It comes last: of what a patch
    /// changes beside them, its sender becomes the manager.
    pub fn managers_patch(&self, uids: &[Option<String>]) -> Vec<u8> {
        let mark = quote(UNFINISHED_MARK);
        let mut patch = format!(r#"{{"metadata":{{"annotations":{{{mark}:null}}"#).into_bytes();
        if let Some(mut managed) = self.managed.clone() {
            // Fields of a list of owners are named by their UIDs.
            for (owner, uid) in self.owners.iter().zip(uids) {
                if let Some(uid) = uid {
                    managed = exchange(&managed, owner.uid.as_bytes(), uid.as_bytes());
                }
            }
            patch.extend_from_slice(br#","managedFields":"#);
            patch.extend_from_slice(&managed);
        }
        patch.extend_from_slice(b"}}");
        patch
    }

    /// The list of its owners by these UIDs; `None` where none is left.
    pub(super) fn references(&self, uids: &[Option<String>]) -> Result<Option<Vec<u8>>, JsonError> {
        let mut references = Vec::new();
        for (owner, uid) in self.owners.iter().zip(uids) {
            let Some(uid) = uid else { continue };
            references.push(if references.is_empty() { b'[' } else { b',' });
            references.extend(Edits::new().set_str(&["uid"], uid).apply(&owner.reference)?);
        }
        if references.is_empty() {
            return Ok(None);
        }
        references.push(b']');
        Ok(Some(references))
    }
}

impl Owner {
    /// Whether its deletion waits for what it owns.
    pub(super) fn blocks(&self) -> bool {
        let blocks = find(&self.reference, &["blockOwnerDeletion"]).ok().flatten();
        blocks.is_some_and(|span| &self.reference[span] == b"true")
    }

    fn of(reference: &[u8]) -> Result<Self, JsonError> {
        let text = |key| Ok::<_, JsonError>(text_at(reference, &[key])?.unwrap_or_default().into_owned());
        let version = text("apiVersion")?;
        let group = version.split_once('/').map_or("", |(group, _)| group).to_owned();
        let (kind, name, uid) = (text("kind")?, text("name")?, text("uid")?);
        Ok(Self { group, kind, name, uid, reference: reference.to_vec() })
    }
}

/// `text` with every `from` as `to`.
fn exchange(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    if from.is_empty() {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(object: &str, managed: bool) -> Option<Later> {
        Later::of(&Meta::of(object.as_bytes()).unwrap(), managed, None).unwrap()
    }

    #[test]
    fn owners_get_the_uids_they_have_here_also_where_fields_are_named_by_them() {
        let object = r#"{"metadata":{"name":"a","ownerReferences":[
            {"apiVersion":"x.io/v1","kind":"Widget","name":"w","uid":"old-1","controller":true},
            {"apiVersion":"v1","kind":"ConfigMap","name":"c","uid":"old-2"}],
            "managedFields":[{"manager":"m","fieldsV1":{"f:metadata":{"f:ownerReferences":{"k:{\"uid\":\"old-1\"}":{}}}}}]}}"#;
        let later = later(object, true).unwrap();
        assert_eq!((later.owners[0].group.as_str(), later.owners[0].kind.as_str()), ("x.io", "Widget"));
        assert_eq!((later.owners[1].group.as_str(), later.owners[1].name.as_str()), ("", "c"));
        let uids = [Some("new-1".into()), None];
        let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
        let owners = json(&later.owners_patch(&uids).unwrap().unwrap());
        let references = owners["metadata"]["ownerReferences"].as_array().unwrap();
        assert_eq!(references.len(), 1);
        assert_eq!((&references[0]["uid"], &references[0]["controller"]), (&"new-1".into(), &true.into()));
        let managers = json(&later.managers_patch(&uids));
        assert!(managers["metadata"]["managedFields"].to_string().contains("new-1"));
        assert!(managers["metadata"]["annotations"][UNFINISHED_MARK].is_null());
        assert_eq!(later.owners_patch(&[None, None]).unwrap(), None);
    }

    #[test]
    fn only_what_is_to_follow_is_marked() {
        let bare = br#"{"metadata":{"name":"a"}}"#;
        let owned = r#"{"metadata":{"name":"a","ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n","uid":"o"}]}}"#;
        let body = |object, one, uids: Option<&[Option<String>]>| {
            String::from_utf8(later(object, one).unwrap().body(bare, uids).unwrap()).unwrap()
        };
        let there = [Some("new".to_owned())];
        let created = body(owned, true, Some(&there));
        assert!(created.contains(r#""uid":"new""#) && !created.contains(UNFINISHED_MARK), "{created}");
        let waiting = body(owned, true, None);
        assert!(!waiting.contains("ownerReferences") && waiting.contains(UNFINISHED_MARK), "{waiting}");
        let shared = r#"{"metadata":{"name":"a","managedFields":[{"manager":"m"},{"manager":"n"}]}}"#;
        assert!(body(shared, false, Some(&[])).contains(UNFINISHED_MARK));
    }

    #[test]
    fn what_one_manager_made_without_owners_needs_nothing_more() {
        let object = r#"{"metadata":{"name":"a","managedFields":[{"manager":"m"}]}}"#;
        assert_eq!(later(object, true), None);
        assert!(later(object, false).is_some());
        assert_eq!(later(r#"{"metadata":{"name":"a"}}"#, false), None);
    }
}
