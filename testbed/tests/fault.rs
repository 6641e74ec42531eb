//! The proxy passes on what no rule names, and breaks what one does.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use testbed::{Fault, FaultProxy, Gate, Rule, S3};

const MINUTE: Duration = Duration::from_secs(60);

/// What a client sees who sends one request and reads until the end; `Err` where the connection is reset.
fn ask(proxy: &FaultProxy, path: &str) -> std::io::Result<String> {
    let url = proxy.url();
    let mut stream = TcpStream::connect(url.trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(MINUTE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: s3\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[expect(clippy::unwrap_used, reason = "a test that cannot start its parts fails")]
fn proxy() -> Option<(S3, FaultProxy)> {
    testbed::parts_or_skip(&[testbed::Family::S3])?;
    let s3 = S3::start().unwrap();
    let proxy = FaultProxy::before_s3(&s3).unwrap();
    Some((s3, proxy))
}

/// What the server itself says.
const REFUSED: &str = "<Code>NoSuchBucket</Code>";

#[test]
fn what_no_rule_names_passes() {
    let Some((_s3, proxy)) = proxy() else { return };
    proxy.add(Rule::new(Fault::Reset).path("/elsewhere"));
    let answer = ask(&proxy, "/bucket").unwrap();
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains(REFUSED), "{answer}");
    let seen = proxy.take_seen();
    assert_eq!(seen.len(), 1);
    assert!(!seen[0].met && seen[0].path == "/bucket", "{seen:?}");
}

#[test]
fn answers_are_broken_as_asked_for() {
    let Some((_s3, proxy)) = proxy() else { return };
    let whole = ask(&proxy, "/bucket").unwrap();
    let body = whole.split_once("\r\n\r\n").unwrap().1;

    proxy.add(Rule::new(Fault::too_many(7)).path("/busy"));
    let answer = ask(&proxy, "/busy").unwrap();
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("Retry-After: 7"), "{answer}");

    for (path, fault) in
        [("/reset", Fault::Reset), ("/lost", Fault::LoseAnswer), ("/mid", Fault::ResetInAnswer(9))]
    {
        proxy.add(Rule::new(fault).path(path));
        let error = ask(&proxy, path).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{path}");
    }

    proxy.add(Rule::new(Fault::Cut(9)).path("/cut"));
    let answer = ask(&proxy, "/cut").unwrap();
    assert!(answer.ends_with(&format!("\r\n\r\n{}", &body[..9])), "{answer}");
    assert!(!answer.contains("Content-Length: 9"), "{answer}");

    proxy.add(Rule::new(Fault::CutCleanly(9)).path("/short"));
    let answer = ask(&proxy, "/short").unwrap();
    assert!(answer.ends_with(&body[..9]) && answer.contains("Content-Length: 9"), "{answer}");

    proxy.add(Rule::new(Fault::Slow(7, Duration::from_millis(1))).path("/slow"));
    assert!(ask(&proxy, "/slow").unwrap().contains(REFUSED));

    proxy.add(Rule::new(Fault::SpoilAnswer(502)).path("/spoilt"));
    assert!(ask(&proxy, "/spoilt").unwrap().starts_with("HTTP/1.1 502"));
}

#[test]
fn a_held_request_goes_on_when_the_gate_opens() {
    let Some((_s3, proxy)) = proxy() else { return };
    let gate = Gate::new();
    proxy.add(Rule::new(Fault::Hold(gate.clone())).path("/held"));
    thread::scope(|scope| {
        let held = scope.spawn(|| ask(&proxy, "/held").unwrap());
        gate.reached(MINUTE).unwrap();
        assert!(!held.is_finished());
        gate.open();
        assert!(held.join().unwrap().contains(REFUSED));
    });
}

#[test]
fn the_api_server_is_reached_through_it_and_beside_it() {
    let Some(site) = testbed::shared::control_plane() else { return };
    let proxy = FaultProxy::before_apiserver(site).unwrap();
    let version = site.kubectl_as(&proxy.kubeconfig(), &["get", "--raw=/version"]).unwrap();
    assert!(version.contains("gitVersion"), "{version}");
    assert!(proxy.take_seen().iter().any(|seen| seen.path == "/version"));

    let mut api = testbed::Api::of(site).unwrap();
    let object = serde_json::json!({ "metadata": { "name": "direct" }, "data": { "n": "1" } });
    api.create("/api/v1/namespaces/default/configmaps", &object).unwrap();
    let patch = serde_json::json!({ "data": { "n": "2" } });
    api.patch("/api/v1/namespaces/default/configmaps/direct", &patch).unwrap();
    let read = api.get("/api/v1/namespaces/default/configmaps/direct").unwrap();
    assert_eq!(read["data"]["n"], "2");
    api.delete("/api/v1/namespaces/default/configmaps/direct").unwrap();
    assert!(api.get("/api/v1/namespaces/default/configmaps/direct").is_err());
}
