//! What a file is, by its bytes.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::{Error, Result, kine};

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A bbolt file: a snapshot, or a member's database.
    Bolt,
    /// A zip, as K3s and RKE2 compress snapshots.
    Zip,
    /// An SQLite file.
    Sqlite,
    /// What it is, or seems to be, and what to do.
    Other(String),
}

/// Enough for the magic of all of them; a tar's is the last.
const HEAD: usize = 512;

/// In each meta page of a bbolt file, behind the page's header.
const BOLT: [u8; 4] = 0xED0C_DAED_u32.to_le_bytes();
const BOLT_AT: u64 = 16;

/// Tells what the file at `path` is.
///
/// # Errors
/// [`Error::Io`] if the system does not give it.
pub(super) fn of(path: &Path) -> Result<Kind> {
    if kine::is_open(path) {
        // Opening and closing it here would drop the locks of the one that is open.
        return Ok(Kind::Sqlite);
    }
    let io = |doing| move |source| Error::Io { doing, path: path.to_owned(), source };
    let found = std::fs::metadata(path).map_err(io("look at"))?;
    if !found.is_file() {
        // A pipe would keep whoever opens it waiting.
        return Ok(Kind::Other("neither a regular file nor a folder".to_owned()));
    }
    if found.len() == 0 {
        return Ok(Kind::Other("empty: the snapshot was never written, or its disk was full".to_owned()));
    }
    let mut file = File::open(path).map_err(io("open"))?;
    if is_bolt_file(&file) {
        return Ok(Kind::Bolt);
    }
    let mut head = Vec::with_capacity(HEAD);
    file.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(io("read"))?;
    Ok(by_head(&head))
}

/// By one of the two meta pages: the first, or, where that is damaged, the second, which is at the size of a page.
pub(super) fn is_bolt_file(file: &File) -> bool {
    let is = |at: u64| {
        let mut magic = [0; 4];
        file.read_exact_at(&mut magic, at + BOLT_AT).is_ok() && magic == BOLT
    };
    is(0) || (0..15).any(|power| is(1024 << power))
}

fn by_head(head: &[u8]) -> Kind {
    let begins = |magic: &[u8]| head.starts_with(magic);
    let packed = |name: &str, how: &str| {
        Kind::Other(format!("compressed by {name}: unpack it first, as with `{how}`"))
    };
    if begins(b"SQLite format 3\0") {
        Kind::Sqlite
    } else if begins(b"PK\x03\x04") || begins(b"PK\x05\x06") {
        Kind::Zip
    } else if begins(b"\x1f\x8b") {
        packed("gzip", "gunzip")
    } else if begins(b"\x28\xb5\x2f\xfd") {
        packed("zstd", "zstd -d")
    } else if begins(b"\xfd7zXZ\0") {
        packed("xz", "xz -d")
    } else if begins(b"BZh") {
        packed("bzip2", "bunzip2")
    } else if begins(b"\x04\x22\x4d\x18") {
        packed("lz4", "lz4 -d")
    } else if begins(b"age-encryption.org/") {
        Kind::Other("encrypted by age: decrypt it first, as with `age -d`".to_owned())
    } else if begins(b"-----BEGIN PGP") || begins(b"\x85\x02") {
        Kind::Other("encrypted by PGP: decrypt it first, as with `gpg -d`".to_owned())
    } else if head.get(257..262) == Some(b"ustar") {
        Kind::Other("a tar archive: take the snapshot out of it first, as with `tar -x`".to_owned())
    } else if head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        Kind::Other("text, and no snapshot, database or data directory of etcd or K3s".to_owned())
    } else if head.iter().all(|byte| *byte == 0) {
        Kind::Other(
            "nothing but zeros at its beginning: it was never written, or lost with its disk".to_owned(),
        )
    } else {
        Kind::Other("no snapshot, database or data directory of etcd or K3s".to_owned())
    }
}
