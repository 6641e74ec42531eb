//! What a snapshot is of no use without: the token that K3s and RKE2 keep their CAs under, the keys that Secrets are
//! encrypted with, the authorities and ServiceAccount keys that the objects in it trust.
//!
//! Looked for on this host, where kubeadm, RKE2, K3s and Harvester keep them. What was not found is said. It refuses
//! to hold a secret: of a token it keeps the part that stands in the datastore anyway, of keys their names, of
//! certificates and files a fingerprint.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use daytwo_archive::digest::Digest;
use daytwo_etcd::k3s;
use daytwo_etcd::kube::Keyring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

use super::super::client::Client;
use super::key;

/// What a snapshot needs beside itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Depends {
    /// What installed the host that was looked at: `kubeadm`, `RKE2` or `K3s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_by: Option<String>,
    /// The token of K3s or RKE2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// How Secrets are encrypted at rest; `None` where that is not known, or they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// Authorities.
    pub authorities: Vec<Authority>,
    /// Keys that ServiceAccount tokens are signed with.
    pub service_account_keys: Vec<ServiceAccountKey>,
    /// What was looked for and not found: the snapshot may need it all the same.
    pub missing: Vec<Missing>,
}

/// A token of K3s or RKE2, by what it is recognized by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// The file it is in.
    pub path: PathBuf,
    /// The key in the datastore that holds what it opens: `/bootstrap/` and the first 12 hexadecimal digits of its
    /// SHA-256 (k3s pkg/cluster/storage.go).
    pub bootstrap_key: String,
    /// Whether the datastore had that key: then the token opens this snapshot. `None` where nobody could be asked.
    pub opens: Option<bool>,
}

/// An EncryptionConfiguration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// The file.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Provider and name of every key in it, as `aescbc/key1`.
    pub keys: Vec<String>,
}

/// An authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authority {
    /// The file it is in.
    pub path: PathBuf,
    /// SHA-256 of the certificate: what `openssl x509 -fingerprint -sha256` shows.
    pub sha256: Digest,
}

/// A key that ServiceAccount tokens are signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccountKey {
    /// The file it is in.
    pub path: PathBuf,
    /// What tokens name it by in their header `kid`: the SHA-256 of its public part, in base64 for URLs (kubernetes
    /// pkg/serviceaccount/jwt.go, keyIDFromPublicKey).
    pub kid: String,
}

/// Something that was not found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// What.
    pub what: String,
    /// Why, with where it was looked for.
    pub why: String,
}

/// Where one way to install keeps what a snapshot needs, below the root of the host.
struct Layout {
    by: &'static str,
    /// What tells that it is this one.
    mark: &'static str,
    token: Option<&'static str>,
    /// The EncryptionConfiguration; `None` where the API server's manifest names it.
    encryption: Option<&'static str>,
    authorities: &'static [&'static str],
    service_account_keys: &'static [&'static str],
}

/// k3s pkg/daemons/control/deps/deps.go, which RKE2 shares.
macro_rules! rancher {
    ($by:literal, $dir:literal) => {
        Layout {
            by: $by,
            mark: concat!($dir, "tls"),
            token: Some(concat!($dir, "token")),
            encryption: Some(concat!($dir, "cred/encryption-config.json")),
            authorities: &[
                concat!($dir, "tls/server-ca.crt"),
                concat!($dir, "tls/client-ca.crt"),
                concat!($dir, "tls/request-header-ca.crt"),
                concat!($dir, "tls/etcd/server-ca.crt"),
                concat!($dir, "tls/etcd/peer-ca.crt"),
            ],
            service_account_keys: &[concat!($dir, "tls/service.key")],
        }
    };
}

/// kubeadm: cmd/kubeadm/app/constants.
const LAYOUTS: [Layout; 3] = [
    Layout {
        by: "kubeadm",
        mark: "etc/kubernetes/pki",
        token: None,
        encryption: None,
        authorities: &[
            "etc/kubernetes/pki/ca.crt",
            "etc/kubernetes/pki/front-proxy-ca.crt",
            "etc/kubernetes/pki/etcd/ca.crt",
        ],
        service_account_keys: &["etc/kubernetes/pki/sa.pub"],
    },
    rancher!("RKE2", "var/lib/rancher/rke2/server/"),
    rancher!("K3s", "var/lib/rancher/k3s/server/"),
];

