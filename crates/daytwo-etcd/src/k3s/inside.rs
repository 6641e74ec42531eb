//! What a server sealed: a JSON object of files by the names K3s has for them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::seal::hex;
use super::token::Token;

/// The name of the CA that a token's digest is of.
const SERVER_CA: &str = "ServerCA";

/// Names of the encryption configuration and of its digest.
const ENCRYPTION: &str = "EncryptionConfig";

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// A file that is sealed in a datastore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// K3s' name for it, such as `ServerCA`, `ETCDPeerCAKey` or `EncryptionConfig`.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The sha256 of a CA's certificate file, in hexadecimal digits; of nothing else.
    pub sha256: Option<String>,
}

/// What a datastore brings back to a server that has the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// The files, in the order of their names.
    pub files: Vec<Sealed>,
    /// Whether secrets encryption is among them.
    pub encryption_config: bool,
    /// Whether the CA inside is the one that the token names; `None` where the token names none, or where the CA has more
    /// than one certificate, since K3s then takes the digest of the root only.
    pub ca_matches: Option<bool>,
}

/// Since v1.22 with the time of the file, before that its content alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    File {
        #[serde(rename = "Content")]
        content: Option<String>,
    },
    Bare(String),
}

/// Takes apart what was sealed.
///
/// # Errors
/// In what way it is not what K3s writes; nothing of it is in there.
pub(super) fn read(plain: &[u8], token: &Token) -> Result<Inside, &'static str> {
    let files: BTreeMap<String, Content> =
        serde_json::from_slice(plain).map_err(|_| "it opens, but is no JSON of files")?;
    let mut inside = Inside { files: Vec::new(), encryption_config: false, ca_matches: None };
    for (name, content) in files {
        let (Content::File { content: Some(text) } | Content::Bare(text)) = content else {
            inside.files.push(Sealed { name, bytes: 0, sha256: None });
            continue;
        };
        let bytes = STANDARD.decode(text).map_err(|_| "it opens, but a file in it is not base64")?;
        let certificates = bytes.windows(BEGIN.len()).filter(|window| *window == BEGIN).count();
        let sha256 = (name.ends_with("CA") && certificates > 0).then(|| hex(&Sha256::digest(&bytes)));
        if name == SERVER_CA && certificates == 1 {
            inside.ca_matches = token.ca().map(|ca| Some(ca) == sha256.as_deref());
        }
        inside.encryption_config |= name == ENCRYPTION && !bytes.is_empty();
        inside.files.push(Sealed { name, bytes: bytes.len() as u64, sha256 });
    }
    Ok(inside)
}
