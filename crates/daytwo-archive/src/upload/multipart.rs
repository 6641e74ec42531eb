//! One object in parts, as a store knows it: begun with its first part, completed or ended.

use super::PART_SIZE;
use crate::claim::Claim;
use crate::location::{Bucket, Error, Result};
use object_store::PutPayload;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use std::sync::{Arc, OnceLock};

/// Most parts of one object in S3.
const MOST_PARTS: usize = 10_000;

/// What the tasks that send the parts share.
#[derive(Debug)]
pub(super) struct Multipart {
    bucket: Arc<Bucket>,
    key: String,
    path: Path,
    claim: Option<Claim>,
    /// The store's id of the upload, once it has one.
    id: OnceLock<String>,
}

impl Multipart {
    pub(super) fn new(bucket: &Arc<Bucket>, key: &str, claim: Option<Claim>) -> Result<Multipart> {
        let path = bucket.path(key)?;
        Ok(Multipart { bucket: Arc::clone(bucket), key: key.to_owned(), path, claim, id: OnceLock::new() })
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.get().map(String::as_str)
    }

    /// Sends a part. The first, which begins the upload, has to be there before another is sent.
    pub(super) async fn send(&self, number: usize, payload: PutPayload) -> Result<(usize, PartId)> {
        if number >= MOST_PARTS {
            return Err(Error::Invalid(format!(
                "{} is larger than {MOST_PARTS} parts of {PART_SIZE} bytes, the most a store takes",
                self.key
            )));
        }
        let id = match self.id() {
            Some(id) => id,
            None => self.begin().await?,
        };
        let part = self.parts()?.put_part(&self.path, &id.to_owned(), number, payload).await;
        part.map(|part| (number, part)).map_err(|error| self.failed("write", &error))
    }

    /// Begins the upload and writes its id into the claim before any part goes.
    async fn begin(&self) -> Result<&str> {
        let starter = self.store(self.bucket.starter.as_ref())?;
        let id = starter.create_multipart(&self.path).await.map_err(|error| self.failed("write", &error))?;
        let id = self.id.get_or_init(|| id);
        if let Some(claim) = &self.claim {
            claim.record_upload(&self.key, id).await?;
        }
        Ok(id)
    }

    /// Writes the object in one go: no part was sent.
    pub(super) async fn put(&self, payload: PutPayload) -> Result<()> {
        self.bucket.put(&self.key, payload).await
    }

    /// Makes the object appear: `written` bytes in `parts`, in their order.
    pub(super) async fn complete(&self, parts: Vec<PartId>, written: u64) -> Result<()> {
        let id = self.id().unwrap_or_default().to_owned();
        let Err(error) = self.parts()?.complete_multipart(&self.path, &id, parts).await else {
            return Ok(());
        };
        // Completed, and the answer lost: nobody else writes this key, so what is there is what was sent.
        match self.bucket.head(&self.key).await {
            Ok(Some(info)) if info.size == written => Ok(()),
            _ => match self.failed("write", &error) {
                Error::NotFound { .. } => Err(Error::Stale(format!(
                    "the upload of {} to {} was ended by somebody else: run the backup again",
                    self.key, self.bucket.place.url
                ))),
                other => Err(other),
            },
        }
    }

    /// Ends the upload: nothing of it is left.
    pub(super) async fn end(&self) -> Result<()> {
        let Some(id) = self.id() else { return Ok(()) };
        match self.parts()?.abort_multipart(&self.path, &id.to_owned()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("end the upload of", &error)),
        }
    }

    fn parts(&self) -> Result<&dyn MultipartStore> {
        self.store(self.bucket.parts.as_ref())
    }

    fn store<'a>(&self, store: Option<&'a Arc<dyn MultipartStore>>) -> Result<&'a dyn MultipartStore> {
        store.map(AsRef::as_ref).ok_or_else(|| {
            let url = &self.bucket.place.url;
            Error::Invalid(format!("{url} takes no object larger than {PART_SIZE} bytes"))
        })
    }

    fn failed(&self, act: &str, error: &object_store::Error) -> Error {
        self.bucket.place.explain(act, &self.key, error)
    }
}
