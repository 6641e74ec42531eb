use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::diff::{Noise, Options, Secrets, diff, render};

/// A planted value, plain and as a Secret holds it.
const PLAIN: &str = "hunter2-planted";
const ENCODED: &str = "aHVudGVyMi1wbGFudGVk";

fn secret(value: &str, plain: &str) -> Value {
    let applied = json!({"kind": "Secret", "data": {"p": value}, "stringData": {"q": plain}, "metadata": {"name": "s"}});
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "immutable": true,
        "metadata": {
            "name": "s", "labels": {"app": "web"},
            "annotations": {
                LAST_APPLIED: applied.to_string(),
                "kapp.k14s.io/original": "{}",
                "note": format!("the password is {plain}"),
                "copy": value,
                "harmless": "a note",
            },
        },
        "data": {"p": value, "empty": ""}, "stringData": {"q": plain}, "spec": {"p": plain},
    })
}

fn shows(text: &str) -> bool {
    text.contains(PLAIN) || text.contains(ENCODED)
}

#[test]
fn a_secret_is_shown_without_its_values() {
    let shown = redact("secrets", secret(ENCODED, PLAIN).to_string().as_bytes()).unwrap();
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    assert!(!shows(&shown.to_string()), "{shown}");
    assert_eq!(shown["data"], json!({"p": HIDDEN, "empty": HIDDEN}));
    assert_eq!((&shown["type"], &shown["metadata"]["labels"]["app"]), (&json!("Opaque"), &json!("web")));
    let annotations = &shown["metadata"]["annotations"];
    assert_eq!(annotations["harmless"], "a note");
    assert_eq!(
        (&annotations["note"], &annotations["copy"], &annotations["kapp.k14s.io/original"]),
        (&json!(HIDDEN), &json!(HIDDEN), &json!(HIDDEN))
    );
    let applied: Value = serde_json::from_str(annotations[LAST_APPLIED].as_str().unwrap()).unwrap();
    assert_eq!((&applied["data"]["p"], &applied["metadata"]["name"]), (&json!(HIDDEN), &json!("s")));
}

#[test]
fn what_cannot_be_read_is_hidden_whole() {
    for (object, path) in [
        (json!({"data": PLAIN}), "/data"),
        (json!({"data": [PLAIN]}), "/data"),
        (
            json!({"metadata": {"annotations": {LAST_APPLIED: format!("{{\"data\": {PLAIN}")}}}),
            "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
        ),
        (
            json!({"metadata": {"annotations": {LAST_APPLIED: [PLAIN]}}}),
            "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
        ),
        (json!({"metadata": {"annotations": {"x": [PLAIN]}}}), "/metadata/annotations/x"),
        (json!({"Data": {"p": PLAIN}}), "/Data"),
        (json!({"type": {"p": PLAIN}}), "/type"),
        (json!({"metadata": PLAIN}), "/metadata"),
        (json!({"metadata": {"annotations": PLAIN}}), "/metadata/annotations"),
    ] {
        let shown = redact("secrets", object.to_string().as_bytes()).unwrap();
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        assert_eq!(shown.pointer(path), Some(&json!(HIDDEN)), "{shown}");
    }
    let error = redact("secrets", format!("{{\"data\":{{\"p\":\"{PLAIN}\"").as_bytes()).unwrap_err();
    assert!(!shows(&error.to_string()));
}

#[test]
fn a_copy_inside_json_text_is_found() {
    let key = "-----BEGIN KEY-----\nplanted\n";
    let note = json!({"copy": key}).to_string();
    let object = json!({"stringData": {"k": key}, "metadata": {"annotations": {"note": note}}}).to_string();
    let shown = redact("secrets", object.as_bytes()).unwrap();
    assert!(!String::from_utf8(shown).unwrap().contains("planted"));
}

