//! The answers are those of client-go's own parser and evaluator, v0.36.3, to the same paths.

use serde_json::{Value, json};

use super::{Found, Path};

fn value(found: Found<'_>) -> Value {
    match found {
        Found::Fields(fields) => fields.clone().into(),
        Found::Value(value) => value.clone(),
        Found::Text(text) => text.into(),
    }
}

fn object() -> Value {
    json!({
        "spec": {
            "n": 3, "f": 2.5, "yes": true, "none": null, "empty": [], "a.b": "dotted", "é": "letter",
            "list": ["x", "y", "z"],
            "items": [{"n": 1, "s": "one"}, {"n": 2, "s": "two", "on": true}, {"n": 3}],
        },
        "status": {"conditions": [
            {"type": "Ready", "status": "True", "w": 1.5},
            {"type": "Other (x)", "status": "False"},
        ]},
    })
}

#[test]
fn a_path_finds_what_kubectl_finds() {
    let object = object();
    let object = object.as_object().unwrap();
    let cases = [
        (".spec.n", json!(3)),
        ("$.spec.n", json!(3)),
        ("@.spec.n", json!(3)),
        (".spec.none", Value::Null),
        (r".spec.a\.b", json!("dotted")),
        (".spec['n']", json!(3)),
        (r".spec['a\.b']", json!("dotted")),
        (".spec.é", json!("letter")),
        (".spec.list[0]", json!("x")),
        (".spec.list[-1]", json!("z")),
        (".spec.list[1:]", json!("y")),
        (".spec.list[-2:3]", json!("y")),
        (".spec.list[::2]", json!("x")),
        (".spec.list[]", json!("x")),
        (".spec.list[*]", json!("x")),
        (".spec.list[1,0]", json!("y")),
        (".spec.items[*].on", json!(true)),
        (".spec.items[?(@.n>1)].s", json!("two")),
        (".spec.items[?(@.n>=3)].n", json!(3)),
        (".spec.items[?(@.n!=1)].n", json!(2)),
        (".spec.items[?(@.on)].s", json!("two")),
        (".spec.items[?(@.on==true)].s", json!("two")),
        (r#".status.conditions[?(@.type=="Ready")].status"#, json!("True")),
        (".status.conditions[?(@.type=='Ready')].status", json!("True")),
        (r#".status.conditions[?(@.type == "Ready")].status"#, json!("True")),
        (r#".status.conditions[?(@.type=="Other (x)")].status"#, json!("False")),
        (".status.conditions[?(@.w<2.0)].type", json!("Ready")),
        (".spec.items[?(@.s=='o\\x6ee')].n", json!(1)),
        (".spec.list[:-1]", json!("x")),
        (".spec.n 5", json!(5)),
        ("..type", json!("Ready")),
        (".status..w", json!(1.5)),
        // An index out of bounds is an error, which asking for existence takes for an answer.
        (".spec.items[?(@.s[9])].n", json!(1)),
    ];
    for (path, expected) in cases {
        let parsed = Path::of(path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(parsed.first(object).map(value), Some(expected), "{path}");
    }
}

#[test]
fn a_path_to_nothing_finds_nothing() {
    let object = object();
    let object = object.as_object().unwrap();
    for path in [
        ".",
        ".spec.missing",
        ".spec.n.deeper",
        ".spec.list[7]",
        ".spec.list[2:1]",
        ".spec.list[0:2:0]",
        ".spec.n[0]",
        ".spec.empty[*]",
        ".spec.items[?(@.n==\"1\")].s",
        ".spec.items[?(@.n==1.0)].s",
        ".spec.items[?(@.s==one)].s",
        ".spec.items[?(@.on<true)].n",
        ".spec[?(@.n==1)]",
        ".spec.list range",
        ".spec.items[?(@.n=>1)].n",
        ".a|b",
        ".spec['a.b']",
        ".spec.list[0:0]",
        ".spec.empty[0]",
    ] {
        let parsed = Path::of(path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(parsed.first(object).map(value), None, "{path}");
    }
}

#[test]
fn what_is_no_path_is_refused() {
    for path in [
        ".a[",
        ".a[x]",
        ".a[\"b\"]",
        ".a[?(@.b==1]",
        ".a[?(@.b==1)",
        ".a....b",
        "..*",
        ".a[1:2:3:4]",
        ".a[-]",
        ".a[?(@.b==\"c)]",
        ".a}{.b",
        ".a[?(@.b==\"\\q\")]",
    ] {
        assert!(Path::of(path).is_none(), "{path}");
    }
    // Deeper than anyone writes.
    assert!(Path::of(&format!(".a{}", "[?(@.b".repeat(10_000))).is_none());
}
