//! Asks before what cannot be taken back, where somebody is there to answer.

use std::io::{self, Write};

use crate::failure::{Failure, Result};
use crate::settings::Session;

/// Asks `question` on stderr and reads the answer.
///
/// # Errors
/// Exit 4 for every answer but a yes, and where nobody is there to ask.
pub fn ask(session: &Session, question: &str) -> Result<()> {
    if !session.can_ask {
        return Err(Failure::refused(format!("{question} Nobody is there to ask")).or_try("--yes"));
    }
    let mut stderr = io::stderr();
    write!(stderr, "{question} [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::refused("not deleted")),
    }
}
