//! Copies the pages of a snapshot while another thread hashes them, and has the disk begin early.
//!
//! Both read the same bytes in the same stretches, so that each is read into memory once. A third thread flushes what is
//! written while more is: at the end little is left to wait for.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use sha2::{Digest as _, Sha256};

/// Bytes copied or hashed at a time.
const STRETCH: usize = 1 << 20;
/// So many bytes are written before the disk is told to begin with them.
const FLUSH: u64 = 64 << 20;

/// Writes `bytes` to the beginning of `to`; gives the SHA-256 of `hashed`, which begins with them. Not all of it is flushed.
pub(super) fn copy(bytes: &[u8], hashed: Option<&[u8]>, to: &File) -> io::Result<Option<[u8; 32]>> {
    thread::scope(|scope| {
        let digest = hashed.map(|hashed| scope.spawn(|| digest(hashed)));
        let flushing = Flushing::start(scope, to);
        let mut offset = 0;
        for stretch in bytes.chunks(STRETCH) {
            to.write_all_at(stretch, offset)?;
            offset += stretch.len() as u64;
            flushing.written(offset);
        }
        drop(flushing);
        digest
            .map(|digest| digest.join().map_err(|_| io::Error::other("the hashing thread failed")))
            .transpose()
    })
}

pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    bytes.chunks(STRETCH).for_each(|stretch| hash.update(stretch));
    hash.finalize().into()
}

/// Flushes a file on a thread of its own while it is being written. What fails there fails again when the whole is flushed.
pub(super) struct Flushing {
    to_flush: SyncSender<()>,
    flushed: std::cell::Cell<u64>,
}

impl Flushing {
    pub(super) fn start<'s>(scope: &'s thread::Scope<'s, '_>, file: &'s File) -> Flushing {
        let (to_flush, wanted): (SyncSender<()>, Receiver<()>) = sync_channel(1);
        scope.spawn(move || {
            while wanted.recv().is_ok() {
                let _ = file.sync_data();
            }
        });
        Flushing { to_flush, flushed: std::cell::Cell::new(0) }
    }

    /// The file is written up to `offset`.
    pub(super) fn written(&self, offset: u64) {
        if offset >= self.flushed.get() + FLUSH && self.to_flush.try_send(()).is_ok() {
            self.flushed.set(offset);
        }
    }
}
