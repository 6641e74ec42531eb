//! `daytwo runs abort`: gives a run up, released.

use daytwo_core::restore::State;
use daytwo_engine::journal::Timing;
use daytwo_engine::restore::{RestoreError, abandon};

use crate::cli::runs::Abort;
use crate::cli::shared::OneRun;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::place;
use crate::progress::Progress;
use crate::settings::Session;
use crate::site;

use super::super::restore::drill;
use super::super::restore::report::{self, ReportDocument};
use super::super::restore::sides::{Sides, holder};
use super::find;

/// Carries out what releases, ends the run and prints its report; exit 1 where something is to be acted on.
///
/// # Errors
/// Exit 2 for a run that is unknown or ended, exit 4 where another runner is at it, or cluster or backup changed.
pub async fn run(session: &Session, verb: Abort) -> Result {
    if verb.abandon {
        return abandoned(session, &verb).await;
    }
    let OneRun { run, places } = &verb.one;
    let again = format!("daytwo runs abort {run}{}", places.flags());
    let gone = || format!("{again} --abandon, if its cluster or its backup is gone");
    let opening = async {
        let journals = place::journals(session, places).await?;
        let recorded = find::one(&journals, run).await?;
        let backup = find::restore(&recorded)?.backup.clone();
        if site::was_twin(&recorded.plan.site.context) {
            return Ok::<_, Failure>(None);
        }
        let near = Sides::near(session, &places.at, journals, &verb.identities, &backup, None);
        let sides = near.await.map_err(|failure| failure.or_try(gone()))?;
        drill::gone(&recorded, sides.twin.is_some())?;
        Ok(Some(sides))
    };
    let stopped = || Failure::new(Exit::Failed, "stopped; the run stands as it stood");
    let Some(sides) = session.interrupt.or(opening).await.ok_or_else(stopped)?? else {
        // Nothing is left of a twin that could be released.
        return abandoned(session, &verb).await;
    };
    let progress = Progress::new(session);
    let given_up = sides.runner(session, &progress).abort(run, &verb.because, &holder(session)).await;
    drop(progress);
    match given_up {
        Err(error @ RestoreError::Stale { .. }) => Err(Failure::from(error).or_try(gone())),
        given_up => report::end(session, &again, places, given_up),
    }
}

async fn abandoned(session: &Session, verb: &Abort) -> Result {
    let OneRun { run, places } = &verb.one;
    let reading = async {
        let journals = place::journals(session, places).await?;
        find::restore(&find::one(&journals, run).await?)?;
        Ok::<_, Failure>(journals)
    };
    let stopped = || Failure::new(Exit::Failed, "stopped; the run stands as it stood");
    let journals = session.interrupt.or(reading).await.ok_or_else(stopped)??;
    let progress = Progress::new(session);
    let (holder, clock) = (holder(session), &*session.clock);
    // It writes: once begun it is let end.
    let ended = abandon(&journals, run, &verb.because, &holder, Timing::default(), clock, &progress).await;
    drop(progress);
    let report = ended?;
    let stands = matches!(&report.state, State::Aborted { stands, .. } if !stands.is_empty());
    session.out.document(&ReportDocument::new(report))?;
    Ok(if stands { Exit::Findings } else { Exit::Done })
}
