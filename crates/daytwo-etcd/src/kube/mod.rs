//! Kubernetes' objects in a store: what a key is of, and what a value says.
//!
//! A store is read as the API server that wrote it would show it, without one. What it refuses to do: convert between
//! versions that are served (an object is shown at the version it is stored at), and apply what only the cluster knows, such
//! as the defaults of a custom resource's schema.

mod check;
mod encryption;
mod envelope;
mod keys;
mod object;
mod proto;
mod reading;
mod resources;
mod special;
mod table;
pub mod types;
mod wire;

pub use encryption::{BadConfiguration, Keyring, NotOpened, Seal};
pub use envelope::{Envelope, Gvk};
pub use keys::{At, Place, Prefix};
pub use object::{NEWEST_MINOR, NotShown, Objects, Shown};
pub use proto::{Damage, Decoded, Unknown, decode, knows};
pub use resources::{Catalogue, Resource};