/// Where kubeadm's API server is told where its EncryptionConfiguration is.
const MANIFEST: &str = "etc/kubernetes/manifests/kube-apiserver.yaml";

/// What a snapshot of this host's cluster needs, `root` being the folder that its file system lies under.
pub fn depends(root: &Path) -> Depends {
    let Some(layout) = LAYOUTS.iter().find(|layout| root.join(layout.mark).is_dir()) else {
        let mut nothing = Depends::default();
        for what in ["token", "encryption configuration", "authorities", "ServiceAccount keys"] {
            let why = format!("neither kubeadm, RKE2 nor K3s is below {}: save on a server", root.display());
            nothing.missing.push(Missing { what: what.to_owned(), why });
        }
        return nothing;
    };
    let mut found = Depends { installed_by: Some(layout.by.to_owned()), ..Depends::default() };
    if let Some(token) = layout.token {
        found.add("token", self::token(&root.join(token)), |found, token| found.token = Some(token));
    }
    let config = match layout.encryption {
        Some(path) => Ok(Some(root.join(path)).filter(|path| path.exists())),
        None => named_by_manifest(root),
    };
    let config = config.and_then(|path| path.as_deref().map(encryption).transpose());
    found.add("encryption configuration", config, |found, config| found.encryption = config);
    for path in layout.authorities {
        found.add("authority", authorities(&root.join(path)), |found, some| found.authorities.extend(some));
    }
    for path in layout.service_account_keys {
        let path = root.join(path);
        let keys =
            read(&path).and_then(|pem| key::ids(&pem).map_err(|why| format!("{}: {why}", path.display())));
        found.add("ServiceAccount key", keys, |found, ids| {
            found
                .service_account_keys
                .extend(ids.into_iter().map(|kid| ServiceAccountKey { path: path.clone(), kid }));
        });
    }
    found
}

impl Depends {
    fn add<T>(&mut self, what: &str, found: Result<T, String>, take: impl FnOnce(&mut Self, T)) {
        match found {
            Ok(found) => take(self, found),
            Err(why) => self.missing.push(Missing { what: what.to_owned(), why }),
        }
    }

    /// Asks the datastore whether the token opens it.
    pub(super) async fn ask(&mut self, client: &Client) {
        if let Some(token) = &mut self.token {
            token.opens = client.has(&token.bootstrap_key).await.ok();
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn token(path: &Path) -> Result<Token, String> {
    let token = k3s::Token::parse(&text(path)?).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Token { path: path.to_owned(), bootstrap_key: token.bootstrap_key(), opens: None })
}

fn text(path: &Path) -> Result<String, String> {
    String::from_utf8(read(path)?).map_err(|_| format!("{} is no text", path.display()))
}

/// The value of `--encryption-provider-config` of kubeadm's API server; `None` where it has none.
fn named_by_manifest(root: &Path) -> Result<Option<PathBuf>, String> {
    let path = root.join(MANIFEST);
    let text = String::from_utf8_lossy(&read(&path)?).into_owned();
    let value = text
        .lines()
        .find_map(|line| line.split_once("--encryption-provider-config=").map(|(_, value)| value));
    let value = value.map(|value| value.trim().trim_matches(['"', '\'']).trim_start_matches('/').to_owned());
    Ok(value.map(|value| root.join(value)))
}

fn encryption(path: &Path) -> Result<Encryption, String> {
    let text = text(path)?;
    let keys = Keyring::names(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Encryption { path: path.to_owned(), sha256: Digest::of(text.as_bytes()), keys })
}

fn authorities(path: &Path) -> Result<Vec<Authority>, String> {
    let pem = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(found) if !found.is_empty() => {
            let authority =
                |der: &CertificateDer<'_>| Authority { path: path.to_owned(), sha256: Digest::of(der) };
            Ok(found.iter().map(authority).collect())
        }
        _ => Err(format!("{} holds no certificate", path.display())),
    }
}

/// The name that tokens give a key by its public part (SubjectPublicKeyInfo, DER).
pub(super) fn kid(spki: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Digest::of(spki).0)
}

#[cfg(test)]
mod tests;
