//! A backup of daytwo's: heads, then the archive along with the manifest, then the other files.

use super::archive::Archive;
use super::heads::{backup_head, signature, stored_head};
use super::lines::{Ended, Lines};
use super::report::{Report, Severity};
use super::watched::{Opened, Place, drain};
use super::{Run, files};
use crate::digest::Digest;
use crate::encrypt::Identity;
use crate::head::Phase;
use crate::layout::File;
use crate::location::{Error, Result};
use crate::manifest::{StoredFile, Tail};
use crate::read::source::{Source, blocking};
use crate::read::{encrypted_tail, tail};

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
        Err(denied @ Error::Denied(_)) if encrypted => {
            without_key(run, said.stored.unwrap_or_default(), denied, &mut report).await?;
        }
        Err(error) => return Err(error),
    }
    Ok(report)
}

/// No identity opens the manifest: it is for others, unless the files as stored show damage.
async fn without_key(
    run: Run<'_>,
    stored: Vec<StoredFile>,
    denied: Error,
    report: &mut Report,
) -> Result<()> {
    files::verify(run, stored, &[], report).await?;
    if report.damage == 0 {
        return Err(denied);
    }
    report.not_proved.push("what the files hold: no identity given opens the manifest".into());
    Ok(())
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
            report.not_proved.push("who wrote it: no key was given to compare its signature with".into());
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
    let lines = Source::fetch(run.location, &run.name.key(File::Manifest)).await?;
    let archive = match Source::fetch(run.location, &run.name.key(File::Archive)).await {
        Ok(source) => source,
        Err(Error::NotFound { .. }) => {
            report.damaged_file("file-missing", &run.file(File::Archive), "is missing: no object is left");
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    let both = Both {
        archive: run.place(File::Archive),
        manifest: run.place(File::Manifest),
        identities: encrypted.then(|| run.keys.identities.clone()),
        threads: run.options.threads,
        tail,
        said,
    };
    blocking(move || both.verify(archive, lines, &mut report).map(|()| report)).await
}

/// The work of [`with_archive`] that blocks.
struct Both {
    archive: Place,
    manifest: Place,
    identities: Option<Vec<Identity>>,
    threads: usize,
    tail: Tail,
    said: Said,
}

impl Both {
    fn verify(&self, archive: Source, manifest: Source, report: &mut Report) -> Result<()> {
        let opened = Opened::new(manifest, self.identities.as_deref());
        let Some(manifest) = self.manifest.judge(opened, "manifest-damaged", report)? else { return Ok(()) };
        let mut lines = Lines::new(manifest.content);
        let opened = Opened::new(archive, self.identities.as_deref());
        if let Some(mut archive) = self.archive.judge(opened, "archive-damaged", report)? {
            let work = Archive { place: &self.archive, tail: &self.tail, threads: self.threads };
            work.verify(&mut archive.content, &mut lines, report)?;
            // What is left after damage.
            let rest = drain(&mut archive.content);
            self.archive.judge(rest, "archive-damaged", report)?;
            self.digests(&archive, report);
        }
        let ended = lines.finish();
        if let Some(ended) = self.manifest.judge(ended, "manifest-damaged", report)? {
            self.judge_lines(&ended, report);
        }
        let (size, sha256) = manifest.stored.so_far();
        report.files += 1;
        report.bytes += size;
        if self.said.manifest.is_some_and(|said| said != sha256) {
            report.damaged_file(
                "manifest-damaged",
                &self.manifest.file,
                "has other bytes than it was written with: its digest differs",
            );
        }
        Ok(())
    }

    /// Of the archive as stored, and as it is inside.
    fn digests(&self, archive: &Opened, report: &mut Report) {
        report.files += 1;
        report.bytes += archive.stored.so_far().0;
        let named = |files: &[StoredFile]| files.iter().find(|file| file.name == self.archive.file).cloned();
        let stored = named(self.said.stored.as_deref().unwrap_or(&self.tail.files));
        let inside = archive.inside.as_ref().map(|inside| (named(&self.tail.files), inside));
        for (said, seen) in [(stored, &archive.stored)].into_iter().chain(inside) {
            let (size, sha256) = seen.so_far();
            match said {
                Some(said) => files::compare(report, &said, size, sha256),
                None => report.damaged_file("head-damaged", &self.manifest.file, "does not name the archive"),
            }
        }
    }

    /// The manifest's lines once all are read: their root, their number, and what follows them.
    fn judge_lines(&self, ended: &Ended, report: &mut Report) {
        let (file, tail) = (&self.manifest.file, &self.tail);
        if ended.root != tail.root {
            report.damaged_file(
                "manifest-damaged",
                file,
                "does not have the root over its objects that it says it has",
            );
        }
        if ended.count != tail.head.objects {
            let what = format!("names {} objects where it says {}", ended.count, tail.head.objects);
            report.damaged_file("counts-differ", file, what);
        }
        if ended.doubles > 0 {
            report.damaged_file(
                "object-twice",
                file,
                format!("names {} objects more than once", ended.doubles),
            );
        }
        if Tail::parse(&ended.rest).is_err() {
            report.damaged_file("manifest-damaged", file, "does not end as it begins");
        }
    }
}

/// Every file that belongs to the backup.
fn names(run: Run<'_>, files: &[StoredFile], head: File) -> Vec<String> {
    let mut names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    names.extend([run.file(File::Manifest), run.file(head)]);
    names
}
