//! Roles and bindings: who gives away more than is held needs `escalate` or `bind` (apiserver
//! `pkg/registry/rbac/role/policybased` and `rolebinding/policybased`, Kubernetes 1.36). It refuses to take a role that
//! cannot be seen for one that is held.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{CLUSTER_ROLES, Grants, Needs, ROLES, Rule};
use crate::resource::ObjectKey;

impl Needs {
    pub(super) fn note_role(&mut self, role: &ObjectKey, bytes: &[u8]) {
        let rules = match serde_json::from_slice::<Role>(bytes) {
            Ok(Role { aggregation_rule: None, rules }) => rules.unwrap_or_default(),
            // Whoever may write an aggregated role has to hold everything; so of one that cannot be read.
            Ok(Role { aggregation_rule: Some(_), .. }) | Err(_) => Rule::everything().to_vec(),
        };
        self.roles.insert(role.clone(), rules);
    }

    pub(super) fn note_binding(&mut self, binding: &ObjectKey, bytes: &[u8]) {
        let Ok(Binding { role_ref }) = serde_json::from_slice::<Binding>(bytes) else { return };
        let role = match role_ref.kind.as_str() {
            "Role" => ObjectKey {
                resource: ROLES.to_owned(),
                namespace: binding.namespace.clone(),
                name: role_ref.name,
            },
            _ => ObjectKey { resource: CLUSTER_ROLES.to_owned(), namespace: None, name: role_ref.name },
        };
        self.bindings.insert(binding.clone(), role);
    }

    /// The roles that bindings name and that the restore does not write: whoever reviews looks them up.
    pub fn roles_to_look_up(&self) -> BTreeSet<ObjectKey> {
        self.bindings.values().filter(|role| !self.written.contains(role)).cloned().collect()
    }

    /// The namespaces of roles and bindings that are written.
    pub fn namespaces_of_roles(&self) -> impl Iterator<Item = String> {
        self.written.iter().chain(self.bindings.keys()).filter_map(|object| object.namespace.clone())
    }

    /// Takes in that roles beyond what the caller holds need `escalate` and bindings to them `bind`. `grants` are the
    /// caller's by namespace, `None` for cluster-scoped; `live` are roles that were looked up.
    pub fn note_roles<'g>(
        &mut self,
        grants: impl Fn(Option<&str>) -> &'g Grants,
        live: &BTreeMap<ObjectKey, Vec<Rule>>,
    ) {
        let held = |at: Option<&str>, rules: &[Rule]| {
            let own = grants(at);
            rules.iter().all(|rule| own.hold(rule))
        };
        let written = self.written.iter().filter(|role| {
            let rules = self.roles.get(*role).map(Vec::as_slice).unwrap_or_default();
            !held(role.namespace.as_deref(), rules)
        });
        let beyond: Vec<ObjectKey> = written.cloned().collect();
        let bound: Vec<(ObjectKey, ObjectKey)> = self
            .bindings
            .iter()
            .filter(|(binding, role)| {
                let brought = self.roles.get(*role).filter(|_| self.written.contains(*role));
                // Of a role that is nowhere to be seen nothing is held.
                brought
                    .or_else(|| live.get(*role))
                    .is_none_or(|rules| !held(binding.namespace.as_deref(), rules))
            })
            .map(|(binding, role)| (binding.clone(), role.clone()))
            .collect();
        for role in beyond {
            self.need("escalate", &role, None, true, None);
        }
        for (binding, role) in bound {
            // It is asked for in the binding's namespace.
            let asked = ObjectKey { namespace: binding.namespace, ..role };
            self.need("bind", &asked, None, true, Some(&asked.name));
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Role {
    #[serde(default)]
    rules: Option<Vec<Rule>>,
    #[serde(default)]
    aggregation_rule: Option<serde::de::IgnoredAny>,
}

/// The rules of a role, as JSON of the server.
pub fn rules_of(role: &[u8]) -> Option<Vec<Rule>> {
    serde_json::from_slice::<Role>(role).ok().map(|role| role.rules.unwrap_or_default())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    role_ref: RoleRef,
}

#[derive(Debug, Deserialize)]
struct RoleRef {
    kind: String,
    name: String,
}
