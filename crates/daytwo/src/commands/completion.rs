//! `daytwo completion`: a shell's completion script on stdout.

use crate::cli::{self, Completion};
use crate::exit::Exit;
use crate::failure::Result;
use crate::settings::Session;

/// Prints the script.
///
/// # Errors
/// Those of writing to stdout.
pub fn run(session: &Session, verb: &Completion) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(verb.shell, &mut cli::command(), "daytwo", &mut script);
    session.out.bytes(&script)?;
    Ok(Exit::Done)
}
