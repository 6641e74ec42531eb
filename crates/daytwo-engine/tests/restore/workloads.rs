//! Pods and what makes them.

use crate::harness::{Cluster, all_well, cluster};

/// Waits until the Job controller has worked off what came before: a Job made now has its pod.
fn job_controller_caught_up(cluster: &Cluster, namespace: &str, name: &str) {
    cluster.apply(&format!(
        r#"{{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"{name}","namespace":"{namespace}"}},"spec":{{"template":{{"spec":{{"restartPolicy":"Never","containers":[{{"name":"c","image":"i"}}]}}}}}}}}"#
    ));
    cluster.wait_for(&["job", name, "-n", namespace], ".status.active", "1");
}

fn pods_of(cluster: &Cluster, namespace: &str, job: &str) -> String {
    let selector = format!("--selector=batch.kubernetes.io/job-name={job}");
    cluster.kubectl(&["get", "pods", "-n", namespace, &selector, "--output=name"])
}

#[tokio::test]
async fn a_finished_job_stays_finished_and_starts_no_pod() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "jobs-finished";
    let job = |name: &str, status: &str| {
        format!(
            r#"{{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"{name}","namespace":"{namespace}","uid":"0a","labels":{{"batch.kubernetes.io/controller-uid":"0a","job-name":"{name}"}}}},
            "spec":{{"parallelism":1,"completions":1,"backoffLimit":0,"selector":{{"matchLabels":{{"batch.kubernetes.io/controller-uid":"0a"}}}},"suspend":false,
            "template":{{"metadata":{{"labels":{{"batch.kubernetes.io/controller-uid":"0a","batch.kubernetes.io/job-name":"{name}","controller-uid":"0a","job-name":"{name}"}}}},"spec":{{"restartPolicy":"Never","containers":[{{"name":"c","image":"i"}}]}}}}}},"status":{status}}}"#
        )
    };
    let complete = r#"{"startTime":"2026-01-01T00:00:00Z","completionTime":"2026-01-01T00:01:00Z","succeeded":1,"ready":0,"uncountedTerminatedPods":{},
        "conditions":[{"type":"SuccessCriteriaMet","status":"True","reason":"CompletionsReached","lastProbeTime":"2026-01-01T00:01:00Z","lastTransitionTime":"2026-01-01T00:01:00Z"},{"type":"Complete","status":"True","reason":"CompletionsReached","lastProbeTime":"2026-01-01T00:01:00Z","lastTransitionTime":"2026-01-01T00:01:00Z"}]}"#;
    // As servers before 1.31 wrote it.
    let failed = r#"{"startTime":"2026-01-01T00:00:00Z","failed":1,"conditions":[{"type":"Failed","status":"True","reason":"BackoffLimitExceeded","lastTransitionTime":"2026-01-01T00:01:00Z"}]}"#;
    let taken = cluster
        .backup_of(&[
            &format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{namespace}"}}}}"#),
            &job("complete", complete),
            &job("failed", failed),
        ])
        .await;
    all_well(&taken.restore(&cluster).await);
    job_controller_caught_up(&cluster, namespace, "later");
    for (name, condition) in [("complete", "Complete"), ("failed", "Failed")] {
        let object = ["job", name, "-n", namespace];
        let path = format!(".status.conditions[?(@.type==\"{condition}\")].status");
        assert_eq!(cluster.field(&object, &path), "True", "{name}");
        assert_eq!(cluster.field(&object, ".spec.suspend"), "false", "{name}");
        assert_eq!(cluster.field(&object, ".metadata.annotations"), "", "{name}");
        assert_eq!(cluster.field(&object, ".status.startTime"), "2026-01-01T00:00:00Z", "{name}");
        assert_eq!(pods_of(&cluster, namespace, name), "", "{name}");
    }
    let job = |name: &str| format!("/apis/batch/v1/namespaces/{namespace}/jobs/{name}");
    assert_eq!(cluster.survives(namespace, &[&job("complete"), &job("failed")]).await, 3);
}

