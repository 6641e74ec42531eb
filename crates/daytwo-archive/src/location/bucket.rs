//! A location in an object store, through `object_store`. Keeps the location's prefix in front of every key.

use super::ObjectInfo;
use super::answer::Place;
use super::error::{Error, Result};
use super::s3::S3;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};
use std::fmt;
use std::sync::Arc;

/// A store and the part of it that is the location.
#[derive(Clone)]
pub(crate) struct Bucket {
    /// Reads, lists, deletes, and writes what must stay deletable.
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Parts of large uploads; `None` for stores that take none.
    pub(crate) parts: Option<Arc<dyn MultipartStore>>,
    /// Writes the files of backups, under retention where that is asked for; `None` for a location that is only read.
    pub(crate) writer: Option<Arc<dyn ObjectStore>>,
    /// Begins large uploads, under retention where that is asked for.
    pub(crate) starter: Option<Arc<dyn MultipartStore>>,
    /// What only S3 has.
    pub(crate) s3: Option<Arc<S3>>,
    /// Whether `writer` and `starter` write under retention.
    pub(crate) retained: bool,
    /// In front of every key, without slashes at its ends; may be empty.
    pub(crate) prefix: String,
    pub(crate) place: Place,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.place.url).finish()
    }
}

impl Bucket {
    /// The store's path of a key.
    pub(crate) fn path(&self, key: &str) -> Result<Path> {
        super::valid_key(key, &self.place.url)?;
        let full = match (self.prefix.as_str(), key) {
            ("", key) => key.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, key) => format!("{prefix}/{key}"),
        };
        Path::parse(&full).map_err(|error| {
            Error::Invalid(format!("{key:?} is no key of an object in {}: {error}", self.place.url))
        })
    }

    /// The key of a store's path; `None` outside the location.
    pub(crate) fn key(&self, path: &str) -> Option<String> {
        if self.prefix.is_empty() {
            return Some(path.to_owned());
        }
        path.strip_prefix(&self.prefix)?.strip_prefix('/').map(str::to_owned)
    }

    fn writer(&self) -> Result<&Arc<dyn ObjectStore>> {
        self.writer.as_ref().ok_or_else(|| {
            Error::Invalid(format!(
                "{} can only be read: backups are written to a folder, s3://, gs:// or az://",
                self.place.url
            ))
        })
    }

    fn info(&self, meta: &ObjectMeta) -> Option<ObjectInfo> {
        let nanos = i32::try_from(meta.last_modified.timestamp_subsec_nanos()).unwrap_or(0);
        let modified = Timestamp::new(meta.last_modified.timestamp(), nanos).unwrap_or(Timestamp::UNIX_EPOCH);
        Some(ObjectInfo { key: self.key(meta.location.as_ref())?, size: meta.size, modified })
    }

    pub(crate) async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        match self.store.head(&self.path(key)?).await {
            Ok(meta) => Ok(self.info(&meta)),
            Err(error) => match self.place.explain("look at", key, &error) {
                Error::NotFound { .. } => Ok(None),
                other => Err(other),
            },
        }
    }

    pub(crate) async fn get(&self, key: &str, range: Option<GetRange>) -> Result<Bytes> {
        let options = GetOptions { range, ..GetOptions::default() };
        let read = async { self.store.get_opts(&self.path_for_store(key)?, options).await?.bytes().await };
        read.await.map_err(|error| self.place.explain("read", key, &error))
    }

    fn path_for_store(&self, key: &str) -> Result<Path, object_store::Error> {
        self.path(key).map_err(|error| object_store::Error::NotSupported { source: error.into() })
    }

    /// The last `length` bytes. Azure knows no ranges from the end: there the size is asked for first.
    pub(crate) async fn tail(&self, key: &str, length: u64) -> Result<Bytes> {
        if self.place.url.starts_with("az:") || self.place.url.starts_with("abfs") {
            let Some(info) = self.head(key).await? else {
                return Err(Error::NotFound { key: key.to_owned(), location: self.place.url.clone() });
            };
            return self.get(key, Some(GetRange::Bounded(info.size.saturating_sub(length)..info.size))).await;
        }
        self.get(key, Some(GetRange::Suffix(length))).await
    }

    pub(crate) async fn stream(&self, key: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        let opened = self
            .store
            .get(&self.path(key)?)
            .await
            .map_err(|error| self.place.explain("read", key, &error))?;
        let (place, key) = (self.place.clone(), key.to_owned());
        Ok(opened.into_stream().map_err(move |error| place.explain("read", &key, &error)).boxed())
    }

    pub(crate) fn list(&self, prefix: &str) -> Result<BoxStream<'static, Result<ObjectInfo>>> {
        let bucket = self.clone();
        let path = self.path(prefix)?;
        let listed = self.store.list((!path.as_ref().is_empty()).then_some(&path));
        let prefix = prefix.to_owned();
        Ok(listed
            .map(move |meta| match meta {
                Ok(meta) => Ok(bucket.info(&meta)),
                Err(error) => Err(bucket.place.explain("list", &prefix, &error)),
            })
            .try_filter_map(|info| async move { Ok(info) })
            .boxed())
    }

    pub(crate) async fn list_dirs(&self, prefix: &str) -> Result<Vec<String>> {
        let path = self.path(prefix)?;
        let listed = self.store.list_with_delimiter((!path.as_ref().is_empty()).then_some(&path)).await;
        let listed = listed.map_err(|error| self.place.explain("list", prefix, &error))?;
        let mut names: Vec<String> =
            listed.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect();
        names.sort();
        Ok(names)
    }

    /// Writes a file of a backup.
    pub(crate) async fn put(&self, key: &str, payload: PutPayload) -> Result<()> {
        let put = self.writer()?.put(&self.path(key)?, payload).await;
        put.map(drop).map_err(|error| self.place.explain("write", key, &error))
    }

    /// Writes what must stay deletable: never under retention.
    pub(crate) async fn put_scratch(&self, key: &str, payload: PutPayload) -> Result<()> {
        self.writer()?;
        let put = self.store.put(&self.path(key)?, payload).await;
        put.map(drop).map_err(|error| self.place.explain("write", key, &error))
    }

    /// Creates what must stay deletable, or fails with [`Error::Exists`].
    pub(crate) async fn create(&self, key: &str, payload: PutPayload) -> Result<()> {
        self.writer()?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = self.store.put_opts(&self.path(key)?, payload, options).await;
        put.map(drop).map_err(|error| self.place.explain("create", key, &error))
    }

    /// One that is not there is as good as deleted.
    pub(crate) async fn delete(&self, key: &str) -> Result<()> {
        self.writer()?;
        match self.store.delete(&self.path(key)?).await {
            Ok(()) => Ok(()),
            Err(error) => match self.place.explain("delete", key, &error) {
                Error::NotFound { .. } => Ok(()),
                other => Err(other),
            },
        }
    }
}
