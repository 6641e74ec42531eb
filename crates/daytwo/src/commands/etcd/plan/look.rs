//! What a plan needs to know of the data: nodes, webhooks, authorities, and how far a directory has come.

use std::ops::ControlFlow;
use std::path::Path;

use daytwo_core::recovery::{self, Entry, Nodes, Standing, Webhook};
use daytwo_etcd::datadir::DataDir;
use daytwo_etcd::kube::{Objects, Seal};
use daytwo_etcd::mvcc::{AlarmKind, Backend};
use daytwo_etcd::source::{self, Options, Source};
use daytwo_etcd::{Record, Store, k3s, keyspace, wal};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::cli::etcd::plan::Named;
use crate::failure::{Failure, Result};

/// What the objects say.
#[derive(Debug, Default)]
pub struct Looked {
    /// The nodes.
    pub nodes: Nodes,
    /// Whether kubeadm left its ConfigMap.
    pub kubeadm_config: bool,
    /// Those in the way.
    pub webhooks: Vec<Webhook>,
    /// SHA-256 of the CA that pods trust.
    pub root_ca: Option<String>,
    /// The UID of kube-system.
    pub uid: Option<String>,
    /// What values are encrypted with.
    pub encryption: Vec<String>,
    /// The oldest version of the etcd pods.
    pub etcd: Option<String>,
    /// Whether K3s' or RKE2's bootstrap data is there.
    pub sealed: bool,
}

/// What is gathered in the one pass.
#[derive(Default)]
struct Pass {
    nodes: Vec<Value>,
    looked: Looked,
}

impl Looked {
    /// One pass over the newest values of `store`; only those that are needed are decoded. What cannot be decoded is passed
    /// over: a plan is wanted most where something is damaged, and flags can say the same.
    ///
    /// # Errors
    /// Those of reading.
    pub fn at(store: &dyn Store, objects: &Objects) -> Result<Self> {
        let mut pass = Pass::default();
        keyspace::list(store, b"", None, &mut |record| {
            pass.take(record, objects);
            ControlFlow::Continue(())
        })?;
        let mut looked = pass.looked;
        looked.nodes = recovery::nodes(&pass.nodes);
        looked
            .webhooks
            .sort_by(|a, b| (a.kind, &a.configuration, a.index).cmp(&(b.kind, &b.configuration, b.index)));
        looked.encryption.sort();
        looked.encryption.dedup();
        Ok(looked)
    }
}

impl Pass {
    fn take(&mut self, record: &Record<'_>, objects: &Objects) {
        self.looked.sealed |= record.key.starts_with(b"/bootstrap/");
        if let Some((seal, _)) = Seal::of(record.value) {
            let by = seal.to_string();
            if !self.looked.encryption.contains(&by) {
                self.looked.encryption.push(by);
            }
        }
        let Some(place) =
            std::str::from_utf8(record.key).ok().and_then(|key| key.strip_prefix(objects.prefix().as_str()))
        else {
            return;
        };
        let show = || objects.show(record).ok().map(|shown| shown.object);
        match place.split('/').collect::<Vec<_>>().as_slice() {
            ["minions", _] => self.nodes.extend(show()),
            ["namespaces", "kube-system"] => self.looked.uid = text(show(), "/metadata/uid"),
            ["configmaps", "kube-system", "kubeadm-config"] => self.looked.kubeadm_config = true,
            ["configmaps", "kube-system", "kube-root-ca.crt"] => {
                let pem = text(show(), "/data/ca.crt");
                self.looked.root_ca = pem.map(|pem| hex(&Sha256::digest(pem.as_bytes())));
            }
            ["validatingwebhookconfigurations", _] => {
                self.webhooks("validatingwebhookconfiguration", show().as_ref());
            }
            ["mutatingwebhookconfigurations", _] => {
                self.webhooks("mutatingwebhookconfiguration", show().as_ref());
            }
            ["pods", "kube-system", name] if name.starts_with("etcd-") => self.etcd(show().as_ref()),
            _ => {}
        }
    }

