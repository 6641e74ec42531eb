//! List: the objects of a resource at one revision, in pages where asked.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::{Api, Call};
use crate::field::FieldError;
use crate::kinds::Resource;
use crate::status::{Result, Status, Subject};
use crate::store::{Store, Stored};

/// What a list found.
#[derive(Debug)]
pub struct Listed {
    /// The resource, at the version asked for.
    pub resource: Arc<Resource>,
    /// In the order of their keys.
    pub objects: Vec<Arc<Stored>>,
    /// The revision all of them are as of.
    pub revision: u64,
    /// Where the next page begins.
    pub next: Option<String>,
    /// How many follow, where that is known.
    pub remaining: Option<u64>,
}

/// How `resourceVersion` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Now,
    /// At this revision or later, which is now.
    Since(u64),
    Exactly(u64),
}

/// The next page, as `k8s.io/apiserver/pkg/storage/continue.go` writes it.
#[derive(Debug, Serialize, Deserialize)]
struct Continue {
    v: String,
    rv: i64,
    #[serde(default)]
    start: String,
}

impl Api {
    pub(super) fn list(&self, call: &Call, resource: &Arc<Resource>) -> Result<Listed> {
        let filter = Filter::of(call, resource)?;
        let page = Page::of(call)?;
        let namespace = call.target.namespace.as_deref();
        let inner = self.read();
        let store = &inner.store;
        let (revision, from) = match (&page.next, page.at) {
            (Some(next), _) => {
                // -1 goes on with what there is now: the pages do not fit each other then.
                let revision = u64::try_from(next.rv).unwrap_or(store.revision());
                (revision, Some(from_key(next, namespace)))
            }
            (None, At::Now) => (store.revision(), None),
            (None, At::Since(revision)) => {
                not_ahead(revision, store.revision())?;
                (store.revision(), None)
            }
            (None, At::Exactly(revision)) => {
                not_ahead(revision, store.revision())?;
                (revision, None)
            }
        };
        if revision < store.history().oldest() && revision != store.revision() {
            return Err(match &page.next {
                Some(next) => too_old_page(next),
                None => Status::expired("The resourceVersion for the provided list is too old."),
            });
        }
        let objects = all(store, resource, namespace, revision, from.as_deref());
        drop(inner);
        Ok(page.cut(objects, &filter, resource, revision, namespace))
    }
}

/// The objects as of a revision.
fn all(
    store: &Store,
    resource: &Resource,
    namespace: Option<&str>,
    revision: u64,
    from: Option<&str>,
) -> Vec<Arc<Stored>> {
    if revision == store.revision() {
        return store.range(resource.table, namespace, from).cloned().collect();
    }
    let mut objects = store.at(resource.table, namespace, revision);
    if let Some(from) = from {
        objects.retain(|stored| &*stored.key >= from);
    }
    objects
}

/// The key a page begins at: the start in the token is below the namespace.
fn from_key(next: &Continue, namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) => format!("{namespace}/{}", next.start),
        None => next.start.clone(),
    }
}

/// What a list asks for beside selectors.
struct Page {
    limit: usize,
    next: Option<Continue>,
    at: At,
}

