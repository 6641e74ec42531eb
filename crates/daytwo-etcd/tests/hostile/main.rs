//! Damaged files, hundreds of them, thousands under `DAYTWO_LONG=1`: no damage that bbolt's own check or etcdutl sees passes as
//! good, no change passes where there is a sha256, nothing panics, hangs or takes memory.
//!
//! Half of the changes are aimed at what matters: meta pages, headers, tables of elements, page ids, revisions. All are made
//! from `DAYTWO_SEED` (default 1) on files that lie beside this test, so that a failure can be had again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod change;
mod children;
#[path = "../member/mod.rs"]
mod member;

use std::fs;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use children::Children;
use daytwo_etcd::bolt::Map;
use daytwo_etcd::mvcc::Backend;
use daytwo_etcd::status::{Status, status};
use daytwo_etcd::verify::{Tail, verify};
use daytwo_etcd::{Store as _, keyspace};
use sha2::{Digest as _, Sha256};

const DEADLINE: Duration = Duration::from_secs(60);
/// What a process has beside: stacks, findings, the allocator's own.
const BESIDE: u64 = 16 * 1024 * 1024;

/// Of etcd 3.6, as `etcdctl snapshot save` wrote it; and the same after `bbolt compact`, which stores a list of free pages.
const FILES: [&str; 2] = ["etcd-3.6.db.gz", "compacted.db.gz"];

fn file(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    if bytes.len() % 512 == 32 {
        bytes.truncate(bytes.len() - 32);
    }
    bytes
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files")
}

