//! Webhooks that come back parked: those which refuse what they cannot be asked about (`failurePolicy: Fail`) are
//! written to let it pass (`Ignore`), and get their policy back once somebody answers for them.
//!
//! What is to be given back stands in an annotation of the configuration, by webhook: the cluster and not the run
//! remembers it, so that whoever comes later can do it. It refuses to touch a webhook that lets pass by itself.

use std::collections::BTreeMap;

use super::{Request, Source, Webhooks};
use crate::json::{Change, Edits, JsonError, Meta, elements, fields, find, quote, string, text_at};

/// The annotation of a configuration with parked webhooks: a JSON object of their names and failure policies.
pub const PARKED_MARK: &str = "daytwo.dev/restore-failure-policy";

/// Whether objects of `resource` hold admission webhooks.
pub fn is_webhooks(resource: &str) -> bool {
    matches!(
        resource,
        "validatingwebhookconfigurations.admissionregistration.k8s.io"
            | "mutatingwebhookconfigurations.admissionregistration.k8s.io"
    )
}

/// The webhooks of a configuration, each as JSON.
///
/// # Errors
/// It is not JSON.
pub fn webhooks(configuration: &[u8]) -> Result<Vec<&[u8]>, JsonError> {
    let Some(span) = find(configuration, &["webhooks"])? else { return Ok(Vec::new()) };
    let list = &configuration[span];
    if !list.starts_with(b"[") {
        return Ok(Vec::new());
    }
    elements(list).map(|span| Ok(&list[span?])).collect()
}

/// The name of a webhook.
///
/// # Errors
/// It is not JSON.
pub fn webhook_name(webhook: &[u8]) -> Result<String, JsonError> {
    Ok(text_at(webhook, &["name"])?.unwrap_or_default().into_owned())
}

/// Whether a webhook refuses what it cannot be asked about. A server writes the policy out; the default of
/// `admissionregistration.k8s.io/v1` is `Fail`.
///
/// # Errors
/// It is not JSON.
pub fn refuses(webhook: &[u8]) -> Result<bool, JsonError> {
    Ok(text_at(webhook, &["failurePolicy"])?.as_deref() != Some("Ignore"))
}

/// Whether `source`, a webhook configuration, is written parked: with webhooks that refuse.
///
/// # Errors
/// It is not JSON.
pub(super) fn parks(request: &Request, source: &Source<'_>) -> Result<bool, JsonError> {
    if request.webhooks != Webhooks::Parked || !is_webhooks(&source.resource.group_resource()) {
        return Ok(false);
    }
    let refusing = webhooks(source.bytes)?.into_iter().map(refuses).collect::<Result<Vec<_>, _>>()?;
    Ok(refusing.contains(&true))
}

/// Adds the edits that park the webhooks of `configuration`.
pub(super) fn park(configuration: &[u8], edits: &mut Edits<'_>) -> Result<(), JsonError> {
    let mut policies = String::new();
    for webhook in webhooks(configuration)? {
        if refuses(webhook)? {
            policies.push(if policies.is_empty() { '{' } else { ',' });
            policies.push_str(&format!("{}:\"Fail\"", quote(&webhook_name(webhook)?)));
        }
    }
    policies.push('}');
    edits.each_element(&["webhooks"], |webhook| match refuses(webhook) {
        Ok(true) => with_policy(webhook, "Ignore"),
        _ => Change::Keep,
    });
    edits.set_str(&["metadata", "annotations", PARKED_MARK], &policies);
    Ok(())
}

/// The parked webhooks of a configuration in the cluster: name and failure policy. What is no longer there is no longer
/// parked.
///
/// # Errors
/// It is not JSON.
pub fn parked(configuration: &[u8]) -> Result<BTreeMap<String, String>, JsonError> {
    let meta = Meta::of(configuration)?;
    let Some(mark) = meta.annotation(PARKED_MARK)? else { return Ok(BTreeMap::new()) };
    let there: Vec<String> =
        webhooks(configuration)?.into_iter().map(webhook_name).collect::<Result<_, _>>()?;
    let mut parked = BTreeMap::new();
    let mark = mark.as_bytes();
    if mark.starts_with(b"{") {
        for field in fields(mark) {
            let field = field?;
            let policy = string(&mark[field.value]).unwrap_or_default().into_owned();
            parked.insert(field.key.into_owned(), policy);
        }
    }
    parked.retain(|name, _| there.contains(name));
    Ok(parked)
}

