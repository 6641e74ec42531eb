//! How K3s seals: `salt:base64(nonce and ciphertext)`, AES-256-GCM by a key that PBKDF2 makes of passphrase and salt.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::pbkdf2::{PBKDF2_HMAC_SHA1, derive};
use sha2::{Digest as _, Sha256};

/// Rounds of PBKDF2.
const ROUNDS: NonZeroU32 = NonZeroU32::new(4_096).expect("invariant: not zero");

/// Hexadecimal digits of a passphrase's digest in the key's name.
const DIGITS: usize = 12;

/// What the key of a passphrase is called.
pub(super) fn digest(passphrase: &str) -> String {
    hex(&Sha256::digest(passphrase))[..DIGITS].to_owned()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What was sealed by `passphrase`.
///
/// # Errors
/// In what way it is not what K3s writes. The salt is used as it is written, in hexadecimal digits.
pub(super) fn open(passphrase: &str, sealed: &[u8]) -> Result<Vec<u8>, &'static str> {
    if sealed.is_empty() {
        return Err("the key is there and empty, as a server makes it before it fills it");
    }
    let colon = sealed.iter().position(|byte| *byte == b':').ok_or("no salt stands before a colon")?;
    let (salt, rest) = sealed.split_at(colon);
    let mut bytes = STANDARD.decode(&rest[1..]).map_err(|_| "what follows the salt is not base64")?;
    if bytes.len() < NONCE_LEN {
        return Err("it is too short for a nonce");
    }
    let mut ciphertext = bytes.split_off(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(&bytes).map_err(|_| "it is too short for a nonce")?;
    let mut key = [0; 32];
    derive(PBKDF2_HMAC_SHA1, ROUNDS, salt, passphrase.as_bytes(), &mut key);
    let key = UnboundKey::new(&AES_256_GCM, &key).expect("invariant: 32 bytes make a key");
    let plain = LessSafeKey::new(key)
        .open_in_place(nonce, Aad::empty(), &mut ciphertext)
        .map_err(|_| "it was changed since it was sealed, or the passphrase only has the same digest")?
        .len();
    ciphertext.truncate(plain);
    Ok(ciphertext)
}
