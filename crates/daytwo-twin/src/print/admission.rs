//! Admission policies and their bindings.

use jiff::Timestamp;
use serde_json::Value;

use super::{read, selector};
use crate::ask::Object;

/// The kind of a policy's parameters.
pub(super) fn policy_parameters(policy: &Object, _: Timestamp) -> Value {
    match read::at(policy, &["spec", "paramKind"]) {
        Some(kind) => format!("{}/{}", read::field(kind, "apiVersion"), read::field(kind, "kind")).into(),
        None => "<unset>".into(),
    }
}

/// Which parameters a binding names: `*` stands for the namespace where none is given, though there may be none.
pub(super) fn binding_parameters(binding: &Object, _: Timestamp) -> Value {
    let Some(parameters) = read::at(binding, &["spec", "paramRef"]) else { return "<unset>".into() };
    match (read::field(parameters, "name"), read::field(parameters, "namespace"), parameters.get("selector"))
    {
        ("", _, Some(wanted)) => selector::debug(wanted).into(),
        ("", _, None) => "<unset>".into(),
        (name, "", _) => format!("*/{name}").into(),
        (name, namespace, _) => format!("{namespace}/{name}").into(),
    }
}
