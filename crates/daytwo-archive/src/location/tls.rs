//! The one HTTP client of a location: certificates, proxies, deadlines. Refuses to go without verification.
//!
//! Proxies come from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, which reqwest reads itself.

use super::error::{Error, Result};
use super::options::{LocationOptions, Patience};
use super::whole::Whole;
use object_store::client::{HttpClient, HttpConnector};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use std::path::PathBuf;

/// Gives the same client to whatever part of object_store asks for one: certificates are read once.
#[derive(Debug)]
pub(super) struct Shared(pub(super) reqwest::Client);

impl HttpConnector for Shared {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Whole(self.0.clone())))
    }
}

/// Certificates in a file or given as bytes, as PEM.
pub(super) fn authorities(options: &LocationOptions, default_file: Option<String>) -> Result<Vec<Vec<u8>>> {
    let mut pems: Vec<Vec<u8>> = options.ca_pem.iter().cloned().collect();
    let file = options
        .ca_file
        .clone()
        .or_else(|| options.variable("AWS_CA_BUNDLE").map(PathBuf::from))
        .or(default_file.map(PathBuf::from));
    if let Some(file) = file {
        let pem = std::fs::read(&file).map_err(|error| {
            Error::Invalid(format!("cannot read the CA file {}: {error}", file.display()))
        })?;
        pems.push(pem);
    }
    Ok(pems)
}

/// The client for `endpoint` (`None`: some host of a cloud, over TLS).
pub(super) fn client(
    endpoint: Option<&str>,
    pems: &[Vec<u8>],
    patience: &Patience,
) -> Result<reqwest::Client> {
    // The first provider stays; another one installed by the program is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut certificates = Vec::new();
    for pem in pems {
        let read = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|error| Error::Invalid(format!("the CA file is not PEM: {error}")))?;
        if read.is_empty() {
            return Err(Error::Invalid(
                "the CA file holds no certificate: it must be PEM, with BEGIN CERTIFICATE lines".into(),
            ));
        }
        certificates.extend(read);
    }
    let builder = reqwest::Client::builder()
        .user_agent(concat!("daytwo/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .connect_timeout(patience.connect)
        .read_timeout(patience.silence)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate();
    let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    // Reading the system's certificates costs time, and fails where there are none: only where they are of use.
    let builder = if plain {
        builder.tls_certs_only(certificates)
    } else {
        builder.https_only(endpoint.is_some()).tls_certs_merge(certificates)
    };
    builder.build().map_err(|error| {
        let source =
            std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        Error::Invalid(format!(
            "TLS cannot be set up: {error}{source}; pass the store's authority with --ca-file"
        ))
    })
}

pub(super) fn retry(patience: &Patience) -> RetryConfig {
    let backoff = BackoffConfig { max_backoff: patience.backoff, ..BackoffConfig::default() };
    RetryConfig { backoff, max_retries: patience.retries, retry_timeout: patience.retry_for }
}
