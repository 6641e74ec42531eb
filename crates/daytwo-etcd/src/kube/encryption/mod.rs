//! Values that an API server encrypted before it wrote them: told by their prefix, and opened with the keys of an
//! `EncryptionConfiguration`.
//!
//! What it refuses to do: talk to a key management service, and take a key that is missing for damage. No key is ever
//! shown, not even in an error.
//!
//! Formats: `pkg/storage/value/encrypt/{aes,secretbox}` of k8s.io/apiserver v0.36.

mod config;
mod open;

use std::borrow::Cow;
use std::fmt;

pub use config::BadConfiguration;

use open::Key;

/// Stands before every encrypted value.
const MAGIC: &[u8] = b"k8s:enc:";

/// How a value was encrypted, and with which key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seal {
    /// `aescbc`, `aesgcm`, `secretbox`, `kms`, or one that this version of Kubernetes has not.
    pub provider: String,
    /// Of the format, `v1` or for KMS `v2`.
    pub version: String,
    /// The key's name in the configuration; for KMS the plugin's name.
    pub key: String,
}

impl fmt::Display for Seal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.provider.as_str() {
            "kms" => write!(out, "kms {} by {}", self.version, self.key),
            provider => write!(out, "{provider} with the key {}", self.key),
        }
    }
}

impl Seal {
    /// The seal of a value and what it encloses; `None` if the value is not encrypted.
    pub fn of(value: &[u8]) -> Option<(Seal, &[u8])> {
        let mut parts = value.strip_prefix(MAGIC)?.splitn(4, |byte| *byte == b':');
        // Names are a person's choice, but short: what is longer is no seal.
        let mut word = || parts.next().filter(|word| word.len() <= 253).map(String::from_utf8_lossy);
        let (provider, version, key) = (word()?, word()?, word()?);
        let seal =
            Seal { provider: provider.into_owned(), version: version.into_owned(), key: key.into_owned() };
        Some((seal, parts.next()?))
    }
}

/// Why a value stays closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// The keyring has no key of this name for this provider. Nothing is wrong with the value.
    #[error("encrypted by {0}, which is not among the keys given")]
    MissingKey(Seal),
    /// Only the key management service can open it.
    #[error("encrypted by {0}: only that key management service can open it")]
    Kms(Seal),
    /// The key of this name does not fit, or the bytes were changed.
    #[error("encrypted by {0}: the key of that name is another one, or the value is damaged")]
    WrongKeyOrDamaged(Seal),
    /// No provider of that name and version is known.
    #[error("encrypted by {0}, which is not known")]
    UnknownProvider(Seal),
}

/// The keys of one or more configurations. Empty, it opens what is not encrypted.
#[derive(Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> =
            self.keys.iter().map(|key| format!("{}:{}", key.provider, key.name)).collect();
        out.debug_struct("Keyring").field("keys", &names).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Whether it has no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The value as it was before it was encrypted; one that is not encrypted as it is.
    ///
    /// `key` is the store's key with its prefix: AES-GCM and KMS seal a value to its place.
    ///
    /// # Errors
    /// What keeps it closed.
    pub fn open<'a>(&self, key: &[u8], value: &'a [u8]) -> Result<Cow<'a, [u8]>, NotOpened> {
        let Some((seal, sealed)) = Seal::of(value) else { return Ok(Cow::Borrowed(value)) };
        if seal.provider == "kms" {
            return Err(NotOpened::Kms(seal));
        }
        if !matches!(seal.provider.as_str(), "aescbc" | "aesgcm" | "secretbox") || seal.version != "v1" {
            return Err(NotOpened::UnknownProvider(seal));
        }
        // Two resources may have keys of one name that are not the same.
        let named = |held: &&Key| held.provider == seal.provider && held.name == seal.key;
        let mut tried = false;
        for held in self.keys.iter().filter(named) {
            tried = true;
            if let Some(opened) = held.open(key, sealed) {
                return Ok(Cow::Owned(opened));
            }
        }
        Err(if tried { NotOpened::WrongKeyOrDamaged(seal) } else { NotOpened::MissingKey(seal) })
    }
}

#[cfg(test)]
mod tests;
