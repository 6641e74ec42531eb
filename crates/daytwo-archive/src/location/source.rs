//! From a URL and options to an open location.

use super::answer::Place;
use super::bucket::Bucket;
use super::error::{Error, Result};
use super::options::{Credentials, LocationOptions};
use super::url::{Target, parse};
use super::{Backend, Folder, Location, s3, tls};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::memory::InMemory;
use std::sync::Arc;

pub(super) fn open(url: &str, options: &LocationOptions) -> Result<Location> {
    match parse(url)? {
        Target::Folder(path) => {
            let url = path
                .to_str()
                .ok_or_else(|| Error::Invalid(format!("{} is not UTF-8", path.display())))?
                .to_owned();
            Ok(Location::of(&url, Backend::Folder(Folder::new(path, &url))))
        }
        Target::S3 { bucket, prefix } => s3::open(&bucket, &prefix, options),
        Target::Google { bucket, prefix } => google(&bucket, &prefix, options),
        Target::Azure { account, container, prefix } => azure(account, &container, &prefix, options),
        Target::Http { url } => http(&url, options),
    }
}

pub(super) fn memory() -> Location {
    let store = Arc::new(InMemory::new());
    let place = Place { url: "memory:".into(), credentials: "nowhere".into(), endpoint: None };
    let bucket = Bucket {
        store: store.clone(),
        parts: Some(store.clone()),
        writer: Some(store.clone()),
        starter: Some(store),
        s3: None,
        retained: false,
        prefix: String::new(),
        place,
    };
    Location::of("memory:", Backend::Bucket(Arc::new(bucket)))
}

pub(super) fn location_url(scheme: &str, bucket: &str, prefix: &str) -> String {
    if prefix.is_empty() { format!("{scheme}://{bucket}") } else { format!("{scheme}://{bucket}/{prefix}") }
}

fn refuse_s3_only(options: &LocationOptions, url: &str) -> Result<()> {
    if options.retention.is_some() || options.server_side_encryption.is_some() {
        return Err(Error::Invalid(format!(
            "Object Lock retention and server-side encryption are set for s3:// locations only, not for {url}"
        )));
    }
    Ok(())
}

fn google(bucket: &str, prefix: &str, options: &LocationOptions) -> Result<Location> {
    let url = location_url("gs", bucket, prefix);
    refuse_s3_only(options, &url)?;
    let client = tls::client(None, &tls::authorities(options, None)?, &options.patience)?;
    let mut builder = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(bucket)
        .with_retry(tls::retry(&options.patience))
        .with_http_connector(tls::Shared(client));
    let mut from = "GOOGLE_APPLICATION_CREDENTIALS, gcloud's login or the instance's metadata";
    match &options.credentials {
        Some(Credentials::Google { service_account }) => {
            builder = builder.with_service_account_key(service_account);
            from = "the service account key given";
        }
        Some(_) => return Err(Error::Invalid(format!("the credentials given are not for {url}"))),
        None => {}
    }
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_base_url(endpoint);
    }
    let store = Arc::new(builder.build().map_err(|error| unusable(&url, &error))?);
    let place = Place { url: url.clone(), credentials: from.into(), endpoint: options.endpoint.clone() };
    let bucket = Bucket {
        store: store.clone(),
        parts: Some(store.clone()),
        writer: Some(store.clone()),
        starter: Some(store),
        s3: None,
        retained: false,
        prefix: prefix.to_owned(),
        place,
    };
    Ok(Location::of(&url, Backend::Bucket(Arc::new(bucket))))
}

fn azure(
    account: Option<String>,
    container: &str,
    prefix: &str,
    options: &LocationOptions,
) -> Result<Location> {
    let url = location_url("az", container, prefix);
    refuse_s3_only(options, &url)?;
    let client = tls::client(None, &tls::authorities(options, None)?, &options.patience)?;
    let mut builder = MicrosoftAzureBuilder::from_env()
        .with_container_name(container)
        .with_retry(tls::retry(&options.patience))
        .with_http_connector(tls::Shared(client));
    let mut account = account;
    let mut from = "AZURE_ environment variables, the Azure CLI's login or the managed identity";
    match &options.credentials {
        Some(Credentials::Azure { account: named, key }) => {
            account = named.clone().or(account);
            if let Some(key) = key {
                builder = builder.with_access_key(key);
                from = "the access key given";
            }
        }
        Some(_) => return Err(Error::Invalid(format!("the credentials given are not for {url}"))),
        None => {}
    }
    if let Some(account) = account {
        builder = builder.with_account(account);
    }
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_endpoint(endpoint.clone()).with_allow_http(endpoint.starts_with("http://"));
    }
    let store = Arc::new(builder.build().map_err(|error| unusable(&url, &error))?);
    let place = Place { url: url.clone(), credentials: from.into(), endpoint: options.endpoint.clone() };
    let bucket = Bucket {
        store: store.clone(),
        parts: Some(store.clone()),
        writer: Some(store.clone()),
        starter: Some(store),
        s3: None,
        retained: false,
        prefix: prefix.to_owned(),
        place,
    };
    Ok(Location::of(&url, Backend::Bucket(Arc::new(bucket))))
}

fn http(url: &str, options: &LocationOptions) -> Result<Location> {
    refuse_s3_only(options, url)?;
    let client = tls::client(Some(url), &tls::authorities(options, None)?, &options.patience)?;
    let builder = HttpBuilder::new()
        .with_url(url)
        .with_retry(tls::retry(&options.patience))
        .with_http_connector(tls::Shared(client));
    let store = Arc::new(builder.build().map_err(|error| unusable(url, &error))?);
    let place = Place {
        url: url.to_owned(),
        credentials: "nowhere: none are sent".into(),
        endpoint: Some(url.to_owned()),
    };
    let bucket = Bucket {
        store,
        parts: None,
        writer: None,
        starter: None,
        s3: None,
        retained: false,
        prefix: String::new(),
        place,
    };
    Ok(Location::of(url, Backend::Bucket(Arc::new(bucket))))
}

pub(super) fn unusable(url: &str, error: &object_store::Error) -> Error {
    Error::Invalid(format!("{url} cannot be opened: {error}"))
}
