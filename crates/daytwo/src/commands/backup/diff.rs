//! `daytwo backup diff`: what was added, removed and changed between two backups, or a backup and the cluster.

use serde::Serialize;

use crate::cli::backup::Diff;
use crate::commands::compare::live::Live;
use crate::commands::compare::stored::Stored;
use crate::commands::compare::{self, Differences, Side};
use crate::failure::Result;
use crate::filters;
use crate::output::Document;
use crate::output::paint::Paint;
use crate::place;
use crate::settings::Session;

use super::open;

/// What differs.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct BackupDiff(Differences);

impl From<Differences> for BackupDiff {
    fn from(differences: Differences) -> Self {
        Self(differences)
    }
}

impl AsRef<Differences> for BackupDiff {
    fn as_ref(&self) -> &Differences {
        &self.0
    }
}

impl Document for BackupDiff {
    const KIND: &'static str = "BackupDiff";

    fn text(&self, paint: Paint, _: bool) -> String {
        self.0.text(paint)
    }

    fn names(&self) -> Vec<String> {
        self.0.names()
    }
}

/// Compares and prints.
///
/// # Errors
/// Exit 2 for an unknown backup; those of reading either side.
pub async fn run(session: &Session, verb: Diff) -> Result {
    let filter = filters::filter(&filters::scoped(verb.filters.clone(), &verb.scope)?)?;
    let sides = async {
        let keys = open::keys(&verb.identities)?;
        let location = place::open(session, &verb.at).await?;
        let mut before = open::named(&location, &verb.before, &keys).await?;
        before.spool().await?;
        let after = match &verb.after {
            Some(name) => Side::Stored(Stored::Backup(Box::new(open::named(&location, name, &keys).await?))),
            None => Side::Live(Box::new(Live::connect(session).await?)),
        };
        Ok((Stored::Backup(Box::new(before)), after))
    };
    compare::run::<BackupDiff>(session, filter, compare::options(verb.noise, verb.show_secrets), sides).await
}
