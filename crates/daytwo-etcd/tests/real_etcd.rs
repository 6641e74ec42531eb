//! Files of real etcd 3.5, 3.6 and 3.7 are read as these themselves read them: every revision, the status, the members.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod member;

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use daytwo_etcd::bolt::Map;
use daytwo_etcd::mvcc::{AlarmKind, Backend};
use daytwo_etcd::status::status;
use daytwo_etcd::verify::{Tail, verify};
use daytwo_etcd::{Error, Store as _, keyspace};
use member::{Member, base64, decoded, number, output, utl};
use serde_json::{Value, json};
use testbed::Family;

/// create_revision, mod_revision, version, lease, value.
type Keys = BTreeMap<Vec<u8>, (i64, i64, i64, i64, Vec<u8>)>;

fn open(path: &Path) -> Backend {
    Backend::open(Map::open(path).unwrap()).unwrap()
}

fn ours(backend: &Backend, at: i64) -> Keys {
    let mut keys = Keys::new();
    let each = &mut |record: &daytwo_etcd::Record<'_>| {
        let numbers = (record.create_revision, record.revision.main, record.version, record.lease);
        let (create, modified, version, lease) = numbers;
        let before =
            keys.insert(record.key.to_vec(), (create, modified, version, lease, record.value.to_vec()));
        assert!(before.is_none(), "a key was given twice");
        ControlFlow::Continue(())
    };
    keyspace::list(backend, b"", Some(at), each).unwrap();
    keys
}

fn theirs(member: &Member, at: i64) -> Keys {
    let all = json!({"key": base64([0]), "range_end": base64([0]), "revision": at});
    let answer = member.call("/v3/kv/range", &all);
    let of = |kv: &Value| {
        let numbers = ["create_revision", "mod_revision", "version", "lease"].map(|name| number(&kv[name]));
        let [create, modified, version, lease] = numbers;
        (decoded(&kv["key"]), (create, modified, version, lease, decoded(&kv["value"])))
    };
    answer["kvs"].as_array().into_iter().flatten().map(of).collect()
}

/// Numbers that look random and are the same each time (a linear congruential generator, Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn key(&mut self) -> String {
        base64(format!("/registry/things/{}/{}", self.roll(3), self.roll(25)))
    }

    fn put(&mut self, lease: i64) -> Value {
        let length = if self.roll(20) == 0 { 20_000 } else { self.roll(900) };
        let value: Vec<u8> = (0..length).map(|_| u8::try_from(self.roll(256)).unwrap()).collect();
        json!({"key": self.key(), "value": base64(value), "lease": lease})
    }
}

/// Puts, deletes, ranges of deletes, transactions and leases; three compactions and a defragmentation between them.
fn load(member: &Member, dice: &mut Dice) {
    for round in 0..4 {
        for _ in 0..90 {
            match dice.roll(10) {
                0 | 1 => drop(member.call("/v3/kv/deleterange", &json!({"key": dice.key()}))),
                2 if dice.roll(6) == 0 => {
                    let range = json!({"key": base64("/registry/things/1/"), "range_end": base64("/registry/things/10")});
                    member.call("/v3/kv/deleterange", &range);
                }
                3 | 4 => {
                    let mut puts: BTreeMap<String, Value> = BTreeMap::new();
                    for _ in 0..dice.roll(8) + 1 {
                        let put = dice.put(0);
                        puts.insert(put["key"].to_string(), json!({"requestPut": put}));
                    }
                    let gone = json!({"requestDeleteRange": {"key": base64("/registry/gone")}});
                    let success: Vec<Value> = puts.into_values().chain([gone]).collect();
                    member.call("/v3/kv/txn", &json!({"success": success}));
                }
                5 => {
                    let lease = member.call("/v3/lease/grant", &json!({"TTL": 3600 + dice.roll(1000)}));
                    let id = number(&lease["ID"]);
                    member.call("/v3/kv/put", &dice.put(id));
                    if dice.roll(3) == 0 {
                        member.call("/v3/lease/revoke", &json!({"ID": id}));
                    }
                }
                _ => drop(member.call("/v3/kv/put", &dice.put(0))),
            }
        }
        if round < 3 {
            let at = member.revision() - i64::try_from(dice.roll(30)).unwrap();
            member.call("/v3/kv/compaction", &json!({"revision": at, "physical": true}));
        }
        if round == 1 {
            member.ctl(&["defrag"]);
        }
    }
}

