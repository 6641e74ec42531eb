//! The public part of the keys that ServiceAccount tokens are signed with, out of PEM files of either part.
//!
//! It refuses to keep a private key: of one only the public part leaves this file.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
};
use rustls::pki_types::pem::{PemObject, SectionKind};

use super::depends::kid;

/// AlgorithmIdentifier of RSA: rsaEncryption, NULL (RFC 3279, 2.3.1).
const RSA: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
/// AlgorithmIdentifier of P-256: id-ecPublicKey, prime256v1 (RFC 5480, 2.1.1).
const P256: &[u8] =
    &[0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
/// AlgorithmIdentifier of P-384: id-ecPublicKey, secp384r1.
const P384: &[u8] = &[0x30, 16, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22];

/// What tokens name the keys in `pem` by.
///
/// # Errors
/// Why there is none to be read.
pub(super) fn ids(pem: &[u8]) -> Result<Vec<String>, String> {
    let sections: Result<Vec<(SectionKind, Vec<u8>)>, _> = PemObject::pem_slice_iter(pem).collect();
    let sections = sections.map_err(|error| format!("it is no PEM: {error}"))?;
    let ids: Vec<String> =
        sections.iter().filter_map(|(kind, der)| public(*kind, der)).map(|spki| kid(&spki)).collect();
    if ids.is_empty() { Err("it holds no key of a known kind".to_owned()) } else { Ok(ids) }
}

/// The SubjectPublicKeyInfo of one key.
fn public(kind: SectionKind, der: &[u8]) -> Option<Vec<u8>> {
    match kind {
        SectionKind::PublicKey => Some(der.to_vec()),
        SectionKind::RsaPrivateKey => {
            Some(info(RSA, ring::rsa::KeyPair::from_der(der).ok()?.public_key().as_ref()))
        }
        SectionKind::PrivateKey => {
            if let Ok(pair) = ring::rsa::KeyPair::from_pkcs8(der) {
                return Some(info(RSA, pair.public_key().as_ref()));
            }
            let random = SystemRandom::new();
            [(&ECDSA_P256_SHA256_ASN1_SIGNING, P256), (&ECDSA_P384_SHA384_ASN1_SIGNING, P384)]
                .iter()
                .find_map(|(algorithm, identifier)| {
                    let pair = EcdsaKeyPair::from_pkcs8(algorithm, der, &random).ok()?;
                    Some(info(identifier, pair.public_key().as_ref()))
                })
        }
        _ => None,
    }
}

/// SubjectPublicKeyInfo: the algorithm, and the key in a bit string without unused bits (RFC 5280, 4.1).
fn info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let bits = [&[0], key].concat();
    tagged(0x30, &[algorithm, &tagged(3, &bits)].concat())
}

/// Tag, length and content in DER.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 128 => out.push(short),
        _ => {
            let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(bytes.len()).expect("invariant: a length has at most eight bytes"));
            out.extend(bytes);
        }
    }
    out.extend_from_slice(content);
    out
}
