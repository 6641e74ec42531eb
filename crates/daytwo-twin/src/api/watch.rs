//! Watch: what happens to the objects of a resource from a revision on.
//!
//! A watch keeps its place in the one history and no queue of its own: a client that reads slowly costs nothing. When what it
//! has not read falls out of the history, or it took nothing for a while and is far behind, its watch ends, as the real
//! server's does.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::filter::Filter;
use super::{Api, Call};
use crate::ask::Object;
use crate::field::FieldError;
use crate::kinds::Resource;
use crate::status::{Result, Status, Subject};
use crate::store::{Change, Event, Stored};

/// Events that a watch which took none for a while may be behind before it is ended: as many as the real server queues for
/// it at most (`k8s.io/apiserver/pkg/storage/cacher/cacher.go`, the size of a watcher's channel).
const BEHIND: usize = 1_000;

/// A watch that goes on.
#[derive(Debug)]
pub struct Watching {
    /// The resource, at the version asked for.
    pub resource: Arc<Resource>,
    /// How long it lasts, where that was asked for.
    pub timeout: Option<Duration>,
    /// Whether it is to be told how far it is.
    pub bookmarks: bool,
    filter: Filter,
    namespace: Option<String>,
    /// The last revision it knows.
    revision: u64,
    /// What it begins with.
    initial: std::vec::IntoIter<Arc<Stored>>,
    /// Whether it must be told that it has begun.
    announce: bool,
    /// Why it cannot be.
    failed: Option<Status>,
}

/// One line of a watch.
#[derive(Debug)]
pub enum Line {
    /// An object that was there when the watch began.
    There(Arc<Stored>),
    /// Something that happened, as this watch sees it.
    Happened(Change, Arc<Event>),
    /// How far it is; whether that is the end of what it began with.
    Bookmark(u64, bool),
    /// An error, after which nothing comes.
    Failed(Status),
}

impl Api {
    pub(super) fn watch(&self, call: &Call, resource: &Arc<Resource>) -> Result<Watching> {
        let filter = Filter::of(call, resource)?;
        let (asked, initial) = begin(call)?;
        let timeout = match call.one("timeoutSeconds") {
            None | Some("") => None,
            Some(text) => {
                let seconds: i64 = text.parse().map_err(|_| {
                    Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
                })?;
                u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
            }
        };
        let mut watching = Watching {
            resource: Arc::clone(resource),
            timeout,
            bookmarks: call.flag("allowWatchBookmarks"),
            filter,
            namespace: call.target.namespace.clone(),
            revision: 0,
            initial: Vec::new().into_iter(),
            announce: false,
            failed: None,
        };
        let inner = self.read();
        let now = inner.store.revision();
        let asked = match asked {
            None => 0,
            Some(text) => text.parse::<u64>().map_err(|_| super::list::malformed_revision(text))?,
        };
        // Without a revision, and where it is asked for, a watch begins with all there is.
        if initial == Some(true) || (asked == 0 && initial.is_none()) {
            let all = inner.store.range(resource.table, watching.namespace.as_deref(), None);
            let all: Vec<_> = all.filter(|stored| watching.filter.matches(stored)).cloned().collect();
            watching.initial = all.into_iter();
            // Whoever asks for no revision asks for what is there, and for its end where he takes bookmarks
            // (`SetListOptionsDefaults` of `k8s.io/apimachinery/pkg/apis/meta/internalversion`).
            watching.announce = watching.bookmarks;
            watching.revision = now;
        } else if asked == 0 {
            watching.revision = now;
        } else {
            watching.revision = asked;
            let oldest = inner.store.history().oldest();
            if asked < oldest {
                watching.failed =
                    Some(Status::expired(format!("too old resource version: {asked} ({oldest})")));
            }
        }
        Ok(watching)
    }
}

