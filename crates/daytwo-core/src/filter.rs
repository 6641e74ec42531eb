//! Which resources and objects a backup or restore takes: Velero's filters, and what is left out unless asked for.
//!
//! The rules are those of Velero 1.18 (`pkg/util/collections/includes_excludes.go`, `pkg/backup/item_collector.go`,
//! `site/content/docs/v1.18/resource-filtering.md`). Two differ, since a backup is one pass over the cluster: of the
//! related cluster-scoped objects, definitions of custom resources come along where the filter takes the resource,
//! without a look at whether any object exists; cluster roles and their bindings come only with
//! `include_cluster_resources`.
//!
//! It refuses to leave out what it cannot judge: an object whose labels cannot be read is taken.

mod defaults;
pub(crate) mod glob;
mod related;

pub use defaults::{DEFAULTS, LeftOut, Objects, left_out_by_default};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::json::Meta;
use crate::resource::{Named, ResourceType, is_builtin, lookup, spells};
use crate::selector::Selector;

/// The label that keeps an object out of backups.
pub const EXCLUDE_LABEL: &str = "velero.io/exclude-from-backup";

/// What a person asked for. The default takes everything but [`DEFAULTS`].
///
/// Namespaces and resources may be globs: `*`, `?`, `[a-c]`, `{a,b}`. An empty list of includes means everything, as
/// does `*` in it; excludes win. Resources go by plural, singular, kind or short name, with or without group; a glob
/// is held against `plural.group`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Filter {
    /// Namespaces to take.
    pub include_namespaces: Vec<String>,
    /// Namespaces to leave out.
    pub exclude_namespaces: Vec<String>,
    /// Resources to take. Naming one that [`DEFAULTS`] leaves out takes it; `*` takes all of them.
    pub include_resources: Vec<String>,
    /// Resources to leave out.
    pub exclude_resources: Vec<String>,
    /// Labels that objects must have. Namespaces chosen by name need not have them.
    pub selector: Option<Selector>,
    /// `Some(true)`: cluster-scoped objects too. `Some(false)`: none but namespaces. `None`: all of them if all
    /// namespaces are taken; otherwise only the volumes and snapshot contents that belong to the namespaces taken,
    /// and the definitions of the custom resources taken.
    pub include_cluster_resources: Option<bool>,
}

/// Whether something is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It is.
    Take,
    /// It is not, and why.
    LeaveOut(Reason),
}

/// Why something is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Not among the resources to take.
    ResourceNotIncluded,
    /// Among the resources to leave out.
    ResourceExcluded,
    /// Its namespace is not taken.
    Namespace,
    /// Cluster-scoped, and only namespaces are taken.
    ClusterScoped,
    /// Its labels do not match.
    Selector,
    /// It carries [`EXCLUDE_LABEL`].
    ExcludeLabel,
    /// Left out unless asked for: the reason in [`DEFAULTS`].
    Default(&'static str),
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Reason::ResourceNotIncluded => "not among the included resources",
            Reason::ResourceExcluded => "an excluded resource",
            Reason::Namespace => "outside the chosen namespaces",
            Reason::ClusterScoped => {
                "cluster-scoped, and not all namespaces are taken (--include-cluster-resources takes it)"
            }
            Reason::Selector => "labels that the selector does not match",
            Reason::ExcludeLabel => "labelled velero.io/exclude-from-backup=true",
            Reason::Default(why) => why,
        })
    }
}

/// A filter that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A pattern that cannot be read.
    #[error("cannot read the pattern {pattern:?}: {why}; patterns are made of *, ?, [a-c] and {{a,b}}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// `*` among the excludes.
    #[error("excluding * leaves nothing: name what to leave out")]
    Everything,
    /// The same name on both sides.
    #[error("{name:?} is both included and excluded: drop one of them")]
    Both {
        /// The name.
        name: String,
    },
}

impl Filter {
    /// Refuses what Velero refuses.
    ///
    /// # Errors
    /// [`FilterError`], for the first thing wrong.
    pub fn check(&self) -> Result<(), FilterError> {
        for (includes, excludes) in [
            (&self.include_namespaces, &self.exclude_namespaces),
            (&self.include_resources, &self.exclude_resources),
        ] {
            for pattern in includes.iter().chain(excludes) {
                let bad = |why| FilterError::Pattern { pattern: pattern.clone(), why };
                glob::check(pattern).map_err(bad)?;
            }
            if excludes.iter().any(|pattern| pattern == "*") {
                return Err(FilterError::Everything);
            }
            if let Some(name) = includes.iter().find(|name| excludes.contains(name)) {
                return Err(FilterError::Both { name: name.clone() });
            }
        }
        Ok(())
    }

    /// Puts `plural.group` in place of every resource name that a type of `known` goes by, so that `services` means
    /// one type and not those of every group. Gives the names and globs that mean none of `known`: they take, or
    /// leave out, nothing.
    pub fn resolve(&mut self, known: &[Named]) -> Vec<String> {
        let mut unknown = Vec::new();
        for typed in self.include_resources.iter_mut().chain(&mut self.exclude_resources) {
            if glob::is_glob(typed) {
                if !known.iter().any(|one| names(typed, &one.resource)) {
                    unknown.push(typed.clone());
                }
                continue;
            }
            match lookup(typed, known) {
                // A core resource keeps its dot, to say which group is meant.
                Ok(one) => *typed = format!("{}.{}", one.resource.resource, one.resource.group),
                Err(_) => unknown.push(typed.clone()),
            }
        }
        unknown
    }

