//! Living etcd clusters over gRPC: seen ([`observe()`]), saved ([`save()`]) and put in order ([`EtcdRunner`]).
//!
//! The client is generated from `proto/etcd.proto`, which holds the few calls that are made here. TLS is rustls with
//! ring. Every call has a deadline, and every error names the endpoint. It refuses to write keys: none of the calls
//! that do is in that file.

mod access;
mod client;
mod error;
mod find;
#[allow(
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "it is generated, see proto/etcd.proto"
)]
mod generated;
mod observe;
mod run;
mod save;

pub use access::{Access, Login, Tls};
pub use client::Client;
pub use error::EtcdError;
pub use find::{Found, find};
pub use observe::observe;
pub use run::{EtcdRan, EtcdRunError, EtcdRunner};
pub use save::{
    Authority, Depends, Encryption, Missing, Revisions, STORE, SaveError, SaveRequest, Saved, SavedKind,
    ServiceAccountKey, Source, Target, Token, candidates, depends, save, save_sqlite,
};
