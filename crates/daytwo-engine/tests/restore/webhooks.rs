//! Admission webhooks: the last to come back, and never as a locked door.

use daytwo_core::restore::Skip;

use crate::harness::{cluster, everything};

fn webhook(name: &str, namespace: &str, policy: &str) -> String {
    format!(
        r#"{{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{{"name":"{name}"}},
        "webhooks":[{{"name":"w.example.com","failurePolicy":"{policy}","matchPolicy":"Equivalent","sideEffects":"None","admissionReviewVersions":["v1"],"timeoutSeconds":1,"namespaceSelector":{{"matchLabels":{{"kubernetes.io/metadata.name":"{namespace}"}}}},"objectSelector":{{}},
        "clientConfig":{{"service":{{"namespace":"{namespace}","name":"hook","port":443}}}},"rules":[{{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"],"scope":"*"}}]}}]}}"#
    )
}

fn map(namespace: &str) -> String {
    format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"a","namespace":"{namespace}"}}}}"#)
}

#[tokio::test]
async fn a_webhook_nobody_answers_for_stays_away_and_is_named() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "webhook-locked";
    let taken = cluster.backup_of(&[&webhook("locked", namespace, "Fail"), &map(namespace)]).await;
    let report = taken.restore(&cluster).await;
    assert_eq!(report.counts.failed, 0, "{:?}", report.tally.failures);
    assert_eq!(report.tally.skipped[&Skip::BackendNotReady].objects[0].name, "locked");
    assert!(!report.is_clean());
    cluster.kubectl(&["create", "configmap", "b", "-n", namespace]);
}

#[tokio::test]
async fn a_webhook_that_may_be_passed_by_comes_back_after_what_it_watches() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "webhook-open";
    let taken = cluster.backup_of(&[&webhook("open", namespace, "Ignore"), &map(namespace)]).await;
    let report = taken.restore_as(&cluster, &everything(), "run-1").await.unwrap();
    assert_eq!((report.counts.created, report.counts.failed), (3, 0));
    assert_eq!(report.waves.last().unwrap().wave.name(), "webhooks");
    assert!(cluster.exists(&["validatingwebhookconfiguration", "open"]));
}
