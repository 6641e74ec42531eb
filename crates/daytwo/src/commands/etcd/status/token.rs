//! Whether a K3s or RKE2 token opens a file, and what it would bring back.

use std::path::Path;

use daytwo_etcd::k3s::{self, Token as Server, Verdict};
use serde::Serialize;

use super::super::open::Opened;
use crate::failure::{Failure, Result};

/// Whether a token opens a file.
#[derive(Debug, Serialize)]
pub struct Token {
    /// Whether it does.
    pub opens: bool,
    /// `Opens`, `WrongToken`, `NoProof` or `Damaged`.
    verdict: &'static str,
    /// In words.
    pub says: String,
    /// Names of the files that the token opens; nothing of what is in them.
    inside: Vec<String>,
}

/// Holds the token in a file against what is opened.
///
/// # Errors
/// Exit 2 for a file that cannot be read or holds no token; those of reading. None quotes the token.
pub fn look(opened: &Opened, path: &Path) -> Result<Token> {
    let unreadable = format!("cannot read the token file {}", path.display());
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(error.to_string()).while_doing(unreadable.as_str()))?;
    let token = Server::parse(&text).map_err(|error| {
        Failure::usage(error.to_string()).while_doing(format!("{} holds no server token", path.display()))
    })?;
    let token_says = |opens, verdict, says: String| Token { opens, verdict, says, inside: Vec::new() };
    Ok(match k3s::verdict(opened.store(), &token)? {
        Verdict::Opens(inside) => {
            let encryption = match inside.encryption_config {
                true => "with the encryption configuration",
                false => "without an encryption configuration",
            };
            let other = match inside.ca_matches {
                Some(false) => "; but the CA inside is not the one that the token names",
                _ => "",
            };
            Token {
                opens: true,
                verdict: "Opens",
                says: format!("opens this file: {} files of the server are inside, {encryption}{other}", inside.files.len()),
                inside: inside.files.into_iter().map(|file| file.name).collect(),
            }
        }
        Verdict::WrongToken { wanted } => token_says(
            false,
            "WrongToken",
            format!(
                "does not open this file. Another is wanted: the sha256 of its passphrase begins with {}",
                wanted.join(" or ")
            ),
        ),
        Verdict::NoProof => token_says(
            false,
            "NoProof",
            "nothing in this file is sealed by a token: it is of no K3s or RKE2 server, or of one that had only begun".to_owned(),
        ),
        Verdict::Damaged { what } => {
            token_says(false, "Damaged", format!("what its passphrase sealed cannot be opened: {what}"))
        }
    })
}
