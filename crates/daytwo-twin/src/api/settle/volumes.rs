//! Volumes and claims: what is used is kept, what belongs together is bound, what nobody claims any more goes
//! (`pkg/controller/volume/{pvcprotection,pvprotection,persistentvolume}`, v1.36).
//!
//! The storage driver's part is played too: a volume that is released and is to be deleted is gone at once. It refuses to
//! make volumes: a claim that nothing was made for waits.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{put, remove};
use crate::api::meta_of as meta;
use crate::api::{Inner, Settings};
use crate::ask::Object;
use crate::kinds::TableId;
use crate::store::{Stored, key};

/// Keeps a claim that a pod uses.
const CLAIM: &str = "kubernetes.io/pvc-protection";
/// Keeps a volume that a claim has.
const VOLUME: &str = "kubernetes.io/pv-protection";
/// Says that a claim has its volume for good.
const COMPLETED: &str = "pv.kubernetes.io/bind-completed";

/// Says of either that the controller chose the other for it, and not whoever made it.
const CHOSEN: &str = "pv.kubernetes.io/bound-by-controller";

/// The tables of both.
#[derive(Clone, Copy)]
pub(super) struct Tables {
    pub(super) claims: TableId,
    pub(super) volumes: TableId,
}

/// After a write of a claim: one that is to go goes once no pod uses it; one that waits gets the volume that is its own.
pub(super) fn claim(inner: &mut Inner, settings: &Settings, tables: Tables, stored: &Arc<Stored>) {
    let claim = stored.object();
    if meta::deleting(&claim) {
        if !in_use(inner, stored) {
            let left = drop_finalizers(inner, tables.claims, stored, claim, |name| name == CLAIM);
            if let Some(gone) = left {
                remove(inner, tables.claims, &gone);
            }
        }
        return;
    }
    if text(&claim, &["status", "phase"]) == "Bound" {
        return;
    }
    if let Some(volume) = volume_of(inner, tables, stored, &claim) {
        bind(inner, settings, tables, stored, claim, &volume);
    }
}

/// After a write of a volume: one that is to go goes once no claim has it; one that is some claim's is bound to that.
pub(super) fn volume(inner: &mut Inner, settings: &Settings, tables: Tables, stored: &Arc<Stored>) {
    let volume = stored.object();
    let (namespace, name) =
        (text(&volume, &["spec", "claimRef", "namespace"]), text(&volume, &["spec", "claimRef", "name"]));
    let claimer = inner.store.get(tables.claims, &key(Some(namespace), name)).cloned();
    if meta::deleting(&volume) {
        if claimer.is_none_or(|claim| *claim.uid != *text(&volume, &["spec", "claimRef", "uid"])) {
            let left = drop_finalizers(inner, tables.volumes, stored, volume, |name| name == VOLUME);
            if let Some(gone) = left {
                remove(inner, tables.volumes, &gone);
            }
        }
        return;
    }
    match (text(&volume, &["status", "phase"]), claimer) {
        ("Bound" | "Released", _) => {}
        (_, Some(waiting)) => claim(inner, settings, tables, &waiting),
        // It was another claim's.
        (_, None) if !text(&volume, &["spec", "claimRef", "uid"]).is_empty() => {
            turn(inner, settings, tables.volumes, stored, volume, "Released");
        }
        ("Available", None) => {}
        // Kept for a claim that is still to come, or for nobody.
        (_, None) => turn(inner, settings, tables.volumes, stored, volume, "Available"),
    }
}

/// After a claim is gone: its volume is released, and gone too where it is to be deleted.
pub(super) fn claim_gone(inner: &mut Inner, settings: &Settings, tables: Tables, last: &Stored) {
    let name = last.text_at(&["spec", "volumeName"]).unwrap_or_default();
    let Some(stored) = inner.store.get(tables.volumes, &name).cloned() else { return };
    let volume = stored.object();
    if *text(&volume, &["spec", "claimRef", "uid"]) != *last.uid {
        return;
    }
    if text(&volume, &["spec", "persistentVolumeReclaimPolicy"]) == "Delete" {
        remove(inner, tables.volumes, &stored);
    } else {
        turn(inner, settings, tables.volumes, &stored, volume, "Released");
    }
}

/// After a pod is gone: claims that waited for it.
pub(super) fn pod_gone(inner: &mut Inner, settings: &Settings, tables: Tables, last: &Stored) {
    let Some(namespace) = last.namespace() else { return };
    for name in claims_of(&last.object()) {
        if let Some(stored) = inner.store.get(tables.claims, &key(Some(namespace), &name)).cloned()
            && meta::deleting(&stored.object())
        {
            claim(inner, settings, tables, &stored);
        }
    }
}

/// Whether a pod on a node uses the claim, ended or not (`podUsesPVCForDeletion`): no kubelet begins one whose claim is to
/// go.
fn in_use(inner: &Inner, claim: &Stored) -> bool {
    let Some(pods) = inner.kinds.table_of("", "pods") else { return false };
    inner.store.range(pods, claim.namespace(), None).any(|pod| {
        let pod = pod.object();
        !text(&pod, &["spec", "nodeName"]).is_empty()
            && claims_of(&pod).iter().any(|name| name == claim.name())
    })
}

