//! Where backups live: a folder, or a bucket and a prefix in an object store. One type for all of them, so that
//! whoever writes or reads a backup never asks which.
//!
//! Keys are relative to the location (`backups/b/b.tar.gz`). Refuses to wait without end: each act has a deadline and
//! a bounded number of tries ([`Patience`]). Refuses to show credentials: errors name where they came from.

mod answer;
mod bucket;
mod check;
mod error;
mod folder;
mod folder_io;
mod ini;
mod options;
mod profile;
mod s3;
mod s3_requests;
mod source;
mod tls;
mod url;
mod velero;
mod whole;

pub(crate) use self::bucket::Bucket;
pub use self::check::{CheckResult, Outcome};
pub use self::error::{Conflict, Error, Failure, Result};
pub(crate) use self::folder::{Folder, FolderUpload};
pub use self::options::{
    Credentials, LocationOptions, Patience, Retention, RetentionMode, ServerSideEncryption,
};
pub use self::s3_requests::OpenUpload;
pub use self::velero::from_velero;

use crate::upload::Upload;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use object_store::GetRange;
use std::ops::Range;
use std::sync::Arc;

/// An object at a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Relative to the location.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// By the store's clock.
    pub modified: Timestamp,
}

/// Where backups live. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Location {
    url: Arc<str>,
    backend: Backend,
}

#[derive(Debug, Clone)]
pub(crate) enum Backend {
    Folder(Folder),
    Bucket(Arc<Bucket>),
}

impl Location {
    /// Opens a location, without speaking to it yet.
    ///
    /// | URL | is |
    /// |---|---|
    /// | `/dir`, `./dir`, `file:///dir` | a folder; made when first written to |
    /// | `s3://bucket/prefix` | S3 or a store that speaks it |
    /// | `gs://bucket/prefix` | Google Cloud Storage |
    /// | `az://container/prefix`, `abfs[s]://container@account.dfs.core.windows.net/prefix` | Azure Blob Storage |
    /// | `https://host/path` | WebDAV, read only |
    ///
    /// [`Error::Invalid`] for a URL, option or credentials file that cannot be used.
    pub fn open(url: &str, options: &LocationOptions) -> Result<Location> {
        source::open(url, options)
    }

    /// A location in memory that lives as long as its clones. For tests.
    pub fn memory() -> Location {
        source::memory()
    }

    pub(crate) fn of(url: &str, backend: Backend) -> Location {
        Location { url: url.into(), backend }
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The URL, for messages; never with credentials.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder, if it is one.
    pub fn folder(&self) -> Option<&std::path::Path> {
        match &self.backend {
            Backend::Folder(folder) => Some(folder.root()),
            Backend::Bucket(_) => None,
        }
    }

    /// All bytes of an object, in memory: for small ones. [`Error::NotFound`] if there is none.
    pub async fn get(&self, key: &str) -> Result<Bytes> {
        match &self.backend {
            Backend::Folder(folder) => folder.read(key, Some(0), u64::MAX).await,
            Backend::Bucket(bucket) => bucket.get(key, None).await,
        }
    }

    /// All bytes of an object that someone else may have written; [`Error::Corrupt`] if there are more than `limit`.
    pub async fn get_at_most(&self, key: &str, limit: u64) -> Result<Bytes> {
        let mut chunks = self.stream(key).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.try_next().await? {
            if bytes.is_empty() && chunk.len() as u64 <= limit {
                bytes = chunk.into();
                continue;
            }
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(
                    self.corrupt(key, format!("is larger than the {limit} bytes such a file may have"))
                );
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.into())
    }

    /// The bytes in `range`; fewer where the object ends before.
    pub async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        let length = range.end.saturating_sub(range.start);
        if length == 0 {
            return Ok(Bytes::new());
        }
        match &self.backend {
            Backend::Folder(folder) => folder.read(key, Some(range.start), length).await,
            Backend::Bucket(bucket) => bucket.get(key, Some(GetRange::Bounded(range))).await,
        }
    }

