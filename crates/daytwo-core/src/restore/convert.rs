//! Brings objects of an API version that the cluster no longer serves to one that it does.
//!
//! A backup holds objects at the versions its cluster preferred. Where Kubernetes itself defines how an object moves on
//! (its own conversion code, and the defaults that it had filled in), the move is made here, once, where an object is
//! read: whatever judges, compares and writes after that sees an object of a served version. The table of moves says
//! where each comes from. A custom resource moves only where its definition says that its versions differ in nothing
//! but their name.
//!
//! It refuses to guess: what the newer version cannot express, and what only a webhook could convert, stays behind with
//! the reason. It refuses to go back to an older version: that could lose fields.

mod admission;
mod autoscaling;
mod claims;
mod classes;
mod definitions;
mod disruption;
mod draft;
mod endpoints;
mod flow;
mod ingress;
mod managers;
mod moved;
mod roles;
mod table;
mod workloads;

use std::sync::Arc;

use self::draft::Draft;
pub(super) use self::moved::Moves;
use self::table::{Move, moves};
use super::Target;
use crate::json::JsonError;
use crate::resource::ResourceType;

/// How the objects of one type come to another version, and perhaps another group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    from: ResourceType,
    to: Arc<ResourceType>,
    how: How,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum How {
    /// One of the table.
    Moved(&'static Move),
    /// A custom resource of which every version has the same fields.
    Renamed,
}

/// An object at its new version.
#[derive(Clone, PartialEq, Eq)]
pub struct Converted {
    /// Its JSON.
    pub bytes: Vec<u8>,
    /// What it lost on the way or what had to be written out, each as a sentence without its subject.
    pub notes: Vec<String>,
}

impl std::fmt::Debug for Converted {
    /// Without its bytes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Converted({} bytes, {:?})", self.bytes.len(), self.notes)
    }
}

/// Why an object stays behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unconvertible {
    /// The newer version has no way to say it; a clause that follows the object's name.
    #[error("{0}")]
    Inexpressible(String),
    /// It is not what its type says.
    #[error("its JSON cannot be read: {0}")]
    Json(#[from] JsonError),
}

impl Conversion {
    /// The type of the backup's objects.
    pub fn from(&self) -> &ResourceType {
        &self.from
    }

    /// The type that the cluster serves.
    pub fn to(&self) -> &Arc<ResourceType> {
        &self.to
    }

    /// `object`, one of [`Conversion::from`], at the new version.
    ///
    /// # Errors
    /// The new version cannot express it, or it is not JSON.
    pub fn convert(&self, object: &[u8]) -> Result<Converted, Unconvertible> {
        let mut draft = Draft::new(&self.from, object);
        if let How::Moved(Move { shape: Some(shape), .. }) = &self.how {
            shape(&mut draft)?;
        }
        let to = self.to.api_version();
        managers::carry(&mut draft, &self.to, |entry| self.alike(entry))?;
        draft.edits.set_str(&["apiVersion"], &to);
        draft.finish()
    }

    /// Whether fields at the API version `entry` are named as in the new one.
    fn alike(&self, entry: &str) -> bool {
        let (group, version) = split(entry);
        match self.how {
            How::Renamed => group == self.to.group,
            How::Moved(_) => moves(group, version, &self.to.resource)
                .any(|known| known.to == (&*self.to.group, &*self.to.version) && known.alike),
        }
    }
}

impl Target {
    /// How objects of type `from` come into this cluster; `None` where they come as they are, or not at all.
    pub fn conversion(&self, from: &ResourceType) -> Option<Conversion> {
        let resource = from.group_resource();
        if self.serves(&resource, &from.version) {
            return None;
        }
        let to = |group: &str, version: &str| {
            let to = ResourceType { group: group.to_owned(), version: version.to_owned(), ..from.clone() };
            self.serves(&to.group_resource(), version).then(|| Arc::new(to))
        };
        let moved = moves(&from.group, &from.version, &from.resource)
            .find_map(|known| Some((to(known.to.0, known.to.1)?, How::Moved(known))));
        let (to, how) = match moved {
            Some(found) => found,
            // Of a version that it does not name nobody knows whether it had the same fields.
            None if self.alike.get(&resource).is_some_and(|named| named.contains(&from.version)) => {
                (to(&from.group, self.served.get(&resource)?.versions.first()?)?, How::Renamed)
            }
            None => return None,
        };
        Some(Conversion { from: from.clone(), to, how })
    }

    /// Where objects of `group` and `resource`, at whatever version, are found in this cluster.
    pub fn moved_resource(&self, group: &str, resource: &str) -> String {
        let here = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        if self.served.contains_key(&here) {
            return here;
        }
        let moved = table::of_group(group, resource).map(|known| format!("{resource}.{}", known.to.0));
        moved.into_iter().find(|there| self.served.contains_key(there)).unwrap_or(here)
    }

    /// The group and API version by which this cluster knows what an owner reference calls `api_version` and `kind`;
    /// `None` where it is known by that name, or not at all.
    pub(super) fn moved_owner(&self, api_version: &str, kind: &str) -> Option<(String, String)> {
        let (group, version) = split(api_version);
        let is = |resource: &str| super::order::group(resource) == group;
        let known = self.served.iter().find(|(resource, served)| served.kind == kind && is(resource));
        if let Some((_, served)) = known {
            let newest = served.versions.first()?;
            let same = served.versions.iter().any(|served| served == version);
            let name = if group.is_empty() { newest.clone() } else { format!("{group}/{newest}") };
            return (!same).then(|| (group.to_owned(), name));
        }
        let (group, version) = table::of_kind(group, kind)?;
        let served = |resource: &str| self.serves(resource, version);
        let there =
            self.served.keys().any(|resource| super::order::group(resource) == group && served(resource));
        there.then(|| (group.to_owned(), format!("{group}/{version}")))
    }

    /// What to do about objects of `kind`, which this cluster neither serves nor can be given by a conversion.
    pub(super) fn instead(&self, kind: &ResourceType) -> String {
        let resource = kind.group_resource();
        if let Some(instead) = table::instead(&kind.group, &kind.resource) {
            return instead.to_owned();
        }
        match self.served.get(&resource).map(|served| served.versions.join(", ")) {
            Some(versions) if self.by_webhook.contains(&resource) => format!(
                "only the definition's conversion webhook knows how its versions differ: restore into a cluster that \
                 serves {}, have them stored at one of {versions} there, and back up again",
                kind.version
            ),
            Some(_) => "restore into a cluster that serves that version".to_owned(),
            None => format!("install what defines {resource}, or restore its CustomResourceDefinition too"),
        }
    }
}

/// Group and version of `apps/v1`.
fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

#[cfg(test)]
mod tests;
