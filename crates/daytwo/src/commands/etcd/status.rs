//! `daytwo etcd status`: what a file is.
//!
//! The numbers of etcdutl by etcdutl's names; beside them what a person asks next: what is in there, how much of it is
//! slack, whose it is, and whether a token opens it.

mod content;
mod token;

use daytwo_etcd::kine::Kine;
use daytwo_etcd::mvcc::Backend;
use daytwo_etcd::{kine, status};
use serde::Serialize;

use self::content::{Content, Kind};
use super::found;
use super::open::{self, Opened};
use super::versions::ApiServer;
use crate::cli::etcd::file::Status;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::paint::Paint;
use crate::output::table::Table;
use crate::output::{Document, words};
use crate::settings::Session;

/// What a file is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EtcdStatus {
    file: String,
    /// What kind of file, in words.
    form: String,
    #[serde(flatten)]
    store: Of,
    /// The oldest revision at which the keyspace is whole.
    oldest_revision: i64,
    apiservers: Vec<ApiServer>,
    #[serde(flatten)]
    content: Content,
    /// Whether the token opens it, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<token::Token>,
    notes: Vec<String>,
}

/// The store's own numbers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Of {
    Etcd(Box<Etcd>),
    Kine(Sqlite),
}

/// Of etcd's file. The first five are `etcdutl snapshot status -w json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Etcd {
    hash: u32,
    revision: i64,
    total_key: u64,
    total_size: u64,
    version: String,
    hash_kv: u32,
    /// Entries of all buckets: total keys in etcdutl of 3.5.
    records: u64,
    size_in_use: u64,
    page_size: u32,
    file_size: u64,
    sha256_tail: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_version: Option<String>,
    /// In hexadecimal, as etcd prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_id: Option<String>,
    members: Vec<Member>,
    alarms: Vec<Alarm>,
    leases: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    consistent_index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    term: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    id: String,
    name: String,
    #[serde(rename = "peerURLs")]
    peer_urls: Vec<String>,
    #[serde(rename = "clientURLs")]
    client_urls: Vec<String>,
    is_learner: bool,
}

#[derive(Debug, Serialize)]
struct Alarm {
    member: String,
    alarm: String,
}

/// Of a K3s database.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sqlite {
    revision: i64,
    total_key: u64,
    total_size: u64,
    /// Rows of the table: puts, deletions and gaps.
    records: u64,
    size_in_use: u64,
    page_size: u64,
    /// Bytes of the write-ahead log beside it, which is read too.
    log_size: u64,
    compacted_revision: i64,
}

impl From<status::Status> for Etcd {
    fn from(of: status::Status) -> Self {
        let member = |member: daytwo_etcd::mvcc::Member| Member {
            id: format!("{:x}", member.id),
            name: member.name,
            peer_urls: member.peer_urls,
            client_urls: member.client_urls,
            is_learner: member.is_learner,
        };
        let alarm = |alarm: &daytwo_etcd::mvcc::Alarm| Alarm {
            member: format!("{:x}", alarm.member),
            alarm: alarm.kind.to_string(),
        };
        Self {
            hash: of.hash,
            revision: of.revision,
            total_key: of.total_key,
            total_size: of.total_size,
            hash_kv: of.hash_kv.hash,
            records: of.records,
            size_in_use: of.size_in_use(),
            page_size: of.page_size,
            file_size: of.file_size,
            sha256_tail: of.tail,
            cluster_version: of.cluster_version,
            cluster_id: of.cluster_id.map(|id| format!("{id:x}")),
            alarms: of.alarms.iter().map(alarm).collect(),
            members: of.members.into_iter().map(member).collect(),
            leases: of.leases,
            consistent_index: of.consistent_index,
            term: of.term,
            version: of.version,
        }
    }
}

impl From<kine::Status> for Sqlite {
    fn from(of: kine::Status) -> Self {
        Self {
            revision: of.readable.newest,
            total_key: of.keys,
            total_size: of.bytes,
            records: of.rows,
            size_in_use: (of.pages - of.free_pages) * of.page_bytes,
            page_size: of.page_bytes,
            log_size: of.log_bytes,
            compacted_revision: of.compacted,
        }
    }
}

/// Prints the status; exit 1 where a token was given that does not open the file.
///
/// # Errors
/// As opening the file; exit 5 for one that is damaged.
pub async fn run(session: &Session, verb: Status) -> Result {
    open::apart(session, move |session| {
        let opened = Opened::open(session, &verb.source.file, &verb.source.reading)?;
        let store = match (opened.source.backend(), opened.source.kine()) {
            (Some(backend), _) => of_backend(backend)?,
            (None, Some(kine)) => of_kine(kine)?,
            (None, None) => unreachable!("a source is one of both"),
        };
        let token = verb.token_file.as_deref().map(|path| token::look(&opened, path)).transpose()?;
        let content = content::of(&opened, verb.top)?;
        let document = EtcdStatus {
            file: opened.name().to_owned(),
            form: found::form(&opened.source),
            store,
            oldest_revision: opened.store().readable()?.oldest,
            apiservers: content.found.apiservers.clone(),
            content,
            token,
            notes: found::notes(&opened.source),
        };
        session.out.document(&document)?;
        let opens = document.token.as_ref().is_none_or(|token| token.opens);
        Ok(if opens { Exit::Done } else { Exit::Findings })
    })
    .await
}

