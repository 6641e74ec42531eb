//! Eviction: a delete that asks the pod's disruption budget first (`pkg/registry/core/pod/storage/eviction.go`, v1.36).

use std::sync::Arc;

use daytwo_core::selector::Selector;
use serde_json::{Map, Value, json};

use super::decode::{Wanted, decode};
use super::delete::{Deletion, delete};
use super::webhooks::{Shown, pass_by};
use super::{Api, Call, Inner, Outcome, meta, subject};
use crate::api::Settings;
use crate::ask::Object;
use crate::kinds::Resource;
use crate::status::{Result, Status};
use crate::store::{Stored, key};

/// The condition of a budget that says whether pods may go.
const ALLOWED: &str = "DisruptionAllowed";

/// Pods a budget may have in disruption before it must be computed again (`MaxDisruptedPodSize`).
const MOST_DISRUPTED: usize = 2_000;

impl Api {
    pub(super) fn evict(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let version = version_of(body);
        let wanted = Wanted::built_in("policy", &version, "Eviction");
        let eviction = decode(call, &wanted, body, warnings)?;
        let name = call.target.name.as_deref().unwrap_or_default();
        if meta::text(&eviction, "name") != name {
            return Err(Status::bad_request("name in URL does not match name in Eviction object"));
        }
        let namespace = super::create::place(call, resource, &eviction)?;
        let mut deletion = Deletion { dry_run: call.dry_run, evicts: true, ..Deletion::default() };
        let options = eviction.get("deleteOptions").and_then(Value::as_object);
        let wrong = options.map(|options| deletion.take(options)).transpose()?.unwrap_or_default();
        self.write(|inner| {
            let key = key(namespace.as_deref(), name);
            let stored = inner
                .store
                .get(resource.table, &key)
                .cloned()
                .ok_or_else(|| Status::not_found(subject(resource), name))?;
            let pod = stored.object();
            if !past_budgets(&pod) {
                allowed(inner, self.settings(), &pod, name, deletion.dry_run)?;
            }
            deletion.check(wrong)?;
            let stored = condemn(inner, self.settings(), resource, &stored, pod, &deletion)?;
            if deletion.revision.is_some() {
                deletion.revision = Some(stored.revision.to_string());
            }
            delete(inner, self.settings(), resource, &stored, &deletion, &call.caller.user, warnings)?;
            // Webhooks are shown the Eviction, whose labels are not the pod's.
            let shown = Shown {
                resource,
                subresource: Some("eviction"),
                operation: "CREATE",
                namespace: namespace.as_deref(),
                dry_run: deletion.dry_run,
                objects: [Some(&eviction), None],
            };
            pass_by(inner, &shown, warnings);
            Ok(Outcome::Object(201, done()))
        })
    }
}

/// Evictions of both versions are taken; there is one form of them.
fn version_of(body: &[u8]) -> String {
    match daytwo_core::json::text_at(body, &["apiVersion"]) {
        Ok(Some(version)) if version == "policy/v1beta1" => "v1beta1".to_owned(),
        _ => "v1".to_owned(),
    }
}

pub(super) fn done() -> Object {
    match json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}) {
        Value::Object(status) => status,
        _ => Map::new(),
    }
}

/// Whether no budget is asked: what has ended, has not begun, or is being deleted disrupts nothing.
fn past_budgets(pod: &Object) -> bool {
    let phase = pod.get("status").and_then(|status| status.get("phase")).and_then(Value::as_str);
    matches!(phase, Some("Succeeded" | "Failed" | "Pending")) || meta::deleting(pod)
}

