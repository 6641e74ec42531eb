//! Where everything of a backup lies, relative to a location: Velero's object-store layout
//! (`pkg/persistence/object_store_layout.go`, unchanged from Velero 1.4 to 1.18) and the files daytwo adds inside
//! `backups/<name>/`, which Velero passes over and deletes together with the backup.
//!
//! Refuses names that some reader of the location could not take, and never makes a directory at the top of a
//! location other than the six Velero knows: any other makes Velero call the whole location unavailable.

use std::fmt;

/// The directories Velero allows at the top of a location.
pub const TOP: [&str; 6] = ["backups", "restores", "restic", "metadata", "plugins", "kopia"];

/// Directory of all backups, without a slash at its end.
pub const BACKUPS: &str = "backups";

/// Directory of what is kept of restores, without a slash at its end.
pub const RESTORES: &str = "restores";

/// Directory of what daytwo keeps beside the backups.
pub const OWN: &str = "metadata/daytwo";
/// Where journals lie: a folder for each run.
pub const RUNS: &str = "metadata/daytwo/runs";
/// Where snapshots of etcd and copies of K3s' database lie: a folder for each.
pub const ETCD: &str = "metadata/daytwo/etcd";

/// A name a backup may be given: an RFC 1123 subdomain of at most 63 characters, so that it is also a label value.
///
/// ```
/// use daytwo_archive::layout::BackupName;
/// assert!(BackupName::try_from("nightly-2026-11-03.a").is_ok());
/// assert!(BackupName::try_from("Nightly").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackupName(String);

/// Why a text is no name of a backup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} cannot name a backup: {why}; use at most 63 of a-z, 0-9, '-' and '.', each part between dots beginning and ending with a letter or digit"
)]
pub struct InvalidName {
    name: String,
    why: &'static str,
}

impl BackupName {
    /// Longest name, in bytes.
    pub const MAX: usize = 63;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Directory of the backup, without a slash at its end: `backups/<name>`.
    pub fn dir(&self) -> String {
        dir(&self.0)
    }

    /// Key of one of its files.
    pub fn key(&self, file: File) -> String {
        file.key(&self.0)
    }
}

impl TryFrom<&str> for BackupName {
    type Error = InvalidName;

    fn try_from(name: &str) -> Result<BackupName, InvalidName> {
        let invalid = |why| Err(InvalidName { name: name.chars().take(80).collect(), why });
        if name.is_empty() {
            return invalid("it is empty");
        }
        if name.len() > BackupName::MAX {
            return invalid("it is longer than 63 characters");
        }
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.') {
            return invalid("it holds a character that object names in Kubernetes do not allow");
        }
        if name.split('.').any(|part| part.is_empty() || part.starts_with('-') || part.ends_with('-')) {
            return invalid("a part of it is empty, or begins or ends with '-'");
        }
        Ok(BackupName(name.to_owned()))
    }
}

impl std::str::FromStr for BackupName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<BackupName, InvalidName> {
        BackupName::try_from(name)
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for BackupName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A file of a backup. Names other than these may lie beside them and belong to the backup all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum File {
    /// `velero-backup.json`: the Backup object; its being there is what makes a backup exist for Velero.
    VeleroBackup,
    /// `<B>.tar.gz`: the objects.
    Archive,
    /// `<B>-logs.gz`.
    Logs,
    /// `<B>-results.gz`: errors and warnings.
    Results,
    /// `<B>-resource-list.json.gz`: names by group, version and kind.
    ResourceList,
    /// `<B>-volumeinfo.json.gz`.
    VolumeInfo,
    /// `<B>-podvolumebackups.json.gz`: data held in restic or kopia.
    PodVolumeBackups,
    /// `<B>-volumesnapshots.json.gz`: snapshots of the cloud.
    VolumeSnapshots,
    /// `<B>-itemoperations.json.gz`: what plugins went on doing.
    ItemOperations,
    /// `<B>-csi-volumesnapshots.json.gz`, of older releases.
    CsiVolumeSnapshots,
    /// `<B>-csi-volumesnapshotcontents.json.gz`, of older releases.
    CsiVolumeSnapshotContents,
    /// `<B>-csi-volumesnapshotclasses.json.gz`, of older releases.
    CsiVolumeSnapshotClasses,
    /// `<B>-daytwo.json.gz`: daytwo's manifest.
    Manifest,
    /// `<B>-daytwo-stored.json`: digests of the files as stored; the head of an encrypted backup.
    Stored,
    /// `<B>-daytwo-claim.json`: who writes, or wrote, this backup.
    Claim,
}

impl File {
    /// Every file, Velero's in the order of `formats.md`, then daytwo's.
    pub const ALL: [File; 15] = [
        File::VeleroBackup,
        File::Archive,
        File::Logs,
        File::Results,
        File::ResourceList,
        File::VolumeInfo,
        File::PodVolumeBackups,
        File::VolumeSnapshots,
        File::ItemOperations,
        File::CsiVolumeSnapshots,
        File::CsiVolumeSnapshotContents,
        File::CsiVolumeSnapshotClasses,
        File::Manifest,
        File::Stored,
        File::Claim,
    ];

    /// Files whose entries own data outside the backup: snapshots, or volumes in a kopia repository.
    pub const OWNING: [File; 5] = [
        File::VolumeSnapshots,
        File::CsiVolumeSnapshots,
        File::PodVolumeBackups,
        File::ItemOperations,
        File::VolumeInfo,
    ];

