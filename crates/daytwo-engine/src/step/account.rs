//! The ServiceAccount `default`: its controller makes a bare one in each new namespace, often before the restore gets
//! there. It refuses to touch one that somebody has changed.

use daytwo_core::json::{Edits, JsonError, Meta, find, quote};

use super::request::Writer;
use crate::api::ApiError;

/// Why a merge did not come about.
pub(super) enum Failed {
    Api(ApiError),
    Json(JsonError),
}

impl From<JsonError> for Failed {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

/// Adds what `backup` holds to the account at `path`, if that is as its controller made it; otherwise `false`.
pub(super) async fn merge(writer: &Writer<'_>, path: &str, backup: &[u8]) -> Result<bool, Failed> {
    let Some(live) = writer.get(path).await.map_err(Failed::Api)? else { return Ok(false) };
    let meta = Meta::of(&live)?;
    if !is_bare(&meta, &live)? {
        return Ok(false);
    }
    let mut edits = Edits::new();
    // The write is refused if the account changes meanwhile.
    edits.set(&["metadata", "resourceVersion"], quote(meta.resource_version.as_deref().unwrap_or_default()));
    writer.merge_once(path, edits.apply(backup)?.into()).await.map_err(Failed::Api)?;
    Ok(true)
}

fn is_bare(meta: &Meta<'_>, account: &[u8]) -> Result<bool, JsonError> {
    let empty = |map: Option<&[u8]>| map.is_none_or(|map| map.len() <= 2);
    let absent =
        |key: &str| Ok::<_, JsonError>(find(account, &[key])?.is_none_or(|span| account[span].len() <= 2));
    Ok(empty(meta.labels)
        && empty(meta.annotations)
        && absent("imagePullSecrets")?
        && absent("secrets")?
        && absent("automountServiceAccountToken")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_somebody_changed_is_not_bare() {
        let bare =
            |account: &str| is_bare(&Meta::of(account.as_bytes()).unwrap(), account.as_bytes()).unwrap();
        assert!(bare(r#"{"metadata":{"name":"default","uid":"1"}}"#));
        assert!(bare(r#"{"metadata":{"name":"default","annotations":{}},"secrets":[]}"#));
        assert!(!bare(r#"{"metadata":{"name":"default","labels":{"a":"b"}}}"#));
        assert!(!bare(r#"{"metadata":{"name":"default"},"imagePullSecrets":[{"name":"x"}]}"#));
        assert!(!bare(r#"{"metadata":{"name":"default"},"automountServiceAccountToken":false}"#));
    }
}
