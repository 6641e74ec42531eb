//! What may go, and what must, written down once more and apart from the code that does it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::Value;

use super::steps::{Kind, LABELS, Place, Step};
use super::world::{Objects, World, metadata};
use crate::api::FOREGROUND;
use crate::ask::Object;
use crate::kinds::{Kinds, TableId};
use crate::store::{Stored, key};

/// How things are after a step.
struct After<'a> {
    kinds: Kinds,
    /// The uids of what was being deleted in the foreground meanwhile.
    foreground: BTreeSet<String>,
    before: &'a Objects,
    now: &'a Objects,
    step: &'a Step,
}

/// Whether a step left garbage, or took what was none.
pub fn check(world: &World, step: &Step, before: &Objects, revision: u64) -> Result<(), TestCaseError> {
    let now = &world.objects();
    let foreground = waited_for(world, revision);
    let after = After { kinds: Kinds::built_in(), foreground, before, now, step };
    for stored in now.values() {
        let object = stored.object();
        let owners = owners(&object);
        let lost = !owners.is_empty() && owners.iter().all(|owner| after.owner(owner, stored).is_none());
        prop_assert!(!lost || deleting(&object), "{} lost all its owners and stays", stored.key);
        if let Some(space) = stored.namespace() {
            let space = after.space(space);
            prop_assert!(space.is_some(), "{} is in no namespace", stored.key);
            let ends = space.is_some_and(|space| deleting(&space.object()));
            prop_assert!(!ends || deleting(&object), "{} stays in a namespace that ends", stored.key);
        }
    }
    for (id, stored) in before {
        if now.get(id).is_none_or(|now| now.uid != stored.uid) {
            prop_assert!(after.may_go(id, stored), "{} went, and should not have, by {:?}", stored.key, step);
        }
    }
    Ok(())
}

/// What waited for its dependents at some moment after a revision: it may have ceased to since.
fn waited_for(world: &World, revision: u64) -> BTreeSet<String> {
    let waits = |object: &Object| {
        deleting(object)
            && metadata(object, "finalizers").as_array().is_some_and(|all| all.contains(&FOREGROUND.into()))
    };
    let inner = world.api.read();
    let events = inner.store.history().after(revision);
    let before = events.clone().filter_map(|event| event.before.as_ref());
    let all = before.chain(events.map(|event| &event.stored));
    all.filter(|stored| waits(&stored.object())).map(|stored| stored.uid.to_string()).collect()
}

impl After<'_> {
    fn space(&self, name: &str) -> Option<&Stored> {
        let table = self.kinds.table_of("", "namespaces")?;
        self.now.get(&(table, name.into())).map(AsRef::as_ref)
    }

    /// The owner that a reference of `owned` is to, if it is there.
    fn owner(&self, reference: &Value, owned: &Stored) -> Option<&Stored> {
        let kind = Kind::ALL.into_iter().find(|kind| Some(kind.words().1) == reference["kind"].as_str())?;
        let space = owned.namespace().filter(|_| kind != Kind::Role);
        // What is in no namespace can be owned by nothing that is in one.
        if kind != Kind::Role && space.is_none() {
            return None;
        }
        let name = reference["name"].as_str()?;
        let found = self.now.get(&(self.table(kind), key(space, name).into()))?;
        (Some(&*found.uid) == reference["uid"].as_str()).then_some(found)
    }

    fn table(&self, kind: Kind) -> TableId {
        let (version, _, plural) = kind.words();
        let group = version.split_once('/').map_or("", |(group, _)| group);
        self.kinds.table_of(group, plural).unwrap()
    }

    fn may_go(&self, id: &(TableId, Box<str>), stored: &Stored) -> bool {
        let object = stored.object();
        if deleting(&object) || self.asked_for(id, &object) {
            return true;
        }
        let Some(space) = stored.namespace() else {
            return self.kinds.table_of("", "namespaces") == Some(id.0) || self.unowned(stored, &object);
        };
        // A namespace of the same name may be there again.
        let before =
            self.kinds.table_of("", "namespaces").and_then(|table| self.before.get(&(table, space.into())));
        let ended = match (before, self.space(space)) {
            (Some(before), Some(now)) => before.uid != now.uid || deleting(&now.object()),
            _ => true,
        };
        ended || self.unowned(stored, &object)
    }

    /// Whether the step deletes this object itself.
    fn asked_for(&self, id: &(TableId, Box<str>), object: &Object) -> bool {
        match self.step {
            Step::Delete { place, .. } => self.is(id, *place),
            Step::DeleteMany { kind, space, label } => {
                let labelled = metadata(object, "labels")["colour"] == *label;
                debug_assert!(LABELS.contains(label));
                id.0 == self.table(*kind) && labelled && id.1.starts_with(&format!("{space}/"))
            }
            _ => false,
        }
    }

    fn is(&self, id: &(TableId, Box<str>), place: Place) -> bool {
        id.0 == self.table(place.kind) && *id.1 == *place.key()
    }

    /// Whether it had owners, none of which is there and stays. An owner that was deleted as one whose dependents are
    /// orphans takes none of them with it.
    fn unowned(&self, stored: &Stored, object: &Object) -> bool {
        // The step may have changed what owns it: what it says then counts.
        let Step::Own { place, .. } = self.step else {
            return !owners(object).is_empty()
                && owners(object).iter().all(|reference| self.lets_go(reference, stored));
        };
        let changed = place.key() == *stored.key;
        changed
            || (!owners(object).is_empty()
                && owners(object).iter().all(|reference| self.lets_go(reference, stored)))
    }

    fn lets_go(&self, reference: &Value, owned: &Stored) -> bool {
        if let Step::Delete { place, policy: Some("Orphan") } = self.step {
            let of_it = reference["name"] == place.name && reference["kind"] == place.kind.words().1;
            let was = self.before.get(&(self.table(place.kind), place.key().into()));
            if of_it && was.is_some_and(|was| reference["uid"] == *was.uid && !deleting(&was.object())) {
                return false;
            }
        }
        self.owner(reference, owned).is_none_or(|owner| self.foreground.contains(&*owner.uid))
    }
}

fn deleting(object: &Object) -> bool {
    !metadata(object, "deletionTimestamp").is_null()
}

fn owners(object: &Object) -> Vec<Value> {
    metadata(object, "ownerReferences").as_array().cloned().unwrap_or_default()
}
