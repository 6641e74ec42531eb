//! A plan compared field by field, before anything is written.

use daytwo_core::diff::{Origin, Secrets};
use daytwo_core::restore::{Existing, Request};
use daytwo_engine::restore::{Comparing, Comparison, Planned};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::harness::{Cluster, Taken, cluster, everything};

async fn compare(taken: &Taken, cluster: &Cluster, planned: &Planned, most: usize) -> Comparison {
    let (backup, stop) = (taken.open().await, CancellationToken::new());
    let runner = taken.runner(cluster, &backup, &stop);
    runner.compare(planned, Comparing { secrets: Secrets::Hide, most }).await.unwrap()
}

/// Each object that was compared, and its fields: path, backup's, live, sent.
fn told(planned: &Planned, comparison: &Comparison) -> Vec<String> {
    let objects = comparison.objects.iter().map(|compared| {
        let name = &planned.objects[compared.place].object.name;
        let fields = compared.fields.as_ref().unwrap().iter().map(|field| {
            let value = |value: &Option<Box<serde_json::value::RawValue>>| {
                value.as_deref().map_or("-", |value| value.get()).to_owned()
            };
            let values = [&field.backup, &field.live, &field.sent].map(value).join(" ");
            format!("{} {values}", field.path)
        });
        format!("{name}: {}", fields.collect::<Vec<_>>().join("; "))
    });
    objects.collect()
}

#[tokio::test]
async fn what_differs_is_compared_as_far_as_asked_and_the_rest_is_counted() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "view-most";
    cluster.kubectl(&["create", "namespace", namespace]);
    let mut objects = Vec::new();
    for name in ["one", "two", "three", "same"] {
        cluster.kubectl(&["create", "configmap", name, "-n", namespace, "--from-literal=a=1"]);
        objects.push(cluster.raw(&format!("/api/v1/namespaces/{namespace}/configmaps/{name}")).await);
    }
    let taken = cluster.backup(&objects).await;
    for name in ["one", "two", "three"] {
        cluster.kubectl(&["patch", "configmap", name, "-n", namespace, "-p", r#"{"data":{"a":"2"}}"#]);
    }
    let planned = taken.plan(&cluster, &Request { existing: Existing::Replace, ..everything() }).await;
    let all = compare(&taken, &cluster, &planned, usize::MAX).await;
    let mut lines = told(&planned, &all);
    lines.sort();
    assert_eq!(
        lines,
        [r#"one: data.a "1" "2" "1""#, r#"three: data.a "1" "2" "1""#, r#"two: data.a "1" "2" "1""#]
    );
    let one = compare(&taken, &cluster, &planned, 1).await;
    assert_eq!((one.objects.len(), one.differing_left_out, one.changed_left_out), (1, 2, 0));

    // One that goes meanwhile is told of, and the others are compared.
    cluster.kubectl(&["delete", "configmap", "one", "-n", namespace]);
    let gone = compare(&taken, &cluster, &planned, usize::MAX).await;
    let unknown: Vec<&String> =
        gone.objects.iter().filter_map(|compared| compared.fields.as_ref().err()).collect();
    assert_eq!(unknown, ["it is gone since it was listed"]);
    assert_eq!(gone.objects.len(), 3);
}

#[tokio::test]
async fn what_is_changed_on_the_way_is_shown_of_what_is_not_there() {
    let Some(cluster) = cluster().await else { return };
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": { "name": "view-gone", "uid": "old", "resourceVersion": "7" },
        "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "1Gi" }, "hostPath": { "path": "/tmp" },
            "claimRef": { "namespace": "view-way", "name": "c", "uid": "old-claim" },
            "persistentVolumeReclaimPolicy": "Delete", "storageClassName": "none"
        }
    });
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "plain", "namespace": "view-way" },
        "data": { "a": "1" }
    });
    let taken = cluster.backup(&[volume.to_string().into(), map.to_string().into()]).await;
    let planned = taken.plan(&cluster, &everything()).await;
    let comparison = compare(&taken, &cluster, &planned, usize::MAX).await;
    assert_eq!(
        told(&planned, &comparison),
        [r#"view-gone: spec.persistentVolumeReclaimPolicy "Delete" - "Retain""#]
    );
    let fields = comparison.objects[0].fields.as_ref().unwrap();
    assert_eq!(fields[0].from, Origin::Neither);
    assert_eq!(compare(&taken, &cluster, &planned, 0).await.changed_left_out, 1);
    assert!(!cluster.exists(&["persistentvolume", "view-gone"]), "a comparison wrote");
}
