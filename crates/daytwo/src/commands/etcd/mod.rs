//! `daytwo etcd …`

use crate::cli::etcd::Etcd;
use crate::failure::Result;
use crate::settings::Session;

/// Runs one verb.
///
/// # Errors
/// Why it could not do its work.
pub async fn run(_: &Session, verb: Etcd) -> Result {
    match verb {}
}
