//! Values as errors of the API server show them where it prints a type of its own: the names of Go's fields, nothing left
//! out. The types stand in `shown.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::rules::look::below;

struct Field {
    go: &'static str,
    api: &'static str,
    shape: &'static str,
}

static TYPES: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(|| {
    let mut types: HashMap<&'static str, Vec<Field>> = HashMap::new();
    for line in include_str!("shown.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        if let (Some(owner), Some(go), Some(api), Some(shape)) =
            (words.next(), words.next(), words.next(), words.next())
        {
            types.entry(owner).or_default().push(Field { go, api, shape });
        }
    }
    types
});

/// A value of the API as the server's own type of that name.
pub(in crate::rules) fn shown(name: &'static str, value: &Value) -> Value {
    shape(name, value, 0)
}

fn shape(shape_of: &'static str, value: &Value, depth: u32) -> Value {
    if depth > 100 {
        return Value::Null;
    }
    if let Some(inner) = shape_of.strip_prefix('*') {
        return if value.is_null() { Value::Null } else { shape(inner, value, depth) };
    }
    if let Some(inner) = shape_of.strip_prefix("[]") {
        let Some(items) = value.as_array().filter(|items| !items.is_empty()) else { return Value::Null };
        return items.iter().map(|item| shape(inner, item, depth + 1)).collect();
    }
    if let Some(inner) = shape_of.strip_prefix("{}") {
        let Some(fields) = value.as_object().filter(|fields| !fields.is_empty()) else { return Value::Null };
        let mut keys: Vec<&String> = fields.keys().collect();
        keys.sort_unstable();
        let entries = keys.into_iter().map(|key| (key.clone(), shape(inner, &fields[key], depth + 1)));
        return Value::Object(entries.collect());
    }
    match (TYPES.get(shape_of), shape_of, value) {
        (Some(fields), _, _) => object(shape_of, fields, value, depth),
        (None, _, value) if !value.is_null() => value.clone(),
        (None, "string", _) => "".into(),
        (None, "bool", _) => false.into(),
        (None, "number" | "IntOrString", _) => 0.into(),
        (None, "Quantity", _) => "0".into(),
        _ => Value::Null,
    }
}

fn object(name: &str, fields: &[Field], value: &Value, depth: u32) -> Value {
    let mut out = Map::new();
    for field in fields {
        let inner = below(value, field.api);
        if field.go == "+" {
            for (key, value) in inner.as_object().into_iter().flatten() {
                out.insert(key.clone(), value.clone());
            }
        } else if (name, field.go) == ("PodSpec", "SecurityContext") {
            out.insert(field.go.into(), shape(field.shape, &pod_security(value), depth + 1));
        } else {
            out.insert(field.go.into(), shape(field.shape, inner, depth + 1));
        }
    }
    Value::Object(out)
}

/// The server keeps what a pod shares with its host among its security settings.
fn pod_security(spec: &Value) -> Value {
    let mut context = below(spec, "securityContext").as_object().cloned().unwrap_or_default();
    for name in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"] {
        if let Some(value) = spec.get(name) {
            context.insert(name.into(), value.clone());
        }
    }
    Value::Object(context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::go_json;
    use serde_json::json;

    #[test]
    fn a_value_reads_as_go_prints_it() {
        let strategy = json!({"type": "Recreate"});
        assert_eq!(
            go_json(&shown("DeploymentStrategy", &strategy)),
            r#"{"Type":"Recreate","RollingUpdate":null}"#
        );
        let taint = json!({"key": "a", "effect": "NoSchedule"});
        let words = r#"{"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}"#;
        assert_eq!(go_json(&shown("Taint", &taint)), words);
        let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"hostNetwork": true}});
        let text = go_json(&shown("PodTemplateSpec", &template));
        assert!(text.starts_with(r#"{"labels":{"a":"b"},"Spec":{"Volumes":null,"#), "{text}");
        assert!(text.contains(r#""SecurityContext":{"HostNetwork":true,"HostPID":false"#), "{text}");
    }
}