    /// Whether all namespaces are taken.
    pub fn all_namespaces(&self) -> bool {
        self.exclude_namespaces.is_empty() && everything(&self.include_namespaces)
    }

    /// Whether objects of this namespace are taken.
    pub fn namespace(&self, namespace: &str) -> bool {
        let is = |pattern: &String| glob::matches(pattern, namespace);
        !self.exclude_namespaces.iter().any(is)
            && (everything(&self.include_namespaces) || self.include_namespaces.iter().any(is))
    }

    /// The namespaces to read where they are all told by name; `None` where only a list of all can tell.
    pub fn exact_namespaces(&self) -> Option<Vec<String>> {
        if everything(&self.include_namespaces)
            || self.include_namespaces.iter().any(|name| glob::is_glob(name))
        {
            return None;
        }
        let mut exact: Vec<String> = Vec::new();
        for name in &self.include_namespaces {
            if self.namespace(name) && !exact.contains(name) {
                exact.push(name.clone());
            }
        }
        Some(exact)
    }

    /// Whether any resource of an API group may be taken; for groups of which nobody can say what is in them.
    pub fn group(&self, group: &str) -> bool {
        let any = format!("x.{group}");
        let whole = |pattern: &String| pattern.starts_with('*') && glob::matches(pattern, &any);
        let may = |pattern: &String| match pattern.split_once('.') {
            _ if whole(pattern) => true,
            Some((_, in_group)) => glob::matches(in_group, group),
            None => glob::is_glob(pattern) || !is_builtin(pattern),
        };
        if self.exclude_resources.iter().any(whole) {
            return false;
        }
        let left_out = DEFAULTS.iter().any(|row| row.whole_group(group));
        match everything(&self.include_resources) {
            true => !left_out || !self.include_resources.is_empty(),
            false => self.include_resources.iter().any(may),
        }
    }

    /// Whether objects of this type may be taken; [`Filter::object`] then decides for each.
    pub fn resource(&self, resource: &ResourceType) -> Choice {
        if self.exclude_resources.iter().any(|pattern| names(pattern, resource)) {
            return Choice::LeaveOut(Reason::ResourceExcluded);
        }
        let choice = self.directly(resource);
        if choice != Choice::Take && self.relation(resource).is_some() {
            return Choice::Take;
        }
        choice
    }

    /// Whether this object is taken, of a type that [`Filter::resource`] takes; `bytes` is the object, read only
    /// where what it refers to decides. A Namespace counts as being in itself.
    pub fn object(&self, resource: &ResourceType, meta: &Meta, bytes: &[u8]) -> Choice {
        let is_namespace = resource.is("", "namespaces");
        let within = if is_namespace { Some(&*meta.name) } else { meta.namespace.as_deref() };
        if within.is_some_and(|namespace| !self.namespace(namespace)) {
            return Choice::LeaveOut(Reason::Namespace);
        }
        if meta.labels.is_some()
            && meta.label(EXCLUDE_LABEL).is_ok_and(|value| value.as_deref() == Some("true"))
        {
            return Choice::LeaveOut(Reason::ExcludeLabel);
        }
        if !resource.namespaced
            && !is_namespace
            && let Choice::LeaveOut(reason) = self.directly(resource)
            && let Some(relation) = self.relation(resource)
        {
            return if self.related(relation, bytes) { Choice::Take } else { Choice::LeaveOut(reason) };
        }
        let by_name = is_namespace && !self.all_namespaces();
        if !by_name && !self.selected(meta) {
            return Choice::LeaveOut(Reason::Selector);
        }
        match defaults::object(resource, meta) {
            Some(why) if !self.asked_for(resource) => Choice::LeaveOut(Reason::Default(why)),
            _ => Choice::Take,
        }
    }

    fn selected(&self, meta: &Meta) -> bool {
        self.selector.as_ref().is_none_or(|selector| selector.matches_json(meta.labels).unwrap_or(true))
    }

    /// What holds for the type as such, apart from excludes and relations.
    fn directly(&self, resource: &ResourceType) -> Choice {
        let included = everything(&self.include_resources) || self.named(resource);
        if !included {
            return Choice::LeaveOut(Reason::ResourceNotIncluded);
        }
        if !resource.namespaced && !resource.is("", "namespaces") {
            let scope = self.include_cluster_resources.unwrap_or_else(|| self.all_namespaces());
            if !scope {
                return Choice::LeaveOut(Reason::ClusterScoped);
            }
        }
        match defaults::whole(resource) {
            Some(why) if !self.asked_for(resource) => Choice::LeaveOut(Reason::Default(why)),
            _ => Choice::Take,
        }
    }

    fn named(&self, resource: &ResourceType) -> bool {
        self.include_resources.iter().any(|pattern| names(pattern, resource))
    }

    /// Whether the includes name it, or everything with `*`, so that the defaults do not count.
    fn asked_for(&self, resource: &ResourceType) -> bool {
        !self.include_resources.is_empty() && self.named(resource)
    }
}

fn everything(includes: &[String]) -> bool {
    includes.is_empty() || includes.iter().any(|pattern| pattern == "*")
}

/// Whether a pattern or typed name of resources means this type.
fn names(pattern: &str, resource: &ResourceType) -> bool {
    if glob::is_glob(pattern) {
        return glob::matches(pattern, &resource.group_resource());
    }
    spells(pattern, resource)
}

#[cfg(test)]
mod tests;