/// The claims that a pod names.
fn claims_of(pod: &Object) -> Vec<String> {
    let volumes = pod.get("spec").and_then(|spec| spec.get("volumes")).and_then(Value::as_array);
    let name =
        |volume: &Value| Some(volume.get("persistentVolumeClaim")?.get("claimName")?.as_str()?.to_owned());
    volumes.into_iter().flatten().filter_map(name).collect()
}

/// The volume that a claim names, or that is kept for it, if it may have it.
fn volume_of(inner: &Inner, tables: Tables, claim: &Stored, object: &Object) -> Option<Arc<Stored>> {
    let may = |volume: &Object| {
        let part = |name: &str| text(volume, &["spec", "claimRef", name]);
        let kept = part("namespace") == claim.namespace().unwrap_or_default() && part("name") == claim.name();
        kept && (part("uid").is_empty() || *part("uid") == *claim.uid)
    };
    let unclaimed = |volume: &Object| volume.get("spec").is_some_and(|spec| spec.get("claimRef").is_none());
    match text(object, &["spec", "volumeName"]) {
        "" => inner.store.range(tables.volumes, None, None).find(|stored| may(&stored.object())).cloned(),
        name => {
            let stored = inner.store.get(tables.volumes, name)?;
            let volume = stored.object();
            (may(&volume) || unclaimed(&volume)).then(|| Arc::clone(stored))
        }
    }
}

/// Gives a claim its volume, and the volume its claim.
fn bind(
    inner: &mut Inner,
    settings: &Settings,
    tables: Tables,
    stored: &Arc<Stored>,
    mut claim: Object,
    found: &Arc<Stored>,
) {
    let mut volume = found.object();
    let reference = json!({
        "kind": "PersistentVolumeClaim", "namespace": stored.namespace(), "name": stored.name(), "uid": &*stored.uid,
        "apiVersion": "v1", "resourceVersion": stored.revision.to_string(),
    });
    if text(&volume, &["spec", "claimRef", "name"]).is_empty() {
        annotate(&mut volume, CHOSEN);
    }
    let (capacity, modes) = match volume.get_mut("spec").and_then(Value::as_object_mut) {
        Some(spec) => {
            spec.insert("claimRef".to_owned(), reference);
            (spec.get("capacity").cloned(), spec.get("accessModes").cloned())
        }
        None => return,
    };
    turn(inner, settings, tables.volumes, found, volume, "Bound");
    annotate(&mut claim, COMPLETED);
    if text(&claim, &["spec", "volumeName"]).is_empty() {
        annotate(&mut claim, CHOSEN);
    }
    if let Some(spec) = claim.get_mut("spec").and_then(Value::as_object_mut) {
        spec.insert("volumeName".to_owned(), found.name().into());
    }
    let status = claim.entry("status").or_insert_with(|| json!({}));
    if let Some(status) = status.as_object_mut() {
        status.insert("accessModes".to_owned(), modes.unwrap_or_else(|| json!([])));
        status.insert("capacity".to_owned(), capacity.unwrap_or_else(|| json!({})));
    }
    phase(inner, tables.claims, stored, claim, "Bound");
}

fn annotate(object: &mut Object, name: &str) {
    let annotations = meta::metadata(object).entry("annotations").or_insert_with(|| json!({}));
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.insert(name.to_owned(), "yes".into());
    }
}

/// A volume's phase, and since when.
fn turn(
    inner: &mut Inner,
    settings: &Settings,
    table: TableId,
    stored: &Stored,
    mut volume: Object,
    to: &str,
) {
    let status = volume.entry("status").or_insert_with(|| json!({}));
    if let Some(status) = status.as_object_mut() {
        status.insert("lastPhaseTransitionTime".to_owned(), meta::time(settings.clock.now()));
    }
    phase(inner, table, stored, volume, to);
}

fn phase(inner: &mut Inner, table: TableId, stored: &Stored, mut object: Object, phase: &str) {
    let status = object.entry("status").or_insert_with(|| json!({}));
    if let Some(status) = status.as_object_mut() {
        status.insert("phase".to_owned(), phase.into());
    }
    put(inner, table, &stored.key, object);
}

/// Takes finalizers off; gives the object back where it has none left.
fn drop_finalizers(
    inner: &mut Inner,
    table: TableId,
    stored: &Arc<Stored>,
    mut object: Object,
    ours: impl Fn(&str) -> bool,
) -> Option<Arc<Stored>> {
    let before = meta::names(&object, "finalizers");
    let left: Vec<Value> =
        before.iter().filter(|name| !ours(name)).map(|name| name.as_str().into()).collect();
    if left.is_empty() {
        return Some(Arc::clone(stored));
    }
    if left.len() < before.len() {
        meta::set(&mut object, "finalizers", Some(Value::Array(left)));
        put(inner, table, &stored.key, object);
    }
    None
}

fn text<'a>(object: &'a Object, path: &[&str]) -> &'a str {
    let (first, rest) = path.split_first().expect("invariant: no path is empty");
    let found = rest.iter().try_fold(object.get(*first), |at, name| Some(at?.get(name)));
    found.flatten().and_then(Value::as_str).unwrap_or_default()
}
