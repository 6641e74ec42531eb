//! Looks that come before anything stops: does the token open the snapshot, is the file whole, are these the hosts.

use super::shell::{command, quote};
use super::{Alarm, Distribution, Facts, Member, Request, Snapshot, Step};

pub(super) fn cautions(facts: &Facts, snapshot: &Snapshot, request: &Request) -> Vec<String> {
    let mut cautions = vec![format!(
        "The cluster goes back to revision {}. What was created since is gone, what was deleted since is back, and kubelets \
         end pods that the snapshot does not know. Volumes go on as they are: a claim made since is lost, the disk behind it \
         is not. If a majority of members runs, restore single objects instead (`daytwo etcd export`).",
        snapshot.revision
    )];
    if snapshot.leases > 0 {
        cautions.push(format!(
            "{} leases begin their whole time to live again: Events stay up to an hour longer, locks in etcd until they run \
             out.",
            snapshot.leases
        ));
    }
    if snapshot.alarms.contains(&Alarm::NoSpace) {
        cautions.push(
            "The snapshot carries etcd's alarm NOSPACE. It would survive the restore, and every write would fail: there is a \
             step for it. Find out what filled the database, or it will be back."
                .to_owned(),
        );
    }
    if !facts.encryption.is_empty() {
        cautions.push(format!(
            "Values in the snapshot are encrypted with {}. Without these keys they are lost, whatever else comes back.",
            facts.encryption.join(", ")
        ));
    }
    match facts.distribution {
        Distribution::Kubeadm => cautions.push(
            "ServiceAccount tokens hold only if /etc/kubernetes/pki/sa.key is the one that signed them. Where hosts were \
             built anew, bring /etc/kubernetes/pki back first."
                .to_owned(),
        ),
        _ => cautions.push(super::rancher::by_hand(facts)),
    }
    if facts.distribution == Distribution::Harvester {
        cautions.push(super::rancher::machines());
    }
    cautions.push(kept(request));
    cautions
}

/// Where that is which was in the way.
pub(super) fn kept(request: &Request) -> String {
    format!(
        "What is moved aside ends in {}; keep it until the cluster has held for some days.",
        request.stamp
    )
}

/// Whether the token opens the snapshot. Nothing else makes sense before it does.
pub(super) fn token(file: &str, snapshot: &Snapshot) -> Step {
    Step::new(
        "Does the token of this server open this snapshot? Certificates and keys are sealed with it inside. A token that was \
         rotated since does not.",
    )
    .run(command(&["daytwo", "etcd", "status", &snapshot.path, "--token-file", file]))
    .see("that the token opens the bootstrap data; exit code 0.")
    .or("Stop. Find the token that the cluster had when the snapshot was taken, and give its file as --token-file.")
}

/// Whether the file is the one planned with, and whole.
pub(super) fn file(snapshot: &Snapshot) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(sha256) = &snapshot.sha256 {
        steps.push(same_file(sha256, &snapshot.path));
    }
    steps.push(
        Step::new("Is it whole? Every page, record and value is read.")
            .run(command(&["daytwo", "etcd", "verify", &snapshot.path]))
            .see("exit code 0.")
            .or("Stop. Take another snapshot."),
    );
    steps
}

pub(super) fn same_file(sha256: &str, path: &str) -> Step {
    Step::new("Is the file here the one that this plan was made from?")
        .run(format!("printf '%s  %s\\n' {sha256} {} | sha256sum --check -", quote(path)))
        .see(format!("`{path}: OK`"))
        .or("Copy it here again.")
}

/// Whether this host has the authority that the cluster's pods trust.
pub(super) fn authority(facts: &Facts, path: &str, otherwise: &str) -> Option<Step> {
    let expected = facts.root_ca.as_ref()?;
    Some(
        Step::new("Is the authority on this host the one that the cluster's pods trust?")
            .run(command(&["sha256sum", path]))
            .see(format!("`{expected}`"))
            .or(otherwise),
    )
}

/// Whether this host has the address that it is planned with.
pub(super) fn address(member: &Member) -> Step {
    Step::new("Is this the host? Its address stands in the peers' URLs and in certificates.")
        .run(command(&["ip", "-brief", "address", "show", "to", &member.host.address]))
        .see(format!("one line with {}.", member.host.address))
        .or("Make the plan anew with the addresses of today, as --member NAME=ADDRESS.")
}

/// Whether there is room for the restored database beside the old one.
pub(super) fn room(dir: &str, size: u64) -> Step {
    Step::new("Is there room for another database beside the old one?")
        .run(command(&["df", "--block-size=1", "--output=avail,target", dir]))
        .see(format!("at least {} bytes.", size.saturating_mul(2)))
        .or("Make room first. Nothing of this plan gives any back.")
}
