//! As much of HTTP/1.1 as it takes to pass messages on: heads, and bodies by their framing.

use std::io::{self, BufRead, Read as _, Write};

/// A longer head is nobody's.
const MAX_HEAD: u64 = 256 * 1024;

/// A request's or an answer's first line and headers.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub first: String,
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// `None` where the other side ended between two messages.
    pub fn read(from: &mut dyn BufRead) -> io::Result<Option<Head>> {
        let mut from = from.take(MAX_HEAD);
        let Some(first) = line(&mut from)? else { return Ok(None) };
        let mut headers = Vec::new();
        loop {
            let Some(line) = line(&mut from)? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
            if line.is_empty() {
                return Ok(Some(Head { first, headers }));
            }
            let (name, value) = line.split_once(':').ok_or_else(|| strange("a header without a colon"))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Whether one side closes the connection after this message.
    pub fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// The `n`th word of the first line.
    pub fn word(&self, n: usize) -> &str {
        self.first.split(' ').nth(n).unwrap_or_default()
    }

    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut text = format!("{}\r\n", self.first);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        to.write_all(text.as_bytes())
    }
}

fn line(from: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if from.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map(Some).map_err(|_| strange("a head that is no text"))
}

/// How the end of a body shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// A body under way.
#[derive(Debug)]
pub(super) struct Body {
    pub framing: Framing,
    /// Bytes left of the length, or of the chunk.
    left: u64,
    done: bool,
}

impl Body {
    pub fn of_request(head: &Head) -> io::Result<Body> {
        Ok(Body::new(framing(head)?.unwrap_or(Framing::Length(0))))
    }

    /// Answers to HEAD and some statuses have none, whatever their headers say.
    pub fn of_answer(head: &Head, method: &str) -> io::Result<Body> {
        if method == "HEAD" || ["204", "304"].contains(&head.word(1)) {
            return Ok(Body { framing: Framing::Length(0), left: 0, done: true });
        }
        Ok(Body::new(framing(head)?.unwrap_or(Framing::UntilClose)))
    }

    fn new(framing: Framing) -> Body {
        let left = if let Framing::Length(length) = framing { length } else { 0 };
        Body { framing, left, done: framing == Framing::Length(0) }
    }

    /// The next bytes, as soon as there are some; `None` at the end.
    pub fn next(&mut self, from: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
        if self.done {
            return Ok(None);
        }
        if self.framing == Framing::Chunked && self.left == 0 {
            let size = line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let digits = size.split(';').next().unwrap_or_default().trim();
            self.left = u64::from_str_radix(digits, 16).map_err(|_| strange("a chunk without a size"))?;
            if self.left == 0 {
                while line(from)?.is_some_and(|trailer| !trailer.is_empty()) {}
                self.done = true;
                return Ok(None);
            }
        }
        let waiting = from.fill_buf()?;
        if waiting.is_empty() {
            self.done = true;
            let whole = self.framing == Framing::UntilClose;
            return if whole { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        let take = match self.framing {
            Framing::UntilClose => waiting.len(),
            _ => waiting.len().min(usize::try_from(self.left).unwrap_or(usize::MAX)),
        };
        let piece = waiting[..take].to_vec();
        from.consume(take);
        if self.framing != Framing::UntilClose {
            self.left -= take as u64;
        }
        match self.framing {
            Framing::Chunked if self.left == 0 => {
                line(from)?;
            }
            Framing::Length(_) => self.done = self.left == 0,
            _ => {}
        }
        Ok(Some(piece))
    }

    /// All of it.
    pub fn read(mut self, from: &mut dyn BufRead) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(piece) = self.next(from)? {
            all.extend(piece);
        }
        Ok(all)
    }
}

impl Framing {
    /// Writes a piece of a body.
    pub fn write(self, piece: &[u8], to: &mut dyn Write) -> io::Result<()> {
        if self != Framing::Chunked {
            return to.write_all(piece);
        }
        if piece.is_empty() {
            return Ok(());
        }
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        to.write_all(&chunk)
    }

    /// Ends a body.
    pub fn end(self, to: &mut dyn Write) -> io::Result<()> {
        if self == Framing::Chunked { to.write_all(b"0\r\n\r\n") } else { Ok(()) }
    }
}

fn framing(head: &Head) -> io::Result<Option<Framing>> {
    if head.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return Ok(Some(Framing::Chunked));
    }
    match head.header("content-length") {
        None => Ok(None),
        Some(length) => {
            let length = length.parse().map_err(|_| strange("a length that is no number"))?;
            Ok(Some(Framing::Length(length)))
        }
    }
}

fn strange(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> (Head, Vec<u8>, String) {
        let mut from = text.as_bytes();
        let head = Head::read(&mut from).unwrap().unwrap();
        let body = Body::of_answer(&head, "GET").unwrap().read(&mut from).unwrap();
        (head, body, String::from_utf8(from.to_vec()).unwrap())
    }

    #[test]
    fn a_body_ends_where_its_framing_says() {
        let (head, body, rest) = answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef");
        assert_eq!((head.word(1), body.as_slice(), rest.as_str()), ("200", &b"abc"[..], "def"));
        let (_, body, rest) =
            answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\ndef");
        assert_eq!((body.as_slice(), rest.as_str()), (&b"abc"[..], "def"));
        let (_, body, rest) = answer("HTTP/1.1 200 OK\r\n\r\nabc");
        assert_eq!((body.as_slice(), rest.as_str()), (&b"abc"[..], ""));
    }

    #[test]
    fn a_body_that_ends_early_is_an_error() {
        let mut from = &b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"[..];
        let head = Head::read(&mut from).unwrap().unwrap();
        assert!(Body::of_answer(&head, "GET").unwrap().read(&mut from).is_err());
    }

    #[test]
    fn chunks_are_framed_again_as_they_came() {
        let mut out = Vec::new();
        Framing::Chunked.write(b"ab", &mut out).unwrap();
        Framing::Chunked.end(&mut out).unwrap();
        assert_eq!(out, b"2\r\nab\r\n0\r\n\r\n");
    }
}
