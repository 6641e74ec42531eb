use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const POD: &[u8] = br#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"n","generateName":"","uid":"u-1","resourceVersion":"7","labels":{"app":"x","q\"":"y"},"annotations":null,"deletionTimestamp":null,"ownerReferences":[{"uid":"o"}],"managedFields":[{"f":{}}]},"spec":{"containers":[{"name":"c1"},{"name":"c2","image":"i"}],"n":1.50}}"#;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn skips_to_the_end_of_each_kind_of_value() {
    for (json, end) in [
        (r#""a\"b",1"#, 6),
        (r#" {"a":[1,"}"]} x"#, 14),
        ("[]]", 2),
        ("-1.5e3,", 6),
        ("true}", 4),
        ("null", 4),
        (r#""a string of more than sixteen bytes \\ and on", 2"#, 47),
    ] {
        assert_eq!(skip_value(json.as_bytes(), 0), Ok(end), "{json}");
    }
}

#[test]
fn says_where_a_value_breaks() {
    for (json, offset, expected) in [
        ("", 0, "a value"),
        ("  }", 2, "a value"),
        (r#""abc"#, 4, "the end of a string"),
        (r#""abc\"#, 5, "the end of a string"),
        (r#"{"a":1"#, 6, "the end of an object or array"),
        (r#"{"a":[1}"#, 7, "']'"),
        (r#"[{"a":1]"#, 7, "'}'"),
    ] {
        assert_eq!(skip_value(json.as_bytes(), 0), Err(JsonError::new(offset, expected)), "{json}");
    }
}

#[test]
fn nesting_ends_at_the_limit() {
    let deep = |levels: usize| [vec![b'['; levels], vec![b']'; levels]].concat();
    assert_eq!(skip_value(&deep(MAX_DEPTH), 0), Ok(2 * MAX_DEPTH));
    assert_eq!(skip_value(&deep(MAX_DEPTH + 1), 0).unwrap_err().offset, MAX_DEPTH);
    assert!(skip_value(&vec![b'['; 1 << 20], 0).is_err());
}

#[test]
fn strings_are_unescaped_only_where_needed() {
    assert!(matches!(string(br#""plain""#), Some(Cow::Borrowed("plain"))));
    assert_eq!(string(br#""a\"\u00e9\ud83d\ude00\n""#).as_deref(), Some("a\"é😀\n"));
    for bad in [&br#""a"#[..], b"\"", b"", br#""a\"#, br#""\ud800""#, b"\"\xff\"", br#""a"b""#, b"12"] {
        assert_eq!(string(bad), None, "{}", String::from_utf8_lossy(bad));
    }
}

#[test]
fn fields_come_in_order_with_their_spans() {
    let object = br#" { "a" : 1 , "b\u0063":{"x":[]} ,"a":null} "#;
    let fields: Vec<_> = fields(object).map(Result::unwrap).collect();
    let spans: Vec<_> = fields.iter().map(|f| (&*f.key, text(&object[f.value.clone()]))).collect();
    assert_eq!(spans, [("a", "1"), ("bc", r#"{"x":[]}"#), ("a", "null")]);
    assert_eq!(text(&object[fields[1].key_span.clone()]), r#""b\u0063""#);
}

#[test]
fn fields_end_after_the_first_error() {
    for (object, offset) in
        [("[1]", 0), (r#"{"a" 1}"#, 5), (r#"{"a":1 "b":2}"#, 7), (r#"{a:1}"#, 1), (r#"{"a":1,}"#, 7)]
    {
        let mut walk = fields(object.as_bytes());
        let error = walk.by_ref().find_map(Result::err).expect("an error");
        assert_eq!(error.offset, offset, "{object}");
        assert!(walk.next().is_none());
    }
}

#[test]
fn finds_by_keys_and_indices() {
    let at = |path: &[&str]| find(POD, path).unwrap().map(|span| text(&POD[span]));
    assert_eq!(at(&["metadata", "name"]), Some(r#""a""#));
    assert_eq!(at(&["spec", "containers", "1", "name"]), Some(r#""c2""#));
    assert_eq!(at(&["metadata", "labels", "q\""]), Some(r#""y""#));
    assert_eq!(at(&["spec", "n"]), Some("1.50"));
    for absent in
        [&["spec", "containers", "2"][..], &["spec", "n", "x"], &["nothing"], &["spec", "containers", "x"]]
    {
        assert_eq!(at(absent), None);
    }
    assert_eq!(find(br#"  {"a":1} "#, &[]), Ok(Some(2..9)));
    assert_eq!(find(br#"{"a":{"b" 1}}"#, &["a", "b"]).unwrap_err().offset, 10);
}

#[test]
fn meta_reads_any_order_of_keys() {
    let meta = Meta::of(POD).unwrap();
    assert_eq!(meta.api_version.as_deref(), Some("v1"));
    assert_eq!((&*meta.name, meta.namespace.as_deref(), meta.uid.as_deref()), ("a", Some("n"), Some("u-1")));
    assert_eq!(
        (meta.generate_name.as_deref(), meta.annotations, meta.deletion_timestamp),
        (None, None, false)
    );
    assert_eq!(meta.owner_references, Some(&br#"[{"uid":"o"}]"#[..]));
    assert_eq!(meta.label("app").unwrap().as_deref(), Some("x"));
    assert_eq!(meta.label("q\"").unwrap().as_deref(), Some("y"));
    assert_eq!(meta.annotation("a").unwrap(), None);
    let turned =
        br#"{"spec":{},"metadata":{"name":"a","deletionTimestamp":"2026-01-01T00:00:00Z"},"kind":"Pod"}"#;
    let meta = Meta::of(turned).unwrap();
    assert_eq!((meta.kind.as_deref(), meta.deletion_timestamp), (Some("Pod"), true));
    assert_eq!(Meta::of_prefix(turned).unwrap().kind, None);
}

#[test]
fn meta_of_prefix_needs_nothing_after_the_metadata() {
    let cut = POD.windows(6).position(|window| window == b"\"spec\"").unwrap();
    assert_eq!(Meta::of_prefix(&POD[..cut]), Meta::of(POD));
    assert!(Meta::of(&POD[..cut]).is_err());
}

#[test]
fn meta_without_a_name_or_of_another_shape_is_an_error() {
    for bad in [
        &b"{}"[..],
        b"[]",
        br#"{"metadata":{}}"#,
        br#"{"metadata":{"name":1}}"#,
        br#"{"metadata":{"name":"a","labels":[]}}"#,
    ] {
        assert!(Meta::of(bad).is_err(), "{}", text(bad));
    }
}

#[test]
fn edits_leave_every_other_byte() {
    let object = b"{ \"b\" : 1.10 ,\n  \"a\": {\"x\":1e400, \"y\": 2}, \"c\":\"\\u0041\"\n}";
    let mut edits = Edits::new();
    edits.remove(&["a", "y"]).set(&["b"], "2.0");
    assert_eq!(
        text(&edits.apply(object).unwrap()),
        "{ \"b\" : 2.0 ,\n  \"a\": {\"x\":1e400}, \"c\":\"\\u0041\"\n}"
    );
    assert_eq!(Edits::new().apply(object).unwrap(), object);
    assert_eq!(Edits::new().remove(&["none", "x"]).apply(object).unwrap(), object);
}

#[test]
fn removing_the_first_middle_last_and_all() {
    let object = br#"{"a":1,"b":2,"c":3}"#;
    let without = |keys: &[&str]| {
        let mut edits = Edits::new();
        keys.iter().for_each(|key| {
            edits.remove(&[key]);
        });
        String::from_utf8(edits.apply(object).unwrap()).unwrap()
    };
    assert_eq!(without(&["a"]), r#"{"b":2,"c":3}"#);
    assert_eq!(without(&["b"]), r#"{"a":1,"c":3}"#);
    assert_eq!(without(&["c"]), r#"{"a":1,"b":2}"#);
    assert_eq!(without(&["a", "b", "c"]), "{}");
}

#[test]
fn sets_make_missing_and_null_parents() {
    let mut edits = Edits::new();
    edits
        .set_str(&["a", "b", "c/d"], "x\"y")
        .set(&["n", "m"], "[]")
        .insert(&["k"], "1")
        .insert(&["new"], "2");
    assert_eq!(
        text(&edits.apply(br#"{"n":null,"k":0}"#).unwrap()),
        r#"{"n":{"m":[]},"k":0,"a":{"b":{"c/d":"x\"y"}},"new":2}"#
    );
}

#[test]
fn later_edits_at_one_path_and_deeper_ones() {
    let apply = |edits: &Edits| String::from_utf8(edits.apply(br#"{"a":{"b":1,"c":2}}"#).unwrap()).unwrap();
    let mut edits = Edits::new();
    edits.remove(&["a"]).set(&["a", "d"], "3");
    assert_eq!(apply(&edits), r#"{"a":{"d":3}}"#);
    let mut edits = Edits::new();
    edits.set(&["a", "b"], "9").set(&["a"], r#"{"x":0}"#).remove(&["a", "x"]);
    assert_eq!(apply(&edits), r#"{"a":{}}"#);
    let mut edits = Edits::new();
    edits.remove(&["a"]).insert(&["a"], "5");
    assert_eq!(apply(&edits), r#"{"a":5}"#);
    let mut edits = Edits::new();
    edits.set(&["a", "b"], "9").insert(&["a"], "5");
    assert_eq!(apply(&edits), r#"{"a":{"b":9,"c":2}}"#);
}

#[test]
fn every_duplicate_of_a_key_is_edited() {
    let object = br#"{"s":"1","t":0,"s":"2"}"#;
    assert_eq!(text(&Edits::new().set_str(&["s"], "*").apply(object).unwrap()), r#"{"s":"*","t":0,"s":"*"}"#);
    assert_eq!(text(&Edits::new().remove(&["s"]).apply(object).unwrap()), r#"{"t":0}"#);
}

#[test]
fn array_elements_by_index_and_by_predicate() {
    let mut edits = Edits::new();
    edits.set(&["spec", "containers", "1", "image"], "null").remove(&["spec", "containers", "0"]);
    edits.remove_where(&["metadata", "ownerReferences"], |owner| {
        find(owner, &["uid"]).unwrap().is_some_and(|span| &owner[span] == b"\"o\"")
    });
    let edited: Value = serde_json::from_slice(&edits.apply(POD).unwrap()).unwrap();
    assert_eq!(edited["spec"]["containers"], json!([{"name": "c2", "image": null}]));
    assert_eq!(edited["metadata"]["ownerReferences"], json!([]));
}

#[test]
fn callbacks_see_values_after_the_other_edits() {
    let mut edits = Edits::new();
    edits.set(&["m", "z"], "1").each_field(&["m"], |key, value| match (key, value) {
        ("a", _) => Change::Remove,
        ("z", b"1") => Change::With(b"2".to_vec()),
        _ => Change::Keep,
    });
    edits
        .replace(&["v"], |value| Change::With([value, value].concat()))
        .replace(&["absent"], |_| Change::Remove);
    edits.each_field(&["v"], |_, _| Change::Remove);
    assert_eq!(
        text(&edits.apply(br#"{"m":{"a":0,"b":0},"v":"s"}"#).unwrap()),
        r#"{"m":{"b":0,"z":2},"v":"s""s"}"#
    );
}

#[test]
fn edits_that_cannot_be_made_are_errors() {
    for edits in [
        Edits::new().set(&["a", "b"], "1"),
        Edits::new().set(&["l", "2"], "1"),
        Edits::new().set(&["l", "x"], "1"),
        Edits::new().set(&["x"], "1,2"),
        Edits::new().set(&["x"], ""),
        Edits::new().remove(&[]),
    ] {
        assert!(edits.apply(br#"{"a":1,"l":[0,1]}"#).is_err(), "{edits:?}");
    }
    assert_eq!(Edits::new().remove(&["a", "b"]).apply(br#" {"a":{"c" 1}}"#).unwrap_err().offset, 11);
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[a-d]", 2 => "[0-3]", 1 => any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| json!(f64::from(eighths) / 8.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::vec((key(), value()), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
}

#[derive(Debug, Clone)]
enum Op {
    Remove,
    Set(Value),
    Insert(Value),
}

fn ops() -> impl Strategy<Value = Vec<(Vec<String>, Op)>> {
    let op = prop_oneof![Just(Op::Remove), value().prop_map(Op::Set), value().prop_map(Op::Insert)];
    prop::collection::vec((prop::collection::vec(key(), 1..4), op), 1..5).prop_filter(
        "no path leads through another",
        |ops| {
            let paths: Vec<_> = ops.iter().map(|(path, _)| path).collect();
            (0..paths.len()).all(|a| (0..paths.len()).all(|b| a == b || !paths[a].starts_with(paths[b])))
        },
    )
}

/// What marks a removed element until all edits are made, so that indices keep naming original elements.
const GONE: &str = "\u{0}gone";

/// The edits made on the parsed value; `None` where one cannot be made.
fn model(value: &mut Value, path: &[String], op: &Op) -> Option<()> {
    let (segment, rest) = path.split_first().unwrap();
    let creates = !matches!(op, Op::Remove);
    if value.is_null() && creates {
        *value = json!({});
    }
    let slot = match value {
        Value::Object(map) => match (map.contains_key(segment), creates) {
            (false, false) => return Some(()),
            (false, true) => map.entry(segment.clone()).or_insert(Value::Null),
            (true, false) if rest.is_empty() => {
                map.shift_remove(segment);
                return Some(());
            }
            (true, _) => map.get_mut(segment).unwrap(),
        },
        Value::Array(items) => match segment.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
            Some(item) => item,
            None => return (!creates).then_some(()),
        },
        _ => return (!creates).then_some(()),
    };
    if !rest.is_empty() {
        return model(slot, rest, op);
    }
    match op {
        Op::Remove => *slot = json!(GONE),
        Op::Set(new) => *slot = new.clone(),
        Op::Insert(new) if slot.is_null() => *slot = new.clone(),
        Op::Insert(_) => {}
    }
    Some(())
}

fn drop_gone(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.retain(|item| item != GONE);
            items.iter_mut().for_each(drop_gone);
        }
        Value::Object(map) => map.values_mut().for_each(drop_gone),
        _ => {}
    }
}

fn edits(ops: &[(Vec<String>, Op)]) -> Edits<'static> {
    let mut edits = Edits::new();
    for (path, op) in ops {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match op {
            Op::Remove => edits.remove(&path),
            Op::Set(value) => edits.set(&path, value.to_string()),
            Op::Insert(value) => edits.insert(&path, value.to_string()),
        };
    }
    edits
}

proptest! {
    #[test]
    fn editing_the_text_is_editing_the_value(object in object(), ops in ops(), pretty: bool) {
        let json = if pretty { serde_json::to_vec_pretty(&object) } else { serde_json::to_vec(&object) }.unwrap();
        let mut expected = object;
        let possible = ops.iter().all(|(path, op)| model(&mut expected, path, op).is_some());
        drop_gone(&mut expected);
        let edited = edits(&ops).apply(&json);
        prop_assert_eq!(edited.is_ok(), possible, "{:?}", edited);
        if let Ok(edited) = edited {
            let edited: Value = serde_json::from_slice(&edited).unwrap();
            prop_assert_eq!(edited, expected);
        }
    }

    #[test]
    fn setting_a_value_that_stands_there_is_a_splice(object in object(), path in prop::collection::vec(key(), 1..4)) {
        let json = serde_json::to_vec_pretty(&object).unwrap();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(span) = find(&json, &path).unwrap() {
            let expected = [&json[..span.start], b"{\"new\":1}", &json[span.end..]].concat();
            prop_assert_eq!(Edits::new().set(&path, "{\"new\":1}").apply(&json).unwrap(), expected);
        }
    }

    #[test]
    fn skip_ends_where_serde_json_does(value in value(), tail in "[,}\\] ]{0,2}") {
        let json = value.to_string();
        prop_assert_eq!(skip_value(format!("{json}{tail}").as_bytes(), 0), Ok(json.len()));
    }

    #[test]
    fn pieces_end_where_the_whole_does(value in value(), cuts in prop::collection::vec(0_usize..400, 0..5)) {
        let json = format!(" {value},");
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(json.len())).chain([0, json.len()]).collect();
        cuts.sort_unstable();
        let (mut skip, mut end) = (Skip::new(), None);
        for pair in cuts.windows(2) {
            if let Some(length) = skip.advance(&json.as_bytes()[pair[0]..pair[1]]).unwrap() {
                end = Some(pair[0] + length);
                break;
            }
        }
        prop_assert_eq!(end, Some(json.len() - 1));
    }

    #[test]
    fn damaged_text_never_panics(object in object(), ops in ops(), at: usize, with in prop::collection::vec(any::<u8>(), 0..4)) {
        let mut json = serde_json::to_vec(&json!({"metadata": object, "kind": "X"})).unwrap();
        let at = at % (json.len() + 1);
        json.splice(at..(at + 1).min(json.len()), with);
        no_panic(&json, &ops);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(prop_oneof![Just(b'"'), Just(b'{'), Just(b'}'), Just(b'['), Just(b':'), Just(b','), Just(b'\\'), any::<u8>()], 0..64), ops in ops()) {
        no_panic(&bytes, &ops);
    }
}

fn no_panic(bytes: &[u8], ops: &[(Vec<String>, Op)]) {
    let _ = (
        skip_value(bytes, 0),
        Meta::of(bytes),
        Meta::of_prefix(bytes),
        string(bytes),
        edits(ops).apply(bytes),
    );
    let _ = (fields(bytes).count(), elements(bytes).count(), find(bytes, &["a", "0", "b"]));
    let mut edits = Edits::new();
    edits.each_field(&["metadata"], |_, _| Change::Remove).each_element(&["metadata", "a"], |_| Change::Keep);
    let _ = edits.apply(bytes);
}
