//! `daytwo etcd verify`: every page, record and object of a file, and what cannot be proved.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use daytwo_etcd::kine::Kine;
use daytwo_etcd::kube::{Catalogue, NotOpened, NotShown, Place};
use daytwo_etcd::mvcc::Backend;
use daytwo_etcd::verify::{self, Tail};
use daytwo_etcd::{Record, Store};
use serde::Serialize;

use super::found;
use super::open::{self, Opened};
use crate::cli::etcd::file::Verify;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::words;
use crate::settings::Session;

/// What was proved of a file.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    file: String,
    /// Whether nothing is damaged.
    sound: bool,
    /// The sha256 at the end of a snapshot; absent for what never has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256_tail: Option<&'static str>,
    /// The sha256 of what stands before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<u64>,
    records: u64,
    /// Records whose value was decoded as an object of Kubernetes.
    objects: u64,
    findings: Vec<Finding>,
    /// Findings beyond those.
    more: u64,
    not_proved: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Finding {
    id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    what: String,
}

impl Document for Verification {
    fn kind(&self) -> Option<&'static str> {
        Some("EtcdVerification")
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let place = finding.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
            text.push_str(&format!("{} {place}{} ({})\n", paint.bad("damage:"), finding.what, finding.id));
        }
        if self.more > 0 {
            text.push_str(&format!("and {} more\n", words::count(self.more, "finding")));
        }
        let verdict = if self.sound { paint.good("sound") } else { paint.bad("damaged") };
        let pages = self.pages.map(|pages| format!("{}, ", words::count(pages, "page"))).unwrap_or_default();
        text.push_str(&format!(
            "{}: {verdict}; {pages}{}, {}\n",
            self.file,
            words::count(self.records, "record"),
            words::count(self.objects, "object"),
        ));
        if let Some(sha256) = self.sha256.as_ref().filter(|_| wide) {
            text.push_str(&format!("  sha256 {sha256}\n"));
        }
        self.not_proved.iter().for_each(|what| text.push_str(&format!("  not proved: {what}\n")));
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.file.clone()]
    }
}

/// Verifies and prints the report; exit 1 where something is damaged.
///
/// # Errors
/// As opening the file.
pub async fn run(session: &Session, verb: Verify) -> Result {
    open::apart(session, move |session| {
        let opened = Opened::open(session, &verb.source.file, &verb.source.reading)?;
        let catalogue = Catalogue::built_in();
        let mut values = Values { opened: &opened, catalogue: &catalogue, seen: Seen::default() };
        let mut document = match (opened.source.backend(), opened.source.kine()) {
            (Some(backend), _) => of_backend(backend, &mut values),
            (None, Some(kine)) => of_kine(kine, &mut values)?,
            (None, None) => unreachable!("a source is one of both"),
        };
        values.seen.tell(&mut document);
        document.not_proved.extend(found::notes(&opened.source));
        document.file = opened.name().to_owned();
        document.sound = document.findings.is_empty() && document.more == 0;
        session.out.document(&document)?;
        Ok(if document.sound { Exit::Done } else { Exit::Findings })
    })
    .await
}

fn of_backend(backend: &Backend, values: &mut Values<'_>) -> Verification {
    let report = verify::verify(backend, &mut |record| values.look(record));
    let mut not_proved = Vec::new();
    if report.tail == Tail::Absent {
        not_proved.push("what stands inside of values: there is no sha256 at the end".to_owned());
    }
    let finding = |finding: verify::Finding| Finding {
        id: id(finding.kind),
        place: finding.place.map(|place| place.to_string()),
        what: finding.what,
    };
    Verification {
        sha256_tail: Some(match report.tail {
            Tail::Right => "Right",
            Tail::Wrong => "Wrong",
            Tail::Absent => "Absent",
        }),
        sha256: Some(report.sha256.iter().map(|byte| format!("{byte:02x}")).collect()),
        pages: Some(report.usage.pages),
        records: report.records,
        findings: report.findings.into_iter().map(finding).collect(),
        more: report.more,
        not_proved,
        ..Verification::default()
    }
}

fn of_kine(kine: &Kine, values: &mut Values<'_>) -> Result<Verification> {
    let mut document = Verification {
        not_proved: vec!["what stands inside of values: SQLite keeps no checksums".to_owned()],
        ..Verification::default()
    };
    for flaw in kine.check(true)? {
        let place = flaw.row.map(|row| format!("row {row}"));
        document.findings.push(Finding { id: "row-damaged", place, what: flaw.what });
    }
    kine.oldest_first(&mut |record| {
        document.records += 1;
        if !record.deleted
            && let Some(what) = values.look(record)
        {
            let place = Some(format!("row {}", record.revision.main));
            document.findings.push(Finding { id: "value-damaged", place, what });
        }
        ControlFlow::Continue(())
    })?;
    Ok(document)
}

fn id(kind: verify::Kind) -> &'static str {
    match kind {
        verify::Kind::Tail => "sha256-wrong",
        verify::Kind::Meta => "meta-damaged",
        verify::Kind::Page => "page-damaged",
        verify::Kind::Record => "record-damaged",
        verify::Kind::Lease => "lease-damaged",
        verify::Kind::Value => "value-damaged",
        _ => "state-damaged",
    }
}

/// Looks at the values of records.
struct Values<'a> {
    opened: &'a Opened,
    catalogue: &'a Catalogue,
    seen: Seen,
}

/// What the values were.
#[derive(Default)]
struct Seen {
    objects: u64,
    /// By why they were not read.
    closed: BTreeMap<String, u64>,
    /// By kind.
    unknown: BTreeMap<String, u64>,
    /// Objects with fields that no table has.
    newer: u64,
}

impl Values<'_> {
    /// What is wrong with the value of a record, if anything.
    fn look(&mut self, record: &Record<'_>) -> Option<String> {
        let key = || String::from_utf8_lossy(record.key).into_owned();
        match self.opened.objects.check(record) {
            Ok(unknown) => {
                self.seen.objects += 1;
                self.seen.newer += u64::from(unknown > 0);
                None
            }
            Err(NotShown::Closed(why @ NotOpened::WrongKeyOrDamaged(_))) => Some(format!("{}: {why}", key())),
            Err(NotShown::Closed(why)) => {
                *self.seen.closed.entry(why.to_string()).or_default() += 1;
                None
            }
            Err(NotShown::UnknownKind(kind)) => {
                *self.seen.unknown.entry(kind.to_string()).or_default() += 1;
                None
            }
            Err(NotShown::NoObject) => {
                // A key of a known resource holds nothing else; one without a value was written to raise the revision.
                let place = self.catalogue.place(self.opened.objects.prefix(), record.key);
                let object = matches!(place, Place::Object(at) if at.known.is_some());
                object.then(|| format!("{}: its value is no object of Kubernetes", key()))
            }
            // A check does not say where in the object.
            Err(why) => {
                let why = self.opened.objects.show(record).err().unwrap_or(why);
                Some(format!("{}: {why}", key()))
            }
        }
    }
}

impl Seen {
    fn tell(self, document: &mut Verification) {
        document.objects = self.objects;
        let not_proved = &mut document.not_proved;
        for (why, count) in self.closed {
            not_proved.push(format!("{}: {why}", words::count(count, "value")));
        }
        for (kind, count) in self.unknown {
            not_proved.push(format!("{} of a kind that is not known: {kind}", words::count(count, "value")));
        }
        if self.newer > 0 {
            let count = words::count(self.newer, "object");
            not_proved.push(format!("fields of {count} that a newer Kubernetes wrote"));
        }
    }
}
