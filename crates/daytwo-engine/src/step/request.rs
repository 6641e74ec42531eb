//! Requests that write: sent again while the server pushes back or is away, up to a deadline, and read back where
//! their answer was lost. It refuses to try again what the server has judged.

use std::time::Duration;

use bytes::Bytes;
use daytwo_core::json::{Meta, quote};
use http::{Method, Request, header};
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::Body;
use serde::de::IgnoredAny;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::barriers::Barriers;
use super::duration;
use crate::advance::Act;
use crate::api::{self, ApiError, Patience};
use crate::pace::Gate;
use crate::restore::lists::escape;

/// The field manager of what has no manager of its own.
const MANAGER: &str = "daytwo";
/// How long a kind that was just defined may still be unknown to the server.
const DEFINED_WITHIN: Duration = Duration::from_secs(15);
/// How often a failing webhook is asked again.
const WEBHOOK_TRIES: u32 = 2;
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// The longest answer that is read: objects are at most 3 MiB (the server's limit on a request), plus defaults.
const MAX_ANSWER: usize = 16 << 20;
/// Of an answer to a write only the metadata is wanted.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json";

/// What becomes of what a deleted object owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It stays, without that owner.
    Alone,
    /// It goes too.
    WithWhatItOwns,
}

/// What a create came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It was made.
    New,
    /// There is one of this name.
    Exists {
        /// An earlier try may have made it: its answer was lost.
        perhaps_ours: bool,
    },
}

/// Writes to one API server.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    /// Authenticated.
    pub client: &'a Client,
    /// How long one write is tried.
    pub patience: Duration,
    /// Once cancelled, nothing is tried again.
    pub halt: &'a CancellationToken,
    /// Told when the server pushes back.
    pub gate: &'a Gate,
    /// What is known of those that refuse.
    pub barriers: &'a Barriers<'a>,
}

impl<'a> Writer<'a> {
    /// For what `act` writes.
    pub fn of(act: &'a Act<'_>) -> Self {
        let world = act.world;
        Self {
            client: world.site.client(),
            patience: duration(world.rules.request().waits.request),
            halt: &act.halt,
            gate: world.gate,
            barriers: world.barriers,
        }
    }

    /// POSTs `body` to the collection `path`. `fresh` tells that its kind was defined just now, so that a server
    /// which does not know it yet is asked again.
    ///
    /// # Errors
    /// The server's judgement, or that it did not answer in time.
    pub async fn create(
        &self,
        path: &str,
        body: Vec<u8>,
        manager: Option<&str>,
        fresh: bool,
    ) -> Result<Created, ApiError> {
        let collection = path;
        let path = format!("{path}?fieldManager={}", escape(manager.unwrap_or(MANAGER)));
        let body = Bytes::from(body);
        let mut lost = false;
        let mut tries = Tries::new(self.patience, fresh);
        loop {
            match self.send(Method::POST, &path, "application/json", body.clone(), METADATA).await {
                Ok(_) => {
                    self.barriers.passed(collection);
                    return Ok(Created::New);
                }
                Err(error) if error.code() == Some(409) && error.reason() == "AlreadyExists" => {
                    return Ok(Created::Exists { perhaps_ours: lost });
                }
                Err(error) => {
                    lost |= error.code().is_none_or(|code| code >= 500);
                    self.again(&mut tries, error).await?;
                }
            }
        }
    }

