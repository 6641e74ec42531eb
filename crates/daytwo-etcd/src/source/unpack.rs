//! Takes a snapshot out of a zip, as K3s and RKE2 compress theirs (`pkg/etcd/snapshot.go`, `compressSnapshot`: one entry,
//! deflated).
//!
//! Into a file without a name, so that nothing is left of it whatever happens. What it refuses to do: unpack more than the
//! zip declares, than deflate can make of its bytes, or than the caller allows.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::Options;
use crate::{Error, Result};

/// Deflate makes at most 1,032 bytes out of one (RFC 1951: 258 out of two bits).
const DEFLATE: u64 = 1_032;

/// What was in a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The name of its entry.
    pub name: String,
    /// Bytes of the snapshot.
    pub bytes: u64,
    /// Bytes it had in the zip.
    pub packed_bytes: u64,
}

/// The snapshot in the zip at `path`.
pub(super) fn unpack(path: &Path, options: &Options) -> Result<(File, Packed)> {
    let io = |doing| move |source| Error::Io { doing, path: path.to_owned(), source };
    let wrong = |what: String| Error::Corrupt { place: path.display().to_string(), what };
    let foreign = |what: String| Error::Foreign { path: path.to_owned(), what };
    let failed = |error: ZipError| match error {
        ZipError::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => io("read")(source),
        other => wrong(format!("not a whole zip: {other}")),
    };
    let file = File::open(path).map_err(io("open"))?;
    let length = file.metadata().map_err(io("look at"))?.len();
    let mut zip = ZipArchive::new(io::BufReader::new(file)).map_err(failed)?;
    if zip.len() != 1 {
        return Err(foreign(format!(
            "a zip of {} files, where a snapshot of K3s or RKE2 is a zip of one: unpack it first",
            zip.len()
        )));
    }
    let entry = zip.by_index_raw(0).map_err(failed)?;
    if entry.encrypted() || entry.is_dir() {
        let what =
            if entry.encrypted() { "a zip with a password: unpack it first" } else { "a zip of a folder" };
        return Err(foreign(what.to_owned()));
    }
    let packed = Packed {
        name: entry.name().map_err(failed)?.into_owned(),
        bytes: entry.size(),
        packed_bytes: entry.compressed_size(),
    };
    drop(entry);
    if packed.packed_bytes > length
        || packed.bytes > packed.packed_bytes.saturating_mul(DEFLATE).saturating_add(64)
    {
        return Err(wrong(format!(
            "it says that {} bytes are {} bytes unpacked, which cannot be",
            packed.packed_bytes, packed.bytes
        )));
    }
    if packed.bytes > options.most_unpacked {
        return Err(foreign(format!(
            "a zip of {} bytes, more than the {} that are unpacked at most: unpack it first",
            packed.bytes, options.most_unpacked
        )));
    }
    let mut out = tempfile::tempfile_in(&options.scratch).map_err(|source| no_room(options, source))?;
    let entry = zip.by_index(0).map_err(failed)?;
    let mut bounded = Counted { entry: entry.take(packed.bytes.saturating_add(1)), failure: None };
    let copied = io::copy(&mut bounded, &mut out);
    match (copied, bounded.failure) {
        (_, Some(said)) => Err(wrong(format!("cannot be unpacked: {said}"))),
        (Err(source), None) => Err(no_room(options, source)),
        (Ok(bytes), None) if bytes != packed.bytes => {
            Err(wrong(format!("it says that {} bytes are in it, and has others", packed.bytes)))
        }
        (Ok(_), None) => {
            out.rewind().map_err(io("rewind what was unpacked of"))?;
            super::kind::is_bolt_file(&out)
                .then_some((out, packed))
                .ok_or_else(|| foreign("a zip of something else than a snapshot".to_owned()))
        }
    }
}

fn no_room(options: &Options, source: io::Error) -> Error {
    Error::Io { doing: "unpack the snapshot into", path: options.scratch.clone(), source }
}

/// Tells a failure to read from one to write.
struct Counted<R> {
    entry: R,
    failure: Option<String>,
}

impl<R: io::Read> io::Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.entry.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failure = Some(error.to_string());
            }
        })
    }
}
