//! Field selectors: `status.phase=Running,spec.nodeName!=a`. Which fields a kind has is a table; what no kind has is
//! refused before anything is read.

use std::borrow::Cow;

use daytwo_core::resource::ResourceType;
use serde_json::Value;

use crate::ask::Object;
use crate::deep::GoNumber;
use crate::status::{Result, Status};

/// Requirements on fields, all of which must hold; without any, everything matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    field: String,
    value: String,
    equal: bool,
}

/// The kinds that have fields beside the name and the namespace, with their fields; `!` where they have no namespace.
const KINDS: &[(&str, &str, &str)] = &[
    (
        "",
        "Pod",
        "spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName spec.hostNetwork status.phase \
         status.podIP status.podIPs status.nominatedNodeName spec.host",
    ),
    ("", "Node", "! spec.unschedulable"),
    ("", "ReplicationController", "status.replicas"),
    (
        "",
        "Event",
        "involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid involvedObject.apiVersion \
         involvedObject.resourceVersion involvedObject.fieldPath reason reportingComponent source type",
    ),
    (
        "events.k8s.io",
        "Event",
        "reason regarding.kind regarding.namespace regarding.name regarding.uid regarding.apiVersion \
         regarding.resourceVersion regarding.fieldPath reportingController type",
    ),
    ("", "Namespace", "! status.phase"),
    ("", "Secret", "type"),
    ("", "Service", "spec.clusterIP spec.type"),
    ("batch", "Job", "status.successful"),
    ("certificates.k8s.io", "CertificateSigningRequest", "! spec.signerName"),
    ("resource.k8s.io", "ResourceSlice", "! spec.nodeName spec.driver"),
];

impl FieldSelector {
    /// Reads a `fieldSelector`: terms with `=`, `==` or `!=`, commas between; `\` before `,`, `=` and itself in values.
    ///
    /// # Errors
    /// 400 with the server's words.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts = split(text);
        parts.sort_unstable();
        let mut terms = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let operator = part.char_indices().find_map(|(at, _)| {
                let sign = ["!=", "==", "="].into_iter().find(|sign| part[at..].starts_with(sign))?;
                Some((at, sign))
            });
            let Some((at, sign)) = operator else {
                return Err(Status::bad_request(format!(
                    "invalid selector: '{text}'; can't understand '{part}'"
                )));
            };
            let value = unescape(&part[at + sign.len()..])?;
            terms.push(Term { field: part[..at].to_owned(), value, equal: sign != "!=" });
        }
        Ok(Self { terms })
    }

    /// Whether everything matches.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The name that everything that matches has, if one is asked for.
    pub fn name(&self) -> Option<&str> {
        let named = self.terms.iter().find(|term| term.equal && term.field == "metadata.name");
        named.map(|term| term.value.as_str())
    }

    /// Whether a kind has all the fields. `selectable` are those of a custom resource; `None` of a built-in kind. A field
    /// with an old name gets its new one.
    ///
    /// # Errors
    /// 400 about the first that it has not.
    pub fn check(&mut self, kind: &ResourceType, selectable: Option<&[String]>) -> Result<()> {
        for term in &mut self.terms {
            if let Some(why) = refusal(kind, selectable, &term.field) {
                return Err(Status::bad_request(why));
            }
            if term.field == "spec.host" {
                term.field = "spec.nodeName".to_owned();
            }
        }
        Ok(())
    }

    /// Whether an object has what is asked for.
    pub fn matches(&self, kind: &ResourceType, object: &Object) -> bool {
        self.terms.iter().all(|term| (value(kind, object, &term.field) == term.value.as_str()) == term.equal)
    }
}

/// Commas separate, unless escaped.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unescape(text: &str) -> Result<String> {
    let wrong = |sequence: &str| {
        Err(Status::bad_request(format!("invalid field selector: invalid escape sequence: {sequence}")))
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some(escaped @ ('\\' | ',' | '=')) => out.push(escaped),
                Some(other) => return wrong(&format!("\\{other}")),
                None => return wrong("\\"),
            },
            ',' | '=' => {
                let what =
                    format!("invalid field selector: unescaped character in value: {}", u32::from(character));
                return Err(Status::bad_request(what));
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

fn refusal(kind: &ResourceType, selectable: Option<&[String]>, field: &str) -> Option<String> {
    if field == "metadata.name" {
        return None;
    }
    let unknown = || format!("field label not supported: {field}");
    if let Some(selectable) = selectable {
        let known = (field == "metadata.namespace" && kind.namespaced)
            || selectable.iter().any(|known| known == field);
        return (!known).then(unknown);
    }
    let Some((.., fields)) = KINDS.iter().find(|(group, name, _)| *group == kind.group && *name == kind.kind)
    else {
        let known = field == "metadata.namespace";
        let only = "only \"metadata.name\", \"metadata.namespace\"";
        return (!known)
            .then(|| format!("{} is not a known field selector: {only}", crate::field::quoted(field)));
    };
    let cluster = fields.starts_with('!');
    if (field == "metadata.namespace" && !cluster)
        || (field != "!" && fields.split(' ').any(|known| known == field))
    {
        return None;
    }
    Some(match kind.kind.as_str() {
        "Job" => format!("field label {} not supported for Job", crate::field::quoted(field)),
        "ResourceSlice" => {
            format!("field label not supported for {}, Kind={}: {field}", kind.api_version(), kind.kind)
        }
        _ => unknown(),
    })
}

/// The value of a field as the server compares it; empty where there is none.
fn value<'a>(kind: &ResourceType, object: &'a Object, field: &str) -> Cow<'a, str> {
    let at = |path: &str| found(object, path);
    let or = |value: Cow<'a, str>, other: &'static str| {
        if value.is_empty() { Cow::Borrowed(other) } else { value }
    };
    match (kind.group.as_str(), kind.kind.as_str(), field) {
        ("", "Pod", "spec.hostNetwork") | ("", "Node", "spec.unschedulable") => or(at(field), "false"),
        // The server compares the first address only, and never has a value for all of them.
        ("", "Pod", "status.podIP") => {
            let first =
                object.get("status").and_then(|status| status.get("podIPs")?.get(0)?.get("ip")?.as_str());
            Cow::Borrowed(first.unwrap_or_default())
        }
        ("", "Pod", "status.podIPs") => Cow::Borrowed(""),
        ("", "ReplicationController", "status.replicas") => or(at(field), "0"),
        ("batch", "Job", "status.successful") => or(at("status.succeeded"), "0"),
        ("", "Event", "source") => {
            let component = at("source.component");
            if component.is_empty() { at("reportingComponent") } else { component }
        }
        _ => at(field),
    }
}

fn found<'a>(object: &'a Object, path: &str) -> Cow<'a, str> {
    let mut parts = path.split('.');
    let mut value = parts.next().and_then(|part| object.get(part));
    for part in parts {
        value = value.and_then(|value| value.get(part));
    }
    match value {
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(Value::Bool(flag)) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        Some(Value::Number(number)) => Cow::Owned(GoNumber::from(number).plain()),
        _ => Cow::Borrowed(""),
    }
}

#[cfg(test)]
mod tests;
