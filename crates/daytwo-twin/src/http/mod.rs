//! The API over HTTP: paths, media types, bodies, connections.

mod accept;
mod answer;
mod caller;
mod discovery;
mod document;
mod paths;
mod pieces;
mod reply;
mod serve;
mod service;
mod stream;
mod take;
mod tls;
mod view;

pub use serve::{ServeError, Serving};
pub use service::Service;
pub use tls::Authority;
