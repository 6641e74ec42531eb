//! Volumes and claims (`pkg/registry/core/{persistentvolume,persistentvolumeclaim}/strategy.go`,
//! `pkg/api/persistentvolumeclaim/util.go`; Kubernetes 1.36).

use serde_json::{Value, json};

use crate::ask::{Ask, Object};
use crate::rules::edit::{inner, keep, part, set, text};
use crate::rules::look::field;

/// The data a claim begins with: what may not be said is dropped, and both ways to say it are filled in.
pub(super) fn claim(object: &mut Object, old: Option<&Object>) {
    let before = old.map(|old| inner(old, "spec"));
    let had = |name: &str| before.is_some_and(|spec| spec.contains_key(name));
    let spec = part(object, "spec");
    if !text(inner(spec, "dataSourceRef"), "namespace").is_empty() && !had("dataSourceRef") {
        set(spec, "dataSourceRef", Value::Null);
    }
    if !had("dataSource") && !spec.contains_key("dataSourceRef") && !known(inner(spec, "dataSource")) {
        set(spec, "dataSource", Value::Null);
    }
    let (source, reference) = (spec.contains_key("dataSource"), spec.contains_key("dataSourceRef"));
    let (from, to) = match (source, reference) {
        (true, false) => ("dataSource", "dataSourceRef"),
        (false, true) if text(inner(spec, "dataSourceRef"), "namespace").is_empty() => {
            ("dataSourceRef", "dataSource")
        }
        _ => return,
    };
    let said = inner(spec, from);
    let copy =
        json!({"apiGroup": field(said, "apiGroup"), "kind": text(said, "kind"), "name": text(said, "name")});
    set(spec, to, copy);
}

fn known(source: &Object) -> bool {
    matches!(
        (text(source, "apiGroup"), text(source, "kind")),
        ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
    )
}

/// When a volume's phase changed last.
pub(super) fn volume_status(new: &mut Object, old: &Object, ask: &Ask<'_>) {
    const WHEN: &str = "lastPhaseTransitionTime";
    let before = inner(old, "status");
    let status = part(new, "status");
    let missing = field(status, WHEN).is_null();
    if text(status, "phase") == text(before, "phase") {
        if missing {
            keep(status, before, WHEN);
        }
    } else if missing || field(status, WHEN) == field(before, WHEN) {
        set(status, WHEN, super::stamp(ask.now));
    }
}
