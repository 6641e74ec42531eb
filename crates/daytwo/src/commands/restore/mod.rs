//! `daytwo restore …`
use crate::cli::restore::Restore;
use crate::failure::Result;
use crate::settings::Session;
pub async fn run(_session: &Session, _verb: Restore) -> Result {
    Err(crate::failure::Failure::refused("later"))
}
