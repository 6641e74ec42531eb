//! Runs that were cut off: looked at, given up, or finished by the same command; and journals kept elsewhere.

#![cfg(unix)]

use std::io::Read;
use std::path::Path;
use std::process::Child;

use serde_json::Value;
use testbed::{Fault, FaultProxy, Gate, Rule};

use crate::conform::conforms;
use crate::interrupt::{interrupt, start};
use crate::{Operator, PATIENCE};

/// Begins a restore of `backup`, which is held as it writes the first ConfigMap into `namespace`.
fn held(operator: &Operator, namespace: &str, run: &str, backup: &str) -> (FaultProxy, Gate, Child) {
    let proxy = FaultProxy::before_apiserver(operator.plane).unwrap();
    let gate = Gate::new();
    let path = format!("/api/v1/namespaces/{namespace}/configmaps");
    proxy.add(Rule::new(Fault::Hold(gate.clone())).method("POST").path(&path));
    let child = start(operator, &proxy, &format!("restore create {run} --from {backup}"));
    (proxy, gate, child)
}

fn unpacked(file: &Path) -> Value {
    let packed = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_run_that_was_killed_is_shown_step_by_step_and_given_up_for_good() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("given-up");
    operator.run("backup create g --include-namespaces given-up --include-cluster-resources=false").exits(0);
    operator.lose("given-up");
    let (_proxy, gate, mut child) = held(&operator, "given-up", "half", "g");
    gate.reached(PATIENCE).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    gate.open();

    conforms(&operator.run("runs list -o json").exits(0).json());
    operator.run("runs list").exits(0).prints("half").prints("Running").prints("restore g").prints("process");
    let shown = operator.run("runs show half -o json").exits(0).json();
    conforms(&shown);
    let states: Vec<&str> =
        shown["steps"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect();
    assert!(states.contains(&"done") && states.contains(&"underWay") && states.contains(&"left"), "{shown}");
    operator.run("runs show half").exits(0).prints("held by").prints("under way").prints("or was killed");
    operator.run("runs show haif").exits(2).says("did you mean half?");

    let other = "restore create half --from g --existing update --prune";
    let refused = operator.run(other).exits(4);
    refused
        .says("existing was \"keep\" and is \"update\"")
        .says("prune was false")
        .says("try: daytwo resume half");

    let given_up = operator.run("runs abort half --because wrong");
    given_up.exits(0).prints("aborted: wrong").prints("not or not wholly restored");
    let shown = operator.run("runs show half -o json").exits(0).json();
    conforms(&shown);
    assert_eq!((shown["state"].as_str(), shown["because"].as_str()), (Some("Aborted"), Some("wrong")));
    assert!(shown["steps"].as_array().unwrap().iter().any(|step| step["state"] == "passedOver"), "{shown}");
    let kept = operator.person.home().join("store/metadata/daytwo/runs/half/report.json");
    conforms(&serde_json::from_slice(&std::fs::read(kept).unwrap()).unwrap());
    conforms(&operator.run("restore describe half -o json").exits(0).json());
    operator.run("resume half").exits(2).says("nothing left to do");
    operator.run("runs abort half").exits(2).says("nothing left to do");
    operator.run("restore create half --from g").exits(4).says("runs show half");
    let there = operator.kubectl("get job -n given-up -o name");
    assert!(!there.contains("later"), "giving up restored: {there}");
}

#[test]
fn the_same_command_finishes_what_was_cut_off_and_leaves_a_record() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("finished");
    operator.run("backup create f --include-namespaces finished --include-cluster-resources=false").exits(0);
    operator.lose("finished");
    let (_proxy, gate, child) = held(&operator, "finished", "twice", "f");
    let (code, said) = interrupt(child, &gate);
    assert_eq!(code, 5, "{said}");
    let finished = operator.run("restore create twice --from f").exits(0);
    finished.says("going on with it").prints("finished").prints("Waves");
    let there = operator.kubectl("get cm,secret,svc,job -n finished -o name");
    for name in ["configmap/settings", "secret/db", "service/web", "job.batch/later"] {
        assert!(there.contains(name), "{name}: {there}");
    }
    let store = operator.person.home().join("store");
    let report = std::fs::read(store.join("metadata/daytwo/runs/twice/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    conforms(&report);
    assert_eq!(report["state"]["is"], "finished");
    let list = unpacked(&store.join("restores/twice/restore-twice-resource-list.json.gz"));
    let maps: Vec<&str> =
        list["v1/ConfigMap"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(maps.contains(&"finished/settings(created)"), "{list}");
    assert_eq!(list["batch/v1/Job"][0], "finished/later(created)");
    let results = unpacked(&store.join("restores/twice/restore-twice-results.gz"));
    assert_eq!(results, serde_json::json!({ "errors": {}, "warnings": {} }));

    // A second restore: what is there is told to be there.
    operator.kubectl("patch cm settings -n finished -p {\"data\":{\"colour\":\"red\"}}");
    operator.run("restore create thrice --from f").exits(1);
    let list = unpacked(&store.join("restores/thrice/restore-thrice-resource-list.json.gz"));
    assert_eq!(list["batch/v1/Job"][0], "finished/later(skipped)");
    let results = unpacked(&store.join("restores/thrice/restore-thrice-results.gz"));
    assert!(results["warnings"]["namespaces"]["finished"][0].as_str().unwrap().contains("already exists"));
    operator.run("restore create quiet --from f --no-velero-files").exits(1);
    assert!(!store.join("restores/quiet").exists());
    // What Velero keeps of a restore of its own is not replaced.
    let kept = store.join("restores/velero-s/restore-velero-s-logs.gz");
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    std::fs::write(&kept, "Velero's").unwrap();
    operator.run("restore create velero-s --from f").exits(4).says("choose another name");
    assert_eq!(std::fs::read(&kept).unwrap(), b"Velero's");
    // What the server refuses is told with its reason and what to do.
    operator.kubectl("delete secret db -n finished");
    operator.kubectl("create quota none --hard=count/secrets=0 -n finished");
    testbed::until(PATIENCE, "the quota to count", || {
        let hard = operator.kubectl("get quota none -n finished -o jsonpath={.status.hard}");
        Ok(hard.contains("secrets").then_some(()))
    })
    .unwrap();
    let refused = operator.run("restore create refused --from f").exits(5);
    refused.prints("exceeded quota").prints("\n    kubectl describe resourcequota -n finished\n");
    let report = operator.run("restore describe refused -o json").exits(0).json();
    conforms(&report);
    assert_eq!(report["failures"][0]["next"], "kubectl describe resourcequota -n finished");
    let list = unpacked(&store.join("restores/refused/restore-refused-resource-list.json.gz"));
    assert!(list["v1/Secret"].as_array().unwrap().contains(&"finished/db(failed)".into()), "{list}");
    let results = unpacked(&store.join("restores/refused/restore-refused-results.gz"));
    assert!(results["errors"]["namespaces"]["finished"][0].as_str().unwrap().contains("exceeded quota"));
    operator.run("restore create x --from f --velero-cr velero-is-not-here").exits(2).says("--velero-cr");
}

#[test]
fn a_location_that_cannot_be_written_needs_a_journal_elsewhere_and_says_so() {
    let (Some(mut operator), Some(s3)) = (Operator::new(), testbed::shared::s3()) else { return };
    s3.create_bucket("read-only").unwrap();
    let proxy = FaultProxy::before_s3(s3).unwrap();
    let mut person = operator.person;
    for (name, value) in s3.env() {
        let value = if name == "AWS_ENDPOINT_URL" { proxy.url() } else { value };
        person = person.with(name, &value);
    }
    operator.person = person.with("DAYTWO_LOCATION", "s3://read-only");
    operator.fill("read-only");
    operator.run("backup create r --include-namespaces read-only --include-cluster-resources=false").exits(0);
    operator.lose("read-only");
    proxy.add(Rule::new(Fault::s3(403, "AccessDenied", "Access Denied")).method("PUT").with("/read-only/"));
    let refused = operator.run("restore create one --from r").exits(3);
    refused.says("the journal of run one cannot be written").says("try: --journal");
    assert!(
        !operator.kubectl("get ns -o name").contains("namespace/read-only"),
        "it began without a journal"
    );

    let restored = operator.run("restore create one --from r --journal ./elsewhere").exits(0);
    restored.prints("finished").says("--no-velero-files leaves them out");
    operator.run("runs list --journal ./elsewhere").exits(0).prints("one").prints("Finished");
    operator.run("restore list --journal ./elsewhere").exits(0).prints("one");
    operator.run("runs show one --journal ./elsewhere").exits(0).prints("done");
    operator.run("restore describe one --journal ./elsewhere").exits(0).prints("finished");
    operator.run("resume one --journal ./elsewhere").exits(2).says("nothing left to do");
    operator.run("runs show one").exits(2).says("--journal LOCATION, if its journal is kept elsewhere");
    assert!(operator.person.home().join("elsewhere/metadata/daytwo/runs/one/report.json").exists());
}
