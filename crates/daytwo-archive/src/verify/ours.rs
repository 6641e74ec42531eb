//! A backup of daytwo's: heads, then the archive along with the manifest, then the other files.

use super::archive::Archive;
use super::heads::{backup_head, signature, stored_head};
use super::lines::Lines;
use super::report::{Report, Severity};
use super::watched::{Trouble, Watched, drain};
use super::{Run, files};
use crate::digest::Digest;
use crate::head::Phase;
use crate::layout::File;
use crate::location::{Error, Location, Result};
use crate::manifest::{StoredFile, Tail};
use crate::read::source::{Source, blocking};
use crate::read::{encrypted_tail, tail};
use std::io::Read;

/// What the heads say, and the way to the rest.
#[derive(Default)]
struct Said {
    /// Digest of the manifest as stored.
    manifest: Option<Digest>,
    /// Files as stored, where that differs from what they hold.
    stored: Option<Vec<StoredFile>>,
    items: Option<u64>,
    phase: Option<String>,
}

pub(super) async fn verify(run: Run<'_>, mut report: Report) -> Result<Report> {
    let encrypted = !run.found.sizes.contains_key(&run.file(File::VeleroBackup))
        && run.found.sizes.contains_key(&run.file(File::Stored));
    let mut said = Said::default();
    if encrypted {
        if let Some(stored) = stored_head(run, &mut report).await? {
            let manifest = stored.files.iter().find(|file| file.name == run.file(File::Manifest));
            said.manifest = manifest.map(|file| file.sha256);
            said.stored = Some(stored.files);
        }
    } else if let Some(head) = backup_head(run, &mut report).await? {
        (said.manifest, said.items, said.phase) = (head.manifest, head.items, head.phase);
        if said.manifest.is_none() {
            report.damaged_file(
                "head-damaged",
                &run.file(File::VeleroBackup),
                "does not hold the digest of the manifest",
            );
        }
    }
    if encrypted && run.keys.identities.is_empty() {
        without_identity(run, said.stored.unwrap_or_default(), &mut report).await?;
        return Ok(report);
    }
    match read_tail(run, encrypted).await {
        Ok(tail) => with_manifest(run, tail, said, encrypted, &mut report).await?,
        Err(Error::NotFound { .. }) => {
            report.damaged_file(
                "file-missing",
                &run.file(File::Manifest),
                "is missing: nothing proves the objects",
            );
            without_manifest(run, said.stored, encrypted, &mut report).await?;
        }
        Err(Error::Corrupt { what, .. }) => {
            report.damaged_file(
                "manifest-damaged",
                &run.file(File::Manifest),
                format!("{what}; nothing proves the objects"),
            );
            without_manifest(run, said.stored, encrypted, &mut report).await?;
        }
        Err(error) => return Err(error),
    }
    Ok(report)
}

async fn read_tail(run: Run<'_>, encrypted: bool) -> Result<Tail> {
    match encrypted {
        true => encrypted_tail(run.location, run.name, &run.keys.identities).await,
        false => tail(run.location, run.name).await,
    }
}

/// The bytes as stored can be proved, no more.
async fn without_identity(run: Run<'_>, stored: Vec<StoredFile>, report: &mut Report) -> Result<()> {
    let known = names(run, &stored, File::Stored);
    files::verify(run, stored, &[], report).await?;
    files::strays(run, &known, report);
    report.proved.push("every file has the bytes it was stored with".into());
    report.not_proved.push("what the files hold, and that they hold objects at all: they are encrypted, and no identity was given".into());
    Ok(())
}

/// The archive can still be looked at; what it should hold is not known.
async fn without_manifest(
    run: Run<'_>,
    stored: Option<Vec<StoredFile>>,
    encrypted: bool,
    report: &mut Report,
) -> Result<()> {
    if !encrypted && run.found.sizes.contains_key(&run.file(File::Archive)) {
        super::foreign::archive(run, report).await?;
    }
    let stored = stored.unwrap_or_default();
    files::verify(run, stored, &[], report).await?;
    report
        .not_proved
        .push("that the objects are those that were backed up: the manifest cannot be read".into());
    Ok(())
}

