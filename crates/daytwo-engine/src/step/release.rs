//! Gives parked webhooks their failure policy back, each once somebody answers for it. What is parked stands in the
//! cluster, so that any later run finds and finishes it. It refuses to lock a door that nobody opens: a webhook without
//! an answer stays parked, and is named with the command that releases it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use daytwo_core::finding::{Finding, Severity};
use daytwo_core::json::JsonError;
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Source, Verdict, by_hand, is_webhooks, parked, release, webhook_name, webhooks};
use http::Method;
use tokio::time::{Instant, sleep};

use super::answers::{Answers, Samples};
use super::object::{Objects, Trouble};
use super::{failed, request::Writer, step_name};
use crate::advance::{Act, Carried, RunError};
use crate::api::ApiError;
use crate::event::Event;
use crate::restore::{Admitted, Intake, Live};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks after the deadline at what was changed in the middle of one.
const LATE_LOOKS: u32 = 5;

/// A configuration of the backup that may be parked.
struct Parked {
    admitted: Admitted,
    key: ObjectKey,
}

impl Parked {
    fn source(&self) -> Source<'_> {
        self.admitted.source()
    }
}

/// Webhooks that nobody answers for.
struct Silent {
    live: Bytes,
    left: BTreeMap<String, String>,
    why: String,
}

/// What came of one look at a configuration.
enum Looked {
    /// Nothing of it is parked.
    Done,
    /// Somebody changed it meanwhile, or only some were answered for.
    Again(Option<Silent>),
}

/// Releases what is answered for, up to `deadline`.
pub(super) async fn release_all(deadline: Duration, act: &Act<'_>) -> Result<Carried, RunError> {
    let cluster = |source| RunError::Cluster { step: step_name::RELEASE.to_owned(), source };
    let samples = Samples::gather(act).await?;
    let mut left = gather(act).await?;
    let objects = Objects::new(act, Live::default(), None);
    let since = Instant::now();
    let mut late = 0;
    loop {
        let mut waiting = Vec::new();
        for one in left {
            if !act.may_act().await {
                return Ok(Carried { stopped: true, ..Carried::default() });
            }
            match look(&one, act, &samples, &objects).await.map_err(cluster)? {
                Looked::Done => {}
                Looked::Again(silent) => waiting.push((one, silent)),
            }
        }
        late += u32::from(since.elapsed() >= deadline);
        let all_known = waiting.iter().all(|(_, silent)| silent.is_some());
        if waiting.is_empty() || late > 0 && all_known || late > LATE_LOOKS {
            for (one, silent) in &waiting {
                silent.iter().for_each(|silent| act.tally(|tally| tally.findings.push(stays(one, silent))));
            }
            return Ok(Carried::default());
        }
        if let Some((one, silent)) = waiting.first() {
            let why = silent.as_ref().map_or("it was changed meanwhile", |silent| &silent.why);
            let because = format!("{} stays parked: {why}", one.key);
            act.world.events.event(Event::Waiting { what: step_name::RELEASE.to_owned(), because });
        }
        left = waiting.into_iter().map(|(one, _)| one).collect();
        tokio::select! {
            () = act.halt.cancelled() => {}
            () = sleep(PAUSE) => {}
        }
    }
}

async fn gather(act: &Act<'_>) -> Result<Vec<Parked>, RunError> {
    let rules = act.world.rules;
    let mut entries = act.world.backup.entries().await?;
    let mut intake = Intake::new(rules.target());
    let mut found = Vec::new();
    while let Some(entry) = entries.next().await? {
        let admitted = intake.admit(entry);
        if admitted.stays_behind() || !is_webhooks(&admitted.kind.group_resource()) {
            continue;
        }
        if matches!(rules.judge(&admitted.source()), Ok(Verdict::Take(_))) {
            let key = rules.key(&admitted.source());
            found.push(Parked { admitted, key });
        }
    }
    Ok(found)
}

async fn look(
    one: &Parked,
    act: &Act<'_>,
    samples: &Samples,
    objects: &Objects<'_>,
) -> Result<Looked, ApiError> {
    let source = one.source();
    let path = objects.path(&source, &one.key);
    let garbled = |error: JsonError| ApiError::Garbled {
        method: Method::GET,
        path: path.clone(),
        what: error.to_string(),
    };
    let Some(live) = objects.writer.get(&path).await? else { return Ok(Looked::Done) };
    let mut left = parked(&live).map_err(garbled)?;
    if left.is_empty() {
        return Ok(Looked::Done);
    }
    let answers = Answers::new(act, samples);
    let (mut released, mut why) = (BTreeMap::new(), String::new());
    for webhook in webhooks(&live).map_err(garbled)? {
        let name = webhook_name(webhook).map_err(garbled)?;
        let Some(policy) = left.get(&name).cloned() else { continue };
        match answers.ask(&one.admitted.kind, &one.key.name, webhook).await? {
            Ok(()) => {
                left.remove(&name);
                released.insert(name, policy);
            }
            Err(because) => why = because,
        }
    }
    if released.is_empty() {
        return Ok(Looked::Again(Some(Silent { live, left, why })));
    }
    let body = release(&live, &released, &left).map_err(garbled)?;
    match give_back(one, objects, &path, body, left.is_empty()).await {
        Ok(()) if left.is_empty() => Ok(Looked::Done),
        Err(error) if error.code() != Some(409) => {
            let failed = failed(one.key.clone(), &error, &[], "its webhooks stay parked");
            act.tally(|tally| tally.failed(failed));
            Ok(Looked::Done)
        }
        _ => Ok(Looked::Again(None)),
    }
}

/// Writes it as the manager of its fields, so that they stay that one's; where there are several, they are given back.
async fn give_back(
    one: &Parked,
    objects: &Objects<'_>,
    path: &str,
    body: Vec<u8>,
    whole: bool,
) -> Result<(), ApiError> {
    let source = one.source();
    let write = objects.act.world.rules.prepare(&source).ok();
    let writer: &Writer<'_> = &objects.writer;
    let manager = write.as_ref().and_then(|write| write.manager.as_deref());
    writer.put_once(path, body, manager).await?;
    if let Some(later) = write.as_ref().and_then(|write| write.later.as_ref()).filter(|_| whole) {
        match objects.follow(&source, &one.key, later, true, &mut Vec::new()).await {
            Err(Trouble::Refused { error, .. }) => return Err(error),
            _ => return Ok(()),
        }
    }
    Ok(())
}

fn stays(one: &Parked, silent: &Silent) -> Finding {
    let kind = one.admitted.kind.kind.to_lowercase();
    let names: Vec<&str> = silent.left.keys().map(String::as_str).collect();
    Finding {
        id: "restore-webhook-parked".to_owned(),
        severity: Severity::Warning,
        subject: one.key.to_string(),
        evidence: format!("nobody answers for {}: {}", names.join(", "), silent.why),
        breaks: "what they would judge passes unjudged: their failurePolicy is Ignore, and was Fail"
            .to_owned(),
        remedy: "once somebody answers, restore again, which releases them, or do it by hand".to_owned(),
        command: by_hand(&kind, &one.key.name, &silent.live, &silent.left).ok(),
    }
}
