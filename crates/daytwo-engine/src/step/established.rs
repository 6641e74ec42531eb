//! Waits until the server serves what CustomResourceDefinitions define. It refuses to wait for a definition that is
//! not there (its create failed, and says why), or that the server has rejected for good.

use std::time::Duration;

use daytwo_core::finding::{Finding, Severity};
use daytwo_core::json::{JsonError, elements, find, string};
use tokio::time::{Instant, sleep};

use super::request::Writer;
use crate::advance::Act;
use crate::api::ApiError;
use crate::event::Event;
use crate::restore::lists::escape;

/// The first and the longest pause between two looks.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How a definition stands.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Established,
    Pending,
    Rejected(String),
}

/// Waits for `definitions`; returns whether it was stopped.
pub(super) async fn wait(
    definitions: &[String],
    deadline: Duration,
    act: &Act<'_>,
) -> Result<bool, ApiError> {
    let writer = Writer::of(act);
    let since = Instant::now();
    let mut pause = PAUSES.0;
    let mut pending: Vec<&String> = definitions.iter().collect();
    loop {
        let mut left = Vec::new();
        for name in pending {
            if act.halt.is_cancelled() {
                return Ok(true);
            }
            let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}", escape(name));
            let Some(body) = writer.get(&path).await? else { continue };
            match state(&body).unwrap_or(State::Pending) {
                State::Established => {}
                State::Pending => left.push(name),
                State::Rejected(why) => finding(act, name, why),
            }
        }
        pending = left;
        if pending.is_empty() {
            return Ok(false);
        }
        if since.elapsed() >= deadline {
            for name in pending {
                finding(act, name, format!("it is not established after {} s", deadline.as_secs()));
            }
            return Ok(false);
        }
        act.world.events.event(Event::Waiting {
            what: format!("{} definitions to be established", pending.len()),
            because: "their objects cannot be created before".to_owned(),
        });
        tokio::select! {
            () = act.halt.cancelled() => return Ok(true),
            () = sleep(pause) => pause = (pause * 2).min(PAUSES.1),
        }
    }
}

fn state(definition: &[u8]) -> Result<State, JsonError> {
    let Some(span) = find(definition, &["status", "conditions"])? else { return Ok(State::Pending) };
    let conditions = &definition[span];
    if !conditions.starts_with(b"[") {
        return Ok(State::Pending);
    }
    let mut state = State::Pending;
    for condition in elements(conditions) {
        let condition = &conditions[condition?];
        let text = |key: &str| {
            let span = find(condition, &[key])?;
            Ok::<_, JsonError>(span.and_then(|span| string(&condition[span])).unwrap_or_default())
        };
        match (&*text("type")?, &*text("status")?) {
            ("NamesAccepted", "False") => return Ok(State::Rejected(text("message")?.into_owned())),
            ("Established", "True") => state = State::Established,
            _ => {}
        }
    }
    Ok(state)
}

fn finding(act: &Act<'_>, name: &str, evidence: String) {
    act.tally(|tally| {
        tally.findings.push(Finding {
            id: "restore-definition-not-established".to_owned(),
            severity: Severity::Warning,
            subject: format!("customresourcedefinitions.apiextensions.k8s.io/{name}"),
            evidence,
            breaks: "its objects cannot be created".to_owned(),
            remedy: "mend the definition, then restore again: what is there is kept".to_owned(),
            command: Some(format!("kubectl describe customresourcedefinition {name}")),
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(conditions: &str) -> State {
        state(format!(r#"{{"status":{{"conditions":{conditions}}}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn a_definition_is_established_pending_or_rejected_for_good() {
        assert_eq!(of(r#"[{"type":"Established","status":"True"}]"#), State::Established);
        assert_eq!(of(r#"[{"type":"Established","status":"False"}]"#), State::Pending);
        assert_eq!(of("null"), State::Pending);
        let taken = r#"[{"type":"NamesAccepted","status":"False","message":"taken"},{"type":"Established","status":"False"}]"#;
        assert_eq!(of(taken), State::Rejected("taken".into()));
    }
}
