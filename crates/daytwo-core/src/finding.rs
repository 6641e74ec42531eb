//! A finding: something a person should act on. It refuses to be a log line: each says what breaks and what to do.

use std::fmt;

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

impl Severity {
    /// Whether exit code 1 is due.
    pub fn counts(self) -> bool {
        self > Severity::Info
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_written_and_read_the_same() {
        let finding = Finding {
            id: "volume-data-elsewhere".into(),
            severity: Severity::Critical,
            subject: "persistentvolumeclaims/shop/db".into(),
            evidence: "its data lies in snapshot s-1".into(),
            breaks: "the claim comes back empty".into(),
            remedy: "restore the snapshot first".into(),
            command: None,
        };
        let json = serde_json::to_string(&finding).unwrap();
        assert!(json.contains(r#""severity":"critical""#) && !json.contains("command"), "{json}");
        assert_eq!(serde_json::from_str::<Finding>(&json).unwrap(), finding);
    }

    #[test]
    fn severities_are_ordered_and_aligned() {
        assert!(Severity::Critical > Severity::Warning && Severity::Warning > Severity::Info);
        assert!(Severity::Warning.counts() && !Severity::Info.counts());
        assert_eq!(format!("{:8}|", Severity::Info), "info    |");
    }
}
