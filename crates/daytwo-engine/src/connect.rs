//! The client of a kubeconfig, over connections that send at once.
//!
//! kube leaves Nagle's algorithm on: the first request of a connection then waits for the server's delayed
//! acknowledgement of the TLS handshake, 40 ms each time. So the connections are made here, with everything
//! else as kube makes it (`kube-client`, `src/client/builder.rs`). Through a proxy, or for compressed answers,
//! the client is kube's own: the way is slow there, and 40 ms are not what it takes.

use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::{Client, Config};
use tower::util::option_layer;
use tower::{BoxError, ServiceExt};

/// A client for `config`.
///
/// # Errors
/// As kube gives them: credentials, certificates or a proxy that cannot be used.
pub(crate) fn client(config: Config) -> kube::Result<Client> {
    if config.proxy_url.is_some() || !config.disable_compression || config.default_retry {
        return Client::try_from(config);
    }
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(tcp())?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    let connections: legacy::Client<_, Body> = legacy::Client::builder(TokioExecutor::new()).build(connector);
    let client = ClientBuilder::new(connections.map_err(BoxError::from), config.default_namespace.clone())
        .with_layer(&config.extra_headers_layer()?)
        .with_layer(&option_layer(config.auth_layer()?))
        .with_layer(&config.base_uri_layer());
    Ok(client.build())
}

/// Connections that send at once, whatever is spoken over them.
fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it costs shows only against a server that delays its acknowledgements, behind TLS: here only the option is
    /// looked at.
    #[tokio::test]
    async fn a_new_connection_does_not_wait_for_an_acknowledgement_before_it_sends() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let connection = tcp().oneshot(format!("https://{address}/").parse().unwrap()).await.unwrap();
        assert!(connection.inner().nodelay().unwrap());
    }
}
