//! An archive brought near, so that it can be passed over repeatedly without being fetched again.

use super::source::{Source, blocking};
use crate::location::{Error, Failure, Location, Result};
use bytes::Bytes;
use futures::TryStreamExt;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

/// Bytes kept in memory. More go into a file.
const IN_MEMORY: u64 = 32 * 1024 * 1024;

/// An archive as stored, near.
#[derive(Clone)]
pub(super) enum Spool {
    Memory(Arc<[Bytes]>),
    /// Without a name: nobody else can open it, and it is gone with this process.
    File(Arc<File>),
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Spool::Memory(_) => "Spool::Memory",
            Spool::File(_) => "Spool::File",
        })
    }
}

impl Spool {
    pub(super) async fn fetch(location: &Location, key: &str) -> Result<Spool> {
        let mut stream = location.stream(key).await?;
        let mut chunks = Vec::new();
        let mut length = 0;
        while let Some(chunk) = stream.try_next().await? {
            length += chunk.len() as u64;
            chunks.push(chunk);
            if length > IN_MEMORY {
                break;
            }
        }
        if length <= IN_MEMORY {
            return Ok(Spool::Memory(chunks.into()));
        }
        let mut file = on_file(move || {
            let mut file = tempfile::tempfile()?;
            chunks.iter().try_for_each(|chunk| file.write_all(chunk))?;
            Ok(file)
        })
        .await?;
        while let Some(chunk) = stream.try_next().await? {
            file = on_file(move || file.write_all(&chunk).map(|()| file)).await?;
        }
        Ok(Spool::File(Arc::new(file)))
    }

    pub(super) fn source(&self) -> Source {
        match self {
            Spool::Memory(chunks) => {
                Source::Memory { chunks: Arc::clone(chunks), next: 0, current: Bytes::new() }
            }
            Spool::File(file) => Source::File { file: Arc::clone(file), at: 0 },
        }
    }
}

async fn on_file<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    blocking(work).await.map_err(|error| {
        Error::Unavailable(Box::new(Failure {
            tried: "spool an archive".into(),
            location: std::env::temp_dir().display().to_string(),
            why: error.to_string(),
            remedy: Some("set TMPDIR to a directory with room for it".into()),
        }))
    })
}
