//! Changes an object that is there and differs: updates it in place, or deletes and creates it.
//!
//! It looks again first: what is the same by now is left alone, and every change names the UID and the version of that
//! look. It refuses to delete what the server would not take back.

use daytwo_core::json::Meta;
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Action, Source, Unfit, Write};
use tokio::time::{Instant, sleep};

use super::object::{Objects, Trouble};
use super::request::{Created, Deletion, Tries};
use crate::api::ApiError;
use crate::restore::Seen;

/// The pause between two looks at an object that is being deleted.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

impl Objects<'_> {
    /// Makes what is there like the backup's.
    pub(super) async fn update(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        write: &Write,
    ) -> Result<Action, Trouble> {
        let path = self.path(source, key);
        let mut tries = Tries::new(self.writer.patience, false);
        let uids = self.owners_so_far(key, write).await?;
        let mut sent = false;
        loop {
            let live = self.writer.get(&path).await.map_err(refused)?;
            let Some(live) = live else { return Err(self.vanished(source, key)) };
            if self.is_same(source, key, &live)? {
                if !sent {
                    return Ok(Action::Same);
                }
                break;
            }
            sent = true;
            let body = self.act.world.rules.over(key, write, uids.as_deref(), &Meta::of(&live)?)?;
            let Err(error) = self.writer.put_once(&path, body.clone(), write.manager.as_deref()).await else {
                break;
            };
            self.writer.again(&mut tries, error).await.map_err(|error| Trouble::Refused {
                error,
                body,
                what: "it could not be updated in place",
            })?;
        }
        if let (Some(later), Some(uids)) = (&write.later, &uids)
            && later.more_follows()
        {
            self.managers(source, key, later, uids).await?;
        }
        Ok(Action::Updated)
    }

    /// Deletes what is there, and creates it.
    pub(super) async fn replace(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        write: &Write,
        notes: &mut Vec<String>,
    ) -> Result<Action, Trouble> {
        // A Service's own address is taken as long as it is there.
        if key.resource != "services" {
            let body = write.body.clone();
            match self.writer.would_take(&self.collection(source, key), body.clone()).await {
                Err(error) if !cannot_rehearse(&error) => {
                    let what = "it was not deleted to be replaced, as the server would not take it back";
                    return Err(Trouble::Refused { error, body, what });
                }
                _ => {}
            }
        }
        if !self.delete(source, key).await? {
            return Ok(Action::Same);
        }
        match self.make(source, key, write, notes).await {
            Ok(Created::New) => Ok(Action::Replaced),
            Ok(Created::Exists { perhaps_ours }) => match self.look(source, key).await? {
                // The answer to the create was lost.
                Some(seen) if perhaps_ours && seen.finishes(self.act.world.rules, source)? => {
                    self.complete(source, key, write, notes).await?;
                    Ok(Action::Replaced)
                }
                Some(seen) if seen.is(self.act.world.rules, source)? => Ok(Action::Replaced),
                // Its controller was faster.
                _ => Ok(Action::Differs),
            },
            Err(Trouble::Refused { error, body, .. }) => {
                let what = "it was deleted to be replaced, and was not created: restore it again";
                Err(Trouble::Refused { error, body, what })
            }
            Err(other) => Err(other),
        }
    }

    /// Deletes what is there; `false` if that is the same as the backup's by now.
    async fn delete(&self, source: &Source<'_>, key: &ObjectKey) -> Result<bool, Trouble> {
        let path = self.path(source, key);
        let since = Instant::now();
        let mut tries = Tries::new(self.writer.patience, false);
        while let Some(live) = self.writer.get(&path).await.map_err(refused)? {
            let meta = Meta::of(&live)?;
            if meta.deletion_timestamp {
                if since.elapsed() > self.writer.patience {
                    return Err(Trouble::Refused {
                        error: lingers(path, &meta),
                        body: Vec::new(),
                        what: "it was deleted to be replaced, and is not gone",
                    });
                }
                tokio::select! {
                    () = self.writer.halt.cancelled() => return Err(Trouble::Halted),
                    () = sleep(PAUSE) => continue,
                }
            }
            if self.is_same(source, key, &live)? {
                return Ok(false);
            }
            let (uid, version) = (
                meta.uid.as_deref().unwrap_or_default(),
                meta.resource_version.as_deref().unwrap_or_default(),
            );
            match self.writer.delete_once(&path, uid, version, Deletion::Alone).await {
                Ok(()) => {}
                Err(error) if error.code() == Some(404) => break,
                Err(error) => tries.again(error, self.writer.halt).await.map_err(refused)?,
            }
        }
        Ok(true)
    }

    fn is_same(&self, source: &Source<'_>, key: &ObjectKey, live: &[u8]) -> Result<bool, Unfit> {
        let rules = self.act.world.rules;
        let seen = Seen::of(rules, &key.resource, key.namespace.as_deref(), &key.name, live)?;
        seen.is(rules, source)
    }
}

/// A webhook with side effects refuses dry runs: nobody can tell then.
fn cannot_rehearse(error: &ApiError) -> bool {
    error.code() == Some(400) && error.to_string().contains("dry run")
}

fn lingers(path: String, meta: &Meta<'_>) -> ApiError {
    let finalizers = meta.finalizers.map(String::from_utf8_lossy).unwrap_or_default();
    ApiError::Status {
        method: http::Method::DELETE,
        path,
        code: 409,
        reason: "Terminating".to_owned(),
        message: format!("its finalizers keep it: {finalizers}"),
        retry_after: None,
    }
}

fn refused(error: ApiError) -> Trouble {
    Trouble::Refused { error, body: Vec::new(), what: "" }
}
