//! The fields of what a plan would change or leave different: each live object is looked at by itself, after the plan
//! was made.
//!
//! It refuses to hold more than a few objects: the backup is streamed, and whoever asks says how many answers are kept.

use std::sync::Arc;

use daytwo_archive::Entry;
use daytwo_core::diff::{Field, Secrets};
use daytwo_core::resource::{ObjectKey, ResourceType};
use daytwo_core::restore::{Action, Rules};
use futures::stream::{FuturesUnordered, TryStreamExt};

use super::lists::escape;
use super::survey::{Kinds, source};
use super::{Planned, RestoreError, Runner};
use crate::api;
use crate::discovery;
use crate::event::Event;

/// Objects looked at at the same time.
const LOOKS: usize = 16;
/// Progress is told after this many objects.
const TELL_EVERY: usize = 1_000;

/// What is to be compared.
#[derive(Debug, Clone, Copy)]
pub struct Comparing {
    /// Whether the values of Secrets are shown.
    pub secrets: Secrets,
    /// At most so many objects that differ are compared, and so many that are changed on the way.
    pub most: usize,
}

/// One object, compared.
#[derive(Debug)]
pub struct Compared {
    /// Its place in [`Planned::objects`].
    pub place: usize,
    /// Its fields that differ or are changed on the way; or why they are not known.
    pub fields: Result<Vec<Field>, String>,
}

/// The objects of a plan, compared.
#[derive(Debug, Default)]
pub struct Comparison {
    /// In the order of the plan's objects.
    pub objects: Vec<Compared>,
    /// How many that differ were not compared.
    pub differing_left_out: u64,
    /// How many that are changed on the way are not shown.
    pub changed_left_out: u64,
}

/// An object that is there.
struct Look {
    entry: Entry,
    kind: Arc<ResourceType>,
    key: ObjectKey,
    place: usize,
    action: Action,
}

impl Runner<'_> {
    /// Compares what `planned`, made with [`super::Detail::Objects`], would change or leave different: backup, cluster,
    /// and what is sent.
    ///
    /// # Errors
    /// [`RestoreError::Cluster`] where the server does not answer, [`RestoreError::Backup`],
    /// [`RestoreError::Cancelled`]. What cannot be looked at is told of that object.
    pub async fn compare(&self, planned: &Planned, how: Comparing) -> Result<Comparison, RestoreError> {
        self.events.event(Event::Started { what: "comparing fields".to_owned() });
        let compared = self.stop.run_until_cancelled(self.compared(planned, how)).await;
        let compared = compared.unwrap_or(Err(RestoreError::Cancelled))?;
        self.events.event(Event::Finished { what: "comparing fields".to_owned() });
        Ok(compared)
    }

    async fn compared(&self, planned: &Planned, how: Comparing) -> Result<Comparison, RestoreError> {
        let mut comparison = Comparison::default();
        let (mut differing, mut changed) = (0, 0);
        let mut looks = FuturesUnordered::new();
        let mut kinds = Kinds::default();
        let mut entries = self.backup.entries().await?;
        let mut place = 0;
        while let Some(entry) = entries.next().await? {
            let kind = kinds.of(&entry.resource);
            let source = source(&entry, &kind);
            // What nobody asked for has no place in the plan.
            let key = planned.rules.key(&source);
            let Some(decided) = planned.objects.get(place).filter(|decided| decided.object == key) else {
                continue;
            };
            place += 1;
            self.tell(place, planned.objects.len());
            match decided.action {
                Action::Created => {
                    let fields = planned.rules.fields(&source, None, decided.action, how.secrets);
                    if fields.as_ref().is_ok_and(Vec::is_empty) {
                        continue;
                    }
                    changed += 1;
                    if changed > how.most {
                        comparison.changed_left_out += 1;
                        continue;
                    }
                    let fields = fields.map_err(|error| error.to_string());
                    comparison.objects.push(Compared { place: place - 1, fields });
                }
                Action::Differs | Action::Updated | Action::Replaced | Action::Merged => {
                    differing += 1;
                    if differing > how.most {
                        comparison.differing_left_out += 1;
                        continue;
                    }
                    if looks.len() >= LOOKS {
                        comparison.objects.extend(looks.try_next().await?);
                    }
                    let look = Look { entry, kind, key, place: place - 1, action: decided.action };
                    looks.push(self.look(&planned.rules, look, how.secrets));
                }
                Action::Same | Action::Deleted | Action::Skipped | Action::Failed => {}
            }
        }
        while let Some(compared) = looks.try_next().await? {
            comparison.objects.push(compared);
        }
        comparison.objects.sort_by_key(|compared| compared.place);
        Ok(comparison)
    }

    /// Looks at what is in an object's place.
    async fn look(&self, rules: &Rules, look: Look, secrets: Secrets) -> Result<Compared, RestoreError> {
        let Look { entry, kind, key, place, action } = look;
        let collection = discovery::path(&kind, &kind.version, key.namespace.as_deref());
        let path = format!("{collection}/{}", escape(&key.name));
        let fields = match api::get(self.site.client(), &path, "application/json").await {
            Ok(live) => rules
                .fields(&source(&entry, &kind), Some(&live), action, secrets)
                .map_err(|error| error.to_string()),
            Err(error) if error.is_unavailable() => return Err(error.into()),
            Err(error) if error.is_not_found() => Err("it is gone since it was listed".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        Ok(Compared { place, fields })
    }

    fn tell(&self, done: usize, total: usize) {
        if done.is_multiple_of(TELL_EVERY) {
            let what = "objects compared".to_owned();
            self.events.event(Event::Progress { what, done: done as u64, total: Some(total as u64) });
        }
    }
}
