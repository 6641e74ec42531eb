//! Encryption of whole files with age (age-encryption.org/v1, X25519 recipients), so that `age --decrypt` opens them
//! without daytwo. Both ways stream: 64 KiB at a time.
//!
//! Refuses passphrases, plugins and SSH keys. Refuses to show identities: `Debug` prints the recipient.

use crate::location::{Error, Result};
use age::secrecy::ExposeSecret;
use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

/// Who may decrypt: the public half, `age1…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(age::x25519::Recipient);

/// Who can decrypt: the private half, `AGE-SECRET-KEY-1…`.
#[derive(Clone)]
pub struct Identity(age::x25519::Identity);

impl Identity {
    /// A new one, from the operating system's randomness.
    pub fn generate() -> Identity {
        Identity(age::x25519::Identity::generate())
    }

    /// The public half.
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }

    /// The text for an identity file. Whoever reads it can decrypt.
    pub fn reveal(&self) -> String {
        self.0.to_string().expose_secret().to_owned()
    }

    /// Reads an identity file as `age-keygen` writes it: one identity a line, empty lines and `#` comments between.
    /// [`Error::Invalid`] names the line, never its content.
    pub fn parse_file(text: &str) -> Result<Vec<Identity>> {
        let mut found = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let identity = age::x25519::Identity::from_str(line).map_err(|_| {
                Error::Invalid(format!(
                    "line {} of the identity file is no age X25519 identity (AGE-SECRET-KEY-1…)",
                    number + 1
                ))
            })?;
            found.push(Identity(identity));
        }
        match found.is_empty() {
            true => Err(Error::Invalid("the identity file holds no identity (AGE-SECRET-KEY-1…)".into())),
            false => Ok(found),
        }
    }

    /// Reads the identity file at `path`.
    pub fn load(path: &Path) -> Result<Vec<Identity>> {
        let failed =
            |why: String| Error::Invalid(format!("cannot use the identity file {}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        Identity::parse_file(&text).map_err(|error| failed(error.to_string()))
    }
}

impl FromStr for Recipient {
    type Err = Error;

    fn from_str(text: &str) -> Result<Recipient> {
        age::x25519::Recipient::from_str(text.trim()).map(Recipient).map_err(|why| {
            Error::Invalid(format!(
                "{text:?} is no age X25519 recipient (age1…): {why}; daytwo key generate --encrypt makes one"
            ))
        })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.0)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity(<redacted>, recipient {})", self.0.to_public())
    }
}

/// Encrypts what is written to it; what comes out is taken from time to time.
pub struct Encryptor {
    writer: age::stream::StreamWriter<Out>,
    out: Out,
}

/// Where age writes to, and the encryptor takes from.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Out {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Encryptor {
    /// Begins a file for `recipients`, of which there must be one at least.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is none.
    pub fn new(recipients: &[Recipient]) -> Result<Encryptor> {
        let each = recipients.iter().map(|recipient| &recipient.0 as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(each)
            .map_err(|why| Error::Invalid(format!("cannot encrypt: {why}")))?;
        let out = Out::default();
        let writer = encryptor.wrap_output(out.clone()).expect(TAKES_ALL);
        Ok(Encryptor { writer, out })
    }

    /// Encrypts `bytes` and returns what is ready of the file.
    pub fn update(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.writer.write_all(bytes).expect(TAKES_ALL);
        self.out.take()
    }

    /// The rest of the file.
    pub fn finish(self) -> Vec<u8> {
        self.writer.finish().expect(TAKES_ALL).take()
    }
}

const TAKES_ALL: &str = "invariant: a vector takes all bytes";

/// Longest header of an encrypted file: some hundred recipients.
const HEADER_LIMIT: u64 = 64 * 1024;

/// Opens an encrypted file. An error of kind `PermissionDenied` means that no identity fits, of `InvalidData` that it is
/// damaged or not encrypted with age.
pub fn decryptor<R: Read>(mut source: R, identities: &[Identity]) -> io::Result<impl Read + use<R>> {
    let denied = |why: &str| io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned());
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let explain = |error: age::DecryptError| match error {
        age::DecryptError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => error,
        age::DecryptError::NoMatchingKeys => denied("none of the identities given is among its recipients"),
        other => invalid(format!("is not encrypted with age, or damaged: {other}")),
    };
    if identities.is_empty() {
        return Err(denied("it is encrypted, and no identity was given"));
    }
    // The header is read apart: a file without its end must not be read for ever.
    let mut start = Vec::new();
    let mut ends = None;
    while ends.is_none() {
        let had = start.len();
        if had as u64 >= HEADER_LIMIT || source.by_ref().take(4096).read_to_end(&mut start)? == 0 {
            return Err(invalid("is not encrypted with age, or damaged: its header has no end".into()));
        }
        let from = had.saturating_sub(4);
        ends = memchr::memmem::find(&start[from..], b"\n---");
    }
    let whole = BufReader::with_capacity(128 * 1024, io::Cursor::new(start).chain(source));
    let decryptor = age::Decryptor::new_buffered(whole).map_err(explain)?;
    decryptor.decrypt(identities.iter().map(|identity| &identity.0 as &dyn age::Identity)).map_err(explain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(recipients: &[Recipient], content: &[u8]) -> Vec<u8> {
        let mut encryptor = Encryptor::new(recipients).unwrap();
        let mut out: Vec<u8> = content.chunks(1000).flat_map(|some| encryptor.update(some)).collect();
        out.extend(encryptor.finish());
        out
    }

    fn open(sealed: &[u8], identity: &Identity) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        decryptor(sealed, std::slice::from_ref(identity))?.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn each_recipient_opens_it_and_nobody_else() {
        let (a, b, c) = (Identity::generate(), Identity::generate(), Identity::generate());
        let content = b"content ".repeat(50_000);
        let sealed = sealed(&[a.recipient(), b.recipient()], &content);
        assert_eq!(open(&sealed, &a).unwrap(), content);
        assert_eq!(open(&sealed, &b).unwrap(), content);
        assert_eq!(open(&sealed, &c).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(memchr::memmem::find(&sealed, b"content content").is_none());
    }

    #[test]
    fn damage_and_endless_headers_are_errors() {
        let identity = Identity::generate();
        let sealed = sealed(&[identity.recipient()], b"content");
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(open(&damaged, &identity).is_err(), "{at}");
            assert!(open(&sealed[..at], &identity).is_err(), "{at}");
        }
        let endless = io::repeat(b'x');
        assert!(decryptor(endless, &[identity]).is_err());
    }

    #[test]
    fn debug_shows_no_identity() {
        let identity = Identity::generate();
        assert!(!format!("{identity:?}").contains("SECRET"));
    }

    #[test]
    fn identity_files_are_read_as_age_writes_them() {
        let identity = Identity::generate();
        let text =
            format!("# created: today\n# public key: {}\n{}\n", identity.recipient(), identity.reveal());
        assert_eq!(Identity::parse_file(&text).unwrap()[0].recipient(), identity.recipient());
        let error = Identity::parse_file("# x\nAGE-SECRET-KEY-1WRONG\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("WRONG"), "{error}");
    }
}