#[test]
fn a_duplicate_key_hides_nothing_less() {
    let object = format!(r#"{{"data":{{"p":"{ENCODED}","p":"{ENCODED}"}},"data":{{"q":"{ENCODED}"}}}}"#);
    assert!(!shows(std::str::from_utf8(&redact("secrets", object.as_bytes()).unwrap()).unwrap()));
}

#[test]
fn other_objects_stay_as_they_are_but_for_a_secret_inside() {
    let plain = format!(r#"{{"kind": "ConfigMap", "data": {{"p": "{PLAIN}", "n": 1.50}}}}"#);
    assert_eq!(redact("configmaps", plain.as_bytes()).unwrap(), plain.as_bytes());
    let inside =
        json!({"kind": "X", "metadata": {"annotations": {LAST_APPLIED: secret(ENCODED, PLAIN).to_string()}}});
    assert!(!shows(
        std::str::from_utf8(&redact("xs.example.com", inside.to_string().as_bytes()).unwrap()).unwrap()
    ));
    let by_kind = secret(ENCODED, PLAIN).to_string();
    assert!(!shows(std::str::from_utf8(&redact("anything", by_kind.as_bytes()).unwrap()).unwrap()));
    let foreign = json!({"kind": "Secret", "apiVersion": "x.io/v1", "spec": {"ref": "a"}}).to_string();
    assert_eq!(redact("secrets.x.io", foreign.as_bytes()).unwrap(), foreign.as_bytes());
}

#[test]
fn a_diff_tells_that_a_value_changed_and_not_what_it_was() {
    let (before, after) = (secret("b2xkLXBsYW50ZWQ=", "old-planted"), secret(ENCODED, PLAIN));
    let options = Options { noise: Noise::Show, ..Options::default() };
    let found =
        diff("secrets", before.to_string().as_bytes(), after.to_string().as_bytes(), options).unwrap();
    let text = render(&found) + &serde_json::to_string(&found).unwrap();
    assert!(!text.contains("planted") && !shows(&text) && !text.contains("b2xk"), "{text}");
    assert!(text.contains("data.p\n  - \"<changed>\"\n  + \"<changed>\"\n"), "{text}");
    let open = Options { secrets: Secrets::Show, ..Options::default() };
    let found = diff("secrets", before.to_string().as_bytes(), after.to_string().as_bytes(), open).unwrap();
    assert!(shows(&render(&found)));
}

#[test]
fn a_secret_added_or_grown_shows_no_value() {
    let after = secret(ENCODED, PLAIN);
    for part in ["data", "stringData", "metadata", "spec"] {
        let mut before = after.clone();
        before.as_object_mut().unwrap().shift_remove(part);
        for (one, two) in [(&before, &after), (&after, &before)] {
            let options = Options { noise: Noise::Show, ..Options::default() };
            let found =
                diff("secrets", one.to_string().as_bytes(), two.to_string().as_bytes(), options).unwrap();
            assert_eq!(found.len(), 1);
            assert!(!shows(&render(&found)), "{part}: {}", render(&found));
        }
    }
    let found = diff("secrets", b"null", after.to_string().as_bytes(), Options::default()).unwrap();
    assert!(!shows(&render(&found)) && render(&found).contains("Opaque"));
}

#[test]
fn a_diff_of_other_objects_hides_a_secret_inside() {
    let with =
        json!({"metadata": {"annotations": {LAST_APPLIED: secret(ENCODED, PLAIN).to_string(), "a": "b"}}});
    for before in
        [json!({}), json!({"metadata": {}}), json!({"metadata": {"annotations": {LAST_APPLIED: "x"}}})]
    {
        let options = Options { noise: Noise::Show, ..Options::default() };
        let found =
            diff("pods", before.to_string().as_bytes(), with.to_string().as_bytes(), options).unwrap();
        assert!(!shows(&render(&found)), "{}", render(&found));
    }
}

proptest! {
    #[test]
    fn no_shape_of_a_secret_shows_a_value(shape in shape(), at in prop::collection::vec(prop_oneof!["data", "stringData", "metadata", "annotations", "x", "kubectl.kubernetes.io/last-applied-configuration"], 1..4)) {
        let mut object = shape;
        for key in at.iter().rev() {
            let mut map = serde_json::Map::new();
            map.insert(key.clone(), object);
            object = Value::Object(map);
        }
        // Only what is no label, name or other harmless metadata can hold a value.
        if at[0] == "metadata" && at.get(1).map(String::as_str) != Some("annotations") {
            return Ok(());
        }
        if let Value::Object(data) = object.as_object_mut().unwrap().entry("stringData").or_insert_with(|| json!({})) {
            data.insert("planted".to_owned(), json!(PLAIN));
        }
        if let Ok(shown) = redact("secrets", object.to_string().as_bytes()) {
            let shown = String::from_utf8(shown).unwrap();
            prop_assert!(!shows(&shown), "{}", shown);
        }
        let options = Options { noise: Noise::Show, ..Options::default() };
        let found = diff("secrets", b"{}", object.to_string().as_bytes(), options).unwrap();
        prop_assert!(!shows(&render(&found)), "{}", render(&found));
    }
}

/// A value that holds the planted one somewhere, and never in a key.
fn shape() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(PLAIN)),
        Just(json!(ENCODED)),
        Just(json!(format!("{{\"data\":{{\"p\":\"{PLAIN}\"}}}}"))),
        Just(Value::Null)
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[a-c]", inner), 0..3)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}
