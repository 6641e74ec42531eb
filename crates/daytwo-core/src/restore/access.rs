//! What a caller has to be allowed to do for a restore, gathered while it is planned: verbs, by resource and
//! namespace; and the roles that only who holds them, or may `escalate` or `bind`, can give away.
//!
//! It refuses to ask: the engine reviews what the caller may do, and here is said what is not allowed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, How, Later, RECLAIM_MARK, Rules, Source, Unfit, Write};
use crate::plan::{Plan, Step};
use crate::resource::ObjectKey;

mod grant;
mod lack;
mod role;

pub use grant::{Grants, Rule};
pub use lack::{not_allowed, unknown};
pub use role::rules_of;

const ROLES: &str = "roles.rbac.authorization.k8s.io";
const CLUSTER_ROLES: &str = "clusterroles.rbac.authorization.k8s.io";
const ROLE_BINDINGS: &str = "rolebindings.rbac.authorization.k8s.io";
const CLUSTER_ROLE_BINDINGS: &str = "clusterrolebindings.rbac.authorization.k8s.io";

/// Up to this many names are remembered of what needs a verb: a rule may be for some names only.
const NAMES: usize = 64;

/// Something that a caller has to be allowed to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// As in `create`.
    pub verb: &'static str,
    /// As in `deployments.apps`.
    pub resource: String,
    /// As in `status`.
    pub subresource: Option<&'static str>,
    /// Where; `None` for cluster-scoped resources.
    pub namespace: Option<String>,
}

/// What there is to say of a need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// How many objects need it.
    pub count: u64,
    /// The first of them.
    pub first: ObjectKey,
    /// Whether the restore goes wrong without; else only if something else does too.
    pub must: bool,
    /// The names of what is acted on, where the server is told them and they are not too many.
    names: Option<BTreeSet<String>>,
}

impl Wanted {
    /// Whether `grants` allow `need`: for any name, or for each of the names.
    pub fn allowed(&self, need: &Need, grants: &Grants) -> bool {
        grants.allow(need, None)
            || self
                .names
                .as_ref()
                .is_some_and(|names| names.iter().all(|name| grants.allow(need, Some(name))))
    }

    /// The one name that is acted on.
    pub fn only_name(&self) -> Option<&str> {
        let names = self.names.as_ref().filter(|names| names.len() == 1)?;
        names.first().map(String::as_str)
    }
}

/// Everything that a restore needs to be allowed.
#[derive(Debug, Default)]
pub struct Needs {
    needs: BTreeMap<Need, Wanted>,
    roles: BTreeMap<ObjectKey, Vec<Rule>>,
    /// Those of the roles that are written.
    written: BTreeSet<ObjectKey>,
    /// Bindings that are written, with the role of each.
    bindings: BTreeMap<ObjectKey, ObjectKey>,
}

impl Needs {
    /// Whether nothing has to be allowed.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// The needs, each with what there is to say of it.
    pub fn iter(&self) -> impl Iterator<Item = (&Need, &Wanted)> {
        self.needs.iter()
    }

