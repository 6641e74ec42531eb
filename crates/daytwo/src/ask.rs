//! Asks before what cannot be taken back, where somebody is there to answer.

use std::io::{self, Write};
use std::thread;

use tokio::sync::oneshot;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::settings::Session;

/// Asks `question` on stderr and reads the answer.
///
/// # Errors
/// Exit 4 for every answer but a yes, and where nobody is there to ask; exit 5 for Ctrl-C.
pub async fn ask(session: &Session, question: &str) -> Result<()> {
    if !session.can_ask {
        return Err(Failure::refused(format!("{question} Nobody is there to ask")).or_try("--yes"));
    }
    let mut stderr = io::stderr();
    write!(stderr, "{question} [y/N] ")?;
    stderr.flush()?;
    // A thread of its own, so that Ctrl-C is heard meanwhile; nobody waits for it then.
    let (tell, told) = oneshot::channel();
    thread::spawn(move || {
        let mut answer = String::new();
        let _ = tell.send(io::stdin().read_line(&mut answer).map(|_| answer));
    });
    let stopped = || Failure::new(Exit::Failed, "stopped; nothing was written");
    let read = session.interrupt.or(told).await.ok_or_else(stopped)?;
    let answer = read.map_err(|_| Failure::refused("no answer could be read"))??;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::refused("not deleted")),
    }
}
