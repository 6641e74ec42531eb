//! Webhooks and policies of the cluster that refuse what is restored: named at once, with the number of objects.

use std::sync::Mutex;
use std::time::Duration;

use daytwo_core::finding::Finding;
use daytwo_core::restore::Report;
use daytwo_engine::restore::{Detail, Runner};
use daytwo_engine::{Event, Observer};
use serde_json::{Value, json};
use testbed::{FaultProxy, Hook};
use tokio_util::sync::CancellationToken;

use crate::harness::{Cluster, Taken, all_well, cluster, everything};

const OBJECTS: usize = 70;
/// How long a webhook or a policy may take to be in force.
const PATIENCE: Duration = Duration::from_secs(60);

/// Keeps what a run notes.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn event(&self, event: Event) {
        if let Event::Note(note) = event {
            self.0.lock().unwrap().push(note);
        }
    }
}

impl Notes {
    #[track_caller]
    fn once(&self, what: &str) {
        let notes = self.0.lock().unwrap();
        assert_eq!(notes.iter().filter(|note| note.contains(what)).count(), 1, "{notes:?}");
    }
}

fn maps(namespace: &str) -> Vec<String> {
    let map = |n| {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"m{n:02}","namespace":"{namespace}"}}}}"#
        )
    };
    (0..OBJECTS).map(map).collect()
}

async fn backup(cluster: &Cluster, namespace: &str) -> Taken {
    cluster.kubectl(&["create", "namespace", namespace]);
    let objects = maps(namespace);
    cluster.backup_of(&objects.iter().map(String::as_str).collect::<Vec<_>>()).await
}

async fn restore(cluster: &Cluster, taken: &Taken, notes: &Notes) -> Report {
    let (backup, stop) = (taken.open().await, CancellationToken::new());
    let runner = Runner { events: notes, ..taken.runner(cluster, &backup, &stop) };
    let planned = runner.plan(&everything(), "run-1", Detail::Needed).await.unwrap();
    runner.start(planned, "the test").await.unwrap()
}

/// Waits until a ConfigMap in `namespace` is refused.
#[track_caller]
fn wait_until_refused(cluster: &Cluster, namespace: &str) {
    let probe = ["create", "configmap", "probe", "-n", namespace, "--dry-run=server"];
    testbed::until(PATIENCE, "the refusal to be in force", || {
        Ok(cluster.plane.kubectl(&probe).is_err().then_some(()))
    })
    .unwrap();
}

#[track_caller]
fn only<'a>(report: &'a Report, id: &str) -> &'a Finding {
    let found: Vec<&Finding> = report.tally.findings.iter().filter(|finding| finding.id == id).collect();
    assert_eq!(found.len(), 1, "{:?}", report.tally.findings);
    found[0]
}

#[tokio::test]
async fn a_live_webhook_that_does_not_answer_costs_its_pause_once_and_is_named_at_once() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "gates-silent";
    let taken = backup(&cluster, namespace).await;
    cluster.apply(&webhook("gates-silent", namespace, "None", "{}"));
    wait_until_refused(&cluster, namespace);
    let proxy = FaultProxy::before_apiserver(cluster.plane).unwrap();
    let through = cluster.through(&proxy.kubeconfig()).await;
    let notes = Notes::default();
    let report = restore(&through, &taken, &notes).await;
    assert_eq!(report.counts.failed, OBJECTS as u64, "{:?}", report.tally);
    let finding = only(&report, "restore-webhook-refuses");
    assert!(finding.subject.contains("gates-silent.example.com"), "{finding:?}");
    assert!(
        finding.evidence.contains("does not answer") && finding.evidence.contains("70 objects"),
        "{finding:?}"
    );
    notes.once("gates-silent.example.com");
    let posts = proxy
        .take_seen()
        .iter()
        .filter(|seen| seen.method == "POST" && seen.path.contains("/configmaps"))
        .count();
    // Those that were under way when it was found out are tried twice, no other.
    assert!(posts <= OBJECTS + everything().in_flight(), "{posts} requests for {OBJECTS} objects");
    // The command of the finding shows whose it is.
    let (columns, names) = (
        "custom-columns=NAME:.metadata.name,WEBHOOKS:.webhooks[*].name",
        "validatingwebhookconfigurations,mutatingwebhookconfigurations",
    );
    assert!(cluster.kubectl(&["get", names, "-o", columns]).contains("gates-silent.example.com"));

    cluster.kubectl(&["delete", "validatingwebhookconfiguration", "gates-silent"]);
    testbed::until(PATIENCE, "the webhook to be out of force", || {
        let probe = ["create", "configmap", "probe", "-n", namespace, "--dry-run=server"];
        Ok(cluster.plane.kubectl(&probe).is_ok().then_some(()))
    })
    .unwrap();
    let again = taken.restore_as(&cluster, &everything(), "run-2").await.unwrap();
    all_well(&again);
    assert_eq!(again.counts.created, OBJECTS as u64);
}