    /// Takes in what `action` on `source` needs.
    ///
    /// # Errors
    /// Its bytes are not JSON.
    pub fn note(&mut self, rules: &Rules, source: &Source<'_>, action: Action) -> Result<(), Unfit> {
        let object = rules.key(source);
        if matches!(object.resource.as_str(), ROLES | CLUSTER_ROLES) {
            self.note_role(&object, source.bytes);
        }
        let verbs: &[(&'static str, bool)] = match action {
            Action::Created => &[("create", true), ("get", false)],
            Action::Updated => &[("get", true), ("update", true)],
            Action::Replaced => &[("get", true), ("delete", true), ("create", true)],
            Action::Merged => &[("get", true), ("patch", true)],
            Action::Same | Action::Differs | Action::Deleted | Action::Skipped | Action::Failed => {
                return Ok(());
            }
        };
        for (verb, must) in verbs {
            let named = (*verb != "create").then_some(object.name.as_str());
            self.need(verb, &object, None, *must, named);
        }
        match object.resource.as_str() {
            ROLES | CLUSTER_ROLES => {
                self.written.insert(object.clone());
            }
            ROLE_BINDINGS | CLUSTER_ROLE_BINDINGS => {
                self.note_binding(&object, source.bytes);
            }
            _ => {}
        }
        if action == Action::Merged {
            return Ok(());
        }
        if action == Action::Created && rules.parks(source)? {
            for verb in ["get", "update"] {
                self.need(verb, &object, None, true, Some(&object.name));
            }
        }
        let write = rules.prepare(source)?;
        if action != Action::Updated {
            self.note_what_follows(&object, &write);
        }
        if let Some(later) = &write.later {
            self.note_owners(rules, &object, later, action != Action::Updated);
        }
        Ok(())
    }

    /// What follows a create.
    fn note_what_follows(&mut self, object: &ObjectKey, write: &Write) {
        let name = Some(object.name.as_str());
        if matches!(write.how, How::FinishedJob { .. }) {
            self.need("patch", object, Some("status"), true, name);
            self.need("patch", object, None, true, name);
        }
        if object.resource == "persistentvolumes"
            && memchr::memmem::find(&write.body, RECLAIM_MARK.as_bytes()).is_some()
        {
            self.need("list", object, None, true, None);
            self.need("patch", object, None, true, name);
        }
        if write.later.as_ref().is_some_and(|later| later.status.is_some()) {
            self.need("patch", object, Some("status"), true, name);
        }
    }

    /// Owners are looked up; what is `created` before them gets them by a patch.
    fn note_owners(&mut self, rules: &Rules, object: &ObjectKey, later: &Later, created: bool) {
        let owned = !later.owners.is_empty();
        if later.more_follows() || created && owned {
            self.need("patch", object, None, true, Some(&object.name));
        }
        if created && owned {
            // What was made before its owners is found again by a list.
            self.need("list", object, None, true, None);
        }
        for owner in &later.owners {
            let Some(kind) = rules.resource_of(&owner.group, &owner.kind) else { continue };
            let namespace = object.namespace.clone().filter(|_| kind.namespaced);
            let key = ObjectKey { resource: kind.group_resource(), namespace, name: owner.name.clone() };
            self.need("get", &key, None, true, Some(&owner.name));
            if owner.blocks() {
                self.need("update", &key, Some("finalizers"), false, Some(&owner.name));
            }
        }
    }

    /// Takes in what the other steps of `plan` need.
    pub fn note_plan(&mut self, plan: &Plan) {
        for (_, step) in plan.steps() {
            match step {
                Step::EnsureNamespaces { namespaces } => {
                    for name in namespaces {
                        let resource = "namespaces".to_owned();
                        let key = ObjectKey { resource, namespace: None, name: name.clone() };
                        self.need("create", &key, None, true, None);
                    }
                }
                Step::PruneObjects { extra } => {
                    for object in extra {
                        self.need("delete", object, None, true, Some(&object.name));
                    }
                }
                Step::AwaitEndpoints { services, .. } => {
                    for (namespace, name) in services.iter().filter_map(|service| service.split_once('/')) {
                        let of = |resource: &str, name: &str| ObjectKey {
                            resource: resource.to_owned(),
                            namespace: Some(namespace.to_owned()),
                            name: name.to_owned(),
                        };
                        self.need("list", &of("endpointslices.discovery.k8s.io", name), None, false, None);
                        self.need("get", &of("services", name), None, false, Some(name));
                    }
                }
                _ => {}
            }
        }
    }

    fn need(
        &mut self,
        verb: &'static str,
        object: &ObjectKey,
        subresource: Option<&'static str>,
        must: bool,
        name: Option<&str>,
    ) {
        let need = Need {
            verb,
            resource: object.resource.clone(),
            subresource,
            namespace: object.namespace.clone(),
        };
        let wanted = self.needs.entry(need).or_insert_with(|| Wanted {
            count: 0,
            first: object.clone(),
            must,
            names: name.map(|_| BTreeSet::new()),
        });
        wanted.count += 1;
        wanted.must |= must;
        match (&mut wanted.names, name) {
            (Some(names), Some(name)) if names.len() < NAMES || names.contains(name) => {
                names.insert(name.to_owned());
            }
            (names, _) => *names = None,
        }
    }
}

#[cfg(test)]
mod tests;
