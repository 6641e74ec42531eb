//! All objects at one revision, and what happened lately.
//!
//! One lock is over all of it, so that every write sees every write before it: as in etcd there is one revision for all.
//! It refuses to know kinds and rules.

mod history;
mod stored;
mod text;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

pub use history::{Change, Event, History};
pub use stored::{Stored, field, key, stamp};
pub use text::Base;

use crate::ask::Object;
use crate::kinds::TableId;

/// The objects of one resource, by key.
pub type Table = BTreeMap<Box<str>, Arc<Stored>>;

/// Everything.
#[derive(Debug, Default)]
pub struct Store {
    revision: u64,
    tables: Vec<Table>,
    history: History,
    /// By the uid of an owner: what it owns.
    owned: HashMap<Box<str>, BTreeSet<(TableId, Box<str>)>>,
    /// By namespace: how many objects are in it.
    in_namespace: HashMap<Box<str>, u64>,
}

impl Store {
    /// The revision of the last write.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The history.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Begins at a revision. What was before it is gone, but for a store that is `fresh`.
    pub fn begin_at(&mut self, revision: u64, fresh: bool) {
        self.revision = self.revision.max(revision);
        if !fresh {
            self.history.forget_until(self.revision);
        }
    }

    /// Remembers all that is there as if it had been written since the beginning, as in a server that just started.
    pub fn begin_at_the_beginning(&mut self) {
        let mut all: Vec<(TableId, Arc<Stored>)> = Vec::new();
        for (table, objects) in self.tables.iter().enumerate() {
            all.extend(objects.values().map(|stored| (TableId(table), Arc::clone(stored))));
        }
        all.sort_by_key(|(_, stored)| stored.revision);
        for (table, stored) in all {
            self.history.push(Event::new(stored.revision, table, Change::Added, stored, None));
        }
    }

    /// Forgets what was before `revision`, as a compaction does.
    pub fn compact(&mut self, revision: u64) {
        self.history.forget_until(revision.min(self.revision));
    }

    /// One object.
    pub fn get(&self, table: TableId, key: &str) -> Option<&Arc<Stored>> {
        self.tables.get(table.0)?.get(key)
    }

    /// The objects of a resource, or of a namespace, from a key on.
    pub fn range<'a>(
        &'a self,
        table: TableId,
        namespace: Option<&str>,
        from: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<Stored>> {
        let prefix = namespace.map(|namespace| format!("{namespace}/"));
        let start: Box<str> = match (&prefix, from) {
            (_, Some(from)) => from.into(),
            (Some(prefix), None) => prefix.as_str().into(),
            (None, None) => "".into(),
        };
        let rest = self
            .tables
            .get(table.0)
            .map(|table| table.range::<str, _>((Bound::Included(&*start), Bound::Unbounded)));
        rest.into_iter()
            .flatten()
            .take_while(move |(key, _)| prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix.as_str())))
            .map(|(_, stored)| stored)
    }

    /// The objects of a resource as of a revision, of which the history must know.
    pub fn at(&self, table: TableId, namespace: Option<&str>, revision: u64) -> Vec<Arc<Stored>> {
        let mut past: BTreeMap<Box<str>, Arc<Stored>> = self
            .range(table, namespace, None)
            .map(|stored| (stored.key.clone(), Arc::clone(stored)))
            .collect();
        let prefix = namespace.map(|namespace| format!("{namespace}/"));
        for event in self.history.after(revision).rev().filter(|event| event.table == table) {
            if prefix.as_ref().is_some_and(|prefix| !event.stored.key.starts_with(prefix.as_str())) {
                continue;
            }
            match &event.before {
                Some(before) => drop(past.insert(before.key.clone(), Arc::clone(before))),
                None => drop(past.remove(&event.stored.key)),
            }
        }
        past.into_values().collect()
    }

    /// What an owner owns, in a fixed order.
    pub fn owned_by(&self, uid: &str) -> Vec<(TableId, Box<str>)> {
        self.owned.get(uid).into_iter().flatten().cloned().collect()
    }

    /// How many objects are in a namespace.
    pub fn count_in(&self, namespace: &str) -> u64 {
        self.in_namespace.get(namespace).copied().unwrap_or(0)
    }

    /// All tables with the objects of a namespace.
    pub fn tables_with(&self, namespace: &str) -> Vec<TableId> {
        let all = (0..self.tables.len()).map(TableId);
        all.filter(|table| self.range(*table, Some(namespace), None).next().is_some()).collect()
    }

    /// Writes an object: there is one revision more.
    pub fn put(&mut self, table: TableId, key: &str, object: Object) -> Arc<Stored> {
        self.revision += 1;
        let stored = Arc::new(Stored::new(key, self.revision, object));
        let before = self.insert(table, &stored);
        let change = if before.is_some() { Change::Modified } else { Change::Added };
        self.history.push(Event::new(self.revision, table, change, Arc::clone(&stored), before));
        stored
    }

    /// Removes an object: there is one revision more, which the object as it was last is shown at. `last` is how it is
    /// shown, where that differs from what is kept.
    pub fn remove(&mut self, table: TableId, key: &str, last: Option<Object>) -> Option<Arc<Stored>> {
        let before = self.tables.get_mut(table.0)?.remove(key)?;
        self.revision += 1;
        for owner in before.owners() {
            if let Some(owned) = self.owned.get_mut(&*owner) {
                owned.remove(&(table, key.into()));
                if owned.is_empty() {
                    self.owned.remove(&*owner);
                }
            }
        }
        self.count(&before, false);
        let gone = Arc::new(Stored::new(key, self.revision, last.unwrap_or_else(|| before.object())));
        self.history.push(Event::new(self.revision, table, Change::Deleted, Arc::clone(&gone), Some(before)));
        Some(gone)
    }

    /// Keeps an object that was there before the twin was: no event comes of it.
    pub fn load(&mut self, table: TableId, stored: Stored) {
        self.revision = self.revision.max(stored.revision);
        self.insert(table, &Arc::new(stored));
    }

    /// Keeps another form of an object that was loaded.
    pub fn replace(&mut self, table: TableId, stored: Stored) {
        if let Some(table) = self.tables.get_mut(table.0) {
            table.insert(stored.key.clone(), Arc::new(stored));
        }
    }

    fn insert(&mut self, table: TableId, stored: &Arc<Stored>) -> Option<Arc<Stored>> {
        if self.tables.len() <= table.0 {
            self.tables.resize_with(table.0 + 1, Table::new);
        }
        let key = stored.key.clone();
        let owners = stored.owners();
        for owner in &owners {
            self.owned.entry(owner.clone()).or_default().insert((table, key.clone()));
        }
        let before = self.tables[table.0].insert(key.clone(), Arc::clone(stored));
        match &before {
            None => self.count(stored, true),
            Some(before) => {
                // Owners that were taken away.
                for owner in before.owners().iter().filter(|owner| !owners.contains(owner)) {
                    if let Some(owned) = self.owned.get_mut(owner) {
                        owned.remove(&(table, key.clone()));
                    }
                }
            }
        }
        before
    }

    fn count(&mut self, stored: &Stored, more: bool) {
        let Some(namespace) = stored.namespace() else { return };
        let count = self.in_namespace.entry(namespace.into()).or_default();
        *count = if more { *count + 1 } else { count.saturating_sub(1) };
    }
}
