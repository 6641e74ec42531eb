//! Paths, queries and headers that mean nothing.

use http::Request;
use http_body_util::Full;

use crate::ask::{Answer, JSON, MAPS, ask, create, get, service, twin};

#[tokio::test]
async fn what_is_nowhere_is_not_found() {
    let twin = twin();
    let service = service(&twin);
    for path in [
        "/nothing",
        "/api/v2",
        "/api/v2/pods",
        "/api/v1/nothing",
        "/apis/nothing",
        "/apis/apps/v2/deployments",
        "/apis/apps/v1/nothing",
        "/apis//v1/x",
        "/api/v1/namespaces/default/nothing",
        "/api/v1/pods/a/b/c/d/e",
        "/api/v1/namespaces/default/pods/a/nothing",
        "/api/v1/namespaces/default/pods/a/status/more",
        "/apis/apps/v1/namespaces/default/nodes",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/api/v1/namespaces//pods/a",
        "/readyz/nothing",
        "/openapi/v3/nothing",
        "/api/v1/namespaces/default/configmaps/%00",
        "/api/v1/namespaces/default/configmaps/%ff%fe",
        "/api/v1/namespaces/default/configmaps/%",
        "/apis/apps/v1/%zz",
    ] {
        let answer = get(&service, path, "application/json").await;
        assert_eq!(answer.code, 404, "{path}: {}", answer.text);
    }
    // Only paths, no names: the longest that a URI may have.
    let long = format!("{MAPS}/{}", "a/".repeat(20_000));
    assert_eq!(get(&service, &long, "*/*").await.code, 404);
}

#[tokio::test]
async fn what_cannot_be_done_there_is_not_allowed() {
    let twin = twin();
    let service = service(&twin);
    for (method, path) in [
        ("PUT", MAPS),
        ("PATCH", MAPS),
        ("POST", "/api/v1/configmaps"),
        ("DELETE", "/api/v1/namespaces"),
        ("PUT", "/api/v1/nodes"),
        ("DELETE", "/api/v1/componentstatuses/a"),
        ("BREW", MAPS),
        ("GET", "/api/v1/namespaces/default/pods/a/eviction"),
    ] {
        let answer = ask(&service, method, path, JSON, "{}").await;
        assert_eq!(
            (answer.code, &*answer.reason()),
            (405, "MethodNotAllowed"),
            "{method} {path}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn queries_that_say_nothing_are_refused() {
    let twin = twin();
    let service = service(&twin);
    create(&service, "a", "1").await;
    for query in [
        "limit=x",
        "limit=1.5",
        "limit=99999999999999999999",
        "resourceVersion=x",
        "resourceVersion=-1",
        "resourceVersion=99999999999999999999999",
        "resourceVersionMatch=Exact",
        "resourceVersionMatch=Nonsense&resourceVersion=1",
        "continue=%%%",
        "continue=x",
        "continue=e30",
        "labelSelector=%21%21",
        "labelSelector=a%20in%20(",
        "labelSelector=a%3D%3D%3Db",
        "fieldSelector=nonsense%3D1",
        "fieldSelector=metadata.name",
        "watch=true&timeoutSeconds=x",
        "watch=true&sendInitialEvents=true",
        "watch=true&continue=x",
        "sendInitialEvents=true",
        "includeObject=Nonsense",
    ] {
        let accept =
            if query.starts_with("include") { "application/json;as=Table;v=v1;g=meta.k8s.io" } else { JSON };
        let answer = get(&service, &format!("{MAPS}?{query}"), accept).await;
        assert!((400..=422).contains(&answer.code), "{query}: {} {}", answer.code, answer.text);
    }
    // The real server takes it for its own fault, and says so.
    assert_eq!(get(&service, &format!("{MAPS}?watch=true&resourceVersion=x"), JSON).await.code, 500);
    // Too far ahead is not wrong, only too early.
    let answer = get(&service, &format!("{MAPS}?resourceVersion=99999999"), JSON).await;
    assert_eq!((answer.code, &*answer.reason()), (504, "Timeout"), "{}", answer.text);
    let answer =
        ask(&service, "POST", &format!("{MAPS}?dryRun=Some&fieldValidation=Rather"), JSON, "{}").await;
    assert_eq!(answer.code, 422, "{}", answer.text);
}

#[tokio::test]
async fn what_nobody_can_give_is_not_acceptable() {
    let twin = twin();
    let service = service(&twin);
    for accept in [
        "text/html",
        "application/cbor",
        "nonsense",
        ";;;",
        "application/json;as=Sculpture;v=v1;g=meta.k8s.io",
    ] {
        let answer = get(&service, MAPS, accept).await;
        assert_eq!((answer.code, &*answer.reason()), (406, "NotAcceptable"), "{accept}: {}", answer.text);
    }
    // A header that is no text is none.
    let request = Request::get(MAPS).header("Accept", &b"\xff\xfe"[..]).body(Full::default()).unwrap();
    let answer = Answer::of(service.answer::<Full<bytes::Bytes>>(request).await).await;
    assert!(matches!(answer.code, 200 | 406), "{}", answer.code);
}
