//! What a verification showed.

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
    /// What is not as it should be: at most [`Report::MOST_FINDINGS`] about objects, and as many about files.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub more: u64,
    /// Objects read, each once.
    pub objects: u64,
    /// Objects that are damaged, lost or not what the manifest says.
    pub damaged: u64,
    /// Findings of severity [`Severity::Damage`], those beyond the list too.
    pub damage: u64,
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
        self.damage == 0
    }
}

impl Report {
    /// Adds a finding, or counts it once there are enough.
    pub(super) fn find(
        &mut self,
        id: &'static str,
        severity: Severity,
        file: Option<String>,
        object: Option<String>,
        what: impl Into<String>,
    ) {
        if severity == Severity::Damage {
            self.damage += 1;
        }
        // Neither a thousand objects nor a thousand files crowd the other out.
        let alike = self.findings.iter().filter(|finding| finding.object.is_some() == object.is_some());
        if alike.count() >= Report::MOST_FINDINGS {
            self.more += 1;
            return;
        }
        self.findings.push(Finding { id, severity, file, object, what: what.into() });
    }

    /// Damage to a file.
    pub(super) fn damaged_file(&mut self, id: &'static str, file: &str, what: impl Into<String>) {
        self.find(id, Severity::Damage, Some(file.to_owned()), None, what);
    }

    /// Damage to an object.
    pub(super) fn damaged_object(
        &mut self,
        id: &'static str,
        file: &str,
        object: &str,
        what: impl Into<String>,
    ) {
        self.find(id, Severity::Damage, Some(file.to_owned()), Some(object.to_owned()), what);
    }

    /// Adds what another part of the verification showed.
    pub(super) fn take(&mut self, other: Report) {
        let listed =
            other.findings.iter().filter(|finding| finding.severity == Severity::Damage).count() as u64;
        self.damage += other.damage - listed;
        for Finding { id, severity, file, object, what } in other.findings {
            self.find(id, severity, file, object, what);
        }
        self.more += other.more;
        self.objects += other.objects;
        self.damaged += other.damaged;
        self.files += other.files;
        self.bytes += other.bytes;
        self.proved.extend(other.proved);
        self.not_proved.extend(other.not_proved);
    }
}
