//! Discovery, and objects of kinds that are known from nothing else.

use std::pin::pin;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, PostParams, WatchEvent, WatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{Discovery, Scope, pinned_kind, verbs};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;

use crate::ground::{each, within};

/// Every kind with its capabilities, in one text.
fn known(discovery: &Discovery) -> Vec<String> {
    let groups = discovery.groups_alphabetical();
    let mut lines: Vec<String> = groups
        .into_iter()
        .flat_map(|group| group.resources_by_stability())
        .map(|(resource, can)| {
            let scope = if can.scope == Scope::Namespaced { "namespaced" } else { "cluster" };
            let mut subs: Vec<String> = can.subresources.iter().map(|(sub, _)| sub.plural.clone()).collect();
            subs.sort();
            format!(
                "{} {} {} {scope} {:?} {subs:?}",
                resource.api_version, resource.kind, resource.plural, can.operations
            )
        })
        .collect();
    lines.sort();
    lines
}

async fn define(client: &Client) {
    let definition: CustomResourceDefinition = serde_json::from_value(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "ships.test.daytwo.dev"},
        "spec": {
            "group": "test.daytwo.dev", "scope": "Namespaced",
            "names": {"kind": "Ship", "listKind": "ShipList", "plural": "ships", "singular": "ship"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {"masts": {"type": "integer", "minimum": 1}}},
                }}},
            }],
        },
    }))
    .unwrap();
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    definitions.create(&PostParams::default(), &definition).await.unwrap();
    let established = await_condition(definitions, "ships.test.daytwo.dev", conditions::is_crd_established());
    within("the definition to be established", established).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_of_discovery_find_the_same() {
    each(async |ground| {
        let one_by_one = Discovery::new(ground.client.clone()).run().await.unwrap();
        let at_once = Discovery::new(ground.client.clone()).run_aggregated().await.unwrap();
        assert_eq!(known(&one_by_one), known(&at_once));
        let deployment = GroupVersionKind::gvk("apps", "v1", "Deployment");
        for discovery in [one_by_one, at_once] {
            let (_, can) = discovery.resolve_gvk(&deployment).unwrap();
            assert!(can.supports_operation(verbs::PATCH) && can.scope == Scope::Namespaced);
            let (pod, can) = discovery.get("").unwrap().recommended_kind("Pod").unwrap();
            assert_eq!(pod.plural, "pods");
            assert!(
                can.subresources.iter().any(|(sub, _)| sub.plural == "eviction"),
                "{:?}",
                can.subresources
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_defined_kind_is_found_and_used() {
    each(async |ground| {
        let client = &ground.client;
        let kind = GroupVersionKind::gvk("test.daytwo.dev", "v1", "Ship");
        assert!(pinned_kind(client, &kind).await.is_err());
        define(client).await;
        let (resource, can) = pinned_kind(client, &kind).await.unwrap();
        assert!(can.supports_operation(verbs::WATCH));

        let ships: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &resource);
        let ship = |name: &str, masts: i64| {
            DynamicObject::new(name, &resource).data(json!({"spec": {"masts": masts}}))
        };
        let born = ships.create(&PostParams::default(), &ship("beagle", 3)).await.unwrap();
        let refused = ships.create(&PostParams::default(), &ship("raft", 0)).await.unwrap_err();
        assert!(matches!(&refused, kube::Error::Api(status) if status.is_invalid()), "{refused:?}");

        let mut events = pin!(ships.watch(&WatchParams::default(), "0").await.unwrap());
        let first = within("the first event", events.try_next()).await.unwrap();
        assert!(matches!(first, Some(WatchEvent::Added(ship)) if ship.uid() == born.uid()));
        ships.delete("beagle", &kube::api::DeleteParams::default()).await.unwrap();
        // How far the watch is, it may be told at any time.
        let second = within("the second event", async {
            loop {
                match events.next().await {
                    Some(Ok(WatchEvent::Bookmark(_))) => {}
                    other => break other,
                }
            }
        })
        .await;
        assert!(matches!(second, Some(Ok(WatchEvent::Deleted(_)))), "{second:?}");
    })
    .await;
}
