//! What a restore changes on the way, as asked: it is done once, and not again.

use daytwo_core::restore::{
    Annotations, Changes, ClassMapping, ImageMapping, Modifiers, NamespaceMapping, Report, Request,
    StatusChoice,
};
use serde_json::{Value, json};

use crate::harness::{Cluster, Taken, all_well, cluster, everything};

fn asked(changes: Changes) -> Request {
    Request { changes, ..everything() }
}

fn rules(rules: &Value) -> Modifiers {
    let file = json!({ "version": "v1", "resourceModifierRules": rules });
    Modifiers::parse(file, &|text| serde_json::from_str(text).map_err(|error| error.to_string())).unwrap()
}

/// Restores twice: the second run finds nothing to do.
async fn twice(taken: &Taken, cluster: &Cluster, run: &str, changes: Changes) -> Report {
    let report = taken.restore_as(cluster, &asked(changes.clone()), run).await.unwrap();
    all_well(&report);
    let again = taken.restore_as(cluster, &asked(changes), &format!("{run}-again")).await.unwrap();
    all_well(&again);
    assert_eq!(
        (again.counts.total(), again.counts.created),
        (again.counts.same, 0),
        "{:?}",
        again.tally.resources
    );
    report
}

#[tokio::test]
async fn workloads_with_images_annotations_and_rules_of_their_own_are_restored_once() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "changes-workloads";
    let within = ["-n", namespace];
    let kubectl = |args: &[&str]| cluster.kubectl(&[args, &within[..]].concat());
    cluster.kubectl(&["create", "namespace", namespace]);
    kubectl(&["create", "deployment", "web", "--image=nginx:1", "--replicas=1"]);
    kubectl(&["create", "cronjob", "tick", "--image=quay.io/org/tick:1", "--schedule=0 0 1 1 *"]);
    kubectl(&["create", "configmap", "map", "--from-literal=a=1"]);
    cluster.wait_for(&["replicasets", "-n", namespace], ".items[*].status.replicas", "1");
    let set = cluster.field(&["replicasets", "-n", namespace], ".items[0].metadata.name");
    let mut objects = Vec::new();
    for path in [
        format!("/apis/apps/v1/namespaces/{namespace}/deployments/web"),
        format!("/apis/apps/v1/namespaces/{namespace}/replicasets/{set}"),
        format!("/apis/batch/v1/namespaces/{namespace}/cronjobs/tick"),
        format!("/api/v1/namespaces/{namespace}/configmaps/map"),
    ] {
        objects.push(cluster.raw(&path).await);
    }
    let taken = cluster.backup(&objects).await;
    cluster.lose_namespace(namespace);
    let env = r#"{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"tick","env":[{"name":"A","value":"1"}]}]}}}}}}"#;
    let about = |resource: &str| json!({ "groupResource": resource, "namespaces": [namespace] });
    let changes = Changes {
        images: ImageMapping::parse(["docker.io/library=mirror.example/hub", "quay.io=mirror.example/quay"])
            .unwrap(),
        annotations: Annotations::parse(["team=x"]).unwrap(),
        suspend_cronjobs: true,
        modifiers: rules(&json!([
            { "conditions": about("deployments.apps"), "patches": [{ "operation": "replace", "path": "/spec/revisionHistoryLimit", "value": "3" }] },
            { "conditions": about("*.batch"), "strategicPatches": [{ "patchData": env }] },
            { "conditions": about("configmaps"), "mergePatches": [{ "patchData": r#"{"data":{"a":null,"b":"2"}}"# }] },
            { "conditions": about("pods"), "patches": [{ "operation": "remove", "path": "/spec" }] },
        ])),
        ..Changes::default()
    };
    let report = twice(&taken, &cluster, "run", changes).await;

    let image = ".spec.template.spec.containers[0].image";
    let deployment = ["deployment", "web", "-n", namespace];
    assert_eq!(cluster.field(&deployment, image), "mirror.example/hub/nginx:1");
    assert_eq!(cluster.field(&deployment, ".spec.revisionHistoryLimit"), "3");
    cluster.wait_for(&deployment, ".status.replicas", "1");
    assert_eq!(
        cluster.field(&["replicasets", "-n", namespace], ".items[*].metadata.name"),
        set,
        "not adopted"
    );
    let job = ["cronjob", "tick", "-n", namespace];
    assert_eq!(cluster.field(&job, ".spec.suspend"), "true");
    let container = ".spec.jobTemplate.spec.template.spec.containers[0]";
    assert_eq!(cluster.field(&job, &format!("{container}.image")), "mirror.example/quay/org/tick:1");
    assert_eq!(cluster.field(&job, &format!("{container}.env[0].name")), "A");
    let map = ["configmap", "map", "-n", namespace];
    assert_eq!(cluster.field(&map, ".data"), r#"{"b":"2"}"#);
    assert_eq!(cluster.field(&map, ".metadata.annotations.team"), "x");
    let note = report.tally.notes.iter().find(|note| note.object.name == "tick").unwrap();
    assert!(note.what.contains("kubectl patch cronjob tick"), "{}", note.what);
    let changed: Vec<(&str, u64)> =
        report.tally.changed.iter().map(|(by, count)| (by.as_str(), *count)).collect();
    assert_eq!(
        changed,
        [
            ("image-mapping", 3),
            ("resource-modifiers rule 1", 1),
            ("resource-modifiers rule 2", 1),
            ("resource-modifiers rule 3", 1),
            ("resource-modifiers rule 4", 0),
            ("set-annotation", 4),
            ("suspend-cronjobs", 1),
        ]
    );
}

#[tokio::test]
async fn a_claim_and_its_volume_come_back_bound_under_another_class() {
    let Some(cluster) = cluster().await else { return };
    let name = "changes-classes";
    for class in ["changes-fast", "changes-ssd"] {
        cluster.apply(&format!(
            r#"{{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{{"name":"{class}"}},"provisioner":"kubernetes.io/no-provisioner"}}"#
        ));
    }
    cluster.kubectl(&["create", "namespace", name]);
    let mode = r#""accessModes":["ReadWriteOnce"],"storageClassName":"changes-fast""#;
    cluster.apply(&format!(
        r#"{{"apiVersion":"v1","kind":"PersistentVolume","metadata":{{"name":"{name}"}},"spec":{{{mode},"capacity":{{"storage":"1Gi"}},"hostPath":{{"path":"/tmp/{name}"}},"persistentVolumeReclaimPolicy":"Retain"}}}}"#
    ));
    cluster.apply(&format!(
        r#"{{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{{"name":"data","namespace":"{name}"}},"spec":{{{mode},"volumeName":"{name}","resources":{{"requests":{{"storage":"1Gi"}}}}}}}}"#
    ));
    let (claim, volume) = (["pvc", "data", "-n", name], ["pv", name]);
    cluster.wait_for(&claim, ".status.phase", "Bound");
    let objects = [
        cluster.raw(&format!("/api/v1/persistentvolumes/{name}")).await,
        cluster.raw(&format!("/api/v1/namespaces/{name}/persistentvolumeclaims/data")).await,
    ];
    let taken = cluster.backup(&objects).await;
    cluster.lose_namespace(name);
    cluster.kubectl(&["delete", "pv", name, "--wait=true", "--timeout=60s"]);

    let mapped = |to: &str| Changes {
        storage_classes: ClassMapping::parse([format!("changes-fast:{to}").as_str()]).unwrap(),
        ..Changes::default()
    };
    let planned = taken.plan(&cluster, &asked(mapped("changes-nowhere"))).await;
    let missing = planned.report.tally.findings.iter().find(|finding| finding.id == "restore-class-missing");
    assert_eq!(missing.unwrap().subject, "storageclasses.storage.k8s.io/changes-nowhere");

    twice(&taken, &cluster, "run", mapped("changes-ssd")).await;
    cluster.wait_for(&claim, ".status.phase", "Bound");
    for object in [&claim[..], &volume[..]] {
        assert_eq!(cluster.field(object, ".spec.storageClassName"), "changes-ssd");
    }
}

#[tokio::test]
async fn a_service_gets_new_ports_and_addresses_where_that_is_asked_though_its_own_are_free() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "changes-services";
    cluster.kubectl(&["create", "namespace", namespace]);
    // Both from the band that the server does not hand out by itself.
    let first = cluster.field(&["service", "kubernetes", "-n", "default"], ".spec.clusterIP");
    let address = format!("{}.9", first.rsplit_once('.').unwrap().0);
    cluster.apply(&format!(
        r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"web","namespace":"{namespace}"}},"spec":{{"type":"NodePort","clusterIP":"{address}","selector":{{"a":"b"}},"ports":[{{"port":80,"nodePort":30077}}]}}}}"#
    ));
    let path = format!("/api/v1/namespaces/{namespace}/services/web");
    let taken = cluster.backup(&[cluster.raw(&path).await]).await;
    let service = ["service", "web", "-n", namespace];
    let now =
        || (cluster.field(&service, ".spec.clusterIP"), cluster.field(&service, ".spec.ports[0].nodePort"));
    cluster.kubectl(&["delete", "service", "web", "-n", namespace]);
    twice(&taken, &cluster, "ports", Changes { new_node_ports: true, ..Changes::default() }).await;
    let (kept, port) = now();
    assert_eq!(kept, address);
    assert!(port != "30077" && !port.is_empty(), "{port}");
    cluster.kubectl(&["delete", "service", "web", "-n", namespace]);
    twice(&taken, &cluster, "addresses", Changes { new_cluster_ips: true, ..Changes::default() }).await;
    let (new, port) = now();
    assert_eq!(port, "30077");
    assert!(new != address && !new.is_empty(), "{new}");
}

