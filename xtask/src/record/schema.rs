//! What of a definition is kept: names, types and rules, but no prose.

use serde_json::{Map, Value};

/// Takes the descriptions out of a schema, at any depth. A field that is named `description` stays.
pub fn without_prose(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else {
        return;
    };
    for prose in ["description", "example", "externalDocs", "title"] {
        fields.shift_remove(prose);
    }
    for (name, field) in fields.iter_mut() {
        match name.as_str() {
            "properties" | "patternProperties" | "definitions" => {
                field.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(without_prose);
            }
            "items" | "additionalProperties" | "not" | "openAPIV3Schema" => without_prose(field),
            "allOf" | "anyOf" | "oneOf" => {
                field.as_array_mut().into_iter().flatten().for_each(without_prose);
            }
            _ => {}
        }
    }
}

/// A definition as it is recorded: name, labels and annotations that are no template's, and the spec without prose.
pub fn recorded(definition: &Value) -> Value {
    let mut spec = definition["spec"].clone();
    for version in spec["versions"].as_array_mut().into_iter().flatten() {
        if let Some(schema) = version.get_mut("schema") {
            without_prose(schema);
        }
        for column in version["additionalPrinterColumns"].as_array_mut().into_iter().flatten() {
            without_prose(column);
        }
        // Made by reading a field that was not there.
        if let Some(fields) = version.as_object_mut() {
            fields.retain(|_, field| !field.is_null());
        }
    }
    let mut meta = Map::from_iter([("name".to_owned(), definition["metadata"]["name"].clone())]);
    for field in ["labels", "annotations"] {
        let kept = &definition["metadata"][field];
        if kept.as_object().is_some_and(|kept| !kept.is_empty()) {
            meta.insert(field.into(), kept.clone());
        }
    }
    serde_json::json!({
        "kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1", "metadata": meta, "spec": spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn prose_goes_and_a_field_of_that_name_stays() {
        let mut schema = json!({
            "description": "x", "type": "object",
            "properties": {"description": {"type": "string", "description": "y"}},
            "items": {"anyOf": [{"description": "z", "type": "integer"}]},
        });
        without_prose(&mut schema);
        let kept = json!({
            "type": "object",
            "properties": {"description": {"type": "string"}},
            "items": {"anyOf": [{"type": "integer"}]},
        });
        assert_eq!(schema, kept);
    }
}
