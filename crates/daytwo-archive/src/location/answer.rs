//! A store's own errors, read for people: what it said, and what to do about it. Stores answer in XML inside several
//! layers of errors; a few name the same thing differently. Of credentials only the place they came from is named.

use super::error::{Error, Failure};

/// Our own code for credentials that could not be had.
const NO_CREDENTIALS: &str = "no credentials";

/// What an error message needs to know of the location.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// URL without credentials.
    pub(crate) url: String,
    /// Where the credentials came from, for people.
    pub(crate) credentials: String,
    /// The host that is spoken to, where there is one.
    pub(crate) endpoint: Option<String>,
}

impl Place {
    /// An error of the store, read for people.
    pub(crate) fn explain(&self, tried: &str, key: &str, error: &object_store::Error) -> Error {
        tracing::debug!(tried, key, location = self.url, %error, "store error");
        use object_store::Error as E;
        let answer = Answer::of(error);
        let fail = |why: String, remedy: Option<String>| {
            let tried = if key.is_empty() { tried.to_owned() } else { format!("{tried} {key}") };
            Box::new(Failure { tried, location: self.url.clone(), why, remedy })
        };
        match answer.kind() {
            Kind::NoBucket => {
                let remedy = "create it, or correct the location's URL".to_owned();
                return Error::Unavailable(fail("there is no such bucket".into(), Some(remedy)));
            }
            Kind::Credentials => {
                return Error::Denied(fail(answer.said(), Some(self.credentials_remedy(&answer.code))));
            }
            Kind::Setting(remedy) => {
                return Error::Invalid(fail(answer.said(), Some(remedy.into())).to_string());
            }
            Kind::Other => {}
        }
        let denied = || Error::Denied(fail(answer.said(), Some(self.credentials_remedy(&answer.code))));
        let (key, location) = (key.to_owned(), self.url.clone());
        match error {
            // An answer that says something else than that the object is missing is not to be read as that.
            E::NotFound { .. } if answer.is_absence() => Error::NotFound { key, location },
            E::AlreadyExists { .. } | E::Precondition { .. } if tried == "create" => {
                Error::Exists { key, location }
            }
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => denied(),
            E::NotSupported { .. } | E::NotImplemented { .. } | E::InvalidPath { .. } => {
                Error::Invalid(fail(answer.said(), None).to_string())
            }
            _ => Error::Unavailable(fail(answer.said(), self.connection_remedy(&answer))),
        }
    }

    fn credentials_remedy(&self, code: &str) -> String {
        let from = &self.credentials;
        match code {
            "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "XAdminUserNotFound" => {
                format!("the credentials were taken from {from}: correct them there")
            }
            "ExpiredToken" | "InvalidToken" => {
                format!("the credentials were taken from {from} and have run out: renew them")
            }
            NO_CREDENTIALS => format!(
                "they were to be taken from {from}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            ),
            "RequestTimeTooSkewed" => "set this machine's clock".to_owned(),
            _ => format!("the credentials were taken from {from}: use others, or grant them this"),
        }
    }

    fn connection_remedy(&self, answer: &Answer) -> Option<String> {
        let text = answer.all.as_str();
        let endpoint = self.endpoint.as_deref().unwrap_or("the store");
        if text.contains("UnknownIssuer") || text.contains("CaUsedAsEndEntity") {
            Some(format!(
                "the certificate of {endpoint} is signed by an authority this machine does not know: pass it with --ca-file"
            ))
        } else if text.contains("NotValidForName") {
            Some(format!(
                "the certificate of {endpoint} is for another host name: use the name it carries as the endpoint"
            ))
        } else if text.contains("invalid peer certificate") {
            Some(format!("look at the certificate of {endpoint}"))
        } else if text.contains("InvalidContentType") || text.contains("wrong version number") {
            Some(format!("{endpoint} does not speak TLS: is it an http:// endpoint?"))
        } else if text.contains("Connection refused")
            || text.contains("dns error")
            || text.contains("No route to host")
        {
            Some(format!("is {endpoint} the right endpoint, and up?"))
        } else if text.contains("without LOCATION") {
            Some("the bucket is in another region: name it with --region".to_owned())
        } else if text.contains("timed out") || text.contains("timeout") {
            Some(format!(
                "{endpoint} does not answer; try again later, or look at the network and proxies between"
            ))
        } else {
            None
        }
    }
}

