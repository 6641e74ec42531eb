//! A backup as a cluster.

use daytwo_archive::{ArchiveError, Backup};
use daytwo_core::resource::ResourceType;

use super::{Loader, Source};

impl Source {
    /// What a backup holds, as of the revision it was taken at.
    ///
    /// # Errors
    /// Those of reading it: [`ArchiveError::Corrupt`] where it is damaged, [`ArchiveError::Denied`] where no key opens it.
    pub async fn backup(backup: &Backup) -> Result<Source, ArchiveError> {
        let head = backup.head();
        let mut loader = Loader::default();
        for problem in &head.problems {
            loader.note(format!("the backup lacks something: {}", problem.what));
        }
        let mut entries = backup.entries().await?;
        while let Some(entry) = entries.next().await? {
            let resource = &entry.resource;
            let kind = ResourceType {
                group: resource.group.clone(),
                version: resource.version.clone(),
                resource: resource.resource.clone(),
                kind: resource.kind.clone(),
                namespaced: resource.namespaced,
            };
            if let Err(error) = loader.json(&kind, &entry.bytes) {
                loader.note(format!("{} {} cannot be read: {error}", resource.group_resource(), entry.name));
            }
        }
        let version = (!head.server.version.is_empty()).then(|| head.server.version.clone());
        Ok(loader.finish(format!("backup:{}", head.name), version, head.revision.unwrap_or(0)))
    }
}
