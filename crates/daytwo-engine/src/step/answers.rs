//! Whether anybody answers for a webhook: its Service has a ready endpoint, and a dry run of a write through it passes.
//!
//! For the dry run a configuration with the same back end is made that matches one labelled object only, and is
//! deleted again; one that a killed run left is deleted by the next that asks. It refuses to take what a webhook says
//! for silence: one that says no answers.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use daytwo_core::json::text_at;
use daytwo_core::resource::ResourceType;
use daytwo_core::restore::{Source, Unfit, Verdict, is_webhooks, probe, refuses, webhook_name, webhooks};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use super::endpoints::{self, Readiness};
use super::request::{Tries, Writer};
use crate::advance::{Act, RunError};
use crate::api::ApiError;
use crate::discovery;
use crate::restore::Intake;

/// How long a server may take to know a configuration that was just made.
const KNOWN_WITHIN: Duration = Duration::from_secs(10);
/// How long a server may push back before a webhook counts as not answered for.
const DRY_RUN_WITHIN: Duration = Duration::from_secs(30);
/// The first pause between two looks whether it does.
const PAUSE: Duration = Duration::from_millis(50);

/// What a webhook is asked about: a collection, and an object for it.
struct Sample {
    path: String,
    body: Vec<u8>,
}

/// Objects of the backup that webhooks can be asked about, by the configuration's resource and name, and the webhook's.
#[derive(Default)]
pub(super) struct Samples(BTreeMap<(String, String, String), Sample>);

/// A webhook that wants a sample.
struct Wanting {
    at: (String, String, String),
    webhook: Vec<u8>,
}

impl Samples {
    /// Looks for an object for each webhook that refuses what it cannot be asked about.
    pub async fn gather(act: &Act<'_>) -> Result<Self, RunError> {
        let rules = act.world.rules;
        let mut samples = BTreeMap::new();
        let mut wanting = Vec::new();
        each(act, |source| {
            let resource = source.resource.group_resource();
            if is_webhooks(&resource) && matches!(rules.judge(source)?, Verdict::Take(_)) {
                for webhook in webhooks(source.bytes)? {
                    if refuses(webhook)? && probe::may_rehearse(webhook)? {
                        let at = (resource.clone(), source.name.to_owned(), webhook_name(webhook)?);
                        wanting.push(Wanting { at, webhook: webhook.to_vec() });
                    }
                }
            }
            Ok(true)
        })
        .await?;
        if wanting.is_empty() {
            return Ok(Self::default());
        }
        each(act, |source| {
            if !probe::can_stand(source) {
                return Ok(true);
            }
            let mut asked = Vec::new();
            for (at, one) in wanting.iter().enumerate() {
                if probe::is_asked_about(&one.webhook, source.resource)? {
                    asked.push(at);
                }
            }
            if asked.is_empty() || !matches!(rules.judge(source)?, Verdict::Take(_)) {
                return Ok(true);
            }
            let namespace = rules.key(source).namespace;
            let path = discovery::path(source.resource, &source.resource.version, namespace.as_deref());
            let body = rules.prepare(source)?.body;
            for at in asked.into_iter().rev() {
                let sample = Sample { path: path.clone(), body: body.clone() };
                samples.insert(wanting.swap_remove(at).at, sample);
            }
            Ok(!wanting.is_empty())
        })
        .await?;
        Ok(Self(samples))
    }
}

/// Hands the backup's objects to `object` until it says that it has enough. What cannot be read is passed over: it was
/// counted as failed.
async fn each(
    act: &Act<'_>,
    mut object: impl FnMut(&Source<'_>) -> Result<bool, Unfit>,
) -> Result<(), RunError> {
    let mut entries = act.world.backup.entries().await?;
    let mut intake = Intake::new(act.world.rules.target());
    while let Some(entry) = entries.next().await? {
        let admitted = intake.admit(entry);
        if !admitted.stays_behind() && matches!(object(&admitted.source()), Ok(false)) {
            break;
        }
    }
    Ok(())
}

/// Asks webhooks.
pub(super) struct Answers<'a> {
    act: &'a Act<'a>,
    writer: Writer<'a>,
    samples: &'a Samples,
}

impl<'a> Answers<'a> {
    /// With objects to ask about.
    pub fn new(act: &'a Act<'a>, samples: &'a Samples) -> Self {
        let writer = Writer::of(act);
        Self { act, writer, samples }
    }

    /// The Service behind a webhook, as `namespace/name`; `None` of one that is called by a URL.
    pub fn service(&self, webhook: &[u8]) -> Option<String> {
        let at = |key| text_at(webhook, &["clientConfig", "service", key]).ok().flatten();
        Some(format!("{}/{}", at("namespace")?, at("name")?))
    }

