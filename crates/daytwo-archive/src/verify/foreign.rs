//! A backup of Velero's, or an archive without its manifest: there are no digests. What gzip, tar and JSON prove is
//! proved, and that both copies of an object agree; the rest is named.

use super::Run;
use super::ahead::{Chunks, ahead};
use super::files::gzipped;
use super::report::{Report, Severity};
use super::watched::{Watched, drain};
use crate::layout::File;
use crate::location::Result;
use crate::read::source::{Source, blocking};
use crate::tar::{Copy, Place, TarReader, is_second_copy};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufReader, Read};
use std::sync::mpsc;

/// Most entries of an archive: a few bytes are kept of each.
const MOST_ENTRIES: usize = 10_000_000;

/// Most first copies, and bytes of them, that are kept for their second copies to be compared with.
const MOST_FIRSTS: usize = 128;
const MOST_WAITING: usize = 64 * 1024;

pub(super) async fn verify(run: Run<'_>, mut report: Report) -> Result<Report> {
    let listed = head(run, &mut report).await?;
    for name in run.found.sizes.keys() {
        match File::of(run.name.as_str(), name) {
            Some(File::VeleroBackup | File::Archive | File::ResourceList) => {}
            Some(File::Logs) => report.take(gzipped(run, File::Logs, |_| Ok(())).await?),
            Some(File::Stored | File::Claim | File::Manifest) | None => {
                let what = "lies in the backup's directory and is no file that Velero writes there";
                report.find("stray-file", Severity::Warning, Some(name.clone()), None, what);
            }
            Some(other) => report.take(gzipped(run, other, any_json).await?),
        }
    }
    match run.found.sizes.contains_key(&run.file(File::Archive)) {
        true => archive(run, &mut report).await?,
        false => {
            report.damaged_file("file-missing", &run.file(File::Archive), "is missing: no object is left");
        }
    }
    if let Some(listed) = listed.filter(|listed| *listed != report.objects) {
        let what = format!("names {listed} objects, and the archive holds {}", report.objects);
        report.find("counts-differ", Severity::Warning, Some(run.file(File::ResourceList)), None, what);
    }
    if report.damage == 0 {
        let what = "gzip checksums hold, the tar archive is whole, every object is JSON of the name it has, and its copies agree";
        report.proved.push(what.into());
    }
    report.not_proved.push("that the objects are those that were backed up, and who wrote it: Velero writes no digests and no signature".into());
    Ok(report)
}

/// Judges the heads; gives the number of objects that the list of resources names.
async fn head(run: Run<'_>, report: &mut Report) -> Result<Option<u64>> {
    let file = run.file(File::VeleroBackup);
    match crate::read::Backup::open(run.location, run.name, run.keys).await {
        Ok(backup) => {
            let head = backup.head();
            if !matches!(head.phase.to_string().as_str(), "Completed" | "PartiallyFailed") {
                let what = format!("the backup's phase is {:?}: it is not complete", head.phase.to_string());
                report.find("not-complete", Severity::Warning, Some(file.clone()), None, what);
            }
        }
        Err(crate::location::Error::Corrupt { what, .. }) => report.damaged_file("head-damaged", &file, what),
        Err(error) => return Err(error),
    }
    report.files += 1;
    report.bytes += run.found.sizes.get(&file).copied().unwrap_or(0);
    if !run.found.sizes.contains_key(&run.file(File::ResourceList)) {
        return Ok(None);
    }
    let (send, listed) = mpsc::channel();
    let judge = move |content: &mut dyn Read| {
        let names: BTreeMap<String, Option<Vec<IgnoredAny>>> =
            serde_json::from_reader(BufReader::new(content)).map_err(not_json)?;
        let count = names.values().flatten().map(Vec::len).sum::<usize>();
        let _ = send.send(count as u64);
        Ok(())
    };
    report.take(gzipped(run, File::ResourceList, judge).await?);
    Ok(listed.try_recv().ok())
}

fn any_json(content: &mut dyn Read) -> io::Result<()> {
    serde_json::from_reader::<_, IgnoredAny>(BufReader::new(content)).map(drop).map_err(not_json)
}

fn not_json(error: serde_json::Error) -> io::Error {
    match error.io_error_kind() {
        Some(_) => error.into(),
        None => io::Error::new(io::ErrorKind::InvalidData, format!("is no JSON: {error}")),
    }
}

/// Reads the archive: one thread decompresses, one looks at what comes.
pub(super) async fn archive(run: Run<'_>, report: &mut Report) -> Result<()> {
    let place = run.place(File::Archive);
    let source = Source::fetch(run.location, &place.key).await?;
    let found = blocking(move || {
        let mut found = Report::default();
        let (stored, seen) = Watched::new(source);
        let looked = ahead(stored, |content| Look::new(&place.file, &mut found).all(content));
        found.files += 1;
        found.bytes += seen.so_far().0;
        place.judge(looked, "archive-damaged", &mut found).map(|_| found)
    })
    .await?;
    report.take(found);
    Ok(())
}

