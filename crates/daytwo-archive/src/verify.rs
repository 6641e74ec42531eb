//! Proves a backup: reads every byte of it again.
//!
//! Reports damage by object, by file and by what cannot be proved. Repairs nothing.

use crate::layout::BackupName;
use crate::location::{Error, Location, Result};
use crate::read::Keys;
use crate::sign::VerifyingKey;
use serde::Serialize;

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Severity {
    /// Worth knowing; the backup is whole.
    Note,
    /// Not as it should be, though every object is whole.
    Warning,
    /// Something is damaged, missing or not proved that should be.
    Damage,
}

/// One thing that verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable: `object-damaged`, `file-missing`…
    pub id: &'static str,
    /// How bad.
    pub severity: Severity,
    /// A file of the backup, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// An object, where it is about one: `configmaps/default/settings`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// What was seen, and what it means.
    pub what: String,
}

/// What a verification showed.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What is not as it should be, at most [`Report::MOST_FINDINGS`].
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub more: u64,
    /// Objects read, each once.
    pub objects: u64,
    /// Objects of which something is damaged.
    pub damaged: u64,
    /// Files read.
    pub files: u64,
    /// Bytes read, as stored.
    pub bytes: u64,
    /// What has been proved.
    pub proved: Vec<String>,
    /// What cannot be proved, and why.
    pub not_proved: Vec<String>,
    /// Public key (base64) whose signature was checked against the key given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
}

impl Report {
    /// Most findings listed one by one.
    pub const MOST_FINDINGS: usize = 1000;

    /// Whether nothing is damaged, missing or unproved that should be proved. Notes and warnings do not count.
    pub fn sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity < Severity::Damage)
    }
}

/// How to verify.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The key that must have signed the backup.
    pub key: Option<VerifyingKey>,
    /// Threads that decompress, at least 1. Default 2.
    pub threads: usize,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        VerifyOptions { key: None, threads: 2 }
    }
}

/// Verifies the backup `name`, also one too damaged to open. Damage is in the report; an error means that it could not
/// be told, because the location did not answer or there is no such backup.
pub async fn verify(
    _location: &Location,
    _name: &BackupName,
    _keys: &Keys,
    _options: &VerifyOptions,
) -> Result<Report> {
    Err(Error::Invalid("not yet".into()))
}
