//! HTTP/2 by hand: frames that no client sends, and more of them than one would.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::client::{Server, WITHIN, to_the_end};
use crate::wire::Ground;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The block of a GET, as HPACK has it: two indexed fields, then literal ones that are not kept.
fn block(server: &Server, path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x87];
    let token = format!("Bearer {}", server.token);
    for (index, text) in [(&[1][..], "twin"), (&[4], path), (&[0x0f, 8], &token)] {
        block.extend(index);
        block.push(u8::try_from(text.len()).unwrap());
        block.extend(text.as_bytes());
    }
    block
}

/// Says all of it, while what is answered is read; returns when the server has closed, or after `last` was seen.
async fn say(server: &Server, frames: &[Vec<u8>], last: Option<u8>) {
    let (mut reader, mut writer) = tokio::io::split(server.tls("h2").await);
    let frames: Vec<u8> =
        [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[])].iter().chain(frames).flatten().copied().collect();
    let writing = tokio::spawn(async move {
        let _ = writer.write_all(&frames).await;
        let _ = writer.flush().await;
        writer
    });
    match last {
        None => drop(to_the_end(&mut reader).await),
        Some(last) => {
            let until = async {
                loop {
                    let mut head = [0; 9];
                    reader.read_exact(&mut head).await.expect("an answer before the end");
                    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
                    let mut payload = vec![0; length as usize];
                    reader.read_exact(&mut payload).await.expect("a whole frame");
                    if head[3] == last {
                        return;
                    }
                }
            };
            timeout(WITHIN, until).await.expect("an answer in time");
        }
    }
    drop(writing.await);
    server.lives().await;
}

fn odd(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| number * 2 + 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered() {
    let ground = Ground::new().await;
    let get = frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&ground.server, "/readyz"));
    say(&ground.server, &[get], Some(DATA)).await;
}

/// Streams that are opened only to be reset: the server ends such a connection.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_reset_at_once() {
    let ground = Ground::new().await;
    let block = block(&ground.server, "/api/v1/configmaps?watch=true");
    let frames = odd(20_000).flat_map(|stream| {
        [
            frame(HEADERS, END_STREAM | END_HEADERS, stream, &block),
            frame(RESET, 0, stream, &8_u32.to_be_bytes()),
        ]
    });
    say(&ground.server, &frames.collect::<Vec<_>>(), None).await;
}

/// A head that never ends.
#[tokio::test(flavor = "multi_thread")]
async fn heads_that_go_on() {
    let ground = Ground::new().await;
    let more = frame(CONTINUATION, 0, 1, &[0; 1_000]);
    let first = frame(HEADERS, END_STREAM, 1, &block(&ground.server, "/readyz"));
    let frames: Vec<_> = std::iter::once(first).chain(std::iter::repeat_n(more, 20_000)).collect();
    say(&ground.server, &frames, None).await;
}

/// More watches over one connection than it may have: the others are refused, and those go on.
#[tokio::test(flavor = "multi_thread")]
async fn more_streams_than_there_may_be() {
    let ground = Ground::new().await;
    let block = block(&ground.server, "/api/v1/configmaps?watch=true&resourceVersion=0");
    let frames = odd(1_000).map(|stream| frame(HEADERS, END_STREAM | END_HEADERS, stream, &block));
    say(&ground.server, &frames.collect::<Vec<_>>(), Some(RESET)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_cannot_be() {
    let ground = Ground::new().await;
    let server = &ground.server;
    let overflow = frame(WINDOW, 0, 0, &0x7fff_ffff_u32.to_be_bytes());
    for frames in [
        vec![overflow.clone(), overflow],
        vec![frame(WINDOW, 0, 0, &0_u32.to_be_bytes())],
        vec![frame(DATA, 0, 1, b"before any head")],
        vec![frame(SETTINGS, 0, 0, &[0; 5])],
        vec![frame(HEADERS, END_HEADERS, 2, &block(server, "/readyz"))],
        vec![frame(HEADERS, END_HEADERS, 1, &[0xff; 100])],
        vec![frame(PING, 0, 0, &[0; 7])],
        vec![frame(CONTINUATION, END_HEADERS, 1, &[0x82])],
        vec![frame(HEADERS, END_HEADERS, 1, &[0; 20_000])],
        vec![vec![0xff; 50_000]],
    ] {
        say(server, &frames, None).await;
    }
}

/// Small things that each want an answer, which is read here.
#[tokio::test(flavor = "multi_thread")]
async fn pings_and_settings_by_the_thousand() {
    let ground = Ground::new().await;
    let get = frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&ground.server, "/readyz"));
    for one in [frame(PING, 0, 0, &[7; 8]), frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])] {
        let frames: Vec<_> = std::iter::repeat_n(one, 20_000).chain([get.clone()]).collect();
        say(&ground.server, &frames, Some(DATA)).await;
    }
}
