//! Which pod keeps a workload from being available, and why; where there is no pod, what its controller says. It looks
//! only when it has something to tell: each look costs requests.

use daytwo_core::json::{JsonError, Meta, elements, fields, find, string, text_at};
use daytwo_core::restore::reason;
use http::Method;

use super::Pending;
use crate::api::ApiError;
use crate::discovery;
use crate::restore::lists::{self, escape};
use crate::step::request::Writer;

/// Why a workload is not available.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Why {
    /// The first of its pods that is not ready.
    pub pod: Option<String>,
    reason: String,
}

impl Why {
    /// As `pod web-1: Unschedulable: …`.
    pub fn text(&self) -> String {
        match &self.pod {
            Some(pod) => format!("pod {pod}: {}", self.reason),
            None => self.reason.clone(),
        }
    }
}

/// Why `one` is not available.
pub(super) async fn why(writer: &Writer<'_>, one: &Pending) -> Result<Why, ApiError> {
    let namespace = one.key.namespace.as_deref();
    let path = discovery::path(&one.kind, &one.kind.version, namespace);
    let path = format!("{path}/{}", escape(&one.key.name));
    let garbled = |error: JsonError| ApiError::Garbled {
        method: Method::GET,
        path: path.clone(),
        what: error.to_string(),
    };
    let object = match writer.get(&path).await {
        Ok(Some(object)) => object,
        Ok(None) => return Ok(Why { reason: "it is not in the cluster".to_owned(), ..Why::default() }),
        Err(error) if error.is_denied() => return Ok(Why { reason: error.to_string(), ..Why::default() }),
        Err(error) => return Err(error),
    };
    if one.key.resource == "pods" {
        let reason = reason::of_pod(&object).map_err(garbled)?.unwrap_or_default();
        return Ok(Why { pod: Some(one.key.name.clone()), reason });
    }
    if let (Some(namespace), Some(selector)) = (namespace, selector(&object).map_err(garbled)?)
        && let Some(why) = of_pods(writer, namespace, &selector).await?
    {
        return Ok(why);
    }
    let mut reason = reason::of_object(&object).map_err(garbled)?;
    if let (true, Some(namespace)) = (reason.is_empty(), namespace) {
        reason = last_event(writer, namespace, &one.kind.kind, &one.key.name).await?;
    }
    if reason.is_empty() {
        "its controller does not say why".clone_into(&mut reason);
    }
    Ok(Why { pod: None, reason })
}

/// The first pod that is not ready.
async fn of_pods(writer: &Writer<'_>, namespace: &str, selector: &str) -> Result<Option<Why>, ApiError> {
    let (namespace, selector) = (escape(namespace), escape(selector));
    let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector={selector}");
    let mut first = None;
    let listed = lists::each(writer.client, &path, "application/json", |pod| {
        if first.is_none()
            && let Some(reason) = reason::of_pod(pod)?
        {
            first = Some(Why { pod: Some(Meta::of_prefix(pod)?.name.into_owned()), reason });
        }
        Ok(())
    });
    match listed.await {
        Err(error) if !error.is_denied() => Err(error),
        _ => Ok(first),
    }
}

/// What was last reported about an object; a warning before anything else.
async fn last_event(
    writer: &Writer<'_>,
    namespace: &str,
    kind: &str,
    name: &str,
) -> Result<String, ApiError> {
    let fields = escape(&format!("involvedObject.kind={kind},involvedObject.name={name}"));
    let path = format!("/api/v1/namespaces/{}/events?fieldSelector={fields}", escape(namespace));
    let mut last = (false, String::new(), String::new());
    let listed = lists::each(writer.client, &path, "application/json", |event| {
        let text = |key| Ok::<_, JsonError>(text_at(event, &[key])?.unwrap_or_default().into_owned());
        let at = match text("lastTimestamp")? {
            at if at.is_empty() => text("eventTime")?,
            at => at,
        };
        let one = (text("type")? == "Warning", at, format!("{}: {}", text("reason")?, text("message")?));
        if one > last {
            last = one;
        }
        Ok(())
    });
    match listed.await {
        Err(error) if !error.is_denied() => Err(error),
        _ => Ok(last.2),
    }
}

/// The pods of a workload, in the grammar of a query; `None` of one that selects none.
fn selector(object: &[u8]) -> Result<Option<String>, JsonError> {
    let Some(span) = find(object, &["spec", "selector"])? else { return Ok(None) };
    let selector = &object[span];
    let mut parts = Vec::new();
    let labels = find(selector, &["matchLabels"])?;
    let expressions = find(selector, &["matchExpressions"])?;
    let map = match (&labels, &expressions) {
        // That of a ReplicationController.
        (None, None) => selector,
        (Some(span), _) => &selector[span.clone()],
        (None, Some(_)) => b"{}",
    };
    if map.starts_with(b"{") {
        for field in fields(map) {
            let field = field?;
            parts.push(format!("{}={}", field.key, string(&map[field.value]).unwrap_or_default()));
        }
    }
    let list = expressions.map(|span| &selector[span]).filter(|list| list.starts_with(b"["));
    for expression in list.into_iter().flat_map(|list| elements(list).map(move |span| Ok(&list[span?]))) {
        parts.push(requirement(expression?)?);
    }
    Ok(Some(parts.join(",")).filter(|text| !text.is_empty()))
}

fn requirement(expression: &[u8]) -> Result<String, JsonError> {
    let key = text_at(expression, &["key"])?.unwrap_or_default();
    let mut values = Vec::new();
    if let Some(span) =
        find(expression, &["values"])?.filter(|span| expression[span.clone()].starts_with(b"["))
    {
        let list = &expression[span];
        for value in elements(list) {
            values.push(string(&list[value?]).unwrap_or_default().into_owned());
        }
    }
    let values = values.join(",");
    Ok(match text_at(expression, &["operator"])?.as_deref() {
        Some("In") => format!("{key} in ({values})"),
        Some("NotIn") => format!("{key} notin ({values})"),
        Some("DoesNotExist") => format!("!{key}"),
        _ => key.into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(selector_of: &str) -> Option<String> {
        selector(format!(r#"{{"spec":{{"selector":{selector_of}}}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn the_pods_of_a_workload_are_asked_for_as_it_selects_them() {
        assert_eq!(of(r#"{"matchLabels":{"a":"b","c":"d"}}"#).as_deref(), Some("a=b,c=d"));
        let both = r#"{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"t","operator":"In","values":["x","y"]},
            {"key":"u","operator":"Exists"},{"key":"v","operator":"DoesNotExist"},{"key":"w","operator":"NotIn","values":["z"]}]}"#;
        assert_eq!(of(both).as_deref(), Some("a=b,t in (x,y),u,!v,w notin (z)"));
        assert_eq!(of(r#"{"app":"old"}"#).as_deref(), Some("app=old"));
        assert_eq!(of("{}"), None);
        assert_eq!(selector(b"{}").unwrap(), None);
    }
}
