//! What came of a restore, object by object, as far as a person should know: counts of everything, and by name what
//! failed, differs, was passed over or needs attention. It refuses to name what went as planned: that is a count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Skip;
use crate::finding::Finding;
use crate::resource::ObjectKey;

/// The most objects that one list of a report names; its count goes on.
pub(super) const MOST_NAMED: usize = 10_000;

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// It was not there and was created.
    Created,
    /// It was there with the backup's content and was left alone.
    Same,
    /// It was there with another content and was left alone.
    Differs,
    /// It was there with another content and was made like the backup's.
    Updated,
    /// It was there with another content, was deleted and created again.
    Replaced,
    /// It was there as a controller makes it and took over what the backup has beside that.
    Merged,
    /// The backup does not hold it, and it was deleted.
    Deleted,
    /// It was passed over, for a reason.
    Skipped,
    /// The server refused it.
    Failed,
}

/// Objects by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// [`Action::Created`].
    pub created: u64,
    /// [`Action::Same`].
    pub same: u64,
    /// [`Action::Differs`].
    pub differs: u64,
    /// [`Action::Updated`].
    #[serde(skip_serializing_if = "is_zero")]
    pub updated: u64,
    /// [`Action::Replaced`].
    #[serde(skip_serializing_if = "is_zero")]
    pub replaced: u64,
    /// [`Action::Merged`].
    pub merged: u64,
    /// [`Action::Deleted`].
    #[serde(skip_serializing_if = "is_zero")]
    pub deleted: u64,
    /// [`Action::Skipped`].
    pub skipped: u64,
    /// [`Action::Failed`].
    pub failed: u64,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, action: Action) {
        *self.of(action) += 1;
    }

    /// All objects.
    pub fn total(&self) -> u64 {
        let changed = self.created + self.updated + self.replaced + self.merged + self.deleted;
        changed + self.same + self.differs + self.skipped + self.failed
    }

    /// Adds the counts of `other`.
    pub fn absorb(&mut self, other: &Counts) {
        self.created += other.created;
        self.same += other.same;
        self.differs += other.differs;
        self.deleted += other.deleted;
        self.updated += other.updated;
        self.replaced += other.replaced;
        self.merged += other.merged;
        self.skipped += other.skipped;
        self.failed += other.failed;
    }

    fn of(&mut self, action: Action) -> &mut u64 {
        match action {
            Action::Created => &mut self.created,
            Action::Same => &mut self.same,
            Action::Differs => &mut self.differs,
            Action::Deleted => &mut self.deleted,
            Action::Updated => &mut self.updated,
            Action::Replaced => &mut self.replaced,
            Action::Merged => &mut self.merged,
            Action::Skipped => &mut self.skipped,
            Action::Failed => &mut self.failed,
        }
    }
}

/// An object that the server refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// The object, by its name in the cluster.
    pub object: ObjectKey,
    /// The HTTP status; `None` where no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The server's reason, such as `Invalid`; empty where it gave none.
    pub reason: String,
    /// What the server said; for Secrets without any of their values.
    pub message: String,
    /// The command to go on with; a report has it, a journal does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Something that was changed on the way, or that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// The object, by its name in the cluster.
    pub object: ObjectKey,
    /// What, as a sentence without its subject: `lost its clusterIP: it was taken`.
    pub what: String,
}

/// Objects passed over for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedGroup {
    /// How many.
    pub count: u64,
    /// The first of them, by their names in the cluster.
    pub objects: Vec<ObjectKey>,
}

