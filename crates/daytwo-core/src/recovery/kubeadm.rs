//! A kubeadm control plane: static pods that the kubelet starts when their manifest is there and ends when it is not.

mod etcd;
mod quorum;

use super::check;
use super::cluster::{Kubectl, on_each};
use super::shell::{aside, command, long, quote};
use super::{Alarm, Facts, Member, Phase, Request, Snapshot, Step};

use etcd::{etcdctl, look_at_etcd, members_step};
pub(super) use quorum::plan as quorum;

const MANIFESTS: &str = "/etc/kubernetes/manifests";
const PKI: &str = "/etc/kubernetes/pki";
const API: [&str; 3] = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/// Paths of this recovery, the same on every host.
struct Places {
    data_dir: String,
    /// Where manifests wait.
    parked: String,
    stamp: String,
}

impl Places {
    fn of(request: &Request) -> Self {
        Self {
            data_dir: request.data_dir.clone().unwrap_or_else(|| "/var/lib/etcd".to_owned()),
            parked: format!("/etc/kubernetes/recovery-{}", request.stamp),
            stamp: request.stamp.clone(),
        }
    }

    fn kept(&self) -> String {
        format!("{}.before-{}", self.data_dir, self.stamp)
    }
}

/// The plan that puts a snapshot back on every member.
pub(super) fn restore(facts: &Facts, snapshot: &Snapshot, request: &Request) -> Vec<Phase> {
    let places = Places::of(request);
    let first = facts.first();
    let mut phases = vec![Phase::new("Look at the snapshot", first, look(facts, snapshot))];
    for member in &facts.members {
        let mut steps = inspect(facts, member, &places);
        steps.push(check::room(&places.data_dir, snapshot.size));
        if let Some(sha256) = snapshot.sha256.as_ref().filter(|_| member != first) {
            steps.push(check::same_file(sha256, &snapshot.path));
        }
        phases.push(Phase::new("Look before anything stops", member, steps));
    }
    for member in &facts.members {
        phases.push(Phase::new("Stop the control plane", member, vec![stop(&places)]));
    }
    for member in &facts.members {
        let steps = vec![set_aside(&places), put_back(facts, member, snapshot, request, &places)];
        phases.push(Phase::new("Put the snapshot back", member, steps));
    }
    for member in &facts.members {
        let step = start(&places, &["etcd"], "A member waits for the others: go on with the next host.");
        phases.push(Phase::new("Start etcd", member, vec![step]));
    }
    phases.push(Phase::new("Look at etcd", first, look_at_etcd(facts, snapshot, request)));
    phases.extend(api(facts, request, &places));
    phases
}

fn look(facts: &Facts, snapshot: &Snapshot) -> Vec<Step> {
    let mut steps = check::file(snapshot);
    for member in facts.others() {
        let to = format!("root@{}:{}", bracketed(&member.host.address), snapshot.path);
        steps.push(
            Step::new(format!("Copy it to {}.", member.host.name))
                .run(command(&["scp", "-p", &snapshot.path, &to]))
                .see("no error.")
                .or("Bring it there by any other way, under the same path."),
        );
    }
    steps
}

/// `scp` takes an IPv6 address in brackets.
fn bracketed(address: &str) -> String {
    if address.contains(':') { format!("[{address}]") } else { address.to_owned() }
}

