//! What is there and differs, where a restore is asked to change it.

use daytwo_core::restore::{Existing, Report, Request};
use serde_json::{Value, json};

use crate::harness::{Cluster, Taken, cluster, everything};

fn asked(existing: Existing) -> Request {
    Request { existing, ..everything() }
}

async fn object(cluster: &Cluster, path: &str) -> Value {
    serde_json::from_slice(&cluster.raw(path).await).unwrap()
}

/// Runs twice: the second finds nothing to do.
async fn twice(taken: &Taken, cluster: &Cluster, existing: Existing) -> Report {
    let report = taken.restore_as(cluster, &asked(existing), "run-1").await.unwrap();
    let again = taken.restore_as(cluster, &asked(existing), "run-2").await.unwrap();
    let counts = again.counts;
    assert_eq!((counts.updated, counts.replaced, counts.failed), (0, 0, 0), "{:?}", again.tally);
    report
}

#[tokio::test]
async fn an_update_makes_what_differs_like_the_backup_and_keeps_what_it_is() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "existing-update";
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.kubectl(&[
        "create",
        "configmap",
        "map",
        "-n",
        namespace,
        "--from-literal=a=1",
        "--from-literal=b=1",
    ]);
    cluster.kubectl(&["create", "deployment", "web", "--image=i:1", "--replicas=2", "-n", namespace]);
    cluster.kubectl(&["create", "service", "clusterip", "web", "--tcp=80", "-n", namespace]);
    let map = format!("/api/v1/namespaces/{namespace}/configmaps/map");
    let web = format!("/apis/apps/v1/namespaces/{namespace}/deployments/web");
    let service = format!("/api/v1/namespaces/{namespace}/services/web");
    let before = object(&cluster, &map).await;
    let taken = cluster
        .backup(&[cluster.raw(&map).await, cluster.raw(&web).await, cluster.raw(&service).await])
        .await;
    cluster.kubectl(&[
        "patch",
        "configmap",
        "map",
        "-n",
        namespace,
        "-p",
        r#"{"data":{"a":"2","c":"3","b":null}}"#,
    ]);
    cluster.kubectl(&["set", "image", "deployment/web", "*=i:2", "-n", namespace]);
    cluster.kubectl(&[
        "patch",
        "service",
        "web",
        "-n",
        namespace,
        "-p",
        r#"{"spec":{"ports":[{"name":"80","port":80,"targetPort":81}]}}"#,
    ]);
    let report = twice(&taken, &cluster, Existing::Update).await;
    assert_eq!((report.counts.updated, report.counts.failed), (3, 0), "{:?}", report.tally);
    let after = object(&cluster, &map).await;
    assert_eq!(after["data"], json!({ "a": "1", "b": "1" }));
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"], "it was made anew");
    let image = ".spec.template.spec.containers[0].image";
    assert_eq!(cluster.field(&["deployment", "web", "-n", namespace], image), "i:1");
    assert_eq!(cluster.field(&["service", "web", "-n", namespace], ".spec.ports[0].targetPort"), "80");
}

#[tokio::test]
async fn what_cannot_be_updated_is_named_and_replaced_where_that_is_asked() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "existing-replace";
    cluster.kubectl(&["create", "namespace", namespace]);
    let secret = |word: &str| {
        let metadata = json!({ "name": "fixed", "namespace": namespace });
        let data = json!({ "word": word });
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data, "immutable": true }).to_string()
    };
    cluster.apply(&secret("right"));
    let path = format!("/api/v1/namespaces/{namespace}/secrets/fixed");
    let taken = cluster.backup(&[cluster.raw(&path).await]).await;
    cluster.kubectl(&["delete", "secret", "fixed", "-n", namespace]);
    cluster.apply(&secret("wrong"));
    let live = object(&cluster, &path).await;

    let report = taken.restore_as(&cluster, &asked(Existing::Update), "run-0").await.unwrap();
    assert_eq!((report.counts.updated, report.counts.failed), (0, 1), "{:?}", report.tally);
    assert!(report.tally.failures[0].message.contains("updated in place"), "{:?}", report.tally.failures);
    assert_eq!(object(&cluster, &path).await["metadata"]["uid"], live["metadata"]["uid"]);

    let report = twice(&taken, &cluster, Existing::Replace).await;
    assert_eq!((report.counts.replaced, report.counts.failed), (1, 0), "{:?}", report.tally);
    let after = object(&cluster, &path).await;
    assert_ne!(after["metadata"]["uid"], live["metadata"]["uid"]);
    assert_eq!(after["data"]["word"], "cmlnaHQ=");
}