async fn with_manifest(
    run: Run<'_>,
    tail: Tail,
    said: Said,
    encrypted: bool,
    report: &mut Report,
) -> Result<()> {
    judge_head(run, &tail, &said, report);
    let head = if encrypted { File::Stored } else { File::VeleroBackup };
    let known = names(run, &tail.files, head);
    let archive = run.file(File::Archive);
    let manifest = run.file(File::Manifest);
    let plain: Vec<StoredFile> = tail.files.clone();
    let others = |file: &StoredFile| file.name != archive && file.name != manifest;
    let small: Vec<StoredFile> =
        said.stored.as_ref().unwrap_or(&plain).iter().filter(|file| others(file)).cloned().collect();
    files::verify(run, small, if encrypted { &plain } else { &[] }, report).await?;
    if encrypted {
        let stored = said.stored.as_deref().unwrap_or_default();
        for missing in plain.iter().filter(|file| !stored.iter().any(|stored| stored.name == file.name)) {
            report.damaged_file(
                "head-damaged",
                &run.file(File::Stored),
                format!("does not name {}", missing.name),
            );
        }
    }
    files::strays(run, &known, report);
    report.take(with_archive(run, tail, said, encrypted).await?);
    report
        .proved
        .push("every file, gzip member and object, and both copies of each, are as they were written".into());
    match (&run.options.key, report.damage) {
        (Some(key), 0) => {
            report.signed_by = Some(key.to_base64());
            report.proved.push(format!("the holder of the key {key} wrote it"));
        }
        (Some(_), _) => {}
        (None, _) => {
            report.not_proved.push("who wrote it: no key was given to compare its signature with".into())
        }
    }
    if report.damage > 0 {
        // What was to be proved is not.
        report.proved.clear();
    }
    Ok(())
}

fn judge_head(run: Run<'_>, tail: &Tail, said: &Said, report: &mut Report) {
    let file = run.file(File::Manifest);
    let head = &tail.head;
    signature(run, &file, tail.signer(), report);
    if head.name != run.name.as_str() {
        report.damaged_file("wrong-name", &file, format!("is of a backup named {:?}", head.name));
    }
    let counted: u64 = head.counts.iter().map(|count| count.objects).fold(0, u64::saturating_add);
    if counted != head.objects || said.items.is_some_and(|items| items != head.objects) {
        let what = format!(
            "counts {counted} objects by kind and {} in all, velero-backup.json {:?}",
            head.objects, said.items
        );
        report.damaged_file("counts-differ", &file, what);
    }
    if said.phase.as_ref().is_some_and(|phase| *phase != head.phase.to_string()) {
        report.damaged_file("head-damaged", &file, "names another phase than velero-backup.json");
    }
    if head.phase != Phase::Completed {
        let what = format!(
            "{} things that were wanted could not be read when it was made: see daytwo backup describe",
            head.problems.len()
        );
        report.find("partially-failed", Severity::Note, None, None, what);
    }
}