fn same_status(member: &Member, file: &Path) {
    let found = status(&open(file)).unwrap();
    for family in [Family::Etcd, Family::Etcd37] {
        let printed = utl(&member.parts, family, &["snapshot", "status"], file);
        let ours = json!({
            "hash": found.hash,
            "revision": found.revision,
            "totalKey": found.total_key,
            "totalSize": found.total_size,
            "version": found.version,
        });
        assert_eq!(ours, printed, "{family}");
    }
    let printed = utl(&member.parts, Family::Etcd35, &["snapshot", "status"], file);
    assert_eq!(
        (json!(found.hash), json!(found.records)),
        (printed["hash"].clone(), printed["totalKey"].clone())
    );
}

/// By what the running member says: `etcdutl hashkv` panics on files with keys that hang on leases.
fn same_hash_of_keys(member: &Member, file: &Path) {
    let printed: Value =
        serde_json::from_str(&member.ctl(&["endpoint", "hashkv", "--write-out=json"])).unwrap();
    let theirs = &printed[0]["HashKV"];
    let ours = status(&open(file)).unwrap().hash_kv;
    assert_eq!(
        json!([ours.hash, ours.compact_revision]),
        json!([theirs["hash"], theirs["compact_revision"]])
    );
}

fn read_as_etcd_reads(family: Family, version: &str) {
    let Some(mut member) = Member::start(family, &[Family::Etcd35, Family::Etcd, Family::Etcd37]) else {
        return;
    };
    load(&member, &mut Dice(7));
    let file = member.save("snapshot.db");
    let backend = open(&file);
    let readable = backend.readable().unwrap();
    assert_eq!(readable.newest, member.revision());
    assert!(readable.newest - readable.oldest > 50, "{readable:?}");
    for at in readable.oldest..=readable.newest {
        assert_eq!(ours(&backend, at), theirs(&member, at), "at {at}");
    }
    let below = keyspace::get(&backend, b"x", Some(readable.oldest - 1), &mut |_| ());
    assert!(matches!(below, Err(Error::Compacted { .. })));
    each_key_alone(&member, &backend, readable.oldest + 20);

    same_status(&member, &file);
    same_hash_of_keys(&member, &file);
    let report = verify(&backend, &mut |_| None);
    assert!(report.good() && report.tail == Tail::Right, "{report:?}");
    assert_eq!(status(&backend).unwrap().version, version);
    who_is_there(&member, &backend);

    let bare = member.nest.folder().join("bare.db");
    let bytes = fs::read(&file).unwrap();
    fs::write(&bare, &bytes[..bytes.len() - 32]).unwrap();
    same_status(&member, &bare);
    assert_eq!(verify(&open(&bare), &mut |_| None).tail, Tail::Absent);

    alarms(&member);
    member.stop();
    let db = member.data_dir.join("member/snap/db");
    same_status(&member, &db);
    assert!(verify(&open(&db), &mut |_| None).good());
    assert_eq!(ours(&open(&db), readable.newest), ours(&backend, readable.newest));
}

/// As `etcdctl get --rev` prints each key that was there at some time.
fn each_key_alone(member: &Member, backend: &Backend, at: i64) {
    let all = ours(backend, at);
    assert!(all.len() > 10);
    for (key, (_, _, _, _, value)) in all.iter().step_by(7) {
        let name = std::str::from_utf8(key).unwrap();
        let printed = member.ctl(&["get", name, "--rev", &at.to_string(), "--write-out=json"]);
        let printed: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(&decoded(&printed["kvs"][0]["value"]), value);
        let mut found = Vec::new();
        assert!(keyspace::get(backend, key, Some(at), &mut |record| found = record.value.to_vec()).unwrap());
        assert_eq!(&found, value);
    }
}

