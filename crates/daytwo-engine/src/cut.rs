//! One consistent cut of a cluster: every object as of one revision, through the API alone.
//!
//! `resourceVersion` is etcd's global revision, so a list of each resource at the same exact revision
//! (`resourceVersionMatch=Exact`, `k8s.io/apimachinery/pkg/apis/meta/v1/types.go`) shows one instant. That holds
//! until the revision is compacted (every 5 minutes by default): then everything starts over with a new one.
//!
//! What cannot be in the cut is found beforehand and named: resources of another store answer an exact list
//! with wrong or no objects and no error, so each resource's own revision is asked for first ([`probe`]).

mod batch;
mod pages;
mod probe;
mod resource;
mod split;

use std::collections::BTreeMap;

use daytwo_core::resource::ResourceType;

use crate::api::Patience;
use crate::discovery::Served;

pub use batch::{Batch, ListMeta, SplitError};
pub(crate) use pages::Delivery;
pub(crate) use probe::{Pending, Probing, Verdict, probe};
pub(crate) use resource::{Ended, Listing, read};
pub use split::Splitter;

/// How a resource is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum When {
    /// At the cut's revision.
    At(u64),
    /// Not again: its probe was a list at the cut's revision, and had no object.
    Empty,
    /// As the server holds it when asked: outside the cut.
    Now,
}

/// A resource that is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// What it is and how it is served.
    pub served: Served,
    /// The namespaces it is read in, one list each; `None` reads all at once.
    pub namespaces: Option<Vec<String>>,
}

impl Wanted {
    /// The resource's type.
    pub fn kind(&self) -> &ResourceType {
        &self.served.kind
    }
}

/// How lists are made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    /// A label selector that the server applies to what lives in namespaces.
    pub selector: Option<String>,
    /// How long one request is tried.
    pub patience: Patience,
    /// The storage version of custom resources by group and plural, from their definitions.
    pub storage: BTreeMap<(String, String), String>,
}
