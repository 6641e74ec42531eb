//! `<B>-daytwo-stored.json`: beside an encrypted backup, the lengths and digests of its files as stored, so that its
//! bytes can be proved without the key. Written last: its being there makes an encrypted backup exist.
//!
//! Refuses to say anything of the content: digests of what is encrypted would let weak Secrets be guessed.

use crate::head::Head;
use crate::manifest::StoredFile;
use crate::seal::{NO_DIGEST, NO_SIGNATURE, Seal};
use crate::sign::SigningKey;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How the file proves itself.
pub(crate) const SEAL: Seal =
    Seal { digest: "selfSha256", signature: "signature", public_key: "publicKey", purpose: "StoredBackup" };

/// The file, as far as it is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// The backup's name.
    pub(crate) name: String,
    /// Every file but this one, as stored.
    pub(crate) files: Vec<StoredFile>,
}

/// The file, for a backup that is complete.
pub(crate) fn stored_json(head: &Head, files: &[StoredFile], sign: Option<&SigningKey>) -> Vec<u8> {
    let mut document = json!({
        "apiVersion": "daytwo.dev/v1alpha1",
        "kind": "StoredBackup",
        "name": head.name,
        "encryption": "age-encryption.org/v1",
        "madeBy": head.made_by,
        "phase": head.phase,
        "started": head.started,
        "finished": head.finished,
        "files": files,
        SEAL.digest: NO_DIGEST,
    });
    if let Some(expires) = head.expires {
        document["expiration"] = json!(expires);
    }
    if let Some(key) = sign {
        document[SEAL.public_key] = json!(key.verifying_key().to_base64());
        document[SEAL.signature] = json!(NO_SIGNATURE);
    }
    let mut text = serde_json::to_string_pretty(&document).expect("invariant: a value is JSON");
    text.push('\n');
    SEAL.close(&text, sign)
}
