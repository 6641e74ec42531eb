//! What differs between two sides: backups, etcd's files, the cluster.
//!
//! Of one side it keeps a hash per object; of the other it keeps the objects whose hash differs, up to a bound, and then
//! passes over the first side again to compare those field by field. What one side was never asked for is not said to
//! be missing from it.

mod comparison;
mod cover;
pub mod live;
pub mod stored;

use daytwo_core::diff::{FieldChange, Noise, Options, Secrets, render};
use daytwo_core::filter::Filter;
use daytwo_core::resource::ObjectKey;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::paint::Paint;
use crate::output::{Document, words};
use crate::progress::Progress;
use crate::settings::Session;

use comparison::Comparison;
pub use comparison::Side;
use stored::Stored;

/// What differs.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Differences {
    #[serde(skip)]
    kind: &'static str,
    /// What is compared from: a backup or a file.
    before: String,
    /// What is compared to: a backup, a file, or the cluster's context.
    after: String,
    /// Whether `after` is the cluster.
    live: bool,
    /// Objects that are the same.
    same: u64,
    added: Vec<ObjectKey>,
    /// What is in `before` alone.
    pub removed: Vec<ObjectKey>,
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

impl Differences {
    /// How many objects differ.
    pub fn count(&self) -> usize {
        self.added.len() + self.removed.len() + self.changed.len()
    }
}

impl Document for Differences {
    fn kind(&self) -> Option<&'static str> {
        Some(self.kind)
    }

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

/// What the flags of both verbs that compare say of how.
pub fn options(noise: bool, show_secrets: bool) -> Options {
    Options {
        noise: if noise { Noise::Show } else { Noise::Hide },
        secrets: if show_secrets { Secrets::Show } else { Secrets::Hide },
    }
}

/// Compares what `sides` gives, and prints it as a document of `kind`; exit 1 where something differs, exit 3 where nothing
/// is known to differ but something could not be compared.
///
/// # Errors
/// Those of `sides`, and of reading either side.
pub async fn run(
    session: &Session,
    kind: &'static str,
    filter: Filter,
    options: Options,
    sides: impl Future<Output = Result<(Stored, Side)>>,
) -> Result {
    let found = found(session, filter, options, sides).await?;
    let found = Differences { kind, ..found };
    session.out.document(&found)?;
    Ok(match (found.count(), found.unknown.is_empty()) {
        (0, true) => Exit::Done,
        (0, false) => Exit::Unknown,
        _ => Exit::Findings,
    })
}

/// Compares, and says how much differs.
///
/// # Errors
/// As [`run`].
pub async fn found(
    session: &Session,
    filter: Filter,
    options: Options,
    sides: impl Future<Output = Result<(Stored, Side)>>,
) -> Result<Differences> {
    let progress = Progress::new(session);
    let comparing = async {
        let (before, after) = sides.await?;
        Comparison::new(&before, &filter, options, &progress).run(after).await
    };
    let stopped = || Failure::new(Exit::Failed, "stopped: nothing is said about what differs");
    let found = session.interrupt.or(comparing).await.ok_or_else(stopped)?;
    drop(progress);
    let found = found?;
    for what in &found.unknown {
        session.speak.warn(what);
    }
    session.speak.note(&format!(
        "{} to {}: {} added, {} removed, {} changed, {} the same",
        found.before,
        found.after,
        found.added.len(),
        found.removed.len(),
        found.changed.len(),
        words::count(found.same, "object")
    ));
    Ok(found)
}
