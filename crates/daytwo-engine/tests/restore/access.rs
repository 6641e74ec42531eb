//! What a caller may not do is said before the restore, and is what the server then refuses.

use std::collections::BTreeSet;
use std::path::PathBuf;

use daytwo_core::finding::{Finding, Severity};
use daytwo_core::restore::{Existing, Report, Request};
use testbed::{Fault, FaultProxy, Rule};

use crate::harness::{Cluster, Taken, cluster, everything, namespace};

/// A user who may do some things in one namespace and little in another.
fn few(cluster: &Cluster, user: &str, here: &str, there: &str) {
    cluster.kubectl(&["create", "namespace", here]);
    cluster.kubectl(&["create", "namespace", there]);
    let seer = format!("{user}-sees");
    cluster.kubectl(&["create", "clusterrole", &seer, "--verb=get,list", "--resource=namespaces,nodes"]);
    let to = format!("--user={user}");
    cluster.kubectl(&["create", "clusterrolebinding", &seer, &format!("--clusterrole={seer}"), &to]);
    let resources = "--resource=configmaps,deployments,roles,rolebindings";
    for (namespace, verbs) in [(here, "--verb=get,list,create"), (there, "--verb=get,list")] {
        cluster.kubectl(&["create", "role", user, "-n", namespace, verbs, resources]);
        cluster.kubectl(&["create", "rolebinding", user, "-n", namespace, &format!("--role={user}"), &to]);
    }
}

fn map(namespace: &str, name: &str, more: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"{namespace}"{more}}}}}"#
    )
}

fn rbac(kind: &str, namespace: &str, name: &str, rest: &str) -> String {
    format!(
        r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"{kind}","metadata":{{"name":"{name}","namespace":"{namespace}"}},{rest}}}"#
    )
}

