use super::*;

#[test]
fn json_is_read_and_what_stands_twice_is_named() {
    let text = br#" {"a":[{"b":1,"b":2,"c":{"d":1,"d":2}}],"s":"\u00e9\ud83d\ude00\ud800x\n","n":[1.0,-1e3,18446744073709551615,true,null],"a":3} "#;
    let read = read(text).unwrap();
    assert_eq!(
        read.value,
        serde_json::json!({"a": 3, "s": "é😀\u{fffd}x\n", "n": [1.0, -1e3, 18446744073709551615_f64, true, null]})
    );
    assert_eq!(read.duplicates, ["a[0].b", "a[0].c.d", "a"]);
    assert_eq!(read.complaints()[0], "duplicate field \"a[0].b\"");
}

#[test]
fn mistakes_are_told_in_gos_words() {
    let cases = [
        ("xx", "invalid character 'x' looking for beginning of value"),
        ("", "unexpected end of JSON input"),
        ("{\"a\":1", "unexpected end of JSON input"),
        ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
        ("{\"a\" 1}", "invalid character '1' after object key"),
        ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[1] 2", "invalid character '2' after top-level value"),
        ("\"\n\"", "invalid character '\\n' in string literal"),
        ("\"\\q\"", "invalid character 'q' in string escape code"),
        ("nul1", "invalid character '1' in literal null (expecting 'l')"),
        ("-a", "invalid character 'a' in numeric literal"),
        ("1.a", "invalid character 'a' after decimal point in numeric literal"),
        ("1e400", "json: cannot unmarshal number 1e400 into Go value of type float64"),
    ];
    for (text, words) in cases {
        assert_eq!(read(text.as_bytes()).unwrap_err().to_string(), words, "{text}");
    }
}

#[test]
fn depth_is_bounded_and_ends_no_stack() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let value = read(deep(10_000).as_bytes()).unwrap().value;
    deep::discard(value);
    let deeper = read(deep(10_001).as_bytes()).unwrap_err();
    assert_eq!(deeper.to_string(), "invalid character '[' exceeded max depth");
    assert!(read("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn yaml_is_read_as_go_reads_it() {
    let text = |bytes: &[u8]| yaml(bytes).map(|value| value.to_string());
    assert_eq!(text(b"a: |\n  x\n  y").unwrap(), r#"{"a":"x\ny"}"#, "no line ends the text");
    assert_eq!(text(b"a: |\n  x\n").unwrap(), r#"{"a":"x\n"}"#);
    assert_eq!(text(b"a: \"x\\n\"").unwrap(), r#"{"a":"x\n"}"#);
    assert_eq!(text(b"a: b: c").unwrap_err(), "yaml: mapping values are not allowed in this context");
    assert_eq!(text(b"[1, 2").unwrap_err(), "yaml: line 1: did not find expected ',' or ']'");
}
