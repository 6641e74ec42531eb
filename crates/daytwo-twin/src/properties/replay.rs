//! The past, as lists and watches tell of it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::steps::{Kind, LABELS, SPACES};
use super::world::World;
use crate::api::Outcome;
use crate::api::watch::Line;
use crate::store::{Change, Stored};

type Held = BTreeMap<String, String>;

/// Every way of looking at a collection: its path, and which objects are chosen.
fn looks() -> Vec<(Kind, String, String)> {
    let mut looks = Vec::new();
    for kind in Kind::ALL {
        let (version, _, plural) = kind.words();
        let root = if version.contains('/') { "apis" } else { "api" };
        let mut paths = vec![format!("/{root}/{version}/{plural}")];
        if kind != Kind::Role {
            paths.extend(SPACES.map(|space| format!("/{root}/{version}/namespaces/{space}/{plural}")));
        }
        let chosen = [
            String::new(),
            format!("labelSelector=colour%3D{}", LABELS[0]),
            "labelSelector=colour%21%3Dred".to_owned(),
        ];
        for path in paths {
            looks.extend(chosen.iter().map(|chosen| (kind, path.clone(), chosen.clone())));
            looks.push((kind, path, "fieldSelector=metadata.name%3Da".to_owned()));
        }
    }
    looks
}

/// What every look saw at one revision.
pub struct Seen {
    revision: u64,
    held: Vec<Held>,
}

impl Seen {
    pub fn now(world: &World) -> Seen {
        let held = looks().iter().map(|(_, path, chosen)| list(world, path, chosen, "").0).collect();
        Seen { revision: world.revision(), held }
    }

    /// Asks for the same again, by revision: whole and in pages, and from the store itself.
    pub fn is_remembered(&self, world: &World) -> Result<(), TestCaseError> {
        let at = format!("resourceVersion={}&resourceVersionMatch=Exact", self.revision);
        for ((_, path, chosen), held) in looks().iter().zip(&self.held) {
            let (again, _) = list(world, path, chosen, &at);
            prop_assert_eq!(&again, held, "{} {} as of {}", path, chosen, self.revision);
            prop_assert_eq!(&pages(world, path, chosen, &at), held, "pages of {} {}", path, chosen);
        }
        for kind in Kind::ALL {
            let all = world.api.read().store.at(world.table(kind), None, self.revision);
            let (_, _, plural) = kind.words();
            let all: Held = all.iter().map(|stored| entry(stored)).collect();
            let look = looks()
                .iter()
                .position(|(_, path, chosen)| path.ends_with(&format!("v1/{plural}")) && chosen.is_empty());
            prop_assert_eq!(&all, &self.held[look.unwrap()]);
        }
        Ok(())
    }

    /// Takes up what watches from this revision on say, and holds what `later` holds in the end.
    pub fn replays_to(&self, later: &Seen, world: &World) -> Result<(), TestCaseError> {
        for (((_, path, chosen), held), later) in looks().iter().zip(&self.held).zip(&later.held) {
            let mut held = held.clone();
            watch(world, path, chosen, &format!("resourceVersion={}", self.revision), &mut held)?;
            prop_assert_eq!(&held, later, "{} {} from {}", path, chosen, self.revision);
        }
        Ok(())
    }
}

/// A watch that begins with what there is holds what a list holds, however it is asked for.
pub fn a_fresh_watch_is_a_list(world: &World) -> Result<(), TestCaseError> {
    for (_, path, chosen) in looks() {
        for how in ["", "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"] {
            let mut held = Held::new();
            watch(world, &path, &chosen, how, &mut held)?;
            prop_assert_eq!(held, list(world, &path, &chosen, "").0, "{} {} {}", path, chosen, how);
        }
    }
    Ok(())
}

fn entry(stored: &Stored) -> (String, String) {
    (stored.key.to_string(), String::from_utf8_lossy(&stored.json()).into_owned())
}

fn list(world: &World, path: &str, chosen: &str, how: &str) -> (Held, Option<String>) {
    match world.ask("GET", path, &format!("{chosen}&{how}"), b"") {
        Ok(Outcome::List(listed)) => {
            (listed.objects.iter().map(|stored| entry(stored)).collect(), listed.next)
        }
        other => panic!("GET {path}?{chosen}&{how}: {other:?}"),
    }
}

fn pages(world: &World, path: &str, chosen: &str, how: &str) -> Held {
    let (mut held, mut next) = list(world, path, chosen, &format!("{how}&limit=2"));
    while let Some(token) = next {
        let (more, then) = list(world, path, chosen, &format!("limit=2&continue={token}"));
        held.extend(more);
        next = then;
    }
    held
}

/// Takes up all lines of a watch that are there. Each must fit what is held.
fn watch(world: &World, path: &str, chosen: &str, how: &str, held: &mut Held) -> Result<(), TestCaseError> {
    let mut watching = match world.ask("GET", path, &format!("watch=true&{chosen}&{how}"), b"") {
        Ok(Outcome::Watch(watching)) => watching,
        other => panic!("watch of {path}: {other:?}"),
    };
    let mut last = 0;
    loop {
        // Few at a time, so that a watch goes on more than once.
        let lines = watching.lines(&world.api, 3, false);
        let lines = lines.ok_or_else(|| TestCaseError::fail("the watch ended by itself"))?;
        if lines.is_empty() {
            return Ok(());
        }
        for line in lines {
            match line {
                Line::There(stored) => {
                    prop_assert!(held.insert(entry(&stored).0, entry(&stored).1).is_none());
                }
                Line::Happened(change, event) => {
                    prop_assert!(event.revision > last, "{} after {}", event.revision, last);
                    last = event.revision;
                    let (key, json) = entry(&event.stored);
                    let before =
                        if change == Change::Deleted { held.remove(&key) } else { held.insert(key, json) };
                    prop_assert_eq!(
                        before.is_some(),
                        change != Change::Added,
                        "{:?} of {}",
                        change,
                        &event.stored.key
                    );
                }
                Line::Bookmark(revision, _) => prop_assert!(revision >= last),
                Line::Failed(status) => return Err(TestCaseError::fail(format!("{status:?}"))),
            }
        }
    }
}
