//! `daytwo backup get`: objects of a backup, as kubectl would show those of a cluster.
//!
//! Prints them as they are passed by, so that a list of many needs no memory. Secrets' values stay hidden unless asked
//! for.

use std::collections::BTreeSet;

use daytwo_archive::Backup;
use daytwo_core::json::Meta;
use daytwo_core::redact::redact;
use daytwo_core::resource::{NameError, ObjectKey, ResourceType, is_builtin, objects};
use daytwo_core::selector::Selector;

use crate::cli::Format;
use crate::cli::backup::Get;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::filters;
use crate::kinds;
use crate::output::table::Table;
use crate::output::{Out, json, yaml};
use crate::settings::Session;

use super::objects::{Pass, kinds as kinds_of};
use super::open;

/// The namespace that is meant where none is named, as for kubectl.
const DEFAULT_NAMESPACE: &str = "default";

/// What was asked for.
struct Question {
    wanted: Vec<(ResourceType, Option<String>)>,
    /// `None`: all of them.
    namespace: Option<String>,
    selector: Option<Selector>,
    show_secrets: bool,
}

/// Prints the objects; exit 1 where one that was named is not in the backup.
///
/// # Errors
/// Exit 2 for an unknown backup or kind; those of reading.
pub async fn run(session: &Session, verb: Get) -> Result {
    let selector = verb.selector.as_deref().map(filters::selector).transpose()?;
    let getting = async {
        let mut opened = open::open(session, &verb.at, &verb.identities, &verb.name).await?;
        let known = kinds_of(&mut opened.backup).await?;
        let wanted = match objects(&verb.words, &known) {
            Ok(wanted) => wanted,
            Err(NameError::NotFound { typed, .. }) if is_builtin(&typed) => {
                return none_of(session, &verb, &typed);
            }
            Err(error) => {
                return Err(
                    Failure::from(error).while_doing(format!("backup {} holds no such kind", verb.name))
                );
            }
        };
        let namespace = match (&verb.scope.namespace, verb.scope.all_namespaces) {
            (_, true) => None,
            (Some(namespace), _) => Some(namespace.clone()),
            (None, _) => Some(DEFAULT_NAMESPACE.to_owned()),
        };
        let question = Question { wanted, namespace, selector, show_secrets: verb.show_secrets };
        answer(session, &opened.backup, &question).await
    };
    session.interrupt.or(getting).await.ok_or_else(|| Failure::new(Exit::Failed, "stopped"))?
}

/// What is said of a kind that Kubernetes has and the backup has no object of.
fn none_of(session: &Session, verb: &Get, kind: &str) -> Result {
    session.speak.note(&format!("backup {} holds no {kind}", verb.name));
    match session.out.format {
        Format::Json => session.out.bytes(EMPTY_JSON.as_bytes())?,
        Format::Yaml => session.out.bytes(EMPTY_YAML.as_bytes())?,
        Format::Table | Format::Wide | Format::Name => {}
    }
    let named = verb.words.len() > 1 || verb.words.iter().any(|word| word.contains('/'));
    Ok(if named { Exit::Findings } else { Exit::Done })
}

impl Question {
    /// Whether one object is asked for by its full name, so that it can be read alone.
    fn single(&self) -> Option<(&ResourceType, Option<&str>, &str)> {
        let [(kind, Some(name))] = self.wanted.as_slice() else { return None };
        match (kind.namespaced, self.namespace.as_deref()) {
            (true, None) => None,
            (true, namespace) => Some((kind, namespace, name)),
            (false, _) => Some((kind, None, name)),
        }
    }

    fn asks_kind(&self, kind: &ResourceType) -> bool {
        self.wanted.iter().any(|(wanted, _)| wanted.group == kind.group && wanted.resource == kind.resource)
    }

    fn asks_name(&self, kind: &ResourceType, name: &str) -> bool {
        self.wanted.iter().any(|(wanted, named)| {
            wanted.group == kind.group
                && wanted.resource == kind.resource
                && named.as_deref().is_none_or(|named| named == name)
        })
    }

    fn asks_namespace(&self, namespace: Option<&str>) -> bool {
        match (namespace, &self.namespace) {
            (Some(namespace), Some(wanted)) => namespace == wanted,
            _ => true,
        }
    }

    fn asks_labels(&self, bytes: &[u8]) -> Result<bool> {
        let Some(selector) = &self.selector else { return Ok(true) };
        Ok(selector.matches_json(Meta::of_prefix(bytes)?.labels)?)
    }
}