#[tokio::test]
async fn what_the_server_would_not_take_back_is_not_deleted() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "existing-refused";
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.kubectl(&["create", "configmap", "map", "-n", namespace, "--from-literal=a=1"]);
    let bad = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": { "not a key": "1" },
        "metadata": { "name": "map", "namespace": namespace, "uid": "0a" },
    });
    let taken = cluster.backup_of(&[&bad.to_string()]).await;
    let report = taken.restore_as(&cluster, &asked(Existing::Replace), "run-1").await.unwrap();
    assert_eq!((report.counts.replaced, report.counts.failed), (0, 1), "{:?}", report.tally);
    assert!(report.tally.failures[0].message.contains("not deleted"), "{:?}", report.tally.failures);
    assert_eq!(cluster.field(&["configmap", "map", "-n", namespace], ".data.a"), "1");
}

#[tokio::test]
async fn what_a_replaced_object_owns_stays_and_is_its_again() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "existing-owner";
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.kubectl(&["create", "configmap", "root", "-n", namespace, "--from-literal=a=1"]);
    let path = |name: &str| format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
    let root = object(&cluster, &path("root")).await;
    let owners =
        json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "root", "uid": root["metadata"]["uid"] }]);
    let metadata = json!({ "name": "child", "namespace": namespace, "ownerReferences": owners });
    cluster.apply(&json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata }).to_string());
    let taken = cluster.backup(&[cluster.raw(&path("child")).await, cluster.raw(&path("root")).await]).await;
    cluster.kubectl(&["patch", "configmap", "root", "-n", namespace, "-p", r#"{"data":{"a":"2"}}"#]);
    let child = object(&cluster, &path("child")).await;
    let report = twice(&taken, &cluster, Existing::Replace).await;
    assert_eq!((report.counts.replaced, report.counts.same), (1, 1), "{:?}", report.tally);
    let (new, after) = (object(&cluster, &path("root")).await, object(&cluster, &path("child")).await);
    assert_ne!(new["metadata"]["uid"], root["metadata"]["uid"]);
    assert_eq!(after["metadata"]["uid"], child["metadata"]["uid"], "it went with its owner");
    assert_eq!(after["metadata"]["ownerReferences"][0]["uid"], new["metadata"]["uid"]);
}

#[tokio::test]
async fn a_volume_and_its_claim_are_never_changed() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "existing-volume";
    cluster.kubectl(&["create", "namespace", namespace]);
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": "data", "namespace": namespace, "labels": { "a": "1" } },
        "spec": { "accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": { "requests": { "storage": "1Gi" } } },
    });
    cluster.apply(&claim.to_string());
    let path = format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/data");
    let taken = cluster.backup(&[cluster.raw(&path).await]).await;
    cluster.kubectl(&["label", "pvc", "data", "a=2", "--overwrite", "-n", namespace]);
    let live = object(&cluster, &path).await;
    let report = taken.restore_as(&cluster, &asked(Existing::Replace), "run-1").await.unwrap();
    assert_eq!((report.counts.differs, report.counts.replaced), (1, 0), "{:?}", report.tally);
    assert_eq!(object(&cluster, &path).await["metadata"]["uid"], live["metadata"]["uid"]);
}
