//! `daytwo runs abort`: gives a run up, released.

use daytwo_core::plan::Kind;
use daytwo_core::restore::State;
use daytwo_engine::Site;
use daytwo_engine::journal::Timing;
use daytwo_engine::restore::{RestoreError, abandon, recorded};

use crate::cli::runs::Abort;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::place;
use crate::progress::Progress;
use crate::settings::Session;

use super::super::backup::open;
use super::super::restore::create::{Sides, holder};
use super::super::restore::report::{self, ReportDocument};
use super::super::restore::resume::flag;
use super::find;

/// Carries out what releases, ends the run and prints its report; exit 1 where something is to be acted on.
///
/// # Errors
/// Exit 2 for a run that is unknown or ended, exit 4 where another runner is at it, or cluster or backup changed.
pub async fn run(session: &Session, verb: Abort) -> Result {
    if verb.abandon {
        return abandoned(session, &verb).await;
    }
    let keys = open::keys(&verb.identities)?;
    let opening = async {
        let journals = place::journals(session, &verb.at, &verb.journals).await?;
        find::known(&journals, &verb.run).await?;
        let Kind::Restore(request) = recorded(&journals, &verb.run).await?.plan.kind;
        let location = place::open(session, &verb.at).await?;
        let mut backup = open::named(&location, &request.backup, &keys).await?;
        let site = Site::connect(&session.cluster).await?;
        backup.spool().await?;
        Ok::<_, Failure>(Sides { site, journals, backup })
    };
    let again = format!("daytwo runs abort {}{}", verb.run, flag(&verb.journals));
    let gone = || format!("{again} --abandon, if its cluster or its backup is gone");
    let stopped = || Failure::new(Exit::Failed, "stopped; the run stands as it stood");
    let opened = session.interrupt.or(opening).await.ok_or_else(stopped)?;
    let sides = opened.map_err(|failure| failure.or_try(gone()))?;
    let progress = Progress::new(session);
    let given_up = sides.runner(session, &progress).abort(&verb.run, &verb.because, &holder(session)).await;
    drop(progress);
    match given_up {
        Err(error @ RestoreError::Stale { .. }) => Err(Failure::from(error).or_try(gone())),
        given_up => report::end(session, &again, given_up),
    }
}

async fn abandoned(session: &Session, verb: &Abort) -> Result {
    let progress = Progress::new(session);
    let ending = async {
        let journals = place::journals(session, &verb.at, &verb.journals).await?;
        find::known(&journals, &verb.run).await?;
        let (holder, clock) = (holder(session), &*session.clock);
        let timing = Timing::default();
        let ended = abandon(&journals, &verb.run, &verb.because, &holder, timing, clock, &progress).await?;
        Ok::<_, Failure>(ended)
    };
    let stopped = || Failure::new(Exit::Failed, "stopped");
    let report = session.interrupt.or(ending).await.ok_or_else(stopped)??;
    drop(progress);
    let stands = matches!(&report.state, State::Aborted { stands, .. } if !stands.is_empty());
    session.out.document(&ReportDocument::new(report))?;
    Ok(if stands { Exit::Findings } else { Exit::Done })
}