/// Looks at one host, with everything still as it was found.
fn inspect(facts: &Facts, member: &Member, places: &Places) -> Vec<Step> {
    let manifest = format!("{MANIFESTS}/etcd.yaml");
    let mut steps = vec![
        check::address(member),
        Step::new("Is etcd here what this plan takes it for?")
            .run(command(&[
                "grep",
                "-nE",
                "-e",
                "image:|--(name|initial-advertise-peer-urls|data-dir|wal-dir)=",
                &manifest,
            ]))
            .see(format!(
                "`--name={}`, `--initial-advertise-peer-urls={}`, `--data-dir={}`, no `--wal-dir`, and an image of etcd {}.",
                member.name,
                member.peer_url,
                places.data_dir,
                facts.etcd.as_deref().unwrap_or("that is not older than the one the snapshot is from")
            ))
            .or(
                "Make the plan anew with what stands here (--member, --data-dir, --for-etcd). A host that has lost \
                 /etc/kubernetes is left out of it, and joined in the end with `kubeadm join --control-plane`.",
            ),
    ];
    steps.extend(check::authority(
        facts,
        &format!("{PKI}/ca.crt"),
        &format!("Bring {PKI} back from a copy of that time: with another authority nothing trusts this control plane."),
    ));
    steps.push(
        Step::new("Are the keys that all members share the same everywhere?")
            .run(command(&[
                "sha256sum",
                &format!("{PKI}/etcd/ca.crt"),
                &format!("{PKI}/sa.pub"),
                &format!("{PKI}/sa.key"),
            ]))
            .see("the same three sums on every host.")
            .or(format!("Copy {PKI}/etcd/ca.*, {PKI}/sa.* from the host that is right.")),
    );
    steps.push(
        Step::new("Do etcd's certificates still hold?")
            .run(format!(
                "for cert in server peer healthcheck-client; do openssl x509 -checkend 3600 -noout -in {PKI}/etcd/\"$cert\".crt; \
                 done"
            ))
            .see("`Certificate will not expire`, three times.")
            .or("`kubeadm certs renew all`, and look again."),
    );
    if !facts.encryption.is_empty() && facts.snapshot.is_some() {
        steps.push(encryption(facts));
    }
    steps
}

fn encryption(facts: &Facts) -> Step {
    Step::new("Is the configuration of encryption at rest here, with the keys that the snapshot needs?")
        .run(command(&[
            "grep",
            "-n",
            "--",
            "--encryption-provider-config=",
            &format!("{MANIFESTS}/kube-apiserver.yaml"),
        ]))
        .see(format!("a file; it must name {}.", facts.encryption.join(", ")))
        .or("Bring the file back. Without it kube-apiserver starts, and cannot read these values.")
}

fn stop(places: &Places) -> Step {
    let mut step = Step::new(
        "Move the manifests aside. The kubelet ends the pods within a minute; workloads go on. Manifests of a load balancer \
         stay.",
    )
    .run(command(&["mkdir", "-pm", "0700", &places.parked]));
    for name in API.iter().chain(&["etcd"]) {
        step =
            step.run(aside(&format!("{MANIFESTS}/{name}.yaml"), &format!("{}/{name}.yaml", places.parked)));
    }
    step.run("crictl ps --label io.kubernetes.pod.namespace=kube-system --name '^(etcd|kube-(apiserver|controller-manager|scheduler))$'")
        .see("`renamed` four times; at last a list with nothing but its heading.")
        .or("Wait a minute, and list again. If the kubelet does not run, `crictl stop` what is listed.")
}

fn set_aside(places: &Places) -> Step {
    Step::new("Move the old data directory aside. Only once all members stand still: see the part above.")
        .run(aside(&places.data_dir, &places.kept()))
        .see("`renamed`")
        .or(format!(
            "`Device or resource busy`: {} is a mount point. Move what is in it (`member`) to a directory beside it on the same \
             disk, so that it is empty.",
            places.data_dir
        ))
}

/// The list that every member is restored with.
fn initial_cluster(members: &[Member]) -> String {
    members.iter().map(|member| format!("{}={}", member.name, member.peer_url)).collect::<Vec<_>>().join(",")
}