fn who_is_there(member: &Member, backend: &Backend) {
    let list: Value = serde_json::from_str(&member.ctl(&["member", "list", "--write-out=json"])).unwrap();
    let members = backend.members().unwrap();
    assert_eq!(json!(members[0].id), list["members"][0]["ID"]);
    assert_eq!(json!(members[0].name), list["members"][0]["name"]);
    assert_eq!(json!(members[0].peer_urls), list["members"][0]["peerURLs"]);
    assert_eq!(json!(members[0].client_urls), list["members"][0]["clientURLs"]);
    assert_eq!(json!(backend.cluster_id().unwrap()), list["header"]["cluster_id"]);
    let term = list["header"]["raft_term"].as_u64();
    assert_eq!(backend.term().unwrap(), term);
    assert!(backend.consistent_index().unwrap().unwrap() > 300);
    assert_eq!(backend.conf_state().unwrap().unwrap().voters, [members[0].id]);

    let leases: Value = serde_json::from_str(&member.ctl(&["lease", "list", "--write-out=json"])).unwrap();
    let mut theirs: Vec<i64> =
        leases["leases"].as_array().unwrap().iter().map(|lease| number(&lease["id"])).collect();
    theirs.sort_unstable();
    let ours: Vec<i64> = backend.leases().unwrap().iter().map(|lease| lease.id).collect();
    assert_eq!(ours, theirs);
    assert!(!ours.is_empty() && backend.leases().unwrap()[0].ttl >= 3600);
}

fn alarms(member: &Member) {
    assert_eq!(open(&member.nest.folder().join("snapshot.db")).alarms().unwrap(), []);
    member
        .call("/v3/maintenance/alarm", &json!({"action": "ACTIVATE", "alarm": "NOSPACE", "memberID": "10"}));
    member.ctl(&["user", "add", "root:secret"]);
    let after = open(&member.save("alarm.db"));
    let alarms = after.alarms().unwrap();
    assert_eq!((alarms[0].member, alarms[0].kind), (10, AlarmKind::NoSpace));
    assert_eq!(after.auth_users().unwrap(), ["root"]);
    assert!(!after.auth_enabled().unwrap());
}

#[test]
fn etcd_3_5() {
    read_as_etcd_reads(Family::Etcd35, "");
}

#[test]
fn etcd_3_6() {
    read_as_etcd_reads(Family::Etcd, "3.6.0");
}

#[test]
fn etcd_3_7() {
    read_as_etcd_reads(Family::Etcd37, "3.7.0");
}

#[test]
fn a_database_restored_with_its_revision_raised() {
    let Some(member) = Member::start(Family::Etcd, &[Family::Etcd35, Family::Etcd37]) else { return };
    load(&member, &mut Dice(8));
    let before = member.revision();
    let file = member.save("snapshot.db");
    let data_dir = member.nest.folder().join("restored");
    let mut restore = Command::new(member.program("etcdutl"));
    restore.args(["snapshot", "restore", "--bump-revision=1000000000", "--mark-compacted", "--data-dir"]);
    output(restore.arg(&data_dir).arg(&file));
    let db = data_dir.join("member/snap/db");
    let backend = open(&db);
    let found = status(&backend).unwrap();
    assert_eq!(found.revision, before + 1_000_000_000);
    let report = verify(&backend, &mut |_| None);
    assert!(report.good(), "{report:?}");
    // The record that raises it counts as a key there, and is none in the keyspace.
    let printed = utl(&member.parts, Family::Etcd, &["snapshot", "status"], &db);
    assert_eq!(json!(found.total_key), printed["totalKey"]);
    let keys = ours(&backend, found.readable.newest);
    assert_eq!(keys, ours(&open(&file), before));
    assert_eq!(keys.len() as u64 + 1, found.total_key);
}
