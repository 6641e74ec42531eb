//! Writes one object of a backup: looks whether it is there, creates it, looks again if somebody was faster.
//!
//! It refuses to change what is there unless it was asked to, but for a ServiceAccount `default` as its controller
//! makes it.

use daytwo_core::json::JsonError;
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Action, Existing, How, Source, Unfit, Wave, Write, address_fallback};

use super::outcome::{End, Outcome, Told};
use super::owners::Owners;
use super::request::{Created, Writer};
use super::{account, failed};
use crate::advance::Act;
use crate::api::ApiError;
use crate::discovery;
use crate::restore::lists::escape;
use crate::restore::{Live, Seen};

/// How often a Service gives up another of its fields.
const FALLBACKS: u32 = 4;

/// Writes the objects of one wave.
pub(super) struct Objects<'a> {
    pub(super) act: &'a Act<'a>,
    pub(super) writer: Writer<'a>,
    pub(super) owners: Owners<'a>,
    live: Live,
    /// Kinds of this wave were defined just now.
    fresh: bool,
}

/// Why an object was not written.
pub(super) enum Trouble {
    /// Its JSON, or that of what is there, cannot be read; or it cannot be changed as asked.
    Source(Unfit),
    /// The server refused it, or did not answer.
    Refused { error: ApiError, body: Vec<u8>, what: &'static str },
    /// The run is to end.
    Halted,
}

impl From<Unfit> for Trouble {
    fn from(error: Unfit) -> Self {
        Self::Source(error)
    }
}

impl From<JsonError> for Trouble {
    fn from(error: JsonError) -> Self {
        Self::Source(error.into())
    }
}

impl<'a> Objects<'a> {
    /// For `act`, which saw what is `live`; `wave` is what is written.
    pub fn new(act: &'a Act<'a>, live: Live, wave: Option<Wave>) -> Self {
        let rules = act.world.rules;
        let writer = Writer::of(act);
        let fresh = matches!(wave, Some(Wave::CustomResources | Wave::Converted));
        Self { act, writer, owners: Owners::new(writer, rules, wave.is_none()), live, fresh }
    }

    /// What is there in the place of `source`.
    pub fn seen(&self, source: &Source<'_>) -> Option<Seen> {
        self.live.get(self.act.world.rules, source)
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
            Err(Trouble::Refused { error, body, what }) => self.refused(&key, &error, &body, what),
            Err(Trouble::Source(error)) => return Outcome::unfit(key, &error),
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
            Some(later) if !later.owners.is_empty() => self.follow(source, key, later, last, notes).await,
            _ => Ok(()),
        }
    }

    fn refused(&self, key: &ObjectKey, error: &ApiError, body: &[u8], what: &str) -> End {
        let failed = failed(key.clone(), error, body, what);
        self.act.world.barriers.tell(&failed);
        End::Failed(failed)
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
            Err(Trouble::Refused { error, body, what }) => self.refused(&key, &error, &body, what),
            Err(Trouble::Source(error)) => return Some(Outcome::unfit(key, &error)),
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
        if let Some(seen) = self.seen(source) {
            return self.kept(source, key, seen, false, notes).await;
        }
        let write = rules.prepare(source)?;
        match self.make(source, key, &write, notes).await? {
            Created::New => Ok(Action::Created),
            Created::Exists { perhaps_ours } => match self.look(source, key).await? {
                Some(seen) => self.kept(source, key, seen, perhaps_ours, notes).await,
                // Deleted again meanwhile: the next run sees.
                None => Err(self.vanished(source, key)),
            },
        }
    }

    /// Creates it, whole: with what follows a create.
    pub(super) async fn make(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        write: &Write,
        notes: &mut Vec<String>,
    ) -> Result<Created, Trouble> {
        let uids = self.owners_so_far(key, write).await?;
        let created = self.create(source, key, write, uids.as_deref(), notes).await?;
        if created == Created::New {
            notes.extend(write.notes.iter().cloned());
            self.finish_job(source, key, &write.how).await?;
            match (&write.later, &uids) {
                (Some(later), Some(uids)) => self.rest(source, key, later, uids).await?,
                (Some(later), None) => self.status(source, key, later).await?,
                (None, _) => {}
            }
        }
        Ok(created)
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
        let manager = write.manager.as_deref();
        let create = async |body| self.writer.create(&path, body, manager, self.fresh).await;
        send(key, body(write, uids)?, notes, create).await
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
        if seen.finishes(rules, source)? {
            // A restore that was cut off made it, and did not come to its last write.
            let write = rules.prepare(source)?;
            self.complete(source, key, &write, notes).await?;
            return Ok(Action::Created);
        }
        if seen.is(rules, source)? {
            return Ok(if perhaps_ours { Action::Created } else { Action::Same });
        }
        if rules.derived(source)? {
            return Ok(Action::Same);
        }
        let write = rules.prepare(source)?;
        match &write.how {
            How::FinishedJob { .. } if perhaps_ours => {
                self.complete(source, key, &write, notes).await?;
                Ok(Action::Created)
            }
            How::DefaultAccount => self.merge_account(source, key, &write, notes).await,
            _ => match rules.existing(&key.resource) {
                Existing::Keep => Ok(Action::Differs),
                Existing::Update => {
                    let action = self.update(source, key, &write).await?;
                    notes.extend(write.notes.into_iter().filter(|_| action == Action::Updated));
                    Ok(action)
                }
                Existing::Replace => self.replace(source, key, &write, notes).await,
            },
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
    pub(super) async fn look(&self, source: &Source<'_>, key: &ObjectKey) -> Result<Option<Seen>, Trouble> {
        let body = self.writer.get(&self.path(source, key)).await;
        let body = body.map_err(|error| Trouble::Refused { error, body: Vec::new(), what: "" })?;
        let Some(body) = body else { return Ok(None) };
        let rules = self.act.world.rules;
        Ok(Some(Seen::of(rules, &key.resource, key.namespace.as_deref(), &key.name, &body)?))
    }

    pub(super) fn vanished(&self, source: &Source<'_>, key: &ObjectKey) -> Trouble {
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

    pub(super) fn collection(&self, source: &Source<'_>, key: &ObjectKey) -> String {
        discovery::path(source.resource, &source.resource.version, key.namespace.as_deref())
    }

    pub(super) fn path(&self, source: &Source<'_>, key: &ObjectKey) -> String {
        format!("{}/{}", self.collection(source, key), escape(&key.name))
    }
}

/// What creates the object that `write` is of, with the owners whose `uids` are known.
pub(super) fn body(write: &Write, uids: Option<&[Option<String>]>) -> Result<Vec<u8>, JsonError> {
    match &write.later {
        Some(later) => later.body(&write.body, uids),
        None => Ok(write.body.clone()),
    }
}

/// Has `create` send `body`; a Service gives up the addresses that this cluster refuses.
pub(super) async fn send<T>(
    key: &ObjectKey,
    mut body: Vec<u8>,
    notes: &mut Vec<String>,
    create: impl AsyncFn(Vec<u8>) -> Result<T, ApiError>,
) -> Result<T, Trouble> {
    for _ in 0..=FALLBACKS {
        match create(body.clone()).await {
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

fn refusal_text(error: &ApiError) -> String {
    match error {
        ApiError::Status { message, .. } => message.clone(),
        other => other.to_string(),
    }
}
