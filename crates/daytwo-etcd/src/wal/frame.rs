//! Records of a log, one after another over all its segments: framing, padding, checksum, and where a torn tail begins.
//!
//! A frame is a length of 8 bytes, little-endian, and the record, padded to 8 bytes: the lower 56 bits are the record's
//! length; where the highest bit is set, the three bits above the length are the padding. The checksum is CRC-32C, rolling
//! over the data of all records; each segment begins with a record that says where it stands.
//! Source: etcd v3.6.16, `server/storage/wal/decoder.go`.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::mvcc::proto::{Fields, Wrong};
use crate::{Error, Result};

/// More than any request etcd can be told to accept and still replicate.
const LARGEST_RECORD: u64 = 512 << 20;
/// What a disk writes whole: a stretch of zeros of this size is a write that did not arrive.
const SECTOR: u64 = 512;
const LENGTH: u64 = 8;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordKind {
    Identity,
    Entry,
    State,
    Checksum,
    Mark,
}

/// The log ends here, in the midst of a record: etcd was ended while it wrote. What is before it is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The last segment.
    pub segment: PathBuf,
    /// Where its last whole record ends.
    pub offset: u64,
}

/// Reads the records of some segments in order.
pub(super) struct Frames<'a> {
    segments: &'a [PathBuf],
    /// How many of them were opened.
    opened: usize,
    open: Option<Open>,
    crc: u32,
    buffer: Vec<u8>,
    pub(super) torn: Option<Torn>,
}

struct Open {
    reader: BufReader<File>,
    size: u64,
    /// The end of the last whole record.
    offset: u64,
}

/// What stopped a frame.
enum Stop {
    /// As a write that did not arrive stops it: the end, if this is the last segment.
    Short(String),
    Wrong(String),
    Io(io::Error),
}

impl From<Wrong> for Stop {
    fn from(wrong: Wrong) -> Stop {
        Stop::Wrong(wrong.to_owned())
    }
}

