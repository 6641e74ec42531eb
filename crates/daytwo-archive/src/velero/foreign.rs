//! What a backup of Velero's says about itself: its Backup object, its results and its list of resources.

use crate::head::{Consistency, Count, Head, MadeBy, Phase, Problem, Server};
use crate::location::{Error, Location, Result};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// `velero-backup.json`, as far as it is read. Every field may be missing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct BackupObject {
    pub(crate) metadata: Metadata,
    pub(crate) spec: Value,
    pub(crate) status: Status,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) annotations: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Status {
    pub(crate) phase: String,
    pub(crate) start_timestamp: Option<Timestamp>,
    pub(crate) completion_timestamp: Option<Timestamp>,
    pub(crate) expiration: Option<Timestamp>,
    pub(crate) progress: Option<Progress>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Progress {
    pub(crate) items_backed_up: u64,
}

impl BackupObject {
    /// Reads the file at `key`.
    pub(crate) fn parse(bytes: &[u8], location: &Location, key: &str) -> Result<BackupObject> {
        serde_json::from_slice(bytes).map_err(|error| Error::Corrupt {
            key: key.to_owned(),
            location: location.url().to_owned(),
            what: format!("is no Backup: {error}"),
        })
    }

    /// One of its annotations.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }
}

/// The head of a backup of Velero's. `results` and `list` are the contents of its side files, where it has them.
pub(crate) fn head(name: &str, backup: BackupObject, results: Option<&[u8]>, list: Option<&[u8]>) -> Head {
    let annotation = |key: &str| backup.annotation(key).unwrap_or_default().to_owned();
    let server = Server {
        version: annotation("velero.io/source-cluster-k8s-gitversion"),
        major: annotation("velero.io/source-cluster-k8s-major-version"),
        minor: annotation("velero.io/source-cluster-k8s-minor-version"),
        ..Server::default()
    };
    let results: Results = results.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
    let counts: Option<List> = list.and_then(|bytes| serde_json::from_slice(bytes).ok());
    let counts = counts.map(|list| list.0).unwrap_or_default();
    let status = backup.status;
    let listed = counts.iter().map(|count| count.objects).sum();
    Head {
        name: name.to_owned(),
        made_by: MadeBy::Velero,
        run: None,
        phase: Phase::from(status.phase),
        started: status.start_timestamp,
        finished: status.completion_timestamp,
        expires: status.expiration,
        server,
        revision: None,
        consistency: Consistency::PerResource { why: "Velero reads one resource after another".into() },
        objects: if counts.is_empty() {
            status.progress.map_or(0, |progress| progress.items_backed_up)
        } else {
            listed
        },
        bytes: None,
        counts,
        problems: results.errors.problems(),
        left_out: Vec::new(),
        complete: Vec::new(),
        outside: Vec::new(),
        fallbacks: Vec::new(),
        warnings: results.warnings.lines(),
        spec: backup.spec,
        encrypted: false,
        signed_by: None,
    }
}

/// `<B>-results.gz`. `null` stands for empty here and there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Results {
    errors: Lines,
    warnings: Lines,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Lines {
    velero: Option<Vec<String>>,
    cluster: Option<Vec<String>>,
    namespaces: Option<BTreeMap<String, Vec<String>>>,
}

impl Lines {
    fn problems(self) -> Vec<Problem> {
        let problem = |namespace: Option<&str>, what| Problem {
            resource: String::new(),
            namespace: namespace.map(str::to_owned),
            name: None,
            what,
        };
        let general = self.velero.into_iter().chain(self.cluster).flatten().map(|what| problem(None, what));
        let mut problems: Vec<Problem> = general.collect();
        for (namespace, lines) in self.namespaces.unwrap_or_default() {
            problems.extend(lines.into_iter().map(|what| problem(Some(&namespace), what)));
        }
        problems
    }

    fn lines(self) -> Vec<String> {
        let with_namespace = |problem: Problem| match problem.namespace {
            Some(namespace) => format!("{namespace}: {}", problem.what),
            None => problem.what,
        };
        self.problems().into_iter().map(with_namespace).collect()
    }
}

/// `<B>-resource-list.json.gz`, counted while it is read: the names are not kept.
struct List(Vec<Count>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<List, D::Error> {
        let kinds = BTreeMap::<String, Option<Names>>::deserialize(deserializer)?;
        let counts = kinds.into_iter().map(|(kind, names)| {
            let (api_version, kind) = kind.rsplit_once('/').unwrap_or(("", &kind));
            let namespaces = names.map(|names| names.0).unwrap_or_default();
            Count {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                resource: None,
                objects: namespaces.values().sum(),
                bytes: None,
                namespaces,
            }
        });
        Ok(List(counts.collect()))
    }
}

/// Names counted by namespace.
struct Names(BTreeMap<String, u64>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Names, D::Error> {
        struct Counter;
        impl<'de> serde::de::Visitor<'de> for Counter {
            type Value = Names;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of names")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut names: A,
            ) -> std::result::Result<Names, A::Error> {
                let mut counts: BTreeMap<String, u64> = BTreeMap::new();
                while let Some(name) = names.next_element::<std::borrow::Cow<'_, str>>()? {
                    let namespace = name.split_once('/').map_or("", |(namespace, _)| namespace);
                    match counts.get_mut(namespace) {
                        Some(count) => *count += 1,
                        None => drop(counts.insert(namespace.to_owned(), 1)),
                    }
                }
                Ok(Names(counts))
            }
        }
        deserializer.deserialize_seq(Counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_of_velero_is_read_with_whatever_else_it_says() {
        let text = r#"{"kind":"Backup","apiVersion":"velero.io/v1","metadata":{"name":"n","annotations":{"velero.io/source-cluster-k8s-gitversion":"v1.31.0"},"managedFields":[]},
            "spec":{"ttl":"720h0m0s","new":1},"status":{"phase":"Completed","startTimestamp":"2026-01-02T03:04:05Z","expiration":"2026-02-01T03:04:05Z","progress":{"totalItems":4,"itemsBackedUp":3},"hookStatus":{}}}"#;
        let backup: BackupObject = serde_json::from_str(text).unwrap();
        let list =
            br#"{"v1/Pod":["a/x","b/y"],"apps/v1/Deployment":["a/x"],"v1/Namespace":["a"],"v1/Secret":null}"#;
        let results =
            br#"{"errors":{"velero":["e1"],"namespaces":{"a":["e2"]}},"warnings":{"cluster":["w"]}}"#;
        let head = head("n", backup, Some(results), Some(list));
        assert_eq!(
            (head.objects, head.phase, head.server.version.as_str()),
            (4, Phase::Completed, "v1.31.0")
        );
        assert_eq!(
            head.counts.iter().map(|count| (count.kind.as_str(), count.objects)).collect::<Vec<_>>(),
            [("Deployment", 1), ("Namespace", 1), ("Pod", 2), ("Secret", 0)]
        );
        assert_eq!(head.counts[2].namespaces["b"], 1);
        assert_eq!(head.problems.len(), 2);
        assert_eq!(head.warnings, ["w"]);
    }

    #[test]
    fn side_files_that_are_missing_or_damaged_leave_the_count_of_the_backup() {
        let backup: BackupObject =
            serde_json::from_str(r#"{"status":{"phase":"Failed","progress":{"itemsBackedUp":3}}}"#).unwrap();
        let head = head("n", backup, Some(b"x"), None);
        assert_eq!((head.objects, head.phase), (3, Phase::Other("Failed".into())));
    }
}
