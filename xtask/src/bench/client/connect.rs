//! One keep-alive HTTP/1.1 connection to the API server of a kubeconfig, with its client certificate.
//!
//! Takes kubeconfigs as the testbed writes them (JSON, everything inside), and no others.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where the API server is and how it is spoken to.
#[derive(Clone)]
pub struct Server {
    /// `HOST:PORT`.
    pub address: String,
    name: ServerName<'static>,
    tls: TlsConnector,
}

impl Server {
    /// Of the first cluster and the first user of a kubeconfig.
    pub fn of(kubeconfig: &Path) -> Result<Server> {
        let text =
            std::fs::read(kubeconfig).with_context(|| format!("cannot read {}", kubeconfig.display()))?;
        let config: Value = serde_json::from_slice(&text).context("not a kubeconfig in JSON")?;
        let cluster = &config["clusters"][0]["cluster"];
        let user = &config["users"][0]["user"];
        let url = cluster["server"].as_str().context("a kubeconfig without a server")?;
        let address = url.strip_prefix("https://").context("a server that is not https")?.to_owned();
        let (host, _) = address.rsplit_once(':').context("a server without a port")?;
        let name = ServerName::try_from(host.to_owned()).context("a server without a name")?;

        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(&data(cluster, "certificate-authority-data")?)
            .context("a CA that is no certificate")?;
        roots.add(authority).context("a CA that cannot be trusted")?;
        let certificate = CertificateDer::from_pem_slice(&data(user, "client-certificate-data")?)
            .context("a client certificate that is none")?;
        let key = PrivateKeyDer::from_pem_slice(&data(user, "client-key-data")?)
            .context("a client key that is none")?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("no version of TLS")?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)
            .context("a client certificate that does not fit its key")?;
        Ok(Server { address, name, tls: TlsConnector::from(Arc::new(tls)) })
    }

    /// A new connection.
    pub async fn connect<B>(&self) -> Result<SendRequest<B>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let tcp = tcp(&self.address).await?;
        let stream = self.tls.connect(self.name.clone(), tcp).await.context("no TLS")?;
        handshake(stream).await
    }

    /// A GET of `path`, for identity encoding.
    pub fn get(&self, path: &str) -> Result<Request<http_body_util::Empty<Bytes>>> {
        Request::get(path)
            .header(hyper::header::HOST, &self.address)
            .header(hyper::header::ACCEPT, "application/json")
            .body(http_body_util::Empty::new())
            .with_context(|| format!("cannot ask for {path}"))
    }
}

fn data(object: &Value, key: &str) -> Result<Vec<u8>> {
    let text = object[key].as_str().with_context(|| format!("a kubeconfig without {key}"))?;
    STANDARD.decode(text).with_context(|| format!("{key} is not base64"))
}

/// A connection in the clear.
pub async fn tcp(address: &str) -> Result<TcpStream> {
    let tcp = TcpStream::connect(address).await.with_context(|| format!("cannot reach {address}"))?;
    tcp.set_nodelay(true).context("cannot set TCP_NODELAY")?;
    Ok(tcp)
}

/// Speaks HTTP/1.1 over `stream`.
pub async fn handshake<S, B>(stream: S) -> Result<SendRequest<B>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.context("no HTTP")?;
    // Its errors show at the sender, too.
    tokio::spawn(connection);
    Ok(sender)
}

/// Fails with what the server said, unless it said yes.
pub async fn successful(what: &str, response: Response<Incoming>) -> Result<Response<Incoming>> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let body = response.into_body().collect().await.context("no whole answer")?.to_bytes();
    bail!("{what}: {status}: {}", String::from_utf8_lossy(&body).chars().take(500).collect::<String>())
}
