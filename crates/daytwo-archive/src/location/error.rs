//! What can go wrong at a location, named for what the caller can do about it, and the reading of a store's own
//! errors into that. Refuses to print credentials: of these only the place they came from is named.

use jiff::Timestamp;
use std::fmt;

/// Result of work on a location.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why work on a location did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for cannot be done as asked: a URL, an option, a file of settings. Asking again changes nothing.
    #[error("{0}")]
    Invalid(String),

    /// There is no such object.
    #[error("{location} has no {key}")]
    NotFound {
        /// What was looked for, relative to the location.
        key: String,
        /// The location's URL.
        location: String,
    },

    /// The object was to be created and is there already.
    #[error("{key} exists already in {location}")]
    Exists {
        /// What was to be created.
        key: String,
        /// The location's URL.
        location: String,
    },

    /// The name of a backup is taken.
    #[error("{0}")]
    Conflict(Box<Conflict>),

    /// The claim on a backup is no longer ours: another run may be writing it. Stop.
    #[error("{0}")]
    Stale(String),

    /// The store, or the file system, refuses these credentials this act.
    #[error("{0}")]
    Denied(Box<Failure>),

    /// The store did not answer, or not sensibly, within the retries allowed. Trying later may help.
    #[error("{0}")]
    Unavailable(Box<Failure>),

    /// What was read is not what it should be.
    #[error("{key} in {location} {what}")]
    Corrupt {
        /// What was read.
        key: String,
        /// The location's URL.
        location: String,
        /// What is wrong with it.
        what: String,
    },

    /// Doing it would lose something. Says what, and the command that does it safely.
    #[error("{0}")]
    Refused(String),
}

/// An act on a store that failed.
#[derive(Debug)]
pub struct Failure {
    /// The act and its object: `write backups/b/b.tar.gz`.
    pub tried: String,
    /// The location's URL, never with credentials.
    pub location: String,
    /// What the store or the connection answered.
    pub why: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} in {}: {}", self.tried, self.location, self.why)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

/// Who holds the name of a backup.
#[derive(Debug)]
pub struct Conflict {
    /// The backup.
    pub name: String,
    /// The location's URL.
    pub location: String,
    /// `true`: the backup is complete. `false`: it is being written, or was left unfinished.
    pub complete: bool,
    /// The run that holds the claim, where one is known.
    pub holder: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Conflict { name, location, .. } = self;
        if self.complete {
            return write!(
                f,
                "backup {name} exists already in {location}; choose another name, or delete it first"
            );
        }
        match &self.holder {
            Some(holder) => write!(f, "backup {name} in {location} is claimed by run {holder}")?,
            None => write!(f, "{location} holds files of an unfinished backup {name} that no claim names")?,
        }
        if let Some(since) = self.since {
            write!(f, " since {since}")?;
        }
        write!(
            f,
            "; choose another name, or, if nothing writes it any more, remove what is left: daytwo backup prune --orphans --location {location}"
        )
    }
}

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
        match answer.code.as_str() {
            "NoSuchBucket" | "ContainerNotFound" => {
                let remedy = "create it, or correct the location's URL".to_owned();
                return Error::Unavailable(fail("there is no such bucket".into(), Some(remedy)));
            }
            "AccessDenied"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "AllAccessDisabled"
            | "AuthenticationFailed"
            | "AuthorizationFailure"
            | "InvalidToken.Expired"
            | "RequestTimeTooSkewed" => {
                return Error::Denied(fail(answer.said(), Some(self.credentials_remedy(&answer.code))));
            }
            "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException" => {
                return Error::Invalid(
                    fail(answer.said(), Some("name the bucket's region with --region".into())).to_string(),
                );
            }
            "InvalidRequest"
                if answer.message.contains("Content-MD5") || answer.message.contains("x-amz-checksum") =>
            {
                let remedy = "the bucket has Object Lock: switch on checksums for this location".to_owned();
                return Error::Invalid(fail(answer.said(), Some(remedy)).to_string());
            }
            _ => {}
        }
        match error {
            E::NotFound { .. } => Error::NotFound { key: key.to_owned(), location: self.url.clone() },
            E::AlreadyExists { .. } | E::Precondition { .. } => {
                Error::Exists { key: key.to_owned(), location: self.url.clone() }
            }
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => {
                Error::Denied(fail(answer.said(), Some(self.credentials_remedy(&answer.code))))
            }
            E::NotSupported { .. } | E::NotImplemented { .. } | E::InvalidPath { .. } => {
                Error::Invalid(fail(answer.said(), None).to_string())
            }
            _ => {
                let remedy = self.connection_remedy(&answer);
                Error::Unavailable(fail(answer.said(), remedy))
            }
        }
    }

    fn credentials_remedy(&self, code: &str) -> String {
        let from = &self.credentials;
        match code {
            "InvalidAccessKeyId" | "SignatureDoesNotMatch" => {
                format!("the credentials were taken from {from}: correct them there")
            }
            "ExpiredToken" | "InvalidToken" => {
                format!("the credentials were taken from {from} and have run out: renew them")
            }
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
        while let Some(inner) = source {
            innermost = inner.to_string();
            if !all.contains(&innermost) {
                all.push_str(": ");
                all.push_str(&innermost);
            }
            source = inner.source();
        }
        let code = between(&all, "<Code>", "</Code>").unwrap_or_default().to_owned();
        let message = between(&all, "<Message>", "</Message>").map_or(innermost, str::to_owned);
        Answer { code, message, all }
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
