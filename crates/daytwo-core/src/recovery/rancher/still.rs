//! Looking at every server, and stopping every server, before anything is changed on one.

use super::super::check;
use super::super::shell::{command, quote};
use super::super::{Distribution, Facts, Member, Phase, Step};
use super::Names;

/// Every server is looked at, then every server is stopped.
pub(super) fn stopped(facts: &Facts, names: &Names) -> Vec<Phase> {
    let first = facts.first();
    let mut phases = Vec::new();
    for member in &facts.members {
        let mut steps = vec![check::address(member), version(facts, names), unit(names)];
        steps.extend(check::authority(
            facts,
            &format!("{}/server/tls/server-ca.crt", names.data_dir),
            "On a new host there is none yet: the snapshot brings it. Where there is another, agents trust that one: they have \
             to be joined anew.",
        ));
        steps.push(if member == first { no_join_url(names) } else { join_url(first, names) });
        phases.push(Phase::new("Look before anything stops", member, steps));
    }
    for member in &facts.members {
        phases.push(Phase::new("Stop the server", member, stop(names)));
    }
    phases
}

fn version(facts: &Facts, names: &Names) -> Step {
    let known = facts.kubernetes.as_deref();
    Step::new(format!(
        "Is {} here as new as the one that wrote the data, or newer?",
        names.distribution.words()
    ))
    .run(command(&[names.program, "--version"]))
    .see(known.map_or_else(
        || "the version that the cluster had, or a newer one.".to_owned(),
        |version| format!("{version}, or a newer one."),
    ))
    .or("Install that version first, without starting it.")
}

fn unit(names: &Names) -> Step {
    Step::new("With which flags does the unit start it?")
        .run(command(&["systemctl", "cat", &format!("{}.service", names.service)]))
        .see(format!("`{} server` in ExecStart, and nothing after it that the command by hand below would lack.", program_name(names)))
        .or(format!(
            "Write its flags (`--data-dir`, `--node-name`, ...) into {}/config.yaml, so that both read them; or add them to \
             every `{} server` below.",
            names.config, names.program
        ))
}

fn program_name(names: &Names) -> &'static str {
    if names.distribution == Distribution::K3s { "k3s" } else { "rke2" }
}

/// Finds `server:` in every configuration file, with its key quoted or not.
fn grep_join_url(names: &Names) -> String {
    let dir = format!("{}/config.yaml.d", names.config);
    let file = format!("{}/config.yaml", names.config);
    format!("grep -rnE {} {file} {dir}", quote(r#"^["']?server["']?:"#))
}

fn no_join_url(names: &Names) -> Step {
    Step::new("Does this server join another one? The reset refuses to work while it is told to.")
        .run(grep_join_url(names))
        .see("nothing (that a file is not there is no matter).")
        .or(format!(
            "Comment it out, in each file that is listed: `sed -i.before-{} -E {} FILE`. Leave it so until another server runs.",
            names.stamp,
            quote(r#"s/^(["']?server["']?:)/#\1/"#)
        ))
}

fn join_url(first: &Member, names: &Names) -> Step {
    Step::new(format!(
        "Does this server join another one? With its database moved aside and nobody to join, it would begin a cluster of its \
         own, beside {}.",
        first.host.name
    ))
    .run(grep_join_url(names))
    .see(format!("`server:` with the URL of {} or of an address that leads to it.", first.host.name))
    .or(format!(
        "Write `server: https://{}:{}` into {}/config.yaml, and take `cluster-init` out.",
        first.host.address, names.port, names.config
    ))
}

fn stop(names: &Names) -> Vec<Step> {
    let stop_unit = command(&["systemctl", "stop", names.service]);
    let inactive = command(&["systemctl", "is-active", names.service]);
    match names.distribution {
        Distribution::K3s | Distribution::Kubeadm => vec![
            Step::new("Stop K3s. etcd and kube-apiserver end with it; pods go on.")
                .run(stop_unit)
                .run(inactive)
                .see("`inactive`")
                .or("`failed` will do too. If it is started again by something, stop that first."),
        ],
        Distribution::Rke2 => vec![
            Step::new(
                "Stop RKE2, and what it leaves running: the unit ends, etcd and kube-apiserver would go on in their containers. \
                 All pods of this host end with them.",
            )
            .run(stop_unit)
            .run("rke2-killall.sh")
            .run("pgrep -af '[e]tcd --config-file='")
            .see("nothing after the last command.")
            .or("Type it again. With an installation under /opt/rke2, it is /opt/rke2/bin/rke2-killall.sh."),
        ],
        Distribution::Harvester => vec![
            Step::new("Stop what would start RKE2 again, then RKE2. Virtual machines go on.")
                .run(command(&["systemctl", "stop", "rancher-system-agent", names.service]))
                .run(inactive)
                .see("`inactive`, or `failed`.")
                .or("Read `systemctl status`."),
            Step::new(
                "End the control plane's own processes, which go on in their containers. `rke2-killall.sh` would end the virtual \
                 machines too.",
            )
            .run(format!(
                "for name in {} '[k]ube-apiserver --' '[k]ube-controller-manager --' '[k]ube-scheduler --'; do pkill -TERM -f \
                 \"^$name\"; done",
                quote(&format!("[e]tcd --config-file={}/server/db/etcd/config", names.data_dir))
            ))
            .run("pgrep -af '^([e]tcd --config-file=|[k]ube-apiserver --)'")
            .see("nothing.")
            .or("Wait a moment and look again. What is left is ended by its number."),
        ],
    }
}
