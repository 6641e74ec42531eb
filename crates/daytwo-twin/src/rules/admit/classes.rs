//! Default classes of claims and ingresses, and which claims may grow (`plugin/pkg/admission/storage/{storageclass/
//! setdefault,persistentvolume/resize}`, `plugin/pkg/admission/network/defaultingressclass`; Kubernetes 1.36).

use std::cmp::Reverse;

use super::{forbidden, is, note};
use crate::ask::{Ask, Object};
use crate::rules::edit::{inner, part, set, text};
use crate::rules::look::field;
use crate::rules::words::Amount;
use crate::status::Result;

const OLD_STORAGE: &str = "volume.beta.kubernetes.io/storage-class";

/// The youngest of the default classes, of those the first by name.
fn default(group: &str, resource: &str, marks: &[&str], ask: &Ask<'_>) -> Option<String> {
    let all = ask.around.list(group, resource, None);
    let meta = |class: &Object, name: &str| text(inner(class, "metadata"), name).to_owned();
    let marked = all.iter().filter(|class| marks.iter().any(|mark| note(class, mark) == Some("true")));
    let first = marked.min_by_key(|class| (Reverse(meta(class, "creationTimestamp")), meta(class, "name")));
    first.map(|class| meta(class, "name"))
}

/// Gives a claim or an ingress that names no class the default one.
pub(super) fn defaults(new: &mut Object, ask: &Ask<'_>) {
    let spec = inner(new, "spec");
    if is(ask, "", "persistentvolumeclaims") {
        if note(new, OLD_STORAGE).is_some() || spec.contains_key("storageClassName") {
            return;
        }
        let marks = [
            "storageclass.kubernetes.io/is-default-class",
            "storageclass.beta.kubernetes.io/is-default-class",
        ];
        if let Some(name) = default("storage.k8s.io", "storageclasses", &marks, ask) {
            set(part(new, "spec"), "storageClassName", name);
        }
    } else if is(ask, "networking.k8s.io", "ingresses") {
        if note(new, "kubernetes.io/ingress.class").is_some() || spec.contains_key("ingressClassName") {
            return;
        }
        let marks = ["ingressclass.kubernetes.io/is-default-class"];
        if let Some(name) = default("networking.k8s.io", "ingressclasses", &marks, ask) {
            set(part(new, "spec"), "ingressClassName", name);
        }
    }
}

/// Whether a claim may ask for more than it has.
pub(super) fn resize(new: &Object, old: Option<&Object>, ask: &Ask<'_>) -> Result<()> {
    let Some(old) = old.filter(|_| is(ask, "", "persistentvolumeclaims")) else { return Ok(()) };
    let size =
        |claim| Amount::of(field(inner(inner(inner(claim, "spec"), "resources"), "requests"), "storage"));
    if size(new) <= size(old) {
        return Ok(());
    }
    if text(inner(old, "status"), "phase") != "Bound" {
        return Err(forbidden(new, ask, "Only bound persistent volume claims can be expanded"));
    }
    let class =
        |claim| note(claim, OLD_STORAGE).unwrap_or_else(|| text(inner(claim, "spec"), "storageClassName"));
    let grows = class(new) == class(old)
        && ask
            .around
            .get("storage.k8s.io", "storageclasses", None, class(new))
            .is_some_and(|class| field(&class, "allowVolumeExpansion").as_bool() == Some(true));
    if grows {
        return Ok(());
    }
    let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
    Err(forbidden(new, ask, why))
}
