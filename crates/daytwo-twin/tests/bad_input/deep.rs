//! Bodies that are nested by the thousand: an array costs two bytes a level, a thread's stack a hundred and more.

use serde_json::json;

use crate::ask::{Answer, JSON, MAPS, ask, create, get, request, service, twin};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const PARTIAL: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
const SHIPS: &str = "/apis/test.daytwo.dev/v1/namespaces/default/ships";
const PATCHES: [&str; 2] = ["application/merge-patch+json", "application/strategic-merge-patch+json"];

fn arrays(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn objects(depth: usize) -> String {
    format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth))
}

fn depths() -> [usize; 6] {
    [90, 127, 129, 1_000, 9_900, 10_100]
}

/// A kind that keeps whatever it is given, in two versions.
async fn define(service: &daytwo_twin::Service) {
    let version = |name: &str, storage: bool| {
        json!({
            "name": name, "served": true, "storage": storage,
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
        })
    };
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "ships.test.daytwo.dev"},
        "spec": {
            "group": "test.daytwo.dev", "scope": "Namespaced", "names": {"kind": "Ship", "plural": "ships"},
            "versions": [version("v1", true), version("v2", false)],
        },
    });
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let answer = ask(service, "POST", path, JSON, definition.to_string()).await;
    assert_eq!(answer.code, 201, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kind_has_no_field_for_is_dropped_or_refused_at_any_depth() {
    let twin = twin();
    let service = service(&twin);
    for depth in depths() {
        for (number, nested) in [arrays(depth), objects(depth)].into_iter().enumerate() {
            let name = format!("a-{depth}-{number}");
            let body = format!("{{\"metadata\":{{\"name\":\"{name}\"}},\"more\":{nested}}}");
            let answer = ask(&service, "POST", MAPS, JSON, body.clone()).await;
            let expected = if depth > 10_000 { 400 } else { 201 };
            assert_eq!(answer.code, expected, "{depth}: {:.300}", answer.text);
            let strict =
                ask(&service, "POST", &format!("{MAPS}?fieldValidation=Strict&dryRun=All"), JSON, body).await;
            assert_eq!(strict.code, 400, "{depth}: {:.300}", strict.text);
        }
        // Where text is wanted, and where there is none to begin with.
        let body = format!("{{\"metadata\":{{\"name\":\"b\"}},\"data\":{{\"a\":{}}}}}", objects(depth));
        assert_eq!(ask(&service, "POST", MAPS, JSON, body).await.code, 400);
        assert_eq!(ask(&service, "POST", MAPS, JSON, "[".repeat(depth)).await.code, 400);
        assert_eq!(ask(&service, "POST", MAPS, "application/yaml", arrays(depth)).await.code, 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_are_as_deep_as_they_are() {
    let twin = twin();
    let service = service(&twin);
    create(&service, "a", "1").await;
    let path = format!("{MAPS}/a");
    for depth in depths() {
        for media in PATCHES {
            for nested in [arrays(depth), objects(depth)] {
                let answer = ask(&service, "PATCH", &path, media, format!("{{\"more\":{nested}}}")).await;
                let expected: &[u16] = if depth > 10_000 { &[400] } else { &[200, 400, 422] };
                assert!(
                    expected.contains(&answer.code),
                    "{depth} {media}: {} {:.300}",
                    answer.code,
                    answer.text
                );
            }
        }
        let operation = format!("[{{\"op\":\"add\",\"path\":\"/more\",\"value\":{}}}]", objects(depth));
        let answer = ask(&service, "PATCH", &path, "application/json-patch+json", operation).await;
        assert!(matches!(answer.code, 200 | 400 | 422), "{depth}: {} {:.300}", answer.code, answer.text);
        let pointer = format!("[{{\"op\":\"add\",\"path\":\"{}\",\"value\":1}}]", "/a".repeat(depth));
        let answer = ask(&service, "PATCH", &path, "application/json-patch+json", pointer).await;
        assert!((400..500).contains(&answer.code), "{depth}: {} {:.300}", answer.code, answer.text);
    }
}

/// Created, seen in every form and version, watched, patched, and deleted by all of the ways there are.
#[tokio::test(start_paused = true)]
async fn an_object_may_be_deep_and_live() {
    let twin = twin();
    let service = service(&twin);
    define(&service).await;
    for depth in [150, 1_000, 9_900] {
        for nested in [arrays(depth), objects(depth)] {
            let body = format!(
                "{{\"apiVersion\":\"test.daytwo.dev/v1\",\"kind\":\"Ship\",\"metadata\":{{\"name\":\"deep\"}},\"spec\":{nested}}}"
            );
            let answer = ask(&service, "POST", SHIPS, JSON, body).await;
            assert_eq!(answer.code, 201, "{depth}: {:.300}", answer.text);
            assert!(answer.text.contains(&nested), "{depth}: {:.300}", answer.text);
            let others = SHIPS.replace("/v1/", "/v2/");
            for accept in [JSON, TABLE, PARTIAL, "application/yaml"] {
                for path in [SHIPS, &others, &format!("{SHIPS}/deep"), &format!("{others}/deep")] {
                    let answer = get(&service, path, accept).await;
                    assert!(
                        answer.code < 500,
                        "{depth} {accept} {path}: {} {:.300}",
                        answer.code,
                        answer.text
                    );
                }
            }
            for path in [SHIPS, &others] {
                for accept in [JSON, TABLE, PARTIAL] {
                    let path = format!(
                        "{path}?watch=true&timeoutSeconds=1&resourceVersion={}",
                        twin.api().revision() - 1
                    );
                    let answer = get(&service, &path, accept).await;
                    assert_eq!(answer.code, 200);
                    assert!(answer.text.contains("ADDED"), "{depth} {accept} {path}: {:.300}", answer.text);
                }
            }
            let path = format!("{SHIPS}/deep");
            let patch = "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}";
            let answer = ask(&service, "PATCH", &path, PATCHES[0], patch).await;
            assert_eq!(answer.code, 200, "{depth}: {:.300}", answer.text);
            let mut strict = request("PUT", &path, JSON, answer.text);
            *strict.uri_mut() = format!("{path}?fieldValidation=Strict").parse().unwrap();
            let answer = Answer::of(service.answer(strict).await).await;
            assert_eq!(answer.code, 200, "{depth}: {:.300}", answer.text);
            let chosen = get(
                &service,
                &format!("{SHIPS}?labelSelector=a%3Db&fieldSelector=metadata.name%3Ddeep"),
                TABLE,
            )
            .await;
            assert!(chosen.text.contains("\"deep\""), "{depth}: {:.300}", chosen.text);
            let ended = if depth == 150 {
                ask(&service, "DELETE", SHIPS, JSON, "").await
            } else {
                ask(&service, "DELETE", &path, JSON, "").await
            };
            assert_eq!(ended.code, 200, "{depth}: {:.300}", ended.text);
        }
    }
}
