//! What a plan foretells, and that the server then does just that: what it was said to refuse, and nothing else.

use daytwo_core::finding::Finding;
use daytwo_core::restore::Report;

use crate::harness::{Cluster, all_well, cluster, everything};

/// A namespace that is there, with its default ServiceAccount, without which no pod is taken.
fn live(cluster: &Cluster, name: &str, labels: &[&str]) {
    cluster.kubectl(&["create", "namespace", name]);
    if !labels.is_empty() {
        cluster.kubectl(&[&["label", "namespace", name], labels].concat());
    }
    cluster.wait_for(&["serviceaccount", "default", "-n", name], ".metadata.name", "default");
    cluster.wait_for(&["configmap", "kube-root-ca.crt", "-n", name], ".metadata.name", "kube-root-ca.crt");
}

fn map(namespace: &str, name: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"{namespace}"}}}}"#
    )
}

/// A pod; what it says of itself, and what its container does.
fn pod(namespace: &str, name: &str, spec: &str, container: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{name}","namespace":"{namespace}"}},"spec":{{"containers":[{{"name":"a","image":"registry.k8s.io/pause:3.10"{container}}}]{spec}}}}}"#
    )
}

/// What a plan of `objects` foretells about `subject`, by id and evidence, and what then came of them.
async fn foretold(cluster: &Cluster, objects: &[String], subject: &str) -> (Vec<(String, String)>, Report) {
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    let taken = cluster.backup_of(&objects).await;
    let planned = taken.plan(cluster, &everything()).await.report;
    let about = planned.tally.findings.iter().filter(|finding: &&Finding| finding.subject == subject);
    let about = about.map(|finding| (finding.id.clone(), finding.evidence.clone())).collect();
    (about, taken.restore(cluster).await)
}

fn failed(report: &Report) -> Vec<&str> {
    let mut names: Vec<&str> = report.tally.failures.iter().map(|one| one.object.name.as_str()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_service_whose_node_port_is_taken_is_foretold_with_who_has_it() {
    let Some(cluster) = cluster().await else { return };
    let (holder, namespace) = ("preflight-holder", "preflight-clash");
    live(&cluster, holder, &[]);
    let service = |namespace: &str, port: u16| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"web","namespace":"{namespace}"}},"spec":{{"type":"NodePort","ports":[{{"port":80,"nodePort":{port}}}],"selector":{{"app":"x"}}}}}}"#
        )
    };
    cluster.apply(&service(holder, 30_031));
    let subject = format!("services/{namespace}/web");
    let (found, report) = foretold(&cluster, &[service(namespace, 30_031)], &subject).await;
    let evidence = format!("1 Services: {subject} had TCP/30031, which services/{holder}/web has");
    assert_eq!(found, [("restore-node-port-taken".to_owned(), evidence)]);
    assert_eq!(report.counts.failed, 0, "{:?}", report.tally.failures);
    assert!(!report.is_clean(), "whoever called the port has to be told");
    assert_ne!(cluster.field(&["service", "web", "-n", namespace], ".spec.ports[0].nodePort"), "30031");
    // Restored, it clashes with nobody; and the holder is not in its own way.
    let (found, report) = foretold(&cluster, &[service(namespace, 30_031)], &subject).await;
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(report.counts.created, 0);
}

#[tokio::test]
async fn a_quota_takes_what_was_said_to_fit_and_refuses_what_was_not() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "preflight-quota";
    live(&cluster, namespace, &[]);
    cluster.apply(&format!(
        r#"{{"apiVersion":"v1","kind":"ResourceQuota","metadata":{{"name":"few","namespace":"{namespace}"}},"spec":{{"hard":{{"configmaps":"3","count/secrets":"5","requests.cpu":"1"}}}}}}"#
    ));
    let quota = ["resourcequota", "few", "-n", namespace];
    cluster.wait_for(&quota, ".status.used.configmaps", "1");
    let subject = format!("resourcequotas/{namespace}/few");
    let cpu = |amount: &str| format!(r#","resources":{{"requests":{{"cpu":"{amount}"}}}}"#);
    let fits = [map(namespace, "a"), map(namespace, "b"), pod(namespace, "small", "", &cpu("0.4"))];
    let (found, report) = foretold(&cluster, &fits, &subject).await;
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(failed(&report), [""; 0]);
    // The third ConfigMap is one too many, and so are 700m of CPU beside 400m.
    let beyond =
        [map(namespace, "c"), pod(namespace, "large", "", &cpu("700m")), pod(namespace, "unset", "", "")];
    let (found, report) = foretold(&cluster, &beyond, &subject).await;
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["restore-quota-unset", "restore-quota-exceeded"]);
    assert_eq!(
        found[1].1,
        "configmaps: 3 of 3 used, the backup adds 1, 1 too much; requests.cpu: 400m of 1 used, the backup adds 700m, 100m too much"
    );
    assert_eq!(failed(&report), ["c", "large", "unset"]);
}