#[tokio::test]
async fn a_live_webhook_that_says_no_is_named_at_once_with_the_number_of_objects() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "gates-denied";
    let taken = backup(&cluster, namespace).await;
    let hook = Hook::start(&format!("nothing.{namespace}.svc")).unwrap();
    hook.denies(true);
    let mut configuration: Value =
        serde_json::from_str(&webhook("gates-denied", namespace, "None", "{}")).unwrap();
    configuration["webhooks"][0]["clientConfig"] =
        json!({ "url": format!("https://127.0.0.1:{}/", hook.port()), "caBundle": hook.ca_bundle() });
    cluster.apply(&configuration.to_string());
    wait_until_refused(&cluster, namespace);
    let notes = Notes::default();
    let report = restore(&cluster, &taken, &notes).await;
    assert_eq!(report.counts.failed, OBJECTS as u64, "{:?}", report.tally);
    let finding = only(&report, "restore-webhook-refuses");
    assert!(finding.evidence.contains("70 objects"), "{finding:?}");
    notes.once("gates-denied.example.com");
    cluster.kubectl(&["delete", "validatingwebhookconfiguration", "gates-denied"]);
}

#[tokio::test]
async fn a_policy_that_denies_is_named_once_with_the_number_of_objects() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "gates-policy";
    let taken = backup(&cluster, namespace).await;
    cluster.apply(&policy("gates-policy", namespace, "object.metadata.name == 'm00'"));
    wait_until_refused(&cluster, namespace);
    let notes = Notes::default();
    let report = restore(&cluster, &taken, &notes).await;
    assert_eq!((report.counts.created, report.counts.failed), (1, OBJECTS as u64 - 1), "{:?}", report.tally);
    let finding = only(&report, "restore-policy-refuses");
    assert!(
        finding.subject.ends_with("/gates-policy") && finding.evidence.contains("69 objects"),
        "{finding:?}"
    );
    notes.once("/gates-policy: it denied");
    cluster.kubectl(&["delete", "validatingadmissionpolicybinding", "gates-policy"]);
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_named_with_the_number_of_objects() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "gates-quota";
    let taken = backup(&cluster, namespace).await;
    cluster.kubectl(&["create", "quota", "few", "-n", namespace, "--hard=count/configmaps=4"]);
    cluster.wait_for(&["quota", "few", "-n", namespace], ".status.hard.count/configmaps", "4");
    let notes = Notes::default();
    let report = restore(&cluster, &taken, &notes).await;
    assert!(report.counts.failed > 60, "{:?}", report.counts);
    let finding = only(&report, "restore-quota-refuses");
    assert_eq!(finding.subject, format!("resourcequotas/{namespace}/few"));
    assert!(finding.evidence.contains(&format!("{} objects", report.counts.failed)), "{finding:?}");
    notes.once("resourcequotas/gates-quota/few");
}

/// A webhook for ConfigMaps of one namespace, with nothing behind it.
pub fn webhook(name: &str, namespace: &str, effects: &str, objects: &str) -> String {
    format!(
        r#"{{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{{"name":"{name}"}},
        "webhooks":[{{"name":"{name}.example.com","failurePolicy":"Fail","sideEffects":"{effects}","admissionReviewVersions":["v1"],"timeoutSeconds":1,
        "namespaceSelector":{{"matchLabels":{{"kubernetes.io/metadata.name":"{namespace}"}}}},"objectSelector":{objects},
        "clientConfig":{{"service":{{"namespace":"{namespace}","name":"nothing","port":443}}}},
        "rules":[{{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"],"scope":"*"}}]}}]}}"#
    )
}

/// A policy that takes only such ConfigMaps in a namespace as `holds`.
pub fn policy(name: &str, namespace: &str, holds: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"List","items":[
        {{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy","metadata":{{"name":"{name}"}},
        "spec":{{"failurePolicy":"Fail","validations":[{{"expression":"{holds}"}}],"matchConstraints":{{"resourceRules":[{{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}}]}}}}}},
        {{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding","metadata":{{"name":"{name}"}},
        "spec":{{"policyName":"{name}","validationActions":["Deny"],"matchResources":{{"namespaceSelector":{{"matchLabels":{{"kubernetes.io/metadata.name":"{namespace}"}}}}}}}}}}]}}"#
    )
}