fn ready(pod: &Object) -> bool {
    let conditions = pod.get("status").and_then(|status| status.get("conditions")).and_then(Value::as_array);
    conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// Asks the pod's budget, and takes one disruption from it.
fn allowed(inner: &mut Inner, settings: &Settings, pod: &Object, name: &str, dry_run: bool) -> Result<()> {
    let budgets = budgets(inner, pod);
    let budget = match budgets.as_slice() {
        [] => return Ok(()),
        [one] => Arc::clone(one),
        _ => {
            return Err(Status::new(
                500,
                "",
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ));
        }
    };
    let mut object = budget.object();
    let number = |object: &Object, name: &str| {
        object.get("status").and_then(|status| status.get(name)).and_then(Value::as_i64).unwrap_or(0)
    };
    if !ready(pod) {
        let policy = object.get("spec").and_then(|spec| spec.get("unhealthyPodEvictionPolicy"));
        if policy.and_then(Value::as_str) == Some("AlwaysAllow") {
            return Ok(());
        }
        let (healthy, desired) = (number(&object, "currentHealthy"), number(&object, "desiredHealthy"));
        if healthy >= desired && desired > 0 {
            return Ok(());
        }
    }
    let generation = meta::number(&object, "generation").unwrap_or(0);
    if number(&object, "observedGeneration") < generation {
        return Err(busy(budget.name()));
    }
    let left = number(&object, "disruptionsAllowed");
    if left < 0 {
        return Err(Status::forbidden(
            crate::status::Subject { group: "policy", kind: "poddisruptionbudget" },
            budget.name(),
            "pdb disruptions allowed is negative",
        ));
    }
    let disrupted =
        object.get("status").and_then(|status| status.get("disruptedPods")).and_then(Value::as_object);
    if disrupted.is_some_and(|all| all.len() > MOST_DISRUPTED) {
        return Err(Status::forbidden(
            crate::status::Subject { group: "policy", kind: "poddisruptionbudget" },
            budget.name(),
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        ));
    }
    if left == 0 {
        let (healthy, desired) = (number(&object, "currentHealthy"), number(&object, "desiredHealthy"));
        return Err(exhausted(budget.name(), desired, healthy, &object));
    }
    if dry_run {
        return Ok(());
    }
    let now = meta::time(settings.clock.now());
    if let Some(Value::Object(status)) = object.get_mut("status") {
        status.insert("disruptionsAllowed".into(), (left - 1).into());
        let disrupted = status.entry("disruptedPods").or_insert_with(|| json!({}));
        if let Some(disrupted) = disrupted.as_object_mut() {
            disrupted.insert(name.to_owned(), now.clone());
        }
    }
    if left == 1 {
        no_more(&mut object, &now);
    }
    let Some(table) = inner.kinds.table_of("policy", "poddisruptionbudgets") else { return Ok(()) };
    inner.store.put(table, &budget.key, object);
    Ok(())
}

/// The budget says that it has no disruption left (`UpdateDisruptionAllowedCondition` of `k8s.io/component-helpers`).
fn no_more(budget: &mut Object, now: &Value) {
    let status = budget.get("status").cloned().unwrap_or_default();
    let there = status["conditions"].as_array().and_then(|all| all.iter().find(|one| one["type"] == ALLOWED));
    let since = there.filter(|one| one["status"] == "False").map(|one| one["lastTransitionTime"].clone());
    let mut condition = json!({
        "type": ALLOWED, "status": "False", "observedGeneration": status["observedGeneration"],
        "lastTransitionTime": since.unwrap_or_else(|| now.clone()), "reason": "InsufficientPods", "message": "",
    });
    if let Some(condition) =
        condition.as_object_mut().filter(|one| one["observedGeneration"].as_i64().unwrap_or(0) == 0)
    {
        condition.shift_remove("observedGeneration");
    }
    crate::api::settle::condition(budget, condition);
}

fn busy(budget: &str) -> Status {
    refused(&format!("The disruption budget {budget} is still being processed by the server."))
}

fn exhausted(name: &str, desired: i64, healthy: i64, budget: &Object) -> Status {
    let conditions =
        budget.get("status").and_then(|status| status.get("conditions")).and_then(Value::as_array);
    let condition = conditions.into_iter().flatten().find(|one| one["type"] == ALLOWED);
    let text = |name: &str| condition.and_then(|one| one[name].as_str()).unwrap_or_default();
    let said = text("status") == "False" && !text("message").is_empty();
    let (reason, message) = (text("reason"), text("message"));
    let cause = match (said, healthy <= desired) {
        (true, _) if reason == "SyncFailed" => format!(
            "The disruption budget {name} does not allow evicting pods currently because it failed sync: {message}"
        ),
        (_, true) => {
            format!("The disruption budget {name} needs {desired} healthy pods and has {healthy} currently")
        }
        (true, _) => format!(
            "The disruption budget {name} does not allow evicting pods currently ({reason}): {message}"
        ),
        _ => format!("The disruption budget {name} does not allow evicting pods currently"),
    };
    let mut status = refused(&cause);
    // Nobody can say when: no time to try again is given.
    status.retry_after = None;
    status.details.shift_remove("retryAfterSeconds");
    status
}

fn refused(cause: &str) -> Status {
    let mut status =
        Status::too_many_requests("Cannot evict pod as it would violate the pod's disruption budget.", 10);
    status.details.insert("causes".into(), json!([{"reason": "DisruptionBudget", "message": cause}]));
    status
}

/// The budgets that choose a pod.
fn budgets(inner: &Inner, pod: &Object) -> Vec<Arc<Stored>> {
    let labels = pod.get("metadata").and_then(|metadata| metadata.get("labels")).and_then(Value::as_object);
    let namespace = meta::text(pod, "namespace");
    let Some(table) = inner.kinds.table_of("policy", "poddisruptionbudgets") else { return Vec::new() };
    let all = inner.store.range(table, Some(namespace), None);
    all.filter(|budget| {
        let object = budget.object();
        // Without a selector it chooses nothing; an empty one chooses all.
        let Some(selector) =
            object.get("spec").and_then(|spec| spec.get("selector")).filter(|one| !one.is_null())
        else {
            return false;
        };
        let text = serde_json::to_vec(selector).unwrap_or_default();
        Selector::of_json(&text).is_some_and(|selector| {
            selector.matches(|name| labels?.get(name)?.as_str().map(std::borrow::Cow::Borrowed))
        })
    })
    .cloned()
    .collect()
}

/// Says in the pod why it goes.
fn condemn(
    inner: &mut Inner,
    settings: &Settings,
    resource: &Arc<Resource>,
    stored: &Arc<Stored>,
    mut pod: Object,
    deletion: &Deletion,
) -> Result<Arc<Stored>> {
    if deletion.dry_run {
        return Ok(Arc::clone(stored));
    }
    if let Some(asked) = deletion.revision.as_ref().filter(|asked| **asked != stored.revision.to_string()) {
        return Err(Status::conflict(
            crate::status::Subject { group: "", kind: "Pod" },
            stored.name(),
            format!(
                "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({}). The object might have been modified",
                stored.revision
            ),
        ));
    }
    if let Some(asked) = deletion.uid.as_ref().filter(|uid| ***uid != *stored.uid) {
        return Err(Status::conflict(
            crate::status::Subject { group: "", kind: "Pod" },
            stored.name(),
            format!(
                "the UID in the precondition ({asked}) does not match the UID in record ({}). The object might have been deleted and then recreated",
                stored.uid
            ),
        ));
    }
    let conditions = pod.get("status").and_then(|status| status.get("conditions")).and_then(Value::as_array);
    let there = conditions
        .into_iter()
        .flatten()
        .find(|one| one["type"] == "DisruptionTarget" && one["status"] == "True");
    let since = there.map(|one| one["lastTransitionTime"].clone());
    let condition = json!({
        "type": "DisruptionTarget", "status": "True", "lastProbeTime": null,
        "lastTransitionTime": since.unwrap_or_else(|| meta::time(settings.clock.now())),
        "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting",
    });
    crate::api::settle::condition(&mut pod, condition);
    if Value::Object(pod.clone()) == Value::Object(stored.object()) {
        return Ok(Arc::clone(stored));
    }
    let written = inner.store.put(resource.table, &stored.key, pod);
    Ok(written)
}
