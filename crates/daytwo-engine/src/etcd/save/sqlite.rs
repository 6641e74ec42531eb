//! Saves the SQLite store of a K3s server, which may be running: a copy by SQLite's own online backup, on its way to the
//! same places as a snapshot of etcd, with the same record.
//!
//! The copy lies in a file without a name while it is sent, so that nothing is left of it. It refuses nothing that
//! `daytwo_etcd::kine` opens.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use daytwo_core::plan::API_VERSION;
use daytwo_etcd::keyspace;
use daytwo_etcd::kine::{Copied, Kine};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::record::{Saved, SavedKind, Source, Stored};
use super::{Revisions, SaveError, SaveRequest, Target, Writing, finish, vacant};
use crate::event::{Clock, Event, Observer};

/// Where a K3s server keeps its store, below the root of the host (k3s pkg/daemons/config, `db/state.db`).
pub const STORE: &str = "var/lib/rancher/k3s/server/db/state.db";

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// Saves the store at `path`, and returns its record. The copy takes as much room as the store in the folder for temporary
/// files while it is under way.
///
/// # Errors
/// [`SaveError`]. In every case nothing is left at the target.
pub async fn save_sqlite(
    path: &Path,
    request: &SaveRequest,
    target: &Target,
    clock: &dyn Clock,
    events: &dyn Observer,
    stop: &CancellationToken,
) -> Result<Saved, SaveError> {
    let target = vacant(request, target).await?;
    let what = format!("copying {}", path.display());
    events.event(Event::Started { what: what.clone() });
    let started = clock.now();
    let (store, token) = (path.to_owned(), request.depends.token.clone());
    let copying = spawn_blocking(move || copy(&store, token.map(|token| token.bootstrap_key)));
    let (file, copied, opens) =
        copying.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    let sent = send(file, copied.bytes, request, &target, events, stop).await;
    events.event(Event::Finished { what });
    let (digest, stored) = sent?;
    let mut depends = request.depends.clone();
    if let Some(token) = &mut depends.token {
        token.opens = opens;
    }
    let saved = Saved {
        api_version: API_VERSION.to_owned(),
        kind: SavedKind::EtcdSnapshot,
        location: target.location.url().to_owned(),
        file: target.data.clone(),
        size: digest.size,
        sha256: digest.whole,
        stored: stored.map(|(size, sha256)| Stored { size, sha256 }),
        source: Source::Kine {
            path: path.to_owned(),
            revision: Revisions { from: copied.revision, to: copied.revision },
            compacted: copied.compacted,
        },
        started,
        finished: clock.now(),
        depends,
    };
    finish(saved, &target).await
}

/// The copy, opened and without a name any more; and whether the store has `key`.
fn copy(path: &Path, key: Option<String>) -> Result<(File, Copied, Option<bool>), SaveError> {
    let failed = |source: io::Error| SaveError::Sqlite { path: path.to_owned(), source: Box::new(source) };
    let wrong =
        |source: daytwo_etcd::Error| SaveError::Sqlite { path: path.to_owned(), source: Box::new(source) };
    let scratch = tempfile::Builder::new().prefix("daytwo-save-").tempdir().map_err(failed)?;
    let kine = Kine::open(path, scratch.path()).map_err(wrong)?;
    let to: PathBuf = scratch.path().join("state.db");
    let copied = kine.copy(&to).map_err(wrong)?;
    let has = |key: String| keyspace::get(&kine, key.as_bytes(), None, &mut |_| {}).ok();
    let opens = key.and_then(has);
    let file = File::open(&to).map_err(failed)?;
    scratch.close().map_err(failed)?;
    Ok((file, copied, opens))
}

type Sent = (super::SnapshotDigest, Option<(u64, daytwo_archive::digest::Digest)>);

async fn send(
    mut file: File,
    total: u64,
    request: &SaveRequest,
    target: &Target,
    events: &dyn Observer,
    stop: &CancellationToken,
) -> Result<Sent, SaveError> {
    let mut writing = Writing::begin(target, &request.recipients).await?;
    let sending = async {
        loop {
            let reading = spawn_blocking(move || {
                let mut piece = Vec::with_capacity(PIECE);
                let read = file.by_ref().take(PIECE as u64).read_to_end(&mut piece);
                (file, read.map(|_| piece))
            });
            let (back, piece) =
                reading.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            file = back;
            let piece = piece.map_err(|source| SaveError::Sqlite {
                path: PathBuf::from("its copy"),
                source: Box::new(source),
            })?;
            if piece.is_empty() {
                return Ok(());
            }
            writing.write(Bytes::from(piece)).await?;
            let done = writing.sums.length();
            events.event(Event::Progress { what: "bytes of the store".to_owned(), done, total: Some(total) });
        }
    };
    let sent = stop.run_until_cancelled(sending).await.unwrap_or(Err(SaveError::Cancelled));
    if let Err(error) = sent {
        writing.abort().await;
        return Err(error);
    }
    let digest = writing.digest().await;
    let stored = writing.publish().await?;
    Ok((digest, stored))
}
