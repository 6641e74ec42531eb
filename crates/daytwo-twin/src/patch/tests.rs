//! The answers are a real kube-apiserver's of 1.36.3, given for a custom resource whose definition stands in
//! `definitions/seen/foos.json`. A test that starts no server: how built-in kinds are decoded is not seen here.

use serde_json::json;

use super::*;
use crate::definitions::Definition;

fn definition() -> Definition {
    let text = include_str!("../definitions/seen/foos.json");
    Definition::of(serde_json::from_str::<Value>(text).unwrap().as_object().unwrap()).unwrap()
}

fn current() -> Object {
    let spec = json!({"color": "blue", "ndef": "x"});
    let current =
        json!({"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "u1"}, "spec": spec});
    current.as_object().unwrap().clone()
}

/// The answer, and what was warned of.
fn patch(content_type: &str, unknown: Unknown, patch: &str) -> (Result<Object>, Vec<String>) {
    let definition = definition();
    let kind = definition.resource("v1");
    let about = About { kind: &kind, custom: true, unknown };
    let mut decode = |body: Object, unknown: Unknown, warnings: &mut Vec<String>| {
        definition.decode("v1", body, unknown, warnings)
    };
    let mut warnings = Vec::new();
    let answer = apply(content_type, about, &current(), patch.as_bytes(), &mut decode, &mut warnings);
    (answer, warnings)
}

const REJECTED: (u16, &str) = (422, "the server rejected our request due to an error in our request");

#[test]
fn json_patches_that_do_not_apply_get_the_servers_answer() {
    let set = r#"{"op":"add","path":"/spec/set","value":["a"]}"#;
    let indexed = |rest: &str| format!("[{set},{rest}]");
    let cases = [
        (r#"[{"op":"test","path":"/spec/color","value":"x"}]"#.to_owned(), REJECTED),
        (r#"[{"op":"remove","path":"/spec/zork"}]"#.to_owned(), REJECTED),
        (r#"[{"op":"remove","path":"/zork/zork"}]"#.to_owned(), REJECTED),
        (r#"[{"op":"replace","path":"/zork/zork","value":1}]"#.to_owned(), REJECTED),
        (r#"[{"op":"add","path":"/zork/zork","value":1}]"#.to_owned(), REJECTED),
        (indexed(r#"{"op":"add","path":"/spec/set/5","value":"b"}"#), REJECTED),
        (indexed(r#"{"op":"add","path":"/spec/set/x","value":"b"}"#), REJECTED),
        (indexed(r#"{"op":"remove","path":"/spec/set/5"}"#), REJECTED),
        (r#"[{"op":"move","from":"/spec/zork","path":"/spec/x"}]"#.to_owned(), REJECTED),
        (r#"[{"op":"copy","from":"/spec/color","path":"/zork/x"}]"#.to_owned(), REJECTED),
        (r#"[{"op":"frob","path":"/spec/zork"}]"#.to_owned(), REJECTED),
        (r#"[{"path":"/spec/zork"}]"#.to_owned(), REJECTED),
        (r#"[{"op":"add","value":1}]"#.to_owned(), REJECTED),
        (r#"[{"op":"add","path":"","value":{"a":1}}]"#.to_owned(), REJECTED),
        (r#"[{"op":"remove","path":""}]"#.to_owned(), REJECTED),
        (
            r#"{"op":"add"}"#.to_owned(),
            (
                400,
                "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
            ),
        ),
        (
            "xx".to_owned(),
            (400, "error decoding patch: invalid character 'x' looking for beginning of value"),
        ),
        (
            r#"[{"op":1,"path":"/x"}]"#.to_owned(),
            (
                400,
                "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string",
            ),
        ),
        (
            r#"[{"op":"replace","path":"","value":{"a":1}}]"#.to_owned(),
            (
                422,
                " \"\" is invalid: patch: Invalid value: \"{\\\"a\\\":1}\": Object 'Kind' is missing in '{\"a\":1}'",
            ),
        ),
        (
            format!("[{}]", vec![r#"{"op":"test","path":"/spec/color","value":"blue"}"#; 10_001].join(",")),
            (
                413,
                "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
            ),
        ),
    ];
    for (text, (code, words)) in cases {
        let status = patch(JSON, Unknown::Warn, &text).0.expect_err(&text[..text.len().min(80)]);
        assert_eq!((status.code, status.message.as_str()), (code, words), "{}", &text[..text.len().min(80)]);
    }
    let ignored = patch(JSON, Unknown::Ignore, r#"[{"op":1,"path":"/x"}]"#).0.unwrap_err();
    assert_eq!(ignored.code, 422);
}

#[test]
fn json_patches_apply_as_the_servers_library_applies_them() {
    let (object, warnings) =
        patch(JSON, Unknown::Warn, r#"[{"op":"replace","path":"/spec/zork","value":1}]"#);
    assert_eq!(object.unwrap()["spec"], json!({"color": "blue", "ndef": "x"}));
    assert_eq!(warnings, ["unknown field \"spec.zork\""]);
    let (object, _) = patch(
        JSON,
        Unknown::Warn,
        r#"[{"op":"add","path":"/spec/set","value":["a"]},{"op":"add","path":"/spec/set/-","value":"b"},
            {"op":"add","path":"/spec/set/-1","value":"c"},{"op":"copy","from":"/spec/color","path":"/metadata/name"},
            {"op":"test","path":"/metadata/name","value":"blue"}]"#,
    );
    assert_eq!(object.unwrap()["spec"]["set"], json!(["a", "b", "c"]));
    let (_, warnings) =
        patch(JSON, Unknown::Warn, r#"[{"op":"add","path":"/spec/name","value":"ab","bogus":1}]"#);
    assert_eq!(warnings, ["json patch unknown field \"[0].bogus\""]);
    let (object, _) =
        patch(JSON, Unknown::Warn, r#"[{"op":"copy","from":"/spec/none","path":"/spec/name"}]"#);
    assert_eq!(
        object.unwrap()["spec"],
        json!({"color": "blue", "ndef": "x"}),
        "what is not there is copied as null"
    );
}

/// Copies that double what there is end before memory does, and so does depth.
#[test]
fn a_patch_cannot_grow_an_object_without_end() {
    let double = |at| format!(r#"{{"op":"copy","from":"/spec","path":"/spec/x{at}"}}"#);
    let doubled: Vec<String> = (0..60).map(double).collect();
    let (answer, _) = patch(JSON, Unknown::Ignore, &format!("[{}]", doubled.join(",")));
    assert_eq!(answer.unwrap_err().code, 422);
    let deep = format!(r#"{{"spec":{{"any":{}{}}}}}"#, "[".repeat(9_998), "]".repeat(9_998));
    let deeper =
        format!(r#"[{{"op":"add","path":"/spec/x","value":{}{}}}]"#, "[".repeat(9_999), "]".repeat(9_999));
    assert!(patch(MERGE, Unknown::Ignore, &deep).0.is_ok());
    let refused = patch(JSON, Unknown::Ignore, &deeper).0.map(|_| ()).unwrap_err();
    assert!(
        refused.message.ends_with("exceeded max depth"),
        "{}",
        &refused.message[refused.message.len() - 60..]
    );
}

#[test]
fn merge_patches_are_applied_and_refused_as_the_server_does() {
    let map = "json: cannot unmarshal array into Go value of type map[string]interface {}";
    let cases = [
        (Unknown::Warn, "[1]", format!("error decoding patch: {map}")),
        (
            Unknown::Warn,
            "xx",
            "error decoding patch: invalid character 'x' looking for beginning of value".to_owned(),
        ),
        (Unknown::Ignore, "xx", "Invalid JSON Patch".to_owned()),
        (Unknown::Warn, "null", "Invalid JSON Patch".to_owned()),
    ];
    for (unknown, text, words) in cases {
        let status = patch(MERGE, unknown, text).0.unwrap_err();
        assert_eq!((status.code, status.message), (400, words), "{text}");
    }
    let (object, _) = patch(MERGE, Unknown::Warn, r#"{"spec":{"any":{"a":null,"b":[null,{"c":null}]}}}"#);
    assert_eq!(object.unwrap()["spec"]["any"], json!({"b": [null, {}]}));
    let (object, _) = patch(MERGE, Unknown::Warn, r#"{"spec":null}"#);
    assert!(!object.unwrap().contains_key("spec"));
}

#[test]
fn what_a_patch_makes_is_refused_with_what_it_made() {
    let whole = |spec: &str| {
        format!(
            "{{\\\"apiVersion\\\":\\\"example.com/v1\\\",\\\"kind\\\":\\\"Foo\\\",\\\"metadata\\\":{{\\\"name\\\":\\\"u1\\\"}},\\\"spec\\\":{{{spec}}}}}"
        )
    };
    let cases = [
        (
            r#"{"spec":{"name":"ab","name":"bc"}}"#,
            whole(r#"\"color\":\"blue\",\"name\":\"bc\",\"ndef\":\"x\""#),
            "strict decoding error: duplicate field \"spec.name\"",
        ),
        (
            r#"{"spec":{"junk":1}}"#,
            whole(r#"\"color\":\"blue\",\"junk\":1,\"ndef\":\"x\""#),
            "strict decoding error: unknown field \"spec.junk\"",
        ),
    ];
    for (text, made, words) in cases {
        let status = patch(MERGE, Unknown::Strict, text).0.unwrap_err();
        assert_eq!(status.message, format!(" \"\" is invalid: patch: Invalid value: \"{made}\": {words}"));
        assert_eq!(status.details["causes"][0]["field"], "patch");
    }
    let status = patch(MERGE, Unknown::Warn, r#"{"metadata":{"labels":{"a":1}}}"#).0.unwrap_err();
    let words = "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string";
    assert!(status.message.ends_with(words) && status.code == 422, "{}", status.message);
}

#[test]
fn patches_of_other_kinds_are_no_media_types() {
    let said = |content_type: &str, custom: bool| {
        let definition = definition();
        let kind = definition.resource("v1");
        let about = About { kind: &kind, custom, unknown: Unknown::Warn };
        let mut decode = |body: Object, _: Unknown, _: &mut Vec<String>| Ok(body);
        let status = apply(content_type, about, &current(), b"{}", &mut decode, &mut Vec::new()).unwrap_err();
        assert_eq!((status.code, status.reason), (415, "UnsupportedMediaType"));
        status.message
    };
    let opening = "the body of the request was in an unknown format - accepted media types include: ";
    assert_eq!(said("application/foo", true), format!("{opening}{JSON}, {MERGE}, {APPLY}"));
    assert_eq!(said(STRATEGIC, true), format!("{opening}{JSON}, {MERGE}, {APPLY}"));
    assert_eq!(said("application/json", false), "415: Unsupported Media Type");
    assert_eq!(said(APPLY, false), format!("{opening}{JSON}, {MERGE}, {STRATEGIC}"));
}

#[test]
fn built_in_kinds_merge_lists_by_their_keys() {
    let kind = ResourceType {
        group: String::new(),
        version: "v1".into(),
        resource: "pods".into(),
        kind: "Pod".into(),
        namespaced: true,
    };
    let about = About { kind: &kind, custom: false, unknown: Unknown::Warn };
    let pod = json!({"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}});
    let merge = |patch: &str| {
        let mut decode = |body: Object, _: Unknown, _: &mut Vec<String>| Ok(body);
        apply(STRATEGIC, about, pod.as_object().unwrap(), patch.as_bytes(), &mut decode, &mut Vec::new())
    };
    let merged = merge(r#"{"spec":{"containers":[{"name":"b","image":"z"}]}}"#).unwrap();
    assert_eq!(
        merged["spec"]["containers"],
        json!([{"name": "a", "image": "x"}, {"name": "b", "image": "z"}])
    );
    let refused = merge("[1]").unwrap_err();
    assert_eq!(refused.message, "json: cannot unmarshal array into Go value of type map[string]interface {}");
    assert_eq!(refused.code, 400);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

    /// Whatever the bytes, and for pieces of patches in any order: an object or a refusal.
    #[test]
    fn any_patch_is_applied_or_refused(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..12),
        which in 0..3_usize,
        custom: bool,
    ) {
        let definition = definition();
        let kind = definition.resource("v1");
        let about = About { kind: &kind, custom, unknown: [Unknown::Ignore, Unknown::Warn, Unknown::Strict][which] };
        let mut text = pieces.concat().into_bytes();
        if pieces.len() % 4 == 0 {
            text.extend(bytes);
        }
        for content_type in [JSON, MERGE, STRATEGIC] {
            let mut decode = |body: Object, unknown: Unknown, warnings: &mut Vec<String>| {
                definition.decode("v1", body, unknown, warnings)
            };
            let answer = apply(content_type, about, &current(), &text, &mut decode, &mut Vec::new());
            if let Err(status) = answer {
                proptest::prop_assert!(matches!(status.code, 400 | 415 | 422 | 500), "{status:?}");
            }
        }
    }
}

const PIECES: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "null",
    "1e9",
    "-0",
    "\"op\":\"add\"",
    "\"op\":\"move\"",
    "\"path\":\"/spec/set/-\"",
    "\"path\":\"\"",
    "\"from\":\"/spec\"",
    "\"value\":[1]",
    "\"spec\":",
    "\"$patch\":\"delete\"",
    "\"$retainKeys\":[]",
    "{\"op\":\"remove\",\"path\":\"/metadata\"}",
    "{\"op\":\"add\",\"path\":\"/a~1b\",\"value\":{\"c\":null}}",
    "[{\"op\":\"copy\",\"from\":\"\",\"path\":\"/spec/any\"}]",
    "{\"spec\":{\"any\":{\"a\":[{}]}}}",
    "{\"metadata\":7}",
    "\"\\ud800\"",
];
