//! Gives a run up: what earlier steps had to leave half done is put in order, and nothing else is begun.
//!
//! An aborted run ends released. The journal says first that the run is given up, so that nobody resumes it; then its
//! release steps are carried out as in any run; then it says what stands. It refuses to take back what was restored: a
//! restored object is as good as any other.

use daytwo_archive::Location;
use daytwo_core::restore::Report;

use super::{RestoreError, Runner, record};
use crate::advance;
use crate::event::{Clock, Observer};
use crate::journal::{Entry, Journal, JournalError, Timing};

impl Runner<'_> {
    /// Gives up `run`, held by `holder` as with [`Runner::start`]: carries out its release steps and ends it. One that
    /// was stopped or killed in this is given up by the same call again.
    ///
    /// # Errors
    /// As [`Runner::resume`].
    pub async fn abort(&self, run: &str, because: &str, holder: &str) -> Result<Report, RestoreError> {
        let recorded = Journal::read(self.location, run).await?;
        let (mut journal, rules) = self.take(&recorded, holder).await?;
        begin(&mut journal, because, self.clock).await?;
        self.run(&mut journal, &rules).await
    }
}

/// Gives up `run`, of the journals at `location`, without a look at its cluster, which may be gone: nothing is
/// released, and the journal says what stands.
///
/// # Errors
/// Those of the journal; [`JournalError::Ended`] if the run is over.
pub async fn abandon(
    location: &Location,
    run: &str,
    because: &str,
    holder: &str,
    timing: Timing,
    clock: &dyn Clock,
    events: &dyn Observer,
) -> Result<Report, JournalError> {
    let mut journal = Journal::take(location, run, holder, timing, clock, events).await?;
    begin(&mut journal, because, clock).await?;
    let report = record::ending(journal.recorded(), None, clock.now());
    record::beside_journal(location, events, &report).await;
    advance::end(&mut journal, report.finished).await?;
    Ok(report)
}

async fn begin(journal: &mut Journal, because: &str, clock: &dyn Clock) -> Result<(), JournalError> {
    if journal.recorded().abort.is_some() {
        return Ok(());
    }
    journal.append(Entry::Aborting { because: because.to_owned() }, clock.now()).await
}
