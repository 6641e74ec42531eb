//! Decompression on a thread of its own, some chunks ahead of who reads.

use crate::gzip::GzipReader;
use std::io::{self, BufRead, Read};
use std::sync::mpsc;
use std::thread;

/// Bytes decompressed at once, and how many of those wait.
const CHUNK: usize = 256 * 1024;
const WAITING: usize = 4;

/// Has `read` read what `source` holds decompressed.
pub(super) fn ahead<T>(source: impl Read + Send, read: impl FnOnce(Chunks) -> T) -> T {
    let (chunks, taken) = mpsc::sync_channel(WAITING);
    let (free, buffers) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || decompress(source, &chunks, &buffers));
        read(Chunks { taken, free, current: Vec::new(), at: 0 })
    })
}

fn decompress(
    source: impl Read,
    chunks: &mpsc::SyncSender<io::Result<Vec<u8>>>,
    buffers: &mpsc::Receiver<Vec<u8>>,
) {
    let mut content = GzipReader::new(source);
    loop {
        let mut chunk = buffers.try_recv().unwrap_or_default();
        chunk.clear();
        match content.by_ref().take(CHUNK as u64).read_to_end(&mut chunk) {
            Ok(0) => return,
            Ok(_) => {
                if chunks.send(Ok(chunk)).is_err() {
                    return;
                }
            }
            Err(error) => {
                // What came before the damage is looked at too.
                let _ = chunks.send(Ok(chunk)).and_then(|()| chunks.send(Err(error)));
                return;
            }
        }
    }
}

/// What the other thread decompressed.
pub(super) struct Chunks {
    taken: mpsc::Receiver<io::Result<Vec<u8>>>,
    free: mpsc::Sender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
}

impl BufRead for Chunks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.current.len() {
            match self.taken.recv() {
                Err(_) => return Ok(&[]),
                Ok(chunk) => {
                    let used = std::mem::replace(&mut self.current, chunk?);
                    self.at = 0;
                    let _ = self.free.send(used);
                }
            }
        }
        Ok(&self.current[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at = (self.at + amount).min(self.current.len());
    }
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let some = self.fill_buf()?;
        let length = some.len().min(into.len());
        into[..length].copy_from_slice(&some[..length]);
        self.consume(length);
        Ok(length)
    }
}
