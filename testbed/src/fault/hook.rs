//! The back end of webhooks: an HTTPS server that answers admission reviews and conversion reviews, or not, as told.

use std::io::{BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::wire::{Body, Head};
use crate::certs::Ca;

/// After this long without a byte a connection is given up.
const IDLE: Duration = Duration::from_secs(30);

/// A back end on loopback; it ends when it is dropped.
#[derive(Debug)]
pub struct Hook {
    address: SocketAddr,
    ca: Ca,
    state: Arc<State>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    tls: Arc<ServerConfig>,
    answers: AtomicBool,
    denies: AtomicBool,
    asked: AtomicU64,
    stopped: AtomicBool,
}

impl Hook {
    /// For the Service `NAME.NAMESPACE.svc`; also at `127.0.0.1`. It answers, and allows everything.
    ///
    /// # Errors
    /// If no port is to be had, or no certificate can be made.
    pub fn start(service: &str) -> Result<Hook> {
        let ca = Ca::new("hook")?;
        let pair = ca.server(&[service, "127.0.0.1"])?;
        let cert = CertificateDer::from_pem_slice(pair.cert.as_bytes()).context("no certificate")?;
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).context("no key")?;
        let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|tls| tls.with_no_client_auth().with_single_cert(vec![cert], key))
            .context("the certificate cannot be used")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for the hook")?;
        let address = listener.local_addr().context("the hook's port is unknown")?;
        let state = Arc::new(State {
            tls: Arc::new(tls),
            answers: AtomicBool::new(true),
            denies: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        let listener = thread::Builder::new()
            .name("hook".to_owned())
            .spawn(move || listen(&listener, &shared))
            .context("no thread for the hook")?;
        Ok(Hook { address, ca, state, listener: Some(listener) })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The certificate of the authority that signed its own, as `caBundle` has it: base64 of PEM.
    pub fn ca_bundle(&self) -> String {
        STANDARD.encode(self.ca.pem())
    }

    /// Whether it answers from now on; if not, it hangs up.
    pub fn answers(&self, on: bool) {
        self.state.answers.store(on, Ordering::SeqCst);
    }

    /// Whether it denies everything from now on.
    pub fn denies(&self, on: bool) {
        self.state.denies.store(on, Ordering::SeqCst);
    }

    /// How many reviews it has answered.
    pub fn asked(&self) -> u64 {
        self.state.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn listen(listener: &TcpListener, state: &Arc<State>) {
    for client in listener.incoming() {
        if state.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        let state = Arc::clone(state);
        // A client that goes, or speaks no TLS, is its own trouble.
        thread::spawn(move || serve(client, &state));
    }
}

fn serve(client: TcpStream, state: &State) -> Option<()> {
    client.set_read_timeout(Some(IDLE)).ok()?;
    client.set_write_timeout(Some(IDLE)).ok()?;
    let connection = ServerConnection::new(Arc::clone(&state.tls)).ok()?;
    let mut stream = BufReader::new(StreamOwned::new(connection, client));
    loop {
        let head = Head::read(&mut stream).ok()??;
        let body = Body::of_request(&head).ok()?.read(&mut stream).ok()?;
        if !state.answers.load(Ordering::SeqCst) || state.stopped.load(Ordering::SeqCst) {
            return None;
        }
        state.asked.fetch_add(1, Ordering::SeqCst);
        let review: Value = serde_json::from_slice(&body).ok()?;
        let answer = review_of(&review, state.denies.load(Ordering::SeqCst)).to_string();
        let headers = vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Content-Length".to_owned(), answer.len().to_string()),
        ];
        let mut message = Vec::new();
        Head { first: "HTTP/1.1 200 OK".to_owned(), headers }.write(&mut message).ok()?;
        message.extend_from_slice(answer.as_bytes());
        stream.get_mut().write_all(&message).ok()?;
        stream.get_mut().flush().ok()?;
    }
}

/// An admission is allowed or not; a conversion changes the version and nothing else.
fn review_of(review: &Value, denies: bool) -> Value {
    let request = &review["request"];
    let mut response = json!({ "uid": request["uid"] });
    if review["kind"] == "ConversionReview" {
        let mut objects = request["objects"].as_array().cloned().unwrap_or_default();
        for object in &mut objects {
            object["apiVersion"] = request["desiredAPIVersion"].clone();
        }
        response["convertedObjects"] = objects.into();
        response["result"] = json!({ "status": "Success" });
    } else {
        response["allowed"] = (!denies).into();
    }
    json!({ "apiVersion": review["apiVersion"], "kind": review["kind"], "response": response })
}