    /// What follows the backup's name; `None` for `velero-backup.json`, which does not carry it.
    fn suffix(self) -> Option<&'static str> {
        Some(match self {
            File::VeleroBackup => return None,
            File::Archive => ".tar.gz",
            File::Logs => "-logs.gz",
            File::Results => "-results.gz",
            File::ResourceList => "-resource-list.json.gz",
            File::VolumeInfo => "-volumeinfo.json.gz",
            File::PodVolumeBackups => "-podvolumebackups.json.gz",
            File::VolumeSnapshots => "-volumesnapshots.json.gz",
            File::ItemOperations => "-itemoperations.json.gz",
            File::CsiVolumeSnapshots => "-csi-volumesnapshots.json.gz",
            File::CsiVolumeSnapshotContents => "-csi-volumesnapshotcontents.json.gz",
            File::CsiVolumeSnapshotClasses => "-csi-volumesnapshotclasses.json.gz",
            File::Manifest => "-daytwo.json.gz",
            File::Stored => "-daytwo-stored.json",
            File::Claim => "-daytwo-claim.json",
        })
    }

    /// Name of the file inside the directory of `backup`.
    pub fn name(self, backup: &str) -> String {
        match self.suffix() {
            None => "velero-backup.json".to_owned(),
            Some(suffix) => format!("{backup}{suffix}"),
        }
    }

    /// Key of the file of `backup`. Takes any text: Velero allows longer names than [`BackupName`].
    pub fn key(self, backup: &str) -> String {
        format!("{BACKUPS}/{backup}/{}", self.name(backup))
    }

    /// Which file of `backup` the name inside its directory is; `None` for one that is not in the layout.
    pub fn of(backup: &str, name: &str) -> Option<File> {
        if name == "velero-backup.json" {
            return Some(File::VeleroBackup);
        }
        let rest = name.strip_prefix(backup)?;
        File::ALL.into_iter().find(|file| file.suffix() == Some(rest))
    }
}

/// A file that is kept of a restore, for the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RestoreFile {
    /// `restore-<R>-logs.gz`.
    Logs,
    /// `restore-<R>-results.gz`: errors and warnings.
    Results,
    /// `restore-<R>-resource-list.json.gz`: names by group, version and kind, each with what became of it.
    ResourceList,
    /// `restore-<R>-itemoperations.json.gz`: what plugins went on doing.
    ItemOperations,
    /// `<R>-volumeinfo.json.gz`; Velero gives this one no `restore-` in front.
    VolumeInfo,
}

impl RestoreFile {
    /// Every file.
    pub const ALL: [RestoreFile; 5] = [
        RestoreFile::Logs,
        RestoreFile::Results,
        RestoreFile::ResourceList,
        RestoreFile::ItemOperations,
        RestoreFile::VolumeInfo,
    ];

    /// Key of the file of `restore`.
    pub fn key(self, restore: &str) -> String {
        let (before, after) = match self {
            RestoreFile::Logs => ("restore-", "-logs.gz"),
            RestoreFile::Results => ("restore-", "-results.gz"),
            RestoreFile::ResourceList => ("restore-", "-resource-list.json.gz"),
            RestoreFile::ItemOperations => ("restore-", "-itemoperations.json.gz"),
            RestoreFile::VolumeInfo => ("", "-volumeinfo.json.gz"),
        };
        format!("{RESTORES}/{restore}/{before}{restore}{after}")
    }
}

/// Directory of `backup`, without a slash at its end.
pub fn dir(backup: &str) -> String {
    format!("{BACKUPS}/{backup}")
}

/// Splits the key of a file of a backup into the backup's name and what follows it.
///
/// ```
/// assert_eq!(daytwo_archive::layout::split("backups/b/b.tar.gz"), Some(("b", "b.tar.gz")));
/// assert_eq!(daytwo_archive::layout::split("metadata/revision"), None);
/// ```
pub fn split(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix("backups/")?.split_once('/').filter(|(name, rest)| !name.is_empty() && !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_rfc_1123_and_stay_within_a_label() {
        for name in ["a", "a-b", "a.b", "0", "nightly-2026.1", &"x".repeat(63)] {
            assert_eq!(BackupName::try_from(name).unwrap().as_str(), name);
        }
        for name in
            ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a.", "a/b", "../b", "ä", "a.-b", &"x".repeat(64)]
        {
            assert!(BackupName::try_from(name).is_err(), "{name:?} was taken");
        }
    }

    #[test]
    fn the_error_does_not_repeat_an_endless_name() {
        let error = BackupName::try_from("x".repeat(100_000).as_str()).unwrap_err().to_string();
        assert!(error.len() < 400);
    }

    #[test]
    fn every_key_leads_back_to_its_file() {
        for file in File::ALL {
            let key = file.key("b-1");
            let (backup, name) = split(&key).unwrap();
            assert_eq!((backup, File::of(backup, name)), ("b-1", Some(file)));
        }
        assert_eq!(File::of("b", "b-other"), None);
    }

    #[test]
    fn keys_are_those_velero_writes() {
        assert_eq!(File::VeleroBackup.key("b"), "backups/b/velero-backup.json");
        assert_eq!(File::Archive.key("b"), "backups/b/b.tar.gz");
        assert_eq!(File::ResourceList.key("b"), "backups/b/b-resource-list.json.gz");
        assert_eq!(File::Manifest.key("b"), "backups/b/b-daytwo.json.gz");
        assert_eq!(File::Claim.key("b"), "backups/b/b-daytwo-claim.json");
        assert_eq!(
            RestoreFile::ALL.map(|file| file.key("r")),
            [
                "restores/r/restore-r-logs.gz",
                "restores/r/restore-r-results.gz",
                "restores/r/restore-r-resource-list.json.gz",
                "restores/r/restore-r-itemoperations.json.gz",
                "restores/r/r-volumeinfo.json.gz"
            ]
        );
    }
}
