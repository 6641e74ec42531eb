//! What follows a create: the status of a finished Job and of custom resources, owners that were not there, the managers
//! of fields.

use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{How, Later, Source, Write};

use super::job;
use super::object::{Objects, Trouble};
use crate::api::ApiError;

impl Objects<'_> {
    /// What follows a create that may have been cut off.
    pub(super) async fn complete(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        write: &Write,
        notes: &mut Vec<String>,
    ) -> Result<(), Trouble> {
        self.finish_job(source, key, &write.how).await?;
        match &write.later {
            Some(later) => self.follow(source, key, later, false, notes).await,
            None => Ok(()),
        }
    }

    pub(super) async fn finish_job(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        how: &How,
    ) -> Result<(), Trouble> {
        let How::FinishedJob { status, suspend } = how else { return Ok(()) };
        let path = self.path(source, key);
        job::finish(&self.writer, &path, status, suspend.as_deref()).await.map_err(|error| Trouble::Refused {
            error,
            body: Vec::new(),
            what: "it was created suspended, and did not get its status back",
        })
    }

    /// Gives it its owners and the managers of its fields; unless it is the `last` look, it waits for an owner that is
    /// not there.
    pub(super) async fn follow(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        later: &Later,
        last: bool,
        notes: &mut Vec<String>,
    ) -> Result<(), Trouble> {
        self.status(source, key, later).await?;
        let Some(uids) = self.owners(key, later, last).await? else { return Ok(()) };
        if let Some(patch) = later.owners_patch(&uids)? {
            self.writer.merge(&self.path(source, key), patch).await.map_err(without_owners)?;
        }
        self.managers(source, key, later, &uids).await?;
        let lost = later.owners.iter().zip(&uids).filter(|(_, uid)| uid.is_none());
        notes.extend(
            lost.map(|(owner, _)| {
                format!("lost its owner {} {}: there is none here", owner.kind, owner.name)
            }),
        );
        Ok(())
    }

    /// What is left of an object that was created with its owners.
    pub(super) async fn rest(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        later: &Later,
        uids: &[Option<String>],
    ) -> Result<(), Trouble> {
        if !later.more_follows() {
            return Ok(());
        }
        self.status(source, key, later).await?;
        self.managers(source, key, later, uids).await
    }

    /// Gives a custom resource its status, where its kind has a subresource for it: else it was content.
    pub(super) async fn status(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        later: &Later,
    ) -> Result<(), Trouble> {
        let Some(patch) = later.status_patch() else { return Ok(()) };
        match self.writer.merge(&format!("{}/status", self.path(source, key)), patch).await {
            Err(error) if error.code() != Some(404) => Err(Trouble::Refused {
                error,
                body: Vec::new(),
                what: "it was created, and did not get its status back",
            }),
            _ => Ok(()),
        }
    }

    /// The UIDs of the owners that `write` is to name, in their order; `None` where one is not there yet, or none is
    /// named.
    pub(super) async fn owners_so_far(
        &self,
        key: &ObjectKey,
        write: &Write,
    ) -> Result<Option<Vec<Option<String>>>, Trouble> {
        match &write.later {
            Some(later) => self.owners(key, later, false).await,
            None => Ok(None),
        }
    }

    async fn owners(
        &self,
        key: &ObjectKey,
        later: &Later,
        last: bool,
    ) -> Result<Option<Vec<Option<String>>>, Trouble> {
        self.owners.find(key.namespace.as_deref(), later, last).await.map_err(without_owners)
    }

    pub(super) async fn managers(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        later: &Later,
        uids: &[Option<String>],
    ) -> Result<(), Trouble> {
        let patch = later.managers_patch(uids);
        self.writer.merge(&self.path(source, key), patch).await.map_err(without_owners)
    }
}

fn without_owners(error: ApiError) -> Trouble {
    let what = "its owners, or the managers of its fields, could not be given back";
    Trouble::Refused { error, body: Vec::new(), what }
}
