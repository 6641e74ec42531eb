//! `daytwo etcd get`: objects out of a file, as kubectl would show those of a cluster.
//!
//! One object is looked for by its key, from the newest record back. Of a list the keys are found first; then each object
//! is shown as it is passed, so that many need no memory.

use std::io::IsTerminal;

use daytwo_core::resource::{ResourceType, objects};
use daytwo_etcd::keyspace;
use daytwo_etcd::kube::{Catalogue, NotShown, Place, Seal, Shown, Unknown};

use super::open::{self, Opened, resource_of};
use crate::cli::etcd::file::Get;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::filters;
use crate::output::objects::Printer;
use crate::question::Question;
use crate::settings::Session;

/// How many fields are named that a newer Kubernetes wrote.
const NAMED: usize = 5;

/// Prints the objects; exit 1 where one that was named is not in the file, exit 3 where one cannot be read.
///
/// # Errors
/// Exit 2 for an unknown kind, and as opening the file.
pub async fn run(session: &Session, verb: Get) -> Result {
    open::apart(session, move |session| {
        let opened = Opened::open(session, &verb.source.file, &verb.source.reading)?;
        if let Some(key) = &verb.key {
            return raw(session, &opened, key, &verb);
        }
        let at = verb.moment.revision;
        let selector = verb.selector.as_deref().map(filters::selector).transpose()?;
        let (wanted, catalogue) = opened.find(at, |known| objects(&verb.words, known))?;
        let question = Question::new(wanted, &verb.scope, selector, verb.show_secrets);
        Answer { session, opened: &opened, catalogue: &catalogue, question: &question, at, closed: 0 }.give()
    })
    .await
}

/// The answer, while it is given.
struct Answer<'a> {
    session: &'a Session,
    opened: &'a Opened,
    catalogue: &'a Catalogue,
    question: &'a Question,
    at: Option<i64>,
    /// Objects that could not be shown.
    closed: usize,
}

impl Answer<'_> {
    fn give(mut self) -> Result {
        let mut printer = Printer::new(self.session.out, self.question.shape());
        let name = self.opened.name();
        let mut missing = Vec::new();
        for (kind, object) in &self.question.wanted {
            let found = match (object, &self.question.namespace) {
                (Some(object), namespace) if namespace.is_some() || !kind.namespaced => {
                    self.one(&mut printer, kind, object)?
                }
                _ => self.list(&mut printer, kind, object.as_deref())?,
            };
            if let (0, Some(object)) = (found, object) {
                missing.push(format!("{}/{object}", kind.group_resource()));
            }
        }
        if printer.shown() == 0 && missing.is_empty() && self.closed == 0 {
            let space = self.question.namespace.as_ref().map(|space| format!(" in namespace {space}"));
            self.session.speak.note(&format!("nothing of that{} in {name}", space.unwrap_or_default()));
            self.session.speak.suggest(&format!("daytwo etcd ls {name} KIND"));
        }
        // One object that is not there leaves nothing to print, as with kubectl.
        if printer.shown() > 0 || self.question.shape().list {
            printer.end()?;
        }
        for object in &missing {
            self.session.speak.warn(&format!("{object} is not in {name}"));
        }
        Ok(match (missing.is_empty(), self.closed) {
            (true, 0) => Exit::Done,
            (_, 0) => Exit::Findings,
            _ => Exit::Unknown,
        })
    }

    /// Looks for one object by its key, and answers how many there are.
    fn one(&mut self, printer: &mut Printer, kind: &ResourceType, name: &str) -> Result<usize> {
        let namespace = self.question.namespace.as_deref().filter(|_| kind.namespaced);
        let resource = resource_of(self.catalogue, kind);
        let key = self.opened.objects.prefix().key(resource, namespace, name);
        let mut shown = None;
        keyspace::get(self.opened.store(), &key, self.at, &mut |record| {
            shown = Some(self.opened.objects.show(record));
        })?;
        match shown {
            None => Ok(0),
            Some(shown) => self.print(printer, kind, namespace, name, shown).map(|()| 1),
        }
    }

    /// Shows all objects of a kind, or those of one name in any namespace, and answers how many there are.
    fn list(&mut self, printer: &mut Printer, kind: &ResourceType, named: Option<&str>) -> Result<usize> {
        let resource = resource_of(self.catalogue, kind);
        let namespace = self.question.namespace.as_deref().filter(|_| kind.namespaced);
        let prefix = self.opened.objects.prefix();
        let mut found = 0;
        for key in self.opened.keys(&prefix.keys(resource, namespace), self.at)? {
            let Place::Object(at) = self.catalogue.place(prefix, &key.key) else { continue };
            if named.is_some_and(|named| named != at.name) {
                continue;
            }
            found += 1;
            let shown = self.opened.show(key.revision)?;
            self.print(printer, kind, at.namespace, at.name, shown)?;
        }
        Ok(found)
    }

    fn print(
        &mut self,
        printer: &mut Printer,
        kind: &ResourceType,
        namespace: Option<&str>,
        name: &str,
        shown: Result<Shown, NotShown>,
    ) -> Result<()> {
        let key = || kind.object(namespace, name);
        match shown {
            Ok(shown) => {
                let bytes = serde_json::to_vec(&shown.object)?;
                if !self.question.asks_labels(&bytes)? {
                    return Ok(());
                }
                if shown.unknown_count > 0 {
                    self.session.speak.warn(&format!("{}: {}", key(), newer(&shown)));
                }
                printer.object(kind, namespace, name, &bytes)
            }
            Err(why) => {
                self.closed += 1;
                self.session.speak.warn(&format!("{} cannot be shown: {why}", key()));
                if matches!(why, NotShown::Closed(_)) && self.closed == 1 {
                    self.session
                        .speak
                        .suggest("--encryption-config FILE, the API server's EncryptionConfiguration");
                }
                Ok(())
            }
        }
    }
}