    fn webhooks(&mut self, kind: &'static str, configuration: Option<&Value>) {
        self.looked
            .webhooks
            .extend(configuration.into_iter().flat_map(|found| recovery::webhooks(kind, found)));
    }

    fn etcd(&mut self, pod: Option<&Value>) {
        let containers = pod.and_then(|pod| pod.pointer("/spec/containers")).and_then(Value::as_array);
        for container in containers.into_iter().flatten().filter(|container| container["name"] == "etcd") {
            let version = container["image"].as_str().and_then(version_of);
            let older = |known: &String, new: &String| numbers(new) < numbers(known);
            match (&self.looked.etcd, version) {
                (Some(known), Some(new)) if !older(known, &new) => {}
                (_, Some(new)) => self.looked.etcd = Some(new),
                (_, None) => {}
            }
        }
    }
}

/// The version in an image's tag: `registry.k8s.io/etcd:3.6.5-0` is 3.6.5.
fn version_of(image: &str) -> Option<String> {
    let image = image.split('@').next()?;
    let (_, tag) = image.rsplit_once(':')?;
    let version = tag.trim_start_matches('v').split('-').next()?;
    let plain =
        version.split('.').count() == 3 && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| version.to_owned())
}

fn numbers(version: &str) -> Vec<u64> {
    version.split('.').filter_map(|part| part.parse().ok()).collect()
}

fn text(object: Option<Value>, place: &str) -> Option<String> {
    object?.pointer(place)?.as_str().map(str::to_owned)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the token in `file` opens the bootstrap data; `None` where that cannot be told.
///
/// # Errors
/// Exit 2 for a file without a server token; those of reading.
pub fn opens(store: &dyn Store, file: &Path) -> Result<Option<bool>> {
    let token = k3s::Token::parse(&std::fs::read_to_string(file)?)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    Ok(match k3s::verdict(store, &token)? {
        k3s::Verdict::Opens(_) => Some(true),
        k3s::Verdict::WrongToken { .. } => Some(false),
        k3s::Verdict::NoProof | k3s::Verdict::Damaged { .. } => None,
    })
}

/// The alarms that a plan has a step for.
///
/// # Errors
/// Those of reading.
pub fn alarms(backend: &Backend) -> Result<Vec<recovery::Alarm>> {
    let known = backend.alarms()?.into_iter().filter_map(|alarm| match alarm.kind {
        AlarmKind::NoSpace => Some(recovery::Alarm::NoSpace),
        AlarmKind::Corrupt => Some(recovery::Alarm::Corrupt),
        AlarmKind::Other(_) => None,
    });
    Ok(known.collect())
}

/// A member's data directory that was given.
pub struct Dir {
    /// As it was named.
    pub name: String,
    /// Its database.
    pub source: Source,
    /// How far it has come.
    pub standing: Standing,
}

/// Opens the directories that were named.
///
/// # Errors
/// Exit 4 for one that is in use; those of reading.
pub fn dirs(named: &[Named]) -> Result<Vec<Dir>> {
    named.iter().map(|named| dir(&named.name, Path::new(&named.value))).collect()
}

fn dir(name: &str, path: &Path) -> Result<Dir> {
    // It refuses what is in use, so it goes first.
    let source = source::open(path, &Options::default())?;
    let Some(member) = &source.found().member else {
        let what = format!("{} is no member's data directory: its log is needed", path.display());
        return Err(Failure::usage(what));
    };
    let standing = standing(member, &source)?;
    Ok(Dir { name: name.to_owned(), source, standing })
}

fn standing(member: &DataDir, source: &Source) -> Result<Standing> {
    let last = wal::entries(&member.layout.wal, member.last.saturating_sub(1))?;
    Ok(Standing {
        consistent_index: member.consistent_index,
        commit: Some(member.state.commit),
        last: last.last().map(|entry| Entry { term: entry.term, index: entry.index }),
        revision: source.store().readable()?.newest,
        cluster: Some(member.identity.cluster),
    })
}
