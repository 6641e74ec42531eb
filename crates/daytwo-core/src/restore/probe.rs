//! How a webhook is asked whether it answers, without anybody else noticing: a configuration of its own with the same
//! back end, which matches one labelled object only, and a dry run of writing that object.
//!
//! A server learns of a configuration a moment after it is written. So the probe has a second webhook that nobody can
//! answer for: as long as that one refuses nothing, the server does not know the probe yet. A webhook at a URL that no
//! sample fits is asked about a ConfigMap, and then anything it says is an answer. It refuses to judge a webhook by what
//! it says of an object that it would never be asked about.

use super::Source;
use crate::json::{Edits, JsonError, elements, find, quote, string};
use crate::resource::ResourceType;

/// The label by which the probe's webhooks match, and nothing else.
pub const PROBE_LABEL: &str = "daytwo.dev/restore-probe";
/// Its value for the object that the webhook itself is asked about.
pub const ASKS: &str = "asks";
/// Its value for the object that tells whether the server knows the probe.
pub const KNOWN: &str = "known";
/// The webhook that nobody can answer for: its Service is nowhere.
pub const KNOWN_NAME: &str = "known.restore.daytwo.dev";

/// By which rules the server asks the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Those of the webhook: it knows what it is asked about.
    OfTheWebhook,
    /// Those that fit the stand-in: it may not know what to say.
    OfTheStandIn,
}

/// The rules of a probe that asks about ConfigMaps.
const CONFIG_MAPS: &str =
    r#"[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["configmaps"]}]"#;

