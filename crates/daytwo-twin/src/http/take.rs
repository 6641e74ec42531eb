//! The bodies of requests, as bytes: all of them, within a time, unzipped.
//!
//! It refuses more than a real server takes. What is too large is read to its end first, in part: a client that is still
//! sending would not see the answer.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::status::Status;

/// The most a body may have (`MaxRequestBodyBytes` of the real server).
const MOST_BYTES: usize = 3 << 20;
/// How much of what is too large is read and thrown away.
const MOST_THROWN: usize = 64 << 20;
/// How long a body may take.
const WITHIN: Duration = Duration::from_secs(60);
/// Bodies up to this many bytes are read whatever else is.
const SMALL: usize = 64 << 10;
/// The most that all larger bodies may have together, in KiB.
pub(super) const ROOM: usize = 256 << 10;

/// The whole body, and the room it takes.
///
/// # Errors
/// 413 where it is too large, 504 where it takes too long, 429 where there is no room for it, 400 where it ends early.
pub(super) async fn take<'a, B>(
    body: B,
    headers: &HeaderMap,
    room: &'a Semaphore,
) -> Result<(Bytes, Option<SemaphorePermit<'a>>), Status>
where
    B: Body<Data = Bytes>,
{
    let said = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let until = Instant::now() + WITHIN;
    let most =
        said.or(body.size_hint().exact().and_then(|exact| usize::try_from(exact).ok())).unwrap_or(MOST_BYTES);
    let room = match most {
        0..=SMALL => None,
        // Many large bodies wait for each other.
        _ => match timeout_at(until, room.acquire_many(kib(most.min(MOST_BYTES)))).await {
            Ok(room) => room.ok(),
            Err(_) => return Err(Status::too_many_requests("too many requests, please try again later", 1)),
        },
    };
    let late = |_| Status::timeout("request did not complete within the allotted timeout", 0);
    let bytes = timeout_at(until, collect(body)).await.map_err(late)??;
    match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        Some(b"gzip") => Ok((unzip(&bytes).ok_or_else(too_large)?, room)),
        _ => Ok((bytes, room)),
    }
}

/// As so many permits.
fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX)
}

fn too_large() -> Status {
    Status::too_large(format!("limit is {MOST_BYTES}"))
}

async fn collect<B>(body: B) -> Result<Bytes, Status>
where
    B: Body<Data = Bytes>,
{
    let mut body = std::pin::pin!(body);
    let mut first: Option<Bytes> = None;
    let mut all: Vec<u8> = Vec::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(if seen > MOST_BYTES { too_large() } else { Status::bad_request("unexpected EOF") });
        };
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen > MOST_THROWN {
            break;
        }
        match &first {
            _ if seen > MOST_BYTES => all = Vec::new(),
            // Most bodies come in one piece, which need not be copied.
            None => first = Some(data),
            Some(begin) => {
                if all.is_empty() {
                    all.extend_from_slice(begin);
                }
                all.extend_from_slice(&data);
            }
        }
    }
    match (seen > MOST_BYTES, all.is_empty()) {
        (true, _) => Err(too_large()),
        (false, true) => Ok(first.unwrap_or_default()),
        (false, false) => Ok(all.into()),
    }
}

fn unzip(bytes: &[u8]) -> Option<Bytes> {
    use std::io::Read as _;
    let mut out = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(bytes).take(MOST_BYTES as u64 + 1);
    reader.read_to_end(&mut out).ok()?;
    (out.len() <= MOST_BYTES).then(|| out.into())
}