fn put_back(facts: &Facts, member: &Member, snapshot: &Snapshot, request: &Request, places: &Places) -> Step {
    let cluster = initial_cluster(&facts.members);
    let token = format!("restore-{}", places.stamp);
    let bump = request.bump.to_string();
    let mut flags = vec![
        ("--data-dir", places.data_dir.as_str()),
        ("--name", &member.name),
        ("--initial-advertise-peer-urls", &member.peer_url),
        ("--initial-cluster", &cluster),
        ("--initial-cluster-token", &token),
    ];
    if request.bump > 0 {
        flags.extend([("--bump-revision", bump.as_str()), ("--mark-compacted", "")]);
    }
    if let Some(etcd) = &facts.etcd {
        flags.push(("--for-etcd", etcd));
    }
    if snapshot.alarms.contains(&Alarm::NoSpace) {
        flags.extend([("--drop-alarms", ""), ("--defragment", "")]);
    }
    if let Some(owner) = &request.owner {
        flags.push(("--owner", owner));
    }
    let why = match request.bump {
        0 => {
            "The revision is not raised: watches of kubelets and controllers may go on from a revision that is not there \
              again, and see nothing of what happens until they are restarted."
        }
        _ => {
            "The raised revision is above all that any watch has seen, and the old ones are compacted: whoever goes on from \
              one is told to list anew."
        }
    };
    Step::new(format!("Write the data directory of {}. {why}", member.name))
        .run(long(&format!("daytwo etcd restore {}", quote(&snapshot.path)), &flags))
        .run(command(&["ls", "-ld", &format!("{}/member", places.data_dir)]))
        .see("exit code 0; then `drwx------`, owned by the user that etcd runs as (root, unless kubeadm runs it rootless).")
        .or("Nothing was written where it says so: mend what it names, and type it again.")
}

fn start(places: &Places, names: &[&str], note: &str) -> Step {
    let mut step =
        Step::new(format!("Give the kubelet its manifest{} back.", if names.len() == 1 { "" } else { "s" }));
    for name in names {
        step =
            step.run(aside(&format!("{}/{name}.yaml", places.parked), &format!("{MANIFESTS}/{name}.yaml")));
    }
    let pattern = format!("^({})$", names.join("|"));
    step.run(command(&[
        "crictl",
        "ps",
        "--label",
        "io.kubernetes.pod.namespace=kube-system",
        "--name",
        &pattern,
    ]))
    .see(format!("`renamed`; within a minute {} as Running. {note}", names.join(", ")))
    .or("`crictl ps -a`, `crictl logs` of the one that ended, `journalctl -u kubelet`.")
}

/// From an etcd that answers to a cluster that works.
fn api(facts: &Facts, request: &Request, places: &Places) -> Vec<Phase> {
    let first = facts.first();
    let kubectl = kubectl(first);
    let mut steps = vec![start(places, &["kube-apiserver"], "It starts with an empty watch cache.")];
    steps.push(kubectl.ready("`crictl logs` of kube-apiserver. What it cannot decrypt, it names."));
    steps.extend(kubectl.same_cluster(facts));
    steps.extend(kubectl.park(facts));
    steps.push(start(places, &["kube-controller-manager", "kube-scheduler"], ""));
    let mut phases = vec![Phase::new("Start the API", first, steps)];
    for member in facts.others() {
        let steps = vec![start(places, &API, "")];
        phases.push(Phase::new("Start the API", member, steps));
    }
    let mut nodes = kubelets(facts, &kubectl);
    if request.bump == 0 {
        nodes.push(kubectl.controllers());
    }
    phases.push(Phase::new("Bring the nodes back", first, nodes));
    let mut last = kubectl.release(facts);
    last.extend(kubectl.after(facts, request, &save(first, places)));
    phases.push(Phase::new("End", first, last));
    phases
}

fn kubectl(first: &Member) -> Kubectl {
    let server = format!("https://{}:6443", bracketed(&first.host.address));
    Kubectl(command(&["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "--server", &server]))
}

fn kubelets(facts: &Facts, kubectl: &Kubectl) -> Vec<Step> {
    let hosts = facts.members.iter().map(|member| &member.host).chain(&facts.agents);
    vec![
        Step::new("Restart every kubelet, so that none goes on from what it saw of the cluster before. Pods go on running.")
            .run(on_each(hosts.map(|host| host.address.as_str()), "systemctl restart kubelet"))
            .see("no `failed on`.")
            .or("Restart it on that host by hand."),
        kubectl.nodes(facts),
    ]
}

fn save(first: &Member, places: &Places) -> String {
    etcdctl(first, &["snapshot", "save", &format!("{}/after-{}.db", places.data_dir, places.stamp)])
}
