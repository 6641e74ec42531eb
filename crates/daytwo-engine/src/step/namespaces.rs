//! Makes namespaces that objects need and that the backup has no object of. It refuses to change one that is there.

use daytwo_core::json::quote;
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::Action;

use super::request::{Created, Writer};
use super::{count, failed};
use crate::advance::Act;
use crate::api::ApiError;

/// Makes those of `namespaces` that are not there; returns whether it was stopped.
pub(super) async fn ensure(namespaces: &[String], act: &Act<'_>) -> Result<bool, ApiError> {
    let writer = Writer::of(act);
    for name in namespaces {
        if !act.may_act().await {
            return Ok(true);
        }
        let key = ObjectKey { resource: "namespaces".to_owned(), namespace: None, name: name.clone() };
        let body =
            format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":{}}}}}"#, quote(name));
        match writer.create("/api/v1/namespaces", body.into_bytes(), None, false).await {
            Ok(Created::New) => {
                count(act, "namespaces", Action::Created);
                act.tally(|tally| tally.note(key, "was made without labels: the backup does not hold it"));
            }
            Ok(Created::Exists { .. }) => {}
            // Who may not list namespaces may not make them either: if it is there, its objects will tell.
            Err(error) if error.is_denied() => {
                act.tally(|tally| {
                    tally.note(key, format!("cannot be seen or made, taken to be there: {error}"));
                });
            }
            Err(error) if act.halt.is_cancelled() && error.retry().is_some() => return Ok(true),
            Err(error) => act.tally(|tally| tally.failed(failed(key, &error, &[], ""))),
        }
    }
    Ok(false)
}
