//! Owners and what they own, and the managers of fields.

use daytwo_core::restore::UNFINISHED_MARK;
use serde_json::{Value, json};

use crate::harness::{Cluster, cluster};

const GROUP: &str = "/apis/owners.example.com/v1";

fn definition() -> Value {
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "parents.owners.example.com" },
        "spec": {
            "group": "owners.example.com", "scope": "Namespaced",
            "names": { "plural": "parents", "singular": "parent", "kind": "Parent", "listKind": "ParentList" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    })
}

fn defined(cluster: &Cluster) {
    cluster.apply(&definition().to_string());
    cluster.kubectl(&[
        "wait",
        "--for=condition=Established",
        "crd/parents.owners.example.com",
        "--timeout=60s",
    ]);
}

fn map(namespace: &str, name: &str, owners: &Value) -> String {
    let metadata = json!({ "name": name, "namespace": namespace, "ownerReferences": owners });
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { "a": "b" } }).to_string()
}

async fn object(cluster: &Cluster, path: &str) -> Value {
    serde_json::from_slice(&cluster.raw(path).await).unwrap()
}

fn owner(version: &str, kind: &str, of: &Value) -> Value {
    let meta = &of["metadata"];
    json!([{ "apiVersion": version, "kind": kind, "name": meta["name"], "uid": meta["uid"], "controller": true }])
}

/// Waits until the garbage collector has looked at everything there was before: a child of nobody is gone.
fn collected(cluster: &Cluster, namespace: &str) {
    let nobody = json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "no-uid" }]);
    cluster.apply(&map(namespace, "orphan", &nobody));
    cluster.kubectl(&["wait", "--for=delete", "configmap/orphan", "-n", namespace, "--timeout=60s"]);
}

#[tokio::test]
async fn children_keep_owners_of_every_kind_that_come_before_or_after_them() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "owners-kept";
    defined(&cluster);
    cluster.kubectl(&["create", "namespace", namespace]);
    let parent = json!({
        "apiVersion": "owners.example.com/v1", "kind": "Parent",
        "metadata": { "name": "parent", "namespace": namespace }, "spec": { "a": 1 },
    });
    cluster.apply(&parent.to_string());
    cluster.apply(&map(namespace, "z-root", &json!([])));
    let paths = |name: &str| format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
    let parent = format!("{GROUP}/namespaces/{namespace}/parents/parent");
    let (custom, root) = (object(&cluster, &parent).await, object(&cluster, &paths("z-root")).await);
    // Of a kind that is restored later, and of one of the same kind that is read later.
    cluster.apply(&map(namespace, "of-custom", &owner("owners.example.com/v1", "Parent", &custom)));
    cluster.apply(&map(namespace, "a-of-root", &owner("v1", "ConfigMap", &root)));
    // A custom resource that a ConfigMap owns: the owner comes first.
    let child = json!({
        "apiVersion": "owners.example.com/v1", "kind": "Parent",
        "metadata": { "name": "child", "namespace": namespace, "ownerReferences": owner("v1", "ConfigMap", &root) },
    });
    cluster.apply(&child.to_string());
    let child = format!("{GROUP}/namespaces/{namespace}/parents/child");
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/parents.owners.example.com";
    let maps = ["a-of-root", "of-custom", "z-root"].map(paths);
    let all = [&maps[0], &maps[1], &maps[2], &parent, &child].map(String::as_str);
    assert_eq!(cluster.survives(namespace, &[&all[..], &[definition]].concat()).await, 7);

    let (custom, root) = (object(&cluster, &parent).await, object(&cluster, &paths("z-root")).await);
    for (path, owner) in [(&paths("of-custom"), &custom), (&paths("a-of-root"), &root), (&child, &root)] {
        let meta = &object(&cluster, path).await["metadata"];
        let reference = &meta["ownerReferences"][0];
        assert_eq!(reference["uid"], owner["metadata"]["uid"], "{path}");
        assert_eq!(reference["controller"], true, "{path}");
        assert!(meta["annotations"].get(UNFINISHED_MARK).is_none(), "{path} keeps the mark");
        let fields = meta["managedFields"].to_string();
        let uid = owner["metadata"]["uid"].as_str().unwrap();
        assert!(fields.contains(uid) && !fields.contains("daytwo"), "{path}: {fields}");
    }
    collected(&cluster, namespace);
    for path in all {
        object(&cluster, path).await;
    }
}

