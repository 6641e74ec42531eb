//! The files that hold no object and prove the others: `velero-backup.json`, and `<B>-daytwo-stored.json` of an
//! encrypted backup.

use super::Run;
use super::report::{Report, Severity};
use crate::digest::Digest;
use crate::layout::{BackupName, File};
use crate::location::{Error, Location, Result};
use crate::seal::{Opened, Seal};
use crate::sign::VerifyingKey;
use crate::stored::{self, Stored};
use crate::velero::{self, BackupObject, MANIFEST_DIGEST};
use bytes::Bytes;

/// Most bytes of such a file.
const LIMIT: u64 = 64 * 1024 * 1024;

/// Whether `velero-backup.json` says that there is a manifest. What cannot be read does not.
pub(super) async fn names_manifest(location: &Location, name: &BackupName) -> Result<bool> {
    match location.get_at_most(&name.key(File::VeleroBackup), LIMIT).await {
        Ok(bytes) => Ok(memchr::memmem::find(&bytes, MANIFEST_DIGEST.as_bytes()).is_some()),
        Err(Error::Corrupt { .. } | Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What `velero-backup.json` says.
pub(super) struct BackupHead {
    /// SHA-256 of the manifest as stored.
    pub(super) manifest: Option<Digest>,
    pub(super) items: Option<u64>,
    pub(super) phase: Option<String>,
}

/// Reads and judges `velero-backup.json`; `None` if it is too damaged.
pub(super) async fn backup_head(run: Run<'_>, report: &mut Report) -> Result<Option<BackupHead>> {
    let Some(bytes) = fetch(run, File::VeleroBackup, report).await? else { return Ok(None) };
    let file = run.file(File::VeleroBackup);
    seal(run, &velero::SEAL, &bytes, &file, report);
    let Ok(backup) = serde_json::from_slice::<BackupObject>(&bytes) else {
        report.damaged_file("head-damaged", &file, "is no Backup that Velero could read");
        return Ok(None);
    };
    if backup.metadata.name != run.name.as_str() {
        report.damaged_file("wrong-name", &file, format!("is of a backup named {:?}", backup.metadata.name));
    }
    let manifest = backup.annotation(MANIFEST_DIGEST).and_then(|hex| Digest::parse(hex.as_bytes()));
    let items = backup.status.progress.map(|progress| progress.items_backed_up);
    Ok(Some(BackupHead { manifest, items, phase: Some(backup.status.phase) }))
}

/// Reads and judges `<B>-daytwo-stored.json`; `None` if it is too damaged.
pub(super) async fn stored_head(run: Run<'_>, report: &mut Report) -> Result<Option<Stored>> {
    let Some(bytes) = fetch(run, File::Stored, report).await? else { return Ok(None) };
    let file = run.file(File::Stored);
    seal(run, &stored::SEAL, &bytes, &file, report);
    let Ok(stored) = serde_json::from_slice::<Stored>(&bytes) else {
        report.damaged_file("head-damaged", &file, "cannot be read");
        return Ok(None);
    };
    if stored.name != run.name.as_str() {
        report.damaged_file("wrong-name", &file, format!("is of a backup named {:?}", stored.name));
    }
    Ok(Some(stored))
}

async fn fetch(run: Run<'_>, file: File, report: &mut Report) -> Result<Option<Bytes>> {
    let name = run.file(file);
    match run.location.get_at_most(&run.name.key(file), LIMIT).await {
        Ok(bytes) => {
            report.files += 1;
            report.bytes += bytes.len() as u64;
            Ok(Some(bytes))
        }
        Err(Error::NotFound { .. }) => {
            report.damaged_file("file-missing", &name, "is missing");
            Ok(None)
        }
        Err(Error::Corrupt { what, .. }) => {
            report.damaged_file("head-damaged", &name, what);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn seal(run: Run<'_>, seal: &Seal, bytes: &[u8], file: &str, report: &mut Report) {
    match seal.open(bytes) {
        Ok(Opened { signer }) => signature(run, file, Ok(signer), report),
        Err(what) => report.damaged_file("head-damaged", file, what),
    }
}

/// Judges who signed `file`.
pub(super) fn signature(
    run: Run<'_>,
    file: &str,
    signer: std::result::Result<Option<VerifyingKey>, &str>,
    report: &mut Report,
) {
    match (signer, &run.options.key) {
        (Err(what), _) => report.damaged_file("signature-invalid", file, what),
        (Ok(None), Some(_)) => report.damaged_file(
            "unsigned",
            file,
            "is not signed, and a key was given that should have signed it",
        ),
        (Ok(Some(signer)), Some(key)) if signer != *key => {
            report.damaged_file(
                "signed-by-another",
                file,
                format!("is signed by {signer}, not by the key given, {key}"),
            );
        }
        (Ok(Some(signer)), None) => {
            let what = format!("is signed by {signer}, which no key was given to compare with");
            report.find("signer-not-compared", Severity::Note, Some(file.to_owned()), None, what);
        }
        (Ok(_), _) => {}
    }
}
