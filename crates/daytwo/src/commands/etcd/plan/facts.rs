//! The site, put together of what the data says and what the flags say. A flag wins.

use daytwo_core::recovery::{Distribution, Facts, Host, Member, Snapshot, guess, member_of};
use daytwo_etcd::mvcc;

use super::look::{Dir, Looked};
use crate::cli::etcd::plan::{Named, Site};
use crate::failure::{Failure, Result};

/// All that a plan rests on.
///
/// # Errors
/// Exit 2 if the distribution is neither given nor to be told.
pub fn of(site: &Site, members: Vec<Member>, looked: Looked, snapshot: Option<Snapshot>) -> Result<Facts> {
    let distribution = match site.distribution {
        Some(given) => given.into(),
        None => guess(&looked.nodes, looked.kubeadm_config).ok_or_else(|| {
            Failure::usage("which installer the control plane came from cannot be told from the data")
                .or_try("--distribution kubeadm, k3s, rke2 or harvester")
        })?,
    };
    let is_member = |host: &Host| members.iter().any(|member| member.host.name == host.name);
    let kubeadm = distribution == Distribution::Kubeadm;
    let agents = looked.nodes.servers.iter().chain(&looked.nodes.agents).filter(|host| !is_member(host));
    let agents: Vec<Host> = agents.cloned().collect();
    Ok(Facts {
        distribution,
        agents,
        snapshot,
        etcd: site.for_etcd.clone().or(looked.etcd.filter(|_| kubeadm)),
        kubernetes: looked.nodes.kubelet,
        webhooks: looked.webhooks,
        root_ca: looked.root_ca,
        uid: looked.uid,
        encryption: looked.encryption,
        members,
    })
}

/// Who is to be a member: those named, else etcd's members, else the servers.
///
/// # Errors
/// Exit 2 if nobody is known.
pub fn members(site: &Site, known: &[mvcc::Member], looked: &Looked) -> Result<Vec<Member>> {
    let servers = &looked.nodes.servers;
    let started = known.iter().filter(|member| !member.name.is_empty() && !member.is_learner);
    let mut found: Vec<Member> = started
        .filter_map(|member| Some(member_of(&member.name, member.peer_urls.first()?, servers)))
        .collect();
    if found.is_empty() {
        found = servers.iter().map(|host| at(&host.name, &host.address)).collect();
    }
    found.sort_by(|a, b| a.host.name.cmp(&b.host.name));
    if !site.members.is_empty() {
        return Ok(site.members.iter().map(|named| given(named, &found)).collect());
    }
    if found.is_empty() {
        return Err(Failure::usage("no member of the control plane is known from the data")
            .or_try("--member NAME=ADDRESS, once for each"));
    }
    Ok(found)
}

/// A member as a flag names it: by the node's name, with an address or a peer URL.
fn given(named: &Named, found: &[Member]) -> Member {
    let known = found.iter().find(|member| member.host.name == named.name || member.name == named.name);
    let mut member = match named.value.contains("://") {
        true => member_of(&named.name, &named.value, &[]),
        false => at(&named.name, &named.value),
    };
    member.host.name.clone_from(&named.name);
    if let Some(known) = known {
        member.name.clone_from(&known.name);
        member.host.name.clone_from(&known.host.name);
    }
    member
}

fn at(name: &str, address: &str) -> Member {
    let bracketed = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    Member {
        host: Host { name: name.to_owned(), address: address.to_owned() },
        name: name.to_owned(),
        peer_url: format!("https://{bracketed}:2380"),
        standing: None,
    }
}

/// Puts `name` first; the others stay in their order.
///
/// # Errors
/// Exit 2 for a name that none has.
pub fn begin_with(name: Option<&str>, mut members: Vec<Member>) -> Result<Vec<Member>> {
    if let Some(name) = name {
        let at = place(name, &members)?;
        let first = members.remove(at);
        members.insert(0, first);
    }
    Ok(members)
}

/// Tells members how far their directories have come.
///
/// # Errors
/// Exit 2 for a directory of nobody.
pub fn with_dirs(mut members: Vec<Member>, dirs: &[Dir]) -> Result<Vec<Member>> {
    for dir in dirs {
        let at = place(&dir.name, &members)?;
        members[at].standing = Some(dir.standing.clone());
    }
    Ok(members)
}

fn place(name: &str, members: &[Member]) -> Result<usize> {
    let is = |member: &Member| member.host.name == name || member.name == name;
    members.iter().position(is).ok_or_else(|| {
        let known: Vec<&str> = members.iter().map(|member| member.host.name.as_str()).collect();
        Failure::usage(format!("{name} is no member: there are {}", known.join(", ")))
    })
}
