//! What is said and asked before a restore deletes.

use daytwo_archive::Backup;
use daytwo_core::plan::{Plan, Step};
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Request, holds_data};

use crate::ask::ask;
use crate::cli::restore::Pruning;
use crate::failure::{Failure, Result};
use crate::output::words;
use crate::settings::Session;

/// Objects named before the question.
const SHOWN: usize = 20;

/// Whether the backup can prove that an object was not there.
///
/// # Errors
/// Exit 4 where it cannot.
pub fn possible(request: &Request, backup: &Backup) -> Result<()> {
    if request.prune && backup.head().complete.is_empty() {
        let what = "the backup does not say which lists it read to their end, so nothing in it proves that an object was not there";
        return Err(Failure::refused(format!("{what}: --prune would delete too much")));
    }
    Ok(())
}

/// Shows what `plan` deletes and asks.
///
/// # Errors
/// Exit 4 without a yes, and where data would go that nobody let go.
pub async fn allow(session: &Session, plan: &Plan, flags: &Pruning) -> Result<()> {
    let objects: Vec<&ObjectKey> = plan
        .steps()
        .filter_map(|(_, step)| match step {
            Step::PruneObjects { extra } => Some(extra),
            _ => None,
        })
        .flatten()
        .collect();
    if objects.is_empty() {
        return Ok(());
    }
    let data: Vec<String> = objects
        .iter()
        .filter(|object| holds_data(&object.resource))
        .map(|object| object.to_string())
        .collect();
    if !data.is_empty() && !flags.prune_data {
        let named = data.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        let more = if data.len() > SHOWN { ", ..." } else { "" };
        let what = format!("what {named}{more} hold would be deleted with them");
        return Err(Failure::refused(what).or_try("--prune-data, or exclude them"));
    }
    if flags.yes {
        return Ok(());
    }
    for object in objects.iter().take(SHOWN) {
        session.speak.note(&format!("would delete {object}"));
    }
    if objects.len() > SHOWN {
        session.speak.note(&format!("and {} more: see --dry-run -o wide", objects.len() - SHOWN));
    }
    let count = words::count(objects.len() as u64, "object");
    ask(session, &format!("delete {count} from {}?", plan.site.context)).await
}
