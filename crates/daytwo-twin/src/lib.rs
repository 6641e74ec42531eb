//! A Kubernetes API server in process, in memory: any backup, snapshot or fixture opened as a living cluster.
//!
//! It answers as kube-apiserver 1.36 does: objects in the form that one stores, its validation and its errors, watches and
//! past revisions, custom resources, garbage collection and the end of namespaces. A client speaks to it in process, with no
//! socket, or over HTTPS as any other. So it also serves other projects as the API server of their tests:
//!
//! ```
//! use std::sync::Arc;
//! use daytwo_twin::{Clock, Twin};
//! use k8s_openapi::api::core::v1::Namespace;
//!
//! struct Noon;
//! impl Clock for Noon {
//!     fn now(&self) -> jiff::Timestamp { "2026-05-04T12:00:00Z".parse().unwrap() }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let twin = Twin::empty(Arc::new(Noon)).unwrap();
//! let namespaces: kube::Api<Namespace> = kube::Api::all(twin.client());
//! assert!(namespaces.get("kube-system").await.is_ok());
//! assert!(namespaces.get("shop").await.is_err());
//! # }
//! ```
//!
//! Time is the clock's alone, and names, uids and addresses come from the seed in [`Settings`]: the same calls give the same
//! cluster. What a cluster's controllers do with garbage, namespaces and ServiceAccounts is done before a call returns, and
//! pods that have a node run at once, unless [`Settings::kubelets`] says otherwise. [`Twin::serve`] puts it behind a port,
//! for kubectl; [`open`] has what it can begin with; [`status`] what errors look like.
//!
//! It refuses to run anything, and to be the control loops that make pods of Deployments. It calls no webhook. Server-side
//! apply is answered with 415. Nothing is written to disk: with the last handle to it, it is gone.

mod api;
pub mod ask;
pub mod body;
pub mod chance;
mod deep;
pub mod definitions;
mod depth;
pub mod field;
pub mod fixture;
pub mod form;
mod http;
pub mod kinds;
pub mod open;
mod openapi;
pub mod patch;
pub mod print;
#[cfg(test)]
mod properties;
pub mod rules;
pub mod selector;
pub mod status;
mod store;
mod twin;

pub use api::{Api, PassedBy, Settings};
pub use daytwo_engine::Clock;
pub use http::{Authority, ServeError, Service, Serving};
pub use twin::Twin;
