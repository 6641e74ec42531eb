//! `daytwo man`: the manual, from the same words as `--help`.

use std::fs;

use crate::cli::{self, Man};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::settings::Session;

/// Prints daytwo(1), or writes a page for the program and for each verb into a folder.
///
/// # Errors
/// Those of writing.
pub fn run(session: &Session, verb: &Man) -> Result {
    let Some(dir) = &verb.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(cli::command()).render(&mut page)?;
        session.out.bytes(&page)?;
        return Ok(Exit::Done);
    };
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(dir)?;
        clap_mangen::generate_to(cli::command(), dir)
    };
    write().map_err(|error| {
        Failure::from(error).while_doing(format!("cannot write pages to {}", dir.display()))
    })?;
    session.speak.note(&format!("wrote the manual pages to {}", dir.display()));
    Ok(Exit::Done)
}
