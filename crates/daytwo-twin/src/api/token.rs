//! Tokens of ServiceAccounts: signed, with an end, and good for a TokenReview on this twin alone.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use serde_json::{Value, json};

use super::decode::{Wanted, decode};
use super::{Api, Call, Caller, Inner, Outcome, meta, subject};
use crate::ask::Object;
use crate::field::FieldError;
use crate::kinds::Resource;
use crate::status::{Result, Status, Subject};
use crate::store::{Stored, key};

/// The audience, and the issuer, of tokens that ask for none.
pub(super) const AUDIENCE: &str = "https://kubernetes.default.svc.cluster.local";
/// The shortest a token may last, and how long one lasts that does not say.
const SHORTEST: i64 = 600;
const USUAL: i64 = 3_600;
/// The longest.
const LONGEST: i64 = 1 << 32;

impl Api {
    pub(super) fn token(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let mut request =
            decode(call, &Wanted::built_in("authentication.k8s.io", "v1", "TokenRequest"), body, warnings)?;
        let name = call.target.name.as_deref().unwrap_or_default();
        let namespace = call.target.namespace.as_deref().unwrap_or_default();
        of_account(&request, namespace, name)?;
        let account = self
            .read()
            .store
            .get(resource.table, &key(Some(namespace), name))
            .cloned()
            .ok_or_else(|| Status::not_found(subject(resource), name))?;
        let uid = meta::text(&request, "uid");
        if !uid.is_empty() && uid != &*account.uid {
            return Err(Status::conflict(
                KIND,
                name,
                format!(
                    "the UID in the token request ({uid}) does not match the UID of the service account ({})",
                    account.uid
                ),
            ));
        }
        let spec = request.get("spec").cloned().unwrap_or_default();
        let seconds = spec.get("expirationSeconds").and_then(Value::as_i64).unwrap_or(USUAL);
        lasts(seconds)?;
        let bound = match spec.get("boundObjectRef").filter(|reference| reference.is_object()) {
            Some(reference) => Some(bound(&self.read(), namespace, name, reference)?),
            None => None,
        };
        let audiences = match spec.get("audiences").and_then(Value::as_array).filter(|all| !all.is_empty()) {
            Some(audiences) => Value::Array(audiences.clone()),
            None => json!([AUDIENCE]),
        };
        let now = self.settings().clock.now();
        let until = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
        let mut claims = json!({
            "aud": audiences, "exp": until.as_second(), "iat": now.as_second(), "nbf": now.as_second(),
            "iss": AUDIENCE, "sub": format!("system:serviceaccount:{namespace}:{name}"),
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": account.uid}},
        });
        if let Some((kind, there)) = bound {
            claims["kubernetes.io"][kind.to_lowercase()] = json!({"name": there.name(), "uid": there.uid});
        }
        let token = sign(self, &claims);
        meta::set(&mut request, "name", Some(name.into()));
        meta::set(&mut request, "namespace", Some(namespace.into()));
        meta::set(&mut request, "uid", Some((&*account.uid).into()));
        meta::set(&mut request, "creationTimestamp", Some(meta::time(now)));
        if let Some(Value::Object(spec)) = request.get_mut("spec") {
            spec.insert("audiences".into(), audiences);
            spec.insert("expirationSeconds".into(), seconds.into());
            spec.entry("boundObjectRef").or_insert(Value::Null);
        }
        request.insert("status".into(), json!({"token": token, "expirationTimestamp": meta::time(until)}));
        Ok(Outcome::Object(201, request))
    }
}

const KIND: Subject<'_> = Subject { group: "authentication.k8s.io", kind: "TokenRequest" };

/// Whether a request names the account it is sent to, where it names one.
fn of_account(request: &Object, namespace: &str, name: &str) -> Result<()> {
    let of = |field: &str, wanted: &str, what: &str| {
        let said = meta::text(request, field);
        if said.is_empty() || said == wanted {
            return Ok(());
        }
        let why = format!("must match the service account {what} if specified");
        let error = FieldError::invalid(format!("metadata.{field}"), said, why);
        Err(Status::invalid(KIND, name, &[error]))
    };
    of("name", name, "name")?;
    of("namespace", namespace, "namespace")
}

/// Whether a token may last so long (`pkg/apis/authentication/validation`).
fn lasts(seconds: i64) -> Result<()> {
    let why = match seconds {
        ..SHORTEST => "may not specify a duration less than 10 minutes",
        SHORTEST..=LONGEST => return Ok(()),
        _ => "may not specify a duration larger than 2^32 seconds",
    };
    Err(Status::invalid(KIND, "", &[FieldError::invalid("spec.expirationSeconds", seconds, why)]))
}

