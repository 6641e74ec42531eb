//! One object of any size on its way to a location, in bounded memory. It appears when it is finished, whole.
//!
//! Small ones go in one request; larger ones in parts of [`PART_SIZE`], at most [`IN_FLIGHT`] of them on the way while
//! the next one fills: three parts of memory at most. Parts have equal sizes, as some stores want. Bytes are handed on
//! as they came, not copied.

mod multipart;

use self::multipart::Multipart;
use crate::claim::Claim;
use crate::location::{Backend, FolderUpload, Location, Result};
use bytes::Bytes;
use object_store::PutPayload;
use object_store::multipart::PartId;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Bytes of a part: the least S3 takes, for the least memory.
pub const PART_SIZE: usize = 5 * 1024 * 1024;

/// Parts on their way at a time.
pub const IN_FLIGHT: usize = 2;

/// An object under way. Dropped unfinished, a file is removed; in a store, parts sent stay until
/// [`crate::catalog::end_orphans`] ends them: call [`Upload::abort`].
#[derive(Debug)]
pub struct Upload {
    sink: Sink,
    written: u64,
}

#[derive(Debug)]
enum Sink {
    Folder(FolderUpload),
    Bucket(Box<Parts>),
}

impl Upload {
    pub(crate) async fn begin(location: &Location, key: &str, claim: Option<Claim>) -> Result<Upload> {
        let sink = match location.backend() {
            Backend::Folder(folder) => Sink::Folder(folder.begin(key).await?),
            Backend::Bucket(bucket) => {
                Sink::Bucket(Box::new(Parts::new(Multipart::new(bucket, key, claim)?)))
            }
        };
        Ok(Upload { sink, written: 0 })
    }

    /// Takes bytes, waiting while as many as may be are on their way. After an error only [`Upload::abort`] is left.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.written += bytes.len() as u64;
        match &mut self.sink {
            Sink::Folder(file) => file.write(bytes).await,
            Sink::Bucket(parts) => parts.write(bytes).await,
        }
    }

    /// Bytes taken so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The store's id of the upload, once it has grown beyond one part.
    pub fn id(&self) -> Option<&str> {
        match &self.sink {
            Sink::Folder(_) => None,
            Sink::Bucket(parts) => parts.multipart.id(),
        }
    }

    /// Makes the object appear, replacing one of its key, and returns its size in bytes. Durable when it returns.
    pub async fn finish(self) -> Result<u64> {
        match self.sink {
            Sink::Folder(file) => file.finish().await?,
            Sink::Bucket(parts) => parts.finish(self.written).await?,
        }
        Ok(self.written)
    }

    /// Throws away what was written.
    pub async fn abort(self) -> Result<()> {
        match self.sink {
            Sink::Folder(file) => {
                file.abort().await;
                Ok(())
            }
            Sink::Bucket(mut parts) => parts.end().await,
        }
    }
}

/// The parts of one object: one that fills, some on their way.
#[derive(Debug)]
struct Parts {
    multipart: Arc<Multipart>,
    filling: Vec<Bytes>,
    filled: usize,
    next: usize,
    sending: JoinSet<Result<(usize, PartId)>>,
    sent: Vec<(usize, PartId)>,
}

impl Parts {
    fn new(multipart: Multipart) -> Parts {
        Parts {
            multipart: Arc::new(multipart),
            filling: Vec::new(),
            filled: 0,
            next: 0,
            sending: JoinSet::new(),
            sent: Vec::new(),
        }
    }

    async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        while self.filled + bytes.len() > PART_SIZE {
            let head = bytes.split_to(PART_SIZE - self.filled);
            self.push(head);
            self.send().await?;
        }
        self.push(bytes);
        Ok(())
    }

    fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.filled += bytes.len();
            self.filling.push(bytes);
        }
    }

    fn payload(&mut self) -> PutPayload {
        self.filled = 0;
        std::mem::take(&mut self.filling).into_iter().collect()
    }

    /// Sends what has been gathered as the next part.
    async fn send(&mut self) -> Result<()> {
        // The others wait for the first, which begins the upload, and not for their turn only.
        while self.sending.len() >= IN_FLIGHT || (self.next > 0 && self.sent.is_empty()) {
            if !self.sent_one().await? {
                break;
            }
        }
        let (multipart, number, payload) = (Arc::clone(&self.multipart), self.next, self.payload());
        self.next += 1;
        self.sending.spawn(async move { multipart.send(number, payload).await });
        Ok(())
    }

    async fn sent_one(&mut self) -> Result<bool> {
        match self.sending.join_next().await {
            None => Ok(false),
            Some(Ok(part)) => {
                self.sent.push(part?);
                Ok(true)
            }
            Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    async fn finish(mut self, written: u64) -> Result<()> {
        if self.next == 0 {
            let payload = self.payload();
            return self.multipart.put(payload).await;
        }
        let done = self.complete(written).await;
        if done.is_err() {
            let _ = self.end().await;
        }
        done
    }

    async fn complete(&mut self, written: u64) -> Result<()> {
        if self.filled > 0 {
            self.send().await?;
        }
        while self.sent_one().await? {}
        self.sent.sort_by_key(|(number, _)| *number);
        let parts = self.sent.drain(..).map(|(_, part)| part).collect();
        self.multipart.complete(parts, written).await
    }

    async fn end(&mut self) -> Result<()> {
        // An upload that is just being begun cannot be ended before its id is known.
        while self.next > 0 && self.multipart.id().is_none() && !self.sending.is_empty() {
            let _ = self.sent_one().await;
        }
        self.sending.shutdown().await;
        self.multipart.end().await
    }
}
