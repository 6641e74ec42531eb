//! Whether a K3s or RKE2 token opens a datastore, and what that brings back.
//!
//! Servers keep their CAs, keys and encryption configuration in the datastore itself, sealed by the server token. Without
//! that token a restored snapshot is of no use: a server that has another refuses to start on it. What this module refuses
//! to do: show what is sealed. It names files and tells how long they are, and the digest of certificates of CAs, which are
//! public.
//!
//! github.com/k3s-io/k3s, `pkg/cluster/encrypt.go` at 0c5577a8ec32 (key and sealing), `pkg/cluster/storage.go` at 0663681a3d6b
//! (which passphrases are tried), `pkg/bootstrap/bootstrap.go` at 03eb6ca38db9 (what is inside), `pkg/clientaccess/token.go`
//! at 0566d4571ef8 (forms of a token).

mod inside;
mod seal;
mod token;

use std::ops::ControlFlow;

pub use inside::{Inside, Sealed};
pub use token::{NoToken, Token};

use crate::{Result, Store, keyspace};

/// Under this prefix, whatever the API server's is.
const PREFIX: &str = "/bootstrap/";

/// What a token is to a datastore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It opens it.
    Opens(Inside),
    /// The datastore was sealed by another: by the token with the digest named here, if the key is as K3s makes it.
    WrongToken {
        /// The first 12 hexadecimal digits of the sha256 of the passphrase that is wanted; several where several are kept.
        wanted: Vec<String>,
    },
    /// Nothing is sealed in it: no K3s or RKE2 has kept its data here, or it never came to write that.
    NoProof,
    /// This token's key is there, and what it holds is not what K3s writes.
    Damaged {
        /// In what way.
        what: String,
    },
}

/// Under which key a server keeps what it sealed by a passphrase.
fn bootstrap_key(passphrase: &str) -> String {
    format!("{PREFIX}{}", seal::digest(passphrase))
}

/// Whether `token` opens what `store` holds at its newest revision.
///
/// # Errors
/// Those of the store.
pub fn verdict(store: &dyn Store, token: &Token) -> Result<Verdict> {
    for passphrase in token.passphrases() {
        let key = bootstrap_key(passphrase);
        let mut sealed = None;
        keyspace::get(store, key.as_bytes(), None, &mut |record| sealed = Some(record.value.to_vec()))?;
        if let Some(sealed) = sealed {
            return Ok(match seal::open(passphrase, &sealed).and_then(|plain| inside::read(&plain, token)) {
                Ok(inside) => Verdict::Opens(inside),
                Err(what) => Verdict::Damaged { what: what.to_owned() },
            });
        }
    }
    let mut wanted = Vec::new();
    keyspace::list(store, PREFIX.as_bytes(), None, &mut |record| {
        let digest = record.key.get(PREFIX.len()..).unwrap_or_default();
        wanted.push(String::from_utf8_lossy(digest).into_owned());
        ControlFlow::Continue(())
    })?;
    wanted.sort();
    Ok(match wanted.is_empty() {
        true => Verdict::NoProof,
        false => Verdict::WrongToken { wanted },
    })
}

#[cfg(test)]
mod tests;
