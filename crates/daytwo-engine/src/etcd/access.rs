//! How an etcd cluster is reached: endpoints, certificates, a user. Refuses to show a key or a password.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use daytwo_core::etcd::Reach;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use super::error::EtcdError;

/// Flow control of a stream, in bytes: as much as a fast link holds while hash and disk take their time.
const STREAM_WINDOW: u32 = 4 << 20;
/// Flow control of a connection, in bytes.
const CONNECTION_WINDOW: u32 = 8 << 20;
/// How often a silent connection is asked whether it lives. etcd closes connections that ask more often than every
/// 5 s (`grpc-keepalive-min-time`).
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Where a cluster is, and who asks.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Endpoints: `https://HOST:PORT`, or `HOST:PORT`.
    pub endpoints: Vec<String>,
    /// Certificates; `None` for plain HTTP.
    pub tls: Option<Tls>,
    /// A user with a password, where etcd's own authentication is on.
    pub login: Option<Login>,
    /// How long each call may take. Calls that rewrite or send the whole database have others.
    pub deadline: Duration,
}

/// Files in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// The authorities that sign for etcd's servers.
    pub ca: PathBuf,
    /// The client's certificate and its key.
    pub pair: Option<(PathBuf, PathBuf)>,
}

/// A user of etcd.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({}, <redacted>)", self.name)
    }
}

impl Login {
    /// Reads `name:password`, as etcdctl takes it; `None` without a colon.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, password) = text.split_once(':')?;
        Some(Self { name: name.to_owned(), password: password.to_owned() })
    }
}

impl Access {
    /// By what a plan remembers.
    pub fn of(reach: &Reach, login: Option<Login>, deadline: Duration) -> Self {
        let pair = reach.cert.clone().zip(reach.key.clone());
        let tls = reach.cacert.clone().map(|ca| Tls { ca, pair });
        Self { endpoints: reach.endpoints.clone(), tls, login, deadline }
    }

    /// `endpoint` with a scheme: HTTPS where there are certificates.
    pub(super) fn url(&self, endpoint: &str) -> String {
        let endpoint = endpoint.trim().trim_end_matches('/');
        match (endpoint.contains("://"), &self.tls) {
            (true, _) => endpoint.to_owned(),
            (false, Some(_)) => format!("https://{endpoint}"),
            (false, None) => format!("http://{endpoint}"),
        }
    }

    /// The connection to make for `url`.
    ///
    /// # Errors
    /// [`EtcdError::Invalid`] for what is no endpoint, and for files that cannot be used.
    pub(super) fn endpoint(&self, url: &str) -> Result<Endpoint, EtcdError> {
        let invalid = |why: String| EtcdError::Invalid(format!("cannot use the endpoint {url}: {why}"));
        let endpoint =
            Endpoint::from_shared(url.to_owned()).map_err(|error| invalid(crate::api::causes(&error)))?;
        let endpoint = endpoint
            .connect_timeout(self.deadline)
            .tcp_nodelay(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(self.deadline.max(KEEP_ALIVE));
        if !url.starts_with("https://") {
            return Ok(endpoint);
        }
        let Some(tls) = &self.tls else {
            return Err(invalid(
                "it takes the authority that signs for it; name it with --cacert".to_owned(),
            ));
        };
        let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(&tls.ca)?));
        if let Some((cert, key)) = &tls.pair {
            config = config.identity(Identity::from_pem(read(cert)?, read(key)?));
        }
        endpoint.tls_config(config).map_err(|error| {
            EtcdError::Invalid(format!(
                "cannot use the certificates {} for {url}: {}",
                tls.shown(),
                crate::api::causes(&error)
            ))
        })
    }
}

impl Tls {
    fn shown(&self) -> String {
        let mut shown = self.ca.display().to_string();
        if let Some((cert, key)) = &self.pair {
            shown.push_str(&format!(", {}, {}", cert.display(), key.display()));
        }
        shown
    }
}

fn read(path: &Path) -> Result<Vec<u8>, EtcdError> {
    std::fs::read(path)
        .map_err(|error| EtcdError::Invalid(format!("cannot read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_without_a_scheme_is_https_where_there_are_certificates() {
        let plain = Access::default();
        assert_eq!(plain.url("127.0.0.1:2379"), "http://127.0.0.1:2379");
        let tls = Access { tls: Some(Tls::default()), ..Access::default() };
        assert_eq!(tls.url("127.0.0.1:2379"), "https://127.0.0.1:2379");
        assert_eq!(tls.url("http://127.0.0.1:2379/"), "http://127.0.0.1:2379");
    }

    #[test]
    fn a_password_may_hold_a_colon_and_is_not_shown() {
        let login = Login::parse("root:pass:word").unwrap();
        assert_eq!((login.name.as_str(), login.password.as_str()), ("root", "pass:word"));
        assert!(!format!("{login:?}").contains("pass"));
        assert_eq!(Login::parse("root"), None);
    }

    #[test]
    fn https_without_an_authority_says_which_flag_names_it() {
        let access = Access { deadline: Duration::from_secs(1), ..Access::default() };
        let error = access.endpoint("https://127.0.0.1:2379").unwrap_err().to_string();
        assert!(error.contains("--cacert"), "{error}");
    }
}
