//! Bodies that are none, or of something else, or too large.

use std::convert::Infallible;

use bytes::Bytes;
use futures::stream;
use http::Request;
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::json;

use crate::ask::{Answer, JSON, MAPS, ask, get, service, twin};

/// The limit of the real server.
const MOST: usize = 3 << 20;

#[tokio::test]
async fn what_is_no_object_is_refused() {
    let twin = twin();
    let service = service(&twin);
    let before = twin.api().revision();
    for body in [
        "",
        " ",
        "{",
        "}",
        "[]",
        "1",
        "\"text\"",
        "{]",
        "{\"kind\":",
        "{'kind':'ConfigMap'}",
        "\u{0}",
        "{\"kind\":1}",
        "{\"apiVersion\":[]}",
        "{\"metadata\":\"x\"}",
        "{\"metadata\":{\"name\":1}}",
        "{\"metadata\":{\"labels\":[]}}",
        "{\"data\":{\"a\":{}}}",
        "{\"data\":1}",
        "{\"metadata\":{\"name\":\"a\"}} x",
        "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}",
        "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v2\",\"metadata\":{\"name\":\"a\"}}",
        "{\"kind\":\"ConfigMap\",\"apiVersion\":\"apps/v1\",\"metadata\":{\"name\":\"a\"}}",
        "{\"metadata\":{\"name\":\"a\",\"annotations\":{\"a\":1e400}}}",
    ] {
        let answer = ask(&service, "POST", MAPS, JSON, body).await;
        assert_eq!((answer.code, &*answer.reason()), (400, "BadRequest"), "{body:?}: {}", answer.text);
    }
    let no_text: &[u8] = &[b'{', 0xff, 0xfe, b'}'];
    assert_eq!(ask(&service, "POST", MAPS, JSON, no_text).await.code, 400);
    for (media, body) in [
        ("application/yaml", "a: [b"),
        ("application/yaml", "- a"),
        ("application/yaml", "a: &a [*a]"),
        ("application/vnd.kubernetes.protobuf", "k8s\0"),
        ("application/vnd.kubernetes.protobuf", "k8s\0\u{7f}\u{7f}\u{7f}"),
        ("application/vnd.kubernetes.protobuf", "{}"),
    ] {
        let answer = ask(&service, "POST", MAPS, media, body).await;
        assert_eq!(answer.code, 400, "{media} {body:?}: {}", answer.text);
    }
    for media in ["application/cbor", "text/plain", "application/json-patch+json", "nonsense", "/"] {
        let answer = ask(&service, "POST", MAPS, media, "{}").await;
        assert_eq!(
            (answer.code, &*answer.reason()),
            (415, "UnsupportedMediaType"),
            "{media}: {}",
            answer.text
        );
    }
    assert_eq!(twin.api().revision(), before);
}

#[tokio::test]
async fn what_is_an_object_that_cannot_be_is_invalid() {
    let twin = twin();
    let service = service(&twin);
    for metadata in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "Not_a_name"}),
        json!({"name": "a".repeat(300)}),
        json!({"name": "a", "labels": {"-": "b"}}),
        json!({"name": "a", "labels": {"a": "b".repeat(64)}}),
        json!({"name": "a", "annotations": {"a": "b".repeat(300 << 10)}}),
        json!({"name": "a", "ownerReferences": [{}]}),
        json!({"name": "a", "finalizers": ["no one"]}),
    ] {
        let body = json!({"metadata": metadata}).to_string();
        let answer = ask(&service, "POST", MAPS, JSON, body).await;
        assert_eq!((answer.code, &*answer.reason()), (422, "Invalid"), "{metadata:.80}: {}", answer.text);
    }
    let large = json!({"metadata": {"name": "a"}, "data": {"a": "b".repeat((1 << 20) + 1)}}).to_string();
    assert_eq!(ask(&service, "POST", MAPS, JSON, large).await.code, 422);
}

/// With a length and without one, and what is behind a small one.
#[tokio::test]
async fn what_is_too_large_is_refused_however_it_comes() {
    let twin = twin();
    let service = service(&twin);
    let answer = ask(&service, "POST", MAPS, JSON, " ".repeat(MOST + 1)).await;
    assert_eq!((answer.code, &*answer.reason()), (413, "RequestEntityTooLarge"), "{}", answer.text);

    // More than there is memory, had all of it been taken.
    let mut given = 0_u64;
    let endless = stream::iter(std::iter::repeat_with(|| {
        given += 1;
        assert!(given < 100, "{given} MiB of a body were taken");
        Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b' '; 1 << 20])))
    }));
    let request = Request::post(MAPS).header("Content-Type", JSON).body(StreamBody::new(endless)).unwrap();
    let answer = Answer::of(service.answer(request).await).await;
    assert_eq!(answer.code, 413, "{}", answer.text);

    let zipped = zip(&vec![b' '; 64 << 20]);
    assert!(zipped.len() < 100_000);
    let request = Request::post(MAPS).header("Content-Type", JSON).header("Content-Encoding", "gzip");
    let request = request.body(http_body_util::Full::new(Bytes::from(zipped))).unwrap();
    let answer = Answer::of(service.answer(request).await).await;
    assert_eq!(answer.code, 413, "{}", answer.text);

    // Large, but no more than may be.
    let within = format!("{{\"metadata\":{{\"name\":\"a\"}}}}{}", " ".repeat(MOST - 100));
    assert_eq!(ask(&service, "POST", MAPS, JSON, within).await.code, 201);
}

fn zip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let twin = twin();
    let service = service(&twin);
    let broken = stream::iter([Ok(Frame::data(Bytes::from_static(b"{\"metadata\":"))), Err("gone")]);
    let request = Request::post(MAPS).header("Content-Type", JSON).body(StreamBody::new(broken)).unwrap();
    let answer = Answer::of(service.answer(request).await).await;
    assert_eq!(answer.code, 400, "{}", answer.text);
    assert_eq!(get(&service, "/readyz", "*/*").await.code, 200);
}
