use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn changes(before: &Value, after: &Value, options: Options) -> Vec<FieldChange> {
    diff("pods", before.to_string().as_bytes(), after.to_string().as_bytes(), options).unwrap()
}

fn paths(before: &Value, after: &Value) -> Vec<String> {
    changes(before, after, Options::default()).iter().map(|change| change.path.to_string()).collect()
}

fn text(before: &str, after: &str) -> String {
    render(&diff("pods", before.as_bytes(), after.as_bytes(), Options::default()).unwrap())
}

const ALL: Options = Options { noise: Noise::Show, secrets: Secrets::Show };

#[test]
fn a_changed_added_and_removed_field() {
    let before = r#"{"a":{"x":1,"k/y.z":"old"},"gone":[1],"same":true}"#;
    let after = r#"{"same":true,"a":{"k/y.z":"new","x":1},"more":{"b":null}}"#;
    assert_eq!(
        text(before, after),
        "a[\"k/y.z\"]\n  - \"old\"\n  + \"new\"\ngone\n  - [1]\nmore\n  + {\"b\":null}\n"
    );
    assert_eq!(text(after, after), "");
}

#[test]
fn containers_are_matched_by_name() {
    let pod = |containers: Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
    let before = pod(json!([{"name": "app", "image": "a:1"}, {"name": "log", "image": "l:1"}]));
    let after = pod(
        json!([{"name": "proxy", "image": "p:1"}, {"name": "app", "image": "a:2"}, {"name": "log", "image": "l:1"}]),
    );
    assert_eq!(
        paths(&before, &after),
        ["spec.template.spec.containers[name=app].image", "spec.template.spec.containers[name=proxy]"]
    );
}

#[test]
fn an_order_that_means_something_is_a_change() {
    let pod = |names: [&str; 3]| json!({"initContainers": names.map(|name| json!({"name": name}))});
    let found = changes(&pod(["a", "b", "c"]), &pod(["c", "b", "d"]), Options::default());
    let order = found.iter().find(|change| change.order).unwrap();
    assert_eq!(
        (order.before.as_deref().unwrap().get(), order.after.as_deref().unwrap().get()),
        (r#"["b","c"]"#, r#"["c","b"]"#)
    );
    assert!(render(&found).contains("initContainers (order)\n  - [\"b\",\"c\"]\n  + [\"c\",\"b\"]\n"));
    let conditions = |types: [&str; 2]| json!({"conditions": types.map(|name| json!({"type": name}))});
    assert_eq!(paths(&conditions(["A", "B"]), &conditions(["B", "A"])), [""; 0]);
    assert_eq!(paths(&json!({"args": ["a", "b"]}), &json!({"args": ["b", "a"]})), ["args[0]", "args[1]"]);
}

#[test]
fn ports_taints_and_sets_are_matched_by_their_keys() {
    let before = json!({"ports": [{"port": 80, "nodePort": 1}, {"port": 80, "protocol": "UDP"}]});
    let after =
        json!({"ports": [{"port": 80, "protocol": "UDP"}, {"port": 80, "protocol": "TCP", "nodePort": 2}]});
    assert_eq!(
        paths(&before, &after),
        ["ports[port=80,protocol=TCP].nodePort", "ports[port=80,protocol=TCP].protocol"]
    );
    let before =
        json!({"taints": [{"key": "a", "effect": "NoSchedule", "value": "1"}], "finalizers": ["x", "y"]});
    let after =
        json!({"taints": [{"key": "a", "effect": "NoSchedule", "value": "2"}], "finalizers": ["y", "z"]});
    assert_eq!(
        paths(&before, &after),
        ["finalizers[\"x\"]", "finalizers[\"z\"]", "taints[key=a,effect=NoSchedule].value"]
    );
}

#[test]
fn lists_without_keys_of_their_own_are_matched_by_place() {
    let before =
        json!({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}], "l": [1, {}, "x"]});
    let after = json!({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "3"}], "l": [1, {}]});
    assert_eq!(paths(&before, &after), ["env[1].value", "l[2]"]);
}

#[test]
fn no_digit_of_a_number_is_lost() {
    for (a, b) in
        [("1", "1.0"), ("1e2", "100"), ("0.10", "1E-1"), ("-0", "0.0"), ("12e-1", "1.2"), ("1e400", "10e399")]
    {
        assert_eq!(text(&format!("{{\"n\":{a}}}"), &format!("{{\"n\":{b}}}")), "", "{a} {b}");
    }
    for (a, b) in [
        ("9007199254740993", "9007199254740992"),
        ("0.1", "0.10000000000000000001"),
        ("1", "-1"),
        ("1e400", "1e401"),
        ("1", "\"1\""),
        ("0", "null"),
        ("0", "false"),
    ] {
        assert_eq!(
            text(&format!("{{\"n\":{a}}}"), &format!("{{\"n\":{b}}}")),
            format!("n\n  - {a}\n  + {b}\n")
        );
    }
}

