//! One member of a kubeadm control plane is alive: it becomes a cluster of its own, and the others join it one by one.
//!
//! etcd reads `--initial-cluster` and `--initial-cluster-state` only where there is no data directory yet; so the survivor's
//! manifest needs `--force-new-cluster` once and nothing else, and that of a member that joins needs both
//! (etcd.io/docs/v3.6/op-guide/configuration, "Clustering" and "Unsafe features").

use super::super::shell::{command, quote};
use super::{
    API, Facts, MANIFESTS, Phase, Places, Request, Step, etcdctl, initial_cluster, inspect, kubectl,
    kubelets, members_step, save, set_aside, start, stop,
};

/// The plan.
pub(in super::super) fn plan(facts: &Facts, request: &Request) -> Vec<Phase> {
    let places = Places::of(request);
    let first = facts.first();
    let mut phases = vec![Phase::new("Look before anything stops", first, inspect(facts, first, &places))];
    for member in facts.others() {
        let mut steps = inspect(facts, member, &places);
        steps.push(stop(&places));
        phases.push(Phase::new("Look, and stop what is left", member, steps));
    }
    phases.push(Phase::new("Stop the control plane", first, vec![stop(&places), copy(&places)]));
    phases.push(Phase::new("Make a cluster of one", first, force(facts, &places)));
    phases.push(Phase::new("Start the API", first, api(facts, &places)));
    for at in 1..facts.members.len() {
        phases.extend(join(facts, at, &places));
    }
    let mut last = vec![members_step(first, &facts.members)];
    let kubectl = kubectl(first);
    last.extend(kubelets(facts, &kubectl));
    last.push(kubectl.controllers());
    last.extend(kubectl.release(facts));
    last.extend(kubectl.after(facts, request, &save(first, &places)));
    phases.push(Phase::new("End", first, last));
    phases
}

/// The way back, should this one go wrong.
fn copy(places: &Places) -> Step {
    Step::new("Keep a copy of the only data directory that is left, before anything touches it.")
        .run(command(&["cp", "-aT", &places.data_dir, &places.kept()]))
        .see("no error.")
        .or("Make room. Do not go on without a copy.")
}

fn force(facts: &Facts, places: &Places) -> Vec<Step> {
    let first = facts.first();
    let (plain, forced) =
        (format!("{}/etcd.yaml", places.parked), format!("{}/etcd-forced.yaml", places.parked));
    let manifest = format!("{MANIFESTS}/etcd.yaml");
    let edit = r"s|^( *)- etcd$|&\n\1- --force-new-cluster|";
    vec![
        Step::new("Write a manifest with --force-new-cluster, once.")
            .run(format!("sed -E {} {plain} > {forced}", quote(edit)))
            .run(command(&["grep", "-nA1", "-e", "- etcd$", &forced]))
            .see("two lines, the second `- --force-new-cluster`.")
            .or(format!("Write the line by hand into {forced}, under `- etcd`, as far in.")),
        Step::new("Start etcd with it. It forgets the other members and drops what was never committed.")
            .run(command(&["install", "-m", "0600", &forced, &manifest]))
            .run(command(&[
                "crictl",
                "ps",
                "--label",
                "io.kubernetes.pod.namespace=kube-system",
                "--name",
                "^etcd$",
            ]))
            .see("within a minute, etcd as Running.")
            .or("`crictl ps -a`, `crictl logs` of the one that ended."),
        members_step(first, &facts.members[..1]),
        Step::new(
            "Start it without the flag: a later start with it would forget the members that join below.",
        )
        .run(command(&["install", "-m", "0600", &plain, &manifest]))
        .run(command(&["grep", "-c", "-e", "--force-new-cluster", &manifest]))
        .see("`0`; within a minute, a younger etcd as Running.")
        .or("Copy the manifest again."),
        members_step(first, &facts.members[..1]),
        Step::new("Is it healthy?")
            .run(etcdctl(first, &["endpoint", "health"]))
            .see("`is healthy`")
            .or("Read its log. The way back is the copy made above."),
    ]
}

