//! From a first server that runs to a cluster that works: the other servers join it, the nodes come back.

use super::super::cluster::{Kubectl, on_each};
use super::super::shell::{aside, command};
use super::super::{Alarm, Distribution, Facts, Kept, Member, Phase, Request, Step};
use super::{Names, start};

/// From a first server that runs to a cluster that works.
pub(in super::super) fn rejoin(facts: &Facts, request: &Request, names: &Names) -> Vec<Phase> {
    let first = facts.first();
    let kubectl = names.kubectl();
    let mut steps = vec![kubectl.ready(&format!("`journalctl -u {} -e`", names.service))];
    steps.extend(kubectl.same_cluster(facts));
    if facts.snapshot.as_ref().is_some_and(|snapshot| snapshot.alarms.contains(&Alarm::NoSpace)) {
        steps.push(disarm(names));
    }
    steps.extend(kubectl.park(facts));
    let mut phases = vec![Phase::new("Look at the API", first, steps)];
    let db = names.db();
    for member in facts.others() {
        phases.push(Phase::new(
            "Join the server anew",
            member,
            vec![
                Step::new("Move its database aside, with the snapshots in it. It joins with an empty one, and copies the first's.")
                    .run(aside(&db, &names.before(&db)))
                    .see("`renamed`")
                    .or("`No such file`: a new host; go on."),
                start(names),
            ],
        ));
        phases.push(Phase::new("Has it joined?", first, vec![joined(member, &kubectl)]));
    }
    phases.push(Phase::new("Bring the nodes back", first, agents(facts, names, &kubectl)));
    let mut last = kubectl.release(facts);
    last.extend(kubectl.after(facts, request, &save(facts, names)));
    phases.push(Phase::new("End", first, last));
    phases
}

/// `etcd-snapshot` for etcd. For SQLite there is no such verb; its own shell copies a database that is in use.
fn save(facts: &Facts, names: &Names) -> String {
    let sqlite = facts.snapshot.as_ref().is_some_and(|snapshot| matches!(snapshot.kept, Kept::Sqlite { .. }));
    let copy = format!(".backup '/var/tmp/after-{}.db'", names.stamp);
    match sqlite {
        true => command(&["sqlite3", &format!("{}/state.db", names.db()), &copy]),
        false => {
            let name = format!("after-{}", names.stamp);
            command(&[names.program, "etcd-snapshot", "save", "--name", &name])
        }
    }
}

fn joined(member: &Member, kubectl: &Kubectl) -> Step {
    Step::new(format!("Wait until {} is a member again, before the next one begins.", member.host.name))
        .run(format!("{} {}", kubectl.0, command(&["get", "node", &member.host.name, "-o", "wide"])))
        .see("Ready, with the roles it had; within five minutes.")
        .or(format!("Read the log of its unit on {}.", member.host.name))
}

fn disarm(names: &Names) -> Step {
    let tls = format!("{}/server/tls/etcd", names.data_dir);
    let (ca, cert, key) = (
        format!("{tls}/server-ca.crt"),
        format!("{tls}/server-client.crt"),
        format!("{tls}/server-client.key"),
    );
    let base =
        ["etcdctl", "--endpoints", "https://127.0.0.1:2379", "--cacert", &ca, "--cert", &cert, "--key", &key];
    let with = |words: &[&str]| command(&[&base[..], words].concat());
    Step::new("The snapshot brought etcd's alarm NOSPACE along: every write fails. Give space back, then disarm it.")
        .run(with(&["defrag"]))
        .run(with(&["alarm", "disarm"]))
        .run(with(&["alarm", "list"]))
        .see("`Finished defragmenting`; nothing from the last command.")
        .or("`command not found`: take etcdctl from etcd's own release of the version that runs here. The alarm comes back: the database is full of data, not of holes; raise etcd's `quota-backend-bytes`.")
}

fn agents(facts: &Facts, names: &Names, kubectl: &Kubectl) -> Vec<Step> {
    let mut steps = Vec::new();
    if !facts.agents.is_empty() {
        let restart = command(&["systemctl", "restart", names.agent]);
        steps.push(
            Step::new("Restart every agent: revisions went back, and a watch from before would wait for ones long gone.")
                .run(on_each(facts.agents.iter().map(|host| host.address.as_str()), &restart))
                .see("no `failed on`.")
                .or("Restart it on that host by hand."),
        );
    }
    if names.distribution == Distribution::Harvester {
        let hosts = facts.members.iter().map(|member| member.host.address.as_str());
        steps.push(
            Step::new("Start what was stopped beside RKE2.")
                .run(on_each(hosts, "systemctl start rancher-system-agent"))
                .see("no `failed on`.")
                .or("Start it on that host by hand."),
        );
    }
    steps.extend([kubectl.nodes(facts), kubectl.controllers()]);
    steps
}
