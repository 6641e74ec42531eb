//! Makes a plan of what becomes of each object. It refuses to keep the objects: a plan holds counts by wave, since
//! bulk work is one step.

mod phases;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::convert::Moves;
use super::preflight::Forecast;
use super::rules::Verdict;
use super::{Action, Conversion, Existing, Failed, Rules, Skip, Source, Tally, Unfit, Wave, is_webhooks};
use crate::plan::{API_VERSION, Fact, Impact, Kind, Plan, SiteIdentity};
use crate::resource::ObjectKey;

/// What is in the cluster in an object's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// Nothing.
    Nothing,
    /// The same object.
    Same,
    /// One that a restore made and did not come to its last write with.
    Unfinished,
    /// Another one of its name.
    Another,
}

/// What is going to become of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    /// The object, by its name in the cluster.
    pub object: ObjectKey,
    /// What becomes of it.
    pub action: Action,
    /// Why it is passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Skip>,
}

/// A plan and what its making found out.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What is known of objects that no step touches, and what the cluster lacks.
    pub known: Tally,
    /// What the steps are expected to come to.
    pub expected: Tally,
}

/// The objects of one wave.
#[derive(Debug, Default)]
struct Part {
    objects: u64,
    /// Whether any of them is to be written.
    works: bool,
    expected: Tally,
}

/// Takes in the objects of a backup one by one, and gives the plan.
#[derive(Debug)]
pub struct Planner<'a> {
    rules: &'a Rules,
    notes: bool,
    parts: BTreeMap<Wave, Part>,
    creates: u64,
    brought_namespaces: BTreeSet<String>,
    backends: BTreeSet<String>,
    converters: BTreeSet<String>,
    /// Whether webhooks are to be released at the end.
    parked: bool,
    workloads: u64,
    empty: (u64, Option<(ObjectKey, String)>),
    lost: (u64, Option<ObjectKey>),
    known: Tally,
    extra: Vec<ObjectKey>,
    moves: Moves,
    forecast: Forecast<'a>,
}

impl<'a> Planner<'a> {
    /// A planner that follows `rules`. With `notes` it also tells what is going to be changed on the way, object by
    /// object, which takes about as long again.
    pub fn new(rules: &'a Rules, notes: bool) -> Self {
        Self {
            rules,
            notes,
            parts: BTreeMap::new(),
            creates: 0,
            brought_namespaces: BTreeSet::new(),
            backends: BTreeSet::new(),
            converters: BTreeSet::new(),
            parked: false,
            workloads: 0,
            empty: (0, None),
            lost: (0, None),
            known: Tally { changed: rules.request().changes.counts(), ..Tally::default() },
            extra: Vec::new(),
            moves: Moves::default(),
            forecast: Forecast::new(rules),
        }
    }

    /// Decides what becomes of `source`; `there` says what is in its place, and is asked only if it matters. `None`
    /// for an object that nobody asked for.
    pub fn take(
        &mut self,
        source: &Source<'_>,
        there: impl FnOnce() -> Result<There, Unfit>,
    ) -> Option<Decided> {
        let object = self.rules.key(source);
        let decided = |action, why| Decided { object: object.clone(), action, why };
        match self.decide(source, &object, there) {
            Ok(None) => None,
            Ok(Some(Fate::Skip(why))) => {
                self.known.skipped(object.clone(), why);
                if why == Skip::DataElsewhere && object.resource == "persistentvolumeclaims" {
                    self.lost.0 += 1;
                    self.lost.1.get_or_insert_with(|| object.clone());
                }
                Some(decided(Action::Skipped, Some(why)))
            }
            Ok(Some(Fate::Action(wave, action))) => {
                let part = self.parts.entry(wave).or_default();
                part.objects += 1;
                part.works |= !matches!(action, Action::Same | Action::Differs);
                match action {
                    Action::Differs => part.expected.differs(object.clone()),
                    action => part.expected.count(&object.resource, action),
                }
                Some(decided(action, None))
            }
            // It is tried again when its wave comes, and counted then.
            Ok(Some(Fate::Unfit(wave, error))) => {
                let part = self.parts.entry(wave).or_default();
                part.objects += 1;
                part.works = true;
                part.expected.failed(unfit(object.clone(), &error));
                Some(decided(Action::Failed, None))
            }
            Err(error) => {
                self.known.failed(unfit(object.clone(), &error));
                Some(decided(Action::Failed, None))
            }
        }
    }

    fn decide(
        &mut self,
        source: &Source<'_>,
        object: &ObjectKey,
        there: impl FnOnce() -> Result<There, Unfit>,
    ) -> Result<Option<Fate>, Unfit> {
        let wave = match self.rules.judge(source)? {
            Verdict::NotAsked => return Ok(None),
            Verdict::Skip(why) => return Ok(Some(Fate::Skip(why))),
            Verdict::Take(wave) => wave,
        };
        match self.act(source, object, wave, there) {
            Ok(action) => Ok(Some(Fate::Action(wave, action))),
            Err(error @ Unfit::Rule { .. }) => Ok(Some(Fate::Unfit(wave, error))),
            Err(error) => Err(error),
        }
    }

