//! Reviews: questions that are posted and answered, and leave nothing behind.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::decode::{Wanted, decode};
use super::rights::{Wish, allowed, rules};
use super::{Api, Call, Caller, Outcome, meta};
use crate::ask::Object;
use crate::field::FieldError;
use crate::kinds::Resource;
use crate::status::{Result, Status, Subject};

/// Whether objects of the resource are questions.
pub(super) fn is_review(resource: &Resource) -> bool {
    matches!(&*resource.kind.group, "authorization.k8s.io" | "authentication.k8s.io")
        && resource.does("create")
}

/// Answers a review.
pub(super) fn create(
    api: &Api,
    call: &Call,
    resource: &Arc<Resource>,
    body: &[u8],
    warnings: &mut Vec<String>,
) -> Result<Outcome> {
    let mut review = decode(call, &Wanted::of(resource), body, warnings)?;
    let caller = &call.caller;
    let status = match &*resource.kind.resource {
        "selfsubjectreviews" => {
            meta::set(&mut review, "creationTimestamp", Some(meta::time(call.now)));
            match caller.uid.as_str() {
                "" => json!({"userInfo": {"username": caller.user, "groups": caller.groups}}),
                uid => json!({"userInfo": {"username": caller.user, "uid": uid, "groups": caller.groups}}),
            }
        }
        "tokenreviews" => tokens(api, &review)?,
        "selfsubjectrulesreviews" => {
            let namespace = spec(&review, "namespace").to_owned();
            if namespace.is_empty() {
                return Err(Status::bad_request("no namespace on request"));
            }
            review.insert("spec".into(), json!({}));
            rules(&api.read(), caller, &namespace)
        }
        kind => {
            complete(call, resource, &review)?;
            let own = kind == "selfsubjectaccessreviews";
            let who = if own { caller.clone() } else { asked(&review) };
            match allowed(&api.read(), &who, &wish(&review)) {
                Some(reason) if reason.is_empty() => json!({"allowed": true}),
                Some(reason) => json!({"allowed": true, "reason": reason}),
                None => json!({"allowed": false}),
            }
        }
    };
    review.insert("status".into(), status);
    Ok(Outcome::Object(201, review))
}

fn spec<'a>(review: &'a Object, name: &str) -> &'a str {
    review.get("spec").and_then(|spec| spec.get(name)).and_then(Value::as_str).unwrap_or_default()
}

/// Whom a review asks about.
fn asked(review: &Object) -> Caller {
    let groups = review.get("spec").and_then(|spec| spec.get("groups")).and_then(Value::as_array);
    Caller {
        user: spec(review, "user").to_owned(),
        groups: groups.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        uid: spec(review, "uid").to_owned(),
    }
}

/// What a review asks about.
fn wish(review: &Object) -> Wish {
    let of = |part: &str| review.get("spec").and_then(|spec| spec.get(part)).and_then(Value::as_object);
    let text = |map: &Map<String, Value>, name: &str| {
        map.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if let Some(path) = of("nonResourceAttributes") {
        return Wish { verb: text(path, "verb"), path: Some(text(path, "path")), ..Wish::default() };
    }
    let Some(resource) = of("resourceAttributes") else { return Wish::default() };
    let part = text(resource, "subresource");
    let name = text(resource, "resource");
    Wish {
        verb: text(resource, "verb"),
        group: text(resource, "group"),
        resource: if part.is_empty() { name } else { format!("{name}/{part}") },
        name: text(resource, "name"),
        namespace: text(resource, "namespace"),
        path: None,
    }
}

/// An access review must ask something, of someone (`pkg/apis/authorization/validation`).
fn complete(call: &Call, resource: &Resource, review: &Object) -> Result<()> {
    let mut errors = Vec::new();
    let whole = review.get("spec").cloned().unwrap_or_default();
    let has = |name: &str| whole.get(name).is_some_and(|value| !value.is_null());
    if has("resourceAttributes") && has("nonResourceAttributes") {
        let path = &whole["nonResourceAttributes"];
        // The server shows a type of its own, whose fields have no names in JSON.
        let shown = json!({"Path": path["path"].as_str().unwrap_or_default(), "Verb": path["verb"].as_str().unwrap_or_default()});
        errors.push(FieldError::invalid(
            "spec.nonResourceAttributes",
            shown,
            "cannot be specified in combination with resourceAttributes",
        ));
    }
    if !has("resourceAttributes") && !has("nonResourceAttributes") {
        errors.push(FieldError::invalid(
            "spec.resourceAttributes",
            Value::Null,
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ));
    }
    let groups = whole.get("groups").and_then(Value::as_array).is_some_and(|groups| !groups.is_empty());
    let own = resource.kind.resource == "selfsubjectaccessreviews";
    if !own && spec(review, "user").is_empty() && !groups {
        errors.push(FieldError::invalid("spec.user", "", "at least one of user or group must be specified"));
    }
    let local = resource.kind.namespaced;
    let mut metadata = review.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    metadata
        .retain(|name, value| !value.is_null() && name != "managedFields" && !(local && name == "namespace"));
    if !metadata.is_empty() {
        let shown = review.get("metadata").cloned().unwrap_or_default();
        let must = if local { "must be empty except for namespace" } else { "must be empty" };
        errors.push(FieldError::invalid("metadata", shown, must));
    }
    let inside = whole.pointer("/resourceAttributes/namespace").and_then(Value::as_str).unwrap_or_default();
    if local && has("resourceAttributes") && Some(inside) != call.target.namespace.as_deref() {
        errors.push(FieldError::invalid(
            "spec.resourceAttributes.namespace",
            inside,
            "must match metadata.namespace",
        ));
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(Subject { group: &resource.kind.group, kind: "" }, "", &errors))
}

/// Whose token it is.
fn tokens(api: &Api, review: &Object) -> Result<Value> {
    let token = spec(review, "token");
    if token.is_empty() {
        return Err(Status::bad_request("token is required for TokenReview in authentication"));
    }
    let wanted: Vec<&str> = review
        .get("spec")
        .and_then(|spec| spec.get("audiences"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let Some(found) = super::token::owner(api, token) else {
        return Ok(json!({"user": {}, "error": "invalid bearer token"}));
    };
    let wanted = if wanted.is_empty() { vec![super::token::AUDIENCE] } else { wanted };
    let good: Vec<&String> = found.audiences.iter().filter(|one| wanted.contains(&one.as_str())).collect();
    if good.is_empty() {
        let error = format!(
            "[invalid bearer token, token audiences {:?} is invalid for the target audiences {wanted:?}]",
            found.audiences
        );
        return Ok(json!({"user": {}, "error": error}));
    }
    Ok(json!({"authenticated": true, "user": found.user, "audiences": good}))
}
