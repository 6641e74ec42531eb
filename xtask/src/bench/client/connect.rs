//! One keep-alive HTTP/1.1 connection to the API server of a kubeconfig, with its client certificate or token.
//!
//! Takes kubeconfigs that hold everything they need and name one cluster, and no others.

use std::net::SocketAddr;
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
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where the API server is and how it is spoken to.
#[derive(Clone)]
pub struct Server {
    /// `HOST:PORT`.
    pub address: String,
    /// What all paths begin with.
    prefix: String,
    token: Option<String>,
    name: ServerName<'static>,
    tls: TlsConnector,
}

/// A connection under TLS.
pub type Stream = TlsStream<TcpStream>;

impl Server {
    /// Of the first cluster and the first user of a kubeconfig.
    pub fn of(kubeconfig: &Path) -> Result<Server> {
        let text =
            std::fs::read(kubeconfig).with_context(|| format!("cannot read {}", kubeconfig.display()))?;
        let config: Value = serde_saphyr::from_slice(&text).context("not a kubeconfig")?;
        let cluster = &config["clusters"][0]["cluster"];
        let user = &config["users"][0]["user"];
        let url = cluster["server"].as_str().context("a kubeconfig without a server")?;
        let rest = url.strip_prefix("https://").context("a server that is not https")?;
        let (address, prefix) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (host, _) = address.rsplit_once(':').context("a server without a port")?;
        let name = ServerName::try_from(host.to_owned()).context("a server without a name")?;

        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(&data(cluster, "certificate-authority-data")?)
            .context("a CA that is no certificate")?;
        roots.add(authority).context("a CA that cannot be trusted")?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("no version of TLS")?
            .with_root_certificates(roots);
        let token = user["token"].as_str().map(str::to_owned);
        let tls = if token.is_some() {
            tls.with_no_client_auth()
        } else {
            let certificate = CertificateDer::from_pem_slice(&data(user, "client-certificate-data")?)
                .context("a client certificate that is none")?;
            let key = PrivateKeyDer::from_pem_slice(&data(user, "client-key-data")?)
                .context("a client key that is none")?;
            tls.with_client_auth_cert(vec![certificate], key)
                .context("a client certificate that does not fit its key")?
        };
        let tls = TlsConnector::from(Arc::new(tls));
        Ok(Server { address: address.to_owned(), prefix: prefix.to_owned(), token, name, tls })
    }

    /// A new connection, on which nothing is said yet.
    pub async fn stream(&self) -> Result<Stream> {
        let tcp = tcp(&self.address).await?;
        self.tls.connect(self.name.clone(), tcp).await.context("no TLS")
    }

    /// The same, for which the kernel keeps no more than a few KiB that were not read.
    pub async fn narrow_stream(&self) -> Result<Stream> {
        let socket = TcpSocket::new_v4().context("no socket")?;
        socket.set_recv_buffer_size(8 << 10).context("cannot set SO_RCVBUF")?;
        let address = self.address.parse().context("an address that is none of IPv4")?;
        let tcp = socket.connect(address).await.with_context(|| format!("cannot reach {address}"))?;
        self.tls.connect(self.name.clone(), tcp).await.context("no TLS")
    }

    /// The head of a request without its last, empty line.
    pub fn head(&self, method: &str, path: &str) -> String {
        let token = self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n"));
        format!(
            "{method} {}{path} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\n{}",
            self.prefix,
            self.address,
            token.unwrap_or_default()
        )
    }

    /// A new connection.
    pub async fn connect<B>(&self) -> Result<SendRequest<B>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        handshake(self.stream().await?).await
    }

    /// A GET of `path`, for identity encoding.
    pub fn get(&self, path: &str) -> Result<Request<http_body_util::Empty<Bytes>>> {
        let mut request = Request::get(format!("{}{path}", self.prefix))
            .header(hyper::header::HOST, &self.address)
            .header(hyper::header::ACCEPT, "application/json");
        if let Some(token) = &self.token {
            request = request.header(hyper::header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request.body(http_body_util::Empty::new()).with_context(|| format!("cannot ask for {path}"))
    }
}

fn data(object: &Value, key: &str) -> Result<Vec<u8>> {
    let text = object[key].as_str().with_context(|| format!("a kubeconfig without {key}"))?;
    STANDARD.decode(text).with_context(|| format!("{key} is not base64"))
}

/// Writes a kubeconfig that leads to a server whose certificate is this, and which asks for nothing.
pub fn write(kubeconfig: &Path, address: SocketAddr, certificate: &str) -> Result<()> {
    let config = json!({
        "clusters": [{"cluster": {
            "server": format!("https://{address}"),
            "certificate-authority-data": STANDARD.encode(certificate),
        }}],
        "users": [{"user": {"token": "none"}}],
    });
    // Whole or not there: others look for it.
    let part = kubeconfig.with_extension("part");
    std::fs::write(&part, config.to_string())
        .and_then(|()| std::fs::rename(&part, kubeconfig))
        .with_context(|| format!("cannot write {}", kubeconfig.display()))
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