/// What came of a number of objects; checkpoints of a journal carry the part since the one before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tally {
    /// By resource, as in `deployments.apps`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, Counts>,
    /// Objects that the server refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failed>,
    /// Objects that were there and differ from the backup.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differing: Vec<ObjectKey>,
    /// Objects passed over.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<Skip, SkippedGroup>,
    /// Objects that were to be changed on the way, by the flag that asked for it, when the restore was planned.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub changed: BTreeMap<String, u64>,
    /// Changes on the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Noted>,
    /// What a person should act on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Entries of the lists above that were too many to name.
    #[serde(skip_serializing_if = "is_zero")]
    pub unnamed: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Tally {
    /// Whether nothing was tallied.
    pub fn is_empty(&self) -> bool {
        *self == Tally::default()
    }

    /// Counts an object of `resource`.
    pub fn count(&mut self, resource: &str, action: Action) {
        match self.resources.get_mut(resource) {
            Some(counts) => counts.add(action),
            None => self.resources.entry(resource.to_owned()).or_default().add(action),
        }
    }

    /// Counts and names an object that differs.
    pub fn differs(&mut self, object: ObjectKey) {
        self.count(&object.resource.clone(), Action::Differs);
        push(&mut self.differing, object, &mut self.unnamed);
    }

    /// Counts and names an object that was refused.
    pub fn failed(&mut self, failed: Failed) {
        self.count(&failed.object.resource.clone(), Action::Failed);
        push(&mut self.failures, failed, &mut self.unnamed);
    }

    /// Counts and names an object that was counted as created, and would be refused.
    pub fn refused(&mut self, failed: Failed) {
        let counts = self.resources.entry(failed.object.resource.clone()).or_default();
        counts.created = counts.created.saturating_sub(1);
        self.failed(failed);
    }

    /// Counts and names an object that was passed over.
    pub fn skipped(&mut self, object: ObjectKey, why: Skip) {
        self.count(&object.resource.clone(), Action::Skipped);
        let group = self.skipped.entry(why).or_default();
        group.count += 1;
        if group.objects.len() < why.named() {
            group.objects.push(object);
        }
    }

    /// Notes a change.
    pub fn note(&mut self, object: ObjectKey, what: impl Into<String>) {
        push(&mut self.notes, Noted { object, what: what.into() }, &mut self.unnamed);
    }

    /// Adds what came later.
    pub fn absorb(&mut self, later: Tally) {
        for (resource, counts) in &later.resources {
            self.resources.entry(resource.clone()).or_default().absorb(counts);
        }
        for (by, count) in later.changed {
            *self.changed.entry(by).or_default() += count;
        }
        self.unnamed += later.unnamed;
        for failed in later.failures {
            push(&mut self.failures, failed, &mut self.unnamed);
        }
        for object in later.differing {
            push(&mut self.differing, object, &mut self.unnamed);
        }
        for noted in later.notes {
            push(&mut self.notes, noted, &mut self.unnamed);
        }
        for (why, group) in later.skipped {
            let known = self.skipped.entry(why).or_default();
            known.count += group.count;
            let room = why.named().saturating_sub(known.objects.len());
            known.objects.extend(group.objects.into_iter().take(room));
        }
        for finding in later.findings {
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }

    /// All resources together.
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.resources.values().for_each(|counts| sum.absorb(counts));
        sum
    }
}

fn push<T>(list: &mut Vec<T>, item: T, unnamed: &mut u64) {
    if list.len() < MOST_NAMED {
        list.push(item);
    } else {
        *unnamed += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey { resource: "configmaps".into(), namespace: Some("a".into()), name: name.into() }
    }

    #[test]
    fn parts_of_a_tally_add_up_to_the_whole() {
        let mut whole = Tally::default();
        let mut part = Tally::default();
        for (at, tally) in [(0, &mut whole), (1, &mut part)] {
            tally.count("configmaps", Action::Created);
            tally.differs(key(&format!("d{at}")));
            tally.skipped(key(&format!("s{at}")), Skip::Terminating);
            tally.note(key("n"), "lost its clusterIP");
        }
        whole.absorb(part);
        assert_eq!(whole.counts(), Counts { created: 2, differs: 2, skipped: 2, ..Counts::default() });
        assert_eq!(whole.differing, [key("d0"), key("d1")]);
        assert_eq!(whole.skipped[&Skip::Terminating].objects, [key("s0"), key("s1")]);
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&json).unwrap(), whole);
    }

    #[test]
    fn a_list_of_names_ends_and_its_count_goes_on() {
        let mut tally = Tally::default();
        for at in 0..MOST_NAMED + 5 {
            tally.differs(key(&at.to_string()));
        }
        assert_eq!(tally.differing.len(), MOST_NAMED);
        assert_eq!(tally.unnamed, 5);
        assert_eq!(tally.counts().differs, MOST_NAMED as u64 + 5);
    }
}
