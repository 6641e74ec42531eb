//! What goes wrong with etcd, named for what its caller does about it.

use tonic::{Code, Status};

use crate::api::causes;

/// Why etcd could not be asked, or would not do it.
#[derive(Debug, thiserror::Error)]
pub enum EtcdError {
    /// An endpoint, a file or a flag cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// No answer, or none in time. Others may answer.
    #[error(
        "etcd at {endpoint} does not answer {what}: {why}; look whether it runs, and whether these are its certificates"
    )]
    Unavailable {
        /// The endpoint.
        endpoint: String,
        /// The call.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The caller may not.
    #[error("etcd at {endpoint} does not allow {what}: {why}; name a user with the role root with --user")]
    Denied {
        /// The endpoint.
        endpoint: String,
        /// The call.
        what: &'static str,
        /// What etcd said.
        why: String,
    },
    /// It answered that it cannot.
    #[error("etcd at {endpoint} refuses {what}: {why}")]
    Refused {
        /// The endpoint.
        endpoint: String,
        /// The call.
        what: &'static str,
        /// What etcd said.
        why: String,
    },
    /// What arrived is not what was sent.
    #[error("what etcd at {endpoint} sent is damaged: {why}; nothing was kept")]
    Corrupt {
        /// The endpoint.
        endpoint: String,
        /// What is wrong with it.
        why: String,
    },
}

impl EtcdError {
    /// Of a call called `what` for people, made at `endpoint`.
    pub(super) fn of(endpoint: &str, what: &'static str, status: &Status) -> Self {
        let endpoint = endpoint.to_owned();
        let said = status.message().to_owned();
        // What the connection met lies below: "transport error" alone says nothing.
        let why = match std::error::Error::source(status) {
            Some(source) => causes(source),
            None if said.is_empty() => format!("{:?}", status.code()),
            None => said.clone(),
        };
        match status.code() {
            Code::Unauthenticated | Code::PermissionDenied => Self::Denied { endpoint, what, why },
            // What etcd says to a caller without a name where authentication is on (rpctypes.ErrUserEmpty).
            Code::InvalidArgument if said.contains("user name is empty") => {
                Self::Denied { endpoint, what, why }
            }
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown | Code::Internal => {
                Self::Unavailable { endpoint, what, why }
            }
            _ => Self::Refused { endpoint, what, why },
        }
    }

    /// That a call called `what` took longer than `seconds`.
    pub(super) fn late(endpoint: &str, what: &'static str, limit: std::time::Duration) -> Self {
        let why = format!("no answer within {} s", limit.as_secs_f32());
        Self::Unavailable { endpoint: endpoint.to_owned(), what, why }
    }

    /// Whether another member may do what this one did not.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
