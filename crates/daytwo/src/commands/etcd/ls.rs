//! `daytwo etcd ls`: the keys of a file.
//!
//! No value is decoded: what a key is of, the key says.

use daytwo_core::resource::lookup;
use daytwo_etcd::kube::{Catalogue, Place};
use serde::Serialize;

use super::open::{self, Key, Opened, core_type, resource_of};
use crate::cli::etcd::file::Ls;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::paint::Paint;
use crate::output::table::Table;
use crate::output::{Document, words};
use crate::settings::Session;

/// The keys of a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Keys {
    file: String,
    /// As of which revision.
    revision: i64,
    keys: Vec<Listed>,
}

/// One key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    key: String,
    /// `deployments.apps`, where it is an object's.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What it is, where it is no object's.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'static str>,
    revision: i64,
    create_revision: i64,
    version: i64,
    lease: i64,
    size: u64,
}

impl Document for Keys {
    fn kind(&self) -> Option<&'static str> {
        Some("EtcdKeys")
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        let mut header = vec!["KEY", "REVISION", "SIZE"];
        if wide {
            header.extend(["CREATED", "VERSION", "LEASE", "WHAT"]);
        }
        let mut table = Table::new(header);
        for key in &self.keys {
            let mut row =
                vec![key.key.clone().into(), key.revision.to_string().into(), words::bytes(key.size).into()];
            if wide {
                let lease = if key.lease == 0 { String::new() } else { format!("{:x}", key.lease) };
                let what = key.resource.as_deref().or(key.what).unwrap_or_default();
                row.extend([
                    key.create_revision.to_string().into(),
                    key.version.to_string().into(),
                    lease.into(),
                    what.into(),
                ]);
            }
            table.row(row);
        }
        table.render(paint)
    }

    fn names(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.key.clone()).collect()
    }
}

/// Lists the keys.
///
/// # Errors
/// Exit 2 for an unknown kind, or a revision that the file has not.
pub async fn run(session: &Session, verb: Ls) -> Result {
    open::apart(session, move |session| {
        let opened = Opened::open(session, &verb.source.file, &verb.source.reading)?;
        let at = verb.moment.revision;
        let (prefixes, catalogue) = prefixes(&opened, &verb)?;
        let mut keys = Vec::new();
        for prefix in prefixes {
            keys.extend(opened.keys(&prefix, at)?);
        }
        let listed = |key: &Key| listed(&opened, &catalogue, key);
        let within = |key: &Listed| verb.namespace.is_none() || key.namespace == verb.namespace;
        let keys = keys.iter().map(listed).filter(within).collect();
        let revision = daytwo_etcd::keyspace::revision(opened.store(), at)?;
        let document = Keys { file: opened.name().to_owned(), revision, keys };
        let count = words::count(document.keys.len() as u64, "key");
        session.speak.note(&format!("{}: {count} as of revision {revision}", document.file));
        session.out.document(&document)?;
        Ok(Exit::Done)
    })
    .await
}

/// What the keys begin with that are asked for, and the resources by which they are told.
fn prefixes(opened: &Opened, verb: &Ls) -> Result<(Vec<Vec<u8>>, Catalogue)> {
    let at = verb.moment.revision;
    if verb.kinds.is_empty() {
        let keys = verb.keys.clone().unwrap_or_default();
        // What defines custom resources is not looked for: their keys name group and plural.
        return Ok((vec![keys.into_bytes()], Catalogue::built_in()));
    }
    let typed = verb.kinds.iter().flat_map(|kinds| kinds.split(','));
    let (kinds, catalogue) = opened.find(at, |known| {
        typed
            .clone()
            .map(|typed| lookup(typed, known).map(|named| named.resource.clone()))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let prefix = opened.objects.prefix();
    let prefixes = kinds
        .iter()
        .map(|kind| {
            prefix.keys(resource_of(&catalogue, kind), verb.namespace.as_deref().filter(|_| kind.namespaced))
        })
        .collect();
    Ok((prefixes, catalogue))
}

fn listed(opened: &Opened, catalogue: &Catalogue, key: &Key) -> Listed {
    let place = catalogue.place(opened.objects.prefix(), &key.key);
    let (mut resource, mut namespace, mut name, mut what) = (None, None, None, None);
    match place {
        Place::Object(at) => {
            resource = Some(match at.known {
                Some(known) => core_type(known).group_resource(),
                None => {
                    [at.resource, at.group.unwrap_or_default()].join(".").trim_end_matches('.').to_owned()
                }
            });
            namespace = at.namespace.map(str::to_owned);
            name = Some(at.name.to_owned());
        }
        Place::Internal(of) => what = Some(of),
        Place::Foreign => what = Some("none of Kubernetes"),
    }
    Listed {
        key: String::from_utf8_lossy(&key.key).into_owned(),
        resource,
        namespace,
        name,
        what,
        revision: key.revision.main,
        create_revision: key.create_revision,
        version: key.version,
        lease: key.lease,
        size: key.size,
    }
}
