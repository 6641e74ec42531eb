//! Parts started once per test binary, by whichever test asks first.
//!
//! Statics are never dropped: the watchdogs end these when the test binary ends. Tests that share one
//! keep to namespaces or buckets of their own.

use std::sync::OnceLock;

use crate::control_plane::ControlPlane;
use crate::family::Family;
use crate::parts_or_skip;
use crate::s3::S3;

/// The control plane of this test binary, or `None` after saying what is skipped.
///
/// # Panics
/// If it cannot be started; with `CI=true` also if the parts are missing.
pub fn control_plane() -> Option<&'static ControlPlane> {
    static SHARED: OnceLock<ControlPlane> = OnceLock::new();
    parts_or_skip(&[Family::Etcd, Family::Kube])?;
    Some(SHARED.get_or_init(|| match ControlPlane::start() {
        Ok(started) => started,
        Err(error) => panic!("cannot start a control plane: {error:#}"),
    }))
}

/// A second control plane of this test binary, with a scheduler and one node that kwok plays: pods become ready. `None`
/// after saying what is skipped.
///
/// # Panics
/// As [`control_plane`].
pub fn with_node() -> Option<&'static ControlPlane> {
    static SHARED: OnceLock<ControlPlane> = OnceLock::new();
    parts_or_skip(&[Family::Etcd, Family::Kube, Family::Kwok])?;
    Some(SHARED.get_or_init(|| match ControlPlane::builder().scheduler(true).nodes(1).start() {
        Ok(started) => started,
        Err(error) => panic!("cannot start a control plane with a node: {error:#}"),
    }))
}

/// The S3 server of this test binary, or `None` after saying what is skipped.
///
/// # Panics
/// If it cannot be started; with `CI=true` also if the parts are missing.
pub fn s3() -> Option<&'static S3> {
    static SHARED: OnceLock<S3> = OnceLock::new();
    parts_or_skip(&[Family::S3])?;
    Some(SHARED.get_or_init(|| match S3::start() {
        Ok(started) => started,
        Err(error) => panic!("cannot start an S3 server: {error:#}"),
    }))
}