/// The revision a watch begins at, and whether it begins with what is there.
fn begin(call: &Call) -> Result<(Option<&str>, Option<bool>)> {
    let mut errors = Vec::new();
    let initial = call.one("sendInitialEvents").map(|_| call.flag("sendInitialEvents"));
    let how = call.one("resourceVersionMatch").unwrap_or_default();
    match (initial, how) {
        (Some(_), "NotOlderThan") | (None, "") => {}
        (Some(_), "") => errors.push(FieldError::forbidden(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )),
        (asked, other) => {
            errors.push(FieldError::forbidden(
                "resourceVersionMatch",
                match asked {
                    Some(_) => "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
                    None => {
                        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
                    }
                },
            ));
            if other != "NotOlderThan" {
                errors.push(FieldError::not_supported("resourceVersionMatch", other, &["NotOlderThan"]));
            }
        }
    }
    if call.one("continue").is_some_and(|text| !text.is_empty()) {
        errors.push(FieldError::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden when continue is provided",
        ));
    }
    if !errors.is_empty() {
        return Err(Status::invalid(Subject { group: "meta.k8s.io", kind: "ListOptions" }, "", &errors));
    }
    Ok((call.one("resourceVersion").filter(|text| !text.is_empty() && *text != "0"), initial))
}

impl Watching {
    /// The lines that are there to be sent, at most about `most`; none where nothing happened since. `None` where the watch
    /// has fallen too far behind, and ends: `stuck` says that it took none of what was there for a while.
    pub fn lines(&mut self, api: &Api, most: usize, stuck: bool) -> Option<Vec<Line>> {
        if let Some(status) = self.failed.take() {
            return Some(vec![Line::Failed(status)]);
        }
        let mut lines: Vec<Line> = self.initial.by_ref().take(most).map(Line::There).collect();
        if lines.len() == most {
            return Some(lines);
        }
        if std::mem::take(&mut self.announce) {
            lines.push(Line::Bookmark(self.revision, true));
        }
        let inner = api.read();
        let history = inner.store.history();
        if self.revision < history.oldest() && self.revision < inner.store.revision() {
            return None;
        }
        if stuck && history.count_after(self.revision) > BEHIND {
            return None;
        }
        for event in history.after(self.revision) {
            self.revision = event.revision;
            if let Some(change) = self.sees(event) {
                lines.push(Line::Happened(change, Arc::clone(event)));
                if lines.len() >= most {
                    break;
                }
            }
        }
        Some(lines)
    }

    /// The revision up to which everything was seen.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What an event is to this watch: an object that comes to be chosen is added, one that is chosen no longer is deleted.
    fn sees(&self, event: &Event) -> Option<Change> {
        if event.table != self.resource.table {
            return None;
        }
        if let Some(namespace) = &self.namespace
            && event.stored.namespace() != Some(namespace)
        {
            return None;
        }
        if self.filter.is_empty() {
            return Some(event.change);
        }
        let before = event.before.as_ref().is_some_and(|before| self.filter.matches(before));
        let after = event.change != Change::Deleted && self.filter.matches(&event.stored);
        match (before, after) {
            (false, false) => None,
            (false, true) => Some(Change::Added),
            (true, true) => Some(Change::Modified),
            (true, false) => Some(Change::Deleted),
        }
    }

    /// The object of a bookmark.
    pub fn bookmark(&self, revision: u64, begun: bool) -> Object {
        let kind = &self.resource.kind;
        let mut metadata = Map::new();
        metadata.insert("resourceVersion".into(), revision.to_string().into());
        if begun {
            metadata.insert("annotations".into(), json!({"k8s.io/initial-events-end": "true"}));
        }
        let mut object = Map::new();
        object.insert("kind".into(), kind.kind.clone().into());
        object.insert("apiVersion".into(), kind.api_version().into());
        object.insert("metadata".into(), Value::Object(metadata));
        match self.resource.origin {
            crate::kinds::Origin::BuiltIn => {
                crate::form::decode(kind, object.clone(), crate::ask::Unknown::Ignore, &mut Vec::new())
                    .unwrap_or(object)
            }
            _ => object,
        }
    }
}
