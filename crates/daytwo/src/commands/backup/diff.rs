//! `daytwo backup diff`: what was added, removed and changed between two backups, or a backup and the cluster.
//!
//! Of one side it keeps a hash per object; of the other it keeps the objects whose hash differs, up to a bound, and then
//! passes over the first side again to compare those field by field. What one side was never asked for is not said to
//! be missing from it.

mod compare;
mod cover;
mod live;

use daytwo_core::diff::{FieldChange, Noise, Options, Secrets, render};
use daytwo_core::resource::ObjectKey;
use serde::Serialize;

use crate::cli::backup::Diff;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::filters;
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::words;
use crate::place;
use crate::progress::Progress;
use crate::settings::Session;

use super::open;
use compare::{Comparison, Side};

/// What differs.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupDiff {
    /// The backup compared from.
    before: String,
    /// The backup compared to, or the cluster's context.
    after: String,
    /// Whether `after` is the cluster.
    live: bool,
    /// Objects that are the same.
    same: u64,
    added: Vec<ObjectKey>,
    removed: Vec<ObjectKey>,
    changed: Vec<Changed>,
    /// What could not be compared, and why.
    unknown: Vec<String>,
}

/// One object that differs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// Which.
    pub object: ObjectKey,
    /// Its fields that differ.
    pub fields: Vec<FieldChange>,
}

impl BackupDiff {
    fn count(&self) -> usize {
        self.added.len() + self.removed.len() + self.changed.len()
    }
}

impl Document for BackupDiff {
    const KIND: &'static str = "BackupDiff";

    fn text(&self, paint: Paint, _: bool) -> String {
        let mut text = String::new();
        for object in &self.removed {
            text.push_str(&format!("{}\n", paint.bad(&format!("- {object}"))));
        }
        for object in &self.added {
            text.push_str(&format!("{}\n", paint.good(&format!("+ {object}"))));
        }
        for changed in &self.changed {
            text.push_str(&format!("{}\n", paint.odd(&format!("~ {}", changed.object))));
            for line in render(&changed.fields).lines() {
                text.push_str(&format!("    {line}\n"));
            }
        }
        text
    }

    fn names(&self) -> Vec<String> {
        let changed = self.changed.iter().map(|changed| &changed.object);
        self.removed.iter().chain(&self.added).chain(changed).map(ToString::to_string).collect()
    }
}

/// Compares and prints; exit 1 where something differs, exit 3 where nothing is known to differ but something could not
/// be compared.
///
/// # Errors
/// Exit 2 for an unknown backup; those of reading either side.
pub async fn run(session: &Session, verb: Diff) -> Result {
    let filter = filters::filter(&filters::scoped(verb.filters.clone(), &verb.scope)?)?;
    let options = Options {
        noise: if verb.noise { Noise::Show } else { Noise::Hide },
        secrets: if verb.show_secrets { Secrets::Show } else { Secrets::Hide },
    };
    let progress = Progress::new(session);
    let comparing = async {
        let keys = open::keys(&verb.identities)?;
        let location = place::open(session, &verb.at).await?;
        let mut before = open::named(&location, &verb.before, &keys).await?;
        before.spool().await?;
        let after = match &verb.after {
            Some(name) => Side::Backup(Box::new(open::named(&location, name, &keys).await?)),
            None => Side::Live(Box::new(live::Live::connect(session).await?)),
        };
        Comparison::new(&before, filter, options, &progress).run(after).await
    };
    let stopped = || Failure::new(Exit::Failed, "stopped: nothing is said about what differs");
    let diff = session.interrupt.or(comparing).await.ok_or_else(stopped)?;
    drop(progress);
    let diff = diff?;
    for what in &diff.unknown {
        session.speak.warn(what);
    }
    session.speak.note(&format!(
        "{} to {}: {} added, {} removed, {} changed, {} the same",
        diff.before,
        diff.after,
        diff.added.len(),
        diff.removed.len(),
        diff.changed.len(),
        words::count(diff.same, "object")
    ));
    session.out.document(&diff)?;
    Ok(match (diff.count(), diff.unknown.is_empty()) {
        (0, true) => Exit::Done,
        (0, false) => Exit::Unknown,
        _ => Exit::Findings,
    })
}
