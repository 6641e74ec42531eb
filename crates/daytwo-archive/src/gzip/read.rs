//! Decompresses a gzip file as it streams, whoever wrote it, in memory that the file cannot enlarge.
//!
//! Members of daytwo's of moderate length go through libdeflate in one piece, all others through zlib as a stream.
//! Refuses what follows the last member and is no member, as Go's reader does.

use super::{HEADER_LIMIT, MemberHeader, NoHeader, Sizes, TRAILER};
use flate2::{Decompress, FlushDecompress, Status};
use libdeflater::{Crc, Decompressor};
use std::io::{self, BufRead, Read};

/// Largest member that is decompressed in one piece.
const WHOLE: u32 = 4 * 1024 * 1024;

/// Bytes read at once, and given out at once where a member is streamed.
const CHUNK: usize = 128 * 1024;

/// An error that says the bytes are wrong, not that they could not be had.
pub(super) fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// Reads what a gzip file holds. Errors of kind `InvalidData` and `UnexpectedEof` mean that the file is damaged.
pub(crate) struct GzipReader<R> {
    source: R,
    /// Compressed bytes, `at..end` of them still to be used.
    input: Vec<u8>,
    at: usize,
    end: usize,
    /// Decompressed bytes, `given..have` of them still to be given out.
    output: Vec<u8>,
    given: usize,
    have: usize,
    whole: Decompressor,
    stream: Decompress,
    /// Checks of the member being streamed.
    streaming: Option<Check>,
    members: u64,
    done: bool,
}

struct Check {
    crc: Crc,
    length: u64,
}

impl<R: Read> GzipReader<R> {
    pub(crate) fn new(source: R) -> GzipReader<R> {
        GzipReader {
            source,
            input: vec![0; CHUNK],
            at: 0,
            end: 0,
            output: Vec::new(),
            given: 0,
            have: 0,
            whole: Decompressor::new(),
            stream: Decompress::new(false),
            streaming: None,
            members: 0,
            done: false,
        }
    }

    /// Makes room and reads on; `false` at the end of the source.
    fn read_more(&mut self) -> io::Result<bool> {
        if self.at > 0 {
            self.input.copy_within(self.at..self.end, 0);
            self.end -= self.at;
            self.at = 0;
        }
        if self.end == self.input.len() {
            let length = self.input.len() + CHUNK;
            self.input.resize(length, 0);
        }
        loop {
            match self.source.read(&mut self.input[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    self.end += count;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Has at least `length` bytes of input, or fails.
    fn need(&mut self, length: usize) -> io::Result<()> {
        while self.end - self.at < length {
            if !self.read_more()? {
                return Err(truncated());
            }
        }
        Ok(())
    }

    /// Begins the next member; `false` after the last.
    fn begin(&mut self) -> io::Result<bool> {
        let header = loop {
            if self.at < self.end {
                match MemberHeader::parse(&self.input[self.at..self.end]) {
                    Ok(header) => break header,
                    Err(NoHeader::Wrong(what)) if self.members == 0 => return Err(wrong(what)),
                    Err(NoHeader::Wrong(_)) => {
                        return Err(wrong("goes on after its end with bytes that are not gzip"));
                    }
                    Err(NoHeader::Short) if self.end - self.at > HEADER_LIMIT => {
                        return Err(wrong("has a gzip header without end"));
                    }
                    Err(NoHeader::Short) => {}
                }
            }
            let had = self.end - self.at;
            if !self.read_more()? {
                return match (had, self.members) {
                    (0, 0) => Err(wrong("is empty")),
                    (0, _) => Ok(false),
                    _ => Err(truncated()),
                };
            }
        };
        self.members += 1;
        match header.sizes {
            Some(sizes) if sizes.plausible() && sizes.raw <= WHOLE => self.one_piece(sizes)?,
            _ => {
                self.at += header.length;
                self.stream.reset(false);
                self.streaming = Some(Check { crc: Crc::new(), length: 0 });
            }
        }
        Ok(true)
    }

    fn one_piece(&mut self, sizes: Sizes) -> io::Result<()> {
        let (packed, raw) = (sizes.packed as usize, sizes.raw as usize);
        self.need(packed)?;
        if self.output.len() < raw {
            self.output.resize(raw, 0);
        }
        let member = &self.input[self.at..self.at + packed];
        match self.whole.gzip_decompress(member, &mut self.output[..raw]) {
            Ok(length) if length == raw => {}
            _ => return Err(damaged()),
        }
        self.at += packed;
        (self.given, self.have) = (0, raw);
        Ok(())
    }

    /// Decompresses some of the member being streamed; takes note of its end.
    fn some(&mut self) -> io::Result<()> {
        if self.output.len() < CHUNK {
            self.output.resize(CHUNK, 0);
        }
        if self.at == self.end && !self.read_more()? {
            return Err(truncated());
        }
        let (read, written) = (self.stream.total_in(), self.stream.total_out());
        let status = self
            .stream
            .decompress(&self.input[self.at..self.end], &mut self.output[..CHUNK], FlushDecompress::None)
            .map_err(|_| damaged())?;
        let read = usize::try_from(self.stream.total_in() - read).map_err(|_| damaged())?;
        let written = usize::try_from(self.stream.total_out() - written).map_err(|_| damaged())?;
        self.at += read;
        (self.given, self.have) = (0, written);
        let check = self.streaming.as_mut().ok_or_else(damaged)?;
        check.crc.update(&self.output[..written]);
        check.length += written as u64;
        match status {
            Status::StreamEnd => self.end_of_member(),
            _ if read == 0 && written == 0 && !self.read_more()? => Err(truncated()),
            _ => Ok(()),
        }
    }

    fn end_of_member(&mut self) -> io::Result<()> {
        let Some(check) = self.streaming.take() else { return Err(damaged()) };
        self.need(TRAILER)?;
        let mut expected = [0; TRAILER];
        expected[..4].copy_from_slice(&check.crc.sum().to_le_bytes());
        expected[4..].copy_from_slice(&check.length.to_le_bytes()[..4]);
        if self.input[self.at..self.at + TRAILER] != expected {
            return Err(damaged());
        }
        self.at += TRAILER;
        Ok(())
    }
}

fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "ends too early")
}

fn damaged() -> io::Error {
    wrong("is damaged: what is compressed in it does not have its checksum")
}

impl<R: Read> BufRead for GzipReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.given == self.have && !self.done {
            if self.streaming.is_some() {
                self.some()?;
            } else if !self.begin()? {
                self.done = true;
            }
        }
        Ok(&self.output[self.given..self.have])
    }