#[tokio::test]
async fn a_limit_range_refuses_just_the_pods_and_claims_that_were_foretold() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "preflight-limits";
    live(&cluster, namespace, &[]);
    cluster.apply(&format!(
        r#"{{"apiVersion":"v1","kind":"LimitRange","metadata":{{"name":"l","namespace":"{namespace}"}},"spec":{{"limits":[
            {{"type":"Container","max":{{"cpu":"1"}},"min":{{"memory":"4Mi"}},"default":{{"cpu":"500m","memory":"8Mi"}}}},
            {{"type":"Pod","max":{{"memory":"1Gi"}}}},
            {{"type":"PersistentVolumeClaim","max":{{"storage":"1Gi"}}}}]}}}}"#
    ));
    let limits = |text: &str| format!(r#","resources":{{"limits":{{{text}}}}}"#);
    let claim = |name: &str, size: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{{"name":"{name}","namespace":"{namespace}"}},"spec":{{"accessModes":["ReadWriteOnce"],"storageClassName":"","resources":{{"requests":{{"storage":"{size}"}}}}}}}}"#
        )
    };
    let objects = [
        pod(namespace, "fine-default", "", ""),
        pod(namespace, "fine", "", &limits(r#""cpu":"1","memory":"1Gi""#)),
        pod(namespace, "bad-cpu", "", &limits(r#""cpu":"1001m""#)),
        pod(namespace, "bad-memory", "", &limits(r#""memory":"4194303""#)),
        pod(namespace, "bad-pod", "", &limits(r#""memory":"1025Mi""#)),
        claim("fine", "1Gi"),
        claim("bad-claim", "1025Mi"),
    ];
    let (found, report) = foretold(&cluster, &objects, &format!("limitranges/{namespace}/l")).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].1.starts_with("it refuses 4: "), "{}", found[0].1);
    let names = ["bad-claim", "bad-cpu", "bad-memory", "bad-pod"];
    assert!(names.iter().all(|name| found[0].1.contains(name)), "{}", found[0].1);
    assert_eq!(failed(&report), names);
}

/// Pods by name; `bad-` those that are not even baseline, `soft-` those that are only that, `hard-` the others.
fn pods(namespace: &str) -> Vec<String> {
    let context = |text: &str| format!(r#","securityContext":{{{text}}}"#);
    let hard = r#""allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}"#;
    let safe = r#","securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}}"#;
    let rows: Vec<(&str, String, String)> = vec![
        ("hard", safe.into(), context(hard)),
        ("hard-volume", format!(r#"{safe},"volumes":[{{"name":"v","emptyDir":{{}}}}]"#), context(hard)),
        (
            "hard-bind",
            safe.into(),
            context(&hard.replace(r#""drop""#, r#""add":["NET_BIND_SERVICE"],"drop""#)),
        ),
        ("soft", String::new(), String::new()),
        ("soft-escalation", safe.into(), String::new()),
        ("soft-root", safe.into(), context(&format!(r#"{hard},"runAsUser":0"#))),
        ("soft-seccomp", safe.replace(r#","seccompProfile":{"type":"RuntimeDefault"}"#, ""), context(hard)),
        (
            "soft-nfs",
            format!(r#"{safe},"volumes":[{{"name":"v","nfs":{{"server":"s","path":"/"}}}}]"#),
            context(hard),
        ),
        ("soft-add", safe.into(), context(&hard.replace(r#""drop""#, r#""add":["CHOWN"],"drop""#))),
        ("bad-privileged", String::new(), context(r#""privileged":true"#)),
        ("bad-capability", String::new(), context(r#""capabilities":{"add":["NET_ADMIN"]}"#)),
        ("bad-network", r#","hostNetwork":true"#.into(), String::new()),
        ("bad-path", r#","volumes":[{"name":"v","hostPath":{"path":"/tmp"}}]"#.into(), String::new()),
        ("bad-port", String::new(), r#","ports":[{"containerPort":80,"hostPort":80}]"#.into()),
        (
            "bad-sysctl",
            r#","securityContext":{"sysctls":[{"name":"kernel.msgmax","value":"1"}]}"#.into(),
            String::new(),
        ),
        ("bad-seccomp", String::new(), context(r#""seccompProfile":{"type":"Unconfined"}"#)),
        ("bad-selinux", String::new(), context(r#""seLinuxOptions":{"type":"spc_t"}"#)),
        ("bad-apparmor", String::new(), context(r#""appArmorProfile":{"type":"Unconfined"}"#)),
        ("bad-probe", String::new(), r#","livenessProbe":{"httpGet":{"host":"192.0.2.1","port":80}}"#.into()),
    ];
    rows.iter().map(|(name, spec, container)| pod(namespace, name, spec, container)).collect()
}

#[tokio::test]
async fn pod_security_refuses_just_the_pods_that_were_foretold() {
    let Some(cluster) = cluster().await else { return };
    for (level, refused) in [("baseline", &["bad-"][..]), ("restricted", &["bad-", "soft"])] {
        let namespace = format!("preflight-{level}");
        live(&cluster, &namespace, &[&format!("pod-security.kubernetes.io/enforce={level}")]);
        let objects = pods(&namespace);
        let (found, report) = foretold(&cluster, &objects, &format!("namespaces/{namespace}")).await;
        let names = failed(&report);
        let count = if level == "baseline" { 10 } else { 16 };
        assert_eq!(names.len(), count, "{level}: {names:?}");
        assert!(names.iter().all(|name| refused.iter().any(|start| name.starts_with(start))), "{names:?}");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "restore-pod-security");
        let said = format!("it enforces {level}, which {count} do not meet: ");
        assert!(found[0].1.starts_with(&said), "{}", found[0].1);
    }
}

#[tokio::test]
async fn a_workload_whose_pods_the_level_refuses_is_created_and_foretold() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "preflight-workload";
    live(&cluster, namespace, &["pod-security.kubernetes.io/enforce=restricted"]);
    let deployment = format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"d","namespace":"{namespace}"}},"spec":{{"replicas":1,"selector":{{"matchLabels":{{"a":"b"}}}},"template":{{"metadata":{{"labels":{{"a":"b"}}}},"spec":{{"containers":[{{"name":"a","image":"x"}}]}}}}}}}}"#
    );
    let (found, report) = foretold(&cluster, &[deployment], &format!("namespaces/{namespace}")).await;
    assert_eq!(found[0].0, "restore-pod-security-pods");
    assert_eq!(report.counts.failed, 0);
    let condition = r#".status.conditions[?(@.type=="ReplicaFailure")].reason"#;
    cluster.wait_for(&["deployment", "d", "-n", namespace], condition, "FailedCreate");
}

#[tokio::test]
async fn a_live_webhook_that_nobody_answers_for_is_foretold_with_what_it_refuses() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "preflight-hook";
    live(&cluster, namespace, &[]);
    let name = "preflight-dead";
    cluster.apply(&format!(
        r#"{{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{{"name":"{name}"}},
        "webhooks":[{{"name":"w.example.com","failurePolicy":"Fail","sideEffects":"None","admissionReviewVersions":["v1"],"timeoutSeconds":1,
        "namespaceSelector":{{"matchLabels":{{"kubernetes.io/metadata.name":"{namespace}"}}}},"objectSelector":{{"matchExpressions":[{{"key":"pass","operator":"DoesNotExist"}}]}},
        "clientConfig":{{"service":{{"namespace":"{namespace}","name":"gone","port":443}}}},"rules":[{{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"],"scope":"*"}}]}}]}}"#
    ));
    // The server takes a new configuration into account a moment later.
    let asks = ["create", "configmap", "probe", "--dry-run=server", "-n", namespace];
    testbed::until(std::time::Duration::from_secs(60), "the webhook to refuse", || {
        Ok(cluster.plane.kubectl(&asks).is_err().then_some(()))
    })
    .unwrap();
    let passes = map(namespace, "passes").replace(r#""name":"#, r#""labels":{"pass":"yes"},"name":"#);
    let objects = [map(namespace, "a"), map(namespace, "b"), passes];
    let subject =
        format!("validatingwebhookconfigurations.admissionregistration.k8s.io/{name} w.example.com");
    let (found, report) = foretold(&cluster, &objects, &subject).await;
    cluster.kubectl(&["delete", "validatingwebhookconfiguration", name]);
    assert_eq!(found[0].0, "restore-webhook-dead");
    assert!(
        found[0].1.starts_with(&format!(
            "its Service {namespace}/gone does not exist; 2 objects are to be written"
        )),
        "{}",
        found[0].1
    );
    assert_eq!(failed(&report), ["a", "b"]);
}

#[tokio::test]
async fn the_version_that_would_take_a_custom_resource_is_named() {
    let Some(cluster) = cluster().await else { return };
    cluster.apply(
        r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"knobs.example.com"},
        "spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"knobs","singular":"knob","kind":"Knob","listKind":"KnobList"},
        "conversion":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"url":"https://127.0.0.1:1/"}}},
        "versions":[{"name":"v2","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}},
        {"name":"v1","served":false,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}"#,
    );
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/knobs.example.com", "--timeout=60s"]);
    let knob = |version: &str| {
        format!(
            r#"{{"apiVersion":"example.com/{version}","kind":"Knob","metadata":{{"name":"k","namespace":"preflight-knobs"}}}}"#
        )
    };
    for (version, says) in [("v1", "serve v1 again"), ("v1alpha1", "v2 would take them")] {
        let taken = cluster.backup_of(&[&knob(version)]).await;
        let report = taken.plan(&cluster, &everything()).await.report;
        let found = &report.tally.findings[0];
        assert_eq!(found.id, "restore-kind-not-served");
        assert!(found.remedy.starts_with(says), "{}", found.remedy);
    }
    all_well(&cluster.backup_of(&[&knob("v2")]).await.plan(&cluster, &everything()).await.report);
}

#[tokio::test]
async fn classes_that_are_missing_are_named_and_the_server_refuses_the_pods_of_them() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "preflight-classes";
    live(&cluster, namespace, &[]);
    let ingress = format!(
        r#"{{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{{"name":"web","namespace":"{namespace}"}},"spec":{{"ingressClassName":"none-such","defaultBackend":{{"service":{{"name":"web","port":{{"number":80}}}}}}}}}}"#
    );
    let objects = [
        pod(namespace, "of-priority", r#","priorityClassName":"none-such""#, ""),
        pod(namespace, "of-runtime", r#","runtimeClassName":"none-such""#, ""),
        ingress,
    ];
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    let taken = cluster.backup_of(&objects).await;
    let planned = taken.plan(&cluster, &everything()).await.report;
    let missing = |report: &Report| -> Vec<String> {
        let mut subjects: Vec<String> = report
            .tally
            .findings
            .iter()
            .filter(|finding| finding.id == "restore-class-missing")
            .map(|finding| finding.subject.clone())
            .collect();
        subjects.sort_unstable();
        subjects
    };
    let expected = [
        "ingressclasses.networking.k8s.io/none-such",
        "priorityclasses.scheduling.k8s.io/none-such",
        "runtimeclasses.node.k8s.io/none-such",
    ];
    assert_eq!(missing(&planned), expected);
    let report = taken.restore(&cluster).await;
    assert_eq!(failed(&report), ["of-priority", "of-runtime"]);
    // Who may not list classes is not told that they are missing: nobody knows.
    cluster.kubectl(&[
        "create",
        "clusterrole",
        "sees-no-class",
        "--verb=*",
        "--resource=pods,namespaces,ingresses.networking.k8s.io",
    ]);
    cluster.kubectl(&[
        "create",
        "clusterrolebinding",
        "sees-no-class",
        "--clusterrole=sees-no-class",
        "--user=sees-no-class",
    ]);
    let kubeconfig = cluster.plane.kubeconfig_for_user("sees-no-class", &[]).unwrap();
    let limited = cluster.through(&kubeconfig).await;
    let planned = taken.plan(&limited, &everything()).await.report;
    assert_eq!(missing(&planned), [""; 0]);
    let unseen = planned.tally.findings.iter().find(|finding| finding.id == "restore-not-foreseen").unwrap();
    assert!(unseen.evidence.contains("priorityclasses"), "{unseen:?}");
}
