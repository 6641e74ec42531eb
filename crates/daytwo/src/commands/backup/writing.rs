//! How a backup is written, as the flags of every verb that writes one say it.

use std::time::Duration;

use daytwo_archive::WriteOptions;
use daytwo_archive::encrypt::Recipient;
use daytwo_archive::sign::SigningKey;

use crate::cli::shared::Writing;
use crate::failure::Result;
use crate::output::words;
use crate::settings::Session;

/// Threads that compress: two keep up with an API server.
const COMPRESSORS: usize = 2;

/// The archive's options, and when the backup may be deleted.
///
/// # Errors
/// Exit 2 for a recipient, a key or a duration that is none.
pub fn options(session: &Session, flags: &Writing) -> Result<(WriteOptions, Option<Duration>)> {
    let ttl = flags.ttl.as_deref().map(words::duration).transpose()?;
    let options = WriteOptions {
        run: session.run.clone(),
        started: session.clock.now(),
        recipients: recipients(&flags.encrypt_to)?,
        sign: flags.sign_key.as_deref().map(SigningKey::load).transpose()?,
        threads: COMPRESSORS,
    };
    Ok((options, ttl))
}

/// Who can read what is encrypted.
///
/// # Errors
/// Exit 2 for a text that is no recipient.
pub fn recipients(texts: &[String]) -> Result<Vec<Recipient>> {
    Ok(texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?)
}
