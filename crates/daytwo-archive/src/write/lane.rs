//! A file that is compressed member by member, several at a time, and written in order, in bounded memory: one buffer
//! that fills, as many more as the pool works on.

use super::pool::{Packed, Pool};
use super::sink::{Sink, Written};
use crate::gzip::MEMBER_TARGET;
use crate::location::Result;
use crate::manifest::Member;
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// A buffer that grew beyond this for one large object is not kept.
const LARGEST_KEPT: usize = 4 * MEMBER_TARGET;

pub(super) struct Lane {
    pool: Pool,
    level: i32,
    sink: Sink,
    filling: Vec<u8>,
    working: VecDeque<Working>,
    spare: Vec<Vec<u8>>,
    members: Vec<Member>,
    /// Objects in the members cut so far.
    objects: u64,
}

struct Working {
    result: oneshot::Receiver<Packed>,
    first: u64,
    objects: u64,
}

impl Lane {
    pub(super) fn new(pool: &Pool, level: i32, sink: Sink) -> Lane {
        Lane {
            pool: pool.clone(),
            level,
            sink,
            filling: Vec::new(),
            working: VecDeque::new(),
            spare: Vec::new(),
            members: Vec::new(),
            objects: 0,
        }
    }

    /// Where to append what the file shall hold.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.filling
    }

    /// Whether the member that fills is long enough to be cut here.
    pub(super) fn full(&self) -> bool {
        self.filling.len() >= MEMBER_TARGET
    }

    /// Ends the member that fills. `objects`: of the whole file up to here.
    pub(super) async fn cut(&mut self, objects: u64) -> Result<()> {
        if self.filling.is_empty() {
            return Ok(());
        }
        let next = self.spare.pop().unwrap_or_default();
        let raw = std::mem::replace(&mut self.filling, next);
        let result = self.pool.pack(raw, self.level);
        self.working.push_back(Working { result, first: self.objects, objects: objects - self.objects });
        self.objects = objects;
        while self.working.len() > self.pool.in_flight() {
            self.write_one().await?;
        }
        Ok(())
    }

    async fn write_one(&mut self) -> Result<()> {
        let Some(Working { result, first, objects }) = self.working.pop_front() else { return Ok(()) };
        let Packed { bytes, sha256, mut raw } =
            result.await.expect("invariant: a thread of the pool answers every job");
        self.members.push(Member {
            offset: self.sink.length(),
            packed: bytes.len() as u64,
            raw: raw.len() as u64,
            sha256,
            first,
            objects,
        });
        raw.clear();
        if raw.capacity() <= LARGEST_KEPT {
            self.spare.push(raw);
        }
        self.sink.write(bytes).await
    }

    /// Cuts what is left and makes the file appear.
    pub(super) async fn finish(mut self, objects: u64) -> Result<(Written, Vec<Member>)> {
        self.cut(objects).await?;
        while !self.working.is_empty() {
            self.write_one().await?;
        }
        Ok((self.sink.finish().await?, self.members))
    }

    /// Throws it away.
    pub(super) async fn abort(self) -> Result<()> {
        self.sink.abort().await
    }
}
