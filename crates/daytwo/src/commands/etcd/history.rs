//! `daytwo etcd history`: every revision of one object that a file still holds.
//!
//! Each revision is compared with the one before it that is still there, and says whose entry in managedFields is new.

use std::ops::ControlFlow;

use daytwo_core::diff::{FieldChange, Options, diff, render};
use daytwo_core::resource::{ObjectKey, objects};
use daytwo_etcd::keyspace;
use daytwo_etcd::kube::{NotShown, Shown};
use serde::Serialize;
use serde_json::Value;

use super::open::{self, Opened, resource_of};
use crate::cli::etcd::file::History;
use crate::commands::compare;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::settings::Session;

/// The namespace that is meant where none is named, as for kubectl.
const DEFAULT_NAMESPACE: &str = "default";

/// What became of one object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EtcdHistory {
    file: String,
    object: ObjectKey,
    /// The oldest revision at which the file is whole: of what was before, something may be missing.
    oldest_revision: i64,
    /// The newest first.
    revisions: Vec<Change>,
}

/// One revision of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    revision: i64,
    what: What,
    /// Those whose entry in managedFields is new or changed.
    managers: Vec<Manager>,
    /// What differs from the revision before it that is in the file; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<FieldChange>>,
    /// Why the object cannot be shown at this revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<String>,
}

/// What a revision did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum What {
    Created,
    Updated,
    Deleted,
    /// It was there before the compaction: how it came is not in the file.
    Kept,
}

/// Who wrote fields, by its own word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manager {
    name: String,
    operation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subresource: Option<String>,
}

impl Document for EtcdHistory {
    fn kind(&self) -> Option<&'static str> {
        Some("EtcdHistory")
    }

    fn text(&self, paint: Paint, _: bool) -> String {
        let mut text = String::new();
        for change in &self.revisions {
            let what = match change.what {
                What::Created => paint.good("created"),
                What::Updated => paint.odd("updated"),
                What::Deleted => paint.bad("deleted"),
                What::Kept => "as it was when the file's history begins".to_owned(),
            };
            text.push_str(&format!("{} {what}", change.revision));
            for (index, manager) in change.managers.iter().enumerate() {
                let time = manager.time.as_ref().map(|time| format!(" at {time}")).unwrap_or_default();
                text.push_str(&format!("{} {}{time}", if index == 0 { " by" } else { "," }, manager.name));
            }
            text.push('\n');
            if let Some(why) = &change.closed {
                text.push_str(&format!("    cannot be shown: {why}\n"));
            }
            for line in render(change.fields.as_deref().unwrap_or_default()).lines() {
                text.push_str(&format!("    {line}\n"));
            }
        }
        text
    }

    fn names(&self) -> Vec<String> {
        self.revisions.iter().map(|change| change.revision.to_string()).collect()
    }
}

/// Prints the history; exit 1 where the file holds nothing of the object.
///
/// # Errors
/// Exit 2 for an unknown kind, and as opening the file.
pub async fn run(session: &Session, verb: History) -> Result {
    open::apart(session, move |session| {
        let opened = Opened::open(session, &verb.source.file, &verb.source.reading)?;
        let (wanted, catalogue) = opened.find(None, |known| objects(&verb.words, known))?;
        let [(kind, Some(name))] = wanted.as_slice() else {
            return Err(Failure::usage("the history is one object's: KIND/NAME"));
        };
        let namespace = kind.namespaced.then(|| verb.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE));
        let key = opened.objects.prefix().key(resource_of(&catalogue, kind), namespace, name);
        let object = kind.object(namespace, name);
        let seen = seen(&opened, &key)?;
        if seen.is_empty() {
            session.speak.warn(&format!("{object} is not in {}", opened.name()));
            return Ok(Exit::Findings);
        }
        let options = compare::options(verb.noise, verb.show_secrets);
        let document = EtcdHistory {
            file: opened.name().to_owned(),
            oldest_revision: opened.store().readable()?.oldest,
            revisions: changes(&object.resource, &seen, options)?,
            object,
        };
        session.out.document(&document)?;
        Ok(Exit::Done)
    })
    .await
}

/// One record of the object.
struct Seen {
    revision: i64,
    created: bool,
    deleted: bool,
    /// The object after it; `None` where it was deleted.
    shown: Option<Result<Shown, NotShown>>,
    /// The object before it, where the store keeps it beside.
    previous: Option<Shown>,
}

/// The records of the key, the newest first.
fn seen(opened: &Opened, key: &[u8]) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();
    keyspace::history(opened.store(), key, &mut |record| {
        let shown = (!record.deleted).then(|| opened.objects.show(record));
        let previous = record.previous.and_then(|value| opened.objects.show_value(record.key, value).ok());
        seen.push(Seen {
            revision: record.revision.main,
            created: record.create_revision == record.revision.main,
            deleted: record.deleted,
            shown,
            previous,
        });
        ControlFlow::Continue(())
    })?;
    Ok(seen)
}

fn changes(resource: &str, seen: &[Seen], options: Options) -> Result<Vec<Change>> {
    let mut changes = Vec::with_capacity(seen.len());
    for (index, this) in seen.iter().enumerate() {
        let earlier = match seen.get(index + 1) {
            Some(earlier) => earlier.shown.as_ref().and_then(|shown| shown.as_ref().ok()),
            None => this.previous.as_ref(),
        };
        let shown = this.shown.as_ref().and_then(|shown| shown.as_ref().ok());
        let fields = match (earlier, shown) {
            (Some(earlier), Some(shown)) if !this.created => {
                let [before, after] = [earlier, shown].map(|shown| serde_json::to_vec(&shown.object));
                Some(diff(resource, &before?, &after?, options)?)
            }
            _ => None,
        };
        changes.push(Change {
            revision: this.revision,
            what: match (this.deleted, this.created) {
                (true, _) => What::Deleted,
                (_, true) => What::Created,
                _ if earlier.is_none() && index + 1 == seen.len() => What::Kept,
                _ => What::Updated,
            },
            managers: managers(earlier.filter(|_| !this.created), shown),
            fields,
            closed: this.shown.as_ref().and_then(|shown| shown.as_ref().err()).map(ToString::to_string),
        });
    }
    Ok(changes)
}

/// The managers whose entry is in `after` and not in `before`.
fn managers(before: Option<&Shown>, after: Option<&Shown>) -> Vec<Manager> {
    let entries = |shown: Option<&Shown>| -> Vec<Value> {
        let entries = shown.map(|shown| &shown.object["metadata"]["managedFields"]);
        entries.and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let before = entries(before);
    let text = |entry: &Value, field: &str| entry[field].as_str().map(str::to_owned);
    let manager = |entry: &Value| Manager {
        name: text(entry, "manager").unwrap_or_default(),
        operation: text(entry, "operation").unwrap_or_default(),
        time: text(entry, "time"),
        subresource: text(entry, "subresource"),
    };
    entries(after).iter().filter(|entry| !before.contains(entry)).map(manager).collect()
}