impl Page {
    fn of(call: &Call) -> Result<Page> {
        let mut errors = Vec::new();
        let text = |name: &str| call.one(name).unwrap_or_default();
        let (revision, how, next) = (text("resourceVersion"), text("resourceVersionMatch"), text("continue"));
        // Whatever is cached is given whole: revision 0 asks for that.
        let limit = if revision == "0" { 0 } else { number(text("limit"))? };
        if !how.is_empty() {
            if !next.is_empty() {
                errors.push(FieldError::forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch is forbidden when continue is provided",
                ));
            }
            if revision.is_empty() {
                errors.push(FieldError::forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                ));
            }
            if !matches!(how, "Exact" | "NotOlderThan") {
                errors.push(FieldError::not_supported(
                    "resourceVersionMatch",
                    how,
                    &["Exact", "NotOlderThan", ""],
                ));
            }
            if how == "Exact" && revision == "0" {
                errors.push(FieldError::forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                ));
            }
        }
        if call.one("sendInitialEvents").is_some() && !call.flag("watch") {
            errors
                .push(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        if !errors.is_empty() {
            return Err(Status::invalid(Subject { group: "meta.k8s.io", kind: "ListOptions" }, "", &errors));
        }
        let at = match revision {
            "" | "0" => At::Now,
            text => {
                let revision: u64 = text.parse().map_err(|_| {
                    Status::bad_request(format!("invalid resource version: {}", malformed_revision(text)))
                })?;
                match (how, limit > 0) {
                    ("Exact", _) | ("", true) => At::Exactly(revision),
                    _ => At::Since(revision),
                }
            }
        };
        let next = match next {
            "" => None,
            text => Some(Continue::read(text)?),
        };
        if next.is_some() && !revision.is_empty() && revision != "0" {
            return Err(Status::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        Ok(Page { limit, next, at })
    }

    fn cut(
        &self,
        objects: Vec<Arc<Stored>>,
        filter: &Filter,
        resource: &Arc<Resource>,
        revision: u64,
        namespace: Option<&str>,
    ) -> Listed {
        let mut listed = Listed {
            resource: Arc::clone(resource),
            objects: Vec::new(),
            revision,
            next: None,
            remaining: None,
        };
        let mut rest = objects.into_iter();
        if self.limit == 0 {
            listed.objects = match filter.is_empty() {
                true => rest.collect(),
                false => rest.filter(|stored| filter.matches(stored)).collect(),
            };
            return listed;
        }
        for stored in rest.by_ref().filter(|stored| filter.matches(stored)) {
            listed.objects.push(stored);
            if listed.objects.len() == self.limit {
                break;
            }
        }
        let left = rest.len();
        // One object is asked for by its name: it is got, not listed.
        let one = filter.name().is_some() && (namespace.is_some() || !resource.kind.namespaced);
        if let Some(last) =
            listed.objects.last().filter(|_| left > 0 && listed.objects.len() == self.limit && !one)
        {
            let key = match namespace {
                Some(namespace) => {
                    last.key.strip_prefix(namespace).unwrap_or(&last.key).trim_start_matches('/')
                }
                None => &last.key,
            };
            let next = Continue {
                v: "meta.k8s.io/v1".into(),
                rv: i64::try_from(revision).unwrap_or(i64::MAX),
                start: format!("{key}\0"),
            };
            listed.next = Some(next.write());
            // How many of the rest would be chosen is not known.
            listed.remaining = filter.is_empty().then_some(left as u64);
        }
        listed
    }
}

impl Continue {
    fn read(text: &str) -> Result<Continue> {
        let bad = |why: &str| {
            Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
        };
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .or_else(|_| URL_SAFE.decode(text))
            .map_err(|error| bad(&go_base64(text, &error)))?;
        let next: Continue = serde_json::from_slice(&bytes).map_err(|error| {
            bad(&crate::body::value(&bytes)
                .err()
                .map_or_else(|| error.to_string(), |error| error.to_string()))
        })?;
        match &*next.v {
            "meta.k8s.io/v1" if next.rv == 0 => {
                Err(bad("incorrect encoded start resourceVersion (version meta.k8s.io/v1)"))
            }
            "meta.k8s.io/v1" if next.start.is_empty() => {
                Err(bad("encoded start key empty (version meta.k8s.io/v1)"))
            }
            "meta.k8s.io/v1" => Ok(next),
            other => Err(bad(&format!("server does not recognize this encoded version {other:?}"))),
        }
    }

    fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// As Go says where base64 ends to be such.
fn go_base64(text: &str, error: &base64::DecodeError) -> String {
    let at = match error {
        base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => *at,
        _ => text.len(),
    };
    format!("illegal base64 data at input byte {at}")
}

/// 410 of a page whose revision is gone, with a token to go on with anyway.
fn too_old_page(next: &Continue) -> Status {
    let inconsistent = Continue { v: next.v.clone(), rv: -1, start: next.start.clone() };
    let mut status = Status::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    );
    status.details.insert("continue".into(), inconsistent.write().into());
    status
}

fn number(text: &str) -> Result<usize> {
    match text {
        "" => Ok(0),
        text => match text.parse::<i64>() {
            Ok(number) => Ok(usize::try_from(number).unwrap_or(0)),
            Err(_) => Err(Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))),
        },
    }
}

/// 500 of a resourceVersion that is no number.
pub(crate) fn malformed_revision(text: &str) -> Status {
    let why = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
    Status::unforeseen(FieldError::invalid("resourceVersion", text, why).to_string())
}

/// 504 of a revision that is not there yet.
pub(crate) fn not_ahead(asked: u64, now: u64) -> Result<()> {
    if asked <= now {
        return Ok(());
    }
    use serde_json::json;
    let mut status = Status::timeout(format!("Too large resource version: {asked}, current: {now}"), 1);
    status.details.insert(
        "causes".into(),
        json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]),
    );
    Err(status)
}
