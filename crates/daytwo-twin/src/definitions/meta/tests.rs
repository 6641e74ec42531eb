use super::*;
use serde_json::json;

#[test]
fn metadata_is_read_as_go_reads_it() {
    let mut unknown = Vec::new();
    let metadata = json!({
        "name": "a", "namespace": "", "bogus": 1, "labels": {"b": null, "a": "x"}, "annotations": {},
        "generation": 0, "deletionGracePeriodSeconds": 0, "creationTimestamp": "2026-01-02T04:04:05.5+01:00",
        "deletionTimestamp": null, "finalizers": [], "ownerReferences": [{"kind": "K", "controller": false, "x": 1}],
        "managedFields": [{"manager": "m", "fieldsV1": {"f:a": {}}, "time": "2026-01-02T03:04:05Z"}],
    });
    let read = read(&metadata, "metadata", &mut unknown).unwrap();
    assert_eq!(
        Value::Object(read),
        json!({
            "creationTimestamp": "2026-01-02T03:04:05Z", "deletionGracePeriodSeconds": 0, "labels": {"a": "x", "b": ""},
            "managedFields": [{"fieldsV1": {"f:a": {}}, "manager": "m", "time": "2026-01-02T03:04:05Z"}], "name": "a",
            "ownerReferences": [{"apiVersion": "", "controller": false, "kind": "K", "name": "", "uid": ""}],
        })
    );
    assert_eq!(unknown, ["metadata.bogus", "metadata.ownerReferences[0].x"]);
}

/// Each answer is the real server's, but for the last four, which are read from Go's source.
#[test]
fn a_field_of_a_wrong_type_is_named_in_gos_words() {
    let cases = [
        (
            json!({"labels": {"a": 1}}),
            "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string",
        ),
        (
            json!({"generation": "x"}),
            "json: cannot unmarshal string into Go struct field ObjectMeta.generation of type int64",
        ),
        (json!("x"), "json: cannot unmarshal string into Go value of type v1.ObjectMeta"),
        (
            json!({"creationTimestamp": "x"}),
            "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\"",
        ),
        (
            json!({"ownerReferences": [{"uid": 1}]}),
            "json: cannot unmarshal number into Go struct field OwnerReference.ownerReferences.uid of type types.UID",
        ),
        (
            json!({"finalizers": "x"}),
            "json: cannot unmarshal string into Go struct field ObjectMeta.finalizers of type []string",
        ),
        (
            json!({"deletionTimestamp": "2026-13-01T00:00:00Z"}),
            "parsing time \"2026-13-01T00:00:00Z\": month out of range",
        ),
        (
            json!({"deletionTimestamp": "2026-02-30T00:00:00Z"}),
            "parsing time \"2026-02-30T00:00:00Z\": day out of range",
        ),
    ];
    for (metadata, words) in cases {
        assert_eq!(read(&metadata, "metadata", &mut Vec::new()).unwrap_err(), words);
    }
}
