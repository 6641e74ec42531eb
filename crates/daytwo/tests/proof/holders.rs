//! Several processes at one restore: one of them does it, the others say who is at it; one that was stopped for longer
//! than its lease is taken over, and changes nothing when it wakes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use testbed::{Api, Fault, FaultProxy, Gate, Rule};

use crate::binary::{Daytwo, Run};
use crate::kill_restore::{SOURCE, create, dump, filled};
use crate::{say, times};

/// Longer than a runner takes to believe that another is dead.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most requests that a restore has in flight.
const IN_FLIGHT: usize = 64;

/// A cluster with the objects, their backup, and the namespace that one undisturbed restore made of it.
fn backed_up(whole: &str) -> Option<(Daytwo, Api)> {
    let site = filled()?;
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    daytwo.run(&["backup", "create", "killed", &format!("--include-namespaces={SOURCE}")]).expect(0);
    daytwo.run(&create(whole, whole)).expect(0);
    Some((daytwo, Api::of(site).unwrap()))
}

/// The version of each ConfigMap, which every write changes.
fn versions(api: &mut Api, namespace: &str) -> BTreeMap<String, String> {
    let list = api.get(&format!("/api/v1/namespaces/{namespace}/configmaps")).unwrap();
    let text = |object: &Value, field: &str| object["metadata"][field].as_str().unwrap().to_owned();
    let items = list["items"].as_array().unwrap().iter();
    items.map(|object| (text(object, "name"), text(object, "resourceVersion"))).collect()
}

/// Fails unless `target` is what an undisturbed restore made of `whole`.
fn expect_equal(api: &mut Api, whole: &str, target: &str, what: &str) {
    let (expected, found) = (dump(api, whole), dump(api, target));
    for (key, object) in &expected {
        assert_eq!(found.get(key), Some(object), "{what}: {key}");
    }
    assert_eq!(found.len(), expected.len(), "{what}: something is there twice");
}

#[test]
fn of_processes_that_begin_one_restore_at_once_one_does_it_and_the_others_say_who_is_at_it() {
    let Some((daytwo, mut api)) = backed_up("holders-whole") else { return };
    let rounds = times(3, 20);
    let mut refused = 0;
    for round in 0..rounds {
        let (run, target) = (format!("at-once-{round}"), format!("holders-{round}"));
        let args = create(&run, &target);
        let running: Vec<_> = (0..3).map(|_| daytwo.start(&args)).collect();
        let ended: Vec<Run> = running.into_iter().map(|one| one.end().sound()).collect();
        let (done, others): (Vec<_>, Vec<_>) = ended.iter().partition(|one| one.code == Some(0));
        assert_eq!(done.len(), 1, "{run}: {ended:?}");
        for other in &others {
            assert_eq!(other.code, Some(4), "{other}");
            assert!(other.stderr.contains(&run), "it does not name the run: {other}");
        }
        refused += others.len();
        let report = done[0].json();
        let count = |name: &str| report["counts"][name].as_u64().unwrap_or_default();
        assert_eq!(count("failed") + count("differs"), 0, "{report}");
        expect_equal(&mut api, "holders-whole", &target, &run);
        // Each object was created by this one, and so was the namespace.
        assert_eq!(count("created"), dump(&mut api, &target).len() as u64 + 1, "{report}");
    }
    say(&format!("{rounds} restores begun by 3 processes at once: each done once, {refused} were refused"));
}

#[test]
fn a_process_stopped_for_longer_than_its_lease_is_taken_over_and_changes_nothing_when_it_wakes() {
    let Some((daytwo, mut api)) = backed_up("stopped-whole") else { return };
    let proxy = FaultProxy::before_apiserver(filled().unwrap()).unwrap();
    let gate = Gate::new();
    proxy.add(
        Rule::new(Fault::Hold(gate.clone())).method("POST").path("/api/v1/namespaces/stopped/configmaps"),
    );
    let mut args = create("stopped", "stopped");
    args.push(format!("--kubeconfig={}", proxy.kubeconfig().display()));
    let mut first = daytwo.start(&args);
    gate.reached(PATIENCE).unwrap();
    first.signal("STOP");
    gate.open();
    proxy.clear();
    // Its process is there, so that only its silence tells.
    let second = daytwo.run(&["resume", "stopped", "--output=json"]).expect(0);
    assert!(second.took >= Duration::from_secs(20), "it did not wait for the lease to end: {second}");
    let before = versions(&mut api, "stopped");
    proxy.take_seen();
    first.signal("CONT");
    let first = first.end().sound();
    assert_eq!(first.code, Some(4), "{first}");
    assert!(first.stderr.contains("stopped"), "{first}");
    // What was under way when it was stopped arrives late, as creates of what is there by now; nothing new begins.
    let late: Vec<_> = proxy.take_seen().into_iter().filter(|seen| seen.method != "GET").collect();
    let creates = late.iter().filter(|seen| seen.method == "POST").count();
    assert!(creates == late.len() && creates <= IN_FLIGHT, "it went on writing: {late:#?}");
    assert_eq!(versions(&mut api, "stopped"), before, "it changed something: {late:#?}");
    expect_equal(&mut api, "stopped-whole", "stopped", "stopped");
    say(&format!("a stopped runner was taken over after {:.0} s", second.took.as_secs_f64()));
}
