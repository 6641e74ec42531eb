//! The files of a backup against their lengths and digests, and what lies beside them.

use super::Run;
use super::report::{Report, Severity};
use super::watched::{Opened, Place, Watched, drain};
use crate::gzip::GzipReader;
use crate::layout::File;
use crate::location::{Error, Result};
use crate::manifest::StoredFile;
use crate::read::source::{Source, blocking};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::io::{self, Read};

/// Files read at a time.
const AT_A_TIME: usize = 4;

/// Compares one file with what is said of it.
pub(super) fn compare(report: &mut Report, said: &StoredFile, size: u64, sha256: crate::digest::Digest) {
    if size != said.size {
        report.damaged_file(
            "file-damaged",
            &said.name,
            format!("has {size} bytes, not the {} it was written with", said.size),
        );
    } else if sha256 != said.sha256 {
        report.damaged_file(
            "file-damaged",
            &said.name,
            "has other bytes than it was written with: its digest differs",
        );
    }
}

/// Reads each of `files` and compares it. With `plain`, what it holds decrypted is compared with that too.
pub(super) async fn verify(
    run: Run<'_>,
    files: Vec<StoredFile>,
    plain: &[StoredFile],
    report: &mut Report,
) -> Result<()> {
    let each = files.into_iter().map(|said| {
        let plain = plain.iter().find(|plain| plain.name == said.name).cloned();
        one(run, said, plain)
    });
    let reports: Vec<Report> = stream::iter(each).buffered(AT_A_TIME).try_collect().await?;
    reports.into_iter().for_each(|one| report.take(one));
    Ok(())
}

async fn one(run: Run<'_>, said: StoredFile, plain: Option<StoredFile>) -> Result<Report> {
    let mut report = Report::default();
    let key = format!("{}/{}", run.name.dir(), said.name);
    let place = Place { location: run.location.clone(), file: said.name.clone(), key };
    let source = match Source::fetch(run.location, &place.key).await {
        Ok(source) => source,
        Err(Error::NotFound { .. }) => {
            report.damaged_file("file-missing", &said.name, "is missing");
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    let identities = plain.is_some().then(|| run.keys.identities.clone());
    blocking(move || {
        let opened = Opened::new(source, identities.as_deref());
        let Some(mut opened) = place.judge(opened, "file-damaged", &mut report)? else { return Ok(report) };
        let read = drain(&mut opened.content);
        let (size, sha256) = opened.stored.so_far();
        report.files += 1;
        report.bytes += size;
        if place.judge(read, "file-damaged", &mut report)?.is_some() {
            compare(&mut report, &said, size, sha256);
            if let (Some(plain), Some(inside)) = (plain, opened.inside) {
                let (size, sha256) = inside.so_far();
                compare(&mut report, &plain, size, sha256);
            }
        }
        Ok(report)
    })
    .await
}

/// Reads a gzip file that nothing is said of, and has `read` judge what it holds.
pub(super) async fn gzipped(
    run: Run<'_>,
    file: File,
    read: impl FnOnce(&mut dyn Read) -> io::Result<()> + Send + 'static,
) -> Result<Report> {
    let mut report = Report::default();
    let place = run.place(file);
    let source = Source::fetch(run.location, &place.key).await?;
    blocking(move || {
        let (stored, seen) = Watched::new(source);
        let mut content = GzipReader::new(stored);
        let judged = read(&mut content).and_then(|()| drain(&mut content));
        report.files += 1;
        report.bytes += seen.so_far().0;
        place.judge(judged, "file-damaged", &mut report)?;
        Ok(report)
    })
    .await
}

/// Names what lies in the backup's directory and belongs to no file of `known`.
pub(super) fn strays(run: Run<'_>, known: &[String], report: &mut Report) {
    for name in run.found.sizes.keys().filter(|name| !known.contains(name)) {
        let (severity, what) = match File::of(run.name.as_str(), name) {
            Some(File::Claim) => (
                Severity::Note,
                "is left of the run that wrote the backup: daytwo backup prune --orphans removes it",
            ),
            _ => (Severity::Warning, "lies in the backup's directory and is no part of it"),
        };
        report.find("stray-file", severity, Some(name.clone()), None, what);
    }
}