fn with_tail(bytes: &[u8], of: &[u8]) -> Vec<u8> {
    [bytes, &Sha256::digest(of)[..]].concat()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// What is said of some bytes; `None` if they are bad.
fn said(bytes: Vec<u8>) -> Option<Status> {
    let backend = Backend::open(Map::from(bytes)).ok()?;
    let report = verify(&backend, &mut |_| None);
    // Whatever it says, reading ends, and does so with an error or as it should.
    let all = &mut |_: &daytwo_etcd::Record<'_>| ControlFlow::Continue(());
    let passes =
        [backend.oldest_first(all), keyspace::list(&backend, b"", None, all), backend.of_key(b"none", all)];
    let status = status(&backend);
    if !report.good() {
        return None;
    }
    assert!(report.tail != Tail::Wrong && passes.iter().all(Result::is_ok), "{passes:?}");
    Some(status.expect("what is good has a status"))
}

/// [`said`], with a deadline and bounded memory.
fn bounded(bytes: Vec<u8>) -> Result<Option<Status>, String> {
    let size = bytes.len() as u64;
    // Sets the peak back to what is resident (proc(5)).
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak();
    let (sender, answer) = mpsc::channel();
    let worker = thread::spawn(move || sender.send(said(bytes)).is_ok());
    let answer = match answer.recv_timeout(DEADLINE) {
        Ok(answer) => answer,
        Err(mpsc::RecvTimeoutError::Timeout) => return Err(format!("not done after {DEADLINE:?}")),
        Err(mpsc::RecvTimeoutError::Disconnected) => return Err("it panicked".to_owned()),
    };
    assert!(worker.join().unwrap());
    let grown = peak().saturating_sub(before);
    match grown <= 2 * size + BESIDE {
        true => Ok(answer),
        false => Err(format!("{grown} bytes of memory for a file of {size}")),
    }
}

fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// What a round saw.
#[derive(Default)]
struct Tally {
    rounds: u64,
    good: u64,
    theirs_bad: u64,
}

/// One changed file, in all three forms.
fn round(
    name: &str,
    base: &[u8],
    dice: &mut change::Dice,
    children: Option<&Children>,
    tally: &mut Tally,
) -> Result<(), String> {
    let (what, changed) = change::change(base, dice);
    if changed == base {
        return Ok(());
    }
    let context = |error: String| format!("{name}, {what}: {error}");
    tally.rounds += 1;
    // A file that was cut elsewhere has no tail that anybody, etcd included, would look at.
    let tail = changed.len() % 512 == 0;
    if bounded(with_tail(&changed, base)).map_err(context)?.is_some() && tail {
        return Err(context("a change passed in spite of the sha256".to_owned()));
    }
    let bare = bounded(changed.clone()).map_err(context)?;
    let summed = bounded(with_tail(&changed, &changed)).map_err(context)?;
    if bare.is_some() != summed.is_some() && tail {
        return Err(context("the sha256 of the changed file changes what is said of it".to_owned()));
    }
    let Some(children) = children else { return Ok(()) };
    // Where it is bad by ours anyway, theirs is asked now and then, to know that there is something to find.
    if bare.is_none() && !tally.rounds.is_multiple_of(8) {
        return Ok(());
    }
    let theirs = children.ask(&changed);
    tally.good += u64::from(bare.is_some());
    tally.theirs_bad += u64::from(theirs.is_err());
    match (bare, theirs) {
        (Some(_), Err(theirs)) => Err(context(format!("passed as good, but {theirs}"))),
        (Some(ours), Ok(printed)) => {
            let ours = (ours.hash, ours.revision, ours.total_key);
            let same =
                printed["hash"] == ours.0 && printed["revision"] == ours.1 && printed["totalKey"] == ours.2;
            same.then_some(()).ok_or_else(|| context(format!("{ours:?} is not {printed}")))
        }
        (None, _) => Ok(()),
    }
}

#[test]
fn damaged_files() {
    let seed = number("DAYTWO_SEED").unwrap_or(1);
    let long = std::env::var_os("DAYTWO_LONG").is_some_and(|value| value == "1");
    let children = Children::find();
    let mut tally = Tally::default();
    let files = FILES.map(|name| (name, file(name)));
    let rounds = match number("DAYTWO_ROUND") {
        Some(round) => round..round + 1,
        None => 0..if long { 5_000 } else { 400 },
    };
    for at in rounds {
        let (name, base) = &files[usize::try_from(at % 2).unwrap()];
        let mut dice = change::Dice::new(seed, at);
        if let Err(error) = round(name, base, &mut dice, children.as_ref(), &mut tally) {
            panic!(
                "round {at} of seed {seed}: {error}\nagain: DAYTWO_SEED={seed} DAYTWO_ROUND={at} cargo test -p daytwo-etcd --test hostile damaged_files"
            );
        }
    }
    println!("{} files, {} good by ours, {} bad by theirs", tally.rounds, tally.good, tally.theirs_bad);
    if children.is_some() && tally.rounds > 100 {
        assert!(tally.good > 5 && tally.theirs_bad > 5, "nothing to tell apart");
    }
}

#[test]
fn the_files_are_good_before() {
    let children = Children::find();
    for name in FILES {
        let bytes = file(name);
        let ours = bounded(bytes.clone()).unwrap().unwrap();
        assert!(ours.total_key > 100 && ours.usage.branch > 0 && ours.usage.overflow > 0, "{name}");
        assert_eq!(ours.usage.freelist > 0, name == FILES[1], "{name}");
        assert!(ours.usage.free > 1, "{name}: {:?}", ours.usage);
        if let Some(children) = &children {
            assert_eq!(children.ask(&bytes).unwrap()["hash"], ours.hash);
        }
    }
}

/// Writes the files anew: `cargo test -p daytwo-etcd --test hostile -- --ignored`.
#[test]
#[ignore = "writes files that other tests read"]
fn write_the_files() {
    use std::process::Command;

    use serde_json::json;
    let member = member::Member::start(testbed::Family::Etcd, &[testbed::Family::Bbolt]).unwrap();
    let mut dice = change::Dice::new(1, 0);
    for at in 0..360 {
        let lease = match at % 40 {
            0 => member::number(&member.call("/v3/lease/grant", &json!({"TTL": 3600}))["ID"]),
            _ => 0,
        };
        let key = format!("/registry/things/namespace-{}/name-{}", at % 7, at % 240);
        let value = format!("value {at} ").repeat(if at % 60 == 5 { 900 } else { 1 + dice.below(40) });
        let put = json!({"key": member::base64(key), "value": member::base64(value), "lease": lease});
        member.call("/v3/kv/put", &put);
        if at % 9 == 0 {
            let key = format!("/registry/things/namespace-{}/name-{}", (at / 2) % 7, (at / 2) % 240);
            member.call("/v3/kv/deleterange", &json!({"key": member::base64(key)}));
        }
    }
    member.call("/v3/kv/compaction", &json!({"revision": member.revision() - 150, "physical": true}));
    let saved = member.save("saved.db");
    let compacted = member.nest.folder().join("compacted.db");
    let bbolt = member.parts.program(testbed::Family::Bbolt, "bbolt").unwrap();
    member::output(
        Command::new(bbolt).args(["compact", "--tx-max-size=20000", "-o"]).arg(&compacted).arg(&saved),
    );
    for (name, path) in FILES.into_iter().zip([saved, compacted]) {
        let mut packed = flate2::write::GzEncoder::new(
            fs::File::create(folder().join(name)).unwrap(),
            flate2::Compression::best(),
        );
        std::io::copy(&mut fs::File::open(path).unwrap(), &mut packed).unwrap();
        packed.finish().unwrap();
    }
}
