//! What the API says when it does not do what was asked: `metav1.Status` with the real server's codes, reasons and words
//! (`k8s.io/apimachinery/pkg/api/errors/errors.go`, v0.36).

use serde_json::{Map, Value, json};

use crate::field::{FieldError, quoted};

/// An answer that is no object. Becomes the body of the response, with its code.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The HTTP status code.
    pub code: u16,
    /// The machine-readable reason; may be empty.
    pub reason: &'static str,
    /// What people read.
    pub message: String,
    /// `details`, as JSON; empty for none.
    pub details: Box<Map<String, Value>>,
    /// Whether `details` are shown though they are empty, as where no handler was found.
    pub bare: bool,
    /// Seconds after which to try again, as `Retry-After`.
    pub retry_after: Option<u32>,
}

/// What a call comes to.
pub type Result<T> = std::result::Result<T, Status>;

/// A group and a resource, as errors name them: `deployments.apps`.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The API group; empty for the core's.
    pub group: &'a str,
    /// The resource's plural, or a kind, as the error asks.
    pub kind: &'a str,
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.group.is_empty() {
            true => out.write_str(self.kind),
            false => write!(out, "{}.{}", self.kind, self.group),
        }
    }
}

impl Status {
    /// An error without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Box::default(),
            bare: false,
            retry_after: None,
        }
    }

    fn about(mut self, subject: Subject<'_>, name: &str) -> Self {
        if !name.is_empty() {
            self.details.insert("name".into(), name.into());
        }
        if !subject.group.is_empty() {
            self.details.insert("group".into(), subject.group.into());
        }
        if !subject.kind.is_empty() {
            self.details.insert("kind".into(), subject.kind.into());
        }
        self
    }

    /// The client is to try again after so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.details.insert("retryAfterSeconds".into(), seconds.into());
        self.retry_after = Some(seconds);
        self
    }

    /// 404: no such object.
    pub fn not_found(resource: Subject<'_>, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{resource} {} not found", quoted(name))).about(resource, name)
    }

    /// 404 of a path that nothing serves.
    pub fn no_such_path() -> Self {
        Self { bare: true, ..Self::new(404, "NotFound", "the server could not find the requested resource") }
    }

    /// 409: the name is taken.
    pub fn already_exists(resource: Subject<'_>, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{resource} {} already exists", quoted(name)))
            .about(resource, name)
    }

    /// 409: what was read is not what is there any more.
    pub fn conflict(resource: Subject<'_>, name: &str, why: impl std::fmt::Display) -> Self {
        let message = format!("Operation cannot be fulfilled on {resource} {}: {why}", quoted(name));
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// 403.
    pub fn forbidden(resource: Subject<'_>, name: &str, why: impl std::fmt::Display) -> Self {
        let message = match (resource.kind.is_empty(), name.is_empty()) {
            (true, _) => format!("forbidden: {why}"),
            (false, true) => format!("{resource} is forbidden: {why}"),
            (false, false) => format!("{resource} {} is forbidden: {why}", quoted(name)),
        };
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    /// 422: one or more fields are wrong. `kind` names the kind, not the resource. Errors that read the same are said
    /// once in the message.
    pub fn invalid(kind: Subject<'_>, name: &str, errors: &[FieldError]) -> Self {
        let mut said: Vec<String> = Vec::new();
        for error in errors {
            let text = error.to_string();
            if !said.contains(&text) {
                said.push(text);
            }
        }
        // Some kinds are named by their group alone, as where the server has no name for its own.
        let what = match kind.kind.is_empty() && !kind.group.is_empty() {
            true => format!(".{} {} is invalid", kind.group, quoted(name)),
            false => format!("{kind} {} is invalid", quoted(name)),
        };
        let message = match said.len() {
            0 => what,
            1 => format!("{what}: {}", said[0]),
            _ => format!("{what}: [{}]", said.join(", ")),
        };
        let mut status = Self::new(422, "Invalid", message).about(kind, name);
        if !errors.is_empty() {
            let causes = errors.iter().map(|error| {
                json!({"reason": error.fault.reason(), "message": error.body(), "field": error.field})
            });
            status.details.insert("causes".into(), causes.collect());
        }
        status
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 405: the resource does not do this.
    pub fn not_supported(resource: Subject<'_>, action: &str) -> Self {
        let message =
            format!("{action} is not supported on resources of kind {}", quoted(&resource.to_string()));
        Self::new(405, "MethodNotAllowed", message).about(resource, "")
    }

    /// 405: no handler for the method.
    pub fn not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self { bare: true, ..Self::new(405, "MethodNotAllowed", message) }
    }

    /// 500 of what the server did not foresee: words alone.
    pub fn unforeseen(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// 406: none of what the client takes can be given.
    pub fn not_acceptable(given: &[&str]) -> Self {
        let message = format!("only the following media types are accepted: {}", given.join(", "));
        Self::new(406, "NotAcceptable", message)
    }

    /// 410: the revision is gone.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 413.
    pub fn too_large(message: impl std::fmt::Display) -> Self {
        Self::new(413, "RequestEntityTooLarge", format!("Request entity too large: {message}"))
    }

    /// 415: the body is of a type that is not taken.
    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 429: not now.
    pub fn too_many_requests(message: impl Into<String>, seconds: u32) -> Self {
        Self::new(429, "TooManyRequests", message).retry_after(seconds)
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 500.
    pub fn internal(why: impl std::fmt::Display) -> Self {
        let mut status = Self::new(500, "InternalError", format!("Internal error occurred: {why}"));
        status.details.insert("causes".into(), json!([{"message": why.to_string()}]));
        status
    }

    /// 504: it took too long; to be tried again where a number of seconds is given.
    pub fn timeout(message: impl std::fmt::Display, seconds: u32) -> Self {
        let status = Self::new(504, "Timeout", format!("Timeout: {message}"));
        if seconds > 0 { status.retry_after(seconds) } else { status }
    }

    /// The body.
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
        });
        let fields = body.as_object_mut().expect("invariant: made as an object above");
        if !self.reason.is_empty() {
            fields.insert("reason".into(), self.reason.into());
        }
        if self.bare || !self.details.is_empty() {
            fields.insert("details".into(), Value::Object((*self.details).clone()));
        }
        fields.insert("code".into(), self.code.into());
        body
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Status {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_with_two_faults_reads_as_the_servers_answer() {
        let errors = [FieldError::required("spec.a", ""), FieldError::invalid("spec.b", 1, "too small")];
        let status = Status::invalid(Subject { group: "apps", kind: "Deployment" }, "web", &errors);
        assert_eq!(
            status.message,
            "Deployment.apps \"web\" is invalid: [spec.a: Required value, spec.b: Invalid value: 1: too small]"
        );
        let body = status.to_json();
        assert_eq!(body["details"]["causes"][1]["field"], "spec.b");
        assert_eq!(body["details"]["causes"][0]["reason"], "FieldValueRequired");
        assert_eq!(body["code"], 422);
    }
}