#[tokio::test]
async fn a_built_in_kind_gets_its_status_back_only_where_that_is_asked() {
    let Some(cluster) = cluster().await else { return };
    let (namespace, bare) = ("changes-status", "changes-status-bare");
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.apply(&format!(
        r#"{{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{{"name":"web","namespace":"{namespace}"}},"spec":{{"defaultBackend":{{"service":{{"name":"web","port":{{"number":80}}}}}}}}}}"#
    ));
    let status = r#"{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.7"}]}}}"#;
    let patch =
        ["patch", "ingress", "web", "-n", namespace, "--subresource=status", "--type=merge", "-p", status];
    cluster.kubectl(&patch);
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/web");
    let taken = cluster.backup(&[cluster.raw(&path).await]).await;
    cluster.lose_namespace(namespace);

    let mut plain = everything();
    plain.namespace_mapping = NamespaceMapping::parse([format!("{namespace}:{bare}").as_str()]).unwrap();
    all_well(&taken.restore_as(&cluster, &plain, "run-0").await.unwrap());
    let address = ".status.loadBalancer.ingress[0].ip";
    assert_eq!(cluster.field(&["ingress", "web", "-n", bare], address), "");

    let choice = |resource: &str| Changes {
        status: StatusChoice::of(vec![resource.to_owned()]),
        ..Changes::default()
    };
    twice(&taken, &cluster, "run", choice("ingresses.networking.k8s.io")).await;
    assert_eq!(cluster.field(&["ingress", "web", "-n", namespace], address), "192.0.2.7");

    let planned = taken.plan(&cluster, &asked(choice("configmaps"))).await;
    assert_eq!(planned.report.tally.findings[0].id, "restore-status-impossible");
}

