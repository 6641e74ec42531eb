//! HTTP/1.1 by hand: requests that are written as bytes made before, answers of which no more is read than must be.

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::connect::{Server, Stream};

/// What is read at once, at most.
const PIECE: usize = 64 << 10;

/// One keep-alive connection.
pub struct Lean {
    stream: Stream,
    buffer: Vec<u8>,
}

/// What was answered. The body is there until the next question.
pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

impl Lean {
    pub async fn connect(server: &Server) -> Result<Lean> {
        Ok(Lean { stream: server.stream().await?, buffer: Vec::with_capacity(PIECE) })
    }

    /// Writes a request and reads the whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await.context("cannot send")?;
        self.stream.flush().await.context("cannot send")?;
        self.buffer.clear();
        let head = loop {
            self.more().await?;
            if let Some(head) = Head::of(&self.buffer)? {
                break head;
            }
        };
        let body = match head.body {
            Length::Bytes(bytes) => {
                while self.buffer.len() < head.end + bytes {
                    self.more().await?;
                }
                head.end..head.end + bytes
            }
            Length::Chunks => {
                let (mut at, mut out) = (head.end, head.end);
                // Chunks are moved together where they stand.
                while let Some((from, to)) = self.chunk(at).await? {
                    self.buffer.copy_within(from..to, out);
                    out += to - from;
                    at = to + 2;
                }
                head.end..out
            }
        };
        Ok(Answer { status: head.status, body: &self.buffer[body] })
    }

    /// Where the data of the chunk at `at` is; `None` where it is the last.
    async fn chunk(&mut self, at: usize) -> Result<Option<(usize, usize)>> {
        let line = loop {
            match self.buffer[at..].iter().position(|byte| *byte == b'\n') {
                Some(line) => break line,
                None => self.more().await?,
            }
        };
        let size = size(&self.buffer[at..at + line])?;
        let from = at + line + 1;
        while self.buffer.len() < from + size + 2 {
            self.more().await?;
        }
        Ok((size > 0).then_some((from, from + size)))
    }

    async fn more(&mut self) -> Result<()> {
        self.buffer.reserve(PIECE);
        match self.stream.read_buf(&mut self.buffer).await.context("cannot read")? {
            0 => bail!("the server closed the connection"),
            _ => Ok(()),
        }
    }
}

/// The size that a line before a chunk says.
pub fn size(line: &[u8]) -> Result<usize> {
    let text = str::from_utf8(line.trim_ascii()).context("a chunk without a size")?;
    usize::from_str_radix(text, 16).with_context(|| format!("a chunk of the size {text:?}"))
}

/// The head of an answer.
pub struct Head {
    pub status: u16,
    pub end: usize,
    pub body: Length,
}

/// How the end of a body is found.
pub enum Length {
    Bytes(usize),
    Chunks,
}

impl Head {
    /// The head, if all of it is there.
    pub fn of(bytes: &[u8]) -> Result<Option<Head>> {
        let Some((end, body)) = Length::after(bytes)? else { return Ok(None) };
        let code = bytes.get(9..12).and_then(|code| str::from_utf8(code).ok()?.parse().ok());
        Ok(Some(Head { status: code.context("an answer without a code")?, end, body }))
    }
}

impl Length {
    /// Where the head of a request or of an answer ends, if all of it is there, and how long the body is.
    pub fn after(bytes: &[u8]) -> Result<Option<(usize, Length)>> {
        let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
        let text = str::from_utf8(&bytes[..end]).context("a head that is no text")?;
        let mut body = Length::Bytes(0);
        for line in text.split("\r\n").skip(1) {
            let (name, value) = line.split_once(':').context("a header without a name")?;
            if name.eq_ignore_ascii_case("content-length") {
                body = Length::Bytes(value.trim().parse().context("a length that is no number")?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                body = Length::Chunks;
            }
        }
        Ok(Some((end + 4, body)))
    }
}
