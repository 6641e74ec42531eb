//! A location in a folder. What is written is private (directories 0700, files 0600: backups hold Secrets), durable
//! (file and directory are synced) and appears whole or not at all (written beside its name, then renamed).
//!
//! Refuses to follow symbolic links below the folder and to open anything but regular files. Does not use
//! object_store's local file system, which leaves modes to the umask and follows links.

use super::error::{Error, Failure, Result};
use super::{ObjectInfo, folder_io};
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a file under way is called besides: `.NAME.N.daytwo-part`.
pub(crate) const PART: &str = ".daytwo-part";

/// Bytes read from a file at a time.
const CHUNK: usize = 512 * 1024;

#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: Arc<PathBuf>,
    url: Arc<str>,
}

impl Folder {
    pub(crate) fn new(root: PathBuf, url: &str) -> Folder {
        Folder { root: Arc::new(root), url: url.into() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The file of a key, after looking that nothing on the way to it is a link.
    fn path(&self, key: &str) -> Result<PathBuf> {
        super::valid_key(key, &self.url)?;
        let mut path = self.root.to_path_buf();
        for part in key.split('/').filter(|_| !key.is_empty()) {
            path.push(part);
            match path.symlink_metadata() {
                Ok(meta) if meta.is_symlink() => {
                    return Err(Error::Denied(Box::new(Failure {
                        tried: format!("use {key}"),
                        location: self.url.to_string(),
                        why: format!("{} is a symbolic link, which could lead anywhere", path.display()),
                        remedy: Some("replace it by what it points to".into()),
                    })));
                }
                _ => {}
            }
        }
        Ok(path)
    }

    fn failed(&self, tried: &str, key: &str, error: &io::Error) -> Error {
        use io::ErrorKind as K;
        let place = || (key.to_owned(), self.url.to_string());
        let remedy = match error.kind() {
            K::NotFound | K::NotADirectory => {
                let (key, location) = place();
                return Error::NotFound { key, location };
            }
            K::AlreadyExists => {
                let (key, location) = place();
                return Error::Exists { key, location };
            }
            K::StorageFull | K::QuotaExceeded => Some("make room, then run it again".to_owned()),
            K::ReadOnlyFilesystem => Some("mount it writable, or choose another location".to_owned()),
            K::PermissionDenied => {
                Some("run as the owner of the folder, or choose another location".to_owned())
            }
            _ => None,
        };
        let failure = Box::new(Failure {
            tried: format!("{tried} {key}"),
            location: self.url.to_string(),
            why: error.to_string(),
            remedy,
        });
        match error.kind() {
            K::PermissionDenied | K::ReadOnlyFilesystem => Error::Denied(failure),
            _ => Error::Unavailable(failure),
        }
    }

    /// Runs blocking work on `key` and reads its error for people.
    async fn on<T: Send + 'static>(
        &self,
        tried: &str,
        key: &str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let path = self.path(key)?;
        let done = blocking(move || work(&path)).await;
        done.map_err(|error| self.failed(tried, key, &error))
    }

    /// Fails unless the folder itself is there: a mistyped path must not read as an empty location.
    async fn present(&self) -> Result<()> {
        let root = self.root.to_path_buf();
        match blocking(move || std::fs::metadata(root)).await {
            Ok(meta) if meta.is_dir() => Ok(()),
            Ok(_) => Err(Error::Invalid(format!("{} is not a folder", self.root.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Invalid(format!(
                "there is no folder {}; the first backup written to it makes it",
                self.root.display()
            ))),
            Err(error) => Err(self.failed("open", "the folder", &error)),
        }
    }

    pub(crate) async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        let info = self.on("look at", key, |path| folder_io::open(path)?.metadata()).await;
        match info {
            Ok(meta) => Ok(Some(folder_io::info(key.to_owned(), &meta))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// The bytes from `start`, at most `length` of them; from the end if `start` is `None`.
    pub(crate) async fn read(&self, key: &str, start: Option<u64>, length: u64) -> Result<Bytes> {
        self.on("read", key, move |path| {
            let mut file = folder_io::open(path)?;
            let size = file.metadata()?.len();
            let start = start.unwrap_or(size.saturating_sub(length));
            let length = length.min(size.saturating_sub(start));
            file.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
            file.take(length).read_to_end(&mut bytes)?;
            Ok(bytes.into())
        })
        .await
    }

    pub(crate) async fn stream(&self, key: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        let file = self.on("read", key, folder_io::open).await?;
        let (folder, key) = (self.clone(), key.to_owned());
        let chunks = futures::stream::try_unfold(file, move |mut file| {
            let (folder, key) = (folder.clone(), key.clone());
            async move {
                let read = blocking(move || {
                    let mut chunk = Vec::with_capacity(CHUNK);
                    let read = file.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
                    Ok((read > 0).then(|| (Bytes::from(chunk), file)))
                });
                read.await.map_err(|error| folder.failed("read", &key, &error))
            }
        });
        Ok(chunks.boxed())
    }

    /// Every object under `prefix`, by key.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        self.present().await?;
        self.list_if_there(prefix).await
    }

    /// The same, and nothing where the folder itself is still to be made.
    pub(crate) async fn list_if_there(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        let start = prefix.to_owned();
        let found =
            self.on("list", prefix, move |path| folder_io::walk(path, &start, |name| !is_part(name))).await;
        empty_if_absent(found)
    }

    /// Temporary files that were left under `prefix`.
    pub(crate) async fn parts(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        self.present().await?;
        let start = prefix.to_owned();
        empty_if_absent(self.on("list", prefix, move |path| folder_io::walk(path, &start, is_part)).await)
    }

    pub(crate) async fn list_dirs(&self, prefix: &str) -> Result<Vec<String>> {
        self.present().await?;
        empty_if_absent(self.on("list", prefix, folder_io::directories).await)
    }

    pub(crate) async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        self.on("write", key, move |path| folder_io::Staged::write(path, &bytes)?.publish()).await
    }

    /// Fails with [`Error::Exists`] if the key is there.
    pub(crate) async fn create(&self, key: &str, bytes: Bytes) -> Result<()> {
        self.on("create", key, move |path| folder_io::Staged::write(path, &bytes)?.publish_new()).await
    }

    /// Removes the file and the directories that it leaves empty. One that is not there is as good as removed.
    pub(crate) async fn delete(&self, key: &str) -> Result<()> {
        let root = Arc::clone(&self.root);
        match self.on("delete", key, move |path| folder_io::remove(&root, path)).await {
            Err(Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }

    /// Begins a file that appears under `key` when it is finished.
    pub(crate) async fn begin(&self, key: &str) -> Result<FolderUpload> {
        let staged = self.on("write", key, folder_io::Staged::begin).await?;
        Ok(FolderUpload {
            folder: self.clone(),
            key: key.to_owned(),
            waiting: Vec::new(),
            size: 0,
            state: State::Idle(staged),
        })
    }
}

fn is_part(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(PART)
}

fn empty_if_absent<T>(found: Result<Vec<T>>) -> Result<Vec<T>> {
    match found {
        Err(Error::NotFound { .. }) => Ok(Vec::new()),
        other => other,
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

/// A file under way. Bytes are gathered and written by another thread while more arrive.
#[derive(Debug)]
pub(crate) struct FolderUpload {
    folder: Folder,
    key: String,
    waiting: Vec<Bytes>,
    size: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle(folder_io::Staged),
    Writing(tokio::task::JoinHandle<io::Result<folder_io::Staged>>),
    Gone,
}

impl FolderUpload {
    /// Gathered before a write begins.
    const BATCH: usize = 1024 * 1024;

    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size += bytes.len();
        self.waiting.push(bytes);
        if self.size < Self::BATCH { Ok(()) } else { self.flush().await }
    }

    async fn idle(&mut self) -> Result<folder_io::Staged> {
        let staged = match std::mem::replace(&mut self.state, State::Gone) {
            State::Idle(staged) => Ok(staged),
            State::Writing(task) => task.await.unwrap_or_else(|panic| Err(io::Error::other(panic))),
            State::Gone => Err(io::Error::other("an earlier write failed")),
        };
        staged.map_err(|error| self.folder.failed("write", &self.key, &error))
    }

    async fn flush(&mut self) -> Result<()> {
        let mut staged = self.idle().await?;
        let batch = std::mem::take(&mut self.waiting);
        self.size = 0;
        self.state = State::Writing(tokio::task::spawn_blocking(move || {
            for bytes in &batch {
                staged.append(bytes)?;
            }
            Ok(staged)
        }));
        Ok(())
    }

    pub(crate) async fn finish(mut self) -> Result<()> {
        self.flush().await?;
        let staged = self.idle().await?;
        let published = blocking(move || staged.publish()).await;
        published.map_err(|error| self.folder.failed("write", &self.key, &error))
    }

    /// Throws the file away. Dropping does the same.
    pub(crate) async fn abort(mut self) {
        if let Ok(staged) = self.idle().await {
            let _ = tokio::task::spawn_blocking(move || drop(staged)).await;
        }
    }
}
