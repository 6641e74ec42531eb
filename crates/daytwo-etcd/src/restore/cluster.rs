//! The cluster a member is to be of, out of etcd's own flags: its members, their ids and the cluster's.
//!
//! Each member's directory is made alone, on its own host: the ids come out of the same flags there. Names are not looked
//! up, as etcdutl does where URLs differ: `--initial-advertise-peer-urls` must say what `--initial-cluster` says.
//! Source: etcd v3.6.16, `client/pkg/types/{urls,urlsmap}.go`, `server/config/config.go` (VerifyBootstrap),
//! `server/etcdserver/api/membership/{member,cluster}.go`.

use std::collections::{BTreeMap, BTreeSet};

use sha1::{Digest as _, Sha1};

use crate::mvcc::Member;
use crate::wal::Identity;
use crate::{Error, Result};

/// The members of a cluster that is to begin, and which of them is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// By rising id.
    members: Vec<Member>,
    identity: Identity,
}

impl Cluster {
    /// By the values of `--name`, `--initial-cluster`, `--initial-advertise-peer-urls` and `--initial-cluster-token`, which
    /// mean what they mean to etcdutl.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `cluster` has no member `name`, a URL is none, or stands there twice, or `peer_urls` are others
    /// than those of `name`.
    pub fn new(name: &str, cluster: &str, peer_urls: &[&str], token: &str) -> Result<Cluster> {
        let named = by_name(cluster)?;
        let Some(own) = named.get(name) else {
            return invalid(format!("--initial-cluster has no member {name:?}: it has {}", names(&named)));
        };
        let advertised = urls(peer_urls.iter().copied(), "--initial-advertise-peer-urls")?;
        if advertised != *own {
            return invalid(format!(
                "--initial-advertise-peer-urls is {}, but --initial-cluster has {} for {name:?}",
                advertised.join(","),
                own.join(",")
            ));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = named.values().flatten().find(|url| !seen.insert(*url)) {
            return invalid(format!("--initial-cluster has {twice} twice"));
        }
        let mut members: Vec<Member> = named
            .into_iter()
            .map(|(name, peer_urls)| Member {
                id: member_id(&peer_urls, token),
                name,
                peer_urls,
                client_urls: Vec::new(),
                is_learner: false,
            })
            .collect();
        members.sort_by_key(|member| member.id);
        if members.windows(2).any(|pair| pair[0].id == pair[1].id) || members[0].id == 0 {
            return invalid("--initial-cluster gives two members one id".to_owned());
        }
        let member = members.iter().find(|member| member.name == name).map_or(0, |member| member.id);
        let cluster = first_of(
            members.iter().fold(Sha1::new(), |hash, member| hash.chain_update(member.id.to_be_bytes())),
        );
        Ok(Cluster { members, identity: Identity { member, cluster } })
    }

    /// All members, by rising id.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Which of them is meant, and the cluster's id.
    pub fn identity(&self) -> Identity {
        self.identity
    }
}

/// `name=url,name=url`, a name once for each of its URLs.
fn by_name(cluster: &str) -> Result<BTreeMap<String, Vec<String>>> {
    let mut named: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for part in cluster.split(',').filter(|part| !part.is_empty()) {
        let (name, url) = part.split_once('=').unwrap_or((part, ""));
        named.entry(name.to_owned()).or_default().push(url);
    }
    if named.is_empty() {
        return invalid("--initial-cluster names no member".to_owned());
    }
    let of = |(name, given): (String, Vec<&str>)| {
        urls(given.into_iter(), "--initial-cluster").map(|urls| (name, urls))
    };
    named.into_iter().map(of).collect()
}

/// URLs of peers, sorted, as etcd writes them.
fn urls<'u>(given: impl Iterator<Item = &'u str>, flag: &str) -> Result<Vec<String>> {
    let mut urls = given
        .map(|text| {
            let text = text.trim();
            peer_url(text).ok_or_else(|| {
                Error::Invalid(format!(
                    "{text:?} in {flag} is no URL of a peer: it must be http://host:port or https://host:port"
                ))
            })
        })
        .collect::<Result<Vec<String>>>()?;
    urls.sort();
    Ok(urls)
}

/// A URL of http or https with a port and nothing behind it, or one of a socket.
fn peer_url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]:%".contains(&byte);
    match scheme.as_str() {
        "http" | "https" => {
            let (host, port) = rest.rsplit_once(':')?;
            let bracketed = host.starts_with('[') && host.ends_with(']');
            let host_ok = bracketed || !host.contains([':', '[', ']']);
            let port_ok = port.bytes().all(|byte| byte.is_ascii_digit());
            (rest.bytes().all(plain) && host_ok && port_ok).then(|| format!("{scheme}://{rest}"))
        }
        "unix" | "unixs" => {
            let ok = !rest.is_empty() && rest.bytes().all(|byte| plain(byte) || byte == b'/');
            ok.then(|| format!("{scheme}://{rest}"))
        }
        _ => None,
    }
}

/// The first 8 bytes of the SHA-1 of all peer URLs in order and the token (`membership.computeMemberID`).
fn member_id(peer_urls: &[String], token: &str) -> u64 {
    first_of(peer_urls.iter().fold(Sha1::new(), |hash, url| hash.chain_update(url)).chain_update(token))
}

fn first_of(hash: Sha1) -> u64 {
    let digest = hash.finalize();
    u64::from_be_bytes(*digest.first_chunk().expect("invariant: SHA-1 has 20 bytes"))
}

fn names(named: &BTreeMap<String, Vec<String>>) -> String {
    named.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn invalid<T>(what: String) -> Result<T> {
    Err(Error::Invalid(what))
}
