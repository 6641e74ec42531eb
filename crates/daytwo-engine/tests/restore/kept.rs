//! What is there already, and what a dry run says.

use daytwo_core::filter::Filter;
use daytwo_core::restore::{Action, State};

use crate::harness::{all_well, cluster, everything};

fn map(namespace: &str, name: &str, value: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"{namespace}","uid":"0a","resourceVersion":"1"}},"data":{{"v":"{value}"}}}}"#
    )
}

#[tokio::test]
async fn what_is_there_is_kept_and_what_differs_is_named() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "kept-differs";
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.kubectl(&["create", "configmap", "same", "-n", namespace, "--from-literal=v=1"]);
    cluster.kubectl(&["create", "configmap", "other", "-n", namespace, "--from-literal=v=2"]);
    let taken = cluster
        .backup_of(&[
            &map(namespace, "same", "1"),
            &map(namespace, "other", "1"),
            &map(namespace, "new", "1"),
        ])
        .await;
    let report = taken.restore(&cluster).await;
    assert_eq!((report.counts.created, report.counts.same, report.counts.differs), (1, 1, 1));
    assert_eq!(report.tally.differing[0].to_string(), format!("configmaps/{namespace}/other"));
    assert_eq!(cluster.field(&["configmap", "other", "-n", namespace], ".data.v"), "2");
    assert!(!report.is_clean());
}

#[tokio::test]
async fn a_dry_run_says_what_a_restore_does_and_writes_nothing() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "kept-dry";
    let taken = cluster.backup_of(&[&map(namespace, "a", "1"), &map(namespace, "b", "1")]).await;
    let planned = taken.plan(&cluster, &everything()).await;
    assert_eq!(planned.report.state, State::Planned);
    assert_eq!(planned.plan.impact.creates, 3, "two maps and their namespace");
    assert!(planned.objects.iter().all(|decided| decided.action == Action::Created));
    assert_eq!(planned.report.same_cluster, Some(true));
    assert!(!cluster.exists(&["namespace", namespace]));
    assert_eq!(taken.location.list_dirs("metadata").await.unwrap_or_default(), Vec::<String>::new());
    let report = taken.restore(&cluster).await;
    all_well(&report);
    assert_eq!(report.counts.created, 3);
    assert_eq!(report.tally.notes[0].what, "was made without labels: the backup does not hold it");
}

#[tokio::test]
async fn a_filter_takes_what_it_names_and_nothing_else() {
    let Some(cluster) = cluster().await else { return };
    let (one, two) = ("kept-filter-one", "kept-filter-two");
    let taken = cluster.backup_of(&[&map(one, "a", "1"), &map(two, "a", "1")]).await;
    let mut request = everything();
    request.filter = Filter { include_namespaces: vec![one.into()], ..Filter::default() };
    let report = taken.restore_as(&cluster, &request, "run-1").await.unwrap();
    assert_eq!(report.counts.total(), 2);
    assert!(cluster.exists(&["configmap", "a", "-n", one]) && !cluster.exists(&["namespace", two]));
}

#[tokio::test]
async fn one_bad_object_stops_no_other_and_the_server_s_reason_is_told() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "kept-bad";
    let bad = map(namespace, "bad", "1").replace(r#"{"v":"1"}"#, r#"{"not a key":"1"}"#);
    let taken = cluster.backup_of(&[&map(namespace, "a", "1"), &bad, &map(namespace, "c", "1")]).await;
    let report = taken.restore(&cluster).await;
    assert_eq!((report.counts.created, report.counts.failed), (3, 1));
    let failed = &report.tally.failures[0];
    assert_eq!(
        (failed.code, failed.reason.as_str(), failed.object.name.as_str()),
        (Some(422), "Invalid", "bad")
    );
    assert!(failed.message.contains("not a key"), "{}", failed.message);
}

#[tokio::test]
async fn a_single_manager_s_ownership_of_fields_survives() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "kept-manager";
    let object = map(namespace, "a", "1").replace(
        r#""uid":"0a""#,
        r#""managedFields":[{"manager":"helm","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{}}}]"#,
    );
    all_well(&cluster.backup_of(&[&object]).await.restore(&cluster).await);
    let shown = ["configmap", "a", "-n", namespace, "--show-managed-fields"];
    assert_eq!(cluster.field(&shown, ".metadata.managedFields[*].manager"), "helm");
}
