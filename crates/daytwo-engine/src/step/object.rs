//! Writes one object of a backup: looks whether it is there, creates it, looks again if somebody was faster.
//!
//! It refuses to change what is there, but for a ServiceAccount `default` as its controller makes it.

use daytwo_core::json::JsonError;
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Action, Failed, How, Later, Skip, Source, Tally, Wave, Write, address_fallback};

use super::owners::Owners;
use super::request::{Created, Writer};
use super::{account, duration, failed, job};
use crate::advance::Act;
use crate::api::ApiError;
use crate::discovery;
use crate::restore::lists::escape;
use crate::restore::{Live, Seen};

/// How often a Service gives up another of its fields.
const FALLBACKS: u32 = 4;

/// What came of an object.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Nothing that needs its name.
    Plain(Action),
    /// Something to tell.
    Told(Box<Told>),
}

/// What there is to tell of an object.
#[derive(Debug)]
pub(super) struct Told {
    key: ObjectKey,
    end: End,
    notes: Vec<String>,
}

#[derive(Debug)]
enum End {
    Action(Action),
    Skipped(Skip),
    Failed(Failed),
    /// It was counted before.
    Counted,
}

impl Outcome {
    /// It was passed over.
    pub fn skipped(key: ObjectKey, why: Skip) -> Self {
        Self::Told(Box::new(Told { key, end: End::Skipped(why), notes: Vec::new() }))
    }

    /// Its JSON in the backup cannot be read.
    pub fn unreadable(key: ObjectKey, error: &JsonError) -> Self {
        let message = format!("its JSON in the backup cannot be read: {error}");
        let failed = Failed { object: key.clone(), code: None, reason: "Corrupt".to_owned(), message };
        Self::Told(Box::new(Told { key, end: End::Failed(failed), notes: Vec::new() }))
    }

    /// Adds it to a tally, as one of `resource`.
    pub fn add_to(self, resource: &str, tally: &mut Tally) {
        let told = match self {
            Self::Plain(action) => return tally.count(resource, action),
            Self::Told(told) => *told,
        };
        for note in told.notes {
            tally.note(told.key.clone(), note);
        }
        match told.end {
            End::Action(Action::Differs) => tally.differs(told.key),
            End::Action(action) => tally.count(resource, action),
            End::Skipped(why) => tally.skipped(told.key, why),
            End::Failed(failed) => tally.failed(failed),
            End::Counted => {}
        }
    }
}

/// Writes the objects of one wave.
pub(super) struct Objects<'a> {
    act: &'a Act<'a>,
    writer: Writer<'a>,
    owners: Owners<'a>,
    live: Live,
    /// Kinds of this wave were defined just now.
    fresh: bool,
}

/// Why an object was not written.
enum Trouble {
    Source(JsonError),
    Refused { error: ApiError, body: Vec<u8>, what: &'static str },
    Halted,
}

impl From<JsonError> for Trouble {
    fn from(error: JsonError) -> Self {
        Self::Source(error)
    }
}

impl<'a> Objects<'a> {
    /// For `act`, which saw what is `live`; `wave` is what is written.
    pub fn new(act: &'a Act<'a>, live: Live, wave: Option<Wave>) -> Self {
        let rules = act.world.rules;
        let patience = duration(rules.request().waits.request);
        let writer = Writer { client: act.world.site.client(), patience, halt: &act.halt };
        let fresh = wave == Some(Wave::CustomResources);
        Self { act, writer, owners: Owners::new(writer, rules), live, fresh }
    }

    /// Whether `source` was created and waits for its last write.
    pub fn waits(&self, source: &Source<'_>) -> bool {
        self.live.get(self.act.world.rules, source).is_some_and(|seen| seen.half_done)
    }

