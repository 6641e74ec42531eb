use serde_json::json;

use crate::definitions::cel::{Rules, complaints};
use crate::definitions::schema::{Rule, Schema};

/// The deepest rules that are compiled, and deeper ones, in every shape: each is checked and run, or refused, on a
/// thread's plain stack.
#[test]
fn no_rule_ends_a_stack() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let schema = Schema::read(&schema).unwrap();
    let object = json!({"a": 1});
    for count in [20, 140, 400, 3_000] {
        let shapes = [
            format!("{}true{}", "(".repeat(count), ")".repeat(count)),
            format!("{}{}", "[".repeat(count), "]".repeat(count)),
            format!("{}true", "!".repeat(count)),
            format!("1 == 1{}", "+1".repeat(count)),
            format!("self{}", ".a".repeat(count)),
            format!("{}true", "true||".repeat(count / 2)),
            format!("{}true", "true?true:".repeat(count)),
            format!("self.a{} == 1", "-1".repeat(count)),
            format!("{}1", "-".repeat(count)),
        ];
        for shape in shapes {
            let shown = &shape[..shape.len().min(20)];
            let complaint = complaints(&shape, &schema, false, "bool");
            assert!(
                count < 400
                    || complaint.is_some()
                    || shape.contains("||")
                    || shape.contains('!')
                    || shape.starts_with('-'),
                "{shown} {count}"
            );
            let rule = Rule { rule: shape.clone(), ..Rule::default() };
            let node = Schema { rules: vec![rule], kind: "object".into(), ..Schema::default() };
            let rules = Rules::of(&node).unwrap();
            rules.value(&node, &object, None, "");
        }
    }
}
