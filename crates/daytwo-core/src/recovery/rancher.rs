//! K3s, RKE2 and Harvester: the supervisor restores by itself, on one server, and the others join that one anew.
//!
//! Harvester is RKE2 whose binary lies in `/opt/rke2/bin` and which `rancher-system-agent` starts; virtual machines run on
//! the same hosts, so that only the control plane's processes are ended there.

mod rejoin;
mod still;

use super::check;
use super::cluster::Kubectl;
use super::shell::{aside, command, quote};
use super::{Distribution, Facts, Phase, Request, Snapshot, Step};

pub(super) use rejoin::rejoin;
use still::stopped;

/// What K3s and RKE2 call things.
pub(super) struct Names {
    distribution: Distribution,
    /// Its binary.
    pub program: &'static str,
    /// Its unit on servers, and on other nodes.
    pub service: &'static str,
    agent: &'static str,
    /// Its root.
    pub data_dir: String,
    /// Its configuration.
    config: &'static str,
    /// Where servers join.
    port: u16,
    pub token_file: String,
    pub stamp: String,
}

impl Names {
    pub(super) fn of(facts: &Facts, request: &Request) -> Self {
        let k3s = facts.distribution == Distribution::K3s;
        let usual = if k3s { "/var/lib/rancher/k3s" } else { "/var/lib/rancher/rke2" };
        let data_dir = request.data_dir.clone().unwrap_or_else(|| usual.to_owned());
        let token_file = request.token_file.clone().unwrap_or_else(|| format!("{data_dir}/server/token"));
        Self {
            distribution: facts.distribution,
            program: match facts.distribution {
                Distribution::Harvester => "/opt/rke2/bin/rke2",
                Distribution::Rke2 => "rke2",
                _ => "k3s",
            },
            service: if k3s { "k3s" } else { "rke2-server" },
            agent: if k3s { "k3s-agent" } else { "rke2-agent" },
            data_dir,
            config: if k3s { "/etc/rancher/k3s" } else { "/etc/rancher/rke2" },
            port: if k3s { 6443 } else { 9345 },
            token_file,
            stamp: request.stamp.clone(),
        }
    }

    fn db(&self) -> String {
        format!("{}/server/db", self.data_dir)
    }

    fn before(&self, path: &str) -> String {
        format!("{path}.before-{}", self.stamp)
    }

    pub(super) fn kubectl(&self) -> Kubectl {
        Kubectl(match self.distribution {
            Distribution::K3s => "k3s kubectl".to_owned(),
            _ => command(&[
                &format!("{}/bin/kubectl", self.data_dir),
                "--kubeconfig",
                &format!("{}/rke2.yaml", self.config),
            ]),
        })
    }
}

/// The plan that restores a snapshot.
pub(super) fn restore(facts: &Facts, snapshot: &Snapshot, request: &Request) -> Vec<Phase> {
    let names = Names::of(facts, request);
    let first = facts.first();
    let mut look = vec![check::token(&names.token_file, snapshot)];
    look.extend(check::file(snapshot));
    look.push(check::room(&names.data_dir, snapshot.size));
    let mut phases = vec![Phase::new("Look at the snapshot", first, look)];
    phases.extend(stopped(facts, &names));
    let mut reset = prepare(&names);
    reset.push(run_reset(&names, Some(snapshot)));
    reset.push(start(&names));
    phases.push(Phase::new("Restore the first server", first, reset));
    phases.extend(rejoin(facts, request, &names));
    phases
}

/// The plan that makes a cluster of the first server as it is.
pub(super) fn quorum(facts: &Facts, request: &Request) -> Vec<Phase> {
    let names = Names::of(facts, request);
    let first = facts.first();
    let mut phases = stopped(facts, &names);
    let db = names.db();
    let mut reset = vec![
        Step::new("Keep a copy of the only database that is left, before anything touches it.")
            .run(command(&["cp", "-aT", &db, &names.before(&db)]))
            .see("no error.")
            .or("Make room. Do not go on without a copy."),
    ];
    reset.extend(prepare(&names));
    reset.push(run_reset(&names, None));
    reset.push(start(&names));
    phases.push(Phase::new("Make a cluster of one", first, reset));
    phases.extend(rejoin(facts, request, &names));
    phases
}

/// What lies in the way of a reset.
fn prepare(names: &Names) -> Vec<Step> {
    let flag = format!("{}/reset-flag", names.db());
    let server = format!("{}/server", names.data_dir);
    let (tls, cred) = (format!("{server}/tls"), format!("{server}/cred"));
    vec![
        Step::new("An earlier reset may have left its mark, which forbids another one.")
            .run(format!("test ! -e {flag} || {}", aside(&flag, &names.before(&flag))))
            .see("no error.")
            .or("Move it aside by hand."),
        Step::new("Keep a copy of certificates and keys: the reset writes those of the data over them.")
            .run(command(&["cp", "-aT", &tls, &names.before(&tls)]))
            .run(command(&["cp", "-aT", &cred, &names.before(&cred)]))
            .see("no error.")
            .or("On a new host there are none yet: go on."),
    ]
}

fn run_reset(names: &Names, snapshot: Option<&Snapshot>) -> Step {
    let mut line = format!("{} server \\\n  --cluster-reset", names.program);
    if let Some(snapshot) = snapshot {
        line.push_str(&format!(
            " \\\n  {}",
            quote(&format!("--cluster-reset-restore-path={}", snapshot.path))
        ));
    }
    let usual = names.token_file == format!("{}/server/token", names.data_dir);
    if !usual {
        line.push_str(&format!(" \\\n  {}", quote(&format!("--token-file={}", names.token_file))));
    }
    let what = match snapshot {
        Some(_) => {
            "Restore. It moves the old etcd aside itself (etcd-old-...), makes a cluster of one member, and ends."
        }
        None => "Reset. It keeps the data, forgets the other members, and ends.",
    };
    let s3 = match snapshot {
        Some(_) => " With S3 in the configuration, add `--etcd-s3=false`, or it looks for the file there.",
        None => "",
    };
    Step::new(what)
        .run(line)
        .see("`Managed etcd cluster membership has been reset, restart without --cluster-reset flag now`, and the prompt.")
        .or(format!(
            "`cannot perform cluster-reset while server URL is set`: comment `server:` out. Anything about the token: it is not \
             the snapshot's.{s3}"
        ))
}

fn start(names: &Names) -> Step {
    Step::new("Start it as ever.")
        .run(command(&["systemctl", "start", names.service]))
        .run(command(&["systemctl", "is-active", names.service]))
        .see("`active`, within some minutes.")
        .or(format!("`journalctl -u {} -e`", names.service))
}

/// What the flags of the unit mean for the command by hand.
pub(super) fn by_hand(facts: &Facts) -> String {
    let (program, config) = match facts.distribution {
        Distribution::K3s => ("k3s", "/etc/rancher/k3s"),
        _ => ("rke2", "/etc/rancher/rke2"),
    };
    format!(
        "`{program} server` by hand reads {config}/config.yaml and config.yaml.d, but neither the flags nor the environment file \
         of the unit. If a token is set there, it must be the snapshot's."
    )
}

/// What Harvester's users must know.
pub(super) fn machines() -> String {
    "Virtual machines go on while the control plane is down, unless a step says that pods end. Do not restart their hosts: a \
     machine whose volume has its replicas on lost hosts does not start again."
        .to_owned()
}
