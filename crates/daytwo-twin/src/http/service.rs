//! One request in, one answer out: the twin as a tower service.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::accept;
use super::answer::{WORTH_COMPRESSING, failed, finished, gzip, lost, respond};
use super::caller::{caller, open_to_all};
use super::document::hashed;
use super::paths::{self, Plain};
use super::pieces::Pieces;
use super::reply::Reply;
use super::stream::WatchStream;
use super::take::{ROOM, take};
use super::view::{Shape, View, Writer, write};
use crate::api::{Api, Call, Outcome, Said};
use crate::kinds::{Group, Kinds, Origin, Resource};
use crate::status::Status;

/// The API as a service: for `kube::Client`, or behind a listener.
#[derive(Debug, Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    api: Arc<Api>,
    /// What a request must bear; nothing where the service is called in process.
    token: Option<String>,
    /// A first part of paths that is taken off.
    prefix: String,
    ending: CancellationToken,
    /// For bodies that are not small.
    room: Semaphore,
}

impl Service {
    /// A service that whoever holds it may use.
    pub fn open(api: Arc<Api>) -> Service {
        let ending = CancellationToken::new();
        Service {
            inner: Arc::new(Inner {
                api,
                token: None,
                prefix: String::new(),
                ending,
                room: Semaphore::new(ROOM),
            }),
        }
    }

    /// A service for whoever bears `token`, also below the path `prefix`; watches end when `ending` is.
    pub fn guarded(api: Arc<Api>, token: String, prefix: String, ending: CancellationToken) -> Service {
        Service {
            inner: Arc::new(Inner { api, token: Some(token), prefix, ending, room: Semaphore::new(ROOM) }),
        }
    }

    /// Answers a request.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Reply>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let text = |name: HeaderName| {
            head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let path = head.uri.path();
        let path = match &*self.inner.prefix {
            "" => path,
            prefix => path.strip_prefix('/').and_then(|path| path.strip_prefix(prefix)).unwrap_or(path),
        };
        let (query, accept, method) =
            (head.uri.query().unwrap_or_default(), text(ACCEPT), head.method.as_str());
        let yaml = View::of_document(accept).unwrap_or(false);
        let caller = match caller(&self.inner.api, self.inner.token.as_deref(), &head, path, query) {
            Ok(caller) => caller,
            Err(status) => return failed(&status, yaml, &[]),
        };
        let (api, kinds) = (&self.inner.api, self.inner.api.kinds());
        if !open_to_all(path)
            && let Err(status) = api.authorize(&caller, method, path, query)
        {
            return failed(&status, yaml, &[]);
        }
        if let Some(plain) = paths::at(api, path, query, accept) {
            return self.plain(plain, &head);
        }
        let call =
            match Call::new(method, path, query, text(CONTENT_TYPE), caller, api.settings().clock.now()) {
                Ok(call) => Call { upgrade: asks_for_more(&head.headers), ..call },
                Err(status) if status.code == 404 => return nothing(&kinds, path, yaml, &[]),
                Err(status) => return failed(&status, yaml, &[]),
            };
        let built_in = kinds.group(&call.target.group).is_some_and(Group::is_built_in);
        if built_in
            && let Some(status) = accept::refused(accept, call.target.name.is_none() && method == "GET")
        {
            return failed(&status, yaml, &[]);
        }
        let (body, _room) = match take(body, &head.headers, &self.inner.room).await {
            Ok(read) => read,
            Err(status) => return failed(&status, yaml, &[]),
        };
        let view = match View::of(accept, call.one("includeObject").unwrap_or_default()) {
            Ok(view) => view,
            Err(status) => return failed(&status, yaml, &[]),
        };
        if crate::depth::of(&body) > crate::depth::PLAIN {
            api.went_deep();
        }
        crate::depth::with_room(api.is_deep(), || {
            let said = api.call(&call, &body);
            let answer = Answer { kinds: &kinds, call: &call, view, yaml, headers: &head.headers };
            self.said(said, &answer)
        })
    }

    fn plain(&self, plain: Plain, head: &Parts) -> Response<Reply> {
        let header = |name| {
            head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default()
        };
        let accept = header(ACCEPT);
        let reads = matches!(head.method.as_str(), "GET" | "HEAD");
        match plain {
            Plain::Text(text) => respond(200, "text/plain; charset=utf-8", Reply::whole(text), &[]),
            Plain::Document(_) | Plain::Typed(..) if !reads => {
                failed(&Status::not_allowed(), View::of_document(accept).unwrap_or(false), &[])
            }
            Plain::Document(value) => match (accept::refused(accept, false), View::of_document(accept)) {
                (Some(status), _) | (None, Err(status)) => failed(&status, false, &[]),
                (None, Ok(yaml)) => finished(yaml, 200, value.to_string().into_bytes(), &head.headers, &[]),
            },
            Plain::Typed(value, media) => respond(200, media, Reply::whole(value.to_string()), &[]),
            Plain::Json(value) => finished(false, 200, value.to_string().into_bytes(), &head.headers, &[]),
            Plain::Hashed(value, at) => hashed(&value, &at, head, self.inner.api.settings().clock.now()),
        }
    }

    fn said(&self, said: Said, to: &Answer<'_>) -> Response<Reply> {
        let warnings = said.warnings;
        let now = self.inner.api.settings().clock.now();
        let Answer { kinds, call, view, yaml, headers } = *to;
        let target = &call.target;
        let writer = |resource| Writer::new(resource, view, now);
        match said.outcome {
            Err(status) if status == Status::no_such_path() => nothing(kinds, &call.path, yaml, &warnings),
            Err(status) => failed(&status, yaml, &warnings),
            Ok(Outcome::Nothing) => empty(&warnings),
            Ok(Outcome::Stored(code, resource, stored)) => {
                if let Some(status) = other_shape(view, &resource, false) {
                    return failed(&status, yaml, &warnings);
                }
                let mut out = Vec::with_capacity(stored.len() + 1);
                writer(resource).alone(&stored, &mut out);
                finished(view.yaml, code, out, headers, &warnings)
            }
            Ok(Outcome::Object(code, object)) => {
                let mut out = Vec::with_capacity(1_024);
                match kinds.find(&target.group, &target.version, &target.resource) {
                    Some(resource) => {
                        let writer = writer(resource.clone());
                        if let Some(status) =
                            other_shape(view, resource, false).filter(|_| writer.answers(&object))
                        {
                            return failed(&status, yaml, &warnings);
                        }
                        writer.tree(&object, &mut out);
                    }
                    None => write(&mut out, &object),
                }
                finished(view.yaml, code, out, headers, &warnings)
            }
            Ok(Outcome::List(listed)) => {
                if let Some(status) = other_shape(view, &listed.resource, true) {
                    return failed(&status, yaml, &warnings);
                }
                let writer = writer(listed.resource.clone());
                let bytes: usize = listed.objects.iter().map(|stored| stored.len()).sum();
                let mut pieces = Pieces::new(listed, writer, self.inner.api.is_deep());
                if bytes < WORTH_COMPRESSING || gzip(headers) || view.yaml {
                    let mut out = Vec::with_capacity(bytes + 1_024);
                    while let Some(piece) = pieces.next() {
                        out.extend_from_slice(&piece);
                    }
                    return finished(view.yaml, 200, out, headers, &warnings);
                }
                respond(200, "application/json", Reply::List(Box::new(pieces)), &warnings)
            }
            Ok(Outcome::Watch(watching)) => {
                let writer = writer(watching.resource.clone());
                let stream = WatchStream::new(
                    Arc::clone(&self.inner.api),
                    *watching,
                    writer,
                    self.inner.ending.clone(),
                );
                if view.yaml {
                    return failed(&Status::not_acceptable(&accept::STREAMED), yaml, &warnings);
                }
                respond(200, "application/json", Reply::Watch(Box::new(stream)), &warnings)
            }
        }
    }
}

