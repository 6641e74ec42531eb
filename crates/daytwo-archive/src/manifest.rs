//! The manifest `<B>-daytwo.json.gz`: what makes every flipped bit of a backup findable, and one object of it reachable.
//!
//! One JSON document in gzip members, written while the backup runs:
//!
//! ```text
//! {"apiVersion":"daytwo.dev/v1alpha1","kind":"BackupManifest","objects":[
//! {"path":"resources/pods/namespaces/default/web.json","size":2917,"sha256":"…"},      one line an object, archive order
//! …
//! ],
//! "format":1,"root":"…","files":[…],"members":[…],"head":{…},                           the last gzip member begins before "]"
//! "signature":{"publicKey":"…","value":"…"}}                                            only in signed backups
//! ```
//!
//! * `path` and `sha256` are those of the first of the two copies of an object; the second holds the same bytes.
//! * `root` is the SHA-256 of all lines of objects, each without its comma and ended by a newline. With a manifest at
//!   hand: `zcat M | grep '^{"path"' | sed 's/,$//' | sha256sum`.
//! * `files` names every file of the backup but the manifest and `velero-backup.json`, with length and SHA-256 before
//!   encryption. `velero-backup.json` holds the digest of the manifest and one of itself ([`crate::seal`]); in an
//!   encrypted backup `<B>-daytwo-stored.json` does. So no byte of a backup is without a digest that covers it.
//! * `members` cuts the archive into gzip members: offset, length, length of what it holds, SHA-256 as stored, the first
//!   object in it and how many.
//! * The signature (ed25519) covers what stands between `]` and it, byte by byte, and so the root, all files and the
//!   backup's name.
//!
//! The claim is no part of a finished backup: it is removed.

mod rows;
mod tail;

pub(crate) use self::rows::Rows;
pub(crate) use self::tail::{Tail, find_tail};

use crate::digest::Digest;
use serde::{Deserialize, Serialize};

/// What the document begins with.
pub(crate) const OPENING: &str = r#"{"apiVersion":"daytwo.dev/v1alpha1","kind":"BackupManifest","objects":["#;

/// What closes the objects.
pub(crate) const CLOSING: &str = "\n],\n";

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Row {
    /// Of the first copy.
    pub(crate) path: String,
    /// Bytes of the JSON.
    pub(crate) size: u64,
    /// Of the JSON.
    pub(crate) sha256: Digest,
}

/// Writes the line of an object, without comma and newline.
pub(crate) fn write_row(into: &mut Vec<u8>, path: &str, size: usize, digest: &Digest) {
    into.extend_from_slice(br#"{"path":"#);
    write_string(into, path);
    into.extend_from_slice(br#","size":"#);
    write_number(into, size);
    into.extend_from_slice(br#","sha256":""#);
    into.extend_from_slice(&digest.hex());
    into.extend_from_slice(br#""}"#);
}

/// Writes a JSON string.
pub(crate) fn write_string(into: &mut Vec<u8>, text: &str) {
    let plain = text.bytes().all(|byte| (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\');
    if plain {
        into.push(b'"');
        into.extend_from_slice(text.as_bytes());
        into.push(b'"');
        return;
    }
    serde_json::to_writer(into, text).expect("invariant: a vector takes all bytes");
}

fn write_number(into: &mut Vec<u8>, mut number: usize) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).expect("invariant: one digit");
        number /= 10;
        if number == 0 {
            break;
        }
    }
    into.extend_from_slice(&digits[at..]);
}

/// A file of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredFile {
    /// Inside the backup's directory.
    pub(crate) name: String,
    /// Bytes.
    pub(crate) size: u64,
    /// Of all of them.
    pub(crate) sha256: Digest,
}

/// A gzip member of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// Where it begins, before encryption.
    pub(crate) offset: u64,
    /// Bytes it has.
    pub(crate) packed: u64,
    /// Bytes it holds.
    pub(crate) raw: u64,
    /// Of the bytes it has.
    pub(crate) sha256: Digest,
    /// Number of the first object in it, counted from 0.
    pub(crate) first: u64,
    /// Objects in it.
    pub(crate) objects: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_json_it_is_read_as() {
        for path in ["resources/pods/cluster/x.json", "a\"b\\c\n\u{1}ä/😀", ""] {
            for size in [0, 9, 10, usize::MAX / 2] {
                let mut line = Vec::new();
                write_row(&mut line, path, size, &Digest::of(b"x"));
                assert!(!line.contains(&b'\n'));
                let row: Row = serde_json::from_slice(&line).unwrap();
                assert_eq!(row, Row { path: path.into(), size: size as u64, sha256: Digest::of(b"x") });
            }
        }
    }
}
