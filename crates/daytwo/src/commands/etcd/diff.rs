//! `daytwo etcd diff`: what was added, removed and changed between two files, or a file and the cluster.

use super::open::Opened;
use super::snapshot::Snapshot;
use crate::cli::etcd::file::Diff;
use crate::cli::shared::{At, Identities};
use crate::commands::compare::live::Live;
use crate::commands::compare::stored::Stored;
use crate::commands::compare::{self, Side};
use crate::commands::twin::open::Means;
use crate::failure::Result;
use crate::filters;
use crate::settings::Session;
use crate::site;

/// Compares and prints.
///
/// # Errors
/// As opening the files; those of the cluster.
pub async fn run(session: &Session, verb: Diff) -> Result {
    let filter = filters::filter(&filters::scoped(verb.filters.clone(), &verb.scope)?)?;
    let sides = async {
        let open = |file, at| -> Result<Stored> {
            let opened = Opened::open(session, file, &verb.reading)?;
            Ok(Stored::Snapshot(Box::new(Snapshot::of(opened, at)?)))
        };
        let before = open(&verb.before, verb.revision)?;
        let after = match &verb.after {
            Some(file) => Side::Stored(open(file, verb.to_revision)?),
            None => {
                let (at, identities) = (At::default(), Identities::default());
                let means = Means::beside(&at, &identities);
                Side::Live(Box::new(Live::of(site::open(session, None, means).await?.site).await?))
            }
        };
        Ok((before, after))
    };
    compare::run(session, "EtcdDiff", filter, compare::options(verb.noise, verb.show_secrets), sides).await
}
