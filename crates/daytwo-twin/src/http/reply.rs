//! An answer's body: bytes that are there, or pieces that are made as they are taken.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::pieces::Pieces;
use super::stream::WatchStream;

/// The body of an answer.
pub enum Reply {
    /// All of it.
    Whole(Option<Bytes>),
    /// A list, written as it is sent.
    List(Box<Pieces>),
    /// A watch.
    Watch(Box<WatchStream>),
}

impl Reply {
    /// A body of these bytes.
    pub fn whole(bytes: impl Into<Bytes>) -> Reply {
        let bytes = bytes.into();
        Reply::Whole((!bytes.is_empty()).then_some(bytes))
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.get_mut() {
            Reply::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Reply::List(pieces) => Poll::Ready(pieces.next().map(|bytes| Ok(Frame::data(bytes)))),
            Reply::Watch(watch) => watch.poll(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Reply::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Reply::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            _ => SizeHint::default(),
        }
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reply::Whole(bytes) => write!(out, "{} bytes", bytes.as_ref().map_or(0, Bytes::len)),
            Reply::List(_) => out.write_str("a list"),
            Reply::Watch(_) => out.write_str("a watch"),
        }
    }
}
