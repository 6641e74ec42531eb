//! A file that is compressed member by member, several at a time, and written in order, in bounded memory: one buffer
//! that fills, as many more as the pool works on.

use super::pool::{Packed, Pool};
use super::sink::{Sink, Written};
use crate::deflate::Repeat;
use crate::gzip::{Holding, MEMBER_TARGET};
use crate::location::Result;
use crate::manifest::Member;
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// What a lane's file is, and so how its members are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// The archive.
    Archive,
    /// A list: digests or names.
    List,
}

impl Content {
    /// Bytes a member holds before it is cut. Lists are small beside the archive: so is their memory.
    fn target(self) -> usize {
        match self {
            Content::Archive => MEMBER_TARGET,
            Content::List => MEMBER_TARGET / 4,
        }
    }
}

pub(super) struct Lane {
    pool: Pool,
    content: Content,
    sink: Sink,
    filling: Vec<u8>,
    /// Entries in what fills that repeat earlier ones in it.
    repeats: Vec<Repeat>,
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
    pub(super) fn new(pool: &Pool, content: Content, sink: Sink) -> Lane {
        Lane {
            pool: pool.clone(),
            content,
            sink,
            filling: buffer(content),
            repeats: Vec::new(),
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

    /// Says that an entry appended repeats an earlier one of this member. In the order of their places.
    pub(super) fn repeats(&mut self, repeat: Repeat) {
        self.repeats.push(repeat);
    }

    /// Whether the member that fills is long enough to be cut here.
    pub(super) fn full(&self) -> bool {
        self.filling.len() >= self.content.target()
    }

    /// Ends the member that fills. `objects`: of the whole file up to here.
    pub(super) async fn cut(&mut self, objects: u64) -> Result<()> {
        if self.filling.is_empty() {
            return Ok(());
        }
        let next = self.spare.pop().unwrap_or_else(|| buffer(self.content));
        let raw = std::mem::replace(&mut self.filling, next);
        let holding = match self.content {
            Content::Archive => Holding::Entries(std::mem::take(&mut self.repeats)),
            Content::List => Holding::List,
        };
        let result = self.pool.pack(raw, holding);
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
        // One that grew for a large object is not kept.
        if raw.capacity() <= 2 * self.content.target() {
            self.spare.push(raw);
        }
        self.sink.write(bytes).await
    }

    /// Cuts what is left and hands it all on. The file appears with [`Lane::close`].
    pub(super) async fn drain(&mut self, objects: u64) -> Result<(Written, Vec<Member>)> {
        self.cut(objects).await?;
        while !self.working.is_empty() {
            self.write_one().await?;
        }
        Ok((self.sink.seal().await?, std::mem::take(&mut self.members)))
    }

    /// Makes the file appear, once it is drained.
    pub(super) async fn close(self) -> Result<()> {
        self.sink.close().await
    }

    /// Throws it away.
    pub(super) async fn abort(self) -> Result<()> {
        self.sink.abort().await
    }
}

/// Room for a member and the object that makes it long enough.
fn buffer(content: Content) -> Vec<u8> {
    Vec::with_capacity(content.target() + content.target() / 8)
}
