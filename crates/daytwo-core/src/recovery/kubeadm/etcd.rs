//! Asking etcd in its static pod: the hosts have no etcdctl, its image has.

use super::super::shell::{command, long};
use super::super::{Alarm, Facts, Member, Request, Snapshot, Step};
use super::{PKI, bracketed};

/// etcdctl out of the etcd pod of `member`, asking `member`.
pub(super) fn etcdctl(member: &Member, words: &[&str]) -> String {
    let exec = "crictl exec \"$(crictl ps -q --label io.kubernetes.pod.namespace=kube-system --name '^etcd$')\" etcdctl";
    let ca = format!("{PKI}/etcd/ca.crt");
    let cert = format!("{PKI}/etcd/server.crt");
    let key = format!("{PKI}/etcd/server.key");
    let url = member.client_url();
    let flags = [("--endpoints", url.as_str()), ("--cacert", &ca), ("--cert", &cert), ("--key", &key)];
    format!("{} \\\n  {}", long(exec, &flags), command(words))
}

pub(super) fn look_at_etcd(facts: &Facts, snapshot: &Snapshot, request: &Request) -> Vec<Step> {
    let first = facts.first();
    let raised = snapshot.revision.saturating_add_unsigned(request.bump);
    let mut steps = vec![
        members_step(first, &facts.members),
        Step::new("Is every member healthy?")
            .run(etcdctl(first, &["endpoint", "health", "--cluster"]))
            .see(format!("`is healthy` {} times.", facts.members.len()))
            .or("Read the log of the member that is not: `crictl logs` of its etcd."),
        Step::new("Have all the same revision?")
            .run(etcdctl(first, &["endpoint", "status", "--cluster", "-w", "fields"]))
            .see(format!("`\"Revision\"` of at least {raised}, and the same for all; one leader; no errors."))
            .or("Wait a moment and ask again: they catch up."),
    ];
    if snapshot.alarms.contains(&Alarm::NoSpace) {
        steps.push(
            Step::new("Is the alarm gone? The restore dropped it, and packed the file anew.")
                .run(etcdctl(first, &["alarm", "list"]))
                .see("nothing.")
                .or(format!("Disarm it: `{}`", etcdctl(first, &["alarm", "disarm"]).replace(" \\\n ", ""))),
        );
    }
    steps
}

pub(super) fn members_step(first: &Member, members: &[Member]) -> Step {
    Step::new("Who is a member?")
        .run(etcdctl(first, &["member", "list"]))
        .see(format!(
            "{}: {}, started, none a learner.",
            if members.len() == 1 { "one line".to_owned() } else { format!("{} lines", members.len()) },
            members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>().join(", ")
        ))
        .or("A member that has not started: go back to its host.")
}

impl Member {
    /// Where clients reach it on kubeadm.
    fn client_url(&self) -> String {
        format!("https://{}:2379", bracketed(&self.host.address))
    }
}