#[test]
fn texts_are_the_same_however_they_are_escaped() {
    assert_eq!(text(r#"{"\u0061":"\u0041<\/"}"#, r#"{"a":"A\u003c/"}"#), "");
}

#[test]
fn noise_is_hidden_unless_asked_for() {
    let object = |n: u32| {
        json!({
            "metadata": {
                "uid": n.to_string(), "resourceVersion": n.to_string(), "generation": n, "managedFields": [n],
                "ownerReferences": [{"kind": "ReplicaSet", "name": "r", "uid": n.to_string()}],
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": n.to_string()},
            },
            "spec": {"renewTime": n.to_string(), "claimRef": {"uid": n.to_string()}},
            "status": {"observedGeneration": n, "conditions": [{"type": "Ready", "lastHeartbeatTime": n.to_string()}]},
        })
    };
    assert_eq!(paths(&object(1), &object(2)), [""; 0]);
    assert_eq!(changes(&object(1), &object(2), ALL).len(), 10);
    let condition = |time: u32, status: &str| {
        let condition = json!({"type": "Available", "status": status, "lastTransitionTime": time, "lastUpdateTime": time});
        json!({"status": {"conditions": [condition]}})
    };
    assert_eq!(paths(&condition(1, "True"), &condition(2, "True")), [""; 0], "a restored workload");
    assert_eq!(
        paths(&condition(1, "True"), &condition(2, "False")),
        ["status.conditions[type=Available].status"]
    );
    let with =
        json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}});
    assert_eq!(paths(&with, &json!({"metadata": {}})), [""; 0]);
    assert_eq!(
        paths(&json!({"spec": {"uid": 1, "generation": 1}}), &json!({"spec": {"uid": 2, "generation": 2}}))
            .len(),
        2
    );
}

#[test]
fn of_a_long_text_only_the_changed_lines_are_written() {
    let config = |middle: &str| json!({"data": {"f": format!("1\n2\n3\n{middle}\n5\n6\n7\n")}}).to_string();
    assert_eq!(
        text(&config("a"), &config("b\nc")),
        "data.f\n    ...\n    3\n  - a\n  + b\n  + c\n    5\n    ...\n"
    );
    assert_eq!(text(r#"{"f":"a\nb"}"#, r#"{"f":"a"}"#), "f\n  - a\n  - b\n  + \"a\"\n");
    assert!(!text(r#"{"f":"a\n\u001b[2J"}"#, r#"{"f":"a\nb"}"#).contains('\u{1b}'));
}

#[test]
fn json_output_holds_values_as_they_were_sent() {
    let found = diff("pods", br#"{"a":1.50}"#, br#"{"b":[]}"#, Options::default()).unwrap();
    assert_eq!(
        serde_json::to_string(&found).unwrap(),
        r#"[{"path":"a","before":1.50},{"path":"b","after":[]}]"#
    );
}

#[test]
fn what_cannot_be_read_is_not_equal() {
    for bad in ["{", "{\"a\":1}x", "", "{\"a\" 1}"] {
        assert!(diff("pods", bad.as_bytes(), b"{}", Options::default()).is_err(), "{bad}");
    }
    assert!(diff("pods", br#"{"a":1}"#, br#"{"a":tru}"#, Options::default()).is_err());
}

fn value() -> impl Strategy<Value = Value> {
    let key = || {
        prop_oneof!["[a-c]", Just("name".to_owned()), Just("ports".to_owned()), Just("finalizers".to_owned())]
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..9).prop_map(Value::from),
        "[a-c]?".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// With every list sorted where its order means nothing to a diff.
fn unordered(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(unordered).collect()),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| {
                let mut value = unordered(value);
                if let (Value::Array(items), "ports" | "finalizers") = (&mut value, key.as_str()) {
                    items.sort_by_key(Value::to_string);
                }
                (key.clone(), value)
            })
            .collect(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn nothing_that_differs_is_called_equal(before in value(), after in value()) {
        if changes(&before, &after, ALL).is_empty() {
            prop_assert_eq!(unordered(&before), unordered(&after));
        }
        prop_assert!(changes(&before, &before, ALL).is_empty());
    }

    #[test]
    fn turned_round_it_tells_the_same(before in value(), after in value()) {
        let mut there: Vec<String> = changes(&before, &after, ALL).iter().map(|c| format!("{} {:?} {:?}", c.path, c.before, c.after)).collect();
        let mut back: Vec<String> = changes(&after, &before, ALL).iter().map(|c| format!("{} {:?} {:?}", c.path, c.after, c.before)).collect();
        there.sort();
        back.sort();
        prop_assert_eq!(there, back);
    }

    #[test]
    fn any_bytes_are_compared_or_refused(before in "[{}\\[\\]\":,a1 ]{0,24}", after in "[{}\\[\\]\":,a1 ]{0,24}") {
        let _ = diff("secrets", before.as_bytes(), after.as_bytes(), Options::default());
    }
}
