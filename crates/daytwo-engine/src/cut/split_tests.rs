use proptest::prelude::*;

use super::*;

/// Cuts `body`, fed in chunks of `size` bytes.
fn cut(body: &[u8], size: usize) -> Result<(Vec<Vec<u8>>, ListMeta), SplitError> {
    let mut splitter = Splitter::default();
    let mut objects = Vec::new();
    for chunk in body.chunks(size) {
        if let Some(batch) = splitter.push(chunk)? {
            objects.extend(batch.items().map(<[u8]>::to_vec));
        }
    }
    let (last, meta) = splitter.finish()?;
    objects.extend(last.iter().flat_map(Batch::items).map(<[u8]>::to_vec));
    Ok((objects, meta))
}

const PODS: &str = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"t","remainingItemCount":3},"items":[{"metadata":{"name":"a"},"x":1.000000000000000000001},{"metadata":{"name":"b\\\"]}"}}]}
"#;

#[test]
fn objects_leave_as_the_server_sent_them_whatever_the_chunks() {
    for size in 1..PODS.len() {
        let (objects, meta) = cut(PODS.as_bytes(), size).unwrap();
        assert_eq!(objects[0], br#"{"metadata":{"name":"a"},"x":1.000000000000000000001}"#);
        assert_eq!(objects[1], br#"{"metadata":{"name":"b\\\"]}"}}"#);
        assert_eq!(objects.len(), 2);
        assert_eq!(meta.resource_version, "7");
        assert_eq!(meta.next, "t");
        assert_eq!(meta.remaining_item_count, Some(3));
    }
}

#[test]
fn the_token_is_known_before_the_first_object_ends() {
    let mut splitter = Splitter::default();
    let upto = PODS.find("\"items\"").unwrap();
    splitter.push(&PODS.as_bytes()[..upto]).unwrap();
    assert_eq!(splitter.meta().unwrap().next, "t");
}

#[test]
fn metadata_after_the_items_is_read_too() {
    let list =
        br#"{"apiVersion":"x.io/v1","items":[{"a":{}}],"kind":"XList","metadata":{"resourceVersion":"9"}}"#;
    let (objects, meta) = cut(list, 3).unwrap();
    assert_eq!(objects.len(), 1);
    assert_eq!(meta.resource_version, "9");
}

#[test]
fn an_empty_list_has_no_objects() {
    for list in [r#"{"items":[],"metadata":{}}"#, r#"{"metadata":{},"items":null}"#] {
        assert_eq!(cut(list.as_bytes(), 1).unwrap().0.len(), 0, "{list}");
    }
}

#[test]
fn a_document_that_is_no_list_is_not_taken_for_an_empty_one() {
    for document in ["{ }", r#"{"kind":"Status","metadata":{}}"#, r#"{"items":[]}"#] {
        let error = cut(document.as_bytes(), 1).unwrap_err();
        assert!(matches!(error, SplitError::Malformed { .. }), "{document}: {error}");
    }
}

#[test]
fn a_body_that_ends_early_is_never_taken_for_a_short_list() {
    let whole = PODS.trim_end();
    for end in 0..whole.len() {
        assert!(cut(&whole.as_bytes()[..end], 16).is_err(), "cut at {end} was taken for whole");
    }
}

#[test]
fn garbage_is_refused() {
    for body in
        ["<html>", "[]", r#"{"items":[1]}"#, r#"{"items":[{}],"#, "{}{}", r#"{"metadata":[],"items":[]}"#]
    {
        assert!(cut(body.as_bytes(), 5).is_err(), "{body}");
    }
    let deep = format!(r#"{{"items":[{}"#, "{\"a\":".repeat(600));
    assert!(cut(deep.as_bytes(), 100).is_err());
}

#[test]
fn large_lists_leave_in_batches() {
    let item = format!(r#"{{"data":"{}"}}"#, "x".repeat(1000));
    let list = format!(r#"{{"metadata":{{}},"items":[{}]}}"#, vec![item; 2000].join(","));
    let mut splitter = Splitter::default();
    let mut seen = 0;
    for chunk in list.as_bytes().chunks(8192) {
        if let Some(batch) = splitter.push(chunk).unwrap() {
            seen += batch.len();
        }
        assert!(splitter.buffer.len() < 2 * BATCH);
    }
    assert!(seen > 1500);
    seen += splitter.finish().unwrap().0.map_or(0, |batch| batch.len());
    assert_eq!(seen, 2000);
}

proptest! {
    #[test]
    fn any_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..400), size in 1usize..50) {
        let _ = cut(&body, size);
    }

    #[test]
    fn any_strings_survive(names in proptest::collection::vec(any::<String>(), 0..20), size in 1usize..200) {
        let items: Vec<serde_json::Value> =
            names.iter().map(|name| serde_json::json!({"n": name, "l": [name, {}]})).collect();
        let list = serde_json::to_vec(&serde_json::json!({"items": items, "metadata": {}})).unwrap();
        let (objects, _) = cut(&list, size).unwrap();
        let back: Vec<serde_json::Value> =
            objects.iter().map(|object| serde_json::from_slice(object).unwrap()).collect();
        prop_assert_eq!(back, items);
    }
}