    /// Gives `source`, which waits for them, its owners.
    pub async fn bind(&self, source: &Source<'_>, last: bool) -> Outcome {
        let key = self.act.world.rules.key(source);
        let mut notes = Vec::new();
        let end = match self.rebind(source, &key, last, &mut notes).await {
            Ok(()) => End::Counted,
            Err(Trouble::Halted) => End::Counted,
            Err(Trouble::Refused { error, .. })
                if self.act.halt.is_cancelled() && error.retry().is_some() =>
            {
                End::Counted
            }
            Err(Trouble::Refused { error, body, what }) => {
                End::Failed(failed(key.clone(), &error, &body, what))
            }
            Err(Trouble::Source(error)) => return Outcome::unreadable(key, &error),
        };
        Outcome::Told(Box::new(Told { key, end, notes }))
    }

    async fn rebind(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        last: bool,
        notes: &mut Vec<String>,
    ) -> Result<(), Trouble> {
        match &self.act.world.rules.prepare(source)?.later {
            Some(later) => self.follow(source, key, later, last, notes).await,
            None => Ok(()),
        }
    }

    /// Deals with `source`; `None` if it has to be looked at again when the run is resumed.
    pub async fn write(&self, source: &Source<'_>) -> Option<Outcome> {
        if !self.act.may_act().await {
            return None;
        }
        let key = self.act.world.rules.key(source);
        let mut notes = Vec::new();
        let end = match self.attempt(source, &key, &mut notes).await {
            Ok(action) if notes.is_empty() && action != Action::Differs => {
                return Some(Outcome::Plain(action));
            }
            Ok(action) => End::Action(action),
            // What no answer came to, while the run ends, is looked at again when it goes on.
            Err(Trouble::Halted) => return None,
            Err(Trouble::Refused { error, .. })
                if self.act.halt.is_cancelled() && error.retry().is_some() =>
            {
                return None;
            }
            Err(Trouble::Refused { error, body, what }) => {
                End::Failed(failed(key.clone(), &error, &body, what))
            }
            Err(Trouble::Source(error)) => return Some(Outcome::unreadable(key, &error)),
        };
        Some(Outcome::Told(Box::new(Told { key, end, notes })))
    }

    async fn attempt(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        notes: &mut Vec<String>,
    ) -> Result<Action, Trouble> {
        let rules = self.act.world.rules;
        if let Some(seen) = self.live.get(rules, source) {
            return self.kept(source, key, seen, false, notes).await;
        }
        let write = rules.prepare(source)?;
        let uids = match &write.later {
            Some(later) => self.owners(key, later, false).await?,
            None => None,
        };
        match self.create(source, key, &write, uids.as_deref(), notes).await? {
            Created::New => {
                notes.extend(write.notes.iter().cloned());
                self.finish_job(source, key, &write.how).await?;
                if let (Some(later), Some(uids)) = (&write.later, &uids)
                    && !later.one_manager
                {
                    self.managers(source, key, later, uids).await?;
                }
                Ok(Action::Created)
            }
            Created::Exists { perhaps_ours } => match self.look(source, key).await? {
                Some(seen) => self.kept(source, key, seen, perhaps_ours, notes).await,
                // Deleted again meanwhile: the next run sees.
                None => Err(self.vanished(source, key)),
            },
        }
    }

    /// Creates it; a Service gives up the addresses that this cluster refuses.
    async fn create(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        write: &Write,
        uids: Option<&[Option<String>]>,
        notes: &mut Vec<String>,
    ) -> Result<Created, Trouble> {
        let path = self.collection(source, key);
        let mut body = match &write.later {
            Some(later) => later.body(&write.body, uids)?,
            None => write.body.clone(),
        };
        for _ in 0..=FALLBACKS {
            match self.writer.create(&path, body.clone(), write.manager.as_deref(), self.fresh).await {
                Ok(created) => return Ok(created),
                Err(error) if error.code() == Some(422) && key.resource == "services" => {
                    match address_fallback(&body, &refusal_text(&error))? {
                        Some((less, note)) => {
                            body = less;
                            notes.push(note);
                        }
                        None => return Err(Trouble::Refused { error, body, what: "" }),
                    }
                }
                Err(error) => return Err(Trouble::Refused { error, body, what: "" }),
            }
        }
        Err(Trouble::Halted)
    }