async fn answer(session: &Session, backup: &Backup, question: &Question) -> Result {
    let name = &backup.head().name;
    let mut printer = Printer::new(session.out, question);
    if let Some((kind, namespace, object)) = question.single() {
        match backup.get(&kind.group_resource(), namespace, object).await? {
            Some(bytes) => printer.object(kind, namespace, object, &bytes)?,
            None => {
                session.speak.warn(&format!("{} is not in backup {name}", key(kind, namespace, object)));
                return Ok(Exit::Findings);
            }
        }
        printer.end()?;
        return Ok(Exit::Done);
    }
    let mut elsewhere = 0;
    let mut missing: BTreeSet<(String, String)> = question
        .wanted
        .iter()
        .filter_map(|(kind, object)| Some((kind.group_resource(), object.clone()?)))
        .collect();
    let mut pass = Pass::begin(backup).await?;
    while let Some((kind, entry)) = pass.next().await? {
        if !question.asks_kind(&kind)
            || !question.asks_name(&kind, &entry.name)
            || !question.asks_labels(&entry.bytes)?
        {
            continue;
        }
        if !question.asks_namespace(entry.namespace.as_deref()) {
            elsewhere += 1;
            continue;
        }
        missing.remove(&(kind.group_resource(), entry.name.clone()));
        printer.object(&kind, entry.namespace.as_deref(), &entry.name, &entry.bytes)?;
    }
    if printer.shown == 0 {
        let place =
            question.namespace.as_ref().map(|space| format!(" in namespace {space}")).unwrap_or_default();
        session.speak.note(&format!("nothing of that{place} in backup {name}"));
        if elsewhere > 0 {
            session.speak.suggest(&format!("-A: other namespaces have {elsewhere}"));
        }
    }
    printer.end()?;
    for (kind, object) in &missing {
        session.speak.warn(&format!("{kind}/{object} is not in backup {name}"));
    }
    Ok(if missing.is_empty() { Exit::Done } else { Exit::Findings })
}

fn key(kind: &ResourceType, namespace: Option<&str>, name: &str) -> ObjectKey {
    ObjectKey {
        resource: kind.group_resource(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

/// Prints objects one after another in the format asked for.
struct Printer<'a> {
    out: Out,
    question: &'a Question,
    shown: u64,
    /// Whether the objects go into a `List`.
    list: bool,
    table: Table,
}

impl<'a> Printer<'a> {
    fn new(out: Out, question: &'a Question) -> Self {
        let mut header = vec!["NAMESPACE", "NAME", "CREATED"];
        if question.namespace.is_some() {
            header.remove(0);
        }
        if out.format == Format::Wide {
            header.extend(["API-VERSION", "RESOURCE-VERSION", "UID"]);
        }
        let list = question.single().is_none();
        Self { out, question, shown: 0, list, table: Table::new(header) }
    }

    fn object(
        &mut self,
        kind: &ResourceType,
        namespace: Option<&str>,
        name: &str,
        bytes: &[u8],
    ) -> Result<()> {
        let first = self.shown == 0;
        self.shown += 1;
        match self.out.format {
            Format::Name => self.out.bytes(format!("{}{name}\n", kinds::name_prefix(kind)).as_bytes()),
            Format::Table | Format::Wide => self.row(kind, namespace, name, bytes),
            Format::Json => {
                let shown = self.showable(kind, bytes)?;
                if !self.list {
                    return self.out.bytes(&json::pretty(&shown));
                }
                let mut text = if first { LIST_JSON.as_bytes().to_vec() } else { b",\n    ".to_vec() };
                json::indent(&mut text, &shown, 2);
                self.out.bytes(&text)
            }
            Format::Yaml => {
                let shown = self.showable(kind, bytes)?;
                if !self.list {
                    return self.out.bytes(&yaml::of_json(&shown)?);
                }
                let mut text = if first { LIST_YAML.as_bytes().to_vec() } else { Vec::new() };
                // A list of one, at the column where the items of the List stand.
                let item = [b"[", shown.as_slice(), b"]"].concat();
                text.extend_from_slice(&yaml::of_json(&item)?);
                self.out.bytes(&text)
            }
        }
    }

    fn row(&mut self, kind: &ResourceType, namespace: Option<&str>, name: &str, bytes: &[u8]) -> Result<()> {
        let meta = Meta::of_prefix(bytes)?;
        let text = |value: Option<std::borrow::Cow<'_, str>>| value.unwrap_or_default().into_owned();
        let shown = if self.question.wanted.len() > 1 {
            format!("{}{name}", kinds::name_prefix(kind))
        } else {
            name.to_owned()
        };
        let mut row = vec![shown.into(), text(meta.creation_timestamp).into()];
        if self.question.namespace.is_none() {
            row.insert(0, namespace.unwrap_or_default().into());
        }
        if self.out.format == Format::Wide {
            row.extend([
                kind.api_version().into(),
                text(meta.resource_version).into(),
                text(meta.uid).into(),
            ]);
        }
        self.table.row(row);
        Ok(())
    }

    fn showable(&self, kind: &ResourceType, bytes: &[u8]) -> Result<Vec<u8>> {
        if self.question.show_secrets {
            return Ok(bytes.to_vec());
        }
        Ok(redact(&kind.group_resource(), bytes)?)
    }

    fn end(self) -> Result<()> {
        match (self.out.format, self.list, self.shown) {
            (Format::Table | Format::Wide, ..) => {
                self.out.bytes(self.table.render(self.out.paint).as_bytes())
            }
            (Format::Json, true, 0) => self.out.bytes(EMPTY_JSON.as_bytes()),
            (Format::Json, true, _) => self.out.bytes(b"\n  ]\n}\n"),
            (Format::Yaml, true, 0) => self.out.bytes(EMPTY_YAML.as_bytes()),
            _ => Ok(()),
        }
    }
}

const LIST_JSON: &str = "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"List\",\n  \"items\": [\n    ";
const EMPTY_JSON: &str = "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"List\",\n  \"items\": []\n}\n";
const EMPTY_YAML: &str = "apiVersion: v1\nkind: List\nitems: []\n";
const LIST_YAML: &str = "apiVersion: v1\nkind: List\nitems:\n";
