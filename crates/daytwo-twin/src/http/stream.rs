//! Watches: answers that are written as they are taken.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::view::{Shape, Writer, write};
use crate::api::watch::Line;
use crate::api::{Api, Watching};
use crate::ask::Object;
use crate::store::Stored;

/// Events that are looked for at once.
const AT_ONCE: usize = 64;

/// Lines are sent together up to about so many bytes; a longer one is sent as it was made. hyper holds 16 pieces for a client
/// that does not read, so that this is what such a one costs.
const LINES: usize = 4 << 10;

/// How often a watch that asked for it is told how far it is, as the real server does.
const BOOKMARKS: Duration = Duration::from_secs(60);
/// A watch that lasts no longer than this has no last bookmark: the real server gives it so long before the end.
const BEFORE_END: Duration = Duration::from_secs(2);

/// How long a watch lasts that does not say: the real server's least (`--min-request-timeout`).
const LONGEST: Duration = Duration::from_secs(1_800);

/// A client that takes nothing for so long of what is there is stuck. The real server waits for a fraction of a second; a
/// twin keeps no queue for it, and can wait for one that is held by a debugger's user or by a busy machine.
const STUCK: Duration = Duration::from_secs(5);

/// A watch on its way to a client.
pub struct WatchStream {
    api: Arc<Api>,
    watching: Watching,
    writer: Writer,
    moves: Pin<Box<dyn Stream<Item = u64> + Send>>,
    until: Pin<Box<Sleep>>,
    remind: Pin<Box<Sleep>>,
    ending: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Lines that are not written yet.
    lines: std::vec::IntoIter<Line>,
    headed: bool,
    /// When something was given that may not have been taken yet.
    given: Option<Instant>,
    /// Whether that was not taken for too long, and nobody was told yet.
    stuck: bool,
    ended: bool,
}

