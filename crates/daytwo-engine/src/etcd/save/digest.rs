//! The SHA-256 of a snapshot while it streams: of all of it, and of all but the last 32 bytes, which are the SHA-256
//! that etcd sends behind the database (v3rpc/maintenance.go, Snapshot). One pass, on another thread than the one
//! that receives.

use bytes::Bytes;
use daytwo_archive::digest::Digest;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;

/// Gathered before a batch is hashed, in bytes.
const BATCH: usize = 1 << 20;
/// Bytes of the tail.
const TAIL: usize = 32;

/// A digest under way.
#[derive(Debug, Default)]
pub(super) struct Sums {
    waiting: Vec<Bytes>,
    size: usize,
    length: u64,
    hashing: Option<JoinHandle<State>>,
}

/// All but the last 32 bytes, and those.
#[derive(Debug, Default)]
struct State {
    hasher: Sha256,
    tail: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SnapshotDigest {
    /// Bytes, with the tail.
    pub size: u64,
    /// Of all of it.
    pub whole: Digest,
    /// Of all but the tail.
    body: Digest,
    /// The tail; `None` of less than that.
    tail: Option<[u8; TAIL]>,
}

impl SnapshotDigest {
    /// Whether the tail is the digest of what is before it.
    pub fn is_true(&self) -> bool {
        self.tail == Some(self.body.0)
    }
}

impl State {
    fn update(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(TAIL);
        let (before, last) = bytes.split_at(bytes.len() - kept);
        let gone = (self.tail.len() + kept).saturating_sub(TAIL);
        self.hasher.update(&self.tail[..gone]);
        self.tail.drain(..gone);
        self.hasher.update(before);
        self.tail.extend_from_slice(last);
    }
}

impl Sums {
    /// Bytes so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next bytes; waits while the batch before is being hashed.
    pub async fn update(&mut self, bytes: Bytes) {
        self.length += bytes.len() as u64;
        self.size += bytes.len();
        self.waiting.push(bytes);
        if self.size >= BATCH {
            self.hash().await;
        }
    }

    async fn hash(&mut self) {
        let mut state = self.idle().await;
        let batch = std::mem::take(&mut self.waiting);
        self.size = 0;
        self.hashing = Some(tokio::task::spawn_blocking(move || {
            batch.iter().for_each(|bytes| state.update(bytes));
            state
        }));
    }

    async fn idle(&mut self) -> State {
        match self.hashing.take() {
            None => State::default(),
            Some(task) => task.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())),
        }
    }

    /// The digests.
    pub async fn finish(mut self) -> SnapshotDigest {
        self.hash().await;
        let state = self.idle().await;
        let mut whole = state.hasher.clone();
        whole.update(&state.tail);
        SnapshotDigest {
            size: self.length,
            whole: Digest(whole.finalize().into()),
            body: Digest(state.hasher.finalize().into()),
            tail: state.tail.try_into().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(content: &[u8], piece: usize) -> SnapshotDigest {
        let mut sums = Sums::default();
        for some in content.chunks(piece) {
            sums.update(Bytes::copy_from_slice(some)).await;
        }
        sums.finish().await
    }

    #[tokio::test]
    async fn the_tail_is_found_however_the_bytes_come_in_pieces() {
        let mut content = b"page ".repeat(1_000);
        content.extend(Digest::of(&content).0);
        for piece in [1, 7, 31, 32, 33, 100, 10_000] {
            let digest = of(&content, piece).await;
            assert!(digest.is_true(), "{piece}");
            assert_eq!((digest.whole, digest.size), (Digest::of(&content), 5_032), "{piece}");
        }
    }

    #[tokio::test]
    async fn a_flipped_bit_and_a_missing_end_are_seen() {
        let mut content = b"page ".repeat(1_000);
        content.extend(Digest::of(&content).0);
        assert!(!of(&content[..5_000], 100).await.is_true());
        assert!(!of(&content[..20], 100).await.is_true(), "shorter than a tail");
        content[17] ^= 1;
        assert!(!of(&content, 100).await.is_true());
    }
}
