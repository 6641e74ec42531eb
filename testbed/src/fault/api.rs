//! Connections to the servers behind the proxy, and a client of the API server that costs a test nothing: a
//! request takes about a millisecond where `kubectl` takes a hundred.

use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use super::wire::{Body, Head};
use crate::control_plane::ControlPlane;
use crate::s3_request::Response;

const TIMEOUT: Duration = Duration::from_secs(180);

/// A connection, encrypted or not.
pub(super) trait Duplex: Read + Write + Send {}
impl<T: Read + Write + Send> Duplex for T {}

/// An open connection to a server.
pub(super) struct Link(pub BufReader<Box<dyn Duplex>>);

/// A server.
#[derive(Clone)]
pub(super) struct Target {
    address: String,
    tls: Option<Arc<ClientConfig>>,
}

impl fmt::Debug for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Target({}, tls: {})", self.address, self.tls.is_some())
    }
}

impl Target {
    /// The API server, as its administrator.
    pub fn apiserver(site: &ControlPlane) -> Result<Target> {
        let address = site.url().strip_prefix("https://").context("the API server speaks TLS")?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(site.ca_pem().as_bytes())?)?;
        let chain = vec![CertificateDer::from_pem_file(site.admin_cert())?];
        let key = PrivateKeyDer::from_pem_file(site.admin_key())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        Ok(Target { address: address.to_owned(), tls: Some(Arc::new(config)) })
    }

    /// A server at `http://ADDRESS`.
    pub fn plain(url: &str) -> Result<Target> {
        let address = url.strip_prefix("http://").with_context(|| format!("{url} is not plain HTTP"))?;
        Ok(Target { address: address.to_owned(), tls: None })
    }

    fn connect(&self) -> io::Result<Link> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let duplex: Box<dyn Duplex> = match &self.tls {
            None => Box::new(stream),
            Some(config) => {
                let host = self.address.rsplit_once(':').map_or(self.address.as_str(), |(host, _)| host);
                let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
                let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
                Box::new(StreamOwned::new(session, stream))
            }
        };
        Ok(Link(BufReader::new(duplex)))
    }

    /// Sends a request over `link`, or over a new one where there is none or it has been closed meanwhile, and
    /// returns the head of the answer; its body waits on the link.
    pub fn send(&self, link: &mut Option<Link>, head: &Head, body: &[u8]) -> io::Result<Head> {
        let mut message = Vec::with_capacity(body.len() + 1024);
        let mut head = head.clone();
        if head.header("transfer-encoding").is_some() {
            head.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("transfer-encoding"));
            head.set("Content-Length", &body.len().to_string());
        }
        head.write(&mut message)?;
        message.extend_from_slice(body);
        if let Some(open) = link
            && let Ok(answer) = attempt(open, &message)
        {
            return Ok(answer);
        }
        attempt(link.insert(self.connect()?), &message)
    }
}

fn attempt(link: &mut Link, message: &[u8]) -> io::Result<Head> {
    let stream = link.0.get_mut();
    stream.write_all(message)?;
    stream.flush()?;
    loop {
        let head = Head::read(&mut link.0)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        // 1xx are announcements, not answers.
        if !head.word(1).starts_with('1') {
            return Ok(head);
        }
    }
}

/// A client of the API server, as its administrator, over one connection that is kept.
pub struct Api {
    target: Target,
    link: Option<Link>,
}

impl fmt::Debug for Api {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Api({})", self.target.address)
    }
}

impl Api {
    /// Connects at the first request.
    ///
    /// # Errors
    /// If the administrator's certificate cannot be used.
    pub fn of(site: &ControlPlane) -> Result<Api> {
        Ok(Api { target: Target::apiserver(site)?, link: None })
    }

    /// Any request; any answer of the server is `Ok`. A PATCH is sent as a merge patch.
    ///
    /// # Errors
    /// If the server is out of reach or answers nonsense.
    pub fn request(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Response> {
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        self.send(method, path, kind, body)
    }

    fn send(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<Response> {
        let headers = [
            ("Host", self.target.address.clone()),
            ("Accept", "application/json".to_owned()),
            ("Content-Type", kind.to_owned()),
            ("Content-Length", body.len().to_string()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let head = Head { first: format!("{method} {path} HTTP/1.1"), headers };
        let asked = || format!("{method} {path}");
        let answer = self.target.send(&mut self.link, &head, body).with_context(asked)?;
        let link = self.link.as_mut().context("a link that answered is there")?;
        let body = Body::of_answer(&answer, method)?.read(&mut link.0).with_context(asked)?;
        if answer.closes() {
            self.link = None;
        }
        let status = answer.word(1).parse().with_context(|| format!("no status in {:?}", answer.first))?;
        let headers = answer.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        Ok(Response { status, headers: headers.collect(), body })
    }

    fn value(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Value> {
        let answer = self.request(method, path, body)?;
        succeeded(method, path, &answer)
    }

    /// Applies `object` at `path` on the server, as `manager`.
    ///
    /// # Errors
    /// If the server does not answer with success.
    pub fn apply(&mut self, path: &str, manager: &str, object: &Value) -> Result<Value> {
        let path = format!("{path}?fieldManager={}", manager.replace(' ', "%20"));
        let answer =
            self.send("PATCH", &path, "application/apply-patch+yaml", object.to_string().as_bytes())?;
        succeeded("PATCH", &path, &answer)
    }

    /// The object or list at `path`.
    ///
    /// # Errors
    /// If the server does not answer with success.
    pub fn get(&mut self, path: &str) -> Result<Value> {
        self.value("GET", path, b"")
    }

    /// POSTs `object` to the collection at `path`.
    ///
    /// # Errors
    /// If the server does not answer with success.
    pub fn create(&mut self, path: &str, object: &Value) -> Result<Value> {
        self.value("POST", path, object.to_string().as_bytes())
    }

    /// Merges `patch` into the object at `path`.
    ///
    /// # Errors
    /// If the server does not answer with success.
    pub fn patch(&mut self, path: &str, patch: &Value) -> Result<Value> {
        self.value("PATCH", path, patch.to_string().as_bytes())
    }

    /// Deletes what is at `path`.
    ///
    /// # Errors
    /// If the server does not answer with success.
    pub fn delete(&mut self, path: &str) -> Result<Value> {
        self.value("DELETE", path, b"")
    }
}

fn succeeded(method: &str, path: &str, answer: &Response) -> Result<Value> {
    if !(200..300).contains(&answer.status) {
        bail!("{method} {path}: {}: {}", answer.status, answer.text());
    }
    serde_json::from_slice(&answer.body).with_context(|| format!("{method} {path}: no JSON"))
}
