//! A client that may say anything: bytes over TCP, or under TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long any answer may take, and any end.
pub const WITHIN: Duration = Duration::from_secs(30);

/// A server that listens.
#[derive(Clone)]
pub struct Server {
    pub address: SocketAddr,
    pub token: String,
    authority: CertificateDer<'static>,
}

impl Server {
    pub fn new(address: SocketAddr, token: &str, ca_pem: &str) -> Server {
        let authority = CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap();
        Server { address, token: token.to_owned(), authority }
    }

    pub async fn tcp(&self) -> TcpStream {
        timeout(WITHIN, TcpStream::connect(self.address)).await.expect("a connection in time").unwrap()
    }

    /// A connection under TLS, for one protocol.
    pub async fn tls(&self, protocol: &str) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = versions.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connected = TlsConnector::from(Arc::new(config)).connect(name, self.tcp().await);
        timeout(WITHIN, connected).await.expect("TLS in time").unwrap()
    }

    pub async fn http1(&self) -> TlsStream<TcpStream> {
        self.tls("http/1.1").await
    }

    /// The head of a request by the token's holder, which further headers follow.
    pub fn head(&self, method: &str, path: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\nHost: twin\r\nAuthorization: Bearer {}\r\n", self.token)
    }

    /// The whole request of a GET, after which the connection is to be closed.
    pub fn last(&self, path: &str) -> String {
        format!("{}Connection: close\r\n\r\n", self.head("GET", path))
    }

    /// That it answers, whatever was done to it.
    pub async fn lives(&self) {
        let mut stream = self.http1().await;
        stream.write_all(self.last("/readyz").as_bytes()).await.unwrap();
        let text = to_the_end(&mut stream).await;
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    }
}

/// What comes until the other side closes, or breaks off.
pub async fn to_the_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let read = async {
        loop {
            match stream.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(_) => assert!(bytes.len() < 100 << 20, "an answer without an end"),
            }
        }
    };
    timeout(WITHIN, read).await.expect("the end of a connection in time");
    String::from_utf8_lossy(&bytes).into_owned()
}