#[tokio::test]
async fn a_deployment_adopts_its_replica_sets_and_keeps_its_history() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "deployment-history";
    cluster.kubectl(&["create", "namespace", namespace]);
    let create = ["create", "deployment", "web", "--image=i:1", "--replicas=2", "-n", namespace];
    cluster.kubectl(&create);
    cluster.kubectl(&["set", "image", "deployment/web", "*=i:2", "-n", namespace]);
    let deployment = ["deployment", "web", "-n", namespace];
    cluster.wait_for(&deployment, ".metadata.annotations.deployment\\.kubernetes\\.io/revision", "2");
    let list = cluster.raw(&format!("/apis/apps/v1/namespaces/{namespace}/replicasets")).await;
    let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
    let mut objects =
        vec![cluster.raw(&format!("/apis/apps/v1/namespaces/{namespace}/deployments/web")).await];
    for item in list["items"].as_array().unwrap() {
        let name = item["metadata"]["name"].as_str().unwrap();
        objects.push(cluster.raw(&format!("/apis/apps/v1/namespaces/{namespace}/replicasets/{name}")).await);
    }
    objects.push(cluster.raw(&format!("/api/v1/namespaces/{namespace}")).await);
    let taken = cluster.backup(&objects).await;
    cluster.lose_namespace(namespace);
    let report = taken.restore(&cluster).await;
    assert_eq!(report.counts.failed, 0, "{:?}", report.tally.failures);
    assert_eq!(report.counts.created, 4);
    let uid = cluster.field(&deployment, ".metadata.uid");
    for item in list["items"].as_array().unwrap() {
        let name = item["metadata"]["name"].as_str().unwrap();
        cluster.wait_for(&["replicaset", name, "-n", namespace], ".metadata.ownerReferences[0].uid", &uid);
    }
    assert_eq!(
        cluster.field(&["replicasets", "-n", namespace], ".items[*].metadata.name").split(' ').count(),
        2
    );
    let history = cluster.kubectl(&["rollout", "history", "deployment/web", "-n", namespace]);
    assert!(history.contains("\n1 ") && history.contains("\n2 "), "{history}");
}

#[tokio::test]
async fn network_policies_are_there_before_pods_and_quotas_after() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "pods-guarded";
    let taken = cluster
        .backup_of(&[
            &format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{namespace}"}}}}"#),
            &format!(r#"{{"apiVersion":"v1","kind":"ResourceQuota","metadata":{{"name":"none","namespace":"{namespace}"}},"spec":{{"hard":{{"pods":"0","configmaps":"0","services":"0"}}}}}}"#),
            &format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c","namespace":"{namespace}"}}}}"#),
            &format!(r#"{{"apiVersion":"v1","kind":"ServiceAccount","metadata":{{"name":"default","namespace":"{namespace}"}}}}"#),
            &format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"bare","namespace":"{namespace}"}},"spec":{{"nodeName":"gone","containers":[{{"name":"c","image":"i"}}]}},"status":{{"phase":"Running"}}}}"#),
            &format!(r#"{{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{{"name":"deny","namespace":"{namespace}"}},"spec":{{"podSelector":{{}},"policyTypes":["Ingress"]}}}}"#),
        ])
        .await;
    let report = taken.restore(&cluster).await;
    all_well(&report);
    let waves: Vec<&str> = report.waves.iter().map(|wave| wave.wave.name()).collect();
    let place = |name: &str| waves.iter().position(|wave| *wave == name).unwrap();
    assert!(place("configuration") < place("pods") && place("pods") < place("limits"), "{waves:?}");
    assert_eq!(cluster.field(&["pod", "bare", "-n", namespace], ".spec.nodeName"), "");
    assert!(report.tally.notes.iter().any(|note| note.what.contains("gone")), "{:?}", report.tally.notes);
}
