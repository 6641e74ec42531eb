//! Scale: how many replicas an object has and is to have, whatever its kind.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::decode::{Wanted, decode};
use super::update::change;
use super::{Api, Call, Outcome, convert, meta, subject};
use crate::ask::Object;
use crate::field::FieldError;
use crate::kinds::{Origin, Resource};
use crate::patch::About;
use crate::status::{Result, Status, Subject};
use crate::store::{Stored, key};

impl Api {
    pub(super) fn scale(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let name = call.target.name.as_deref().unwrap_or_default();
        let key = key(call.target.namespace.as_deref(), name);
        let find = |inner: &super::Inner| {
            let stored = inner.store.get(resource.table, &key).cloned();
            stored.ok_or_else(|| Status::not_found(subject(resource), name))
        };
        match &*call.method {
            "GET" => {
                let stored = find(&self.read())?;
                Ok(Outcome::Object(200, shown(resource, &stored)?))
            }
            method => {
                let wanted = Wanted::built_in("autoscaling", "v1", "Scale");
                let written = match method {
                    "PUT" => Some(decode(call, &wanted, body, warnings)?),
                    _ => {
                        crate::patch::takes(&call.content_type, !matches!(resource.origin, Origin::BuiltIn))?;
                        None
                    }
                };
                self.write(|inner| {
                    let stored = find(inner)?;
                    let scale = match written {
                        Some(scale) => scale,
                        None => {
                            let current = shown(resource, &stored)?;
                            let kind = scale_kind();
                            let custom = !matches!(resource.origin, Origin::BuiltIn);
                            let about = About { kind: &kind, custom, unknown: call.unknown };
                            let mut decode = |object, unknown, warnings: &mut Vec<String>| {
                                super::decode::finish(call, unknown, &wanted, object, &[], warnings)
                            };
                            let written = &call.content_type;
                            crate::patch::apply(written, about, &current, body, &mut decode, warnings)?
                        }
                    };
                    fits(resource, &stored, &scale)?;
                    let mut new = scaled(resource, convert::shown(resource, &stored)?, &scale)?;
                    if meta::text(&scale, "resourceVersion").is_empty() {
                        meta::set(&mut new, "resourceVersion", Some(stored.revision.to_string().into()));
                    } else {
                        let revision = meta::text(&scale, "resourceVersion").to_owned();
                        meta::set(&mut new, "resourceVersion", Some(revision.into()));
                    }
                    let new = change(inner, self.settings(), call, resource, None, &stored, new, warnings)?;
                    Ok(Outcome::Object(200, scale_of(resource, &new)?))
                })
            }
        }
    }
}

fn scale_kind() -> daytwo_core::resource::ResourceType {
    daytwo_core::resource::ResourceType {
        group: "autoscaling".into(),
        version: "v1".into(),
        resource: "scales".into(),
        kind: "Scale".into(),
        namespaced: true,
    }
}

fn shown(resource: &Resource, stored: &Stored) -> Result<Object> {
    scale_of(resource, &convert::shown(resource, stored)?)
}

/// The scale of an object.
fn scale_of(resource: &Resource, object: &Object) -> Result<Object> {
    if let Origin::Custom(definition) = &resource.origin {
        return definition.read_scale(&resource.kind.version, object);
    }
    let at = |path: &str| {
        let mut parts = path.split('.');
        let first = object.get(parts.next().unwrap_or_default());
        parts.try_fold(first?, |value, part| value.get(part))
    };
    let mut metadata = Map::new();
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object.get("metadata").and_then(|metadata| metadata.get(field)) {
            metadata.insert(field.into(), value.clone());
        }
    }
    let mut spec = Map::new();
    if let Some(replicas) = at("spec.replicas").and_then(Value::as_i64).filter(|replicas| *replicas != 0) {
        spec.insert("replicas".into(), replicas.into());
    }
    let mut status = Map::new();
    status.insert("replicas".into(), at("status.replicas").and_then(Value::as_i64).unwrap_or(0).into());
    let selector = match (&*resource.kind.resource, at("spec.selector")) {
        (_, None | Some(Value::Null)) => String::new(),
        ("replicationcontrollers", Some(Value::Object(labels))) => {
            let mut pairs: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
                .collect();
            pairs.sort();
            pairs.join(",")
        }
        (_, Some(selector)) => text_of(selector),
    };
    if !selector.is_empty() {
        status.insert("selector".into(), selector.into());
    }
    match json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status})
    {
        Value::Object(scale) => Ok(scale),
        _ => Ok(Map::new()),
    }
}

/// A `LabelSelector` in the grammar of `kubectl -l`, its requirements in the order of their keys.
pub(crate) fn text_of(selector: &Value) -> String {
    let bytes = serde_json::to_vec(selector).unwrap_or_default();
    let Some(selector) = daytwo_core::selector::Selector::of_json(&bytes) else { return String::new() };
    selector.to_string()
}

/// Whether a written scale is of this object, and says a number that can be.
fn fits(resource: &Resource, stored: &Stored, scale: &Object) -> Result<()> {
    let kind = Subject { group: "autoscaling", kind: "Scale" };
    let name = stored.name();
    if meta::text(scale, "name") != name {
        return Err(Status::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({name})",
            meta::text(scale, "name")
        )));
    }
    let replicas =
        scale.get("spec").and_then(|spec| spec.get("replicas")).and_then(Value::as_i64).unwrap_or(0);
    // Of custom resources, the object itself is checked once it has the number.
    if replicas < 0 && matches!(resource.origin, Origin::BuiltIn) {
        let error = FieldError::invalid("spec.replicas", replicas, "must be greater than or equal to 0");
        return Err(Status::invalid(kind, name, &[error]));
    }
    let uid = meta::text(scale, "uid");
    if !uid.is_empty() && uid != &*stored.uid {
        return Err(super::update::another(resource, &stored.key, uid, &stored.uid));
    }
    Ok(())
}

/// The object with as many replicas as a scale says.
fn scaled(resource: &Resource, mut object: Object, scale: &Object) -> Result<Object> {
    if let Origin::Custom(definition) = &resource.origin {
        return definition.with_scale(&resource.kind.version, &object, scale);
    }
    let replicas =
        scale.get("spec").and_then(|spec| spec.get("replicas")).and_then(Value::as_i64).unwrap_or(0);
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        spec.insert("replicas".into(), replicas.into());
    }
    Ok(object)
}
