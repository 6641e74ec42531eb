//! Gives PersistentVolumes their own reclaim policy back once they are bound. It refuses to do so before: a volume
//! with the policy `Delete` that is released on the way loses its disk.

use std::time::Duration;

use daytwo_core::finding::{Finding, Severity};
use daytwo_core::json::{JsonError, Meta, elements, find, quote, string, text_at};
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::RECLAIM_MARK;
use tokio::time::{Instant, sleep};

use super::{failed, request::Writer};
use crate::advance::Act;
use crate::api::ApiError;
use crate::event::Event;
use crate::restore::lists::{self, escape};

/// The finding about a volume that stays at `Retain`.
pub(super) const HELD: &str = "restore-volume-held-at-retain";
/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// A volume that is held at `Retain`.
struct Held {
    name: String,
    policy: String,
    version: String,
    bound: bool,
    /// Whoever set its policy with an update, and goes on to manage it.
    manager: Option<String>,
    /// Namespace and name of the claim it is reserved for.
    claim: Option<(String, String)>,
}

/// Gives back the policy of every volume of the backup that carries the mark; returns whether it was stopped.
pub(super) async fn restore(deadline: Duration, act: &Act<'_>) -> Result<bool, ApiError> {
    let writer = Writer::of(act);
    let since = Instant::now();
    let mut refused = Vec::new();
    loop {
        let mut waiting = Vec::new();
        for volume in held(act).await? {
            if !act.may_act().await {
                return Ok(true);
            }
            if refused.contains(&volume.name) {
                continue;
            }
            if !volume.bound {
                waiting.push(volume);
                continue;
            }
            match give_back(&writer, &volume).await {
                // Somebody changed it meanwhile; it is looked at again.
                Err(error) if error.code() == Some(409) => waiting.push(volume),
                Err(error) => {
                    let key = ObjectKey {
                        resource: "persistentvolumes".to_owned(),
                        namespace: None,
                        name: volume.name.clone(),
                    };
                    let failed = failed(key, &error, &[], "it stays at the reclaim policy Retain");
                    act.tally(|tally| tally.failed(failed));
                    refused.push(volume.name);
                }
                Ok(()) => {}
            }
        }
        let claimed = claimed(&writer, &mut waiting).await?;
        if waiting.is_empty() || !claimed || since.elapsed() >= deadline {
            waiting.iter().for_each(|volume| act.tally(|tally| tally.findings.push(unbound(volume))));
            return Ok(false);
        }
        act.world.events.event(Event::Waiting {
            what: format!("{} volumes to be bound", waiting.len()),
            because: "before that their own reclaim policy is not safe".to_owned(),
        });
        tokio::select! {
            () = act.halt.cancelled() => return Ok(true),
            () = sleep(PAUSE) => {}
        }
    }
}

async fn held(act: &Act<'_>) -> Result<Vec<Held>, ApiError> {
    let mut held = Vec::new();
    lists::each(act.world.site.client(), "/api/v1/persistentvolumes", "application/json", |object| {
        let meta = Meta::of(object)?;
        let ours = act.world.rules.census().brings_volume(&meta.name);
        if let Some(policy) = meta.annotation(RECLAIM_MARK)?.filter(|_| ours) {
            let text = |path: &[&str]| {
                let span = find(object, path)?;
                Ok::<_, JsonError>(span.and_then(|span| string(&object[span])).map(|text| text.into_owned()))
            };
            let namespace = text(&["spec", "claimRef", "namespace"])?;
            held.push(Held {
                name: meta.name.to_string(),
                policy: policy.into_owned(),
                version: meta.resource_version.as_deref().unwrap_or_default().to_owned(),
                manager: manager(&meta)?,
                bound: text(&["status", "phase"])?.as_deref() == Some("Bound"),
                claim: namespace.zip(text(&["spec", "claimRef", "name"])?),
            });
        }
        Ok(())
    })
    .await?;
    Ok(held)
}

async fn give_back(writer: &Writer<'_>, volume: &Held) -> Result<(), ApiError> {
    let patch = format!(
        r#"{{"metadata":{{"resourceVersion":{},"annotations":{{{}:null}}}},"spec":{{"persistentVolumeReclaimPolicy":{}}}}}"#,
        quote(&volume.version),
        quote(RECLAIM_MARK),
        quote(&volume.policy)
    );
    writer.merge_once_as(&path(volume), patch.into(), volume.manager.as_deref()).await
}

/// The manager of the policy, where it is one who updates.
fn manager(meta: &Meta<'_>) -> Result<Option<String>, JsonError> {
    let Some(entries) = meta.managed_fields else { return Ok(None) };
    for entry in elements(entries) {
        let entry = &entries[entry?];
        let owns = find(entry, &["fieldsV1", "f:spec", "f:persistentVolumeReclaimPolicy"])?.is_some();
        if owns && text_at(entry, &["operation"])?.as_deref() == Some("Update") {
            return Ok(text_at(entry, &["manager"])?.map(|manager| manager.into_owned()));
        }
    }
    Ok(None)
}

fn path(volume: &Held) -> String {
    format!("/api/v1/persistentvolumes/{}", escape(&volume.name))
}

/// Whether any of `volumes` has a claim that could still be bound to it.
async fn claimed(writer: &Writer<'_>, volumes: &mut [Held]) -> Result<bool, ApiError> {
    for volume in volumes {
        let Some((namespace, name)) = &volume.claim else { continue };
        let path =
            format!("/api/v1/namespaces/{}/persistentvolumeclaims/{}", escape(namespace), escape(name));
        if writer.get(&path).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn unbound(volume: &Held) -> Finding {
    let claim = match &volume.claim {
        Some((namespace, name)) => format!("{namespace}/{name}"),
        None => "nothing".to_owned(),
    };
    Finding {
        id: HELD.to_owned(),
        severity: Severity::Warning,
        subject: format!("persistentvolumes/{}", volume.name),
        evidence: format!("it is reserved for {claim} and not bound to it"),
        breaks: format!("its reclaim policy stays Retain; in the backup it was {}", volume.policy),
        remedy: "once it is bound, give it its policy back, or restore again, which does".to_owned(),
        command: Some(format!(
            "kubectl patch persistentvolume {} --type=merge -p '{{\"metadata\":{{\"annotations\":{{\"{RECLAIM_MARK}\":null}}}},\"spec\":{{\"persistentVolumeReclaimPolicy\":\"{}\"}}}}'",
            volume.name, volume.policy
        )),
    }
}
