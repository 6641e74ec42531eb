//! A restore that deletes what the backup does not hold.

use crate::Operator;

#[test]
fn a_prune_deletes_what_came_after_the_backup_and_nothing_else() {
    let Some(operator) = Operator::new() else { return };
    for namespace in ["pruned", "beside"] {
        operator.fill(namespace);
    }
    operator.run("backup create before --include-namespaces pruned,beside").exits(0);
    for namespace in ["pruned", "beside"] {
        operator.kubectl(&format!("create configmap extra -n {namespace}"));
    }
    operator.kubectl("create deployment extra --image=registry.invalid/nothing -n pruned");
    operator.kubectl("create configmap kept -n pruned");
    operator.kubectl("label configmap kept -n pruned velero.io/exclude-from-backup=true");
    let there = |what: &str| operator.kubectl(&format!("get {what} -n pruned -o name"));
    testbed::until(crate::PATIENCE, "what the controllers make", || {
        Ok(there("pods").contains("extra").then_some(()))
    })
    .unwrap();

    let prune = "restore create --from before --include-namespaces pruned --prune";
    let shown = operator.run(&format!("{prune} --dry-run -o wide")).exits(0);
    let shown =
        shown.prints("TO-DELETE").prints("configmaps/pruned/extra").prints("deployments.apps/pruned/extra");
    for kept in
        ["kube-root-ca.crt is", "pods/pruned", "replicasets.apps/pruned", "beside", "configmaps/pruned/kept"]
    {
        assert!(!shown.stdout.contains(kept), "{kept}: {shown:?}");
    }
    assert!(there("configmaps").contains("extra"), "a dry run deleted");

    // Nobody is there to be asked.
    operator.run(prune).exits(4).says("would delete configmaps/pruned/extra").says("try: --yes");
    assert!(there("configmaps").contains("extra"), "deleted without a yes");

    operator.run(&format!("{prune} --yes")).exits(0).prints("DELETED");
    testbed::until(crate::PATIENCE, "what it owned to go too", || {
        Ok((!there("deployments,pods,configmaps").contains("extra")).then_some(()))
    })
    .unwrap();
    let configmaps = there("configmaps");
    assert!(configmaps.contains("kube-root-ca.crt") && configmaps.contains("settings"), "{configmaps}");
    assert!(configmaps.contains("kept"), "a backup would not hold it: {configmaps}");
    assert!(operator.kubectl("get configmaps -n beside -o name").contains("extra"), "of another namespace");
    operator.run(&format!("{prune} --yes")).exits(0);
}

#[test]
fn what_holds_data_is_deleted_only_where_that_is_said_too() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("pruned-data");
    operator.run("backup create data --include-namespaces pruned-data").exits(0);
    operator.apply(
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: late, namespace: pruned-data}, spec: {storageClassName: none, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}",
    );
    let prune = "restore create --from data --include-namespaces pruned-data --prune --yes";
    operator.run(prune).exits(4).says("persistentvolumeclaims/pruned-data/late").says("try: --prune-data");
    assert!(operator.kubectl("get pvc -n pruned-data -o name").contains("late"));
    operator.run(&format!("{prune} --prune-data")).exits(0);
    assert!(!operator.kubectl("get pvc -n pruned-data -o name").contains("late"));
}

#[test]
fn a_backup_whose_lists_were_not_whole_proves_no_absence() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("pruned-part");
    operator.run("backup create part --include-namespaces pruned-part -l app=shop").exits(0);
    for verb in ["create --yes", "plan"] {
        operator
            .run(&format!("restore {verb} --from part --prune"))
            .exits(4)
            .says("proves that an object was not there");
    }
}
