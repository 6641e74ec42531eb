//! The objects of a backup, as the verbs that show them need them: which kinds there are, one object, or a pass over
//! all of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use daytwo_archive::{Backup, Count, Entries, Entry, Head, MadeBy, Resource};
use daytwo_core::resource::{Named, ResourceType};

use crate::failure::Result;
use crate::kinds::core_type;

/// The kinds a backup holds, in its order. Velero's backups do not say them outside the archive, which is then passed
/// over once.
///
/// # Errors
/// Those of reading.
pub async fn kinds(backup: &mut Backup) -> Result<Vec<Named>> {
    let Head { counts, made_by, .. } = backup.head();
    // Where Velero's list of names is missing nothing is counted, and the archive holds what it holds.
    let uncounted = counts.is_empty() && *made_by == MadeBy::Velero;
    let known = if uncounted { None } else { counts.iter().map(counted).collect::<Option<Vec<_>>>() };
    let types = match known {
        Some(types) => types,
        None => {
            backup.spool().await?;
            let mut found = BTreeMap::new();
            let mut pass = Pass::begin(backup).await?;
            while let Some((kind, _)) = pass.next().await? {
                found.entry(kind.group_resource()).or_insert_with(|| ResourceType::clone(&kind));
            }
            found.into_values().collect()
        }
    };
    Ok(types.into_iter().map(Named::from).collect())
}

/// The type that a count is of; `None` where it does not say the resource.
fn counted(count: &Count) -> Option<ResourceType> {
    let name = count.resource.as_deref()?;
    let (resource, group) = name.split_once('.').unwrap_or((name, ""));
    Some(ResourceType {
        group: group.to_owned(),
        version: count.api_version.rsplit('/').next().unwrap_or_default().to_owned(),
        resource: resource.to_owned(),
        kind: count.kind.clone(),
        namespaced: count.namespaces.keys().any(|namespace| !namespace.is_empty()),
    })
}

/// One pass over the objects of a backup.
pub struct Pass {
    entries: Entries,
    types: HashMap<Arc<Resource>, Arc<ResourceType>>,
}

impl Pass {
    /// Begins at the first object.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn begin(backup: &Backup) -> Result<Self> {
        Ok(Self { entries: backup.entries().await?, types: HashMap::new() })
    }

    /// The next object and its type; `None` after the last.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn next(&mut self) -> Result<Option<(Arc<ResourceType>, Entry)>> {
        let Some(entry) = self.entries.next().await? else { return Ok(None) };
        let kind = match self.types.get(&entry.resource) {
            Some(kind) => Arc::clone(kind),
            None => {
                let kind = Arc::new(core_type(&entry.resource));
                self.types.insert(Arc::clone(&entry.resource), Arc::clone(&kind));
                kind
            }
        };
        Ok(Some((kind, entry)))
    }
}
