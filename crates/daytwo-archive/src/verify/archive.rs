//! The archive of a backup of daytwo's against its manifest: one thread reads, some decompress and digest, one compares
//! with the manifest's lines, which are read along. Memory: the members under way.

use super::lines::Lines;
use super::member::{Checked, Checker, LARGEST, Stand};
use super::naming::{Harm, Naming, name};
use super::report::{Report, Severity};
use super::watched::Place;
use crate::location::Error;
use crate::manifest::{Member, Tail};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

/// The archive, and what is said of it.
pub(super) struct Archive<'a> {
    pub(super) place: &'a Place,
    pub(super) tail: &'a Tail,
    pub(super) threads: usize,
}

struct Job {
    index: usize,
    bytes: Vec<u8>,
}

struct Done {
    index: usize,
    checked: Checked,
    bytes: Vec<u8>,
}

impl Archive<'_> {
    /// Reads `source`, the archive decrypted, to its end, and `lines` along with it.
    pub(super) fn verify<R: Read>(
        &self,
        source: &mut (impl Read + Send),
        lines: &mut Lines<R>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let threads = self.threads.max(1);
        let (jobs, taken) = mpsc::sync_channel::<Job>(1);
        let taken = Mutex::new(taken);
        let (done, results) = mpsc::sync_channel::<Done>(threads);
        let (free, buffers) = mpsc::channel::<Vec<u8>>();
        let (free_lines, lines_buffers) = mpsc::channel::<Vec<u8>>();
        let lines_buffers = Mutex::new(lines_buffers);
        let ended = thread::scope(|scope| {
            let feeding = scope.spawn(move || self.feed(source, &jobs, &buffers));
            for _ in 0..threads {
                let (taken, buffers, done) = (&taken, &lines_buffers, done.clone());
                scope.spawn(move || self.work(taken, buffers, &done));
            }
            drop(done);
            let mut waiting = BTreeMap::new();
            let mut next = 0;
            for Done { index, checked, bytes } in results {
                let _ = free.send(bytes);
                waiting.insert(index, checked);
                while let Some(checked) = waiting.remove(&next) {
                    let _ = free_lines.send(self.compare(next, checked, lines, report));
                    next += 1;
                }
            }
            feeding.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        self.place.judge(ended, "archive-damaged", report).map(drop)
    }

    /// Cuts the archive into members. Says what is wrong with their sequence as an error of kind `InvalidData`.
    fn feed(
        &self,
        source: &mut impl Read,
        jobs: &mpsc::SyncSender<Job>,
        buffers: &mpsc::Receiver<Vec<u8>>,
    ) -> io::Result<()> {
        let wrong = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what.to_owned()));
        let mut offset = 0;
        for (index, member) in self.tail.members.iter().enumerate() {
            if member.offset != offset || member.packed > LARGEST * 2 {
                return wrong("is not cut as the manifest says");
            }
            let mut bytes = buffers.try_recv().unwrap_or_default();
            bytes.clear();
            let length = source.by_ref().take(member.packed).read_to_end(&mut bytes)? as u64;
            offset += length;
            let short = length < member.packed;
            // The rest of a file cut short is looked at as far as it goes.
            if jobs.send(Job { index, bytes }).is_err() || short {
                return wrong("ends too early");
            }
        }
        match super::watched::drain(source)? {
            0 => Ok(()),
            _ => wrong("goes on after its last member"),
        }
    }

    fn work(
        &self,
        jobs: &Mutex<mpsc::Receiver<Job>>,
        buffers: &Mutex<mpsc::Receiver<Vec<u8>>>,
        done: &mpsc::SyncSender<Done>,
    ) {
        let mut checker = Checker::new();
        loop {
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Job { index, bytes }) = job else { return };
            let stand = Stand { first: index == 0, last: index + 1 == self.tail.members.len() };
            let buffer =
                buffers.lock().unwrap_or_else(PoisonError::into_inner).try_recv().unwrap_or_default();
            let checked = checker.check(&bytes, &self.tail.members[index], stand, buffer);
            if done.send(Done { index, checked, bytes }).is_err() {
                return;
            }
        }
    }

    /// Compares a member with the manifest's lines for it. Gives its buffer back.
    fn compare<R: Read>(
        &self,
        index: usize,
        checked: Checked,
        lines: &mut Lines<R>,
        report: &mut Report,
    ) -> Vec<u8> {
        let member = &self.tail.members[index];
        report.objects += member.objects;
        match checked.fault {
            Some(fault) => self.name_harm(index, member, &fault, &checked.raw, lines, report),
            None if checked.objects != member.objects => {
                let what = format!(
                    "has {} objects in member {index} where the manifest says {}",
                    checked.objects, member.objects
                );
                report.damaged_file("archive-differs", &self.place.file, what);
                lines.skip(member.objects);
            }
            None => self.compare_lines(&checked.lines, lines, report),
        }
        checked.lines
    }

    fn compare_lines<R: Read>(&self, mut found: &[u8], lines: &mut Lines<R>, report: &mut Report) {
        while let Some(end) = memchr::memchr(b'\n', found) {
            let (line, rest) = found.split_at(end + 1);
            found = rest;
            // That the manifest ends too early is said where it is judged.
            let Some(said) = lines.next() else { return };
            if said != line {
                let object = Lines::<R>::row(said)
                    .map_or_else(|| String::from_utf8_lossy(line).into_owned(), |row| name(&row.path));
                report.damaged += 1;
                report.damaged_object(
                    "object-differs",
                    &self.place.file,
                    &object,
                    "is not the object that the manifest names in this place",
                );
            }
        }
    }

    fn name_harm<R: Read>(
        &self,
        index: usize,
        member: &Member,
        fault: &str,
        raw: &[u8],
        lines: &mut Lines<R>,
        report: &mut Report,
    ) {
        let mut rows = Vec::new();
        for _ in 0..member.objects {
            match lines.next().and_then(Lines::<R>::row) {
                Some(row) => rows.push(row),
                None => break,
            }
        }
        let head = &self.tail.head;
        let naming = Naming::new(head.started.map_or(0, |at| at.as_second()), &head.counts);
        let harmed = naming.harmed(raw, index == 0, &rows);
        let (from, to) = (member.offset, member.offset + member.packed);
        let whole = rows.len() - harmed.iter().filter(|(_, harm)| *harm != Harm::Second).count();
        report.damaged_file(
            "member-damaged",
            &self.place.file,
            format!("is damaged between bytes {from} and {to}: the gzip member there {fault}; of {} objects in it {whole} can be read whole", rows.len()),
        );
        for (object, harm) in harmed {
            let (id, what) = match harm {
                Harm::Content => ("object-damaged", "its content is not as it was written"),
                Harm::Lost => ("object-lost", "it cannot be decompressed"),
                Harm::Second => {
                    report.find(
                        "copy-damaged",
                        Severity::Warning,
                        Some(self.place.file.clone()),
                        Some(object),
                        "one of its two copies is damaged, the other is whole",
                    );
                    continue;
                }
            };
            report.damaged += 1;
            report.damaged_object(id, &self.place.file, &object, what);
        }
    }
}
