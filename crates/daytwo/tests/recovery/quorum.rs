//! Two of three members are lost with their disks: the plan makes a cluster of the third, and three of it again.

use daytwo_core::recovery::{self, Distribution, Facts, Member, Request};
use testbed::Family;

use crate::hosts::Hosts;
use crate::typed::follow;

fn facts(hosts: &Hosts, etcd: &str) -> Facts {
    let member = |host: &crate::hosts::Host| Member {
        host: recovery::Host { name: host.name.clone(), address: host.address.clone() },
        name: host.name.clone(),
        peer_url: host.peer_url(),
        standing: None,
    };
    Facts {
        distribution: Distribution::Kubeadm,
        members: hosts.all.iter().map(member).collect(),
        agents: vec![],
        snapshot: None,
        webhooks: vec![],
        root_ca: None,
        uid: None,
        encryption: vec![],
        etcd: Some(etcd.to_owned()),
        kubernetes: None,
    }
}

fn request() -> Request {
    Request { stamp: "20260102T030405Z".into(), data_dir: None, bump: 0, owner: None, token_file: None }
}

fn a_lost_quorum_comes_back(family: Family, net: u8, etcd: &str) {
    let Some(mut hosts) = Hosts::start(family, net) else { return };
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

    let plan = recovery::quorum(&facts(&hosts, etcd), &request()).unwrap();
    let (typed, read) = follow(&mut hosts, &plan);
    assert!(typed > 30 && read < typed, "{typed} steps typed, {read} read");

    for at in 0..3 {
        hosts.healthy(at);
        assert_eq!(hosts.contents(at), before, "what {} holds", hosts.all[at].name);
    }
    let kept = hosts.all[0].root.join("var/lib/etcd.before-20260102T030405Z/member/snap/db");
    assert!(kept.is_file(), "the survivor's old directory is kept");
    let first =
        std::fs::read_to_string(hosts.all[0].root.join("etc/kubernetes/manifests/etcd.yaml")).unwrap();
    assert!(!first.contains("force-new-cluster"), "{first}");
    // Three of three again: one may be lost.
    hosts.lose(0);
    hosts.healthy(1);
    assert!(hosts.etcdctl(1, &["put", "/registry/a/after", "y"]).status.success());
    assert!(hosts.folder().is_dir());
}

#[test]
fn a_quorum_that_was_lost_comes_back_as_the_plan_says() {
    a_lost_quorum_comes_back(Family::Etcd, 0, "3.6.16");
}

#[test]
fn and_so_it_does_with_etcd_3_5() {
    a_lost_quorum_comes_back(Family::Etcd35, 1, "3.5.35");
}
