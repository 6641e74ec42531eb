//! A twin behind a port: TLS with a certificate of its own, for whoever holds its token.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::service::Service;
use super::tls::Authority;
use crate::api::Api;

/// How long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// How long a connection may be idle before the head of a request is there: as the real server's
/// (`k8s.io/apiserver/pkg/server/secure_serving.go`).
const IDLE: Duration = Duration::from_secs(90);

/// Why a twin cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; choose another with --listen, or port 0 for any that is free")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// No certificate could be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(String),
}

/// A twin that is served. It ends when this is dropped, or by [`Serving::end`].
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    token: String,
    prefix: String,
    ca_pem: String,
    ending: CancellationToken,
    tasks: TaskTracker,
}

impl Serving {
    /// Listens on `address`. `secret` is random: 32 bytes or more of it are the token and the path of this run.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn start(
        api: Arc<Api>,
        authority: &Authority,
        address: SocketAddr,
        secret: [u8; 40],
    ) -> Result<Serving, ServeError> {
        let listener =
            TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
        let address = listener.local_addr().map_err(|source| ServeError::Listen { address, source })?;
        let tls = authority.listener(address.ip()).map_err(ServeError::Certificate)?;
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (token, prefix) = (hex(&secret[..32]), hex(&secret[32..]));
        let ending = CancellationToken::new();
        let service = Service::guarded(api, token.clone(), prefix.clone(), ending.clone());
        let tasks = TaskTracker::new();
        tasks.spawn(accept(listener, TlsAcceptor::from(tls), service, ending.clone(), tasks.clone()));
        Ok(Serving { address, token, prefix, ca_pem: authority.pem().to_owned(), ending, tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, with the path that is this run's own: kubectl keeps what it learnt of a server by host, port and path.
    pub fn url(&self) -> String {
        let host = match self.address.ip() {
            ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
            std::net::IpAddr::V6(ip) => format!("[{ip}]"),
            ip => ip.to_string(),
        };
        format!("https://{host}:{}/{}", self.address.port(), self.prefix)
    }

    /// What clients bear. A secret.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The certificate that clients trust, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A kubeconfig for it. A secret, as it holds the token.
    pub fn kubeconfig(&self) -> String {
        let authority = STANDARD.encode(&self.ca_pem);
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: twin\n  cluster:\n    server: {}\n    certificate-authority-data: {authority}\nusers:\n- name: twin\n  user:\n    token: {}\ncontexts:\n- name: twin\n  context:\n    cluster: twin\n    user: twin\ncurrent-context: twin\n",
            self.url(),
            self.token
        )
    }

    /// Ends it: no more connections, watches end, what is being answered is answered.
    pub async fn end(self) {
        self.ending.cancel();
        self.tasks.close();
        // A client that does not read its answer is not waited for.
        let _ = tokio::time::timeout(Duration::from_secs(2), self.tasks.wait()).await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    service: Service,
    ending: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ending.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                tasks.spawn(connection(stream, acceptor.clone(), service.clone(), ending.clone()));
            }
            // No descriptor is free, or the client went away: others may come.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, service: Service, ending: CancellationToken) {
    // Small answers are not held back for more.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else { return };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(250);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
