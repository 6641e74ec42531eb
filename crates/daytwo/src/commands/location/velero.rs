//! `--location velero:NAME`: the bucket, authority and credentials of a BackupStorageLocation of the cluster.
//!
//! Reads the object and the Secrets it names; a Secret's bytes go to the store's client and nowhere else.

use base64::Engine;
use daytwo_archive::location::{Location, LocationOptions, from_velero};
use daytwo_engine::Site;
use daytwo_engine::api::{self, ApiError};
use serde_json::Value;

use crate::cli::shared::Store;
use crate::config::Kept;
use crate::failure::{Failure, Result};
use crate::place;
use crate::settings::Session;
use crate::site;

/// The Secret that `velero install --secret-file` makes, and its key; used where a location names none.
const DEFAULT_SECRET: (&str, &str) = ("cloud-credentials", "cloud");

/// Opens the location that BackupStorageLocation `namespace`/`name` describes; flags win over it.
///
/// # Errors
/// Exit 2 where there is none of that name, exit 3 where the cluster does not answer or refuses.
pub async fn open(session: &Session, namespace: &str, name: &str, flags: &Store) -> Result<Location> {
    let site = Site::connect(&site::options(session, None)).await?;
    let path = format!("/apis/velero.io/v1/namespaces/{namespace}/backupstoragelocations/{name}");
    let bsl: Value = match api::get_json(site.client(), &path).await {
        Ok(bsl) => bsl,
        Err(error) if error.is_not_found() => return Err(missing(&site, namespace, name).await),
        Err(error) => return Err(error.into()),
    };
    let credentials = credentials(&site, namespace, &bsl["spec"]["credential"]).await?;
    let (url, mut options) = from_velero(&bsl, credentials.as_deref())?;
    if let Some(reference) = bsl["spec"]["objectStorage"].get("caCertRef") {
        let pem = secret_key(&site, namespace, &text(reference, "name"), &text(reference, "key")).await?;
        options.ca_pem = Some(pem.ok_or_else(|| {
            Failure::usage(format!(
                "BackupStorageLocation {name}: caCertRef names a Secret or key that is not there"
            ))
        })?);
    }
    overlay(session, &mut options, flags)?;
    Ok(Location::open(&url, &options)?)
}

async fn credentials(site: &Site, namespace: &str, named: &Value) -> Result<Option<String>> {
    let asked = named.get("name").is_some();
    let (secret, key) = if asked {
        (text(named, "name"), text(named, "key"))
    } else {
        (DEFAULT_SECRET.0.to_owned(), DEFAULT_SECRET.1.to_owned())
    };
    match secret_key(site, namespace, &secret, &key).await? {
        Some(bytes) => {
            Ok(Some(String::from_utf8(bytes).map_err(|_| {
                Failure::usage(format!("key {key} of Secret {namespace}/{secret} is no text"))
            })?))
        }
        None if asked => Err(Failure::usage(format!("there is no key {key} in Secret {namespace}/{secret}"))),
        None => Ok(None),
    }
}

/// One decoded key of a Secret; `None` where the Secret or the key is not there.
async fn secret_key(site: &Site, namespace: &str, name: &str, key: &str) -> Result<Option<Vec<u8>>> {
    let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
    let secret: Value = match api::get_json(site.client(), &path).await {
        Ok(secret) => secret,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(encoded) = secret["data"][key].as_str() else { return Ok(None) };
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded);
    Ok(Some(
        decoded
            .map_err(|_| Failure::usage(format!("key {key} of Secret {namespace}/{name} is not base64")))?,
    ))
}

async fn missing(site: &Site, namespace: &str, name: &str) -> Failure {
    let path = format!("/apis/velero.io/v1/namespaces/{namespace}/backupstoragelocations");
    let failure = Failure::usage(format!(
        "there is no BackupStorageLocation {name} in namespace {namespace} of {}",
        site.identity().context
    ));
    let names = match api::get_json::<Value>(site.client(), &path).await {
        Ok(list) => names(&list),
        Err(ApiError::Status { code: 404, .. }) => {
            return failure.or_try("--location URL: the cluster has no Velero");
        }
        Err(_) => return failure,
    };
    if names.is_empty() {
        failure.or_try("velero:NAME@NAMESPACE, with the namespace Velero runs in")
    } else {
        failure.or_try(format!("velero:NAME@{namespace}, with one of {}", names.join(", ")))
    }
}

fn names(list: &Value) -> Vec<String> {
    list["items"].as_array().into_iter().flatten().map(|item| text(&item["metadata"], "name")).collect()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Lays the flags over what the cluster says.
fn overlay(session: &Session, options: &mut LocationOptions, flags: &Store) -> Result<()> {
    let given = place::options(&place::overlay(Kept::default(), flags), session.clock.now())?;
    if given.profile.is_some() {
        options.credentials = None;
    }
    options.endpoint = given.endpoint.or(options.endpoint.take());
    options.region = given.region.or(options.region.take());
    options.profile = given.profile.or(options.profile.take());
    options.path_style = given.path_style.or(options.path_style.take());
    options.ca_file = given.ca_file.or(options.ca_file.take());
    options.server_side_encryption = given.server_side_encryption.or(options.server_side_encryption.take());
    options.retention = given.retention.or(options.retention.take());
    Ok(())
}
