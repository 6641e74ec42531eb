//! Whether a create alone gives the fields of an object back to their manager.
//!
//! Whoever creates an object owns every field that he sends. What a server added when the object was made first (an
//! address, a finalizer, tolerations) stands in the backup too and was nobody's: sent back, it would be the creator's.
//! It refuses to guess: what it cannot tell counts as not owned, and the managers are written as they were.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::json::{JsonError, elements, fields, find, text_at};

/// Fields that nobody manages (apimachinery 0.36, `managedfields/internal/stripmeta.go`).
const NOBODYS: [&str; 9] = [
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
];

/// Whether the one manager in `managed`, a list of `metadata.managedFields`, owns every field that `body` sends.
///
/// # Errors
/// One of them is not JSON.
pub(super) fn whole(body: &[u8], managed: &[u8]) -> Result<bool, JsonError> {
    let mut main = None;
    for entry in elements(managed) {
        let entry = &managed[entry?];
        if text_at(entry, &["subresource"])?.is_some() {
            continue;
        }
        if main.replace(entry).is_some() {
            return Ok(false);
        }
    }
    let Some(entry) = main else { return Ok(false) };
    let (of, sent) = (text_at(entry, &["apiVersion"])?, text_at(body, &["apiVersion"])?);
    if of.is_some() && of != sent {
        return Ok(false);
    }
    let Some(owned) = find(entry, &["fieldsV1"])?.map(|span| &entry[span]) else { return Ok(true) };
    let known = children(owned)?;
    for field in fields(body) {
        let field = field?;
        let value = &body[field.value];
        let is = match &*field.key {
            "apiVersion" | "kind" | "status" => true,
            "metadata" => {
                let known = known.get("f:metadata").copied().unwrap_or(b"{}");
                object(value, &children(known)?, &NOBODYS)?
            }
            key => has(&known, key, value)?,
        };
        if !is {
            return Ok(false);
        }
    }
    Ok(true)
}

type Children<'a> = BTreeMap<Cow<'a, str>, &'a [u8]>;

fn children(set: &[u8]) -> Result<Children<'_>, JsonError> {
    fields(set).map(|field| field.map(|field| (field.key, &set[field.value]))).collect()
}

fn has(known: &Children<'_>, key: &str, value: &[u8]) -> Result<bool, JsonError> {
    match known.get(format!("f:{key}").as_str()) {
        Some(set) => owns(set, value),
        None => Ok(value == b"null"),
    }
}

/// Whether `set` holds all of `value`; an empty one holds it whole.
fn owns(set: &[u8], value: &[u8]) -> Result<bool, JsonError> {
    let known = children(set)?;
    match value.first() {
        _ if known.is_empty() => Ok(true),
        Some(b'{') => object(value, &known, &[]),
        Some(b'[') => list(value, &known),
        _ => Ok(true),
    }
}

fn object(value: &[u8], known: &Children<'_>, without: &[&str]) -> Result<bool, JsonError> {
    for field in fields(value) {
        let field = field?;
        if !without.contains(&&*field.key) && !has(known, &field.key, &value[field.value])? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A list of values, or one whose elements are named by some of their fields.
fn list(value: &[u8], known: &Children<'_>) -> Result<bool, JsonError> {
    for element in elements(value) {
        let element = &value[element?];
        let by_value = format!("v:{}", String::from_utf8_lossy(element));
        if known.contains_key(by_value.as_str()) {
            continue;
        }
        let mut found = None;
        for (key, set) in known {
            if let Some(names) = key.strip_prefix("k:")
                && named(element, names.as_bytes())?
            {
                found = Some(set);
            }
        }
        match found {
            Some(set) if owns(set, element)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn named(element: &[u8], names: &[u8]) -> Result<bool, JsonError> {
    for name in fields(names) {
        let name = name?;
        let is = find(element, &[&name.key])?.is_some_and(|span| element[span] == names[name.value.clone()]);
        if !is {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(body: &str, set: &str) -> bool {
        let managed = format!(
            r#"[{{"manager":"m","operation":"Update","apiVersion":"v1","fieldsV1":{set}}},{{"manager":"k","subresource":"status","fieldsV1":{{}}}}]"#
        );
        whole(body.as_bytes(), managed.as_bytes()).unwrap()
    }

    #[test]
    fn what_its_manager_sent_itself_is_all_his() {
        let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"x":"y"}},"data":{"k":"v"}}"#;
        assert!(owned(body, r#"{"f:data":{".":{},"f:k":{}},"f:metadata":{"f:labels":{".":{},"f:x":{}}}}"#));
        assert!(owned(body, r#"{"f:data":{},"f:metadata":{"f:labels":{}}}"#), "atomic ones");
        assert!(!owned(body, r#"{"f:data":{".":{},"f:other":{}},"f:metadata":{"f:labels":{}}}"#));
        assert!(!owned(body, r#"{"f:data":{}}"#));
    }

    #[test]
    fn what_the_server_added_is_not_his() {
        let service = r#"{"apiVersion":"v1","metadata":{"name":"a"},"spec":{"clusterIP":"10.0.0.1","ports":[{"port":80,"protocol":"TCP"}]}}"#;
        let ports = r#""f:ports":{".":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:protocol":{}}}"#;
        assert!(!owned(service, &format!(r#"{{"f:spec":{{{ports}}}}}"#)));
        assert!(owned(service, &format!(r#"{{"f:spec":{{"f:clusterIP":{{}},{ports}}}}}"#)));
        let with = service.replace(r#""TCP"}"#, r#""TCP","nodePort":30000}"#);
        assert!(!owned(&with, &format!(r#"{{"f:spec":{{"f:clusterIP":{{}},{ports}}}}}"#)));
        let claim = r#"{"apiVersion":"v1","metadata":{"finalizers":["a/b","c/d"]}}"#;
        assert!(!owned(claim, r#"{"f:metadata":{"f:finalizers":{".":{},"v:\"a/b\"":{}}}}"#));
        assert!(owned(claim, r#"{"f:metadata":{"f:finalizers":{".":{},"v:\"a/b\"":{},"v:\"c/d\"":{}}}}"#));
    }

    #[test]
    fn what_was_written_at_another_version_is_not_his_at_this_one() {
        assert!(!owned(r#"{"apiVersion":"v2","metadata":{"name":"a"}}"#, "{}"));
        assert!(owned(r#"{"apiVersion":"v1","metadata":{"name":"a"}}"#, "{}"));
    }
}
