//! `daytwo key generate`: keys for signing and for encryption, in files that only their owner may read.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::key::Generate;
use crate::config::private_file;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::settings::Session;

/// What was generated; never the private half.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    /// `Sign` or `Encrypt`.
    purpose: &'static str,
    /// The file with the private half.
    private_file: PathBuf,
    /// The file with the public half.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_file: Option<PathBuf>,
    /// The age recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
}

impl Document for Key {
    fn kind(&self) -> Option<&'static str> {
        Some("Key")
    }

    fn text(&self, _: Paint, _: bool) -> String {
        let mut text = format!("private: {}\n", self.private_file.display());
        if let Some(file) = &self.public_file {
            text.push_str(&format!("public: {}\n", file.display()));
        }
        if let Some(recipient) = &self.recipient {
            text.push_str(&format!("recipient: {recipient}\n"));
        }
        text
    }

    fn names(&self) -> Vec<String> {
        let public = self.public_file.as_ref().map(|file| file.display().to_string());
        self.recipient.clone().or(public).into_iter().collect()
    }
}

/// Generates a pair and writes it.
///
/// # Errors
/// Exit 4 where a file exists already; those of writing.
pub fn run(session: &Session, verb: &Generate) -> Result {
    let key = if verb.sign { sign(verb.to.as_deref())? } else { encrypt(verb.to.as_deref())? };
    session.out.document(&key)?;
    session
        .speak
        .note("keep the private file where backups are not: who loses it cannot use it, who finds it can");
    session.speak.suggest(
        match (&key.recipient, &key.public_file) {
            (Some(recipient), _) => format!("daytwo backup create --encrypt-to {recipient}"),
            (_, Some(public)) => {
                format!(
                    "daytwo backup create --sign-key {}, then daytwo backup verify NAME --key {}",
                    key.private_file.display(),
                    public.display()
                )
            }
            _ => String::new(),
        }
        .as_str(),
    );
    Ok(Exit::Done)
}

fn sign(to: Option<&Path>) -> Result<Key> {
    let private_file = to.unwrap_or(Path::new("daytwo-sign.pem")).to_owned();
    let public_file = public_beside(&private_file);
    let pair = daytwo_archive::sign::SigningKey::generate();
    store(&private_file, pair.to_pem().as_bytes())?;
    write_new(
        fs::OpenOptions::new().write(true).create_new(true).open(&public_file),
        &public_file,
        pair.verifying_key().to_pem().as_bytes(),
    )?;
    Ok(Key { purpose: "Sign", private_file, public_file: Some(public_file), recipient: None })
}

fn encrypt(to: Option<&Path>) -> Result<Key> {
    let private_file = to.unwrap_or(Path::new("daytwo-identity.txt")).to_owned();
    let identity = daytwo_archive::encrypt::Identity::generate();
    let recipient = identity.recipient().to_string();
    store(&private_file, format!("# public key: {recipient}\n{}\n", identity.reveal()).as_bytes())?;
    Ok(Key { purpose: "Encrypt", private_file, public_file: None, recipient: Some(recipient) })
}

/// `sign.pem` has its public half in `sign.pub.pem`, `sign` in `sign.pub`.
fn public_beside(private: &Path) -> PathBuf {
    match private.extension().and_then(|ending| ending.to_str()) {
        Some(ending) => private.with_extension(format!("pub.{ending}")),
        None => private.with_extension("pub"),
    }
}

fn store(path: &Path, bytes: &[u8]) -> Result<()> {
    write_new(private_file(path), path, bytes)
}

fn write_new(file: io::Result<fs::File>, path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = match file {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Failure::refused(format!(
                "{} exists already; keys are never overwritten",
                path.display()
            ))
            .or_try("--to FILE, with another name"));
        }
        other => other
            .map_err(|error| Failure::from(error).while_doing(format!("cannot write {}", path.display())))?,
    };
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_half_stands_beside_the_private_one() {
        assert_eq!(public_beside(Path::new("a/sign.pem")), Path::new("a/sign.pub.pem"));
        assert_eq!(public_beside(Path::new("sign")), Path::new("sign.pub"));
    }
}
