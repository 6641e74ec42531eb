//! The end of a backup: the rest of the archive, side files, manifest, and last the file that makes it exist.

use super::body::Body;
use super::sink::{Sink, Written};
use super::{Outcome, WriteOptions};
use crate::claim::Claim;
use crate::head::{Head, MadeBy, Phase};
use crate::layout::File;
use crate::location::Result;
use crate::manifest::{StoredFile, Tail};
use crate::tar::END;
use crate::velero;
use futures::future::join_all;

/// Writes everything that is left; the backup exists when this returns.
pub(super) async fn complete(
    claim: &Claim,
    options: &WriteOptions,
    mut body: Body,
    outcome: Outcome,
) -> Result<Head> {
    let mut small = Vec::new();
    let (mut head, files, manifest) = match drain(claim, options, &mut body, &mut small, outcome).await {
        Ok(drained) => drained,
        Err(error) => {
            if let Err(left) = body.abort().await {
                tracing::warn!(error = %left, "an upload of the backup could not be ended: `daytwo backup prune --orphans` does");
            }
            return Err(error);
        }
    };
    // All are waited for, also when one fails: nothing may appear once cleaning up has begun.
    let small = join_all(small.into_iter().map(Sink::close));
    let (large, small) = tokio::join!(body.close(), small);
    small.into_iter().fold(large, Result::and)?;

    claim.still_held().await?;
    if options.recipients.is_empty() {
        let last = velero::backup_json(&head, &manifest.stored.sha256, options.sign.as_ref());
        claim.put(File::VeleroBackup, last.into()).await?;
    } else {
        let stored: Vec<StoredFile> = files.into_iter().chain([manifest]).map(|file| file.stored).collect();
        let last = crate::stored::stored_json(&head, &stored, options.sign.as_ref());
        claim.put(File::Stored, last.into()).await?;
    }
    head.signed_by = options.sign.as_ref().map(|key| key.verifying_key().to_base64());
    Ok(head)
}

/// Hands on all that the files shall hold, so that they can appear side by side: the manifest needs the digests of the
/// others, not that they are there. Gives what the files hold, and then the manifest.
async fn drain(
    claim: &Claim,
    options: &WriteOptions,
    body: &mut Body,
    small: &mut Vec<Sink>,
    outcome: Outcome,
) -> Result<(Head, Vec<Written>, Written)> {
    body.end_resource();
    body.end_group();
    body.archive.buffer().extend_from_slice(&END);
    body.list.buffer().push(b'}');
    let head = head(claim, options, body, outcome);
    let objects = body.objects;

    let (archive, members) = body.archive.drain(objects).await?;
    let (list, _) = body.list.drain(objects).await?;
    let mut files = vec![archive, list];
    for (file, bytes) in velero::side_files(&head) {
        let mut sink = Sink::begin(claim, file, &options.recipients).await?;
        sink.write(bytes.into()).await?;
        files.push(sink.seal().await?);
        small.push(sink);
    }

    let plain = files.iter().map(|file| file.plain.clone()).collect();
    let tail = Tail::new(std::mem::take(&mut body.root).finish(), plain, members, head.clone());
    body.rows.cut(objects).await?;
    body.rows.buffer().extend_from_slice(&tail.to_text(options.sign.as_ref()));
    let (manifest, _) = body.rows.drain(objects).await?;
    Ok((head, files, manifest))
}

fn head(claim: &Claim, options: &WriteOptions, body: &Body, outcome: Outcome) -> Head {
    let encrypted = !options.recipients.is_empty();
    let mut warnings = outcome.warnings;
    // Velero passes encrypted backups over.
    if !encrypted {
        warnings.extend(body.too_long.iter().map(|object| {
            format!("the name of {object} is too long for a file: Velero cannot restore anything from this backup, daytwo can")
        }));
        if body.more_too_long > 0 {
            warnings.push(format!("{} more names are too long for a file", body.more_too_long));
        }
    }
    let expires = outcome
        .ttl
        .and_then(|ttl| options.started.checked_add(jiff::SignedDuration::try_from(ttl).ok()?).ok());
    Head {
        name: claim.name().to_string(),
        made_by: MadeBy::Daytwo { version: env!("CARGO_PKG_VERSION").into() },
        run: Some(options.run.clone()),
        phase: if outcome.problems.is_empty() { Phase::Completed } else { Phase::PartiallyFailed },
        started: Some(options.started),
        finished: Some(outcome.finished),
        expires,
        server: outcome.server,
        revision: outcome.revision,
        consistency: outcome.consistency,
        objects: body.objects,
        bytes: Some(body.bytes),
        counts: body.counts.clone(),
        problems: outcome.problems,
        left_out: outcome.left_out,
        complete: outcome.complete,
        outside: outcome.outside,
        fallbacks: outcome.fallbacks,
        warnings,
        spec: outcome.spec,
        encrypted,
        signed_by: None,
    }
}
