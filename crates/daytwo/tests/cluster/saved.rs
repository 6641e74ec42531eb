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

#[test]
fn a_dry_run_that_asks_the_server_tells_what_it_refuses_and_writes_nothing() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("asked");
    operator.run("backup create asked --include-namespaces asked").exits(0);
    operator.kubectl("delete configmap settings -n asked");
    let create = "restore create --from asked --include-namespaces asked";
    let asked = operator.run(&format!("{create} --dry-run=server")).exits(0);
    asked.prints("of 1 object to be created the server was asked about 1: it would take 1, and refuses 0");

    operator.kubectl("create quota none -n asked --hard=count/configmaps=0");
    testbed::until(crate::PATIENCE, "the quota to be in force", || {
        let hard = operator.kubectl("get quota none -n asked -o jsonpath={.status.hard}");
        Ok(hard.contains("configmaps").then_some(()))
    })
    .unwrap();
    let refused = operator.run(&format!("{create} --dry-run=server-all -o json")).exits(5).json();
    crate::conform::conforms(&refused);
    assert_eq!((&refused["asked"]["refused"], &refused["counts"]["failed"]), (&1.into(), &1.into()));
    // Foreseen by the quota's figures, and said by the server.
    let ids: Vec<&str> =
        refused["findings"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, ["restore-quota-exceeded", "restore-quota-refuses"]);

    // Into a namespace that is not there nothing can be asked, and it is said.
    let elsewhere =
        operator.run(&format!("{create} --namespace-mapping asked:asked-too --dry-run=server -o json"));
    let elsewhere = elsewhere.exits(1).json();
    crate::conform::conforms(&elsewhere);
    assert_eq!(elsewhere["asked"]["notAsked"][0]["why"], "namespaceMissing");
    assert!(!operator.kubectl("get namespaces -o name").contains("asked-too"), "a dry run wrote");
    assert!(!operator.kubectl("get cm -n asked -o name").contains("settings"), "a dry run wrote");
    operator.run(&format!("{create} --dry-run=everybody")).exits(2).says("server-all");
}
