//! Whole plans as they are printed, and what holds of every plan.

mod printed;
mod rules;
mod seen;

use super::*;

pub(super) fn member(name: &str, address: &str) -> Member {
    Member {
        host: Host { name: name.into(), address: address.into() },
        name: name.into(),
        peer_url: format!("https://{address}:2380"),
        standing: None,
    }
}

pub(super) fn agent(name: &str, address: &str) -> Host {
    Host { name: name.into(), address: address.into() }
}

pub(super) fn standing(consistent_index: u64, commit: u64, last: (u64, u64)) -> Standing {
    Standing {
        consistent_index,
        commit: Some(commit),
        last: Some(Entry { term: last.0, index: last.1 }),
        revision: i64::try_from(consistent_index).unwrap() - 10,
        cluster: Some(7),
    }
}

pub(super) fn snapshot() -> Snapshot {
    Snapshot {
        path: "/var/tmp/nightly.db".into(),
        kept: Kept::Etcd { digest: true },
        size: 52_428_832,
        sha256: Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into()),
        revision: 4711,
        storage_version: Some("3.6.0".into()),
        alarms: vec![],
        leases: 12,
        sealed: false,
        opens: None,
    }
}

pub(super) fn request() -> Request {
    Request {
        stamp: "20260102T030405Z".into(),
        data_dir: None,
        bump: 1_000_000_000,
        owner: None,
        token_file: None,
    }
}

/// Three servers and two other nodes, with a webhook in the way.
pub(super) fn site(distribution: Distribution) -> Facts {
    let version = match distribution {
        Distribution::Kubeadm => "v1.36.3",
        Distribution::K3s => "v1.36.3+k3s1",
        Distribution::Rke2 | Distribution::Harvester => "v1.36.3+rke2r1",
    };
    let webhook = |index, name: &str| Webhook {
        kind: "validatingwebhookconfiguration",
        configuration: "policy".into(),
        index,
        name: name.into(),
        service: ("policy-system".into(), "policy".into()),
    };
    Facts {
        distribution,
        members: vec![member("cp1", "10.0.0.1"), member("cp2", "10.0.0.2"), member("cp3", "10.0.0.3")],
        agents: vec![agent("w1", "10.0.0.11"), agent("w2", "10.0.0.12")],
        snapshot: Some(Snapshot { sealed: distribution != Distribution::Kubeadm, ..snapshot() }),
        webhooks: vec![webhook(0, "pods.policy.example"), webhook(2, "nodes.policy.example")],
        root_ca: Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".into()),
        uid: Some("c0ffee00-0000-4000-8000-000000000001".into()),
        encryption: vec![],
        etcd: (distribution == Distribution::Kubeadm).then(|| "3.6.5".into()),
        kubernetes: Some(version.into()),
    }
}

/// The same without a snapshot.
pub(super) fn lost(distribution: Distribution) -> Facts {
    Facts { snapshot: None, ..site(distribution) }
}

/// One K3s server on SQLite.
pub(super) fn sqlite() -> Facts {
    let kept = Snapshot {
        kept: Kept::Sqlite { wal: false },
        storage_version: None,
        leases: 0,
        sealed: true,
        ..snapshot()
    };
    Facts {
        members: vec![member("pi", "10.0.0.9")],
        agents: vec![],
        webhooks: vec![],
        snapshot: Some(Snapshot { path: "/var/tmp/state.db".into(), ..kept }),
        ..site(Distribution::K3s)
    }
}
