//! Who has to answer before an object is written: the back ends of a webhook that refuses what it cannot be asked
//! about, the one that converts a custom resource to the version it is stored at. It refuses to let in what would lock
//! the door behind it.

use std::collections::BTreeSet;
use std::time::Duration;

use daytwo_core::restore::{Skip, Source, Unfit, Wave, is_webhooks, refuses, webhooks};
use tokio::time::{Instant, sleep};

use super::answers::{Answers, Samples};
use super::object::Objects;
use super::outcome::Outcome;
use super::{duration, endpoints};
use crate::advance::{Act, RunError};
use crate::api::ApiError;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What holds objects of one wave back.
pub(super) struct Door<'a> {
    act: &'a Act<'a>,
    wave: Wave,
    /// Services without a ready endpoint, after they were waited for.
    unready: BTreeSet<String>,
    samples: Samples,
    since: Instant,
}

impl<'a> Door<'a> {
    /// Before `wave`.
    pub async fn before(wave: Wave, act: &'a Act<'a>) -> Result<Self, RunError> {
        let cluster = |source| RunError::Cluster { step: format!("restoring {wave}"), source };
        let unready = match wave {
            Wave::Webhooks | Wave::Converted => endpoints::unready(act).await.map_err(cluster)?,
            _ => BTreeSet::new(),
        };
        let samples = match wave {
            Wave::Webhooks => Samples::gather(act).await?,
            _ => Samples::default(),
        };
        Ok(Self { act, wave, unready, samples, since: Instant::now() })
    }

    /// What becomes of `source` where nothing answers; `None` if it may be written.
    pub async fn holds(
        &self,
        source: &Source<'_>,
        objects: &Objects<'_>,
    ) -> Result<Option<Outcome>, ApiError> {
        let (rules, key) = (self.act.world.rules, self.act.world.rules.key(source));
        if self.wave == Wave::Converted {
            let service = rules.converter(&key.resource, &source.resource.version);
            let silent = service.is_some_and(|service| self.unready.contains(&service));
            return Ok(silent.then(|| Outcome::skipped(key, Skip::ConverterNotReady, Vec::new())));
        }
        // What is there stands in nobody's way that it did not stand in before.
        if self.wave != Wave::Webhooks || !is_webhooks(&key.resource) || objects.seen(source).is_some() {
            return Ok(None);
        }
        let prepared = rules.parks(source).map_err(Unfit::from);
        let configuration = match prepared.and_then(|parks| Ok((parks, rules.prepare(source)?))) {
            Ok((true, _)) => return Ok(None),
            Ok((false, write)) => write.body,
            Err(error) => return Ok(Some(Outcome::unfit(key, &error))),
        };
        let list = match webhooks(&configuration) {
            Ok(list) => list,
            Err(error) => return Ok(Some(Outcome::unfit(key, &error.into()))),
        };
        for webhook in list {
            if refuses(webhook).unwrap_or(true)
                && let Err(why) = self.answered(source, webhook).await?
            {
                return Ok(Some(Outcome::skipped(
                    key,
                    Skip::BackendNotReady,
                    vec![format!("was left out: {why}")],
                )));
            }
        }
        Ok(None)
    }

    /// Asks until the webhook answers, or it is too late. Services were waited for before.
    async fn answered(&self, source: &Source<'_>, webhook: &[u8]) -> Result<Result<(), String>, ApiError> {
        let deadline = duration(self.act.world.rules.request().waits.endpoints);
        let answers = Answers::new(self.act, &self.samples);
        loop {
            // A halted run writes nothing, whatever is answered here.
            if !self.act.may_act().await {
                return Ok(Ok(()));
            }
            let why = match answers.ask(source.resource, source.name, webhook).await? {
                Ok(()) => return Ok(Ok(())),
                Err(why) => why,
            };
            let silent = answers.service(webhook).is_some_and(|service| self.unready.contains(&service));
            if silent || self.since.elapsed() >= deadline {
                return Ok(Err(why));
            }
            tokio::select! {
                () = self.act.halt.cancelled() => {}
                () = sleep(PAUSE) => {}
            }
        }
    }
}