/// The fields that a newer Kubernetes wrote, by the part of the object that holds them and their number in protobuf.
fn newer(shown: &Shown) -> String {
    let name = |field: &Unknown| match field.path.as_str() {
        "" => format!("field {}", field.number),
        path => format!("field {} of {path}", field.number),
    };
    let mut names: Vec<String> = shown.unknown.iter().take(NAMED).map(name).collect();
    let more = shown.unknown_count.saturating_sub(names.len());
    if more > 0 {
        names.push(format!("{more} more"));
    }
    format!("what a newer Kubernetes wrote is not shown: {}", names.join(", "))
}

/// Prints the value of one key as it stands in the file.
fn raw(session: &Session, opened: &Opened, key: &str, verb: &Get) -> Result {
    let catalogue = Catalogue::built_in();
    let place = catalogue.place(opened.objects.prefix(), key.as_bytes());
    let secret = matches!(&place, Place::Object(at) if at.resource == "secrets");
    // Of what is no object nobody can say whether it is secret; K3s keeps its certificates' keys in such a one.
    if (secret || place == Place::Foreign || key.starts_with("/bootstrap/")) && !verb.show_secrets {
        return Err(Failure::refused(format!("the value of {key} may be secret")).or_try("--show-secrets"));
    }
    let mut value = None;
    keyspace::get(opened.store(), key.as_bytes(), verb.moment.revision, &mut |record| {
        value = Some(record.value.to_vec());
    })?;
    let Some(value) = value else {
        session.speak.warn(&format!("{key} is not in {}", opened.name()));
        return Ok(Exit::Findings);
    };
    if std::io::stdout().is_terminal() && std::str::from_utf8(&value).is_err() {
        return Err(
            Failure::usage(format!("the value of {key} is no text")).or_try("daytwo etcd get … > FILE")
        );
    }
    if let Some((seal, _)) = Seal::of(&value) {
        session.speak.note(&format!("it is encrypted: {seal}"));
    }
    session.out.bytes(&value)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use daytwo_etcd::kube::Gvk;

    use super::*;

    #[test]
    fn fields_of_a_newer_kubernetes_are_named() {
        let field = |path: &str, number| Unknown { path: path.to_owned(), number };
        let mut shown = Shown {
            object: serde_json::json!({}),
            gvk: Gvk::new("v1", "Pod"),
            seal: None,
            unknown: vec![field("", 9), field("spec.containers[1]", 99)],
            unknown_count: 2,
        };
        assert!(newer(&shown).ends_with(": field 9, field 99 of spec.containers[1]"), "{}", newer(&shown));
        shown.unknown_count = 7;
        assert!(newer(&shown).ends_with("spec.containers[1], 5 more"), "{}", newer(&shown));
    }
}
