//! The three providers that keep their keys in the configuration.

use aes::cipher::block_padding::Pkcs7;
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead as _, KeyInit, Payload};
use aes_gcm::{AesGcm, Nonce};
use crypto_secretbox::XSalsa20Poly1305;
use zeroize::Zeroizing;

/// One key of a configuration.
pub(super) struct Key {
    pub(super) provider: &'static str,
    pub(super) name: String,
    /// Of a length that the provider takes.
    pub(super) secret: Zeroizing<Vec<u8>>,
}

impl Key {
    /// `None` if the value was not sealed with this key at this place, as far as the provider can tell.
    pub(super) fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let secret = self.secret.as_slice();
        match (self.provider, secret.len()) {
            ("aescbc", 16) => cbc::<cbc::Decryptor<Aes128>>(secret, sealed),
            ("aescbc", 24) => cbc::<cbc::Decryptor<Aes192>>(secret, sealed),
            ("aescbc", _) => cbc::<cbc::Decryptor<Aes256>>(secret, sealed),
            ("aesgcm", 16) => gcm::<AesGcm<Aes128, U12>>(secret, place, sealed),
            ("aesgcm", 24) => gcm::<AesGcm<Aes192, U12>>(secret, place, sealed),
            ("aesgcm", _) => gcm::<AesGcm<Aes256, U12>>(secret, place, sealed),
            _ => secretbox(secret, sealed),
        }
    }
}

/// A vector of 16 bytes, then blocks with PKCS#7 padding. Nothing authenticates it: what a wrong key gives is told by its
/// padding, and where that fits by chance (once in 256) by not being an object.
fn cbc<D>(secret: &[u8], sealed: &[u8]) -> Option<Vec<u8>>
where
    D: aes::cipher::KeyIvInit + aes::cipher::BlockDecryptMut,
{
    let (vector, blocks) = sealed.split_at_checked(16)?;
    let opened = D::new_from_slices(secret, vector).ok()?.decrypt_padded_vec_mut::<Pkcs7>(blocks).ok()?;
    (opened.starts_with(b"k8s\0") || opened.starts_with(b"{")).then_some(opened)
}

/// A nonce of 12 bytes, then the text and its tag; the store's key is authenticated with it.
fn gcm<A>(secret: &[u8], place: &[u8], sealed: &[u8]) -> Option<Vec<u8>>
where
    A: KeyInit + aes_gcm::aead::Aead<NonceSize = U12>,
{
    let (nonce, msg) = sealed.split_at_checked(12)?;
    A::new_from_slice(secret).ok()?.decrypt(Nonce::from_slice(nonce), Payload { msg, aad: place }).ok()
}

/// A nonce of 24 bytes, then NaCl's box.
fn secretbox(secret: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_at_checked(24)?;
    XSalsa20Poly1305::new_from_slice(secret).ok()?.decrypt(nonce.into(), sealed).ok()
}