/// `configuration` as it is in the cluster, with the failure policies of `released` given back; `left` stay parked.
///
/// # Errors
/// It is not JSON.
pub fn release(
    configuration: &[u8],
    released: &BTreeMap<String, String>,
    left: &BTreeMap<String, String>,
) -> Result<Vec<u8>, JsonError> {
    let mut edits = Edits::new();
    edits.each_element(&["webhooks"], |webhook| {
        match webhook_name(webhook).ok().and_then(|name| released.get(&name)) {
            Some(policy) => with_policy(webhook, policy),
            None => Change::Keep,
        }
    });
    let mark = ["metadata", "annotations", PARKED_MARK];
    if left.is_empty() {
        edits.remove(&mark);
    } else {
        let policies: Vec<String> =
            left.iter().map(|(name, policy)| format!("{}:{}", quote(name), quote(policy))).collect();
        edits.set_str(&mark, &format!("{{{}}}", policies.join(",")));
    }
    let released = edits.apply(configuration)?;
    let empty = find(&released, &["metadata", "annotations"])?.is_some_and(|span| &released[span] == b"{}");
    if empty {
        return Edits::new().remove(&["metadata", "annotations"]).apply(&released);
    }
    Ok(released)
}

/// The command that releases the `left` webhooks of a configuration by hand.
///
/// # Errors
/// It is not JSON.
pub fn by_hand(
    kind: &str,
    name: &str,
    configuration: &[u8],
    left: &BTreeMap<String, String>,
) -> Result<String, JsonError> {
    let mut patch = Vec::new();
    for (index, webhook) in webhooks(configuration)?.into_iter().enumerate() {
        let webhook = webhook_name(webhook)?;
        let Some(policy) = left.get(&webhook) else { continue };
        patch.push(format!(r#"{{"op":"test","path":"/webhooks/{index}/name","value":{}}}"#, quote(&webhook)));
        patch.push(format!(
            r#"{{"op":"replace","path":"/webhooks/{index}/failurePolicy","value":{}}}"#,
            quote(policy)
        ));
    }
    let mark = PARKED_MARK.replace('/', "~1");
    patch.push(format!(r#"{{"op":"remove","path":"/metadata/annotations/{mark}"}}"#));
    Ok(format!("kubectl patch {kind} {name} --type=json -p '[{}]'", patch.join(",")))
}

fn with_policy(webhook: &[u8], policy: &str) -> Change {
    let mut edits = Edits::new();
    edits.set_str(&["failurePolicy"], policy);
    edits.apply(webhook).map_or(Change::Keep, Change::With)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = r#"{"metadata":{"name":"c"},"webhooks":[{"name":"a.x.io","failurePolicy":"Fail","timeoutSeconds":1},{"name":"b.x.io","failurePolicy":"Ignore"},{"name":"c.x.io","failurePolicy":"Fail"}]}"#;

    fn parked_one() -> Vec<u8> {
        let mut edits = Edits::new();
        park(BOTH.as_bytes(), &mut edits).unwrap();
        edits.apply(BOTH.as_bytes()).unwrap()
    }

    fn map(pairs: &[&str]) -> BTreeMap<String, String> {
        pairs.iter().map(|name| ((*name).to_owned(), "Fail".to_owned())).collect()
    }

    #[test]
    fn what_would_refuse_is_parked_and_remembered_by_its_name() {
        let there = parked_one();
        let text = String::from_utf8(there.clone()).unwrap();
        assert!(!text.contains(r#""failurePolicy":"Fail""#), "{text}");
        assert!(text.contains(r#""timeoutSeconds":1"#));
        assert_eq!(parked(&there).unwrap(), map(&["a.x.io", "c.x.io"]));
        assert_eq!(parked(BOTH.as_bytes()).unwrap(), map(&[]));
    }

    #[test]
    fn each_is_released_by_itself_and_the_last_takes_the_mark_away() {
        let first = release(&parked_one(), &map(&["a.x.io"]), &map(&["c.x.io"])).unwrap();
        assert_eq!(parked(&first).unwrap(), map(&["c.x.io"]));
        assert_eq!(
            webhooks(&first).unwrap().into_iter().map(|w| refuses(w).unwrap()).collect::<Vec<_>>(),
            [true, false, false]
        );
        let last = release(&first, &map(&["c.x.io"]), &map(&[])).unwrap();
        let value = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
        assert_eq!(value(&last)["webhooks"], value(BOTH.as_bytes())["webhooks"]);
        assert!(!String::from_utf8(last).unwrap().contains(PARKED_MARK));
    }

    #[test]
    fn the_command_names_each_webhook_by_its_place_and_its_name() {
        let command =
            by_hand("validatingwebhookconfiguration", "c", &parked_one(), &map(&["c.x.io"])).unwrap();
        assert_eq!(
            command,
            r#"kubectl patch validatingwebhookconfiguration c --type=json -p '[{"op":"test","path":"/webhooks/2/name","value":"c.x.io"},{"op":"replace","path":"/webhooks/2/failurePolicy","value":"Fail"},{"op":"remove","path":"/metadata/annotations/daytwo.dev~1restore-failure-policy"}]'"#
        );
    }
}
