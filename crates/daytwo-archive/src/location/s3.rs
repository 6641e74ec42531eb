//! S3 and stores that speak it: endpoint, addressing, credentials, encryption, Object Lock.
//!
//! Object Lock has no setting in object_store. Its headers stand in the client options of a second store, which
//! object_store signs with the rest; that store only writes files of backups and begins their uploads, so claims and
//! checks stay deletable. Payloads stay signed (SHA-256), over TLS too: it costs about 0.7 ms of CPU per MiB, and a proxy
//! that ends TLS cannot change a byte unseen.

use super::answer::{NoCredentials, Place};
use super::bucket::Bucket;
use super::error::{Error, Result};
use super::options::{LocationOptions, Retention, ServerSideEncryption};
use super::profile::{Aws, Source, resolve};
use super::source::{location_url, unusable};
use super::{Backend, Location, tls};
use jiff::Timestamp;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential, AwsCredentialProvider, Checksum};
use object_store::client::HttpClient;
use object_store::{ClientOptions, CredentialProvider, HeaderMap, HeaderValue, RetryConfig};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What signs and sends requests that object_store has no call for.
pub(crate) struct S3 {
    pub(super) client: HttpClient,
    pub(super) credentials: AwsCredentialProvider,
    pub(super) region: String,
    /// With the bucket, without a slash at its end.
    pub(super) bucket_url: String,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3").field(&self.bucket_url).finish()
    }
}

pub(super) fn open(bucket: &str, prefix: &str, options: &LocationOptions) -> Result<Location> {
    let url = location_url("s3", bucket, prefix);
    let aws = resolve(options)?;
    let endpoint = endpoint(bucket, options, &aws)?;
    let region = aws.region.clone().unwrap_or_else(|| "us-east-1".into());
    let client = tls::client(
        Some(&endpoint.bucket_url),
        &tls::authorities(options, aws.ca_bundle.clone())?,
        &options.patience,
    )?;
    let credentials = credentials(&aws, &region, options, &url)?;
    let build = |retention: Option<&Retention>| {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&region)
            // With the bucket in it, object_store takes the endpoint as it is.
            .with_endpoint(&endpoint.bucket_url)
            .with_virtual_hosted_style_request(true)
            .with_credentials(Arc::clone(&credentials))
            .with_disable_bulk_delete(true)
            .with_retry(tls::retry(&options.patience))
            .with_http_connector(tls::Shared(client.clone()));
        if options.checksums || options.retention.is_some() {
            builder = builder.with_checksum_algorithm(Checksum::SHA256);
        }
        builder = match &options.server_side_encryption {
            None => builder,
            Some(ServerSideEncryption::Aes256) => {
                let key = "aws_server_side_encryption".parse().map_err(|error| unusable(&url, &error))?;
                builder.with_config(key, "AES256")
            }
            Some(ServerSideEncryption::Kms { key }) => builder.with_sse_kms_encryption(key),
        };
        if let Some(retention) = retention {
            builder = builder
                .with_client_options(ClientOptions::new().with_default_headers(lock_headers(retention)?));
        }
        builder.build().map_err(|error| unusable(&url, &error))
    };
    let store = Arc::new(build(None)?);
    let writer = match &options.retention {
        Some(retention) => Arc::new(build(Some(retention))?),
        None => Arc::clone(&store),
    };
    let s3 =
        S3 { client: HttpClient::new(client.clone()), credentials, region, bucket_url: endpoint.bucket_url };
    let place = Place { url: url.clone(), credentials: aws.from, endpoint: Some(endpoint.base) };
    Ok(assemble(store, writer, s3, prefix, place))
}

fn assemble(store: Arc<AmazonS3>, writer: Arc<AmazonS3>, s3: S3, prefix: &str, place: Place) -> Location {
    let retained = !Arc::ptr_eq(&store, &writer);
    let url = place.url.clone();
    let bucket = Bucket {
        parts: Some(Arc::clone(&store) as _),
        store,
        starter: Some(Arc::clone(&writer) as _),
        writer: Some(writer),
        s3: Some(Arc::new(s3)),
        retained,
        prefix: prefix.to_owned(),
        place,
    };
    Location::of(&url, Backend::Bucket(Arc::new(bucket)))
}

struct Endpoint {
    /// For messages.
    base: String,
    bucket_url: String,
}

fn endpoint(bucket: &str, options: &LocationOptions, aws: &Aws) -> Result<Endpoint> {
    let base = match &aws.endpoint {
        Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
        None => {
            let region = aws.region.as_deref().unwrap_or("us-east-1");
            let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            format!("https://s3.{region}.{domain}")
        }
    };
    let (scheme, host) = base
        .split_once("://")
        .filter(|(scheme, host)| {
            matches!(*scheme, "http" | "https") && !host.is_empty() && !host.contains('@')
        })
        .ok_or_else(|| Error::Invalid("the S3 endpoint is no URL: write https://host[:port]".into()))?;
    let dotted = bucket.contains('.');
    let in_path = options.path_style.or(aws.path_style).unwrap_or(aws.endpoint.is_some() || dotted);
    let bucket_url = if in_path { format!("{base}/{bucket}") } else { format!("{scheme}://{bucket}.{host}") };
    Ok(Endpoint { base, bucket_url })
}

