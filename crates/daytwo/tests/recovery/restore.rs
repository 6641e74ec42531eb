//! A snapshot is put back on three hosts, of which two have lost their disks: the plan's commands give three real members,
//! healthy, with what the snapshot held and nothing that came later.

use serde_json::Value;
use testbed::Family;

use crate::hosts::Hosts;
use crate::objects;
use crate::typed::{follow, plan};

const BUMP: i64 = 1_000_000_000;

fn revision(hosts: &Hosts, at: usize) -> i64 {
    let status = hosts.etcdctl(at, &["endpoint", "status", "-w", "json"]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    status[0]["Status"]["header"]["revision"].as_i64().unwrap()
}

#[test]
fn a_snapshot_is_put_back_as_the_plan_says() {
    let Some(mut hosts) = Hosts::start(Family::Etcd, 2) else { return };
    objects::put(&hosts, "3.6.16");
    for number in 0..50 {
        let put = hosts
            .etcdctl(number % 3, &["put", &format!("/registry/a/{number:02}"), &format!("value {number}")]);
        assert!(put.status.success(), "{put:?}");
    }
    let file = hosts.folder().join("nightly.db");
    let path = file.to_str().unwrap();
    let saved = hosts.etcdctl(0, &["snapshot", "save", path]);
    assert!(saved.status.success(), "{saved:?}");
    let (before, old) = (hosts.contents(0), revision(&hosts, 0));
    assert!(hosts.etcdctl(0, &["put", "/registry/a/late", "lost"]).status.success());
    hosts.lose(1);
    hosts.lose(2);

    let (plan, json) = plan(&hosts, &["restore", path]);
    let facts = json["facts"].to_string();
    assert!(facts.contains(objects::UID) && facts.contains("3.6.16"), "{facts}");
    let parked =
        plan.phases.iter().flat_map(|phase| &phase.steps).any(|step| step.what.starts_with("Park policy"));
    assert!(parked, "the webhook in the snapshot is parked");
    let (typed, read) = follow(&mut hosts, &plan);
    assert!(typed > 30 && read < typed, "{typed} steps typed, {read} read");

    for at in 0..3 {
        hosts.healthy(at);
        assert_eq!(hosts.contents(at), before, "what {} holds", hosts.all[at].name);
        assert!(revision(&hosts, at) >= old + BUMP - 1, "the revision is raised");
        let kept = format!("var/lib/etcd.before-{}", crate::typed::stamp(&plan));
        assert!(at > 0 || hosts.all[at].root.join(kept).is_dir(), "what was there is kept");
    }
    // A watch that goes on from before is told so.
    let watch = hosts.etcdctl(0, &["watch", "/registry/a/01", "--rev", &(old + 1).to_string()]);
    let said = String::from_utf8_lossy(&watch.stdout).into_owned() + &String::from_utf8_lossy(&watch.stderr);
    assert!(said.contains("required revision has been compacted"), "{said}");
    // All three are of one cluster: one may be lost.
    hosts.lose(0);
    hosts.healthy(1);
    assert!(hosts.etcdctl(1, &["put", "/registry/a/after", "y"]).status.success());
}
