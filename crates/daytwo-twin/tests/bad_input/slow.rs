//! Clients that take their time. It stands still here but where it is moved.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::Request;
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full, StreamBody};
use tokio::time::{self, Instant};

use crate::ask::{Answer, JSON, MAPS, create, service, twin};

/// A byte every ten seconds, for ever.
fn trickle() -> impl futures::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send {
    stream::repeat(()).then(|()| async {
        time::sleep(Duration::from_secs(10)).await;
        Ok(Frame::data(Bytes::from_static(b" ")))
    })
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_waited_for_for_a_minute() {
    let twin = twin();
    let service = service(&twin);
    let begin = Instant::now();
    let request = Request::post(MAPS).header("Content-Type", JSON).body(StreamBody::new(trickle())).unwrap();
    let answer = Answer::of(service.answer(request).await).await;
    assert_eq!((answer.code, &*answer.reason()), (504, "Timeout"), "{}", answer.text);
    assert!((60..=61).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
}

/// Bodies that say they are large are given room one after another, so that a few hundred of them take no more than there
/// is; small ones never wait.
#[tokio::test(start_paused = true)]
async fn many_large_bodies_wait_for_each_other_and_small_ones_for_none() {
    let twin = twin();
    let service = service(&twin);
    let taken = Arc::new(AtomicUsize::new(0));
    let mut slow = Vec::new();
    for _ in 0..200 {
        let (service, taken) = (service.clone(), Arc::clone(&taken));
        slow.push(tokio::spawn(async move {
            let begun = stream::once(async move {
                taken.fetch_add(1, Ordering::Relaxed);
                Ok(Frame::data(Bytes::from_static(b"{")))
            });
            let request = Request::post(MAPS).header("Content-Type", JSON).header("Content-Length", 3 << 20);
            let body = StreamBody::new(Box::pin(begun.chain(trickle())));
            Answer::of(service.answer(request.body(body).unwrap()).await).await.code
        }));
    }
    time::sleep(Duration::from_secs(30)).await;
    // 256 MiB are room for so many.
    assert_eq!(taken.load(Ordering::Relaxed), 85);
    let begin = Instant::now();
    create(&service, "small", "1").await;
    assert!(begin.elapsed() < Duration::from_secs(1));
    for one in slow {
        let code = one.await.unwrap();
        assert!(matches!(code, 429 | 504), "{code}");
    }
}

/// The text of a watch until it ends, or until nothing more comes.
async fn rest<B>(body: &mut B) -> (String, bool)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Debug,
{
    let mut text = String::new();
    loop {
        match time::timeout(Duration::from_secs(1), body.frame()).await {
            Ok(Some(frame)) => text.push_str(&String::from_utf8_lossy(frame.unwrap().data_ref().unwrap())),
            Ok(None) => return (text, true),
            Err(_) => return (text, false),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_not_read_is_cut_off_and_one_that_is_read_is_not() {
    let twin = twin();
    let service = service(&twin);
    let open = async || {
        let path = format!("{MAPS}?watch=true&resourceVersion={}", twin.api().revision());
        let request = Request::get(path).body(Full::<Bytes>::default()).unwrap();
        service.answer(request).await.into_body()
    };
    let (mut read, mut unread, mut idle) = (open().await, open().await, open().await);
    create(&service, "first", "1").await;
    // Both have something, and one asks for no more.
    let first = read.frame().await.unwrap().unwrap().into_data().unwrap();
    let same = unread.frame().await.unwrap().unwrap().into_data().unwrap();
    // What all get alike is made once, and not copied.
    assert!(std::ptr::eq(first.as_ptr(), same.as_ptr()));
    let mut seen = 1;
    for number in 0..3_000 {
        create(&service, &format!("more-{number}"), "1").await;
        if number % 500 == 0 {
            seen += rest(&mut read).await.0.lines().count();
            time::advance(Duration::from_secs(2)).await;
        }
    }
    let (text, ended) = rest(&mut read).await;
    assert_eq!((seen + text.lines().count(), ended), (3_001, false));
    let (text, ended) = rest(&mut unread).await;
    assert!(ended && text.is_empty(), "{ended} {:.300}", text);
    // Who asked in vain before anything happened is not stuck, however much happened then.
    let (text, ended) = rest(&mut idle).await;
    assert_eq!((text.lines().count(), ended), (3_001, false));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_stops_reading_in_the_middle_of_what_it_got_is_cut_off_too() {
    let twin = twin();
    let service = service(&twin);
    let path = format!("{MAPS}?watch=true&resourceVersion={}", twin.api().revision());
    let request = Request::get(path).body(Full::<Bytes>::default()).unwrap();
    let mut unread = service.answer(request).await.into_body();
    for number in 0..5 {
        create(&service, &format!("large-{number}"), &"x".repeat(5_000)).await;
    }
    // One of five that were taken out of the history together.
    unread.frame().await.unwrap().unwrap();
    for number in 0..3_000 {
        create(&service, &format!("more-{number}"), "1").await;
    }
    time::advance(Duration::from_secs(6)).await;
    let (text, ended) = rest(&mut unread).await;
    assert!(ended && text.lines().count() == 4, "{ended} {}", text.lines().count());
}
