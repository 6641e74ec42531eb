//! One file of a backup on its way: encrypted if it shall be, digested before and after, uploaded.

use crate::claim::Claim;
use crate::digest::Hasher;
use crate::encrypt::{Encryptor, Recipient};
use crate::layout::File;
use crate::location::Result;
use crate::manifest::StoredFile;
use crate::upload::Upload;
use bytes::Bytes;

/// Most bytes encrypted at once: the worker of the runtime is not held longer.
const AT_ONCE: usize = 256 * 1024;

/// A file being written.
pub(super) struct Sink {
    name: String,
    upload: Upload,
    plain: Hasher,
    sealing: Option<Sealing>,
}

struct Sealing {
    encryptor: Encryptor,
    stored: Hasher,
}

/// A file that is there.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// Before encryption.
    pub(super) plain: StoredFile,
    /// As stored: the same, unless it is encrypted.
    pub(super) stored: StoredFile,
}

impl Sink {
    pub(super) async fn begin(claim: &Claim, file: File, recipients: &[Recipient]) -> Result<Sink> {
        let sealing = match recipients {
            [] => None,
            some => Some(Sealing { encryptor: Encryptor::new(some)?, stored: Hasher::default() }),
        };
        let upload = claim.upload(file).await?;
        Ok(Sink { name: file.name(claim.name().as_str()), upload, plain: Hasher::default(), sealing })
    }

    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.plain.update(&bytes);
        let Some(sealing) = &mut self.sealing else { return self.upload.write(bytes).await };
        for some in bytes.chunks(AT_ONCE) {
            let sealed = sealing.encryptor.update(some);
            sealing.stored.update(&sealed);
            self.upload.write(sealed.into()).await?;
        }
        Ok(())
    }

    /// Bytes so far, before encryption.
    pub(super) fn length(&self) -> u64 {
        self.plain.length()
    }

    /// Takes nothing more. What the file holds is known now; it appears with [`Sink::close`].
    pub(super) async fn seal(&mut self) -> Result<Written> {
        let described = |hasher: &mut Hasher, name: &str| {
            let hasher = std::mem::take(hasher);
            StoredFile { name: name.to_owned(), size: hasher.length(), sha256: hasher.finish() }
        };
        let plain = described(&mut self.plain, &self.name);
        let stored = match self.sealing.take() {
            None => plain.clone(),
            Some(Sealing { encryptor, mut stored }) => {
                let last = encryptor.finish();
                stored.update(&last);
                self.upload.write(last.into()).await?;
                described(&mut stored, &self.name)
            }
        };
        Ok(Written { plain, stored })
    }

    /// Makes the file appear, once it is sealed.
    pub(super) async fn close(self) -> Result<()> {
        self.upload.finish().await.map(drop)
    }

    /// Throws it away.
    pub(super) async fn abort(self) -> Result<()> {
        self.upload.abort().await
    }
}
