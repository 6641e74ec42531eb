//! `daytwo restore resume`: goes on where a run stopped.

use daytwo_core::plan::Kind;
use daytwo_engine::Site;
use daytwo_engine::restore::recorded;

use crate::cli::restore::Resume;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::place;
use crate::progress::Progress;
use crate::settings::Session;

use super::super::backup::open;
use super::create::{Sides, holder};
use super::list;

/// Goes on with the run and prints the report of all of it.
///
/// # Errors
/// Exit 2 for a run that is unknown or ended, exit 4 where another runner is at it, or cluster or backup changed.
pub async fn run(session: &Session, verb: Resume) -> Result {
    let keys = open::keys(&verb.identities)?;
    let opening = async {
        let location = place::open(session, &verb.at).await?;
        list::known(&location, &verb.run).await?;
        let Kind::Restore(request) = recorded(&location, &verb.run).await?.plan.kind;
        let mut backup = open::named(&location, &request.backup, &keys).await?;
        let site = Site::connect(&session.cluster).await?;
        backup.spool().await?;
        Ok::<_, Failure>(Sides { site, location, backup })
    };
    let stopped = || Failure::new(Exit::Failed, "stopped; the run stands as it stood");
    let sides = session.interrupt.or(opening).await.ok_or_else(stopped)??;
    let progress = Progress::new(session);
    let report = sides.runner(session, &progress).resume(&verb.run, &holder(session)).await;
    drop(progress);
    super::report::end(session, &verb.run, report)
}
