//! Gives parked webhooks their failure policy back, each once somebody answers for it. What is parked stands in the
//! cluster, so that any later run finds and finishes it. It refuses to lock a door that nobody opens: a webhook without
//! an answer stays parked, and is named with the command that releases it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use daytwo_core::finding::{Finding, Severity};
use daytwo_core::json::JsonError;
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{
    Later, Source, Verdict, by_hand, is_webhooks, parked, release, webhook_name, webhooks,
};
use http::Method;
use tokio::time::{Instant, sleep};

use super::answers::{Answers, Samples};
use super::object::{Objects, Trouble};
use super::{failed, step_name};
use crate::advance::{Act, Carried, RunError};
use crate::api::ApiError;
use crate::event::Event;
use crate::restore::{Admitted, Intake, Live};

/// The id of the finding about a configuration that stays parked.
pub(super) const PARKED: &str = "restore-webhook-parked";
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
    /// Somebody changed it meanwhile, only some were answered for, or none; `settled` unless another look may find more.
    Again { silent: Silent, settled: bool },
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
                Looked::Again { silent, settled } => waiting.push((one, silent, settled)),
            }
        }
        late += u32::from(since.elapsed() >= deadline);
        let all_known = waiting.iter().all(|(.., settled)| *settled);
        if waiting.is_empty() || late > 0 && all_known || late > LATE_LOOKS {
            for (one, silent, _) in &waiting {
                act.tally(|tally| tally.findings.push(stays(one, silent)));
            }
            return Ok(Carried::default());
        }
        if let Some((one, silent, _)) = waiting.first() {
            let because = format!("{} stays parked: {}", one.key, silent.why);
            act.world.events.event(Event::Waiting { what: step_name::RELEASE.to_owned(), because });
        }
        left = waiting.into_iter().map(|(one, ..)| one).collect();
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
        return Ok(Looked::Again { silent: Silent { live, left, why }, settled: true });
    }
    let body = release(&live, &released, &left).map_err(garbled)?;
    let write = act.world.rules.prepare(&source);
    let manager = write.as_ref().ok().and_then(|write| write.manager.as_deref());
    match objects.writer.put_once(&path, body, manager).await {
        Ok(()) if left.is_empty() => {}
        Ok(()) => {
            return Ok(Looked::Again { silent: Silent { live, left, why }, settled: false });
        }
        Err(error) if error.code() == Some(409) => {
            left.extend(released);
            let why = "it was changed each time that it was to be released".to_owned();
            return Ok(Looked::Again { silent: Silent { live, left, why }, settled: false });
        }
        Err(error) => {
            let failed = failed(one.key.clone(), &error, &[], "its webhooks stay parked");
            act.tally(|tally| tally.failed(failed));
            return Ok(Looked::Done);
        }
    }
    let follows = write.ok().and_then(|write| write.later);
    if let Some(later) = follows {
        managers_back(one, objects, &later, act).await;
    }
    Ok(Looked::Done)
}

/// Gives the managers of its fields back, where they are several; what is lost on the way is told.
async fn managers_back(one: &Parked, objects: &Objects<'_>, later: &Later, act: &Act<'_>) {
    let mut notes = Vec::new();
    let followed = objects.follow(&one.source(), &one.key, later, true, &mut notes).await;
    act.tally(|tally| {
        for note in notes {
            tally.note(one.key.clone(), note);
        }
        match followed {
            Err(Trouble::Refused { error, body, what }) => {
                tally.failed(failed(one.key.clone(), &error, &body, what));
            }
            // What cannot be read was counted with the plan; a halted run is gone on with.
            Err(Trouble::Source(_) | Trouble::Halted) | Ok(()) => {}
        }
    });
}

fn stays(one: &Parked, silent: &Silent) -> Finding {
    let kind = one.admitted.kind.kind.to_lowercase();
    let names: Vec<&str> = silent.left.keys().map(String::as_str).collect();
    Finding {
        id: PARKED.to_owned(),
        severity: Severity::Warning,
        subject: one.key.to_string(),
        evidence: format!("nobody answers for {}: {}", names.join(", "), silent.why),
        breaks: "what they would judge passes unjudged: their failurePolicy is Ignore, and was Fail"
            .to_owned(),
        remedy: "once somebody answers, restore again, which releases them, or do it by hand".to_owned(),
        command: by_hand(&kind, &one.key.name, &silent.live, &silent.left).ok(),
    }
}
