//! `daytwo backup describe`: what a backup says about itself, without reading its objects.

use std::collections::BTreeMap;
use std::fmt::Write;

use daytwo_archive::{Consistency, Count, Head, MadeBy, Problem, Server};
use serde::Serialize;

use crate::cli::backup::Describe;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::table::Table;
use crate::output::words;
use crate::settings::Session;

use super::open;

/// How much the text says; JSON says everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// What came of a backup that was just made.
    Brief,
    /// All of it.
    Full,
}

/// A backup's head, and where it lies.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupDocument {
    location: String,
    #[serde(flatten)]
    head: Head,
    #[serde(skip)]
    style: Style,
}

impl BackupDocument {
    /// A document of `head`.
    pub fn new(location: &str, head: Head, style: Style) -> Self {
        Self { location: location.to_owned(), head, style }
    }
}

impl Document for BackupDocument {
    fn kind(&self) -> Option<&'static str> {
        Some("Backup")
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        match self.style {
            Style::Brief => brief(&self.head, paint),
            Style::Full => full(&self.location, &self.head, paint, wide),
        }
    }

    fn names(&self) -> Vec<String> {
        vec![self.head.name.clone()]
    }
}

/// Prints the head of a backup. A backup with problems is described with exit 0 all the same.
///
/// # Errors
/// Those of opening the backup.
pub async fn run(session: &Session, verb: Describe) -> Result {
    let opening = open::open(session, &verb.at, &verb.identities, &verb.name);
    let opened =
        session.interrupt.or(opening).await.ok_or_else(|| Failure::new(Exit::Failed, "stopped"))??;
    let head = opened.backup.head().clone();
    session.out.document(&BackupDocument::new(opened.location.url(), head, Style::Full))?;
    Ok(Exit::Done)
}

/// `deployments.apps shop/web: 403 …`
pub fn problem(problem: &Problem) -> String {
    let mut text = problem.resource.clone();
    match (&problem.namespace, &problem.name) {
        (Some(namespace), Some(name)) => text.push_str(&format!(" {namespace}/{name}")),
        (Some(namespace), None) => text.push_str(&format!(" in namespace {namespace}")),
        (None, Some(name)) => text.push_str(&format!(" {name}")),
        (None, None) => {}
    }
    format!("{text}: {}", problem.what)
}

fn brief(head: &Head, paint: Paint) -> String {
    let mut text = format!("{} {}: {}", head.name, phase(head, paint), words::count(head.objects, "object"));
    if let Some(bytes) = head.bytes {
        let _ = write!(text, ", {}", words::bytes(bytes));
    }
    if let (Some(started), Some(finished)) = (head.started, head.finished) {
        let _ = write!(text, " in {}", words::took(finished.duration_since(started)));
    }
    text.push_str(&match (&head.consistency, head.revision) {
        (Consistency::OneRevision, Some(revision)) => format!(", all at revision {revision}\n"),
        (Consistency::OneRevision, None) => "\n".to_owned(),
        (Consistency::PerResource { why }, _) => format!(", not one moment: {why}\n"),
    });
    for (count, what) in [
        (head.problems.len(), "could not be read"),
        (head.outside.len(), "read outside the cut"),
        (head.warnings.len(), "to know about"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "  {count} {what}: see daytwo backup describe {}", head.name);
        }
    }
    text
}

fn phase(head: &Head, paint: Paint) -> String {
    let word = head.phase.to_string();
    match word.as_str() {
        "Completed" => paint.good(&word),
        "Failed" => paint.bad(&word),
        _ => paint.odd(&word),
    }
}

fn full(location: &str, head: &Head, paint: Paint, wide: bool) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "{:<13}{value}", format!("{label}:"));
    };
    line("Name", &head.name);
    line("Location", location);
    line("Phase", &phase(head, paint));
    line("Made by", &made_by(&head.made_by));
    line("Cluster", &cluster(&head.server));
    if let Some(started) = head.started {
        line("Started", &words::time(started));
    }
    if let Some(finished) = head.finished {
        let took = head.started.map(|at| format!(" (took {})", words::took(finished.duration_since(at))));
        line("Finished", &format!("{}{}", words::time(finished), took.unwrap_or_default()));
    }
    line("Expires", &head.expires.map_or("never".to_owned(), words::time));
    line("Cut", &cut(head));
    let bytes = head.bytes.map(|bytes| format!(" ({})", words::bytes(bytes)));
    line("Objects", &format!("{}{}", head.objects, bytes.unwrap_or_default()));
    line("Encrypted", if head.encrypted { "yes" } else { "no" });
    line(
        "Signed by",
        &head.signed_by.as_ref().map_or("nobody".to_owned(), |key| format!("{key} (not checked here)")),
    );
    line("Asked for", &asked(&head.spec));
    text.push_str(&counts(&head.counts, paint, wide));
    text.push_str(&lists(head, paint));
    text
}