    /// What follows a create that may have been cut off.
    async fn complete(
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

    async fn finish_job(&self, source: &Source<'_>, key: &ObjectKey, how: &How) -> Result<(), Trouble> {
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
    async fn follow(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        later: &Later,
        last: bool,
        notes: &mut Vec<String>,
    ) -> Result<(), Trouble> {
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

    async fn owners(
        &self,
        key: &ObjectKey,
        later: &Later,
        last: bool,
    ) -> Result<Option<Vec<Option<String>>>, Trouble> {
        self.owners.find(key.namespace.as_deref(), later, last).await.map_err(without_owners)
    }

    async fn managers(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        later: &Later,
        uids: &[Option<String>],
    ) -> Result<(), Trouble> {
        let patch = later.managers_patch(uids);
        self.writer.merge(&self.path(source, key), patch).await.map_err(without_owners)
    }

    /// It is there: is it the same? `perhaps_ours` if an earlier try of this run may have made it.
    async fn kept(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        seen: Seen,
        perhaps_ours: bool,
        notes: &mut Vec<String>,
    ) -> Result<Action, Trouble> {
        let rules = self.act.world.rules;
        if seen.half_done {
            // A restore that was cut off made it, and did not come to its last write.
            let write = rules.prepare(source)?;
            self.complete(source, key, &write, notes).await?;
            return Ok(Action::Created);
        }
        if seen.is(rules, source)? {
            return Ok(if perhaps_ours { Action::Created } else { Action::Same });
        }
        let write = rules.prepare(source)?;
        match &write.how {
            How::FinishedJob { .. } if perhaps_ours => {
                self.complete(source, key, &write, notes).await?;
                Ok(Action::Created)
            }
            How::DefaultAccount => self.merge_account(source, key, &write, notes).await,
            _ => Ok(Action::Differs),
        }
    }

    async fn merge_account(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        write: &Write,
        notes: &mut Vec<String>,
    ) -> Result<Action, Trouble> {
        match account::merge(&self.writer, &self.path(source, key), &write.body).await {
            Ok(true) => Ok(Action::Merged),
            Ok(false) => {
                let note = "was kept as it is: somebody had changed it from what its controller makes";
                notes.push(note.to_owned());
                Ok(Action::Same)
            }
            Err(account::Failed::Api(error)) => Err(Trouble::Refused { error, body: Vec::new(), what: "" }),
            Err(account::Failed::Json(error)) => Err(error.into()),
        }
    }

    /// What is there now; `None` if nothing is.
    async fn look(&self, source: &Source<'_>, key: &ObjectKey) -> Result<Option<Seen>, Trouble> {
        let body = self.writer.get(&self.path(source, key)).await;
        let body = body.map_err(|error| Trouble::Refused { error, body: Vec::new(), what: "" })?;
        let Some(body) = body else { return Ok(None) };
        let rules = self.act.world.rules;
        Ok(Some(Seen::of(rules, &key.resource, key.namespace.as_deref(), &key.name, &body)?))
    }

    fn vanished(&self, source: &Source<'_>, key: &ObjectKey) -> Trouble {
        let error = ApiError::Status {
            method: http::Method::POST,
            path: self.collection(source, key),
            code: 409,
            reason: "AlreadyExists".to_owned(),
            message: "it was there when it was to be created, and gone when it was looked at".to_owned(),
            retry_after: None,
        };
        Trouble::Refused { error, body: Vec::new(), what: "" }
    }

    fn collection(&self, source: &Source<'_>, key: &ObjectKey) -> String {
        discovery::path(source.resource, &source.resource.version, key.namespace.as_deref())
    }

    fn path(&self, source: &Source<'_>, key: &ObjectKey) -> String {
        format!("{}/{}", self.collection(source, key), escape(&key.name))
    }
}

fn without_owners(error: ApiError) -> Trouble {
    let what = "its owners, or the managers of its fields, could not be given back";
    Trouble::Refused { error, body: Vec::new(), what }
}

fn refusal_text(error: &ApiError) -> String {
    match error {
        ApiError::Status { message, .. } => message.clone(),
        other => other.to_string(),
    }
}
