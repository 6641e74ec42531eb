//! One connection of a client: its requests, one after another, passed on or gone wrong.

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::SockRef;

use super::State;
use super::api::Link;
use super::rule::Fault;
use super::wire::{Body, Framing, Head};

/// After this long without a byte a connection is given up, whoever is at fault.
const IDLE: Duration = Duration::from_secs(180);

/// What happens to the connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The next request may come.
    Again,
    /// It is closed (FIN).
    Close,
    /// It is reset (RST).
    Reset,
    /// It stays open and silent until the client goes.
    Silence,
}

/// Serves one client until it goes, or the connection is broken on purpose.
pub(super) fn connection(client: &TcpStream, state: &State) {
    let _ = client.set_nodelay(true);
    let _ = client.set_read_timeout(Some(IDLE));
    let _ = client.set_write_timeout(Some(IDLE));
    let mut reader = BufReader::new(client);
    let mut link = None;
    loop {
        match exchange(&mut reader, client, &mut link, state) {
            Ok(Then::Again) => {}
            Ok(Then::Silence) => {
                let mut silent = client;
                let _ = silent.read(&mut [0]);
                return;
            }
            Ok(Then::Reset) => {
                // With this a close discards what was not sent and resets.
                let _ = SockRef::from(client).set_linger(Some(Duration::ZERO));
                return;
            }
            // A client that went away, or a server that did: either way there is nothing more to pass on.
            Ok(Then::Close) | Err(_) => {
                let _ = client.shutdown(Shutdown::Write);
                return;
            }
        }
    }
}

fn exchange(
    from: &mut BufReader<&TcpStream>,
    to: &TcpStream,
    link: &mut Option<Link>,
    state: &State,
) -> io::Result<Then> {
    let Some(mut head) = Head::read(from)? else { return Ok(Then::Close) };
    if state.identity.load(Ordering::SeqCst) {
        head.set("Accept-Encoding", "identity");
    }
    let fault = state.meet(head.word(0), head.word(1));
    let again = if head.closes() { Then::Close } else { Then::Again };
    let mut body = Body::of_request(&head)?;
    if let Some(Fault::ResetInRequest(after)) = fault {
        let mut read = 0;
        while read < after {
            let Some(piece) = body.next(from)? else { break };
            read += piece.len() as u64;
        }
        return Ok(Then::Reset);
    }
    let body = body.read(from)?;
    match fault {
        Some(Fault::Answer { status, headers, body }) => {
            answer(to, head.word(0), status, headers, &body)?;
            return Ok(again);
        }
        Some(Fault::Reset) => return Ok(Then::Reset),
        Some(Fault::Silence) => return Ok(Then::Silence),
        Some(Fault::Hold(ref gate)) => gate.pass(),
        _ => {}
    }
    let answered = state.target.send(link, &head, &body)?;
    let Some(link) = link.as_mut() else { return Ok(Then::Close) };
    let framed = Body::of_answer(&answered, head.word(0))?;
    match fault {
        Some(Fault::LoseAnswer) => {
            framed.read(&mut link.0)?;
            Ok(Then::Reset)
        }
        Some(Fault::SpoilAnswer(status)) => {
            framed.read(&mut link.0)?;
            answer(to, head.word(0), status, Vec::new(), b"")?;
            Ok(again)
        }
        fault => relay(link, to, answered, framed, fault.as_ref(), state),
    }
}

fn answer(
    mut to: &TcpStream,
    method: &str,
    status: u16,
    mut headers: Vec<(String, String)>,
    body: &[u8],
) -> io::Result<()> {
    headers.push(("Content-Length".to_owned(), body.len().to_string()));
    let mut message = Vec::new();
    Head { first: format!("HTTP/1.1 {status} Fault"), headers }.write(&mut message)?;
    if method != "HEAD" {
        message.extend_from_slice(body);
    }
    to.write_all(&message)
}

/// Passes an answer on as it arrives, up to where it goes wrong.
fn relay(
    link: &mut Link,
    mut to: &TcpStream,
    mut head: Head,
    mut body: Body,
    fault: Option<&Fault>,
    state: &State,
) -> io::Result<Then> {
    let ending = match fault {
        Some(Fault::ResetInAnswer(after)) => Some((*after, Then::Reset)),
        Some(Fault::Cut(after)) => Some((*after, Then::Close)),
        Some(Fault::Stall(after)) => Some((*after, Then::Silence)),
        Some(Fault::CutCleanly(after)) => Some((*after, Then::Again)),
        _ => None,
    };
    if let (Some((after, Then::Again)), Framing::Length(length)) = (ending, body.framing) {
        head.set("Content-Length", &after.min(length).to_string());
    }
    let closes = head.closes() || body.framing == Framing::UntilClose;
    head.write(&mut to)?;
    let framing = body.framing;
    let mut sent = 0u64;
    while let Some(mut piece) = body.next(&mut link.0)? {
        state.answered.fetch_add(piece.len() as u64, Ordering::SeqCst);
        if let Some((after, then)) = ending
            && sent + piece.len() as u64 >= after
        {
            piece.truncate(usize::try_from(after - sent).unwrap_or(0));
            framing.write(&piece, &mut to)?;
            if then != Then::Again {
                return Ok(then);
            }
            framing.end(&mut to)?;
            while body.next(&mut link.0)?.is_some() {}
            return Ok(if closes { Then::Close } else { Then::Again });
        }
        if let Some(Fault::Flip(at)) = fault
            && let Some(byte) = at.checked_sub(sent).and_then(|at| piece.get_mut(usize::try_from(at).ok()?))
        {
            *byte ^= 1;
        }
        sent += piece.len() as u64;
        match fault {
            Some(Fault::Slow(bytes, pause)) => {
                for part in piece.chunks((*bytes).max(1)) {
                    framing.write(part, &mut to)?;
                    state.pace(*pause);
                }
            }
            _ => framing.write(&piece, &mut to)?,
        }
    }
    framing.end(&mut to)?;
    Ok(if closes { Then::Close } else { Then::Again })
}
