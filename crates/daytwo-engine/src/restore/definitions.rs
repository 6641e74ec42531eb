//! Looks up how the cluster converts custom resources of which the backup holds a version that it does not serve. It
//! refuses to ask about any other: definitions are large.

use std::collections::BTreeSet;

use daytwo_core::json::{JsonError, elements, find, text_at};
use daytwo_core::restore::{Census, Existing, Request, Target};
use kube::Client;

use super::lists::escape;
use crate::api::{self, ApiError};

/// Notes in `target` whose versions have the same fields, and whose a webhook converts.
///
/// # Errors
/// An [`ApiError`] where the server does not answer; a definition that may not be read is passed over.
pub async fn look(
    client: &Client,
    request: &Request,
    census: &Census,
    target: &mut Target,
) -> Result<(), ApiError> {
    for (resource, kind, _) in census.resources() {
        let elsewhere = target.served.contains_key(resource) && !target.serves(resource, &kind.version);
        // A definition that is there stays as it is, unless it is to be changed to the backup's.
        let brought = request.existing != Existing::Keep && census.defines(resource, &kind.version);
        if !elsewhere || brought {
            continue;
        }
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}", escape(resource));
        let definition = match api::get(client, &path, "application/json").await {
            Ok(definition) => definition,
            Err(error) if error.is_denied() || error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        let strategy = text_at(&definition, &["spec", "conversion", "strategy"]);
        let garbled = |error: JsonError| ApiError::Garbled {
            method: http::Method::GET,
            path: path.clone(),
            what: error.to_string(),
        };
        match strategy.map_err(garbled)?.as_deref() {
            Some("None") | None => {
                let named = versions(&definition).map_err(garbled)?;
                target.alike.insert(resource.to_owned(), named);
            }
            Some(_) => {
                target.by_webhook.insert(resource.to_owned());
            }
        }
    }
    Ok(())
}

/// The versions that a definition names, served or not.
fn versions(definition: &[u8]) -> Result<BTreeSet<String>, JsonError> {
    let mut named = BTreeSet::new();
    let Some(span) = find(definition, &["spec", "versions"])? else { return Ok(named) };
    let versions = &definition[span];
    if versions.starts_with(b"[") {
        for element in elements(versions) {
            named.extend(text_at(&versions[element?], &["name"])?.map(std::borrow::Cow::into_owned));
        }
    }
    Ok(named)
}
