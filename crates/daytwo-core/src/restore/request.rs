//! What a restore is asked to do. It is kept in the plan, so that a run can be resumed by its name alone; it
//! refuses to hold credentials and keys, which the resumer brings again.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Changes;
use crate::filter::Filter;

/// A restore, as asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Request {
    /// The backup's name.
    pub backup: String,
    /// The URL of the location it lies in, for people.
    pub location: String,
    /// Which objects; the words of `backup create`.
    pub filter: Filter,
    /// Where the objects of a namespace go instead.
    pub namespace_mapping: NamespaceMapping,
    /// What is changed on the way.
    #[serde(skip_serializing_if = "Changes::is_empty")]
    pub changes: Changes,
    /// Claims whose data lies in a snapshot or a volume repository are made, empty.
    pub empty_volumes: bool,
    /// What becomes of objects that are there and differ.
    pub existing: Existing,
    /// Objects that the backup does not hold, though it would if they had been there, are deleted.
    pub prune: bool,
    /// What controllers make again is restored too: their pods, Endpoints and EndpointSlices.
    pub include_derived: bool,
    /// How admission webhooks come back that refuse what they cannot be asked about.
    pub webhooks: Webhooks,
    /// The run ends once workloads are as available as they were in the backup.
    pub wait: bool,
    /// The most requests in flight; 0 means the default, 64. How many there are is found by trying.
    pub concurrency: u16,
    /// The longest waits.
    pub waits: Waits,
    /// What is left behind for Velero.
    #[serde(skip_serializing_if = "VeleroRecord::is_default")]
    pub velero: VeleroRecord,
}

/// What a run leaves behind that Velero's tools show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VeleroRecord {
    /// No files under `restores/` beside the backup.
    pub no_files: bool,
    /// The namespace that gets a Restore object in its terminal phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_in: Option<String>,
}

impl VeleroRecord {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A part of a request that is not the same in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    /// Its field, as in JSON.
    pub what: String,
    /// What was asked for, as JSON.
    pub was: String,
    /// What is asked for now.
    pub is: String,
}

impl Request {
    /// The most requests in flight, at least one.
    pub fn in_flight(&self) -> usize {
        match self.concurrency {
            0 => 64,
            set => usize::from(set),
        }
    }

    /// What `now` asks for otherwise. How fast, how long to wait, and how the location is spelled do not count.
    pub fn differences(&self, now: &Self) -> Vec<Differs> {
        let fields = |request: &Self| {
            let same =
                Self { concurrency: 0, location: String::new(), waits: Waits::default(), ..request.clone() };
            match serde_json::to_value(same) {
                Ok(serde_json::Value::Object(fields)) => fields,
                _ => serde_json::Map::new(),
            }
        };
        let (was, is) = (fields(self), fields(now));
        let names: std::collections::BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        let text =
            |side: Option<&serde_json::Value>| side.map_or_else(|| "not set".to_owned(), ToString::to_string);
        names
            .into_iter()
            .filter(|name| was.get(*name) != is.get(*name))
            .map(|name| Differs { what: name.clone(), was: text(was.get(name)), is: text(is.get(name)) })
            .collect()
    }
}

/// What becomes of objects that are there and differ from the backup.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Existing {
    /// They are left as they are, and named.
    #[default]
    Keep,
    /// They are made like the backup's, in place.
    Update,
    /// They are deleted, without what they own, and created again.
    Replace,
}

/// How admission webhooks come back that refuse what they cannot be asked about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Webhooks {
    /// Once somebody answers for them; the others are passed over, and named.
    #[default]
    Wait,
    /// At once, letting pass what they cannot be asked about; once somebody answers, they refuse again.
    Parked,
}

/// The longest waits of a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Waits {
    /// For a CustomResourceDefinition to be established and served. Default 60 s.
    pub established: SignedDuration,
    /// For restored claims to be bound, before volumes get their reclaim policy back. Default 60 s.
    pub bound: SignedDuration,
    /// For the Services behind webhooks to have a ready endpoint, and for webhooks to answer. Default 120 s.
    pub endpoints: SignedDuration,
    /// For workloads to be as available as they were. Default 600 s.
    pub workloads: SignedDuration,
    /// For one request to succeed while the server does not answer or pushes back. Default 120 s.
    pub request: SignedDuration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            established: SignedDuration::from_secs(60),
            bound: SignedDuration::from_secs(60),
            endpoints: SignedDuration::from_secs(120),
            workloads: SignedDuration::from_secs(600),
            request: SignedDuration::from_secs(120),
        }
    }
}

