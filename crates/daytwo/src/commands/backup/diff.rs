//! `daytwo backup diff`: what was added, removed and changed between two backups, or a backup and the cluster.

use crate::cli::backup::Diff;
use crate::commands::compare::live::Live;
use crate::commands::compare::stored::Stored;
use crate::commands::compare::{self, Side};
use crate::commands::twin::open::Means;
use crate::failure::Result;
use crate::filters;
use crate::place;
use crate::settings::Session;
use crate::site;

use super::open;

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
            None => {
                let means = Means::beside(&verb.at, &verb.identities);
                Side::Live(Box::new(Live::of(site::open(session, None, means).await?.site).await?))
            }
        };
        Ok((Stored::Backup(Box::new(before)), after))
    };
    compare::run(session, "BackupDiff", filter, compare::options(verb.noise, verb.show_secrets), sides).await
}