#[tokio::test]
async fn an_owner_outside_of_the_backup_is_found_by_its_name_and_one_that_is_nowhere_is_lost_and_named() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "owners-outside";
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.apply(&map(namespace, "there", &json!([])));
    let there = object(&cluster, &format!("/api/v1/namespaces/{namespace}/configmaps/there")).await;
    let stale =
        |name: &str| json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": "long-gone" }]);
    let objects = [map(namespace, "found", &stale("there")), map(namespace, "lost", &stale("nowhere"))];
    let taken = cluster.backup_of(&objects.each_ref().map(String::as_str)).await;
    let report = taken.restore(&cluster).await;
    assert_eq!((report.counts.created, report.counts.failed), (2, 0), "{:?}", report.tally.failures);
    let found = object(&cluster, &format!("/api/v1/namespaces/{namespace}/configmaps/found")).await;
    assert_eq!(found["metadata"]["ownerReferences"][0]["uid"], there["metadata"]["uid"]);
    let lost = object(&cluster, &format!("/api/v1/namespaces/{namespace}/configmaps/lost")).await;
    assert!(lost["metadata"].get("ownerReferences").is_none(), "{lost}");
    let notes: Vec<String> =
        report.tally.notes.iter().map(|note| format!("{} {}", note.object.name, note.what)).collect();
    assert_eq!(notes, ["lost lost its owner ConfigMap nowhere: there is none here"]);
    collected(&cluster, namespace);
    object(&cluster, &format!("/api/v1/namespaces/{namespace}/configmaps/lost")).await;
}

#[tokio::test]
async fn what_was_created_and_never_got_its_owner_gets_it_from_the_next_run() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "owners-cut-off";
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.apply(&map(namespace, "root", &json!([])));
    let path = |name: &str| format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
    let root = object(&cluster, &path("root")).await;
    let names = ["child", "other"];
    for name in names {
        cluster.apply_as("person", &map(namespace, name, &owner("v1", "ConfigMap", &root)));
    }
    let children = [cluster.raw(&path("child")).await, cluster.raw(&path("other")).await];
    let taken = cluster.backup(&children).await;
    for name in names {
        cluster.kubectl(&["delete", "configmap", name, "-n", namespace]);
    }
    // As a runner leaves it that was killed between its two writes.
    let marked = |name: &str, data: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": { "a": data },
            "metadata": { "name": name, "namespace": namespace, "annotations": { UNFINISHED_MARK: "" } },
        })
        .to_string()
    };
    cluster.apply_as("person", &marked("child", "b"));
    // What a restore of another backup left is another object.
    cluster.apply_as("person", &marked("other", "of another backup"));
    let report = taken.restore(&cluster).await;
    assert_eq!((report.counts.created, report.counts.failed), (1, 0), "{:?}", report.tally.failures);
    let differing: Vec<&str> = report.tally.differing.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(differing, ["other"]);
    assert_eq!(object(&cluster, &path("other")).await["data"]["a"], "of another backup");
    let child = object(&cluster, &path("child")).await;
    assert_eq!(child["metadata"]["ownerReferences"][0]["uid"], root["metadata"]["uid"]);
    assert!(child["metadata"]["annotations"].get(UNFINISHED_MARK).is_none());
}

#[tokio::test]
async fn the_managers_of_fields_come_back_with_their_times_and_apply_sees_no_conflict() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "owners-managers";
    cluster.kubectl(&["create", "namespace", namespace]);
    let map = |data: &Value| {
        let metadata = json!({ "name": "shared", "namespace": namespace });
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data }).to_string()
    };
    cluster.apply_as("one", &map(&json!({ "a": "1" })));
    cluster.apply_as("two", &map(&json!({ "b": "2" })));
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/shared");
    let before = object(&cluster, &path).await["metadata"]["managedFields"].clone();
    assert_eq!(cluster.survives(namespace, &[&path]).await, 2);
    assert_eq!(object(&cluster, &path).await["metadata"]["managedFields"], before);
    cluster.apply_as("one", &map(&json!({ "a": "3" })));
}
