//! What is served: every resource with its versions, from the recorded discovery of a real server and from the
//! definitions of custom resources.
//!
//! Objects of one resource are kept once, whatever version they are asked for at. It refuses to know objects.

mod record;

use std::collections::HashMap;
use std::sync::Arc;

use crate::definitions::Definition;
use daytwo_core::resource::ResourceType;

/// Where a resource's objects are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub usize);

/// What says how a resource's objects look.
#[derive(Debug, Clone)]
pub enum Origin {
    /// Kubernetes' own types.
    BuiltIn,
    /// A CustomResourceDefinition.
    Custom(Arc<Definition>),
    /// Nothing: another API server's, found in what was opened. Objects are taken as they are.
    Foreign,
}

/// One resource at one version.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Group, version, plural name, kind and scope.
    pub kind: ResourceType,
    /// The singular name.
    pub singular: String,
    /// Short names, such as `cm`.
    pub short_names: Vec<String>,
    /// Groups such as `all`.
    pub categories: Vec<String>,
    /// What may be done with it.
    pub verbs: Vec<String>,
    /// Its subresources.
    pub subresources: Vec<Subresource>,
    /// The version its objects are kept at.
    pub storage: String,
    /// Where they are kept.
    pub table: TableId,
    /// What says how they look.
    pub origin: Origin,
}

/// A part of a resource with a path of its own.
#[derive(Debug, Clone)]
pub struct Subresource {
    /// The last part of the path, such as `status`.
    pub name: String,
    /// What its answers are: group, version, kind.
    pub answer: (String, String, String),
    /// What may be done with it.
    pub verbs: Vec<String>,
}

impl Resource {
    /// Whether `verb` may be done with it.
    pub fn does(&self, verb: &str) -> bool {
        self.verbs.iter().any(|one| one == verb)
    }

    /// A subresource by name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|one| one.name == name)
    }

    /// The definition, of a custom resource.
    pub fn definition(&self) -> Option<&Arc<Definition>> {
        match &self.origin {
            Origin::Custom(definition) => Some(definition),
            _ => None,
        }
    }
}

/// All that is served, in the server's order of groups and versions.
#[derive(Debug, Clone, Default)]
pub struct Kinds {
    groups: Vec<Group>,
    /// By group and plural.
    tables: HashMap<String, HashMap<String, TableId>>,
    /// How many tables there are.
    count: usize,
}

/// A group with its versions, the preferred one first.
#[derive(Debug, Clone)]
pub struct Group {
    /// Empty for the core's.
    pub name: String,
    /// In order of preference.
    pub versions: Vec<GroupVersion>,
}

/// A version of a group.
#[derive(Debug, Clone)]
pub struct GroupVersion {
    /// As `v1`.
    pub version: String,
    /// In the server's order.
    pub resources: Vec<Arc<Resource>>,
}

impl Group {
    /// Whether Kubernetes itself has the group.
    pub fn is_built_in(&self) -> bool {
        self.versions
            .iter()
            .flat_map(|version| &version.resources)
            .any(|one| matches!(one.origin, Origin::BuiltIn))
    }
}

impl Kinds {
    /// The table of a resource, whether it is served or not. Events of both groups are the same objects.
    pub fn table(&mut self, group: &str, resource: &str) -> TableId {
        let group = if (group, resource) == ("events.k8s.io", "events") { "" } else { group };
        if let Some(table) = self.tables.get(group).and_then(|group| group.get(resource)) {
            return *table;
        }
        let table = TableId(self.count);
        self.count += 1;
        self.tables.entry(group.to_owned()).or_default().insert(resource.to_owned(), table);
        table
    }

    /// The table of a resource that was served once.
    pub fn table_of(&self, group: &str, resource: &str) -> Option<TableId> {
        let group = if (group, resource) == ("events.k8s.io", "events") { "" } else { group };
        self.tables.get(group)?.get(resource).copied()
    }

    /// How many tables there are.
    pub fn tables(&self) -> usize {
        self.count
    }

    /// Serves one more resource at one version.
    pub fn add(&mut self, resource: Resource) {
        let kind = &resource.kind;
        let group = match self.groups.iter_mut().find(|group| group.name == kind.group) {
            Some(group) => group,
            None => {
                // Custom groups follow the built-in ones, by name.
                self.groups.push(Group { name: kind.group.clone(), versions: Vec::new() });
                self.groups.last_mut().expect("invariant: pushed just now")
            }
        };
        let version = match group.versions.iter_mut().find(|version| version.version == kind.version) {
            Some(version) => version,
            None => {
                let built_in = matches!(resource.origin, Origin::BuiltIn);
                group.versions.push(GroupVersion { version: kind.version.clone(), resources: Vec::new() });
                if !built_in {
                    group.versions.sort_by_key(|one| std::cmp::Reverse(preference(&one.version)));
                }
                group
                    .versions
                    .iter_mut()
                    .find(|version| version.version == kind.version)
                    .expect("invariant: pushed just now")
            }
        };
        version.resources.retain(|one| one.kind.resource != resource.kind.resource);
        version.resources.push(Arc::new(resource));
    }

