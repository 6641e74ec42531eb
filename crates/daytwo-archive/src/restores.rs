//! What is kept of a restore beside the backups, in the files that Velero keeps of its own
//! (`pkg/controller/restore_controller.go` and `pkg/restore/request.go` of Velero 1.18): its log, its errors and
//! warnings, and each object with what became of it.
//!
//! Names arrive in the order of an archive and are kept compressed, kind by kind, so that a restore of 200,000 objects
//! is kept in a few MiB. It refuses to be more than a record: nothing reads these files to decide anything.

use crate::gzip::{Holding, Packer};
use crate::layout::RestoreFile;
use crate::location::{Location, Result};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Bytes of names of one kind that are compressed together.
const BLOCK: usize = 32 * 1024;

/// What became of an object, in Velero's words (`pkg/restore/request.go`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// The server refused it.
    Failed,
    /// It was left as it was, or passed over.
    Skipped,
}

impl fmt::Display for Became {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Became::Created => "created",
            Became::Updated => "updated",
            Became::Failed => "failed",
            Became::Skipped => "skipped",
        })
    }
}

/// Messages by whom they are about (`pkg/util/results/result.go`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Messages {
    /// The restore as a whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub velero: Vec<String>,
    /// Cluster-scoped objects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster: Vec<String>,
    /// Objects of namespaces.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub namespaces: BTreeMap<String, Vec<String>>,
}

impl Messages {
    /// Adds a message about an object in `namespace`, or about one that is in none.
    pub fn about(&mut self, namespace: Option<&str>, message: String) {
        match namespace {
            None => self.cluster.push(message),
            Some(namespace) => self.namespaces.entry(namespace.to_owned()).or_default().push(message),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.velero.len() + self.cluster.len() + self.namespaces.values().map(Vec::len).sum::<usize>()
    }
}

/// Errors and warnings of a restore.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Results {
    /// What failed.
    pub errors: Messages,
    /// What is to be looked at.
    pub warnings: Messages,
}

/// The record of one restore, while it is put together.
#[derive(Default)]
pub struct RestoreRecord {
    packer: Packer,
    kinds: BTreeMap<(String, String), Names>,
    log: String,
}

/// The names of one kind.
#[derive(Default)]
struct Names {
    packed: Vec<u8>,
    text: String,
    any: bool,
}

impl fmt::Debug for RestoreRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestoreRecord").field("kinds", &self.kinds.len()).finish_non_exhaustive()
    }
}

impl RestoreRecord {
    /// Adds an object by its name in the cluster; `api_version` and `kind` as objects say them.
    pub fn object(
        &mut self,
        (api_version, kind): (&str, &str),
        namespace: Option<&str>,
        name: &str,
        became: Became,
    ) {
        let names = self.kinds.entry((api_version.to_owned(), kind.to_owned())).or_default();
        let entry = match namespace {
            Some(namespace) => format!("{namespace}/{name}({became})"),
            None => format!("{name}({became})"),
        };
        if names.any {
            names.text.push(',');
        }
        names.any = true;
        names.text.push_str(&serde_json::Value::from(entry).to_string());
        if names.text.len() >= BLOCK {
            names.packed.extend_from_slice(self.packer.pack(names.text.as_bytes(), &Holding::List));
            names.text.clear();
        }
    }

    /// Adds a line to the log, as logrus writes it and `velero restore logs` shows it. `level` is `info`, `warning` or
    /// `error`.
    pub fn line(&mut self, at: Timestamp, level: &str, message: &str, restore: &str) {
        let at = at.strftime("%Y-%m-%dT%H:%M:%SZ");
        // A Rust string literal quotes what Go's would.
        self.log.push_str(&format!("time=\"{at}\" level={level} msg={message:?} restore=velero/{restore}\n"));
    }

