//! Admission webhooks: the last to come back, and never as a locked door.

use daytwo_core::restore::{Request, Skip, State, Webhooks};
use daytwo_engine::restore::{Detail, Runner};
use daytwo_engine::{Event, Observer};
use testbed::Hook;
use tokio_util::sync::CancellationToken;

use crate::harness::{Cluster, all_well, cluster, everything, namespace};

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

/// A configuration whose back end is `hook`, and the Service by which it is called.
fn hooked(name: &str, at: &str, hook: &Hook) -> (String, String) {
    let configuration = format!(
        r#"{{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{{"name":"{name}"}},
        "webhooks":[{{"name":"w.example.com","failurePolicy":"Fail","matchPolicy":"Equivalent","sideEffects":"None","admissionReviewVersions":["v1"],"timeoutSeconds":5,"namespaceSelector":{{"matchLabels":{{"kubernetes.io/metadata.name":"{at}"}}}},"objectSelector":{{}},
        "clientConfig":{{"caBundle":"{}","service":{{"namespace":"{at}","name":"hook","port":{}}}}},"rules":[{{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"],"scope":"*"}}]}}]}}"#,
        hook.ca_bundle(),
        hook.port()
    );
    let service = format!(
        r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"hook","namespace":"{at}"}},"spec":{{"type":"ExternalName","externalName":"localhost","sessionAffinity":"None"}}}}"#
    );
    (configuration, service)
}

fn parked() -> Request {
    Request { webhooks: Webhooks::Parked, ..everything() }
}

fn policy(cluster: &Cluster, name: &str) -> String {
    cluster.field(&["validatingwebhookconfiguration", name], ".webhooks[0].failurePolicy")
}

#[track_caller]
fn no_probe_is_left(cluster: &Cluster) {
    let all = cluster.kubectl(&["get", "validatingwebhookconfigurations", "--output=name"]);
    assert!(!all.contains("probe"), "{all}");
}

#[tokio::test]
async fn parked_webhooks_block_nothing_and_are_released_once_somebody_answers() {
    let Some(cluster) = cluster().await else { return };
    let at = "webhook-parked";
    let hook = Hook::start(&format!("hook.{at}.svc")).unwrap();
    hook.answers(false);
    let (one, service) = hooked("parked", at, &hook);
    let (other, _) = hooked("parked-by-hand", at, &hook);
    let taken = cluster.backup_of(&[&namespace(at), &one, &other, &service, &map(at)]).await;
    let planned = taken.plan(&cluster, &parked()).await.plan;
    assert_eq!(planned.phases.last().unwrap().name, "parked webhooks");

    let report = taken.restore_as(&cluster, &parked(), "run-1").await.unwrap();
    assert_eq!(report.counts.failed, 0, "{:?}", report.tally.failures);
    let ids: Vec<_> = report.tally.findings.iter().map(|finding| (&*finding.id, &*finding.subject)).collect();
    let subject = "validatingwebhookconfigurations.admissionregistration.k8s.io/";
    let named = |name: &str| format!("{subject}{name}");
    assert_eq!(
        ids,
        [
            ("restore-webhook-parked", &*named("parked")),
            ("restore-webhook-parked", &*named("parked-by-hand"))
        ]
    );
    assert!(
        report.tally.findings[0].evidence.contains("failed calling webhook"),
        "{:?}",
        report.tally.findings
    );
    assert_eq!(policy(&cluster, "parked"), "Ignore");
    cluster.kubectl(&["create", "configmap", "b", "-n", at]);

    let command = report.tally.findings[1].command.clone().unwrap();
    let (args, patch) = command.split_once(" -p '").unwrap();
    let mut args: Vec<&str> = args.split(' ').skip(1).collect();
    args.extend(["-p", patch.trim_end_matches('\'')]);
    cluster.kubectl(&args);
    assert_eq!(policy(&cluster, "parked-by-hand"), "Fail");
    cluster.kubectl(&["delete", "validatingwebhookconfiguration", "parked-by-hand"]);

    hook.answers(true);
    let (one, service, there) = (one.as_str(), service.as_str(), map(at));
    let taken = cluster.backup_of(&[one, service, &there]).await;
    let again = taken.restore(&cluster).await;
    all_well(&again);
    assert_eq!((again.counts.created, again.counts.same), (1, 2), "a parked one is half done");
    assert_eq!(policy(&cluster, "parked"), "Fail");
    let annotations = cluster.field(&["validatingwebhookconfiguration", "parked"], ".metadata.annotations");
    assert_eq!(annotations, "");
    assert!(hook.asked() > 0);
    no_probe_is_left(&cluster);
    let last = taken.restore_as(&cluster, &everything(), "run-2").await.unwrap();
    assert_eq!((last.counts.created, last.counts.same, last.counts.differs), (0, 3, 0));
    cluster.kubectl(&["delete", "validatingwebhookconfiguration", "parked"]);
}

#[tokio::test]
async fn a_webhook_whose_service_is_there_and_does_not_answer_stays_away() {
    let Some(cluster) = cluster().await else { return };
    let at = "webhook-silent";
    let hook = Hook::start(&format!("hook.{at}.svc")).unwrap();
    hook.answers(false);
    let (configuration, service) = hooked("silent", at, &hook);
    let taken = cluster.backup_of(&[&namespace(at), &configuration, &service, &map(at)]).await;
    let report = taken.restore(&cluster).await;
    assert_eq!(report.tally.skipped[&Skip::BackendNotReady].objects[0].name, "silent");
    let said = report.tally.notes.iter().any(|note| note.what.contains("failed calling webhook"));
    assert!(said, "{:?}", report.tally.notes);
    assert!(!cluster.exists(&["validatingwebhookconfiguration", "silent"]));
    // One that says no answers.
    hook.answers(true);
    hook.denies(true);
    let report = taken.restore_as(&cluster, &everything(), "run-2").await.unwrap();
    all_well(&report);
    assert_eq!(policy(&cluster, "silent"), "Fail");
    no_probe_is_left(&cluster);
    cluster.kubectl(&["delete", "validatingwebhookconfiguration", "silent"]);
}

#[tokio::test]
async fn a_webhook_at_a_url_that_nothing_here_fits_comes_back_once_anybody_is_there() {
    let Some(cluster) = cluster().await else { return };
    let hook = Hook::start("hook.webhook-url.svc").unwrap();
    hook.answers(false);
    let configuration = format!(
        r#"{{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{{"name":"outside"}},
        "webhooks":[{{"name":"w.example.com","failurePolicy":"Fail","matchPolicy":"Equivalent","sideEffects":"None","admissionReviewVersions":["v1"],"timeoutSeconds":5,"namespaceSelector":{{}},"objectSelector":{{}},
        "clientConfig":{{"caBundle":"{}","url":"https://127.0.0.1:{}/"}},"rules":[{{"operations":["CONNECT"],"apiGroups":["none.example.com"],"apiVersions":["v1"],"resources":["plants"],"scope":"*"}}]}}]}}"#,
        hook.ca_bundle(),
        hook.port()
    );
    let mut request = everything();
    request.waits.endpoints = jiff::SignedDuration::from_secs(2);
    let taken = cluster.backup_of(&[&configuration]).await;
    let report = taken.restore_as(&cluster, &request, "run-1").await.unwrap();
    assert_eq!(report.tally.skipped[&Skip::BackendNotReady].objects[0].name, "outside");
    hook.answers(true);
    let report = taken.restore_as(&cluster, &request, "run-2").await.unwrap();
    all_well(&report);
    assert_eq!(policy(&cluster, "outside"), "Fail");
    no_probe_is_left(&cluster);
    cluster.kubectl(&["delete", "validatingwebhookconfiguration", "outside"]);
}

