//! Which Services have a ready endpoint. A webhook that refuses what it cannot be asked about must not come back
//! before there is somebody to ask.

use std::collections::BTreeSet;
use std::time::Duration;

use daytwo_core::json::{JsonError, elements, find, text_at};
use kube::Client;
use tokio::time::{Instant, sleep};

use crate::advance::Act;
use crate::api::{self, ApiError};
use crate::event::Event;
use crate::restore::lists::{self, escape};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits until every one of `services` (`namespace/name`) has a ready endpoint, or until `deadline`; what to do about
/// those that have none is decided when webhooks are written. Returns whether it was stopped.
pub(super) async fn wait(services: &[String], deadline: Duration, act: &Act<'_>) -> Result<bool, ApiError> {
    let since = Instant::now();
    loop {
        let mut missing = Vec::new();
        for service in services {
            if act.halt.is_cancelled() {
                return Ok(true);
            }
            if ready(act, service).await? == Readiness::None {
                missing.push(service.as_str());
            }
        }
        if missing.is_empty() || since.elapsed() >= deadline {
            return Ok(false);
        }
        act.world.events.event(Event::Waiting {
            what: format!("a ready endpoint of {}", missing.join(", ")),
            because: "webhooks that nothing can be written without call it".to_owned(),
        });
        tokio::select! {
            () = act.halt.cancelled() => return Ok(true),
            () = sleep(PAUSE) => {}
        }
    }
}

/// The Services that the plan waited for and that have no ready endpoint now.
pub(super) async fn unready(act: &Act<'_>) -> Result<BTreeSet<String>, ApiError> {
    let mut unready = BTreeSet::new();
    for service in act.services() {
        if ready(act, service).await? == Readiness::None {
            unready.insert(service.clone());
        }
    }
    Ok(unready)
}

/// What is known of a Service's endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    /// One is ready.
    Some,
    /// None is.
    None,
    /// The caller may not look.
    Unknown,
}

/// Whether `service` is `namespace/name` of one that [`has_ready_endpoint`].
pub(super) async fn ready(act: &Act<'_>, service: &str) -> Result<Readiness, ApiError> {
    let Some((namespace, name)) = service.split_once('/') else { return Ok(Readiness::None) };
    match has_ready_endpoint(act.world.site.client(), namespace, name).await {
        Ok(true) => Ok(Readiness::Some),
        Ok(false) => Ok(Readiness::None),
        Err(error) if error.is_denied() => Ok(Readiness::Unknown),
        Err(error) => Err(error),
    }
}

/// Whether a Service has a ready endpoint, or is a name for something outside, which has none.
pub(crate) async fn has_ready_endpoint(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<bool, ApiError> {
    let mut found = false;
    let label = escape(&format!("kubernetes.io/service-name={name}"));
    let path = format!("/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices", escape(namespace));
    let selected = format!("{path}?labelSelector={label}");
    lists::each(client, &selected, "application/json", |slice| {
        found |= has_ready(slice)?;
        Ok(())
    })
    .await?;
    if found {
        return Ok(true);
    }
    let path = format!("/api/v1/namespaces/{}/services/{}", escape(namespace), escape(name));
    match api::get(client, &path, "application/json").await {
        Ok(service) => {
            let kind = text_at(&service, &["spec", "type"]).ok().flatten();
            Ok(kind.as_deref() == Some("ExternalName"))
        }
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether an EndpointSlice has an endpoint that is ready; one that does not say is.
fn has_ready(slice: &[u8]) -> Result<bool, JsonError> {
    let Some(span) = find(slice, &["endpoints"])? else { return Ok(false) };
    let endpoints = &slice[span];
    if !endpoints.starts_with(b"[") {
        return Ok(false);
    }
    for endpoint in elements(endpoints) {
        let endpoint = &endpoints[endpoint?];
        if find(endpoint, &["conditions", "ready"])?.is_none_or(|span| &endpoint[span] != b"false") {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_ready_unless_it_says_otherwise() {
        let slice = |conditions: &str| {
            has_ready(format!(r#"{{"endpoints":[{{"conditions":{conditions}}}]}}"#).as_bytes()).unwrap()
        };
        assert!(slice(r#"{"ready":true}"#) && slice("{}"));
        assert!(!slice(r#"{"ready":false}"#));
        assert!(!has_ready(br#"{"endpoints":null}"#).unwrap());
    }
}
