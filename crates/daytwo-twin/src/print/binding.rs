//! RoleBindings and ClusterRoleBindings.

use jiff::Timestamp;
use serde_json::Value;

use super::read;
use crate::ask::Object;

/// What is given: `ClusterRole/admin`.
pub(super) fn role(binding: &Object, _: Timestamp) -> Value {
    let part = |name| read::text(binding, &["roleRef", name]);
    format!("{}/{}", part("kind"), part("name")).into()
}

/// To which users.
pub(super) fn users(binding: &Object, _: Timestamp) -> Value {
    subjects(binding, "User")
}

/// To which groups.
pub(super) fn groups(binding: &Object, _: Timestamp) -> Value {
    subjects(binding, "Group")
}

/// To which ServiceAccounts: `namespace/name`.
pub(super) fn accounts(binding: &Object, _: Timestamp) -> Value {
    subjects(binding, "ServiceAccount")
}

fn subjects(binding: &Object, kind: &str) -> Value {
    let of_kind =
        read::list(binding, &["subjects"]).iter().filter(|subject| read::field(subject, "kind") == kind);
    let named = of_kind.map(|subject| match (kind, read::field(subject, "name")) {
        ("ServiceAccount", name) => format!("{}/{name}", read::field(subject, "namespace")),
        (_, name) => name.to_owned(),
    });
    named.collect::<Vec<_>>().join(", ").into()
}