/// Stops a run once it waits for parked webhooks.
struct UntilItReleases(CancellationToken);

impl Observer for UntilItReleases {
    fn event(&self, event: Event) {
        if matches!(&event, Event::Waiting { what, .. } if what == "releasing parked webhooks") {
            self.0.cancel();
        }
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_says_that_webhooks_are_parked_and_releases_them_when_it_goes_on() {
    let Some(cluster) = cluster().await else { return };
    let at = "webhook-stopped";
    let hook = Hook::start(&format!("hook.{at}.svc")).unwrap();
    hook.answers(false);
    let (configuration, service) = hooked("stopped", at, &hook);
    let taken = cluster.backup_of(&[&namespace(at), &configuration, &service]).await;
    let (backup, stop) = (taken.open().await, CancellationToken::new());
    let watcher = UntilItReleases(stop.clone());
    let runner = Runner { events: &watcher, ..taken.runner(&cluster, &backup, &stop) };
    let mut request = parked();
    request.waits.endpoints = jiff::SignedDuration::from_secs(60);
    let planned = runner.plan(&request, "run-1", Detail::Needed).await.unwrap();
    let report = runner.start(planned, "one").await.unwrap();
    let State::Stopped { stands, .. } = &report.state else { panic!("{:?}", report.state) };
    assert!(stands.iter().any(|what| what.contains("webhooks are parked")), "{stands:?}");
    hook.answers(true);
    let go_on = CancellationToken::new();
    let report = taken.runner(&cluster, &backup, &go_on).resume("run-1", "two").await.unwrap();
    all_well(&report);
    assert_eq!(policy(&cluster, "stopped"), "Fail");
    cluster.kubectl(&["delete", "validatingwebhookconfiguration", "stopped"]);
}
