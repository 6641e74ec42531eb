//! Reads the answers of a store's interface whole before they are handed on.
//!
//! `object_store` sends a request again where no answer comes, and goes on where the body of an object breaks off; but
//! a list, or the end of an upload, whose body breaks off is an error to it. Here that becomes an answer that did not
//! come. Objects pass through as they arrive.

use async_trait::async_trait;
use object_store::client::{HttpError, HttpRequest, HttpResponse, HttpService};

/// A client that holds back what is no object until all of it is there.
#[derive(Debug)]
pub(super) struct Whole(pub(super) reqwest::Client);

#[async_trait]
impl HttpService for Whole {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let reads = request.method() == http::Method::GET;
        let answer = self.0.call(request).await?;
        if reads && !is_xml(&answer) {
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        let whole = body.bytes().await?;
        Ok(HttpResponse::from_parts(parts, whole.into()))
    }
}

/// Lists are XML in all of S3, Azure and Google; no file of a backup is stored as such.
fn is_xml(answer: &HttpResponse) -> bool {
    let kind = answer.headers().get(http::header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.contains("xml"))
}
