//! A server that does nothing: what a client gets from it is what the client itself can do.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::lean::Length;
use crate::connect;

/// As many bytes as an API server answers a create of 1 KiB with, about.
const ANSWER: usize = 1_500;

/// Serves until it is killed, with a kubeconfig written to that file.
#[tokio::main]
pub async fn serve(kubeconfig: &Path) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("no port is free")?;
    let address = listener.local_addr().context("no port is free")?;
    let key = rcgen::KeyPair::generate().context("no key")?;
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).context("no certificate")?;
    let certificate = params.self_signed(&key).context("no certificate")?;
    let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("no version of TLS")?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .context("a certificate that does not fit its key")?;
    connect::write(kubeconfig, address, &certificate.pem())?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let (stream, _) = listener.accept().await.context("no connection")?;
        tokio::spawn(answer(stream, acceptor.clone()));
    }
}

async fn answer(stream: TcpStream, acceptor: TlsAcceptor) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = acceptor.accept(stream).await?;
    let body = "x".repeat(ANSWER);
    let answer = format!(
        "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {ANSWER}\r\n\r\n{body}"
    );
    let mut buffer = Vec::with_capacity(64 << 10);
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        while let Some((end, Length::Bytes(body))) = Length::after(&buffer)? {
            if buffer.len() < end + body {
                break;
            }
            buffer.drain(..end + body);
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
        }
    }
}
