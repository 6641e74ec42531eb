//! The main job: back up, verify, look, lose a namespace, and get it back.

use crate::conform::conforms;
use crate::{Operator, PATIENCE};

#[test]
fn a_lost_namespace_comes_back_from_a_verified_backup() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("shop");
    let made = operator.run("backup create nightly -o json").exits(0).json();
    conforms(&made);
    assert_eq!(made["consistency"]["kind"], "OneRevision");
    operator.run("backup create nightly").exits(4).says("exists already");
    operator.run("backup list").exits(0).prints("nightly").prints("Completed");
    operator.run("backup describe nightly").exits(0).prints("one moment, revision").prints("configmaps");
    operator.run("backup verify nightly").exits(0).prints("sound");
    let yaml =
        operator.run("backup get nightly cm/settings -n shop -o yaml").exits(0).prints("\"yes\": \"yes\"");
    assert!(yaml.stdout.contains("  colour: green\n"), "{}", yaml.stdout);
    operator.run("backup diff nightly --live -n shop --include-cluster-resources=false").exits(0);

    operator.lose("shop");
    let gone =
        operator.run("backup diff nightly --live -n shop").exits(1).prints("- configmaps/shop/settings");
    assert!(gone.stdout.contains("- secrets/shop/db"), "{}", gone.stdout);
    let gone = operator.run("backup diff nightly --live -n shop -o json").exits(1).json();
    conforms(&gone);
    let dry = operator.run("restore create --from nightly --include-namespaces shop --dry-run").exits(0);
    dry.prints("TO-CREATE").prints("configmaps").says("nothing was written");
    let dry =
        operator.run("restore create --from nightly --include-namespaces shop --dry-run -o json").exits(0);
    conforms(&dry.json());
    let misspelt =
        "restore create --from nightly --include-namespaces shop --include-resources cm,screts --dry-run";
    operator.run(misspelt).exits(0).says("no resource screts").prints("configmaps");
    let plan = operator.run("restore plan --from nightly --include-namespaces shop -o json").exits(0);
    conforms(&plan.json());
    operator.run("restore plan --from nightly --include-namespaces shop").exits(0).prints("create");
    operator.run("restore list").exits(0).says("no restores");
    assert!(
        !operator.kubectl("get namespaces -o name").contains("namespace/shop"),
        "a dry run writes nothing"
    );

    let report =
        operator.run("restore create first --from nightly --include-namespaces shop -o json").exits(0).json();
    conforms(&report);
    assert_eq!((report["run"].as_str(), report["state"]["is"].as_str()), (Some("first"), Some("finished")));
    operator.run("restore create first --from nightly --include-namespaces shop").exits(4).says("first");
    operator.run("restore resume first").exits(2).says("nothing left to do");
    operator.run("restore resume frist").exits(2).says("did you mean first?");
    conforms(&operator.run("restore describe first -o json").exits(0).json());
    operator.run("restore describe first").exits(0).prints("configmaps").prints("finished");
    conforms(&operator.run("restore list -o json").exits(0).json());
    operator.run("restore list").exits(0).prints("first").prints("Finished");
    assert_eq!(operator.kubectl("get cm settings -n shop -o jsonpath={.data.colour}"), "green");
    assert_eq!(
        operator.kubectl("get secret db -n shop -o jsonpath={.data.password}"),
        "cGw0bnRlZC1pbi1kYXRh"
    );
    operator.run("restore create --from nightly --include-namespaces shop").exits(0);

    operator.kubectl("patch cm settings -n shop -p {\"data\":{\"colour\":\"red\"}}");
    let kept = operator.run("restore create --from nightly --include-namespaces shop").exits(1);
    let kept = kept.prints("left as it is").prints("  configmaps/shop/settings\n");
    assert!(!kept.stdout.contains("pl4nted"), "{}", kept.stdout);
    operator.run("restore create --from nightly --include-namespaces shop --dry-run").exits(1);
    assert_eq!(operator.kubectl("get cm settings -n shop -o jsonpath={.data.colour}"), "red");
    let differs = operator.run("backup diff nightly --live -n shop").exits(1).prints("data.colour");
    assert!(!differs.stdout.contains("pl4nted"), "{}", differs.stdout);
}

#[test]
fn a_namespace_is_restored_under_another_name() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("store-a");
    operator.run("backup create copy --include-namespaces store-a").exits(0);
    operator.run("restore create --from-backup copy --namespace-mappings store-a:store-b").exits(0);
    assert_eq!(operator.kubectl("get cm settings -n store-b -o jsonpath={.data.colour}"), "green");
    operator.run("restore create --from absent").exits(2).says("there is no backup");
}

#[test]
fn a_backup_of_a_namespace_holds_nothing_else_and_a_name_is_made_where_none_is_given() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("only");
    let made =
        operator.run("backup create --include-namespaces only --include-cluster-resources=false -o name");
    let name = made.exits(0).stdout.trim().to_owned();
    assert!(name.len() > 15 && name.chars().rev().take(14).all(|c| c.is_ascii_digit()), "{name}");
    let all = operator.run(&format!("backup get {name} cm,secret,svc,job -A")).exits(0).stdout;
    let namespaces: Vec<&str> =
        all.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    assert!(!namespaces.is_empty() && namespaces.iter().all(|namespace| *namespace == "only"), "{all}");
    operator.run(&format!("backup diff {name} --live")).exits(0);
    operator.run("backup create none --include-namespaces absent --include-resources cm").exits(0);
}

#[test]
fn exported_files_are_taken_by_kubectl_apply() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("exported");
    operator.run("backup create e --include-namespaces exported --include-cluster-resources=false").exits(0);
    operator.run("backup export e --to files").exits(0);
    operator.lose("exported");
    let files = operator.person.home().join("files");
    operator.kubectl(&format!("apply -R -f {}", files.display()));
    testbed::until(PATIENCE, "the exported objects", || {
        let there = operator.kubectl("get cm,secret,svc,job -n exported -o name");
        let all = ["configmap/settings", "secret/db", "service/web", "job.batch/later"];
        Ok(all.iter().all(|name| there.contains(name)).then_some(()))
    })
    .unwrap();
}
