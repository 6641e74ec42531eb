//! Digest and signature of a JSON file inside that very file.
//!
//! The file is written with places for both: 64 zeros for the digest, 88 `A` for the signature (base64 of 64 bytes).
//! The signature is made over the file in that state and put in; then the digest over the file as it is now, and put
//! in. A reader takes the same steps backwards. So the digest covers every other byte of the file, the signature
//! included, and is itself covered by being compared.

use crate::digest::Digest;
use crate::sign::{SigningKey, VerifyingKey};
use std::ops::Range;

/// What a writer puts where the digest will stand.
pub(crate) const NO_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a writer puts where the signature will stand.
pub(crate) const NO_SIGNATURE: &str =
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Keys of the JSON under which the values stand, each once in the file, and what the signature is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal {
    pub(crate) digest: &'static str,
    pub(crate) signature: &'static str,
    pub(crate) public_key: &'static str,
    pub(crate) purpose: &'static str,
}

/// What opening a seal showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The key that signed the file.
    pub(crate) signer: Option<VerifyingKey>,
}

impl Seal {
    /// Fills in both places. `text` holds the place of the digest and, if `sign`, that of the signature.
    pub(crate) fn close(&self, text: &str, sign: Option<&SigningKey>) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        if let Some(key) = sign {
            let signature = key.sign(self.purpose, &bytes);
            let place = place(&bytes, self.signature, NO_SIGNATURE.len())
                .expect("invariant: the text has a place for it");
            bytes[place].copy_from_slice(signature.as_bytes());
        }
        let digest = Digest::of(&bytes).hex();
        let place =
            place(&bytes, self.digest, NO_DIGEST.len()).expect("invariant: the text has a place for it");
        bytes[place].copy_from_slice(&digest);
        bytes
    }

    /// Checks digest and signature, or says what is wrong.
    pub(crate) fn open(&self, bytes: &[u8]) -> Result<Opened, String> {
        let mut bytes = bytes.to_vec();
        let digest = place(&bytes, self.digest, NO_DIGEST.len()).ok_or("holds no digest of itself")?;
        let said = Digest::parse(&bytes[digest.clone()]).ok_or("holds no digest of itself")?;
        bytes[digest].copy_from_slice(NO_DIGEST.as_bytes());
        if Digest::of(&bytes) != said {
            return Err("is not as it was written: its digest differs".into());
        }
        let Some(signature) = place(&bytes, self.signature, NO_SIGNATURE.len()) else {
            return Ok(Opened { signer: None });
        };
        let said = String::from_utf8_lossy(&bytes[signature.clone()]).into_owned();
        bytes[signature].copy_from_slice(NO_SIGNATURE.as_bytes());
        let key = place(&bytes, self.public_key, 44)
            .and_then(|place| VerifyingKey::from_base64(std::str::from_utf8(&bytes[place]).ok()?))
            .ok_or("has a signature that names no key")?;
        match key.verifies(self.purpose, &bytes, &said) {
            true => Ok(Opened { signer: Some(key) }),
            false => Err("has a signature that does not belong to it".into()),
        }
    }
}

/// Where the string of `length` bytes stands that is the value of `key`.
fn place(bytes: &[u8], key: &str, length: usize) -> Option<Range<usize>> {
    let before = format!("\"{key}\": \"");
    let start = memchr::memmem::find(bytes, before.as_bytes())? + before.len();
    let range = start..start + length;
    (bytes.get(range.end) == Some(&b'"')).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEAL: Seal = Seal { digest: "self", signature: "sig", public_key: "key", purpose: "test" };

    fn text(key: &SigningKey) -> String {
        let key = key.verifying_key();
        format!(
            "{{\n \"a\": 1,\n \"self\": \"{NO_DIGEST}\",\n \"sig\": \"{NO_SIGNATURE}\",\n \"key\": \"{key}\"\n}}\n"
        )
    }

    #[test]
    fn every_flipped_bit_of_a_sealed_file_is_seen() {
        let key = SigningKey::generate();
        let sealed = SEAL.close(&text(&key), Some(&key));
        assert_eq!(SEAL.open(&sealed), Ok(Opened { signer: Some(key.verifying_key()) }));
        serde_json::from_slice::<serde_json::Value>(&sealed).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SEAL.open(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_file_resealed_by_another_names_the_other() {
        let (key, other) = (SigningKey::generate(), SigningKey::generate());
        let forged = SEAL.close(&text(&other).replace("\"a\": 1", "\"a\": 2"), Some(&other));
        assert_ne!(SEAL.open(&forged).unwrap().signer, Some(key.verifying_key()));
    }
}