    /// What is done about an object that `wave` takes.
    fn act(
        &mut self,
        source: &Source<'_>,
        object: &ObjectKey,
        wave: Wave,
        there: impl FnOnce() -> Result<There, Unfit>,
    ) -> Result<Action, Unfit> {
        if object.resource == "namespaces" {
            self.brought_namespaces.insert(object.name.clone());
        }
        self.forecast.want(object);
        let there = there()?;
        let action = match there {
            There::Nothing | There::Unfinished => Action::Created,
            There::Same => Action::Same,
            // It is merged, or left as it is; it never counts as differing.
            There::Another if object.resource == "serviceaccounts" && object.name == "default" => {
                Action::Merged
            }
            There::Another if self.rules.derived(source)? => Action::Same,
            There::Another => match self.rules.existing(&object.resource) {
                Existing::Keep => Action::Differs,
                Existing::Update => Action::Updated,
                Existing::Replace => Action::Replaced,
            },
        };
        if !matches!(action, Action::Same | Action::Differs) {
            self.answered_for(source, object, there)?;
        }
        let writes = matches!(action, Action::Created | Action::Updated | Action::Replaced);
        // What a run left unfinished is there already.
        if writes && there != There::Unfinished {
            let changed = self.rules.changed(source)?;
            self.forecast.write(&Source { bytes: &changed.bytes, ..*source }, object, action)?;
        }
        if action == Action::Created {
            self.creates += 1;
            self.foresee(source, object)?;
        }
        if writes && self.notes {
            for note in self.rules.prepare(source)?.notes {
                self.parts.entry(wave).or_default().expected.note(object.clone(), note);
            }
        }
        if self.rules.request().wait && self.rules.wanted(source)?.is_some() {
            self.workloads += 1;
        }
        if !self.known.changed.is_empty() {
            for by in self.rules.changed_by(source)? {
                *self.known.changed.entry(by.into_owned()).or_default() += 1;
            }
        }
        Ok(action)
    }

    /// Notes who has to answer before `source` is written, or before it is whole.
    fn answered_for(&mut self, source: &Source<'_>, object: &ObjectKey, there: There) -> Result<(), Unfit> {
        if is_webhooks(&object.resource) {
            if there == There::Unfinished || self.rules.parks(source)? {
                self.parked = true;
            } else if there == There::Nothing {
                self.backends.extend(self.rules.backends(source)?);
            }
        }
        self.converters.extend(self.rules.converter(&object.resource, &source.resource.version));
        Ok(())
    }

    /// What follows from creating `source`.
    fn foresee(&mut self, source: &Source<'_>, object: &ObjectKey) -> Result<(), Unfit> {
        if object.resource == "persistentvolumeclaims"
            && let Some(why) = self.rules.comes_empty(source)
        {
            self.empty.0 += 1;
            self.empty.1.get_or_insert_with(|| (object.clone(), why));
        }
        Ok(())
    }

    /// Takes `source` in that was brought to another version, of which `notes` tell more, if `action` is to write it or
    /// to find it written.
    pub fn converted(
        &mut self,
        source: &Source<'_>,
        action: Action,
        conversion: &Conversion,
        notes: &[String],
    ) {
        if matches!(action, Action::Skipped | Action::Failed | Action::Differs | Action::Deleted) {
            return;
        }
        let object = self.rules.key(source);
        self.moves.converted(conversion, &object);
        notes.iter().for_each(|note| self.known.note(object.clone(), note.as_str()));
    }

    /// Decides of `source`, which `why` keeps from coming to the version that the cluster serves. `None` for an object
    /// that nobody asked for.
    pub fn stays(&mut self, source: &Source<'_>, conversion: &Conversion, why: &str) -> Option<Decided> {
        let object = self.rules.key(source);
        let skip = match self.rules.judge(source) {
            Ok(Verdict::NotAsked) => return None,
            Ok(Verdict::Skip(skip)) => skip,
            Ok(Verdict::Take(_)) | Err(_) => {
                self.moves.stays(conversion, &object, why);
                self.known.note(object.clone(), format!("stays behind: {why}"));
                Skip::Inexpressible
            }
        };
        self.known.skipped(object.clone(), skip);
        Some(Decided { object, action: Action::Skipped, why: Some(skip) })
    }

    /// Plans to delete `extra`, which the backup does not hold.
    pub fn prune(&mut self, extra: Vec<ObjectKey>) {
        self.extra = extra;
    }

    /// The plan, once every object was taken in.
    pub fn finish(mut self, run: &str, created: Timestamp, site: SiteIdentity, facts: Vec<Fact>) -> Planned {
        let missing = self.missing_namespaces();
        let phases = self.phases(&missing);
        let creates = self.creates + missing.len() as u64;
        let mut known = std::mem::take(&mut self.known);
        let mut expected = Tally::default();
        for part in std::mem::take(&mut self.parts).into_values() {
            // No step looks at a wave in which nothing is to be done.
            if part.works { expected.absorb(part.expected) } else { known.absorb(part.expected) }
        }
        for object in &self.extra {
            expected.count(&object.resource, Action::Deleted);
            if self.notes {
                expected.note(object.clone(), "is deleted: the backup does not hold it");
            }
        }
        let counts = expected.counts();
        let updates = counts.merged + counts.updated;
        known.findings = self.rules.target().lacks(self.rules.census(), self.rules.request());
        known.findings.extend(self.about_volumes());
        known.findings.extend(self.moves.findings());
        known.findings.extend(self.forecast.findings());
        known.findings.extend(self.rules.impossible());
        Planned {
            plan: Plan {
                api_version: API_VERSION.to_owned(),
                kind: Kind::Restore(self.rules.request().clone()),
                id: run.to_owned(),
                created,
                site,
                facts,
                impact: Impact {
                    creates: creates + counts.replaced,
                    updates,
                    deletes: counts.replaced + counts.deleted,
                },
                phases,
            },
            known,
            expected,
        }
    }
}

enum Fate {
    Skip(Skip),
    Action(Wave, Action),
    /// It cannot be made what it is to be.
    Unfit(Wave, Unfit),
}

fn unfit(object: ObjectKey, error: &Unfit) -> Failed {
    Failed { object, code: None, reason: error.reason().to_owned(), message: error.to_string(), next: None }
}

#[cfg(test)]
mod tests;