fn of_backend(backend: &Backend) -> Result<Of> {
    Ok(Of::Etcd(Box::new(status::status(backend)?.into())))
}

fn of_kine(kine: &Kine) -> Result<Of> {
    Ok(Of::Kine(kine.status()?.into()))
}

impl Document for EtcdStatus {
    fn kind(&self) -> Option<&'static str> {
        Some("EtcdStatus")
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        let mut text = match &self.store {
            Of::Etcd(etcd) => etcd.text(paint),
            Of::Kine(kine) => kine.text(paint),
        };
        text.push('\n');
        let mut line = |what: &str, value: String| text.push_str(&format!("{what:<22}{value}\n"));
        line("file", format!("{}, {}", self.file, self.form));
        match &self.store {
            Of::Etcd(etcd) => etcd.lines(&mut line),
            Of::Kine(kine) => kine.lines(&mut line),
        }
        line("readable revisions", format!("from {} on", self.oldest_revision));
        for server in &self.apiservers {
            line("API server", format!("{} ({})", server.version, server.from));
        }
        for sealed in &self.content.encrypted {
            line("encrypted", format!("{}, {}", words::count(sealed.keys, "value"), sealed.by));
        }
        if let Some(token) = &self.token {
            line("token", token.says.clone());
        }
        text.push('\n');
        let mut kinds = Table::new(["RESOURCE", "OBJECTS", "SIZE"]);
        let shown = if wide { usize::MAX } else { 15 };
        let row = |kind: &Kind| {
            [kind.resource.clone().into(), kind.keys.to_string().into(), words::bytes(kind.bytes).into()]
        };
        self.content.kinds.iter().take(shown).for_each(|kind| kinds.row(row(kind)));
        text.push_str(&kinds.render(paint));
        if let Some(more) = self.content.kinds.len().checked_sub(shown).filter(|more| *more > 0) {
            text.push_str(&format!(
                "and {} more, which -o wide shows\n",
                words::count(more as u64, "resource")
            ));
        }
        text.push('\n');
        let mut biggest = Table::new(["BIGGEST KEYS", "SIZE", "REVISION"]);
        for key in &self.content.biggest {
            biggest.row([
                key.key.clone().into(),
                words::bytes(key.bytes).into(),
                key.revision.to_string().into(),
            ]);
        }
        text.push_str(&biggest.render(paint));
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.file.clone()]
    }
}

impl Etcd {
    fn text(&self, paint: Paint) -> String {
        let mut table = Table::new(["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE", "VERSION"]);
        table.row([
            format!("{:x}", self.hash).into(),
            self.revision.to_string().into(),
            self.total_key.to_string().into(),
            words::bytes(self.total_size).into(),
            self.version.clone().into(),
        ]);
        table.render(paint)
    }

    fn lines(&self, line: &mut dyn FnMut(&str, String)) {
        let tail = if self.sha256_tail { "there; daytwo etcd verify checks it" } else { "none" };
        line("sha256 at the end", tail.to_owned());
        line("in use", in_use(self.size_in_use, self.total_size));
        line("records", self.records.to_string());
        line("leases", self.leases.to_string());
        if let Some(id) = &self.cluster_id {
            line("cluster", id.clone());
        }
        for member in &self.members {
            let learner = if member.is_learner { ", a learner" } else { "" };
            line("member", format!("{} {}, {}{learner}", member.id, member.name, member.peer_urls.join(",")));
        }
        for alarm in &self.alarms {
            line("alarm", format!("{} of member {}: it survives a restore", alarm.alarm, alarm.member));
        }
    }
}

impl Sqlite {
    fn text(&self, paint: Paint) -> String {
        let mut table = Table::new(["REVISION", "TOTAL KEYS", "TOTAL SIZE"]);
        table.row([
            self.revision.to_string().into(),
            self.total_key.to_string().into(),
            words::bytes(self.total_size).into(),
        ]);
        table.render(paint)
    }

    fn lines(&self, line: &mut dyn FnMut(&str, String)) {
        line("in use", in_use(self.size_in_use, self.total_size));
        line("rows", self.records.to_string());
        if self.log_size > 0 {
            line("write-ahead log", words::bytes(self.log_size));
        }
        line("compacted up to", self.compacted_revision.to_string());
    }
}

/// `12.0 MiB of 20.0 MiB, 40 % free`.
fn in_use(used: u64, total: u64) -> String {
    let free = (total.saturating_sub(used) * 100).checked_div(total).unwrap_or(0);
    format!("{} of {}, {free} % free", words::bytes(used), words::bytes(total))
}
