//! Two of three members are lost with their disks: the plan makes a cluster of the third, and three of it again.

use std::process::Command;

use testbed::Family;

use crate::hosts::Hosts;
use crate::objects;
use crate::typed::{follow, plan};

fn a_lost_quorum_comes_back(family: Family, net: u8, etcd: &str) {
    let Some(mut hosts) = Hosts::start(family, net) else { return };
    objects::put(&hosts, etcd);
    for number in 0..50 {
        let put = hosts
            .etcdctl(number % 3, &["put", &format!("/registry/a/{number:02}"), &format!("value {number}")]);
        assert!(put.status.success(), "{put:?}");
    }
    assert!(hosts.etcdctl(0, &["del", "/registry/a/07"]).status.success());
    let before = hosts.contents(0);
    hosts.lose(1);
    hosts.lose(2);
    let refused = hosts.etcdctl(0, &["put", "/registry/a/late", "x", "--command-timeout=2s"]);
    assert!(!refused.status.success(), "there is no quorum: {refused:?}");

    let copy = hosts.folder().join("copy");
    let copied = Command::new("cp").arg("-aT").arg(hosts.all[0].data_dir()).arg(&copy).status().unwrap();
    assert!(copied.success());
    let live = format!("cp1={}", hosts.all[0].data_dir().display());
    let refused = hosts.daytwo(&["etcd", "plan", "quorum", "--dir", &live]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && why.contains("is in use"), "a directory in use is refused: {why}");

    let (plan, json) = plan(&hosts, &["quorum", "--dir", &format!("cp1={}", copy.display())]);
    assert!(plan.cautions.iter().any(|text| text.starts_with("cp1 is furthest on")), "{:?}", plan.cautions);
    assert_eq!(json["distribution"], "kubeadm");
    let (typed, read) = follow(&mut hosts, &plan);
    assert!(typed > 30 && read < typed, "{typed} steps typed, {read} read");

    for at in 0..3 {
        hosts.healthy(at);
        assert_eq!(hosts.contents(at), before, "what {} holds", hosts.all[at].name);
    }
    let kept = format!("var/lib/etcd.before-{}/member/snap/db", crate::typed::stamp(&plan));
    assert!(hosts.all[0].root.join(kept).is_file(), "the survivor's old directory is kept");
    let first =
        std::fs::read_to_string(hosts.all[0].root.join("etc/kubernetes/manifests/etcd.yaml")).unwrap();
    assert!(!first.contains("force-new-cluster"), "{first}");
    // Three of three again: one may be lost.
    hosts.lose(0);
    hosts.healthy(1);
    assert!(hosts.etcdctl(1, &["put", "/registry/a/after", "y"]).status.success());
}

#[test]
fn a_quorum_that_was_lost_comes_back_as_the_plan_says() {
    a_lost_quorum_comes_back(Family::Etcd, 0, "3.6.16");
}

#[test]
fn and_so_it_does_with_etcd_3_5() {
    a_lost_quorum_comes_back(Family::Etcd35, 1, "3.5.35");
}