    /// Whether `webhook`, as it is or would be in the cluster, of a configuration of `kind` called `name`, is answered
    /// for; else why not.
    pub async fn ask(
        &self,
        kind: &ResourceType,
        name: &str,
        webhook: &[u8],
    ) -> Result<Result<(), String>, ApiError> {
        // Where nobody can tell, a ready endpoint is taken for an answer.
        let unknown = match self.service(webhook) {
            None => Err("it is called by a URL, and nobody can tell whether that answers".to_owned()),
            Some(service) => match endpoints::ready(self.act, &service).await? {
                Readiness::Some => Ok(()),
                Readiness::None => return Ok(Err(format!("{service} has no ready endpoint"))),
                Readiness::Unknown => {
                    Err(format!("the caller may not see whether {service} has a ready endpoint"))
                }
            },
        };
        Ok(self.rehearse(kind, name, webhook).await?.unwrap_or(unknown))
    }

    async fn rehearse(
        &self,
        kind: &ResourceType,
        configuration: &str,
        webhook: &[u8],
    ) -> Result<Option<Result<(), String>>, ApiError> {
        let Ok(name) = webhook_name(webhook) else { return Ok(None) };
        if !probe::may_rehearse(webhook).unwrap_or_default() {
            return Ok(None);
        }
        let at = (kind.group_resource(), configuration.to_owned(), name);
        let made;
        let (sample, rules) = match self.samples.0.get(&at) {
            Some(sample) => (sample, probe::Rules::OfTheWebhook),
            None => {
                let Ok((kind, body, rules)) = probe::stand_in(webhook) else { return Ok(None) };
                // A ready endpoint says more than an answer about what the webhook is never asked about.
                if rules == probe::Rules::OfTheStandIn && self.service(webhook).is_some() {
                    return Ok(None);
                }
                let path = discovery::path(&kind, &kind.version, Some("default"));
                made = Sample { path, body };
                (&made, rules)
            }
        };
        let probe_name = probe_name(&at);
        let Ok(body) = probe::probe(kind, &probe_name, webhook, rules) else { return Ok(None) };
        let collection = discovery::path(kind, &kind.version, None);
        let path = format!("{collection}/{probe_name}");
        // Who may not take the probe away again makes none.
        if !self.writer.remove(&path).await? {
            return Ok(None);
        }
        match self.writer.create(&collection, body, None, false).await {
            Ok(_) => {}
            // Nobody can tell: the caller may not, or the server does not take it.
            Err(error) if error.code().is_some() => return Ok(None),
            Err(error) => return Err(error),
        }
        let answer = self.through(&at.2, sample, rules).await;
        self.writer.remove(&path).await?;
        answer
    }

    /// Waits until the server knows the probe, then writes through it.
    async fn through(
        &self,
        name: &str,
        sample: &Sample,
        rules: probe::Rules,
    ) -> Result<Option<Result<(), String>>, ApiError> {
        let since = Instant::now();
        let mut pause = PAUSE;
        loop {
            let said = self.dry_run(sample, probe::KNOWN).await?;
            match probe::answers(probe::KNOWN_NAME, said.as_deref(), probe::Rules::OfTheWebhook) {
                Some(Err(_)) => break,
                None => return Ok(None),
                Some(Ok(())) if since.elapsed() >= KNOWN_WITHIN || self.act.halt.is_cancelled() => {
                    return Ok(None);
                }
                Some(Ok(())) => sleep(pause).await,
            }
            pause = (pause * 2).min(Duration::from_secs(1));
        }
        let said = self.dry_run(sample, probe::ASKS).await?;
        Ok(probe::answers(name, said.as_deref(), rules))
    }

    /// Writes the sample, labelled `value`, and nothing of it stays; what the server said if it refused.
    async fn dry_run(&self, sample: &Sample, value: &str) -> Result<Option<String>, ApiError> {
        let Ok(body) = probe::labelled(&sample.body, value) else { return Ok(Some(String::new())) };
        let body = Bytes::from(body);
        let mut tries = Tries::new(DRY_RUN_WITHIN, false);
        loop {
            match self.writer.would_take_once(&sample.path, body.clone()).await {
                Ok(_) => return Ok(None),
                // A server without time says nothing about the webhook.
                Err(error) if error.pushes_back() => tries.again(error, &self.act.halt).await?,
                Err(ApiError::Status { message, .. }) => return Ok(Some(message)),
                Err(error) => return Err(error),
            }
        }
    }
}

/// The same for the same webhook, so that what a killed run left is found.
fn probe_name((resource, configuration, webhook): &(String, String, String)) -> String {
    let mut digest = Sha256::new();
    for part in [resource, configuration, webhook] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let hex: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("daytwo-restore-probe-{hex}")
}
