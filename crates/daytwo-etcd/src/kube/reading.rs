//! What an API server adds or converts when it reads, and what can be done without one.
//!
//! Sources: `pkg/apis/apps/v1/conversion.go` and `pkg/apis/core/v1/defaults.go` of Kubernetes v1.36; `pkg/apis/apiextensions/v1beta1/conversion.go` of
//! k8s.io/apiextensions-apiserver v0.36. CustomResourceDefinitions are written at v1beta1, which no API server since 1.22
//! serves: they are shown at v1, as the API does.

use serde_json::{Map, Value, json};

use super::envelope::Gvk;

/// Adds what an object's protobuf has not, and every API server adds.
pub(super) fn complete(gvk: &Gvk, object: &mut Map<String, Value>) {
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("apps", "StatefulSet") => templates(object),
        // Written without one when it is made: the default comes with each reading.
        ("", "PersistentVolumeClaim" | "PersistentVolume") => phase(object, "Pending"),
        ("", "Namespace") => phase(object, "Active"),
        _ => {}
    }
}

/// Templates are whole objects in JSON, but protobuf has no place for their kind.
fn templates(object: &mut Map<String, Value>) {
    let templates = object.get_mut("spec").and_then(|spec| spec.get_mut("volumeClaimTemplates"));
    for template in
        templates.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
    {
        template.insert("apiVersion".to_owned(), "v1".into());
        template.insert("kind".to_owned(), "PersistentVolumeClaim".into());
    }
}

fn phase(object: &mut Map<String, Value>, default: &str) {
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.entry("phase").or_insert_with(|| default.into());
    }
}

/// Converts an object that is stored at a version which is served no more, and names the kind it then is.
pub(super) fn upgrade(object: &mut Map<String, Value>) -> Option<Gvk> {
    let is = |key: &str, value: &str| object.get(key).is_some_and(|is| is == value);
    if !is("kind", "CustomResourceDefinition") || !is("apiVersion", "apiextensions.k8s.io/v1beta1") {
        return None;
    }
    object.insert("apiVersion".to_owned(), "apiextensions.k8s.io/v1".into());
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        definition(spec);
    }
    Some(Gvk::new("apiextensions.k8s.io/v1", "CustomResourceDefinition"))
}

/// In v1beta1 a schema, subresources and columns may stand once for all versions; in v1 each version has its own.
fn definition(spec: &mut Map<String, Value>) {
    let version = spec.remove("version");
    let schema = spec.remove("validation");
    let subresources = spec.remove("subresources");
    let columns = spec.remove("additionalPrinterColumns");
    let selectable = spec.remove("selectableFields");
    if let (Some(name), None) = (&version, spec.get("versions")) {
        spec.insert("versions".to_owned(), json!([{ "name": name, "served": true, "storage": true }]));
    }
    let versions = spec.get_mut("versions").and_then(Value::as_array_mut).into_iter().flatten();
    for version in versions.filter_map(Value::as_object_mut) {
        let for_all = [
            ("schema", &schema),
            ("subresources", &subresources),
            ("additionalPrinterColumns", &columns),
            ("selectableFields", &selectable),
        ];
        for (name, value) in for_all {
            if let (Some(value), None) = (value, version.get(name)) {
                version.insert(name.to_owned(), value.clone());
            }
        }
        let columns = version.get_mut("additionalPrinterColumns").and_then(Value::as_array_mut);
        for column in columns.into_iter().flatten().filter_map(Value::as_object_mut) {
            if let Some(path) = column.remove("JSONPath") {
                column.insert("jsonPath".to_owned(), path);
            }
        }
    }
    // Left out in v1 where it is false, which is v1's default; v1beta1's is true.
    match spec.remove("preserveUnknownFields") {
        Some(Value::Bool(false)) => {}
        kept => drop(spec.insert("preserveUnknownFields".to_owned(), kept.unwrap_or(true.into()))),
    }
    if let Some(conversion) = spec.get_mut("conversion").and_then(Value::as_object_mut) {
        let parts = [
            ("clientConfig", "webhookClientConfig"),
            ("conversionReviewVersions", "conversionReviewVersions"),
        ];
        let webhook: Map<String, Value> = parts
            .into_iter()
            .filter_map(|(new, old)| Some((new.to_owned(), conversion.remove(old)?)))
            .collect();
        if conversion.get("strategy").is_some_and(|strategy| strategy == "Webhook") {
            conversion.insert("webhook".to_owned(), webhook.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_of_v1beta1_is_shown_at_v1() {
        let mut old = json!({"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1beta1",
            "spec": {"group": "example.com", "version": "v1", "preserveUnknownFields": false,
                "versions": [{"name": "v1", "served": true, "storage": true}],
                "validation": {"openAPIV3Schema": {"type": "object"}},
                "additionalPrinterColumns": [{"name": "A", "type": "string", "JSONPath": ".spec.a"}],
                "conversion": {"strategy": "Webhook", "webhookClientConfig": {"url": "https://a"}, "conversionReviewVersions": ["v1"]}}});
        let new = json!({"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1",
            "spec": {"group": "example.com", "versions": [{"name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                    "additionalPrinterColumns": [{"name": "A", "type": "string", "jsonPath": ".spec.a"}]}],
                "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"url": "https://a"}, "conversionReviewVersions": ["v1"]}}}});
        upgrade(old.as_object_mut().unwrap()).unwrap();
        assert_eq!(old, new);
        assert_eq!(upgrade(old.as_object_mut().unwrap()), None, "what is at v1 stays");
    }
}