    fn consume(&mut self, amount: usize) {
        self.given = (self.given + amount).min(self.have);
    }
}

impl<R: Read> Read for GzipReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let some = self.fill_buf()?;
        let length = some.len().min(into.len());
        into[..length].copy_from_slice(&some[..length]);
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Holding, Packer};
    use super::*;
    use std::io::Write;

    fn ours(parts: &[&[u8]]) -> Vec<u8> {
        let mut packer = Packer::default();
        parts.iter().flat_map(|part| packer.pack(part, &Holding::Entries(Vec::new())).to_vec()).collect()
    }

    fn foreign(raw: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(raw).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut raw = Vec::new();
        GzipReader::new(bytes).read_to_end(&mut raw).map(|_| raw)
    }

    /// A source that gives one byte at a time.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = into.len().min(1);
            self.0.read(&mut into[..length])
        }
    }

    #[test]
    fn members_of_both_kinds_are_read_in_turn() {
        let large = (0..200_000u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
        let mut file = ours(&[b"one", b"", &large]);
        file.extend(foreign(b"two"));
        file.extend(ours(&[b"three"]));
        let expected = [&b"one"[..], &large, b"two", b"three"].concat();
        assert_eq!(read(&file).unwrap(), expected);
        let mut raw = Vec::new();
        GzipReader::new(Drops(&file)).read_to_end(&mut raw).unwrap();
        assert_eq!(raw, expected);
    }

    #[test]
    fn every_flipped_bit_of_compressed_data_or_checksum_is_an_error_or_changes_nothing() {
        for file in [ours(&[b"some content, some content"]), foreign(b"some content, some content")] {
            for bit in 0..file.len() * 8 {
                let mut flipped = file.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                if let Ok(raw) = read(&flipped) {
                    assert_eq!(raw, b"some content, some content", "bit {bit}");
                }
            }
        }
    }

    #[test]
    fn a_file_cut_short_or_followed_by_something_is_refused() {
        for file in [ours(&[b"some content"]), foreign(b"some content")] {
            for length in 0..file.len() {
                assert!(read(&file[..length]).is_err(), "{length}");
            }
            assert!(read(&[&file[..], b"x"].concat()).is_err());
            assert!(read(&[&file[..], &[0; 512]].concat()).is_err());
        }
    }

    #[test]
    fn lengths_in_a_header_are_not_believed() {
        let mut file = ours(&[b"some content"]);
        file[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read(&file).unwrap(), b"some content", "a length out of reason is passed over");
        file[20..24].copy_from_slice(&11u32.to_le_bytes());
        assert!(read(&file).is_err());
    }
}
