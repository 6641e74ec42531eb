//! What a backup says about itself, without its objects: what was asked, what was read, what is missing and why.
//!
//! Written into the manifest of daytwo's backups, and drawn from the side files of Velero's as far as those say it.
//! Nothing here is derived from the objects after the fact: unknown stays unknown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A kind of object as the API serves it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// API group; empty for the core group.
    #[serde(default)]
    pub group: String,
    /// Version the objects were read at.
    pub version: String,
    /// `Deployment`.
    pub kind: String,
    /// `deployments`.
    pub resource: String,
    /// Whether its objects lie in namespaces.
    #[serde(default)]
    pub namespaced: bool,
}

impl Resource {
    /// Go's `GroupResource.String()`: `pods`, `deployments.apps`. The name of its directory in an archive.
    pub fn group_resource(&self) -> String {
        match self.group.as_str() {
            "" => self.resource.clone(),
            group => format!("{}.{group}", self.resource),
        }
    }

    /// As objects say it: `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

/// The cluster a backup was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Server {
    /// `v1.36.3`.
    pub version: String,
    /// `1`.
    pub major: String,
    /// `36`.
    pub minor: String,
    /// URL of the API server, as the run reached it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// `metadata.uid` of the namespace kube-system: what stays the same while URLs change.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// The kubeconfig's context, where one was used.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub context: String,
}

/// Whether all objects are of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Consistency {
    /// Every object is as it was at the backup's revision, except resources named outside the cut.
    OneRevision,
    /// Each resource was read for itself.
    PerResource {
        /// Why it could not be one revision.
        why: String,
    },
}

/// Something wanted that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `deployments.apps`.
    pub resource: String,
    /// The namespace, if only one is affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The object, if only one is affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What happened.
    pub what: String,
}

/// Something left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// A resource, or a group and version.
    pub what: String,
    /// By which rule.
    pub why: String,
}

/// A resource read outside the backup's revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideCut {
    /// `events`.
    pub resource: String,
    /// Why the revision does not hold for it.
    pub why: String,
}

/// A way round something that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// `widgets.example.com`.
    pub resource: String,
    /// What was done instead.
    pub what: String,
}

/// A resource of which every object was seen, so that what is not in the backup was not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complete {
    /// `configmaps`.
    pub resource: String,
    /// In these namespaces only; `None` means everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
}

/// How a backup ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Phase {
    /// Everything wanted is in it.
    Completed,
    /// Something wanted could not be read.
    PartiallyFailed,
    /// A phase that only Velero's backups have.
    Other(String),
}

impl From<String> for Phase {
    fn from(text: String) -> Phase {
        match text.as_str() {
            "Completed" => Phase::Completed,
            "PartiallyFailed" => Phase::PartiallyFailed,
            _ => Phase::Other(text),
        }
    }
}

impl From<Phase> for String {
    fn from(phase: Phase) -> String {
        phase.to_string()
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Completed => "Completed",
            Phase::PartiallyFailed => "PartiallyFailed",
            Phase::Other(other) => other,
        })
    }
}

/// Which tool wrote a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tool", rename_all = "lowercase")]
pub enum MadeBy {
    /// daytwo.
    Daytwo {
        /// Its version.
        version: String,
    },
    /// Velero. Its backups hold no digests.
    Velero,
}

/// How many objects of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// `v1`, `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// `deployments.apps`; `None` in backups of Velero, which do not say it outside the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// In all.
    pub objects: u64,
    /// Bytes of their JSON, each once; `None` in backups of Velero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// By namespace; the empty text stands for objects outside namespaces.
    #[serde(default)]
    pub namespaces: BTreeMap<String, u64>,
}

/// What a backup says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The backup's name.
    pub name: String,
    /// Which tool wrote it.
    pub made_by: MadeBy,
    /// The run that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// How it ended.
    pub phase: Phase,
    /// When the run began, by its own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When all had been read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// When Velero's garbage collection may delete it; `None` means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Of which cluster.
    pub server: Server,
    /// The revision all objects are of; see `consistency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Whether all objects are of one moment.
    pub consistency: Consistency,
    /// Objects held, each once.
    pub objects: u64,
    /// Bytes of their JSON, each once; `None` in backups of Velero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Objects by kind and namespace, in archive order.
    #[serde(default)]
    pub counts: Vec<Count>,
    /// Something wanted that could not be read.
    #[serde(default)]
    pub problems: Vec<Problem>,
    /// Something left out on purpose.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// Resources of which every object was seen.
    #[serde(default)]
    pub complete: Vec<Complete>,
    /// Resources read outside the revision.
    #[serde(default)]
    pub outside: Vec<OutsideCut>,
    /// Ways round something that failed.
    #[serde(default)]
    pub fallbacks: Vec<Fallback>,
    /// What a reader should know though nothing is missing.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Velero's `BackupSpec`: what was asked.
    #[serde(default)]
    pub spec: serde_json::Value,
    /// Whether every file is encrypted.
    #[serde(default)]
    pub encrypted: bool,
    /// Public key (base64 of 32 bytes) of the signature the backup carries, which opening it does not check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
}
