//! The store that a restore's journal is written to goes wrong in the middle, or is full: acting stops, the reason is
//! told, and the run is gone on with to the same end once the store is well.

use std::collections::BTreeMap;

use serde_json::Value;
use testbed::{Api, Fault, FaultProxy, Rule};

use crate::binary::{Daytwo, Run};
use crate::kill_restore::{SOURCE, create, dump, filled};
use crate::say;

/// What an undisturbed restore leaves.
fn undisturbed(api: &mut Api, daytwo: &Daytwo, target: &str) -> BTreeMap<String, Value> {
    daytwo.run(&["backup", "create", "killed", &format!("--include-namespaces={SOURCE}")]).expect(0);
    daytwo.run(&create(&format!("{target}-whole"), &format!("{target}-whole"))).expect(0);
    dump(api, &format!("{target}-whole"))
}

fn resume(daytwo: &Daytwo, run: &str) -> Run {
    daytwo.run(&["restore", "resume", run, "--output=json"]).sound()
}

#[test]
fn a_restore_whose_journal_cannot_be_kept_stops_and_is_gone_on_with() {
    let (Some(site), Some(s3)) = (filled(), testbed::shared::s3()) else { return };
    let mut api = Api::of(site).unwrap();
    s3.create_bucket("journals").unwrap();
    let proxy = FaultProxy::before_s3(s3).unwrap();
    let daytwo = Daytwo::on_s3(s3, "journals", Some(&proxy.url())).cluster(site.kubeconfig());
    let honest = Daytwo::on_s3(s3, "journals", None).cluster(site.kubeconfig());
    let expected = undisturbed(&mut api, &honest, "journal");
    let record = |fault| Rule::new(fault).method("PUT").with("/daytwo/runs/");
    let denied = || Fault::s3(403, "AccessDenied", "Access Denied.");
    let full = || Fault::s3(400, "QuotaExceeded", "no space left");
    let cases: Vec<(&str, Vec<Rule>, bool)> = vec![
        ("slowed down", vec![record(Fault::slow_down()).nth(3), record(Fault::slow_down()).nth(4)], true),
        ("written, and the answer lost", vec![record(Fault::LoseAnswer).nth(5)], true),
        ("a reset", vec![record(Fault::Reset).nth(2)], true),
        ("denied from the first record on", vec![record(denied())], false),
        ("denied from the fourth record on", vec![record(denied()).from(4)], false),
        ("full from the ninth record on", vec![record(full()).from(9)], false),
    ];
    let count = cases.len();
    for (n, (what, rules, passes)) in cases.into_iter().enumerate() {
        let (run, target) = (format!("journal-{n}"), format!("journal-{n}"));
        proxy.clear();
        rules.into_iter().for_each(|rule| proxy.add(rule));
        let ended = daytwo.run(&create(&run, &target)).sound();
        assert!(proxy.met() > 0, "{what}: no request met the fault");
        proxy.clear();
        if passes {
            assert_eq!(ended.code, Some(0), "{what}: {ended}");
        } else {
            assert!(matches!(ended.code, Some(3 | 5)), "{what}: {ended}");
            assert!(ended.stderr.contains(&run), "{what}: the run is not named: {ended}");
            let begun = honest.run(&["restore", "list", "--output=name"]).expect(0).stdout.contains(&run);
            let again =
                if begun { resume(&honest, &run) } else { honest.run(&create(&run, &target)).sound() };
            assert_eq!(again.code, Some(0), "{what}, and again: {again}");
        }
        assert!(dump(&mut api, &target) == expected, "{what}: it ended otherwise");
    }
    say(&format!(
        "{count} faults of a journal's store: survived, or stopped and gone on with to the same end"
    ));
}

#[test]
fn a_restore_that_fills_the_disk_of_its_journal_stops_and_is_gone_on_with() {
    let Some(site) = filled() else { return };
    let Some(daytwo) = Daytwo::on_disk(4_096) else { return };
    let daytwo = daytwo.cluster(site.kubeconfig());
    let mut api = Api::of(site).unwrap();
    let expected = undisturbed(&mut api, &daytwo, "disk");
    let filler = daytwo.disk().join("filler");
    for kib in [0, 16, 40, 64] {
        let (run, target) = (format!("disk-{kib}"), format!("disk-{kib}"));
        // Writes until nothing more goes in, then leaves so much.
        let mut all = std::fs::File::create(&filler).unwrap();
        let _ = std::io::copy(&mut std::io::repeat(b'x'), &mut all);
        let length = all.metadata().unwrap().len();
        all.set_len(length.saturating_sub(kib * 1_024)).unwrap();
        drop(all);
        let ended = daytwo.run(&create(&run, &target)).sound();
        assert!(matches!(ended.code, Some(3 | 5)), "{kib} KiB left: {ended}");
        assert!(ended.stderr.contains("space"), "{kib} KiB left: the reason is not told: {ended}");
        std::fs::remove_file(&filler).unwrap();
        let begun = daytwo.run(&["restore", "list", "--output=name"]).expect(0).stdout.contains(&run);
        let again = if begun { resume(&daytwo, &run) } else { daytwo.run(&create(&run, &target)).sound() };
        assert_eq!(again.code, Some(0), "{kib} KiB left, and again: {again}");
        assert!(dump(&mut api, &target) == expected, "{kib} KiB left: it ended otherwise");
    }
    say("disks that a journal filled, 4 of them: stopped with the reason, and gone on with to the same end");
}
