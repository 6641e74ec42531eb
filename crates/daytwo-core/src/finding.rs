//! A finding: something a person should act on. It refuses to be a log line: each says what breaks and what to do.

use serde::{Deserialize, Serialize};

/// Something that a person should act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What kind of finding it is; stable from release to release.
    pub id: String,
    /// How soon to act.
    pub severity: Severity,
    /// What it is about, such as `storageclasses.storage.k8s.io/fast`.
    pub subject: String,
    /// What was seen.
    pub evidence: String,
    /// What breaks if nobody acts.
    pub breaks: String,
    /// What to do.
    pub remedy: String,
    /// The command that does it by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// How soon to act on a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something will not work as it did.
    Warning,
    /// Data or service is lost, or about to be.
    Critical,
}