    /// Serves what a definition defines, in place of what was served for it before.
    pub fn define(&mut self, definition: &Arc<Definition>) {
        let names = &definition.names;
        self.forget(&definition.group, &names.plural);
        let table = self.table(&definition.group, &names.plural);
        for version in definition.versions.iter().filter(|version| version.served) {
            let owned = |verbs: &[&str]| verbs.iter().map(|&verb| verb.to_owned()).collect::<Vec<_>>();
            let part = |name: &str, answer: (&str, &str, &str)| Subresource {
                name: name.to_owned(),
                answer: (answer.0.to_owned(), answer.1.to_owned(), answer.2.to_owned()),
                verbs: owned(&["get", "patch", "update"]),
            };
            let status =
                version.status.then(|| part("status", (&definition.group, &version.name, &names.kind)));
            let scale = version.scale.is_some().then(|| part("scale", ("autoscaling", "v1", "Scale")));
            self.add(Resource {
                kind: definition.resource(&version.name),
                singular: names.singular.clone(),
                short_names: names.short_names.clone(),
                categories: names.categories.clone(),
                verbs: owned(&[
                    "delete",
                    "deletecollection",
                    "get",
                    "list",
                    "patch",
                    "create",
                    "update",
                    "watch",
                ]),
                subresources: status.into_iter().chain(scale).collect(),
                storage: definition.storage().name.clone(),
                table,
                origin: Origin::Custom(Arc::clone(definition)),
            });
        }
    }

    /// Serves a resource no longer.
    pub fn forget(&mut self, group: &str, resource: &str) {
        for version in
            self.groups.iter_mut().filter(|one| one.name == group).flat_map(|one| &mut one.versions)
        {
            version.resources.retain(|one| one.kind.resource != resource);
        }
        for group in &mut self.groups {
            group.versions.retain(|version| !version.resources.is_empty());
        }
        self.groups.retain(|group| !group.versions.is_empty());
    }

    /// All groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// A group.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The resource at a path.
    pub fn find(&self, group: &str, version: &str, resource: &str) -> Option<&Arc<Resource>> {
        let version = self.group(group)?.versions.iter().find(|one| one.version == version)?;
        version.resources.iter().find(|one| one.kind.resource == resource)
    }

    /// The resource of a kind, at a version or at the one its objects are kept at.
    pub fn of_kind(&self, group: &str, version: Option<&str>, kind: &str) -> Option<&Arc<Resource>> {
        let all = self.group(group)?.versions.iter().flat_map(|one| &one.resources);
        all.filter(|one| one.kind.kind == kind).find(|one| {
            version.map_or(one.kind.version == one.storage, |version| one.kind.version == version)
        })
    }

    /// A resource at the version its objects are kept at, or at its preferred one.
    pub fn stored(&self, group: &str, resource: &str) -> Option<&Arc<Resource>> {
        let all = || {
            let versions = self.group(group).into_iter().flat_map(|one| &one.versions);
            versions.flat_map(|one| &one.resources).filter(|one| one.kind.resource == resource)
        };
        all().find(|one| one.kind.version == one.storage).or_else(|| all().next())
    }

    /// Every resource once, at the version its objects are kept at.
    pub fn each(&self) -> impl Iterator<Item = &Arc<Resource>> {
        let versions = self.groups.iter().flat_map(|group| &group.versions);
        versions.flat_map(|version| &version.resources).filter(|one| {
            one.kind.version == one.storage
                || !self
                    .groups
                    .iter()
                    .filter(|group| group.name == one.kind.group)
                    .any(|group| group.versions.iter().any(|version| version.version == one.storage))
        })
    }
}

/// How a version is preferred: general availability before beta before alpha, then the higher number
/// (`k8s.io/apimachinery/pkg/version/helpers.go`).
fn preference(version: &str) -> (u8, u64, u64) {
    let Some(rest) = version.strip_prefix('v') else { return (0, 0, 0) };
    let digits = rest.chars().take_while(char::is_ascii_digit).count();
    let Ok(major) = rest[..digits].parse() else { return (0, 0, 0) };
    let rest = &rest[digits..];
    let minor = |text: &str| text.parse().ok();
    match rest {
        "" => (3, major, 0),
        _ => match (rest.strip_prefix("beta").map(minor), rest.strip_prefix("alpha").map(minor)) {
            (Some(Some(minor)), _) => (2, major, minor),
            (_, Some(Some(minor))) => (1, major, minor),
            _ => (0, 0, 0),
        },
    }
}
