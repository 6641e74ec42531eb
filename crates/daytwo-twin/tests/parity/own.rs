//! The comparison itself, without a server: what it sees, and what it does not.

use serde_json::{Value, json};

use crate::script::{self, Body, expand};
use crate::sides::diff;
use crate::sides::labels::Labels;

const SCRIPT: &str =
    "201 POST configmaps {metadata: {name: a, creationTimestamp: 2020-01-01T00:00:00Z}} 10.96.200.1";

fn labels() -> Labels {
    Labels::new("https://127.0.0.1:6443", SCRIPT)
}

fn object(uid: char, revision: &str) -> Value {
    let uid = uid.to_string();
    let uid =
        format!("{}-{}-{}-{}-{}", uid.repeat(8), uid.repeat(4), uid.repeat(4), uid.repeat(4), uid.repeat(12));
    json!({ "metadata": { "uid": uid, "resourceVersion": revision, "creationTimestamp": "2026-01-02T03:04:05Z",
        "managedFields": [{}] }, "spec": { "clusterIP": "10.96.1.2", "nodePort": 30123, "given": "10.96.200.1" } })
}

#[test]
fn what_a_server_makes_up_is_not_compared_but_whether_it_changed_is() {
    let (mut one, mut other) = (labels(), labels());
    assert_eq!(one.value("c.1", &object('a', "5")), other.value("c.1", &object('b', "77")));
    // Written again on one side, left as it was on the other.
    assert_ne!(one.value("c.2", &object('a', "6")), other.value("c.2", &object('b', "77")));
    // Made anew on one side.
    assert_ne!(one.value("c.3", &object('a', "6")), other.value("c.3", &object('c', "77")));
}

#[test]
fn what_the_script_wrote_stays() {
    let seen = labels()
        .value("c.1", &json!({ "a": "2020-01-01T00:00:00Z", "b": "10.96.200.1", "c": "at 127.0.0.1:6443" }));
    assert_eq!(seen, json!({ "a": "2020-01-01T00:00:00Z", "b": "10.96.200.1", "c": "at <server>" }));
}

#[test]
fn generated_names_are_known_by_what_they_begin_with() {
    let mut labels = labels();
    labels.learn(&json!({ "metadata": { "generateName": "web-" } }));
    let seen = labels.text("c.1", "pods \"web-x7k2p\" of web-abc and web-toolong");
    assert_eq!(seen, "pods \"<web- of c.1>\" of web-abc and web-toolong");
}

#[test]
fn a_difference_names_its_place() {
    let mut found = Vec::new();
    diff::values(
        "",
        &json!({ "a": [1, { "b": 1 }], "c": 1 }),
        &json!({ "a": [1, { "b": 1.0 }], "d": 1 }),
        &mut found,
    );
    let places: Vec<&str> = found.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(places, [".a[1].b", ".c", ".d"], "{found:?}");
}

#[test]
fn a_line_is_read_as_it_is_meant() {
    let text = "[s]\n# no\n404 PATCH pods/p?x=y type=merge ignore=.a {a: b,\n   c: d}\n  > uid = .metadata.uid\n200 POST pods | {\n";
    let steps = script::parse(text).unwrap();
    let [patch, post] = steps.as_slice() else { panic!("two calls") };
    assert_eq!((patch.id.as_str(), patch.status, patch.path.as_str()), ("s.1", Some(404), "pods/p?x=y"));
    assert_eq!((patch.flag("type"), patch.flag("ignore")), (Some("merge"), Some(".a")));
    assert!(matches!(&patch.body, Body::Yaml(body) if body == "{a: b,\n   c: d}"));
    assert_eq!(patch.captures, [("uid".to_owned(), ".metadata.uid".to_owned())]);
    assert!(matches!(&post.body, Body::Raw(body) if body == "{"));
    assert!(script::parse("200 get pods").is_err());
    assert!(script::parse("[a]\n200 GET x\n[a]\n200 GET x").is_err());
    let long = expand("${repeat:<a>:2}-${x}", &[("x".to_owned(), "y".to_owned())].into()).unwrap();
    assert_eq!(long, "{a}{a}-y");
    assert!(expand("${none}", &Default::default()).is_err());
}
