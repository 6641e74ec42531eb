//! ServiceAccounts, their tokens, and what controllers put into every namespace.

use daytwo_core::restore::Action;

use crate::harness::{all_well, cluster, everything, journal};

#[tokio::test]
async fn the_default_account_that_its_controller_made_first_takes_over_the_backup_s() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "account-default";
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.wait_for(&["serviceaccount", "default", "-n", namespace], ".metadata.name", "default");
    let account = format!(
        r#"{{"apiVersion":"v1","kind":"ServiceAccount","metadata":{{"name":"default","namespace":"{namespace}","uid":"0a","labels":{{"a":"b"}}}},"imagePullSecrets":[{{"name":"registry"}}]}}"#
    );
    let taken = cluster.backup_of(&[&account]).await;
    let report = taken.restore(&cluster).await;
    all_well(&report);
    assert_eq!(report.counts.merged, 1);
    let object = ["serviceaccount", "default", "-n", namespace];
    assert_eq!(cluster.field(&object, ".imagePullSecrets[0].name"), "registry");
    assert_eq!(cluster.field(&object, ".metadata.labels.a"), "b");
    // Changed by somebody, it is left alone, and does not count as differing.
    cluster.kubectl(&["label", "serviceaccount", "default", "-n", namespace, "a=c", "--overwrite"]);
    let again = taken.restore_as(&cluster, &everything(), "run-2").await.unwrap();
    all_well(&again);
    assert_eq!(cluster.field(&object, ".metadata.labels.a"), "c");
}

#[tokio::test]
async fn a_token_secret_is_filled_anew_and_lives() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "account-token";
    let taken = cluster
        .backup_of(&[
            &crate::harness::namespace(namespace),
            &format!(r#"{{"apiVersion":"v1","kind":"ServiceAccount","metadata":{{"name":"robot","namespace":"{namespace}","uid":"0a"}}}}"#),
            &format!(
                r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"robot","namespace":"{namespace}","annotations":{{"kubernetes.io/service-account.name":"robot","kubernetes.io/service-account.uid":"0a"}}}},"data":{{"token":"b2xk","namespace":"b2xk","ca.crt":"b2xk"}},"type":"kubernetes.io/service-account-token"}}"#
            ),
        ])
        .await;
    all_well(&taken.restore(&cluster).await);
    let secret = ["secret", "robot", "-n", namespace];
    let uid = cluster.field(&["serviceaccount", "robot", "-n", namespace], ".metadata.uid");
    cluster.wait_for(&secret, ".metadata.annotations.kubernetes\\.io/service-account\\.uid", &uid);
    assert_ne!(cluster.field(&secret, ".data.token"), "b2xk");
    let again = taken.restore_as(&cluster, &everything(), "run-2").await.unwrap();
    all_well(&again);
    assert_eq!(again.counts.same, 3);
}

#[tokio::test]
async fn what_the_server_keeps_neither_collides_nor_differs() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "server-keeps";
    let service = cluster.raw("/api/v1/namespaces/default/services/kubernetes").await;
    let moved = String::from_utf8(service.to_vec()).unwrap().replace("10.0.0.1", "10.0.0.7");
    let taken = cluster
        .backup_of(&[
            &moved,
            &format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{namespace}"}}}}"#),
            &format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"kube-root-ca.crt","namespace":"{namespace}"}},"data":{{"ca.crt":"of another cluster"}}}}"#),
        ])
        .await;
    let report = taken.restore(&cluster).await;
    all_well(&report);
    assert_eq!((report.counts.created, report.counts.skipped), (1, 2));
    cluster.wait_for(
        &["configmap", "kube-root-ca.crt", "-n", namespace],
        ".metadata.name",
        "kube-root-ca.crt",
    );
    let ca = cluster.field(&["configmap", "kube-root-ca.crt", "-n", namespace], ".data.ca\\.crt");
    assert!(ca.starts_with("-----BEGIN"), "{ca}");
}

#[tokio::test]
async fn no_value_of_a_secret_stands_in_plan_journal_or_report() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "secret-values";
    let secret = |name: &str, kind: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"{name}","namespace":"{namespace}","annotations":{{"kubectl.kubernetes.io/last-applied-configuration":"planted-in-annotation"}}}},"data":{{"tls.crt":"cGxhbnRlZC12YWx1ZQ==","tls.key":"cGxhbnRlZC12YWx1ZQ=="}},"type":"{kind}"}}"#
        )
    };
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.kubectl(&[
        "create",
        "secret",
        "generic",
        "kept",
        "-n",
        namespace,
        "--from-literal=a=planted-live",
    ]);
    // Refused: an immutable type with a key that must not be there, quoted back by the server.
    let broken = secret("broken", "kubernetes.io/basic-auth").replace("tls.crt", "bad key!");
    let taken = cluster.backup_of(&[&secret("kept", "Opaque"), &secret("made", "Opaque"), &broken]).await;
    let planned = taken.plan(&cluster, &everything()).await;
    let report = taken.restore(&cluster).await;
    assert_eq!((report.counts.created, report.counts.differs, report.counts.failed), (1, 1, 1));
    let said = [
        serde_json::to_string(&planned.plan).unwrap(),
        serde_json::to_string(&planned.report).unwrap(),
        serde_json::to_string(&planned.objects).unwrap(),
        serde_json::to_string(&report).unwrap(),
        journal(&taken.location).await,
        format!("{planned:?}"),
    ]
    .concat();
    for planted in ["planted", "cGxhbnRlZC1"] {
        assert!(!said.contains(planted), "{planted}");
    }
    let kept = planned.objects.iter().find(|decided| decided.object.name == "kept").unwrap();
    assert_eq!(kept.action, Action::Differs);
}
