//! One GET of the API server, with the `Accept` that kubectl cannot be told to send.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use testbed::ControlPlane;

const DEADLINE: Duration = Duration::from_secs(30);

/// The JSON at `path`, as the administrator sees it.
///
/// # Errors
/// If it cannot be had within 30 s, or is not JSON.
pub fn get(site: &ControlPlane, path: &str, accept: &str) -> Result<Value> {
    let address = site.url().strip_prefix("https://").context("a server that is not https")?;
    let tcp = TcpStream::connect(address).with_context(|| format!("cannot reach {address}"))?;
    tcp.set_read_timeout(Some(DEADLINE)).context("no deadline")?;
    let name = ServerName::try_from("127.0.0.1").context("a server without a name")?;
    let session = ClientConnection::new(Arc::new(config(site)?), name).context("no TLS")?;
    let mut stream = StreamOwned::new(session, tcp);
    // HTTP/1.0: the answer ends with the connection, and comes in one piece.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept: {accept}\r\n\r\n")
        .with_context(|| format!("cannot ask for {path}"))?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).with_context(|| format!("no answer for {path}"))?;
    let text = String::from_utf8(answer).with_context(|| format!("no text at {path}"))?;
    match text.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 OK") => {
            serde_json::from_str(body).with_context(|| format!("no JSON at {path}"))
        }
        Some((head, _)) => bail!("{path}: {}", head.lines().next().unwrap_or_default()),
        None => bail!("{path}: no answer of HTTP"),
    }
}

fn config(site: &ControlPlane) -> Result<ClientConfig> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(site.ca_pem().as_bytes()).context("no CA")?;
    roots.add(authority).context("a CA that cannot be trusted")?;
    let certificate = CertificateDer::from_pem_slice(&read(site.admin_cert())?).context("no certificate")?;
    let key = PrivateKeyDer::from_pem_slice(&read(site.admin_key())?).context("no key")?;
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("no version of TLS")?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)
        .context("a client certificate that does not fit its key")
}