/// What an outcome is written by.
#[derive(Clone, Copy)]
struct Answer<'a> {
    kinds: &'a Kinds,
    call: &'a Call,
    view: View,
    /// Whether errors are YAML.
    yaml: bool,
    headers: &'a HeaderMap,
}

impl<B> tower::Service<Request<B>> for Service
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Reply>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Reply>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

/// Whether the client wants another protocol on the connection.
fn asks_for_more(headers: &HeaderMap) -> bool {
    let values = headers.get_all(http::header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
}

/// 204.
fn empty(warnings: &[String]) -> Response<Reply> {
    let mut response = respond(204, "text/plain", Reply::whole(""), warnings);
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

/// What is said where nothing is: a group's own server is asked for all below its path, and answers in JSON; no one else
/// is there for other paths.
fn nothing(kinds: &Kinds, path: &str, yaml: bool, warnings: &[String]) -> Response<Reply> {
    let mut parts = path.trim_start_matches('/').split('/');
    let own = match (parts.next(), parts.next()) {
        (Some("api"), _) => true,
        (Some("apis"), Some(group)) => kinds.group(group).is_some_and(Group::is_built_in),
        _ => false,
    };
    if own { failed(&Status::no_such_path(), yaml, warnings) } else { lost() }
}

/// An answer that is not of the shape that was asked for: a list, or none.
fn other_shape(view: View, resource: &Resource, list: bool) -> Option<Status> {
    let (asked, is) = match (view.shape, list) {
        (Shape::Partial(_), true) => ("PartialObjectMetadata", "a list"),
        (Shape::Partials(_), false) => ("PartialObjectMetadataList", "not a list"),
        _ => return None,
    };
    let what = match resource.origin {
        Origin::BuiltIn => crate::form::internal(&resource.kind),
        _ => "unstructured.Unstructured".to_owned(),
    };
    let more = if list { "List" } else { "" };
    let message = format!("you requested {asked}, but the requested object is {is} (*{what}{more})");
    Some(Status::new(406, "NotAcceptable", message))
}
