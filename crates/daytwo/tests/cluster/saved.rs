//! Plans that are saved first and carried out later.

use crate::Operator;

#[test]
fn a_saved_plan_is_carried_out_once_and_only_if_it_does_no_more_than_it_says() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("saved");
    operator.run("backup create saved --include-namespaces saved").exits(0);
    operator.kubectl("delete configmap settings -n saved");
    let plan = "restore plan --from saved --include-namespaces saved --plan-out";
    operator.run(&format!("{plan} one.json")).exits(0).says("daytwo restore run one.json");

    // More is missing now than the plan says.
    operator.kubectl("delete secret db -n saved");
    let refused = operator.run("restore run one.json").exits(4);
    refused.says("2 creates").says("1 creates").says("try: daytwo restore plan");
    assert!(!operator.kubectl("get cm -n saved -o name").contains("settings"), "a refused plan wrote");

    // Less is: what somebody else brought back is left alone.
    operator.run(&format!("{plan} two.json")).exits(0);
    operator.apply("{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: saved}, stringData: {password: pl4nted-in-data}}");
    operator.run("restore run two.json").exits(0).prints("finished");
    assert!(operator.kubectl("get cm -n saved -o name").contains("settings"));
    operator.run("restore run two.json").exits(4).says("runs show");

    // Another backup of that name is another plan's.
    operator.run(&format!("{plan} three.json")).exits(0);
    operator.run("backup delete saved --yes").exits(0);
    operator.run("backup create saved --include-namespaces saved").exits(0);
    operator.run("restore run three.json").exits(4).says("the backup was saved");
    operator.run("restore run store/backups/saved/velero-backup.json").exits(2).says("holds no plan");
}