    /// The last `length` bytes; all of them where the object is shorter.
    pub async fn get_tail(&self, key: &str, length: u64) -> Result<Bytes> {
        match &self.backend {
            Backend::Folder(folder) => folder.read(key, None, length).await,
            Backend::Bucket(bucket) => bucket.tail(key, length).await,
        }
    }

    /// The bytes as they arrive. A connection that breaks is taken up again where it broke.
    pub async fn stream(&self, key: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        match &self.backend {
            Backend::Folder(folder) => folder.stream(key).await,
            Backend::Bucket(bucket) => bucket.stream(key).await,
        }
    }

    /// Size and time of an object; `None` if there is none.
    pub async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        match &self.backend {
            Backend::Folder(folder) => folder.head(key).await,
            Backend::Bucket(bucket) => bucket.head(key).await,
        }
    }

    /// Whether there is such an object.
    pub async fn exists(&self, key: &str) -> Result<bool> {
        Ok(self.head(key).await?.is_some())
    }

    /// Every object under the directory `prefix`, at any depth. `""` is the whole location.
    pub async fn list(&self, prefix: &str) -> Result<BoxStream<'static, Result<ObjectInfo>>> {
        match &self.backend {
            Backend::Folder(folder) => {
                Ok(stream::iter(folder.list(prefix).await?.into_iter().map(Ok)).boxed())
            }
            Backend::Bucket(bucket) => bucket.list(prefix),
        }
    }

    /// The same for somebody about to write: a folder that is still to be made is empty.
    pub(crate) async fn list_to_write(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        match &self.backend {
            Backend::Folder(folder) => folder.list_if_there(prefix).await,
            Backend::Bucket(bucket) => bucket.list(prefix)?.try_collect().await,
        }
    }

    /// Names of the directories in the directory `prefix`, sorted.
    pub async fn list_dirs(&self, prefix: &str) -> Result<Vec<String>> {
        match &self.backend {
            Backend::Folder(folder) => folder.list_dirs(prefix).await,
            Backend::Bucket(bucket) => bucket.list_dirs(prefix).await,
        }
    }

    /// Writes an object in one go, replacing one of that key. Durable when it returns.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        match &self.backend {
            Backend::Folder(folder) => folder.put(key, bytes).await,
            Backend::Bucket(bucket) => bucket.put(key, bytes.into()).await,
        }
    }

    /// The same for what must be deletable at any time: claims, checks. Never under retention.
    pub(crate) async fn put_scratch(&self, key: &str, bytes: Bytes) -> Result<()> {
        match &self.backend {
            Backend::Folder(folder) => folder.put(key, bytes).await,
            Backend::Bucket(bucket) => bucket.put_scratch(key, bytes.into()).await,
        }
    }

    /// Writes an object if there is none of that key; else [`Error::Exists`]. Of several at once one succeeds. It is
    /// never under retention. After [`Error::Unavailable`] the object may be there: read it back.
    pub async fn create(&self, key: &str, bytes: Bytes) -> Result<()> {
        match &self.backend {
            Backend::Folder(folder) => folder.create(key, bytes).await,
            Backend::Bucket(bucket) => bucket.create(key, bytes.into()).await,
        }
    }

    /// Deletes an object; nothing to do if there is none.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match &self.backend {
            Backend::Folder(folder) => folder.delete(key).await,
            Backend::Bucket(bucket) => bucket.delete(key).await,
        }
    }

    /// Begins an object of any size, which appears when it is finished. For files of a backup use
    /// [`crate::claim::Claim::upload`], which lets others end what a killed run leaves.
    pub async fn upload(&self, key: &str) -> Result<Upload> {
        Upload::begin(self, key, None).await
    }

    pub(crate) fn corrupt(&self, key: &str, what: impl Into<String>) -> Error {
        Error::Corrupt { key: key.to_owned(), location: self.url.to_string(), what: what.into() }
    }
}

/// Keys are relative and lead nowhere but down.
fn valid_key(key: &str, url: &str) -> Result<()> {
    let strange = |part: &str| part.is_empty() || part == "." || part == ".." || part.contains(['\0', '\\']);
    if !key.is_empty() && key.split('/').any(strange) {
        return Err(Error::Invalid(format!("{key:?} is no key of an object in {url}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