/// What kind of thing a store's error code says.
enum Kind {
    NoBucket,
    Credentials,
    /// A setting of the location is to be changed: how.
    Setting(&'static str),
    Other,
}

/// No credentials could be had: not that they were refused.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoCredentials(pub(crate) String);

/// What a store's answer says, drawn out of the layers of errors around it.
struct Answer {
    code: String,
    message: String,
    all: String,
}

impl Answer {
    fn of(error: &object_store::Error) -> Answer {
        let mut all = error.to_string();
        let mut source = std::error::Error::source(error);
        let mut innermost = String::new();
        let mut without_credentials = false;
        while let Some(inner) = source {
            without_credentials |= inner.is::<NoCredentials>();
            innermost = inner.to_string();
            if !all.contains(&innermost) {
                all.push_str(": ");
                all.push_str(&innermost);
            }
            source = inner.source();
        }
        let code = between(&all, "<Code>", "</Code>").unwrap_or_default().to_owned();
        let code = if without_credentials { NO_CREDENTIALS.to_owned() } else { code };
        let message = between(&all, "<Message>", "</Message>").map_or(innermost, str::to_owned);
        Answer { code, message, all }
    }

    fn kind(&self) -> Kind {
        let message = self.message.to_ascii_lowercase();
        let wants_checksum = message.contains("content-md5") || message.contains("x-amz-checksum");
        match self.code.as_str() {
            "NoSuchBucket" | "ContainerNotFound" => Kind::NoBucket,
            // XAdminUserNotFound is what versitygw says, with 404, of a key id it does not know.
            "AccessDenied"
            | "AllAccessDisabled"
            | "AuthenticationFailed"
            | "AuthorizationFailure"
            | "ExpiredToken"
            | "InvalidAccessKeyId"
            | "InvalidToken"
            | "RequestTimeTooSkewed"
            | "SignatureDoesNotMatch"
            | "XAdminUserNotFound"
            | NO_CREDENTIALS => Kind::Credentials,
            "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" | "PermanentRedirect" => {
                Kind::Setting("name the bucket's region with --region")
            }
            "InvalidRequest" if wants_checksum => {
                Kind::Setting("the bucket has Object Lock: switch on checksums for this location")
            }
            "InvalidRequest" | "ObjectLockConfigurationNotFoundError"
                if message.replace(' ', "").contains("objectlock") =>
            {
                Kind::Setting("the bucket has no Object Lock: use one that has, or leave the retention out")
            }
            _ => Kind::Other,
        }
    }

    /// Whether a "not found" is about the object asked for. An answer to HEAD carries no code.
    fn is_absence(&self) -> bool {
        let code = self.code.as_str();
        matches!(code, "" | "NoSuchKey" | "NoSuchUpload" | "NoSuchVersion" | "NotFound" | "BlobNotFound")
    }

    /// One line for people: code and message, or the innermost error.
    fn said(&self) -> String {
        let message = self.message.trim().trim_end_matches('.');
        let message = if message.is_empty() { self.all.as_str() } else { message };
        let message: String =
            message.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let timed_out = if self.all.contains("timed out") && !message.contains("timed out") {
            " (timed out)"
        } else {
            ""
        };
        match self.code.as_str() {
            "" => format!("{message}{timed_out}"),
            code => format!("{code}: {message}"),
        }
    }
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let start = text.find(open)? + open.len();
    let end = text[start..].find(close)? + start;
    Some(&text[start..end])
}