fn api(facts: &Facts, places: &Places) -> Vec<Step> {
    let kubectl = kubectl(facts.first());
    let mut steps = vec![start(places, &["kube-apiserver"], "")];
    steps.push(kubectl.ready("`crictl logs` of kube-apiserver."));
    steps.extend(kubectl.same_cluster(facts));
    steps.extend(kubectl.park(facts));
    steps.push(start(places, &["kube-controller-manager", "kube-scheduler"], ""));
    steps
}

/// An old data directory would be that of a member that this cluster does not know.
fn emptied(places: &Places) -> Step {
    let step = set_aside(places).run(command(&["install", "-d", "-m", "0700", &places.data_dir]));
    step.or("`No such file`: a new host; go on. `Device or resource busy`: a mount point; move what is in it aside.")
}

/// The member at `at` joins, after those before it.
fn join(facts: &Facts, at: usize, places: &Places) -> Vec<Phase> {
    let (first, member) = (facts.first(), &facts.members[at]);
    let cluster = initial_cluster(&facts.members[..=at]);
    let parked = format!("{}/etcd.yaml", places.parked);
    let joining = format!("{}/etcd-joining.yaml", places.parked);
    let manifest = format!("{MANIFESTS}/etcd.yaml");
    let edit = format!(
        r"s|^( *)- --initial-cluster=.*$|\1- --initial-cluster={cluster}\n\1- --initial-cluster-state=existing|"
    );
    let peer = format!("--peer-urls={}", member.peer_url);
    let of_this_peer = format!("$4 == \"{}\" {{ print $1 }}", member.peer_url);
    let id = format!(
        "{} | awk -F ', ' {}",
        etcdctl(first, &["member", "list", "-w", "simple"]),
        quote(&of_this_peer)
    );
    vec![
        Phase::new(format!("Make {} a new member", member.name), member, vec![emptied(places)]),
        Phase::new(
            format!("Make {} a new member", member.name),
            first,
            vec![
                Step::new("Add it as a learner: it has no vote until it has caught up, so the quorum is not at risk.")
                    .run(etcdctl(first, &["member", "add", &member.name, &peer, "--learner"]))
                    .see("`added`, and `ETCD_INITIAL_CLUSTER` with the members so far.")
                    .or(
                        "`unhealthy cluster`: etcd wants all members connected for five seconds before it takes another; wait, \
                         and type it again. `Peer URLs already exists`: it is added already, go on.",
                    ),
            ],
        ),
        Phase::new(
            format!("Make {} a new member", member.name),
            member,
            vec![
                Step::new("Write its manifest for joining: who is there, and that the cluster exists.")
                    .run(format!("sed -E -e '/- --initial-cluster-state=/d' -e {} {parked} > {joining}", quote(&edit)))
                    .run(command(&["grep", "-n", "-e", "--initial-cluster", &joining]))
                    .see(format!("`--initial-cluster={cluster}` and `--initial-cluster-state=existing`."))
                    .or("Write both lines by hand."),
                Step::new("Start it.")
                    .run(command(&["install", "-m", "0600", &joining, &manifest]))
                    .run(command(&["crictl", "ps", "--label", "io.kubernetes.pod.namespace=kube-system", "--name", "^etcd$"]))
                    .see("within a minute, etcd as Running.")
                    .or(format!(
                        "`crictl logs`. `member count is unequal`: the list is not that of `member list`. Move {} aside again \
                         before the next try.",
                        places.data_dir
                    )),
            ],
        ),
        Phase::new(
            format!("Make {} a new member", member.name),
            first,
            vec![
                Step::new("Give it its vote, once it has caught up.")
                    .run(format!("{} \\\n  \"$({id})\"", etcdctl(first, &["member", "promote"])))
                    .see("`promoted in cluster`")
                    .or("`can only promote a learner member which is in sync with leader`: wait, and type it again."),
                members_step(first, &facts.members[..=at]),
            ],
        ),
        Phase::new(format!("Make {} a new member", member.name), member, vec![start(places, &API, "")]),
    ]
}
