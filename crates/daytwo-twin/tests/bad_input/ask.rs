//! Requests to a twin in process, as HTTP has them.

use std::sync::Arc;

use bytes::Bytes;
use daytwo_engine::Clock;
use daytwo_twin::{Service, Twin};
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A clock that stands.
pub struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

pub fn twin() -> Twin {
    Twin::empty(Arc::new(Still)).unwrap()
}

pub fn service(twin: &Twin) -> Service {
    Service::open(Arc::clone(twin.api()))
}

/// What was answered.
pub struct Answer {
    pub code: u16,
    pub text: String,
}

impl Answer {
    pub async fn of<B>(response: Response<B>) -> Answer
    where
        B: Body<Data = Bytes>,
        B::Error: std::fmt::Debug,
    {
        let code = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { code, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// The reason of a Status.
    pub fn reason(&self) -> String {
        let status: Value = serde_json::from_str(&self.text).unwrap_or_default();
        status["reason"].as_str().unwrap_or_default().to_owned()
    }
}

/// A request with a body of a type.
pub fn request(method: &str, path: &str, media: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(path).header("Content-Type", media);
    request.body(Full::new(body.into())).unwrap()
}

pub async fn ask(service: &Service, method: &str, path: &str, media: &str, body: impl Into<Bytes>) -> Answer {
    Answer::of(service.answer(request(method, path, media, body)).await).await
}

pub async fn get(service: &Service, path: &str, accept: &str) -> Answer {
    let request = Request::get(path).header("Accept", accept).body(Full::new(Bytes::new())).unwrap();
    Answer::of(service.answer(request).await).await
}

pub const JSON: &str = "application/json";
pub const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Creates a ConfigMap.
pub async fn create(service: &Service, name: &str, value: &str) {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"setting": value}});
    let answer = ask(service, "POST", MAPS, JSON, map.to_string()).await;
    assert_eq!(answer.code, 201, "{}", answer.text);
}
