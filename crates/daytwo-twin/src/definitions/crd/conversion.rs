//! How objects are to be converted between versions: not at all, or by a webhook, whose address is looked at and never
//! called.

use serde_json::{Map, Value};

use super::spec::one_of;
use super::{flag, text, texts};
use crate::definitions::names::{dns_1035, subdomain};
use crate::field::FieldError;

const PATH: &str = "spec.conversion";
const FORM: &str = "; desired format: https://host[/path]";

/// What is wrong with the conversion of a spec.
pub(super) fn wrong(spec: &Map<String, Value>) -> Vec<FieldError> {
    let Some(conversion) = spec.get("conversion").and_then(Value::as_object) else { return Vec::new() };
    let strategy = text(conversion, "strategy");
    let mut errors = Vec::new();
    if strategy != "None" && flag(spec, "preserveUnknownFields") {
        let detail = "must be None if spec.preserveUnknownFields is true";
        errors.push(FieldError::invalid(format!("{PATH}.strategy"), strategy.as_str(), detail));
    }
    errors.extend(one_of(&format!("{PATH}.strategy"), &strategy, &["None", "Webhook"]));
    let webhook = conversion.get("webhook").and_then(Value::as_object);
    let client = webhook.and_then(|webhook| webhook.get("clientConfig")).and_then(Value::as_object);
    let review = webhook.map(|webhook| texts(webhook, "conversionReviewVersions")).unwrap_or_default();
    let client_field = format!("{PATH}.webhookClientConfig");
    if strategy != "Webhook" {
        let set = [
            (client.is_some(), client_field),
            (!review.is_empty(), format!("{PATH}.conversionReviewVersions")),
        ];
        let set = set.into_iter().filter(|(set, _)| *set);
        let detail = "should not be set when strategy is not set to Webhook";
        errors.extend(set.map(|(_, field)| FieldError::forbidden(field, detail)));
        return errors;
    }
    match client {
        None => errors.push(FieldError::required(client_field, "required when strategy is set to Webhook")),
        Some(client) => {
            let address = client.get("url").and_then(Value::as_str);
            match (address, client.get("service").and_then(Value::as_object)) {
                (Some(address), None) => errors.extend(url(address, &format!("{client_field}.url"))),
                (None, Some(of)) => errors.extend(service(of, &format!("{client_field}.service"))),
                _ => errors
                    .push(FieldError::required(client_field, "exactly one of url or service is required")),
            }
        }
    }
    errors.extend(review_versions(&review));
    errors
}

fn url(address: &str, field: &str) -> Vec<FieldError> {
    let (rest, fragment) = address.split_once('#').unwrap_or((address, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once("://").unwrap_or(("", rest));
    let host = match scheme {
        "" => "",
        _ => rest.split('/').next().unwrap_or_default(),
    };
    let (user, host) = host.rsplit_once('@').unwrap_or(("", host));
    let mut errors = Vec::new();
    let mut refuse = |wrong: bool, value: &str, detail: String| {
        errors.extend(wrong.then(|| FieldError::invalid(field, value, detail)));
    };
    refuse(scheme != "https", scheme, format!("'https' is the only allowed URL scheme{FORM}"));
    refuse(host.is_empty(), host, format!("host must be specified{FORM}"));
    refuse(!user.is_empty(), user, "user information is not permitted in the URL".to_owned());
    refuse(!fragment.is_empty(), fragment, "fragments are not permitted in the URL".to_owned());
    refuse(!query.is_empty(), query, "query parameters are not permitted in the URL".to_owned());
    errors
}

fn service(service: &Map<String, Value>, field: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    // The server takes one for the other in its errors.
    for (missing, named) in [("namespace", "name"), ("name", "namespace")] {
        if text(service, missing).is_empty() {
            errors.push(FieldError::required(format!("{field}.{named}"), ""));
        }
    }
    let port = service.get("port").and_then(Value::as_i64).unwrap_or(0);
    if !(1..=65_535).contains(&port) {
        let detail = "port is not valid: must be between 1 and 65535, inclusive";
        errors.push(FieldError::invalid(format!("{field}.port"), port, detail));
    }
    let path = text(service, "path");
    let mut refuse =
        |detail: String| errors.push(FieldError::invalid(format!("{field}.path"), path.as_str(), detail));
    match path.as_str() {
        "" | "/" => return errors,
        "//" => {
            refuse("segment[0] may not be empty".to_owned());
            return errors;
        }
        _ => {}
    }
    if !path.starts_with('/') {
        refuse("must start with a '/'".to_owned());
    }
    // As the server does, the first sign is taken for the slash, whatever it is.
    let rest = path.char_indices().nth(1).map_or("", |(at, _)| &path[at..]);
    for (at, step) in rest.strip_suffix('/').unwrap_or(rest).split('/').enumerate() {
        match step {
            "" => refuse(format!("segment[{at}] may not be empty")),
            step => subdomain(step).into_iter().for_each(|wrong| refuse(format!("segment[{at}]: {wrong}"))),
        }
    }
    errors
}

fn review_versions(versions: &[String]) -> Vec<FieldError> {
    let field = format!("{PATH}.conversionReviewVersions");
    if versions.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    let mut errors = Vec::new();
    for (at, version) in versions.iter().enumerate() {
        let place = format!("{field}[{at}]");
        match versions[..at].contains(version) {
            true => errors.push(FieldError::invalid(place, version.as_str(), "duplicate version")),
            false => {
                let wrong = dns_1035(version).into_iter();
                errors
                    .extend(wrong.map(|wrong| FieldError::invalid(place.as_str(), version.as_str(), wrong)));
            }
        }
    }
    if !versions.iter().any(|version| matches!(version.as_str(), "v1" | "v1beta1")) {
        errors.push(FieldError::invalid(
            field,
            versions.to_vec(),
            "must include at least one of v1, v1beta1",
        ));
    }
    errors
}