/// Where the objects of a namespace go instead of where they came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NamespaceMapping(BTreeMap<String, String>);

/// Why a namespace mapping cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not of the form `FROM:TO`.
    #[error("{0:?} is no namespace mapping: write FROM:TO")]
    Form(String),
    /// A side of it cannot be a namespace.
    #[error(
        "{0:?} cannot be a namespace's name: at most 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit"
    )]
    Name(String),
    /// A namespace is mapped twice.
    #[error("namespace {0} is mapped twice: name it once")]
    Twice(String),
    /// Two namespaces would become one.
    #[error(
        "two namespaces are mapped to {0}: their objects would collide; restore them one after the other"
    )]
    Merged(String),
}

impl NamespaceMapping {
    /// Reads `FROM:TO` texts.
    ///
    /// # Errors
    /// A text that is no mapping, a name that no namespace can have, or two mappings that contradict each other.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, MappingError> {
        let mut mapping = BTreeMap::new();
        for text in texts {
            let (from, to) = text.split_once(':').ok_or_else(|| MappingError::Form(text.to_owned()))?;
            for name in [from, to] {
                if !is_dns_label(name) {
                    return Err(MappingError::Name(name.to_owned()));
                }
            }
            if mapping.values().any(|known| known == to) {
                return Err(MappingError::Merged(to.to_owned()));
            }
            if mapping.insert(from.to_owned(), to.to_owned()).is_some() {
                return Err(MappingError::Twice(from.to_owned()));
            }
        }
        Ok(Self(mapping))
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where `namespace` goes; itself where it is not mapped.
    pub fn map<'a>(&'a self, namespace: &'a str) -> &'a str {
        self.0.get(namespace).map_or(namespace, String::as_str)
    }

    /// Where `namespace` goes, if it is mapped to another name.
    pub fn mapped(&self, namespace: &str) -> Option<&str> {
        self.0.get(namespace).map(String::as_str).filter(|to| *to != namespace)
    }

    /// The pairs, by source.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(from, to)| (from.as_str(), to.as_str()))
    }
}

/// RFC 1123 label, which a namespace's name must be.
fn is_dns_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| inner(*byte) || *byte == b'-')
        && inner(bytes[0])
        && inner(bytes[bytes.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_maps_what_it_names_and_nothing_else() {
        let mapping = NamespaceMapping::parse(["a:b", "c:c"]).unwrap();
        assert_eq!((mapping.map("a"), mapping.map("b")), ("b", "b"));
        assert_eq!((mapping.mapped("a"), mapping.mapped("c")), (Some("b"), None));
    }

    #[test]
    fn mappings_that_lose_objects_or_name_no_namespace_are_refused() {
        let parse = |texts: &[&str]| NamespaceMapping::parse(texts.iter().copied()).unwrap_err();
        assert_eq!(parse(&["ab"]), MappingError::Form("ab".into()));
        assert_eq!(parse(&["a:"]), MappingError::Name(String::new()));
        assert_eq!(parse(&["A:b"]), MappingError::Name("A".into()));
        assert_eq!(parse(&["a:b", "c:b"]), MappingError::Merged("b".into()));
        assert_eq!(parse(&["a:b", "a:c"]), MappingError::Twice("a".into()));
    }

    #[test]
    fn two_requests_are_one_unless_they_ask_for_other_objects_or_acts() {
        let one = Request { backup: "b".into(), location: "file:///a".into(), ..Request::default() };
        let same = Request { concurrency: 4, location: "/a".into(), ..one.clone() };
        assert_eq!(one.differences(&same), []);
        let other = Request { existing: Existing::Update, prune: true, ..one.clone() };
        let differs = one.differences(&other);
        let brief: Vec<_> =
            differs.iter().map(|one| (one.what.as_str(), one.was.as_str(), one.is.as_str())).collect();
        assert_eq!(brief, [("existing", "\"keep\"", "\"update\""), ("prune", "false", "true")]);
    }

    #[test]
    fn a_request_of_an_older_version_is_read_with_defaults() {
        let request: Request = serde_json::from_str(r#"{"backup":"b"}"#).unwrap();
        assert_eq!(request.in_flight(), 64);
        assert_eq!(request.waits.established, SignedDuration::from_secs(60));
    }
}