/// As much of an object as its path must agree with.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Option<Cow<'a, str>>,
}

/// A first copy.
#[derive(Default)]
struct First {
    path: Vec<u8>,
    content: Vec<u8>,
}

/// Looks at entries as they come.
struct Look<'a> {
    file: &'a str,
    report: &'a mut Report,
    seen: HashSet<u64>,
    hashing: RandomState,
    /// The first copies read last whose second copies did not come yet.
    firsts: VecDeque<First>,
    /// Bytes of their contents.
    waiting: usize,
    /// Buffers to use again.
    spare: Vec<First>,
    apart: u64,
}

impl<'a> Look<'a> {
    fn new(file: &'a str, report: &'a mut Report) -> Look<'a> {
        Look {
            file,
            report,
            seen: HashSet::new(),
            hashing: RandomState::new(),
            firsts: VecDeque::new(),
            waiting: 0,
            spare: Vec::new(),
            apart: 0,
        }
    }

    fn all(&mut self, content: Chunks) -> io::Result<()> {
        let mut tar = TarReader::new(content);
        let (mut path, mut bytes, mut version) = (Vec::new(), Vec::new(), false);
        while let Some(header) = tar.next()? {
            path.clear();
            path.extend_from_slice(header.path);
            if !self.seen.insert(self.hashing.hash_one(&path)) {
                let object = super::naming::name(&String::from_utf8_lossy(&path));
                self.report.damaged_object("entry-twice", self.file, &object, "is in the archive twice");
            }
            if self.seen.len() > MOST_ENTRIES {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("holds more than {MOST_ENTRIES} entries"),
                ));
            }
            tar.content(&mut bytes)?;
            match Place::of(&path) {
                Err(refused) => self.report.damaged_file("entry-refused", self.file, refused.to_string()),
                Ok(Place::Version) => version = true,
                Ok(Place::Object { copy: Copy::Other(_), .. }) => {}
                Ok(Place::Object { copy: Copy::First, namespace, name, .. }) => {
                    self.first(&path, namespace, name, &mut bytes);
                }
                Ok(Place::Object { copy: Copy::Preferred(_), .. }) => self.second(&path, &bytes),
            }
        }
        if self.seen.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "holds nothing"));
        }
        if !version {
            self.report.find(
                "no-version",
                Severity::Warning,
                Some(self.file.to_owned()),
                None,
                "holds no metadata/version",
            );
        }
        if self.apart > 0 {
            let what =
                format!("{} second copies do not follow the first and were not compared with it", self.apart);
            self.report.find("copies-apart", Severity::Note, Some(self.file.to_owned()), None, what);
        }
        drain(&mut tar.into_inner()).map(drop)
    }

    fn first(&mut self, path: &[u8], namespace: Option<&str>, name: &str, bytes: &mut Vec<u8>) {
        self.report.objects += 1;
        let wrong = match serde_json::from_slice::<Object<'_>>(bytes) {
            // The error's own text may quote a value.
            Err(error) => Some(format!(
                "is not the JSON of an object, at line {} column {}",
                error.line(),
                error.column()
            )),
            Ok(Object { metadata })
                if metadata.name != name || metadata.namespace.as_deref() != namespace =>
            {
                Some("is the JSON of another object".to_owned())
            }
            Ok(_) => None,
        };
        if let Some(what) = wrong {
            self.report.damaged += 1;
            let object = super::naming::name(&String::from_utf8_lossy(path));
            self.report.damaged_object("object-damaged", self.file, &object, what);
        }
        // Velero's second copies follow at once, ours after a few more first copies.
        while self.firsts.len() >= MOST_FIRSTS || self.waiting > MOST_WAITING {
            self.drop_first();
        }
        let mut first = self.spare.pop().unwrap_or_default();
        first.path.clear();
        first.path.extend_from_slice(path);
        std::mem::swap(&mut first.content, bytes);
        self.waiting += first.content.len();
        self.firsts.push_back(first);
    }

    fn drop_first(&mut self) -> Option<First> {
        let first = self.firsts.pop_front()?;
        self.waiting -= first.content.len();
        Some(first)
    }

    fn second(&mut self, path: &[u8], bytes: &[u8]) {
        let Some(at) = self.firsts.iter().position(|first| is_second_copy(&first.path, path)) else {
            self.apart += 1;
            return;
        };
        // What was passed over has no second copy, or one that comes too late.
        self.firsts.drain(..at).for_each(|first| self.waiting -= first.content.len());
        let Some(first) = self.drop_first() else { return };
        if first.content != bytes {
            let object = super::naming::name(&String::from_utf8_lossy(&first.path));
            self.report.damaged += 1;
            self.report.damaged_object(
                "copies-differ",
                self.file,
                &object,
                "its two copies differ: one of them is damaged",
            );
        }
        if first.content.capacity() <= MOST_WAITING {
            self.spare.push(first);
        }
    }
}