    /// Whether there are files of a restore `name` already: of Velero's, or of a run.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn is_there(location: &Location, name: &str) -> Result<bool> {
        location.exists(&RestoreFile::Logs.key(name)).await
    }

    /// Writes the files of the restore `name`, replacing those that an earlier try left.
    ///
    /// # Errors
    /// The first write that the store refused; those before it stand.
    pub async fn write(mut self, location: &Location, name: &str, results: &Results) -> Result<()> {
        let mut text = serde_json::json!(results).to_string();
        text.push('\n');
        let list = self.list();
        let log = std::mem::take(&mut self.log);
        let mut pack = |text: &str| self.packer.pack(text.as_bytes(), &Holding::List).to_vec();
        let files = [
            (RestoreFile::Logs, pack(&log)),
            (RestoreFile::Results, pack(&text)),
            (RestoreFile::ResourceList, list),
            (RestoreFile::ItemOperations, pack("[]")),
            (RestoreFile::VolumeInfo, pack("[]")),
        ];
        for (file, bytes) in files {
            location.put(&file.key(name), bytes.into()).await?;
        }
        Ok(())
    }

    /// The list of objects, in gzip members, which any reader takes as one file.
    fn list(&mut self) -> Vec<u8> {
        let mut list = Vec::new();
        let mut before = "{".to_owned();
        for ((api_version, kind), names) in std::mem::take(&mut self.kinds) {
            before.push_str(&serde_json::Value::from(format!("{api_version}/{kind}")).to_string());
            before.push_str(":[");
            list.extend_from_slice(self.packer.pack(before.as_bytes(), &Holding::List));
            list.extend_from_slice(&names.packed);
            list.extend_from_slice(self.packer.pack(names.text.as_bytes(), &Holding::List));
            before = "],".to_owned();
        }
        let end = match before.as_str() {
            "{" => "{}",
            _ => "]}",
        };
        list.extend_from_slice(self.packer.pack(end.as_bytes(), &Holding::List));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::MultiGzDecoder;
    use serde_json::{Value, json};
    use std::io::Read;

    async fn stored(location: &Location, file: RestoreFile) -> String {
        let bytes = location.get(&file.key("r")).await.unwrap();
        let mut text = String::new();
        MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        text
    }

    #[tokio::test]
    async fn what_became_of_each_object_is_kept_in_velero_s_words() {
        let location = Location::memory();
        let mut record = RestoreRecord::default();
        let map = ("v1", "ConfigMap");
        record.object(map, Some("a"), "one", Became::Created);
        record.object(("apps/v1", "Deployment"), Some("a"), "web", Became::Failed);
        // Foreign archives have kinds in pieces.
        record.object(map, Some("b"), "tw\"o", Became::Skipped);
        record.object(("v1", "Namespace"), None, "a", Became::Updated);
        record.line(Timestamp::UNIX_EPOCH, "info", "said \"so\"", "r");
        let mut results = Results::default();
        results.errors.about(Some("a"), "no".into());
        results.warnings.about(None, "hm".into());
        record.write(&location, "r", &results).await.unwrap();
        let list: Value = serde_json::from_str(&stored(&location, RestoreFile::ResourceList).await).unwrap();
        assert_eq!(
            list,
            json!({
                "v1/ConfigMap": ["a/one(created)", "b/tw\"o(skipped)"],
                "apps/v1/Deployment": ["a/web(failed)"],
                "v1/Namespace": ["a(updated)"],
            })
        );
        assert_eq!(
            stored(&location, RestoreFile::Results).await,
            "{\"errors\":{\"namespaces\":{\"a\":[\"no\"]}},\"warnings\":{\"cluster\":[\"hm\"]}}\n"
        );
        assert_eq!(
            stored(&location, RestoreFile::Logs).await,
            "time=\"1970-01-01T00:00:00Z\" level=info msg=\"said \\\"so\\\"\" restore=velero/r\n"
        );
        assert_eq!(stored(&location, RestoreFile::VolumeInfo).await, "[]");
    }

    #[tokio::test]
    async fn a_record_of_many_objects_takes_little_memory_and_loses_none() {
        let mut record = RestoreRecord::default();
        for number in 0..100_000 {
            record.object(("v1", "ConfigMap"), Some("a"), &format!("config-{number}"), Became::Created);
        }
        let held: usize = record.kinds.values().map(|names| names.packed.len() + names.text.len()).sum();
        assert!(held < 1 << 20, "{held} bytes");
        let location = Location::memory();
        record.write(&location, "r", &Results::default()).await.unwrap();
        let list: Value = serde_json::from_str(&stored(&location, RestoreFile::ResourceList).await).unwrap();
        assert_eq!(list["v1/ConfigMap"].as_array().unwrap().len(), 100_000);
    }

    #[tokio::test]
    async fn a_restore_of_nothing_leaves_an_empty_list() {
        let location = Location::memory();
        RestoreRecord::default().write(&location, "r", &Results::default()).await.unwrap();
        assert_eq!(stored(&location, RestoreFile::ResourceList).await, "{}");
        assert_eq!(stored(&location, RestoreFile::Results).await, "{\"errors\":{},\"warnings\":{}}\n");
    }
}