/// The configuration `name`, of `resource`, that asks the back end of `webhook`.
///
/// # Errors
/// The webhook is not JSON.
pub fn probe(
    resource: &ResourceType,
    name: &str,
    webhook: &[u8],
    rules: Rules,
) -> Result<Vec<u8>, JsonError> {
    let only = |value: &str| format!(r#"{{"matchLabels":{{"{PROBE_LABEL}":"{value}"}}}}"#);
    let asks = Edits::new()
        .set_str(&["failurePolicy"], "Fail")
        .set(&["objectSelector"], only(ASKS))
        .remove(&["namespaceSelector"])
        .remove(&["matchConditions"])
        .apply(webhook)?;
    let asks = match rules {
        Rules::OfTheWebhook => asks,
        Rules::OfTheStandIn => Edits::new().set(&["rules"], CONFIG_MAPS).apply(&asks)?,
    };
    let known = Edits::new()
        .set_str(&["name"], KNOWN_NAME)
        .set(&["objectSelector"], only(KNOWN))
        .set(&["clientConfig"], r#"{"service":{"namespace":"default","name":"restore-probe-of-daytwo"}}"#)
        .apply(&asks)?;
    let head = format!(
        r#"{{"apiVersion":{},"kind":{},"metadata":{{"name":{}}},"webhooks":["#,
        quote(&resource.api_version()),
        quote(&resource.kind),
        quote(name)
    );
    Ok([head.as_bytes(), &asks, b",", &known, b"]}"].concat())
}

/// `object` with the probe's label.
///
/// # Errors
/// It is not JSON.
pub fn labelled(object: &[u8], value: &str) -> Result<Vec<u8>, JsonError> {
    Edits::new().set_str(&["metadata", "labels", PROBE_LABEL], value).apply(object)
}

/// What a server's answer to the dry run tells of the webhook called `name`: `Some` where it answers (`Ok`) or does not
/// (`Err`, with the server's words), `None` where the answer is about something else. The texts are those of
/// `apiserver/pkg/admission/plugin/webhook` (errors/statuserror.go, and `ErrCallingWebhook` of the dispatchers) 0.36.
pub fn answers(name: &str, refusal: Option<&str>, rules: Rules) -> Option<Result<(), String>> {
    match refusal {
        None => Some(Ok(())),
        Some(said) if said.contains(&format!("failed calling webhook {}", quote(name))) => {
            // Whatever it makes of the stand-in, somebody is there unless the request did not arrive
            // (`url.Error` of the client: `Post "https://…": …`).
            let arrived = !said.contains(": Post ");
            Some(if rules == Rules::OfTheStandIn && arrived { Ok(()) } else { Err(said.to_owned()) })
        }
        Some(said) if said.contains(&format!("admission webhook {} denied", quote(name))) => Some(Ok(())),
        Some(_) => None,
    }
}

/// Whether a webhook may be asked with a dry run.
///
/// # Errors
/// It is not JSON.
pub fn may_rehearse(webhook: &[u8]) -> Result<bool, JsonError> {
    let effects = find(webhook, &["sideEffects"])?.and_then(|span| string(&webhook[span]));
    Ok(matches!(effects.as_deref(), Some("None" | "NoneOnDryRun")))
}

/// Whether `webhook` is asked about creating objects of `kind`.
///
/// # Errors
/// It is not JSON.
pub fn is_asked_about(webhook: &[u8], kind: &ResourceType) -> Result<bool, JsonError> {
    let Some(span) = find(webhook, &["rules"])? else { return Ok(false) };
    let rules = &webhook[span];
    if !rules.starts_with(b"[") {
        return Ok(false);
    }
    for rule in elements(rules) {
        let rule = &rules[rule?];
        let has = |key: &str, values: &[&str]| {
            let Some(span) = find(rule, &[key])? else { return Ok::<_, JsonError>(false) };
            let list = &rule[span];
            if !list.starts_with(b"[") {
                return Ok(false);
            }
            for element in elements(list) {
                let text = string(&list[element?]).unwrap_or_default();
                if text == "*" || values.contains(&&*text) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let scope = find(rule, &["scope"])?.and_then(|span| string(&rule[span]));
        let in_scope = match scope.as_deref() {
            Some("Namespaced") => kind.namespaced,
            Some("Cluster") => !kind.namespaced,
            _ => true,
        };
        if in_scope
            && has("operations", &["CREATE"])?
            && has("apiGroups", &[&kind.group])?
            && has("apiVersions", &[&kind.version])?
            && has("resources", &[&kind.resource, "*/*"])?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether `source` can stand for what a webhook is asked about: no Secret is sent anywhere for a rehearsal, and what
/// has an address to take is refused for other reasons.
pub fn can_stand(source: &Source<'_>) -> bool {
    !matches!(
        source.resource.group_resource().as_str(),
        "secrets" | "services" | "persistentvolumes" | "namespaces"
    )
}

/// An object for a webhook that no object of the backup fits, its type, and the rules to ask about it by: of a kind that
/// webhooks are often asked about, else a ConfigMap.
///
/// # Errors
/// The webhook is not JSON.
pub fn stand_in(webhook: &[u8]) -> Result<(ResourceType, Vec<u8>, Rules), JsonError> {
    let core = |resource: &str, kind: &str| ResourceType {
        group: String::new(),
        version: "v1".to_owned(),
        resource: resource.to_owned(),
        kind: kind.to_owned(),
        namespaced: true,
    };
    let object = |kind: &str, rest: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":{},"metadata":{{"namespace":"default","name":"restore-probe-of-daytwo"}}{rest}}}"#,
            quote(kind)
        )
        .into_bytes()
    };
    for (kind, rest) in [
        (core("configmaps", "ConfigMap"), ""),
        (core("serviceaccounts", "ServiceAccount"), ""),
        (core("secrets", "Secret"), ""),
        (core("pods", "Pod"), r#","spec":{"containers":[{"name":"probe","image":"probe"}]}"#),
    ] {
        if is_asked_about(webhook, &kind)? {
            let object = object(&kind.kind, rest);
            return Ok((kind, object, Rules::OfTheWebhook));
        }
    }
    Ok((core("configmaps", "ConfigMap"), object("ConfigMap", ""), Rules::OfTheStandIn))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEBHOOK: &str = r#"{"name":"w.x.io","failurePolicy":"Ignore","sideEffects":"None","namespaceSelector":{"matchLabels":{"a":"b"}},"clientConfig":{"service":{"namespace":"n","name":"s"}},
        "rules":[{"operations":["UPDATE"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]},
        {"operations":["CREATE"],"apiGroups":["apps",""],"apiVersions":["v1"],"resources":["deployments","pods"],"scope":"*"}]}"#;

    fn kind(group: &str, resource: &str) -> ResourceType {
        let (group, resource) = (group.to_owned(), resource.to_owned());
        ResourceType { group, version: "v1".into(), resource, kind: "K".into(), namespaced: true }
    }

    #[test]
    fn a_probe_asks_the_same_back_end_about_nothing_but_what_is_labelled() {
        let probe = probe(
            &kind("admissionregistration.k8s.io", "validating"),
            "p",
            WEBHOOK.as_bytes(),
            Rules::OfTheWebhook,
        )
        .unwrap();
        let value: serde_json::Value = serde_json::from_slice(&probe).unwrap();
        let [asks, known] = value["webhooks"].as_array().unwrap().as_slice() else { panic!("{value}") };
        assert_eq!((&asks["name"], &asks["failurePolicy"]), (&"w.x.io".into(), &"Fail".into()));
        assert_eq!(asks["clientConfig"]["service"]["name"], "s");
        assert!(asks.get("namespaceSelector").is_none());
        for (webhook, label) in [(asks, ASKS), (known, KNOWN)] {
            assert_eq!(webhook["objectSelector"]["matchLabels"][PROBE_LABEL], label);
        }
        assert_ne!(known["clientConfig"], asks["clientConfig"]);
    }

    #[test]
    fn a_webhook_is_asked_with_what_its_rules_let_it_see_created() {
        let asked = |group, resource| is_asked_about(WEBHOOK.as_bytes(), &kind(group, resource)).unwrap();
        assert!(asked("apps", "deployments") && asked("", "pods"));
        assert!(!asked("", "configmaps"), "only its updates");
        assert_eq!(stand_in(WEBHOOK.as_bytes()).unwrap().0.resource, "pods");
    }

    #[test]
    fn a_webhook_that_nothing_fits_is_asked_about_a_config_map_and_any_word_of_it_counts() {
        let outside = br#"{"name":"w.x.io","clientConfig":{"url":"https://x"},"rules":[{"operations":["CONNECT"],"apiGroups":["x.io"],"apiVersions":["v1"],"resources":["plants"]}]}"#;
        let (kind, _, rules) = stand_in(outside).unwrap();
        assert_eq!((kind.resource.as_str(), rules), ("configmaps", Rules::OfTheStandIn));
        let made = probe(&kind, "p", outside, rules).unwrap();
        let made: serde_json::Value = serde_json::from_slice(&made).unwrap();
        assert_eq!(made["webhooks"][0]["rules"][0]["operations"][0], "CREATE");
        let forbidden = r#"configmaps is forbidden: User "u" cannot create resource "configmaps""#;
        assert_eq!(answers("w.x.io", Some(forbidden), rules), None, "it is not the webhook's word");
        let said = |text: &str| answers("w.x.io", Some(text), rules).unwrap();
        let unreached = r#"failed calling webhook "w.x.io": failed to call webhook: Post "https://x?timeout=10s": dial tcp: lookup x: no such host"#;
        assert!(said(unreached).is_err());
        assert!(said(r#"failed calling webhook "w.x.io": failed to call webhook: an error on the server ("") has prevented the request from succeeding"#).is_ok());
    }

    #[test]
    fn a_webhook_that_says_no_answers_and_one_that_cannot_be_called_does_not() {
        let failed = r#"Internal error occurred: failed calling webhook "w.x.io": failed to call webhook: Post "https://x": refused"#;
        let of = |said| answers("w.x.io", said, Rules::OfTheWebhook);
        assert!(of(Some(failed)).unwrap().is_err());
        assert_eq!(of(Some(r#"admission webhook "w.x.io" denied the request: no"#)), Some(Ok(())));
        assert_eq!(of(None), Some(Ok(())));
        assert_eq!(of(Some("exceeded quota: q")), None);
        assert_eq!(answers("other.x.io", Some(failed), Rules::OfTheWebhook), None);
    }
}
