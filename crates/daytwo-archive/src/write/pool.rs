//! Threads that compress. Each job is answered by itself, so that whoever asks keeps the order.

use crate::digest::Digest;
use crate::gzip::{Holding, Packer};
use crate::location::{Error, Result};
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use tokio::sync::oneshot;

/// A few threads; they end when the pool is dropped.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    jobs: mpsc::Sender<Job>,
    threads: usize,
}

struct Job {
    raw: Vec<u8>,
    holding: Holding,
    done: oneshot::Sender<Packed>,
}

/// A member, compressed.
pub(super) struct Packed {
    pub(super) bytes: Bytes,
    pub(super) sha256: Digest,
    /// What was compressed: its buffer serves again.
    pub(super) raw: Vec<u8>,
}

impl Pool {
    pub(super) fn new(threads: usize) -> Result<Pool> {
        let threads = threads.max(1);
        let (jobs, taken) = mpsc::channel::<Job>();
        let taken = Arc::new(Mutex::new(taken));
        for _ in 0..threads {
            let taken = Arc::clone(&taken);
            thread::Builder::new().name("compress".into()).spawn(move || work(&taken)).map_err(|error| {
                Error::Invalid(format!("cannot start a thread to compress with: {error}"))
            })?;
        }
        Ok(Pool { jobs, threads })
    }

    /// Jobs that keep every thread busy while one result is written.
    pub(super) fn in_flight(&self) -> usize {
        self.threads + 1
    }

    /// Compresses `raw` into one member.
    pub(super) fn pack(&self, raw: Vec<u8>, holding: Holding) -> oneshot::Receiver<Packed> {
        let (done, result) = oneshot::channel();
        self.jobs.send(Job { raw, holding, done }).expect("invariant: the threads live as long as the pool");
        result
    }
}

fn work(jobs: &Mutex<mpsc::Receiver<Job>>) {
    let mut packer = Packer::default();
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { raw, holding, done }) = next else { return };
        let packed = packer.pack(&raw, &holding);
        let (bytes, sha256) = (Bytes::copy_from_slice(packed), Digest::of(packed));
        // Nobody waits for the result of a backup that was given up.
        let _ = done.send(Packed { bytes, sha256, raw });
    }
}