#[tokio::test]
async fn an_object_that_a_rule_cannot_change_is_named_and_not_restored_without_the_change() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "changes-unfit";
    let map = |name: &str| {
        let metadata = json!({ "name": name, "namespace": namespace });
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { name: "1" } })
            .to_string()
    };
    let taken = cluster.backup_of(&[&map("a"), &map("b")]).await;
    let changes = Changes {
        modifiers: rules(&json!([{
            "conditions": { "groupResource": "configmaps" },
            "patches": [{ "operation": "replace", "path": "/data/a", "value": "\"2\"" }],
        }])),
        ..Changes::default()
    };
    let planned = taken.plan(&cluster, &asked(changes.clone())).await;
    assert_eq!((planned.report.counts.created, planned.report.counts.failed), (1, 1));
    let report = taken.restore_as(&cluster, &asked(changes), "run-1").await.unwrap();
    assert_eq!((report.counts.created, report.counts.failed), (2, 1), "{:?}", report.tally);
    let failure = &report.tally.failures[0];
    assert_eq!((failure.object.name.as_str(), failure.reason.as_str()), ("b", "RuleNotApplied"));
    assert!(failure.message.contains("rule 1") && failure.message.contains("/data/a"), "{}", failure.message);
    assert_eq!(cluster.field(&["configmap", "a", "-n", namespace], ".data.a"), "2");
    assert!(!cluster.exists(&["configmap", "b", "-n", namespace]));
}