fn made_by(tool: &MadeBy) -> String {
    match tool {
        MadeBy::Daytwo { version } => format!("daytwo {version}"),
        MadeBy::Velero => "Velero".to_owned(),
    }
}

fn cluster(server: &Server) -> String {
    let parts = [&server.context, &server.url, &server.version, &server.uid];
    let known: Vec<&str> = parts.iter().map(|part| part.as_str()).filter(|part| !part.is_empty()).collect();
    if known.is_empty() { "unknown".to_owned() } else { known.join(", ") }
}

fn cut(head: &Head) -> String {
    match (&head.consistency, head.revision) {
        (Consistency::OneRevision, Some(revision)) => format!("one moment, revision {revision}"),
        (Consistency::OneRevision, None) => "one moment".to_owned(),
        (Consistency::PerResource { why }, _) => format!("each resource for itself: {why}"),
    }
}

/// The parts of Velero's BackupSpec that choose objects.
fn asked(spec: &serde_json::Value) -> String {
    const CHOOSING: [&str; 7] = [
        "includedNamespaces",
        "excludedNamespaces",
        "includedResources",
        "excludedResources",
        "labelSelector",
        "orLabelSelectors",
        "includeClusterResources",
    ];
    let chosen: Vec<String> = CHOOSING
        .iter()
        .filter_map(|key| {
            let value = spec.get(key)?;
            let all =
                value.as_array().is_some_and(|list| list.is_empty() || list.iter().all(|item| item == "*"));
            (!value.is_null() && !all).then(|| format!("{key} {value}"))
        })
        .collect();
    if chosen.is_empty() {
        "everything but what is left out by default".to_owned()
    } else {
        chosen.join(", ")
    }
}

fn counts(counts: &[Count], paint: Paint, wide: bool) -> String {
    let name = |count: &Count| count.resource.clone().unwrap_or_else(|| count.kind.clone());
    if wide {
        let mut table = Table::new(["RESOURCE", "API-VERSION", "NAMESPACE", "OBJECTS"]);
        for count in counts {
            for (namespace, objects) in &count.namespaces {
                table.row([
                    name(count).into(),
                    count.api_version.clone().into(),
                    namespace.clone().into(),
                    objects.to_string().into(),
                ]);
            }
        }
        return block(&table, paint);
    }
    let mut kinds = Table::new(["RESOURCE", "API-VERSION", "OBJECTS", "SIZE"]);
    let mut namespaces: BTreeMap<&str, u64> = BTreeMap::new();
    for count in counts {
        let size = count.bytes.map(words::bytes).unwrap_or_default();
        kinds.row([
            name(count).into(),
            count.api_version.clone().into(),
            count.objects.to_string().into(),
            size.into(),
        ]);
        for (namespace, objects) in &count.namespaces {
            *namespaces.entry(namespace).or_default() += objects;
        }
    }
    let mut spaces = Table::new(["NAMESPACE", "OBJECTS"]);
    for (namespace, objects) in namespaces {
        let shown = if namespace.is_empty() { "(cluster)" } else { namespace };
        spaces.row([shown.into(), objects.to_string().into()]);
    }
    block(&kinds, paint) + &block(&spaces, paint)
}

fn block(table: &Table, paint: Paint) -> String {
    let text = table.render(paint);
    if text.is_empty() { text } else { format!("\n{text}") }
}

fn lists(head: &Head, paint: Paint) -> String {
    let groups: [(&str, Vec<String>); 5] = [
        ("Problems: wanted, and could not be read", head.problems.iter().map(problem).collect()),
        (
            "Outside the cut: read at another moment",
            head.outside.iter().map(|o| format!("{}: {}", o.resource, o.why)).collect(),
        ),
        ("Read another way", head.fallbacks.iter().map(|f| format!("{}: {}", f.resource, f.what)).collect()),
        ("Warnings", head.warnings.clone()),
        ("Left out", head.left_out.iter().map(|l| format!("{}: {}", l.what, l.why)).collect()),
    ];
    let mut text = String::new();
    for (title, lines) in groups.iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = writeln!(text, "\n{}", paint.strong(&format!("{title} ({})", lines.len())));
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}
