//! Bindings of rbac.authorization.k8s.io/v1alpha1 (kubernetes v1.36.3,
//! `pkg/apis/rbac/v1alpha1/{conversion,defaults}.go`). It refuses to bind more than was bound: the user `*` of that
//! version was everybody who had logged in.

use super::Unconvertible;
use super::draft::Draft;
use super::split;
use crate::json::quote;

const GROUP: &str = "rbac.authorization.k8s.io";

/// A subject names its group instead of a version.
pub(super) fn binding(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    draft.implied(&["roleRef", "apiGroup"], &quote(GROUP));
    draft.each(&["subjects"], |subject| {
        let version = subject.text(&["apiVersion"])?.unwrap_or_default();
        subject.edits.remove(&["apiVersion"]);
        match subject.text(&["kind"])?.as_deref() {
            Some("ServiceAccount") => {}
            Some("User") if subject.text(&["name"])?.as_deref() == Some("*") => {
                subject.edits.set_str(&["kind"], "Group").set_str(&["name"], "system:authenticated");
                subject.edits.set_str(&["apiGroup"], GROUP);
            }
            Some("User" | "Group") => drop(subject.edits.set_str(&["apiGroup"], GROUP)),
            _ => drop(subject.edits.set_str(&["apiGroup"], split(&version).0)),
        }
        Ok(())
    })
}