impl<'a> Frames<'a> {
    pub(super) fn new(segments: &'a [PathBuf]) -> Frames<'a> {
        Frames { segments, opened: 0, open: None, crc: 0, buffer: Vec::new(), torn: None }
    }

    /// The next record and its data; `None` after the last one, or where the tail is torn.
    pub(super) fn next(&mut self) -> Result<Option<(RecordKind, &[u8])>> {
        loop {
            let Some(open) = &mut self.open else {
                if !self.open_next()? {
                    return Ok(None);
                }
                continue;
            };
            let last = self.opened == self.segments.len();
            match read_frame(open, &mut self.buffer) {
                Ok(None) => self.open = None,
                Ok(Some(frame)) => match self.accept(&frame, last) {
                    Ok((kind, range)) => return Ok(Some((kind, &self.buffer[range]))),
                    Err(stop) => return self.stop(stop, last),
                },
                Err(stop) => return self.stop(stop, last),
            }
        }
    }

    /// Where the record read last stands.
    pub(super) fn place(&self) -> String {
        let segment = self.path().display();
        match &self.open {
            Some(open) => format!("{segment}, offset {}", open.offset),
            None => segment.to_string(),
        }
    }

    fn path(&self) -> &Path {
        self.segments.get(self.opened.saturating_sub(1)).map_or(Path::new("the log"), PathBuf::as_path)
    }

    fn open_next(&mut self) -> Result<bool> {
        let Some(path) = self.segments.get(self.opened) else { return Ok(false) };
        let failed = |source| Error::Io { doing: "open", path: path.clone(), source };
        let file = File::open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        self.open = Some(Open { reader: BufReader::with_capacity(1 << 18, file), size, offset: 0 });
        self.opened += 1;
        Ok(true)
    }

    /// Checks a record's checksum and goes past it.
    fn accept(&mut self, frame: &Frame, last: bool) -> Result<(RecordKind, std::ops::Range<usize>), Stop> {
        let record = &self.buffer[..frame.length];
        let parsed = parse(record);
        let offset = self.open.as_ref().map_or(0, |open| open.offset);
        let torn = || last && has_empty_sector(&self.buffer, offset + LENGTH);
        let (kind, crc, range) = match parsed {
            Ok(parsed) => parsed,
            Err(Stop::Wrong(_)) if torn() => return Err(Stop::Short("zeros in a record".to_owned())),
            Err(stop) => return Err(stop),
        };
        if kind == RecordKind::Checksum {
            // The first one seen says where the log stands; the others must agree.
            if self.crc != 0 && self.crc != crc {
                return Err(Stop::Wrong("the checksum does not go on from the segment before".to_owned()));
            }
            self.crc = crc;
        } else {
            let rolled = crc32c::crc32c_append(self.crc, &self.buffer[range.clone()]);
            if rolled != crc {
                let what = format!("the record's checksum is {crc:08x}, its data has {rolled:08x}");
                return Err(if torn() { Stop::Short(what) } else { Stop::Wrong(what) });
            }
            self.crc = rolled;
        }
        if let Some(open) = &mut self.open {
            open.offset += LENGTH + self.buffer.len() as u64;
        }
        Ok((kind, range))
    }

    fn stop(&mut self, stop: Stop, last: bool) -> Result<Option<(RecordKind, &[u8])>> {
        match stop {
            Stop::Short(_) if last => {
                let offset = self.open.take().map_or(0, |open| open.offset);
                self.torn = Some(Torn { segment: self.path().to_owned(), offset });
                Ok(None)
            }
            Stop::Short(what) | Stop::Wrong(what) => Err(Error::Corrupt { place: self.place(), what }),
            Stop::Io(source) => Err(Error::Io { doing: "read", path: self.path().to_owned(), source }),
        }
    }
}

/// The record in the buffer, without its padding.
struct Frame {
    length: usize,
}

/// Reads the next frame with its padding into `buffer`; `None` where the segment ends or only space kept for later follows.
fn read_frame(open: &mut Open, buffer: &mut Vec<u8>) -> Result<Option<Frame>, Stop> {
    buffer.clear();
    open.reader.by_ref().take(LENGTH).read_to_end(buffer).map_err(Stop::Io)?;
    let Ok(field) = <[u8; 8]>::try_from(buffer.as_slice()) else {
        return match buffer.is_empty() {
            true => Ok(None),
            false => Err(Stop::Short("a length is cut off".to_owned())),
        };
    };
    let field = u64::from_le_bytes(field);
    if field == 0 {
        return Ok(None);
    }
    let length = field & (u64::MAX >> 8);
    let padding = if field >> 63 == 1 { (field >> 56) & 7 } else { 0 };
    let room = open.size.saturating_sub(open.offset).saturating_sub(padding);
    if length > room {
        return Err(Stop::Short(format!("a record of {length} bytes is longer than its segment")));
    }
    if length > LARGEST_RECORD {
        return Err(Stop::Wrong(format!("a record of {length} bytes is longer than any that etcd writes")));
    }
    buffer.clear();
    let whole = open.reader.by_ref().take(length + padding).read_to_end(buffer).map_err(Stop::Io)?;
    match (usize::try_from(length), whole as u64 == length + padding) {
        (Ok(length), true) => Ok(Some(Frame { length })),
        _ => Err(Stop::Short(format!("a record of {length} bytes is cut off"))),
    }
}

/// walpb.Record: type 1, crc 2, data 3. Gives where in `record` the data is.
fn parse(record: &[u8]) -> Result<(RecordKind, u32, std::ops::Range<usize>), Stop> {
    let (mut kind, mut crc, mut data) = (0, 0, 0..0);
    for field in Fields::of(record) {
        match field? {
            (1, value) => kind = value.number()?,
            (2, value) => crc = value.number()?,
            (3, value) => {
                let bytes = value.bytes()?;
                let start = bytes.as_ptr().addr() - record.as_ptr().addr();
                data = start..start + bytes.len();
            }
            _ => {}
        }
    }
    let kind = match kind {
        1 => RecordKind::Identity,
        2 => RecordKind::Entry,
        3 => RecordKind::State,
        4 => RecordKind::Checksum,
        5 => RecordKind::Mark,
        other => return Err(Stop::Wrong(format!("a record is of type {other}, which etcd does not write"))),
    };
    // etcd's generated code keeps the lower half.
    let crc = u32::try_from(crc & u64::from(u32::MAX)).expect("invariant: masked to 32 bits");
    Ok((kind, crc, data))
}

/// Whether a whole sector's share of what stands at `offset` is zeros.
fn has_empty_sector(data: &[u8], offset: u64) -> bool {
    let (mut rest, mut offset) = (data, offset);
    while !rest.is_empty() {
        let until_next = usize::try_from(SECTOR - offset % SECTOR).expect("invariant: at most a sector");
        let (sector, after) = rest.split_at(until_next.min(rest.len()));
        if sector.iter().all(|byte| *byte == 0) {
            return true;
        }
        offset += sector.len() as u64;
        rest = after;
    }
    false
}
