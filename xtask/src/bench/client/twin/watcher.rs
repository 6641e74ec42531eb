//! One watcher: takes the events out of a chunked answer, and keeps no more of them than tells whether all were there.

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::lean::{Head, size};
use crate::connect::{Server, Stream};

const PIECE: usize = 64 << 10;

/// What was seen: how many events, and a digest of their revisions in the order they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub events: u64,
    digest: u64,
}

impl Seen {
    const NOTHING: Seen = Seen { events: 0, digest: 0xcbf2_9ce4_8422_2325 };

    /// What a watcher sees that sees all of these.
    pub fn all(revisions: &[u64]) -> Seen {
        let mut seen = Seen::NOTHING;
        revisions.iter().for_each(|revision| seen.add(*revision));
        seen
    }

    fn add(&mut self, revision: u64) {
        self.events += 1;
        // FNV-1a, over whole numbers.
        self.digest = (self.digest ^ revision).wrapping_mul(0x0000_0100_0000_01b3);
    }
}

/// A watch over a connection of its own.
pub struct Watcher {
    stream: Stream,
    /// What was read and is not taken apart yet.
    bytes: Vec<u8>,
    /// The rest of a line whose end is in the next chunk.
    line: Vec<u8>,
    seen: Seen,
    ended: bool,
}

impl Watcher {
    pub async fn open(server: &Server, path: &str) -> Result<Watcher> {
        Watcher::over(server.stream().await?, server, path).await
    }

    /// One for which the kernel keeps little of what it does not read.
    pub async fn slow(server: &Server, path: &str) -> Result<Watcher> {
        Watcher::over(server.narrow_stream().await?, server, path).await
    }

    async fn over(mut stream: Stream, server: &Server, path: &str) -> Result<Watcher> {
        let request = format!("{}\r\n", server.head("GET", path));
        stream.write_all(request.as_bytes()).await.context("cannot send")?;
        stream.flush().await.context("cannot send")?;
        let mut bytes = Vec::new();
        let head = loop {
            if stream.read_buf(&mut bytes).await.context("cannot read")? == 0 {
                bail!("a watch without an answer");
            }
            if let Some(head) = Head::of(&bytes)? {
                break head;
            }
        };
        if head.status != 200 {
            bail!("a watch: {}", String::from_utf8_lossy(&bytes));
        }
        bytes.drain(..head.end);
        Ok(Watcher { stream, bytes, line: Vec::new(), seen: Seen::NOTHING, ended: false })
    }

    /// Reads until so many events were seen.
    pub async fn until(mut self, events: u64) -> Result<Seen> {
        while self.seen.events < events {
            if self.ended {
                bail!("a watch ended after {} events", self.seen.events);
            }
            self.more().await?;
        }
        Ok(self.seen)
    }

    /// Reads until the watch ends.
    pub async fn until_its_end(mut self) -> Result<Seen> {
        while !self.ended {
            self.more().await?;
        }
        Ok(self.seen)
    }

    async fn more(&mut self) -> Result<()> {
        self.bytes.reserve(PIECE);
        if self.stream.read_buf(&mut self.bytes).await.context("cannot read")? == 0 {
            bail!("a watch whose connection was closed after {} events", self.seen.events);
        }
        let mut at = 0;
        while let Some(line) = memchr::memchr(b'\n', &self.bytes[at..]) {
            let size = size(&self.bytes[at..at + line])?;
            let from = at + line + 1;
            if self.bytes.len() < from + size + 2 {
                break;
            }
            self.ended |= size == 0;
            lines(&self.bytes[from..from + size], &mut self.line, &mut self.seen)?;
            at = from + size + 2;
        }
        self.bytes.drain(..at);
        Ok(())
    }
}

/// Counts the events of a chunk.
fn lines(mut chunk: &[u8], rest: &mut Vec<u8>, seen: &mut Seen) -> Result<()> {
    while let Some(end) = memchr::memchr(b'\n', chunk) {
        let line = &chunk[..end];
        let revision = match rest.is_empty() {
            true => revision(line),
            false => {
                rest.extend_from_slice(line);
                let revision = revision(rest);
                rest.clear();
                revision
            }
        };
        seen.add(revision.context("an event without a revision")?);
        chunk = &chunk[end + 1..];
    }
    rest.extend_from_slice(chunk);
    Ok(())
}

/// The first resourceVersion of a text.
pub fn revision(json: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"resourceVersion\":\"";
    let from = memchr::memmem::find(json, NAME)? + NAME.len();
    let end = memchr::memchr(b'"', &json[from..])?;
    str::from_utf8(&json[from..from + end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_wherever_chunks_end() {
        let text: String =
            (1..=9).map(|revision| format!("{{\"resourceVersion\":\"{revision}\"}}\n")).collect();
        let expected = Seen::all(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        for size in 1..40 {
            let (mut rest, mut seen) = (Vec::new(), Seen::NOTHING);
            text.as_bytes().chunks(size).for_each(|chunk| lines(chunk, &mut rest, &mut seen).unwrap());
            assert_eq!(seen, expected);
        }
        assert_ne!(Seen::all(&[2, 1]), Seen::all(&[1, 2]));
    }
}