/// The kinds a token may be bound to, with their resources.
const BINDS: [(&str, &str); 3] = [("Pod", "pods"), ("Secret", "secrets"), ("Node", "nodes")];

/// The object a token is bound to, with whose end it ends.
fn bound(
    inner: &Inner,
    namespace: &str,
    account: &str,
    reference: &Value,
) -> Result<(&'static str, Arc<Stored>)> {
    let text = |name: &str| reference.get(name).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
    let found = BINDS.iter().find(|(kind, _)| group.is_empty() && text("kind") == *kind);
    let Some((kind, plural)) = found else {
        let what = format!("{group}/{version}, Kind={}", text("kind"));
        return Err(Status::bad_request(format!("cannot bind token to object of type {what}")));
    };
    let name = text("name");
    let stored = held(inner, kind, namespace, name)
        .ok_or_else(|| Status::not_found(Subject { group: "", kind: plural }, name))?;
    if *kind == "Pod" && stored.text_at(&["spec", "serviceAccountName"]).unwrap_or_default() != account {
        return Err(Status::bad_request(format!(
            "cannot bind token for serviceaccount {account:?} to pod running with different serviceaccount name."
        )));
    }
    let uid = text("uid");
    if !uid.is_empty() && uid != &*stored.uid {
        return Err(Status::conflict(
            Subject { group, kind },
            name,
            format!(
                "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated"
            ),
        ));
    }
    Ok((kind, stored))
}

/// An object that a token may be bound to.
fn held(inner: &Inner, kind: &str, namespace: &str, name: &str) -> Option<Arc<Stored>> {
    let (_, plural) = BINDS.iter().find(|(one, _)| *one == kind)?;
    let namespace = Some(namespace).filter(|_| kind != "Node");
    inner.store.get(inner.kinds.table_of("", plural)?, &key(namespace, name)).cloned()
}

fn sign(api: &Api, claims: &Value) -> String {
    let head = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let body = URL_SAFE_NO_PAD.encode(claims.to_string());
    let tag = hmac::sign(api.token_key(), format!("{head}.{body}").as_bytes());
    format!("{head}.{body}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

/// Whom a token stands for.
pub(super) struct Owner {
    /// As a TokenReview shows it.
    pub(super) user: Value,
    /// For whom it was given.
    pub(super) audiences: Vec<String>,
}

/// The user a token stands for, while it is good.
pub(super) fn owner(api: &Api, token: &str) -> Option<Owner> {
    let (signed, tag) = token.rsplit_once('.')?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    hmac::verify(api.token_key(), signed.as_bytes(), &tag).ok()?;
    let (_, body) = signed.split_once('.')?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
    let until = Timestamp::from_second(claims["exp"].as_i64()?).ok()?;
    if until < api.settings().clock.now() {
        return None;
    }
    let account = &claims["kubernetes.io"];
    let namespace = account["namespace"].as_str()?;
    let key = key(Some(namespace), account["serviceaccount"]["name"].as_str()?);
    let inner = api.read();
    let there = inner.store.get(inner.kinds.table_of("", "serviceaccounts")?, &key)?;
    if Some(&*there.uid) != account["serviceaccount"]["uid"].as_str() {
        return None;
    }
    for (kind, _) in BINDS {
        let to = &account[kind.to_lowercase()];
        let Some(name) = to["name"].as_str() else { continue };
        if held(&inner, kind, namespace, name).is_none_or(|there| Some(&*there.uid) != to["uid"].as_str()) {
            return None;
        }
    }
    let user = json!({
        "username": claims["sub"], "uid": there.uid,
        "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
    });
    let audiences = claims["aud"].as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Some(Owner { user, audiences })
}

/// Who bears a token that is good for the API server.
pub(super) fn bearer(api: &Api, token: &str) -> Option<Caller> {
    let owner = owner(api, token).filter(|owner| owner.audiences.iter().any(|one| one == AUDIENCE))?;
    let text = |name: &str| owner.user[name].as_str().unwrap_or_default();
    let groups: Vec<&str> = owner.user["groups"].as_array()?.iter().filter_map(Value::as_str).collect();
    let mut caller = Caller::new(text("username"), &groups);
    text("uid").clone_into(&mut caller.uid);
    Some(caller)
}
