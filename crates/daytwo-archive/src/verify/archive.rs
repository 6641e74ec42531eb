//! The archive of a backup of daytwo's against its manifest: one thread reads, some decompress and digest, one compares
//! with the manifest's lines, which are read along. Memory: the members under way.

use super::lines::Lines;
use super::member::{Checked, Checker, LARGEST, Stand};
use super::naming::{Harm, Naming, name};
use super::report::{Report, Severity};
use super::watched::Trouble;
use crate::location::{Error, Location};
use crate::manifest::{Member, Tail};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

/// The archive, and what is said of it.
pub(super) struct Archive<'a> {
    pub(super) location: &'a Location,
    /// Inside the backup's directory, and relative to the location.
    pub(super) file: String,
    pub(super) key: String,
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
        let ended = thread::scope(|scope| {
            let feeding = scope.spawn(move || self.feed(source, &jobs, &buffers));
            for _ in 0..threads {
                let (taken, done) = (&taken, done.clone());
                scope.spawn(move || self.work(taken, &done));
            }
            drop(done);
            let mut waiting = BTreeMap::new();
            let mut next = 0;
            for Done { index, checked, bytes } in results {
                let _ = free.send(bytes);
                waiting.insert(index, checked);
                while let Some(checked) = waiting.remove(&next) {
                    self.compare(next, checked, lines, report);
                    next += 1;
                }
            }
            feeding.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        let Err(error) = ended else { return Ok(()) };
        match Trouble::of(error, self.location, &self.key) {
            Trouble::Unread(error) => Err(error),
            Trouble::Damage(what) => {
                report.damaged_file("archive-damaged", &self.file, what);
                Ok(())
            }
        }
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

    fn work(&self, jobs: &Mutex<mpsc::Receiver<Job>>, done: &mpsc::SyncSender<Done>) {
        let mut checker = Checker::new();
        loop {
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Job { index, bytes }) = job else { return };
            let stand = Stand { first: index == 0, last: index + 1 == self.tail.members.len() };
            let checked = checker.check(&bytes, &self.tail.members[index], stand);
            if done.send(Done { index, checked, bytes }).is_err() {
                return;
            }
        }
    }

    fn compare<R: Read>(&self, index: usize, checked: Checked, lines: &mut Lines<R>, report: &mut Report) {
        let member = &self.tail.members[index];
        report.objects += member.objects;
        match checked.fault {
            Some(fault) => self.name_harm(index, member, &fault, &checked.raw, lines, report),
            None if checked.objects != member.objects => {
                report.damaged_file(
                    "archive-differs",
                    &self.file,
                    format!(
                        "has {} objects in member {index} where the manifest says {}",
                        checked.objects, member.objects
                    ),
                );
                lines.skip(member.objects);
            }
            None => {
                for line in checked.lines.split_inclusive(|&byte| byte == b'\n') {
                    match lines.next() {
                        Some(said) if said == line => {}
                        Some(said) => {
                            let object = Lines::<R>::row(said).map_or_else(
                                || String::from_utf8_lossy(line).into_owned(),
                                |row| name(&row.path),
                            );
                            report.damaged += 1;
                            report.damaged_object(
                                "object-differs",
                                &self.file,
                                &object,
                                "is not the object that the manifest names in this place",
                            );
                        }
                        // Said once, where the manifest is judged.
                        None => return,
                    }
                }
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
            &self.file,
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
                        Some(self.file.clone()),
                        Some(object),
                        "one of its two copies is damaged, the other is whole",
                    );
                    continue;
                }
            };
            report.damaged += 1;
            report.damaged_object(id, &self.file, &object, what);
        }
    }
}
