//! `daytwo etcd restore`: a data directory that etcd starts from, out of a snapshot or a member's own.

use std::path::{Path, PathBuf};

use daytwo_etcd::mvcc::Alarm;
use daytwo_etcd::restore::{Checked, Cluster, Minor, Owner, Report, Request, restore};
use daytwo_etcd::source::{self, Options};
use nix::unistd::{Group, User};
use serde::Serialize;

use crate::cli::etcd::restore::Restore;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::paint::Paint;
use crate::output::{Document, words};
use crate::settings::Session;

/// What was made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Restored {
    /// The file that was taken.
    file: PathBuf,
    data_dir: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    wal_dir: Option<PathBuf>,
    name: String,
    member_id: String,
    cluster_id: String,
    members: Vec<Member>,
    checked: &'static str,
    size: u64,
    revision: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compacted_revision: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_version: Option<String>,
    leases: usize,
    auth_enabled: bool,
    alarms: Vec<String>,
    alarms_dropped: Vec<String>,
    entries_lost: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    id: String,
    name: String,
    #[serde(rename = "peerURLs")]
    peer_urls: Vec<String>,
}

impl Document for Restored {
    fn kind(&self) -> Option<&'static str> {
        Some("EtcdRestore")
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        let mut text = format!(
            "{}: {} member {} ({}) of a new cluster {} of {}; revision {}, {}\n",
            self.data_dir.display(),
            paint.good("made"),
            self.name,
            self.member_id,
            self.cluster_id,
            words::count(self.members.len() as u64, "member"),
            self.revision,
            words::bytes(self.size),
        );
        let mut line = |what: &str| text.push_str(&format!("  {what}\n"));
        line(match self.checked {
            "Sha256" => "checked: its bytes have the sha256 at the file's end",
            "Structure" => {
                "checked: its pages hold together; a sha256 it has not, so values were not checked"
            }
            _ => "not checked, as was asked",
        });
        if let Some(revision) = self.compacted_revision {
            line(&format!("compacted up to revision {revision}: watchers below it begin anew"));
        }
        if self.auth_enabled {
            line("kept: users and roles; clients log in as before");
        }
        if self.leases > 0 {
            line(&format!(
                "kept: {}, each with its full time again",
                words::count(self.leases as u64, "lease")
            ));
        }
        if let Some(version) = &self.cluster_version {
            line(&format!("kept: the cluster's version {version}"));
        }
        for alarm in &self.alarms {
            line(&format!(
                "{} {alarm} is on, as it was: disarm it (etcdctl alarm disarm)",
                paint.odd("alarm")
            ));
        }
        for alarm in &self.alarms_dropped {
            line(&format!("left out: alarm {alarm}"));
        }
        if self.entries_lost > 0 {
            line(&format!(
                "left behind: {} with data, which are in the member's log only",
                words::count(self.entries_lost as u64, "request")
            ));
        }
        if wide {
            for member in &self.members {
                line(&format!("member {} {} {}", member.id, member.name, member.peer_urls.join(",")));
            }
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.data_dir.display().to_string()]
    }
}

/// Makes the directory and prints what it holds. It is finished also after a first Ctrl-C: it takes seconds, and comes to
/// its place whole or not at all.
///
/// # Errors
/// Exit 2 for flags that cannot be, exit 4 if something is in the way or data would be lost, exit 5 for a damaged file.
pub async fn run(session: &Session, verb: Restore) -> Result {
    let work = session.clone();
    let made = tokio::task::spawn_blocking(move || make(&work, &verb)).await??;
    session.out.document(&made)?;
    Ok(Exit::Done)
}

fn make(session: &Session, verb: &Restore) -> Result<Restored> {
    let urls: Vec<&str> = verb.initial_advertise_peer_urls.iter().map(String::as_str).collect();
    let cluster = Cluster::new(&verb.name, &verb.initial_cluster, &urls, &verb.initial_cluster_token)?;
    let for_etcd = verb.for_etcd.as_deref().map(version).transpose()?;
    let owner = verb.owner.as_deref().map(owner).transpose()?;
    let data_dir = verb.data_dir.clone().unwrap_or_else(|| format!("{}.etcd", verb.name).into());

    let options = Options { wal_dir: verb.from_wal_dir.clone(), ..Options::default() };
    let source = source::open(&verb.file, &options)?;
    let found = source.found();
    found.notes.iter().for_each(|note| session.speak.note(note));
    let Some(database) = source.backend() else {
        let what = format!("{} is a database of K3s, not of etcd", verb.file.display());
        return Err(Failure::usage(what).or_try("daytwo etcd plan restore, which says how it is put back"));
    };
    let report = restore(&Request {
        database,
        beyond: found.beyond.as_ref(),
        accept_loss: verb.accept_loss,
        cluster: &cluster,
        data_dir: &data_dir,
        wal_dir: verb.wal_dir.as_deref(),
        bump: verb.bump_revision,
        for_etcd,
        drop_alarms: verb.drop_alarms,
        owner,
        defragment: verb.defragment,
        skip_hash_check: verb.skip_hash_check,
    })?;
    Ok(document(verb, &cluster, &found.file, data_dir, report))
}

fn document(verb: &Restore, cluster: &Cluster, file: &Path, data_dir: PathBuf, report: Report) -> Restored {
    let hex = |id: u64| format!("{id:x}");
    let names = |alarms: &[Alarm]| alarms.iter().map(|alarm| alarm.kind.to_string()).collect();
    let members = cluster.members().iter().map(|member| Member {
        id: hex(member.id),
        name: member.name.clone(),
        peer_urls: member.peer_urls.clone(),
    });
    Restored {
        file: file.to_owned(),
        data_dir,
        wal_dir: verb.wal_dir.clone(),
        name: verb.name.clone(),
        member_id: hex(cluster.identity().member),
        cluster_id: hex(cluster.identity().cluster),
        members: members.collect(),
        checked: match report.checked {
            Checked::Hash => "Sha256",
            Checked::Structure => "Structure",
            Checked::Not => "Nothing",
        },
        size: report.size,
        revision: report.revision,
        compacted_revision: report.compacted,
        cluster_version: report.cluster_version,
        storage_version: report.storage_version,
        leases: report.leases,
        auth_enabled: report.auth_enabled,
        alarms: names(&report.alarms),
        alarms_dropped: names(&report.alarms_dropped),
        entries_lost: report.lost,
    }
}

fn version(text: &str) -> Result<Minor> {
    Minor::parse(text).ok_or_else(|| Failure::usage(format!("--for-etcd {text} is no version, such as 3.6")))
}

/// `user`, `user:group`, each by name or number; without a group the user's own.
fn owner(text: &str) -> Result<Owner> {
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let unknown =
        |what: &str, name: &str| Failure::usage(format!("--owner {text}: there is no {what} {name:?}"));
    let known = match user.parse() {
        Ok(number) => User::from_uid(nix::unistd::Uid::from_raw(number)),
        Err(_) => User::from_name(user),
    };
    let known = known?;
    let number = known.as_ref().map(|known| known.uid.as_raw()).or_else(|| user.parse().ok());
    let number = number.ok_or_else(|| unknown("user", user))?;
    let group = match group {
        None => known.map(|known| known.gid.as_raw()).ok_or_else(|| unknown("group of", user))?,
        Some(group) => match group.parse() {
            Ok(number) => number,
            Err(_) => {
                let found = Group::from_name(group)?;
                found.map(|found| found.gid.as_raw()).ok_or_else(|| unknown("group", group))?
            }
        },
    };
    Ok(Owner { user: number, group })
}
