//! The dry run that asks the server too: what it refuses is foreseen as failed. It refuses to write.

use std::collections::BTreeSet;

use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Action, Asked, Scope};

use super::{Planned, RestoreError, Runner};
use crate::advance::RunError;
use crate::event::Event;
use crate::step::ask::{self, Question};

impl Runner<'_> {
    /// Asks the server about the objects that `planned` would create, and corrects what is foreseen by its answers.
    /// Nothing is written.
    ///
    /// # Errors
    /// As [`Runner::plan`].
    pub async fn ask(&self, planned: &mut Planned, scope: Scope) -> Result<Asked, RestoreError> {
        let what = "asking the server".to_owned();
        self.events.event(Event::Started { what: what.clone() });
        let question = Question {
            client: self.site.client(),
            backup: self.backup,
            rules: &planned.rules,
            events: self.events,
            stop: self.stop,
            scope,
        };
        let answered = self.stop.run_until_cancelled(ask::ask(question)).await;
        let (asked, refused) = answered.ok_or(RestoreError::Cancelled)?.map_err(|error| match error {
            RunError::Cluster { source, .. } => RestoreError::Cluster(source),
            RunError::Backup(error) => RestoreError::Backup(error),
            RunError::Journal(error) => RestoreError::Journal(error),
            source => RestoreError::Stopped { run: planned.plan.id.clone(), source },
        })?;
        self.events.event(Event::Finished { what });
        let not_taken: BTreeSet<&ObjectKey> = refused.iter().map(|failed| &failed.object).collect();
        for object in planned.objects.iter_mut().filter(|object| not_taken.contains(&object.object)) {
            object.action = Action::Failed;
        }
        planned.report.correct(refused, &asked);
        Ok(asked)
    }
}
