//! Binding: a pod gets its node, once (`pkg/registry/core/pod/storage/storage.go`, v1.36).

use std::sync::Arc;

use serde_json::{Value, json};

use super::decode::{Wanted, decode};
use super::webhooks::{Shown, pass_by};
use super::{Api, Call, Outcome, meta};
use crate::ask::Object;
use crate::field::FieldError;
use crate::kinds::Resource;
use crate::status::{Result, Status, Subject};
use crate::store::key;

impl Api {
    pub(super) fn bind(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let binding = decode(call, &Wanted::built_in("", "v1", "Binding"), body, warnings)?;
        // The older path has no name: the binding's own counts.
        let name = call.target.name.as_deref().unwrap_or(meta::text(&binding, "name"));
        if meta::text(&binding, "name") != name {
            return Err(Status::bad_request("name in URL does not match name in Binding object"));
        }
        let namespace = super::create::place(call, resource, &binding)?;
        let node = node(&binding)?;
        let refuse = |why: String| Status::conflict(Subject { group: "", kind: "pods/binding" }, name, why);
        self.write(|inner| {
            let key = key(namespace.as_deref(), name);
            let stored = inner
                .store
                .get(resource.table, &key)
                .cloned()
                .ok_or_else(|| Status::not_found(Subject { group: "", kind: "pods" }, name))?;
            let mut pod = stored.object();
            let uid = meta::text(&binding, "uid");
            if !uid.is_empty() && uid != &*stored.uid {
                return Err(super::update::another(resource, &key, uid, &stored.uid));
            }
            if meta::deleting(&pod) {
                return Err(refuse(format!("pod {name} is being deleted, cannot be assigned to a host")));
            }
            let spec = pod.get("spec").cloned().unwrap_or_default();
            if let Some(there) = spec.get("nodeName").and_then(Value::as_str).filter(|node| !node.is_empty())
            {
                return Err(refuse(format!("pod {name} is already assigned to node {there:?}")));
            }
            if spec.get("schedulingGates").and_then(Value::as_array).is_some_and(|gates| !gates.is_empty()) {
                return Err(refuse(format!("pod {name} has non-empty .spec.schedulingGates")));
            }
            if let Some(Value::Object(spec)) = pod.get_mut("spec") {
                spec.insert("nodeName".into(), node.clone().into());
            }
            for map in ["annotations", "labels"] {
                merge(&mut pod, &binding, map);
            }
            let condition = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null,
                "lastTransitionTime": meta::time(self.settings().clock.now())});
            crate::api::settle::condition(&mut pod, condition);
            // In the order in which the kind has its fields.
            let pod = crate::form::decode(&resource.kind, pod, crate::ask::Unknown::Ignore, &mut Vec::new())?;
            let shown = Shown {
                resource,
                subresource: Some("binding"),
                operation: "CREATE",
                namespace: namespace.as_deref(),
                dry_run: call.dry_run,
                objects: [Some(&binding), None],
            };
            pass_by(inner, &shown, warnings);
            if !call.dry_run {
                let written = inner.store.put(resource.table, &key, pod);
                inner.todo.changed(resource, &written);
            }
            Ok(Outcome::Object(201, super::eviction::done()))
        })
    }
}

/// The node a binding names (`ValidatePodBinding` of `pkg/apis/core/validation`).
fn node(binding: &Object) -> Result<String> {
    let target =
        |name: &str| binding.get("target").and_then(|target| target.get(name)).and_then(Value::as_str);
    let mut errors = Vec::new();
    if let Some(kind) = target("kind").filter(|kind| !matches!(*kind, "" | "Node")) {
        errors.push(FieldError::not_supported("target.kind", kind, &["Node", "<empty>"]));
    }
    let node = target("name").unwrap_or_default();
    if node.is_empty() {
        errors.push(FieldError::required("target.name", ""));
    }
    match errors.as_slice() {
        [] => Ok(node.to_owned()),
        // Not as a 422: the errors go out as they are.
        [one] => Err(Status::new(500, "", one.to_string())),
        all => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            Err(Status::new(500, "", format!("[{}]", all.join(", "))))
        }
    }
}

fn merge(pod: &mut Object, binding: &Object, map: &str) {
    let more = binding.get("metadata").and_then(|metadata| metadata.get(map)).and_then(Value::as_object);
    let Some(more) = more.filter(|more| !more.is_empty()) else { return };
    let there = pod.get("metadata").and_then(|metadata| metadata.get(map)).and_then(Value::as_object);
    let mut all = there.cloned().unwrap_or_default();
    all.extend(more.clone());
    meta::set(pod, map, Some(Value::Object(all)));
}
