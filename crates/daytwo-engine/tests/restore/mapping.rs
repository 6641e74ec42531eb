//! Namespaces under another name.

use daytwo_core::restore::NamespaceMapping;

use crate::harness::{all_well, cluster, everything};

#[tokio::test]
async fn a_copy_of_a_namespace_refers_to_itself() {
    let Some(cluster) = cluster().await else { return };
    let (from, to) = ("mapped-from", "mapped-to");
    let binding = format!(
        r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{{"name":"b","namespace":"{from}"}},"subjects":[{{"kind":"ServiceAccount","name":"robot","namespace":"{from}"}}],"roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"}}}}"#
    );
    let url = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"url","namespace":"{from}"}},"data":{{"url":"http://web.{from}.svc"}}}}"#
    );
    let namespace = format!(
        r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{from}","labels":{{"kubernetes.io/metadata.name":"{from}","team":"x"}}}},"spec":{{"finalizers":["kubernetes"]}}}}"#
    );
    let taken = cluster.backup_of(&[&binding, &url, &namespace]).await;
    let mut request = everything();
    request.namespace_mapping = NamespaceMapping::parse([format!("{from}:{to}").as_str()]).unwrap();
    let report = taken.restore_as(&cluster, &request, "run-1").await.unwrap();
    all_well(&report);
    assert!(!cluster.exists(&["namespace", from]));
    assert_eq!(cluster.field(&["rolebinding", "b", "-n", to], ".subjects[0].namespace"), to);
    assert_eq!(cluster.field(&["namespace", to], ".metadata.labels.team"), "x");
    let note = report.tally.notes.iter().find(|note| note.object.name == "url").unwrap();
    assert_eq!(note.what, format!("still names the namespace {from} in its content"));
    let again = taken.restore_as(&cluster, &request, "run-2").await.unwrap();
    all_well(&again);
    assert_eq!(again.counts.same, 3);
}
