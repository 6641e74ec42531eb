//! What may not be read is named, and makes the exit code 1; what cannot be told is 3.

use crate::Operator;

#[test]
fn a_reader_with_few_rights_gets_a_backup_that_says_what_is_missing() {
    let Some(operator) = Operator::new() else { return };
    operator.kubectl("create clusterrole few --verb=get,list --resource=configmaps,namespaces");
    operator.kubectl("create clusterrolebinding few --clusterrole=few --user=reader");
    let kubeconfig = operator.plane.kubeconfig_for_user("reader", &[]).unwrap();
    let line = format!(
        "backup create few --include-resources configmaps,secrets --kubeconfig {} -o json",
        kubeconfig.display()
    );
    let ran = operator.run(&line).exits(1).says("secrets");
    let made = ran.json();
    assert_eq!(made["phase"], "PartiallyFailed");
    let problems = made["problems"].as_array().unwrap();
    assert!(problems.iter().any(|problem| problem["resource"] == "secrets"), "{problems:?}");
    operator.run("backup verify few").exits(0);
    operator.run("backup list").exits(0).prints("PartiallyFailed");
}

#[test]
fn a_diff_with_what_may_not_be_read_is_unknown() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("unread");
    operator.run("backup create u --include-namespaces unread --include-resources secrets").exits(0);
    let kubeconfig = operator.plane.kubeconfig_for_user("nobody", &[]).unwrap();
    operator
        .run(&format!("backup diff u --live --kubeconfig {}", kubeconfig.display()))
        .exits(3)
        .says("secrets");
}

#[test]
fn an_unknown_context_is_usage() {
    let Some(operator) = Operator::new() else { return };
    operator.run("backup create x --context nowhere").exits(2).says("nowhere");
}

#[test]
fn a_restorer_with_few_rights_is_told_beforehand_what_is_not_allowed_and_how_to_ask() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("rights");
    operator.run("backup create rights --include-namespaces rights --include-resources cm,secrets").exits(0);
    operator.kubectl("delete configmap settings -n rights");
    operator.kubectl("delete secret db -n rights");
    operator.kubectl("create role some -n rights --verb=get,list,create --resource=configmaps");
    operator.kubectl("create rolebinding some -n rights --role=some --user=restorer");
    operator.kubectl("create clusterrole restorer --verb=get,list --resource=namespaces,nodes,secrets");
    operator.kubectl("create clusterrolebinding restorer --clusterrole=restorer --user=restorer");
    let kubeconfig = operator.plane.kubeconfig_for_user("restorer", &[]).unwrap();
    let create = format!("restore create --from rights --kubeconfig {}", kubeconfig.display());
    let foreseen = operator.run(&format!("{create} --dry-run -o json")).exits(1).json();
    crate::conform::conforms(&foreseen);
    let shown = operator.run(&format!("{create} --dry-run")).exits(1);
    shown
        .prints("may not create secrets in namespace rights")
        .prints("kubectl auth can-i create secrets --namespace rights");
    operator.run(&format!("{create} --dry-run=server")).exits(5).prints("secrets/rights/db: 403 Forbidden");
    operator.run(&create).exits(5).prints("secrets/rights/db: 403 Forbidden");
    assert!(operator.kubectl("get cm -n rights -o name").contains("settings"));
}
