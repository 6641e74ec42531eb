//! Signatures: ed25519 keys in PEM files, and signing of what a backup says about itself.
//!
//! A signature proves who wrote a backup, where digests only prove that it did not change by accident. Refuses to show
//! private keys: `Debug` prints the public half.

use crate::location::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{Signature, Signer};
use std::fmt;
use std::path::Path;

/// Most bytes of a key file.
const KEY_FILE_LIMIT: u64 = 16 * 1024;

/// The private half of a pair that signs backups.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// The public half.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl SigningKey {
    /// A new pair, from the operating system's randomness.
    pub fn generate() -> SigningKey {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).expect("invariant: the operating system has randomness");
        SigningKey(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// Reads PKCS#8 PEM (`BEGIN PRIVATE KEY`), as `openssl genpkey -algorithm ed25519` writes it too.
    pub fn from_pem(pem: &str) -> Result<SigningKey> {
        ed25519_dalek::SigningKey::from_pkcs8_pem(pem.trim())
            .map(SigningKey)
            .map_err(|_| Error::Invalid("the signing key is no ed25519 private key in PKCS#8 PEM: make one with daytwo key generate --sign".into()))
    }

    /// Reads the key file at `path`.
    pub fn load(path: &Path) -> Result<SigningKey> {
        SigningKey::from_pem(&read(path)?).map_err(|error| of(path, &error))
    }

    /// PKCS#8 PEM. Whoever reads it can sign.
    pub fn to_pem(&self) -> String {
        let pem = self.0.to_pkcs8_pem(LineEnding::LF).expect("invariant: an ed25519 key has a PKCS#8 form");
        pem.to_string()
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Signs `message` for one `purpose`: a signature made for one is none for another.
    pub(crate) fn sign(&self, purpose: &str, message: &[u8]) -> String {
        STANDARD.encode(self.0.sign(&framed(purpose, message)).to_bytes())
    }
}

impl VerifyingKey {
    /// Reads SPKI PEM (`BEGIN PUBLIC KEY`).
    pub fn from_pem(pem: &str) -> Result<VerifyingKey> {
        ed25519_dalek::VerifyingKey::from_public_key_pem(pem.trim())
            .map(VerifyingKey)
            .map_err(|_| Error::Invalid("the key is no ed25519 public key in PEM: use the public file that daytwo key generate --sign wrote".into()))
    }

    /// Reads the key file at `path`.
    pub fn load(path: &Path) -> Result<VerifyingKey> {
        VerifyingKey::from_pem(&read(path)?).map_err(|error| of(path, &error))
    }

    /// SPKI PEM.
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).expect("invariant: an ed25519 key has an SPKI form")
    }

    /// The 32 bytes of the key, base64.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0.as_bytes())
    }

    /// Reads what [`VerifyingKey::to_base64`] wrote; `None` for anything else.
    pub(crate) fn from_base64(text: &str) -> Option<VerifyingKey> {
        let bytes: [u8; 32] = STANDARD.decode(text).ok()?.try_into().ok()?;
        ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok().map(VerifyingKey)
    }

    /// Whether `signature` (base64) is this key's over `message` for `purpose`.
    pub(crate) fn verifies(&self, purpose: &str, message: &[u8], signature: &str) -> bool {
        let Ok(bytes) = STANDARD.decode(signature) else { return false };
        let Ok(signature) = Signature::from_slice(&bytes) else { return false };
        self.0.verify_strict(&framed(purpose, message), &signature).is_ok()
    }
}

fn framed(purpose: &str, message: &[u8]) -> Vec<u8> {
    let mut framed = format!("daytwo.dev/v1alpha1 {purpose}\n").into_bytes();
    framed.extend_from_slice(message);
    framed
}

fn read(path: &Path) -> Result<String> {
    let size = std::fs::metadata(path).map_err(|error| cannot_read(path, &error))?.len();
    if size > KEY_FILE_LIMIT {
        return Err(Error::Invalid(format!("{} is no key file: it has {size} bytes", path.display())));
    }
    std::fs::read_to_string(path).map_err(|error| cannot_read(path, &error))
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Error {
    Error::Invalid(format!("cannot read the key file {}: {error}", path.display()))
}

fn of(path: &Path, error: &Error) -> Error {
    Error::Invalid(format!("{}: {error}", path.display()))
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(<redacted>, public {})", self.verifying_key().to_base64())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.to_base64())
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_key_its_purpose_and_its_message_alone() {
        let key = SigningKey::generate();
        let public = key.verifying_key();
        let signature = key.sign("manifest", b"text");
        assert!(public.verifies("manifest", b"text", &signature));
        assert!(!public.verifies("manifest", b"texT", &signature));
        assert!(!public.verifies("other", b"text", &signature));
        assert!(!SigningKey::generate().verifying_key().verifies("manifest", b"text", &signature));
        assert!(!public.verifies("manifest", b"text", "no base64"));
    }

    #[test]
    fn keys_survive_their_files() {
        let key = SigningKey::generate();
        let again = SigningKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!(key.verifying_key(), again.verifying_key());
        let public = VerifyingKey::from_pem(&key.verifying_key().to_pem()).unwrap();
        assert_eq!(public, key.verifying_key());
        assert_eq!(VerifyingKey::from_base64(&public.to_base64()), Some(public));
        assert!(VerifyingKey::from_pem(&key.to_pem()).is_err(), "a private key was taken for a public one");
    }

    #[test]
    fn debug_shows_no_private_key() {
        let key = SigningKey::generate();
        let pem = key.to_pem();
        let secret: &str = pem.lines().nth(1).unwrap();
        assert!(!format!("{key:?}").contains(&secret[20..]));
    }
}
