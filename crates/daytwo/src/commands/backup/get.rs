//! `daytwo backup get`: objects of a backup, as kubectl would show those of a cluster.
//!
//! Prints them as they are passed by, so that a list of many needs no memory. Secrets' values stay hidden unless asked
//! for.

use daytwo_archive::Backup;
use daytwo_core::resource::{NameError, is_builtin, objects};

use crate::cli::backup::Get;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::filters;
use crate::output::objects::{Printer, Shape};
use crate::question::Question;
use crate::settings::Session;

use super::objects::{Pass, kinds as kinds_of};
use super::open;

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
        let question = Question::new(wanted, &verb.scope, selector, verb.show_secrets);
        answer(session, &opened.backup, &question).await
    };
    session.interrupt.or(getting).await.ok_or_else(|| Failure::new(Exit::Failed, "stopped"))?
}

/// What is said of a kind that Kubernetes has and the backup has no object of.
fn none_of(session: &Session, verb: &Get, kind: &str) -> Result {
    session.speak.note(&format!("backup {} holds no {kind}", verb.name));
    Printer::new(session.out, Shape { list: true, namespaces: true, kinds: true, show_secrets: false })
        .end()?;
    let named = verb.words.len() > 1 || verb.words.iter().any(|word| word.contains('/'));
    Ok(if named { Exit::Findings } else { Exit::Done })
}

async fn answer(session: &Session, backup: &Backup, question: &Question) -> Result {
    let name = &backup.head().name;
    let mut printer = Printer::new(session.out, question.shape());
    if let Some((kind, namespace, object)) = question.single() {
        match backup.get(&kind.group_resource(), namespace, object).await? {
            Some(bytes) => printer.object(kind, namespace, object, &bytes)?,
            None => {
                session.speak.warn(&format!("{} is not in backup {name}", kind.object(namespace, object)));
                return Ok(Exit::Findings);
            }
        }
        printer.end()?;
        return Ok(Exit::Done);
    }
    let mut elsewhere = 0;
    let mut missing = question.named();
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
    if printer.shown() == 0 {
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
