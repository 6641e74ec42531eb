//! Changes objects by patches of the kinds an API server takes, as trees of values.
//!
//! Everything else in this crate edits bytes; a patch asks about the whole of an object, so here it is read into a
//! tree and written anew. [`read`] refuses an object whose numbers such a tree cannot hold. JSON patches (RFC 6902) and
//! merge patches (RFC 7386) are the crate `json-patch`'s; [`strategic`] merge patches are ours. It refuses to know who
//! patches and why.

pub mod strategic;
pub mod table;
mod tree;

pub use tree::{TreeError, read};
