//! The file that is measured: 258,000 objects that a real etcd 3.6 holds, some of them changed and others deleted, saved by
//! `etcdctl`. Made once and kept, by its recipe's number.

use std::fs;
use std::path::PathBuf;
use std::thread;

use ::testbed::Parts;
use ::testbed::nest::Nest;
use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::objects::{COUNT, object};
use super::server::Etcd;
use crate::bench::ground::finished;
use crate::cargo::say;

/// Another one for every change of what is written.
const RECIPE: u32 = 2;
/// Puts in one transaction.
const BATCH: u32 = 100;
const CLIENTS: u32 = 4;
/// The first so many are written a second time, after the compaction.
pub const CHANGED: u32 = 10_000;

/// Where the file is, made now if it is not there.
pub fn file(parts: &Parts) -> Result<PathBuf> {
    let folder = ::testbed::build::cache().with_file_name("bench");
    let path = folder.join(format!("etcd-{RECIPE}.db"));
    if path.exists() {
        return Ok(path);
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    say(&format!("writing {COUNT} objects through etcd, once: {}", path.display()));
    let part = folder.join(format!("etcd-{RECIPE}.{}", std::process::id()));
    let nest = Nest::new("bench-data")?;
    let mut etcd = Etcd::start(parts, &nest.folder().join("data"))?;
    etcd.until(revision)?;
    fill(&etcd, 0, COUNT, 0)?;
    etcd.post("/v3/kv/compaction", &json!({"revision": revision(&etcd)?, "physical": true}))?;
    fill(&etcd, 0, CHANGED, 1)?;
    finished(etcd.ctl(&["snapshot", "save"]).arg(&part))?;
    fs::rename(&part, &path).with_context(|| format!("cannot rename {}", part.display()))?;
    Ok(path)
}

fn revision(etcd: &Etcd) -> Result<i64> {
    let answer = etcd.post("/v3/kv/range", &json!({"key": STANDARD.encode("x")}))?;
    let revision = answer["header"]["revision"].as_str().and_then(|text| text.parse().ok());
    revision.with_context(|| format!("no revision in {answer}"))
}

/// Puts the objects numbered from `from` to `to`, by several clients at once.
fn fill(etcd: &Etcd, from: u32, to: u32, version: u32) -> Result<()> {
    thread::scope(|scope| {
        let share = (to - from).div_ceil(CLIENTS);
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (from, to) = (from + client * share, to.min(from + (client + 1) * share));
                let batches = (from..to).step_by(BATCH as usize);
                scope.spawn(move || {
                    batches.into_iter().try_for_each(|at| batch(etcd, at, to.min(at + BATCH), version))
                })
            })
            .collect();
        clients.into_iter().try_for_each(|client| client.join().expect("invariant: no batch panics"))
    })
}

/// One transaction, with a key that is none of Kubernetes and is deleted at once.
fn batch(etcd: &Etcd, from: u32, to: u32, version: u32) -> Result<()> {
    let put = |number| {
        let (key, value) = object(number, version);
        json!({"requestPut": {"key": STANDARD.encode(key), "value": STANDARD.encode(value)}})
    };
    let passing = STANDARD.encode(format!("/passing/{from}"));
    let put_once = json!({"requestPut": {"key": passing, "value": STANDARD.encode("{}")}});
    let puts: Vec<Value> = (from..to).map(put).chain([put_once]).collect();
    etcd.post("/v3/kv/txn", &json!({"success": puts}))?;
    etcd.post("/v3/kv/deleterange", &json!({"key": passing})).map(drop)
}
