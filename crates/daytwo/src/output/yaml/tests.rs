//! What the YAML of an object must keep: every string a string, every digit, every line.

use super::*;

fn yaml(json: &str) -> String {
    String::from_utf8(of_json(json.as_bytes()).unwrap()).unwrap()
}

/// Reads YAML back with another library.
fn read(text: &str) -> serde_json::Value {
    let options = serde_saphyr::options! { legacy_octal_numbers: true, budget: None };
    serde_saphyr::from_str_with_options(text, options).unwrap()
}

#[test]
fn objects_look_as_kubectl_prints_them() {
    let json = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{}},"spec":{"containers":[{"name":"c","args":["-x","y z"],"ports":[]},{"name":"d"}],"m":[[1,2],[]]}}"#;
    assert_eq!(
        yaml(json),
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels: {}\nspec:\n  containers:\n  - name: c\n    args:\n    \
         - \"-x\"\n    - y z\n    ports: []\n  - name: d\n  m:\n  - - 1\n    - 2\n  - []\n"
    );
}

#[test]
fn numbers_keep_their_digits() {
    assert_eq!(
        yaml(r#"{"a":12345678901234567890123,"b":1.50,"c":1e3,"d":-0.0}"#),
        "a: 12345678901234567890123\nb: 1.50\nc: 1e3\nd: -0.0\n"
    );
}

#[test]
fn strings_that_look_like_something_else_are_quoted() {
    for text in [
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "N",
        "true",
        "null",
        "~",
        "",
        "0644",
        "1e3",
        "1.5",
        "-1",
        "+1",
        ".5",
        "0x1F",
        "0o17",
        "1_000",
        "12:30:45",
        "2001-01-01",
        "2001-01-01T00:00:00Z",
        ".inf",
        "-.INF",
        ".nan",
        "-",
        "- a",
        "a: b",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "'a",
        "\"a",
        "%a",
        "@a",
        "`a",
        "{a",
        "[a",
        "a:",
        " a",
        "a ",
        "=",
        "<<",
        "123e4567",
        "2001-01-01 10:00:00 Z",
        "0b1",
        "--- a",
    ] {
        let json = serde_json::to_string(&serde_json::json!({ "v": text })).unwrap();
        let out = yaml(&json);
        assert!(out.starts_with("v: \""), "{text:?} came out as {out:?}");
        assert_eq!(read(&out)["v"], serde_json::json!(text), "{out:?}");
    }
}

#[test]
fn ordinary_strings_stay_bare() {
    for text in [
        "a",
        "web-1",
        "nginx:1.27",
        "a b",
        "http://x/y",
        "cpu/100m",
        "100m",
        "10Gi",
        "it's",
        "a,b",
        "key=v",
        "25473911-228d-4242-bcf4-0b5833d84dd4",
        "1e5d",
        "2m30s",
        "v1",
    ] {
        assert_eq!(yaml(&format!(r#"{{"v":"{text}"}}"#)), format!("v: {text}\n"));
    }
}

#[test]
fn lines_become_blocks_that_read_back_the_same() {
    for text in [
        "a\nb",
        "a\nb\n",
        "a\n\n",
        "a\n\n\nb\n\n",
        " a\nb",
        "\na",
        "a\n b\n  c",
        "\n",
        "\n\n",
        "a \nb",
        "\ta\nb",
        "a\n\tb",
        "a\r\nb",
        "x\u{7}\ny",
        "# a\n- b\n",
        "é\nü",
    ] {
        for json in [
            serde_json::json!({ "v": text, "after": 1 }),
            serde_json::json!({ "deep": { "list": [text, { "v": text }] }, "after": 1 }),
            serde_json::json!([text]),
            serde_json::json!(text),
        ] {
            let out = yaml(&serde_json::to_string(&json).unwrap());
            assert_eq!(read(&out), json, "{out}");
        }
    }
    assert_eq!(yaml(r#"{"v":"a\nb\n"}"#), "v: |\n  a\n  b\n");
}

#[test]
fn keys_are_quoted_where_they_must_be() {
    let json = serde_json::json!({ "yes": 1, "f:a": { ".": {}, "k:{\"x\":1}": {} }, "": 2, "a: b": [3] });
    let out = yaml(&json.to_string());
    assert_eq!(out, "\"yes\": 1\nf:a:\n  \".\": {}\n  k:{\"x\":1}: {}\n\"\": 2\n\"a: b\":\n- 3\n");
    assert_eq!(read(&out), json);
}

#[test]
fn what_is_no_json_is_an_error() {
    for json in ["", "{", "[1,", "{\"a\"}", "{\"a\":tru}", "[1] 2", "\"a", "{1:2}", "nope"] {
        assert!(of_json(json.as_bytes()).is_err(), "{json}");
    }
    let deep = "[".repeat(100_000);
    assert!(matches!(of_json(deep.as_bytes()), Err(YamlError::TooDeep(_))));
}