    /// Applies a JSON merge patch (RFC 7386) to the object at `path`.
    ///
    /// # Errors
    /// As [`Writer::create`].
    pub async fn merge(&self, path: &str, patch: Vec<u8>) -> Result<(), ApiError> {
        let body = Bytes::from(patch);
        let mut tries = Tries::new(self.patience, false);
        loop {
            match self.merge_once(path, body.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) => self.again(&mut tries, error).await?,
            }
        }
    }

    /// As [`Writer::merge`], once: for a patch that names a `resourceVersion`, which a conflict makes useless.
    ///
    /// # Errors
    /// The server's judgement, or that it did not answer.
    pub async fn merge_once(&self, path: &str, patch: Bytes) -> Result<(), ApiError> {
        self.merge_once_as(path, patch, None).await
    }

    /// As [`Writer::merge_once`], as this manager of fields.
    ///
    /// # Errors
    /// As [`Writer::merge_once`].
    pub async fn merge_once_as(
        &self,
        path: &str,
        patch: Bytes,
        manager: Option<&str>,
    ) -> Result<(), ApiError> {
        let path = format!("{path}?fieldManager={}", escape(manager.unwrap_or(MANAGER)));
        let kind = "application/merge-patch+json";
        self.send(Method::PATCH, &path, kind, patch, METADATA).await.map(|_| ())
    }

    /// What the server would say to `body` at the collection `path`; nothing is written.
    ///
    /// # Errors
    /// The server's judgement, or that it did not answer in time.
    pub async fn would_take(&self, path: &str, body: Vec<u8>) -> Result<Created, ApiError> {
        let body = Bytes::from(body);
        let mut tries = Tries::new(self.patience, false);
        loop {
            match self.would_take_once(path, body.clone()).await {
                Ok(created) => return Ok(created),
                Err(error) => self.again(&mut tries, error).await?,
            }
        }
    }

    /// As [`Writer::would_take`], once.
    ///
    /// # Errors
    /// The server's judgement, or that it did not answer.
    pub async fn would_take_once(&self, path: &str, body: Bytes) -> Result<Created, ApiError> {
        let path = format!("{path}?dryRun=All&fieldManager={MANAGER}");
        match self.send(Method::POST, &path, "application/json", body, METADATA).await {
            Ok(_) => Ok(Created::New),
            Err(error) if error.code() == Some(409) && error.reason() == "AlreadyExists" => {
                Ok(Created::Exists { perhaps_ours: false })
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes what this run, or one before it, made at `path`, if it is there; `false` if the caller may not.
    ///
    /// # Errors
    /// As [`Writer::create`].
    pub async fn remove(&self, path: &str) -> Result<bool, ApiError> {
        let mut tries = Tries::new(self.patience, false);
        loop {
            match self.send(Method::DELETE, path, "", Bytes::new(), METADATA).await {
                Ok(_) => return Ok(true),
                Err(error) if error.is_not_found() => return Ok(true),
                Err(error) if error.is_denied() => return Ok(false),
                Err(error) => self.again(&mut tries, error).await?,
            }
        }
    }

    /// Puts `body`, which names the version it replaces, in the place of the object at `path`. Once: a conflict makes it
    /// useless.
    ///
    /// # Errors
    /// The server's judgement, or that it did not answer.
    pub async fn put_once(&self, path: &str, body: Vec<u8>, manager: Option<&str>) -> Result<(), ApiError> {
        let path = format!("{path}?fieldManager={}", escape(manager.unwrap_or(MANAGER)));
        self.send(Method::PUT, &path, "application/json", body.into(), METADATA).await.map(|_| ())
    }

    /// Deletes the object of this UID and version at `path`. Once, as [`Writer::put_once`].
    ///
    /// # Errors
    /// The server's judgement, or that it did not answer.
    pub async fn delete_once(
        &self,
        path: &str,
        uid: &str,
        version: &str,
        how: Deletion,
    ) -> Result<(), ApiError> {
        let policy = match how {
            Deletion::Alone => "Orphan",
            Deletion::WithWhatItOwns => "Background",
        };
        let options = format!(
            r#"{{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"{policy}","preconditions":{{"uid":{},"resourceVersion":{}}}}}"#,
            quote(uid),
            quote(version)
        );
        self.send(Method::DELETE, path, "application/json", options.into(), "application/json")
            .await
            .map(|_| ())
    }

    /// The object at `path`; `None` if there is none.
    ///
    /// # Errors
    /// As [`Writer::create`].
    pub async fn get(&self, path: &str) -> Result<Option<Bytes>, ApiError> {
        let mut tries = Tries::new(self.patience, false);
        loop {
            match self.send(Method::GET, path, "", Bytes::new(), "application/json").await {
                Ok(body) => match serde_json::from_slice::<IgnoredAny>(&body) {
                    Ok(IgnoredAny) => return Ok(Some(body)),
                    // Something between may end an answer early and say that it is whole.
                    Err(error) => {
                        let (method, path, what) = (Method::GET, path.to_owned(), error.to_string());
                        tries.again(ApiError::Broken { method, path, what }, self.halt).await?;
                    }
                },
                Err(error) if error.code() == Some(404) => return Ok(None),
                Err(error) => tries.again(error, self.halt).await?,
            }
        }
    }

    /// The UID of the object at `path`; `None` if there is none.
    ///
    /// # Errors
    /// As [`Writer::create`].
    pub async fn uid(&self, path: &str) -> Result<Option<String>, ApiError> {
        let mut tries = Tries::new(self.patience, false);
        loop {
            let error = match self.send(Method::GET, path, "", Bytes::new(), METADATA).await {
                Ok(body) => match Meta::of(&body) {
                    Ok(meta) => return Ok(meta.uid.map(|uid| uid.into_owned())),
                    Err(error) => {
                        let (method, path, what) = (Method::GET, path.to_owned(), error.to_string());
                        ApiError::Broken { method, path, what }
                    }
                },
                Err(error) if error.code() == Some(404) => return Ok(None),
                Err(error) => error,
            };
            tries.again(error, self.halt).await?;
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        content: &str,
        body: Bytes,
        accept: &str,
    ) -> Result<Bytes, ApiError> {
        let invalid =
            |what: String| ApiError::Garbled { method: method.clone(), path: path.to_owned(), what };
        let mut request = Request::builder().method(&method).uri(path).header(header::ACCEPT, accept);
        if !content.is_empty() {
            request = request.header(header::CONTENT_TYPE, content);
        }
        let request = request.body(Body::from(body)).map_err(|error| invalid(error.to_string()))?;
        let patience = Patience::default();
        let answer = api::send(self.client, request, &patience).await.inspect_err(|error| {
            if let (true, Some(pause)) = (error.pushes_back(), error.retry()) {
                self.gate.pushed_back(pause);
            }
        })?;
        // Read to its end also where nobody wants it, or the connection cannot be used again.
        match timeout(patience.next_byte, Limited::new(answer.into_body(), MAX_ANSWER).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) => {
                Err(ApiError::Broken { method, path: path.to_owned(), what: api::causes(error.as_ref()) })
            }
            Err(_) => Err(ApiError::Broken { method, path: path.to_owned(), what: "it stalled".to_owned() }),
        }
    }
}

/// Decides whether a write is tried again, and waits between tries.
pub(super) struct Tries {
    since: Instant,
    deadline: Duration,
    fresh: bool,
    made: u32,
}

impl Tries {
    /// Up to `deadline` from now.
    pub fn new(deadline: Duration, fresh: bool) -> Self {
        Self { since: Instant::now(), deadline, fresh, made: 0 }
    }

    /// Waits until the next try may start.
    ///
    /// # Errors
    /// Gives `error` back where it is final, or the time has run out.
    pub async fn again(&mut self, error: ApiError, halt: &CancellationToken) -> Result<(), ApiError> {
        self.made += 1;
        let Some(asked) = self.pause(&error) else { return Err(error) };
        let backoff = Duration::from_millis(50u64 << self.made.min(8)).min(LONGEST_PAUSE);
        let pause = asked.max(backoff);
        if self.since.elapsed() + pause > self.deadline {
            return Err(error);
        }
        // Without the server's message, which may quote what was sent.
        tracing::debug!(
            code = error.code(),
            reason = error.reason(),
            ?pause,
            tries = self.made,
            "writing again"
        );
        tokio::select! {
            () = halt.cancelled() => Err(error),
            () = sleep(pause) => Ok(()),
        }
    }

    /// The least pause before the next try; `None` if there is no use in one.
    fn pause(&self, error: &ApiError) -> Option<Duration> {
        let ApiError::Status { code, message, .. } = error else { return error.retry() };
        match code {
            // A kind that is established is not served by every server of the cluster at once.
            404 if self.fresh && message.contains("could not find the requested resource") => {
                (self.since.elapsed() < DEFINED_WITHIN).then_some(Duration::ZERO)
            }
            // A quota or an object was changed by someone else meanwhile.
            409 => Some(Duration::ZERO),
            500.. if message.contains("webhook") => {
                (self.made < WEBHOOK_TRIES).then_some(Duration::from_secs(1))
            }
            _ => error.retry(),
        }
    }
}
