//! Reads the keys of an `EncryptionConfiguration` (`apiserver.config.k8s.io/v1`), as kube-apiserver is given it and as
//! K3s and RKE2 keep it in `server/cred/encryption-config.json`. YAML and JSON are the same here.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Keyring;
use super::open::Key;
use crate::{Error, Result};

/// Why a text gives no keys. It names the place, and never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no EncryptionConfiguration that can be used: {what}")]
pub struct BadConfiguration {
    what: String,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    resources: Vec<Resources>,
}

#[derive(Deserialize)]
struct Resources {
    #[serde(default)]
    providers: Vec<Providers>,
}

/// One of these is set.
#[derive(Deserialize)]
struct Providers {
    aescbc: Option<Keys>,
    aesgcm: Option<Keys>,
    secretbox: Option<Keys>,
    kms: Option<Kms>,
}

impl Providers {
    /// Those that have keys.
    fn with_keys(self) -> impl Iterator<Item = (&'static str, NamedKey)> {
        let named = [("aescbc", self.aescbc), ("aesgcm", self.aesgcm), ("secretbox", self.secretbox)];
        named.into_iter().flat_map(|(provider, keys)| {
            keys.into_iter().flat_map(|keys| keys.keys).map(move |key| (provider, key))
        })
    }
}

/// A key management service, which keeps its keys to itself.
#[derive(Deserialize)]
struct Kms {
    name: String,
}

#[derive(Deserialize)]
struct Keys {
    #[serde(default)]
    keys: Vec<NamedKey>,
}

#[derive(Deserialize)]
struct NamedKey {
    name: String,
    secret: Zeroizing<String>,
}

impl Keyring {
    /// The keys in a file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Foreign`] if it gives no keys that can be used.
    pub fn read(path: &Path) -> Result<Keyring> {
        let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|source| Error::Io {
            doing: "read",
            path: path.to_owned(),
            source,
        })?;
        Keyring::parse(&text)
            .map_err(|error| Error::Foreign { path: path.to_owned(), what: error.to_string() })
    }

    /// The keys in a text.
    ///
    /// # Errors
    /// If it is no configuration, or a key has a length that its provider does not take.
    pub fn parse(text: &str) -> Result<Keyring, BadConfiguration> {
        let mut keyring = Keyring::default();
        for (provider, key) in providers(text)?.flat_map(Providers::with_keys) {
            keyring.keys.push(one(provider, &key)?);
        }
        Ok(keyring)
    }

    /// By what a configuration is recognized: provider and name of each key in it, as `aescbc/key1` or `kms/vault`, in its
    /// order. No key is looked at.
    ///
    /// # Errors
    /// If it is no configuration.
    pub fn names(text: &str) -> Result<Vec<String>, BadConfiguration> {
        let name = |mut one: Providers| {
            let kms = one.kms.take().map(|kms| format!("kms/{}", kms.name));
            one.with_keys().map(|(provider, key)| format!("{provider}/{}", key.name)).chain(kms)
        };
        Ok(providers(text)?.flat_map(name).collect())
    }
}

fn providers(text: &str) -> Result<impl Iterator<Item = Providers>, BadConfiguration> {
    let bad = |what: &str| BadConfiguration { what: what.to_owned() };
    // What the parser says may quote the line, and the line may be a key.
    let read: Configuration =
        serde_saphyr::from_str(text).map_err(|_| bad("it is neither the YAML nor the JSON of one"))?;
    if read.kind != "EncryptionConfiguration" {
        return Err(bad("its kind is another one"));
    }
    Ok(read.resources.into_iter().flat_map(|resources| resources.providers))
}

fn one(provider: &'static str, key: &NamedKey) -> Result<Key, BadConfiguration> {
    let bad = |what: &str| BadConfiguration { what: format!("{provider} key {}: {what}", key.name) };
    let secret = STANDARD.decode(key.secret.trim()).map_err(|_| bad("its secret is no base64"))?;
    let secret = Zeroizing::new(secret);
    let lengths: &[usize] = if provider == "secretbox" { &[32] } else { &[16, 24, 32] };
    if !lengths.contains(&secret.len()) {
        return Err(bad(&format!("its secret has {} bytes, which the provider does not take", secret.len())));
    }
    Ok(Key { provider, name: key.name.clone(), secret })
}