fn lock_headers(retention: &Retention) -> Result<HeaderMap> {
    let until = Timestamp::from_second(retention.until.as_second())
        .map_err(|error| Error::Invalid(format!("retention: {error}")))?;
    let until = HeaderValue::from_str(&until.to_string())
        .map_err(|error| Error::Invalid(format!("retention: {error}")))?;
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-object-lock-mode", HeaderValue::from_static(retention.mode.as_str()));
    headers.insert("x-amz-object-lock-retain-until-date", until);
    Ok(headers)
}

/// Gets the provider of credentials out of a store built for nothing else. Tokens and metadata have short deadlines of
/// their own: a machine that is not in a cloud must not wait minutes for an address that nobody answers.
fn credentials(
    aws: &Aws,
    region: &str,
    options: &LocationOptions,
    url: &str,
) -> Result<AwsCredentialProvider> {
    let mut clients = ClientOptions::new()
        .with_timeout(Duration::from_secs(10))
        .with_connect_timeout(Duration::from_secs(3));
    for pem in tls::authorities(options, aws.ca_bundle.clone())? {
        let certificates =
            object_store::Certificate::from_pem_bundle(&pem).map_err(|error| unusable(url, &error))?;
        clients = certificates.into_iter().fold(clients, ClientOptions::with_root_certificate);
    }
    let retry = RetryConfig {
        max_retries: 1,
        retry_timeout: Duration::from_secs(15),
        ..tls::retry(&options.patience)
    };
    let mut builder =
        AmazonS3Builder::new().with_bucket_name("credentials").with_region(region).with_retry(retry);
    let mut set = |key: &str, value: &str| -> Result<()> {
        let key = key.parse().map_err(|error| unusable(url, &error))?;
        builder = std::mem::take(&mut builder).with_config(key, value);
        Ok(())
    };
    match &aws.source {
        Source::Keys { key_id, secret, token } => {
            set("aws_access_key_id", key_id)?;
            set("aws_secret_access_key", secret)?;
            if let Some(token) = token {
                set("aws_session_token", token)?;
            }
            clients = clients.with_no_system_certificates(true);
        }
        Source::WebIdentity { token_file, role, session } => {
            set("aws_web_identity_token_file", token_file)?;
            set("aws_role_arn", role)?;
            if let Some(session) = session {
                set("aws_role_session_name", session)?;
            }
            if let Some(sts) = options.variable("AWS_ENDPOINT_URL_STS") {
                set("aws_endpoint_url_sts", &sts)?;
            }
        }
        Source::Container(settings) => {
            for (key, value) in settings {
                set(key, value)?;
            }
        }
        Source::Instance { endpoint } => {
            if let Some(endpoint) = endpoint {
                set("aws_metadata_endpoint", endpoint)?;
            }
        }
    }
    let store = builder.with_client_options(clients).build().map_err(|error| unusable(url, &error))?;
    Ok(Arc::new(Named(Arc::clone(store.credentials()))))
}

/// Tells credentials that could not be had from those that were refused.
#[derive(Debug)]
struct Named(AwsCredentialProvider);

#[async_trait::async_trait]
impl CredentialProvider for Named {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        self.0.get_credential().await.map_err(|error| {
            let mut why = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(inner) = source {
                why = inner.to_string();
                source = inner.source();
            }
            object_store::Error::Generic { store: "S3", source: Box::new(NoCredentials(why)) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aws(endpoint: Option<&str>, region: Option<&str>, path_style: Option<bool>) -> Aws {
        Aws {
            source: Source::Instance { endpoint: None },
            from: String::new(),
            region: region.map(str::to_owned),
            endpoint: endpoint.map(str::to_owned),
            path_style,
            ca_bundle: None,
        }
    }

    fn bucket_url(bucket: &str, path_style: Option<bool>, aws: &Aws) -> String {
        let options = LocationOptions { path_style, ..LocationOptions::default() };
        endpoint(bucket, &options, aws).unwrap().bucket_url
    }

    #[test]
    fn the_bucket_stands_in_the_path_of_own_endpoints_and_in_the_host_of_aws() {
        assert_eq!(bucket_url("b", None, &aws(Some("http://h:9000/"), None, None)), "http://h:9000/b");
        assert_eq!(
            bucket_url("b", Some(false), &aws(Some("https://h:9000"), None, None)),
            "https://b.h:9000"
        );
        assert_eq!(bucket_url("b", None, &aws(Some("https://h"), None, Some(false))), "https://b.h");
        assert_eq!(
            bucket_url("b", None, &aws(None, Some("eu-west-1"), None)),
            "https://b.s3.eu-west-1.amazonaws.com"
        );
        assert_eq!(bucket_url("b.c", None, &aws(None, None, None)), "https://s3.us-east-1.amazonaws.com/b.c");
        assert_eq!(
            bucket_url("b", None, &aws(None, Some("cn-north-1"), None)),
            "https://b.s3.cn-north-1.amazonaws.com.cn"
        );
    }

    #[test]
    fn an_endpoint_that_is_no_url_or_carries_credentials_is_refused() {
        for text in ["s3.site.example", "ftp://h", "https://", "https://u:p@h"] {
            assert!(
                endpoint("b", &LocationOptions::default(), &aws(Some(text), None, None)).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn retention_is_written_in_whole_seconds_of_utc() {
        use super::super::options::RetentionMode;
        let until = "2027-01-02T03:04:05.678Z".parse().unwrap();
        let headers = lock_headers(&Retention { mode: RetentionMode::Compliance, until }).unwrap();
        assert_eq!(headers["x-amz-object-lock-mode"], "COMPLIANCE");
        assert_eq!(headers["x-amz-object-lock-retain-until-date"], "2027-01-02T03:04:05Z");
    }
}