impl WatchStream {
    pub(super) fn new(
        api: Arc<Api>,
        watching: Watching,
        writer: Writer,
        ending: CancellationToken,
    ) -> WatchStream {
        let moves = futures::stream::unfold(api.moves(), |mut moves| async move {
            moves.changed().await.ok()?;
            let revision = *moves.borrow_and_update();
            Some((revision, moves))
        });
        let until = watching.timeout.unwrap_or(LONGEST);
        WatchStream {
            api,
            watching,
            writer,
            moves: Box::pin(moves),
            until: Box::pin(tokio::time::sleep(until)),
            remind: Box::pin(tokio::time::sleep(BOOKMARKS)),
            ending: Box::pin(ending.cancelled_owned()),
            lines: Vec::new().into_iter(),
            headed: true,
            given: None,
            stuck: false,
            ended: false,
        }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let polled = self.next(context);
        // Nothing is asked for again before what was given is on its way.
        self.given = matches!(polled, Poll::Ready(Some(_))).then(Instant::now);
        polled
    }

    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.stuck |= self.given.is_some_and(|given| given.elapsed() > STUCK);
        if self.lines.len() > 0 {
            return Poll::Ready(Some(self.piece()));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        loop {
            match self.watching.lines(&self.api, AT_ONCE, std::mem::take(&mut self.stuck)) {
                None => {
                    self.ended = true;
                    return Poll::Ready(None);
                }
                Some(lines) if !lines.is_empty() => {
                    self.lines = lines.into_iter();
                    return Poll::Ready(Some(self.piece()));
                }
                Some(_) => {}
            }
            if self.ending.as_mut().poll_now(context) {
                self.ended = true;
                return Poll::Ready(None);
            }
            if self.until.as_mut().poll_now(context) {
                self.ended = true;
                // The last word of a watch that asked for bookmarks is how far it is.
                let long = self.watching.timeout.is_none_or(|timeout| timeout > BEFORE_END);
                return Poll::Ready((self.watching.bookmarks && long).then(|| self.bookmark()));
            }
            if self.watching.bookmarks && self.remind.as_mut().poll_now(context) {
                self.remind.as_mut().reset(Instant::now() + BOOKMARKS);
                return Poll::Ready(Some(self.bookmark()));
            }
            match self.moves.as_mut().poll_next(context) {
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => {
                    self.ended = true;
                    return Poll::Ready(None);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// How far the watch is.
    fn bookmark(&mut self) -> Bytes {
        let mut out = Vec::new();
        self.write(Line::Bookmark(self.watching.revision(), false), &mut out);
        out.into()
    }

    /// The next lines, as they are sent.
    fn piece(&mut self) -> Bytes {
        crate::depth::with_room(self.api.is_deep(), || {
            let mut out = Vec::new();
            while out.len() < LINES
                && let Some(line) = self.lines.next()
            {
                if out.is_empty()
                    && let Some(frame) = self.frame(&line)
                    && (frame.len() >= LINES || self.lines.len() == 0)
                {
                    return frame.clone();
                }
                self.write(line, &mut out);
            }
            out.into()
        })
    }

    /// The line as it was made once for all watches that see the event as it is kept.
    fn frame<'a>(&self, line: &'a Line) -> Option<&'a Bytes> {
        match line {
            Line::Happened(change, event) if self.writer.as_kept() && *change == event.change => {
                Some(event.frame())
            }
            _ => None,
        }
    }

    fn write(&mut self, line: Line, out: &mut Vec<u8>) {
        if let Some(frame) = self.frame(&line) {
            out.extend_from_slice(frame);
            return;
        }
        match line {
            Line::Happened(change, event) => {
                // What left the selection is shown as it was, at the revision at which it left.
                let left = change == crate::store::Change::Deleted && event.change != change;
                match (left, &event.before) {
                    (true, Some(before)) => {
                        let mut object = match self.writer.view.shape {
                            Shape::Table(..) => self.writer.printed(before),
                            _ => self.writer.object(before),
                        };
                        crate::store::stamp(&mut object, event.revision);
                        self.tree(change.word(), &object, out);
                    }
                    _ => self.line(change.word(), &event.stored, out),
                }
            }
            Line::There(stored) => self.line("ADDED", &stored, out),
            Line::Bookmark(revision, begun) => {
                let object = self.watching.bookmark(revision, begun);
                self.tree("BOOKMARK", &object, out);
            }
            Line::Failed(status) => {
                self.ended = true;
                out.extend_from_slice(b"{\"type\":\"ERROR\",\"object\":");
                out.extend_from_slice(status.to_json().to_string().as_bytes());
                out.extend_from_slice(b"}\n");
            }
        }
    }

    fn line(&mut self, word: &str, stored: &Stored, out: &mut Vec<u8>) {
        open(word, out);
        match self.writer.view.shape {
            Shape::Table(version, include) => {
                let headed = std::mem::take(&mut self.headed);
                self.writer.table(version, include, headed, &self.writer.printed(stored), out);
            }
            _ => self.writer.alone(stored, out),
        }
        out.extend_from_slice(b"}\n");
    }

    fn tree(&mut self, word: &str, object: &Object, out: &mut Vec<u8>) {
        open(word, out);
        match self.writer.view.shape {
            Shape::Table(version, include) => {
                let headed = std::mem::take(&mut self.headed);
                self.writer.table(version, include, headed, object, out);
            }
            Shape::Whole => write(out, object),
            Shape::Partial(_) | Shape::Partials(_) => self.writer.tree(object, out),
        }
        out.extend_from_slice(b"}\n");
    }
}

fn open(word: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(word.as_bytes());
    out.extend_from_slice(b"\",\"object\":");
}

/// Whether a future is done.
trait PollNow {
    fn poll_now(self, context: &mut Context<'_>) -> bool;
}

impl<F: Future<Output = ()>> PollNow for Pin<&mut F> {
    fn poll_now(self, context: &mut Context<'_>) -> bool {
        self.poll(context).is_ready()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::Request;
    use http_body_util::{BodyExt, Full};

    use crate::http::Service;
    use crate::{Clock, Twin};

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> jiff::Timestamp {
            "2026-05-04T10:00:00Z".parse().unwrap()
        }
    }

    #[tokio::test]
    async fn an_event_is_encoded_once_for_all_who_watch() {
        let twin = Twin::empty(Arc::new(Fixed)).unwrap();
        let service = Service::open(Arc::clone(twin.api()));
        let ask = |method: &str, query: &str, body: &'static str| {
            let uri = format!("/api/v1/namespaces/default/configmaps{query}");
            let request =
                Request::builder().method(method).uri(uri).header("content-type", "application/json");
            service.answer(request.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap())
        };
        let mut watches = Vec::new();
        for selector in ["fieldSelector=metadata.name=seen", "labelSelector=app=a"] {
            watches.push(ask("GET", &format!("?watch=1&{selector}"), "").await.into_body());
        }
        let made = ask("POST", "", r#"{"metadata": {"name": "seen", "labels": {"app": "a"}}}"#).await;
        assert_eq!(made.status(), 201);
        let mut lines = Vec::new();
        for watch in &mut watches {
            lines.push(watch.frame().await.unwrap().unwrap().into_data().unwrap());
        }
        assert!(lines[0].starts_with(br#"{"type":"ADDED","object":{"#), "{lines:?}");
        assert_eq!(lines[0].as_ptr(), lines[1].as_ptr(), "the same bytes, and not the same text twice");
    }
}