/// What is allowed and what is not, in both namespaces.
async fn mixed(cluster: &Cluster, here: &str, there: &str) -> Taken {
    let pods = r#""rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]"#;
    let maps = r#""rules":[{"verbs":["get"],"apiGroups":[""],"resources":["configmaps"]}]"#;
    let to = |kind: &str, role: &str| {
        format!(
            r#""roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"{kind}","name":"{role}"}},"subjects":[]"#
        )
    };
    let managers = r#","managedFields":[{"manager":"a","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{}}}]"#;
    let owned = r#","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"plain","uid":"1","blockOwnerDeletion":true}]"#;
    let objects = [
        map(here, "plain", ""),
        map(here, "shared", managers),
        map(there, "a", ""),
        map(there, "b", ""),
        map(here, "owned", owned),
        format!(
            r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"s","namespace":"{here}"}},"type":"Opaque"}}"#
        ),
        rbac("Role", here, "beyond", pods),
        rbac("Role", here, "within", maps),
        rbac("RoleBinding", here, "to-beyond", &to("Role", "beyond")),
        rbac("RoleBinding", here, "to-within", &to("Role", "within")),
        rbac("RoleBinding", here, "to-view", &to("ClusterRole", "view")),
        namespace(&format!("{here}-new")),
    ];
    cluster.backup_of(&objects.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// Subjects of the findings that something goes wrong for, with their verbs.
fn lacks(report: &Report) -> BTreeSet<String> {
    let denied = report.tally.findings.iter().filter(|finding| finding.id == "restore-not-allowed");
    let words = |finding: &Finding| {
        let verb = finding.evidence.strip_prefix("the caller may not ").unwrap();
        format!("{} {}", verb.split(' ').next().unwrap(), finding.subject)
    };
    denied.filter(|finding| finding.severity == Severity::Warning).map(words).collect()
}

#[tokio::test]
async fn what_the_caller_may_not_do_is_said_beforehand_and_is_what_the_server_refuses() {
    let Some(cluster) = cluster().await else { return };
    let (here, there) = ("access-here", "access-there");
    few(&cluster, "access-few", here, there);
    let kubeconfig = cluster.plane.kubeconfig_for_user("access-few", &[]).unwrap();
    let limited = cluster.through(&kubeconfig).await;
    let taken = mixed(&cluster, here, there).await;
    let planned = taken.plan(&limited, &everything()).await;
    let expected = [
        "bind clusterroles.rbac.authorization.k8s.io",
        "bind roles.rbac.authorization.k8s.io",
        "create configmaps",
        "create namespaces",
        "create secrets",
        "escalate roles.rbac.authorization.k8s.io",
        "patch configmaps",
    ];
    assert_eq!(
        lacks(&planned.report).iter().collect::<Vec<_>>(),
        expected,
        "{:?}",
        planned.report.tally.findings
    );
    let finding = |text: &str| {
        let found = planned.report.tally.findings.iter().find(|finding| finding.evidence.contains(text));
        found.unwrap_or_else(|| panic!("{text}: {:?}", planned.report.tally.findings))
    };
    let create = finding("may not create configmaps");
    assert!(create.evidence.contains(&format!("in namespace {there}; it is needed 2 times")), "{create:?}");
    // What it says to ask is asked so, and the answer is no.
    let command = create.command.as_ref().unwrap();
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    assert!(cluster.plane.kubectl_as(&kubeconfig, &words).is_err(), "{command} says yes");
    let bind = finding("may not bind clusterroles");
    let command = bind.command.as_ref().unwrap();
    assert_eq!(
        command,
        &format!("kubectl auth can-i bind clusterroles.rbac.authorization.k8s.io/view --namespace {here}")
    );
    let finalizers = finding("may not update configmaps/finalizers");
    assert_eq!(finalizers.severity, Severity::Info);
    assert!(finalizers.breaks.contains("OwnerReferencesPermissionEnforcement"), "{finalizers:?}");

    let report = taken.restore(&limited).await;
    // What is owned needs the patch only if its owner was not faster.
    let names = report.tally.failures.iter().map(|failed| failed.object.name.as_str());
    let refused: BTreeSet<&str> = names.filter(|name| *name != "owned").collect();
    let expected = ["a", "access-here-new", "b", "beyond", "s", "shared", "to-beyond", "to-view"];
    assert_eq!(refused.into_iter().collect::<Vec<_>>(), expected, "{:?}", report.tally.failures);
}

#[tokio::test]
async fn an_administrator_is_asked_about_once() {
    let Some(cluster) = cluster().await else { return };
    let proxy = FaultProxy::before_apiserver(cluster.plane).unwrap();
    let through = cluster.through(&proxy.kubeconfig()).await;
    let objects: Vec<String> = (0..20).map(|n| map(&format!("access-many-{n}"), "a", "")).collect();
    let taken = cluster.backup_of(&objects.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let planned = taken.plan(&through, &everything()).await;
    assert!(planned.report.is_clean(), "{:?}", planned.report.tally.findings);
    let reviews =
        proxy.take_seen().iter().filter(|seen| seen.path.contains("authorization.k8s.io/v1/self")).count();
    assert_eq!(reviews, 1);
}

#[tokio::test]
async fn a_caller_without_rights_to_change_or_delete_is_told_so_where_that_is_asked_for() {
    let Some(cluster) = cluster().await else { return };
    let (here, there) = ("access-change", "access-change-too");
    few(&cluster, "access-changer", here, there);
    cluster.kubectl(&["create", "configmap", "a", "-n", here, "--from-literal=other=1"]);
    let limited = cluster.plane.kubeconfig_for_user("access-changer", &[]).unwrap();
    let limited = cluster.through(&limited).await;
    let taken = cluster.backup_of(&[&map(here, "a", "")]).await;
    for (existing, expected) in [
        (Existing::Keep, None),
        (Existing::Update, Some("update configmaps")),
        (Existing::Replace, Some("delete configmaps")),
    ] {
        let planned = taken.plan(&limited, &Request { existing, ..everything() }).await;
        let lacks: Vec<String> = lacks(&planned.report).into_iter().collect();
        assert_eq!(lacks.first().map(String::as_str), expected, "{existing:?}");
        assert!(lacks.len() <= 1, "{lacks:?}");
    }
}

/// Through `proxy`, as `user`.
fn impersonates(proxy: &FaultProxy, user: &str) -> PathBuf {
    let text = std::fs::read_to_string(proxy.kubeconfig()).unwrap();
    let text = text.replace(r#""user": {}"#, &format!(r#""user": {{"as":"{user}"}}"#));
    assert!(text.contains(user), "{text}");
    let path = proxy.folder().join(user);
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn rules_that_the_server_does_not_list_are_reviewed_one_by_one_and_what_is_not_answered_is_said() {
    let Some(cluster) = cluster().await else { return };
    let (here, there) = ("access-single", "access-single-too");
    few(&cluster, "access-single", here, there);
    let taken = mixed(&cluster, here, there).await;
    let proxy = FaultProxy::before_apiserver(cluster.plane).unwrap();
    let limited = cluster.through(&impersonates(&proxy, "access-single")).await;
    let listed = lacks(&taken.plan(&limited, &everything()).await.report);
    assert!(listed.contains("create secrets"), "{listed:?}");

    let forbidden = || Fault::status(403, "Forbidden", "no reviews here");
    proxy.add(Rule::new(forbidden()).method("POST").with("/selfsubjectrulesreviews"));
    let single = taken.plan(&limited, &everything()).await;
    let unheard: BTreeSet<String> = lacks(&single.report).difference(&listed).cloned().collect();
    assert!(lacks(&single.report).is_superset(&listed), "{unheard:?}");
    // What a role holds only a list of rules can say.
    assert!(unheard.is_empty(), "{unheard:?}");

    proxy.add(Rule::new(forbidden()).method("POST").with("/selfsubjectaccessreviews"));
    let blind = taken.plan(&limited, &everything()).await.report;
    assert!(lacks(&blind).is_empty(), "{:?}", blind.tally.findings);
    let unknown = blind.tally.findings.iter().find(|finding| finding.id == "restore-rights-unknown").unwrap();
    assert!(unknown.evidence.contains("no reviews here"), "{unknown:?}");
}
