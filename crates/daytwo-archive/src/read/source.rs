//! Where the bytes of a file of a backup come from: the location as they arrive, or what was spooled. Read by threads
//! that may block, since what follows (decryption, decompression, digests) is work for a processor.

use crate::encrypt::{Identity, decryptor};
use crate::location::{Error, Failure, Location, Result};
use bytes::{Buf, Bytes};
use futures::StreamExt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Chunks that wait between the network and the reader.
const WAITING: usize = 2;

/// Bytes of a file as stored.
pub(crate) enum Source {
    /// As they arrive.
    Arriving(Arriving),
    /// From memory.
    Memory { chunks: Arc<[Bytes]>, next: usize, current: Bytes },
    /// From a file.
    File { file: Arc<File>, at: u64 },
}

/// Bytes as they arrive. Dropped, the rest is not fetched.
pub(crate) struct Arriving {
    chunks: mpsc::Receiver<Result<Bytes>>,
    current: Bytes,
}

impl Source {
    /// Begins to fetch `key`. [`Error::NotFound`] if there is none. Must be read where blocking is allowed.
    pub(crate) async fn fetch(location: &Location, key: &str) -> Result<Source> {
        let mut stream = location.stream(key).await?;
        let (send, chunks) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            while let Some(chunk) = stream.next().await {
                let last = chunk.is_err();
                if send.send(chunk).await.is_err() || last {
                    return;
                }
            }
        });
        Ok(Source::Arriving(Arriving { chunks, current: Bytes::new() }))
    }

    /// Decrypts on the way, if `identities` are given.
    pub(crate) fn opened(self, identities: Option<&[Identity]>) -> io::Result<Box<dyn Read + Send>> {
        match identities {
            None => Ok(Box::new(self)),
            Some(identities) => Ok(Box::new(decryptor(self, identities)?)),
        }
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Source::Arriving(arriving) => arriving.read(into),
            Source::Memory { chunks, next, current } => {
                while current.is_empty() {
                    let Some(chunk) = chunks.get(*next) else { return Ok(0) };
                    *current = chunk.clone();
                    *next += 1;
                }
                Ok(take(current, into))
            }
            Source::File { file, at } => {
                let read = file.read_at(into, *at)?;
                *at += read as u64;
                Ok(read)
            }
        }
    }
}

impl Arriving {
    /// The next chunk, or `None` at the end.
    pub(crate) fn chunk(&mut self) -> io::Result<Option<Bytes>> {
        self.chunks.blocking_recv().transpose().map_err(io::Error::other)
    }
}

impl Read for Arriving {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            let Some(chunk) = self.chunk()? else { return Ok(0) };
            self.current = chunk;
        }
        Ok(take(&mut self.current, into))
    }
}

fn take(from: &mut Bytes, into: &mut [u8]) -> usize {
    let length = from.len().min(into.len());
    into[..length].copy_from_slice(&from[..length]);
    from.advance(length);
    length
}

/// An error met while reading `key`, for the caller: the location's own, or what the bytes showed.
pub(crate) fn explain(error: io::Error, location: &Location, key: &str) -> Error {
    let corrupt =
        |what: String| Error::Corrupt { key: key.to_owned(), location: location.url().to_owned(), what };
    let failed = |why: String, remedy: Option<&str>| {
        Box::new(Failure {
            tried: format!("read {key}"),
            location: location.url().to_owned(),
            why,
            remedy: remedy.map(str::to_owned),
        })
    };
    match error.kind() {
        io::ErrorKind::InvalidData => corrupt(error.to_string()),
        io::ErrorKind::UnexpectedEof => corrupt("ends too early".into()),
        io::ErrorKind::PermissionDenied => Error::Denied(failed(
            error.to_string(),
            Some("pass the identity of one of its recipients with --identity"),
        )),
        _ => match error.downcast::<Error>() {
            Ok(own) => own,
            Err(error) => Error::Unavailable(failed(error.to_string(), None)),
        },
    }
}

/// Does work that blocks, on a thread for that.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}
