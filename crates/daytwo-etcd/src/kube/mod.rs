//! Kubernetes' objects in a store: what a key is of, and what a value says.
//!
//! A store is read as the API server that wrote it would show it, without one. What it refuses to do: convert between
//! versions (an object is shown at the version it is stored at), and apply what only the cluster knows, such as the
//! defaults of a custom resource's schema.

mod envelope;
mod proto;
mod special;
mod table;
mod wire;

pub use envelope::{Envelope, Gvk};
pub use proto::{Damage, Decoded, Unknown, decode, knows};
