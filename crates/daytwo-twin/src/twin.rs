//! A cluster in memory: what is opened, asked, and served.

use std::net::SocketAddr;
use std::sync::Arc;

use daytwo_engine::{Clock, ConnectError, Site};
use kube::Client;
use ring::hmac;
use ring::rand::SystemRandom;

use crate::api::{Api, Settings};
use crate::http::{Authority, ServeError, Service, Serving};
use crate::open::Source;

/// A Kubernetes cluster in memory.
#[derive(Debug, Clone)]
pub struct Twin {
    api: Arc<Api>,
    authority: Arc<Authority>,
    name: String,
}

impl Twin {
    /// A twin of what `source` holds.
    ///
    /// # Errors
    /// [`ServeError::Certificate`] where the system gives no random key.
    pub fn of(source: Source, settings: Settings) -> Result<Twin, ServeError> {
        let authority = Authority::new().map_err(ServeError::Certificate)?;
        let random = || ServeError::Certificate("the system gives no random key".to_owned());
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).map_err(|_| random())?;
        let name = source.name.clone();
        let api = Api::new(settings, key);
        source.into_api(&api, &authority);
        Ok(Twin { api: Arc::new(api), authority: Arc::new(authority), name })
    }

    /// An empty cluster, as a fresh server is, for tests: its clock is `clock`, its chance is fixed.
    ///
    /// # Errors
    /// As [`Twin::of`].
    pub fn empty(clock: Arc<dyn Clock>) -> Result<Twin, ServeError> {
        let settings = Settings::new(clock);
        let source = Source::fixture(crate::fixture::Fixture::Empty, &settings);
        Twin::of(source, settings)
    }

    /// The API.
    pub fn api(&self) -> &Arc<Api> {
        &self.api
    }

    /// What it is a twin of.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A client to it, in process: no socket is opened.
    pub fn client(&self) -> Client {
        Client::new(Service::open(Arc::clone(&self.api)), "default")
    }

    /// The twin as a site that backups and restores work on.
    ///
    /// # Errors
    /// Never in practice: it answers `/version`.
    pub async fn site(&self) -> Result<Site, ConnectError> {
        Site::new(self.client(), format!("twin:{}", self.name), "in memory".to_owned()).await
    }

    /// Serves it over HTTPS on `address`. `secret` is random bytes, which the token is made of.
    ///
    /// # Errors
    /// [`ServeError`] where the address cannot be listened on.
    pub async fn serve(&self, address: SocketAddr, secret: [u8; 40]) -> Result<Serving, ServeError> {
        Serving::start(Arc::clone(&self.api), &self.authority, address, secret).await
    }
}
