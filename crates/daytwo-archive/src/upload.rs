//! One object of any size on its way to a location, in bounded memory. It appears when it is finished, whole.
//!
//! Small ones go in one request; larger ones in parts of [`PART_SIZE`], at most [`IN_FLIGHT`] of them on the way while
//! the next one fills: three parts of memory at most. Parts have equal sizes, as some stores want. Bytes are handed on
//! as they came, not copied.

use crate::claim::Claim;
use crate::location::{Backend, Bucket, Error, FolderUpload, Location, Result};
use bytes::Bytes;
use object_store::PutPayload;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Bytes of a part: the least S3 takes, for the least memory.
pub const PART_SIZE: usize = 5 * 1024 * 1024;

/// Parts on their way at a time.
pub const IN_FLIGHT: usize = 2;

/// Most parts of one object in S3.
const MOST_PARTS: usize = 10_000;

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
            Backend::Bucket(bucket) => Sink::Bucket(Box::new(Parts::new(bucket, key, claim)?)),
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
            Sink::Bucket(parts) => parts.id.as_deref(),
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
            Sink::Bucket(parts) => parts.abort().await,
        }
    }
}

#[derive(Debug)]
struct Parts {
    bucket: Arc<Bucket>,
    key: String,
    path: Path,
    claim: Option<Claim>,
    filling: Vec<Bytes>,
    filled: usize,
    id: Option<String>,
    next: usize,
    sending: JoinSet<(usize, object_store::Result<PartId>)>,
    sent: Vec<(usize, PartId)>,
}

impl Parts {
    fn new(bucket: &Arc<Bucket>, key: &str, claim: Option<Claim>) -> Result<Parts> {
        let path = bucket.path(key)?;
        Ok(Parts {
            bucket: Arc::clone(bucket),
            key: key.to_owned(),
            path,
            claim,
            filling: Vec::new(),
            filled: 0,
            id: None,
            next: 0,
            sending: JoinSet::new(),
            sent: Vec::new(),
        })
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

    fn failed(&self, error: &object_store::Error) -> Error {
        self.bucket.place.explain("write", &self.key, error)
    }

    fn store<'a>(&self, store: Option<&'a Arc<dyn MultipartStore>>) -> Result<&'a Arc<dyn MultipartStore>> {
        store.ok_or_else(|| {
            Error::Invalid(format!("{} takes no object larger than {PART_SIZE} bytes", self.bucket.place.url))
        })
    }

    /// Sends what has been gathered as the next part.
    async fn send(&mut self) -> Result<()> {
        if self.next == MOST_PARTS {
            return Err(Error::Invalid(format!(
                "{} is larger than {MOST_PARTS} parts of {PART_SIZE} bytes, the most a store takes",
                self.key
            )));
        }
        let id = match &self.id {
            Some(id) => id.clone(),
            None => self.start().await?,
        };
        while self.sending.len() >= IN_FLIGHT {
            self.sent_one().await?;
        }
        let payload: PutPayload = std::mem::take(&mut self.filling).into_iter().collect();
        self.filled = 0;
        let number = self.next;
        self.next += 1;
        let store = Arc::clone(self.store(self.bucket.parts.as_ref())?);
        let path = self.path.clone();
        self.sending.spawn(async move { (number, store.put_part(&path, &id, number, payload).await) });
        Ok(())
    }

    /// Begins the upload and writes its id into the claim before the first part goes.
    async fn start(&mut self) -> Result<String> {
        let starter = Arc::clone(self.store(self.bucket.starter.as_ref())?);
        let id = starter.create_multipart(&self.path).await.map_err(|error| self.failed(&error))?;
        self.id = Some(id.clone());
        if let Some(claim) = &self.claim {
            claim.record_upload(&self.key, &id).await?;
        }
        Ok(id)
    }

    async fn sent_one(&mut self) -> Result<bool> {
        match self.sending.join_next().await {
            None => Ok(false),
            Some(Ok((number, Ok(part)))) => {
                self.sent.push((number, part));
                Ok(true)
            }
            Some(Ok((_, Err(error)))) => Err(self.failed(&error)),
            Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    async fn finish(mut self, written: u64) -> Result<()> {
        if self.id.is_none() {
            let payload: PutPayload = std::mem::take(&mut self.filling).into_iter().collect();
            return self.bucket.put(&self.key, payload).await;
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
        let id = self.id.clone().unwrap_or_default();
        let mut sent = std::mem::take(&mut self.sent);
        sent.sort_by_key(|(number, _)| *number);
        let parts = sent.into_iter().map(|(_, part)| part).collect();
        let store = Arc::clone(self.store(self.bucket.parts.as_ref())?);
        match store.complete_multipart(&self.path, &id, parts).await {
            Ok(_) => Ok(()),
            // Completed, and the answer lost: nobody else writes this key, so what is there is what was sent.
            Err(error) => match self.bucket.head(&self.key).await {
                Ok(Some(info)) if info.size == written => Ok(()),
                _ => match self.failed(&error) {
                    Error::NotFound { .. } => Err(Error::Stale(format!(
                        "the upload of {} to {} was ended by somebody else: run the backup again",
                        self.key, self.bucket.place.url
                    ))),
                    other => Err(other),
                },
            },
        }
    }

    async fn abort(mut self) -> Result<()> {
        self.end().await
    }

    async fn end(&mut self) -> Result<()> {
        self.sending.shutdown().await;
        let Some(id) = self.id.take() else { return Ok(()) };
        let store = Arc::clone(self.store(self.bucket.parts.as_ref())?);
        match store.abort_multipart(&self.path, &id).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.bucket.place.explain("end the upload of", &self.key, &error)),
        }
    }
}