/// Archive and manifest, each read once, side by side.
async fn with_archive(run: Run<'_>, tail: Tail, said: Said, encrypted: bool) -> Result<Report> {
    let mut report = Report::default();
    let (archive, manifest) = (run.file(File::Archive), run.file(File::Manifest));
    let lines = Source::fetch(run.location, &run.name.key(File::Manifest)).await?;
    let source = match Source::fetch(run.location, &run.name.key(File::Archive)).await {
        Ok(source) => source,
        Err(Error::NotFound { .. }) => {
            report.damaged_file("file-missing", &archive, "is missing: no object is left");
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    let identities = encrypted.then(|| run.keys.identities.clone());
    let (location, key, threads) = (run.location.clone(), run.name.key(File::Archive), run.options.threads);
    blocking(move || {
        let open = |source| -> std::io::Result<(Box<dyn Read + Send>, super::watched::Seen)> {
            let (stored, seen) = Watched::new(source);
            Ok(match &identities {
                None => (Box::new(stored), seen),
                Some(identities) => (Box::new(crate::encrypt::decryptor(stored, identities)?), seen),
            })
        };
        let trouble = |error, file: &str, report: &mut Report| match Trouble::of(error, &location, &key) {
            Trouble::Damage(what) => {
                report.damaged_file("file-damaged", file, what);
                Ok(())
            }
            Trouble::Unread(error) => Err(error),
        };
        let (opened, manifest_seen) = match open(lines) {
            Ok(opened) => opened,
            Err(error) => return trouble(error, &manifest, &mut report).map(|()| report),
        };
        let mut lines = Lines::new(opened);
        match open(source) {
            Err(error) => trouble(error, &archive, &mut report)?,
            Ok((opened, seen)) => {
                let (mut opened, inside) = Watched::new(opened);
                let work = Archive {
                    location: &location,
                    file: archive.clone(),
                    key: key.clone(),
                    tail: &tail,
                    threads,
                };
                work.verify(&mut opened, &mut lines, &mut report)?;
                // What is left after damage.
                if let Err(error) = drain(&mut opened) {
                    trouble(error, &archive, &mut report)?;
                }
                report.files += 1;
                report.bytes += seen.so_far().0;
                let stored =
                    said.stored.as_deref().unwrap_or(&tail.files).iter().find(|file| file.name == archive);
                let plain = encrypted.then(|| tail.files.iter().find(|file| file.name == archive));
                for (said, seen) in [(Some(stored), &seen), (plain, &inside)] {
                    match (said, seen.so_far()) {
                        (Some(Some(said)), (size, sha256)) => files::compare(&mut report, said, size, sha256),
                        (Some(None), _) => {
                            report.damaged_file("head-damaged", &manifest, "does not name the archive")
                        }
                        (None, _) => {}
                    }
                }
            }
        }
        finish_lines(lines, &tail, &manifest, &location, &key, &mut report)?;
        let (size, sha256) = manifest_seen.so_far();
        report.files += 1;
        report.bytes += size;
        if said.manifest.is_some_and(|said| said != sha256) {
            report.damaged_file(
                "manifest-damaged",
                &manifest,
                "has other bytes than it was written with: its digest differs",
            );
        }
        Ok(report)
    })
    .await
}

/// The manifest's lines once all are read: their root, their number, and what follows them.
fn finish_lines<R: Read>(
    lines: Lines<R>,
    tail: &Tail,
    manifest: &str,
    location: &Location,
    key: &str,
    report: &mut Report,
) -> Result<()> {
    let ended = match lines.finish() {
        Ok(ended) => ended,
        Err(error) => {
            return match Trouble::of(error, location, key) {
                Trouble::Damage(what) => {
                    report.damaged_file("manifest-damaged", manifest, what);
                    Ok(())
                }
                Trouble::Unread(error) => Err(error),
            };
        }
    };
    if ended.root != tail.root {
        report.damaged_file(
            "manifest-damaged",
            manifest,
            "does not have the root over its objects that it says it has",
        );
    }
    if ended.count != tail.head.objects {
        report.damaged_file(
            "counts-differ",
            manifest,
            format!("names {} objects where it says {}", ended.count, tail.head.objects),
        );
    }
    if ended.doubles > 0 {
        report.damaged_file(
            "object-twice",
            manifest,
            format!("names {} objects more than once", ended.doubles),
        );
    }
    if Tail::parse(&ended.rest).is_err() {
        report.damaged_file("manifest-damaged", manifest, "does not end as it begins");
    }
    Ok(())
}

/// Every file that belongs to the backup.
fn names(run: Run<'_>, files: &[StoredFile], head: File) -> Vec<String> {
    let mut names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    names.extend([run.file(File::Manifest), run.file(head)]);
    names
}
