//! A whole log: whose it is, up to where it is decided, which snapshots it knows, and the entries after an index.

use std::fs;
use std::path::{Path, PathBuf};

use super::frame::{Frames, RecordKind};
use super::raft::{Entry, HardState, Identity, Mark};
use super::request::Request;
use crate::mvcc::proto::Wrong;
use crate::{Error, Result};

pub use super::frame::Torn;

/// What a log says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Whose log it is.
    pub identity: Identity,
    /// The state written last.
    pub state: HardState,
    /// The snapshots recorded at or below [`HardState::commit`], in the order they were.
    pub marks: Vec<Mark>,
    /// The index of the entry written last; 0 if there is none.
    pub last: u64,
    /// Where it is torn.
    pub torn: Option<Torn>,
}

/// An entry that was not applied, and what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its place in the log.
    pub index: u64,
    /// The term it was proposed in.
    pub term: u64,
    /// What it asked for.
    pub request: Request,
}

/// The segments of a log, oldest first: files named `%016x-%016x.wal` after their number and their first index.
///
/// # Errors
/// [`Error::Io`] if `dir` cannot be listed, [`Error::Corrupt`] if a segment between two others is missing.
pub fn segments(dir: &Path) -> Result<Vec<PathBuf>> {
    Ok(named(dir)?.into_iter().map(|segment| segment.path).collect())
}

/// Reads a log to its end.
///
/// # Errors
/// [`Error::Foreign`] if there is none in `dir`; [`Error::Corrupt`] where a record is not what was written, other than in a
/// torn tail of the last segment; [`Error::Io`].
pub fn survey(dir: &Path) -> Result<Survey> {
    let segments = segments(dir)?;
    if segments.is_empty() {
        return Err(Error::Foreign {
            path: dir.to_owned(),
            what: "no log: it holds no file such as 0000000000000000-0000000000000000.wal".to_owned(),
        });
    }
    let mut frames = Frames::new(&segments);
    let (mut identity, mut state, mut last) = (None, HardState::default(), 0);
    let mut marks = Vec::new();
    while let Some((kind, data)) = frames.next()? {
        let understood = match kind {
            RecordKind::Identity => Identity::decode(data).and_then(|found| {
                (identity.is_none_or(|known| known == found))
                    .then_some(found)
                    .map(|found| identity = Some(found))
                    .ok_or("a segment is of another member")
            }),
            RecordKind::Entry => Entry::decode(data).map(|entry| last = entry.index),
            RecordKind::State => HardState::decode(data).map(|found| state = found),
            RecordKind::Mark => Mark::decode(data).map(|mark| marks.push(mark)),
            RecordKind::Checksum => Ok(()),
        };
        understood.map_err(|wrong| corrupt(&frames, wrong))?;
    }
    let identity = identity.ok_or_else(|| Error::Corrupt {
        place: dir.display().to_string(),
        what: "the log does not say whose it is".to_owned(),
    })?;
    marks.retain(|mark| mark.index <= state.commit);
    Ok(Survey { identity, state, marks, last, torn: frames.torn })
}

/// The entries after `index`, in order and without gaps. Of several with one index the last one counts, and those after it
/// are gone: a leader replaced what was never decided.
///
/// # Errors
/// As [`survey`]; and [`Error::Corrupt`] if the first of them are missing.
pub fn entries(dir: &Path, index: u64) -> Result<Vec<Pending>> {
    let named = named(dir)?;
    // The last segment that begins at or before the index, as etcd chooses it; the first where none does.
    let from = named.iter().rposition(|segment| segment.first <= index).unwrap_or(0);
    let segments: Vec<PathBuf> = named.into_iter().skip(from).map(|segment| segment.path).collect();
    let mut frames = Frames::new(&segments);
    let mut pending: Vec<Pending> = Vec::new();
    while let Some((kind, data)) = frames.next()? {
        if kind != RecordKind::Entry {
            continue;
        }
        let found = Entry::decode(data).map(|entry| Pending {
            index: entry.index,
            term: entry.term,
            request: if entry.index > index {
                Request::of(&entry)
            } else {
                Request::of(&Entry { data: &[], ..entry })
            },
        });
        let entry = found.map_err(|wrong| corrupt(&frames, wrong))?;
        let Some(after) = entry.index.checked_sub(index).filter(|after| *after > 0) else {
            // One that was applied is written anew only by a leader that replaces all after it.
            pending.clear();
            continue;
        };
        match usize::try_from(after - 1) {
            Ok(place) if place <= pending.len() => {
                pending.truncate(place);
                pending.push(entry);
            }
            _ => {
                let what = format!("entry {} follows {}", entry.index, index + pending.len() as u64);
                return Err(Error::Corrupt { place: frames.place(), what });
            }
        }
    }
    Ok(pending)
}

fn corrupt(frames: &Frames<'_>, wrong: Wrong) -> Error {
    Error::Corrupt { place: frames.place(), what: wrong.to_owned() }
}

struct Named {
    number: u64,
    first: u64,
    path: PathBuf,
}

fn named(dir: &Path) -> Result<Vec<Named>> {
    let failed = |source| Error::Io { doing: "list", path: dir.to_owned(), source };
    let mut found = Vec::new();
    for file in fs::read_dir(dir).map_err(failed)? {
        let file = file.map_err(failed)?;
        if let Some((number, first)) = file.file_name().to_str().and_then(parse_name) {
            found.push(Named { number, first, path: file.path() });
        }
    }
    found.sort_by_key(|segment| segment.number);
    for pair in found.windows(2) {
        if pair[1].number != pair[0].number.saturating_add(1) {
            let what = format!("segment {:016x} is followed by {:016x}", pair[0].number, pair[1].number);
            return Err(Error::Corrupt { place: dir.display().to_string(), what });
        }
    }
    Ok(found)
}

pub(super) fn name(number: u64, first: u64) -> String {
    format!("{number:016x}-{first:016x}.wal")
}

fn parse_name(name: &str) -> Option<(u64, u64)> {
    let (number, first) = name.strip_suffix(".wal")?.split_once('-')?;
    let hex = |text: &str| {
        let plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| u64::from_str_radix(text, 16).ok()).flatten()
    };
    Some((hex(number)?, hex(first)?))
}
