//! Real etcd 3.5, 3.6 and 3.7 start from data directories made here, alone, three together, and beside ones of etcdutl's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod member;
mod restored;

use std::fs;
use std::num::NonZeroI64;
use std::path::Path;
use std::process::Command;

use daytwo_etcd::Error;
use daytwo_etcd::bolt::Map;
use daytwo_etcd::datadir::DataDir;
use daytwo_etcd::mvcc::{AlarmKind, Backend};
use daytwo_etcd::restore::{Checked, Minor, Request, restore};
use member::Member;
use restored::{DEADLINE, Plan, Running, done, plain};
use serde_json::{Value, json};
use testbed::Family;

const FAMILIES: [Family; 3] = [Family::Etcd35, Family::Etcd, Family::Etcd37];

/// Keys put, put again, deleted, hung on a lease and put in a transaction; some large; compacted once.
fn load(member: &Member) {
    let lease = member.call("/v3/lease/grant", &json!({"TTL": 3600, "ID": 77}));
    assert_eq!(lease["ID"], "77");
    for round in 0..3 {
        for key in 0..60 {
            let name = member::base64(format!("/registry/things/{key:03}"));
            let value = member::base64(format!("{round}-{key}").repeat(1 + key * key));
            let lease = if key % 20 == 0 { 77 } else { 0 };
            member.call("/v3/kv/put", &json!({"key": name, "value": value, "lease": lease}));
        }
        let gone = member::base64(format!("/registry/things/{:03}", 50 + round));
        member.call("/v3/kv/deleterange", &json!({"key": gone}));
        if round == 1 {
            member.call("/v3/kv/compaction", &json!({"revision": member.revision(), "physical": true}));
        }
    }
}

fn contents(member: &Member) -> Value {
    let said = member.ctl(&["get", "", "--prefix", "--write-out=json"]);
    serde_json::from_str::<Value>(&said).unwrap()["kvs"].clone()
}

fn checked_by_bbolt(member: &Member, db: &Path) {
    let bbolt = member.parts.program(Family::Bbolt, "bbolt").unwrap();
    done(Command::new(bbolt).arg("check").arg(db));
}

#[test]
fn one_member_of_each_etcd_starts_from_a_snapshot_of_the_same_and_of_the_one_before() {
    for (from, to) in [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2)] {
        let (from, to) = (FAMILIES[from], FAMILIES[to]);
        let Some(source) = Member::start(from, &[to, Family::Bbolt]) else { return };
        load(&source);
        let before = contents(&source);
        let revision = source.revision();
        let file = source.save("snapshot.db");
        for defragment in [false, true] {
            let dirs = tempfile::tempdir().unwrap();
            let dir = dirs.path().join("m1");
            let plan = Plan::new(1);
            let report = plan.ours(0, &file, &dir, |request| request.defragment = defragment);
            assert_eq!((report.checked, report.revision), (Checked::Hash, revision));
            assert_eq!(report.leases, 1);
            checked_by_bbolt(&source, &dir.join("member/snap/db"));

            let mut running = Running::start(plan, &source.parts, to, dirs.path());
            assert_eq!(running.contents(), before, "{from} to {to}");
            assert_eq!(running.revision(), revision);
            running.members_are_right();
            let lease = running.json(&["lease", "timetolive", &format!("{:x}", 77), "--keys"]);
            assert_eq!(lease["granted-ttl"], 3600);
            assert_eq!(lease["keys"].as_array().unwrap().len(), 3);
            running.ctl(&["put", "new", "value"]);
            running.ctl(&["compaction", &running.revision().to_string()]);
            running.ctl(&["defrag"]);
            assert_eq!(running.ctl(&["get", "new", "--print-value-only"]), "value\n");
            running.stop();
            checked_by_bbolt(&source, &dir.join("member/snap/db"));
        }
    }
}

#[test]
fn three_members_hold_the_same_also_beside_one_of_etcdutls() {
    for family in FAMILIES {
        let Some(source) = Member::start(family, &[]) else { return };
        load(&source);
        let before = contents(&source);
        let file = source.save("snapshot.db");
        let etcdutl = source.program("etcdutl");
        for ours in [[true, true, true], [true, false, true]] {
            let dirs = tempfile::tempdir().unwrap();
            let plan = Plan::new(3);
            for (member, ours) in ours.into_iter().enumerate() {
                let dir = dirs.path().join(&plan.names[member]);
                match ours {
                    // Pages lie elsewhere, which is nothing to the cluster.
                    true => drop(plan.ours(member, &file, &dir, |request| request.defragment = member == 2)),
                    false => plan.theirs(&etcdutl, member, &file, &dir, &[]),
                }
            }
            let running = Running::start(plan, &source.parts, family, dirs.path());
            assert_eq!(running.contents(), before);
            running.members_are_right();
            running.same_hash();
            running.ctl(&["put", "new", "value"]);
            running.same_hash();
        }
    }
}

/// The log is the same, byte for byte, as the one that etcdutl writes, and the database differs by nothing that etcd reads.
#[test]
fn what_etcdutl_writes_is_written() {
    let Some(source) = Member::start(Family::Etcd, &[]) else { return };
    load(&source);
    let file = source.save("snapshot.db");
    let dirs = tempfile::tempdir().unwrap();
    let plan = Plan::new(3);
    let (ours, theirs) = (dirs.path().join("ours"), dirs.path().join("theirs"));
    plan.ours(1, &file, &ours, |request| request.bump = NonZeroI64::new(1000));
    plan.theirs(&source.program("etcdutl"), 1, &file, &theirs, &["--bump-revision=1000", "--mark-compacted"]);

    let log = |dir: &Path| fs::read(&restored::files(&dir.join("member/wal"))[0]).unwrap();
    assert!(log(&ours) == log(&theirs), "the logs differ");
    let [ours, theirs] = [ours, theirs].map(|dir| {
        let found = DataDir::open(&dir, None).unwrap();
        let db = Backend::open(Map::open(found.database.path()).unwrap()).unwrap();
        let raft = (found.identity, found.state, found.snapshot, found.last, found.consistent_index);
        let snap = dir.join("member/snap/0000000000000001-0000000000000003.snap");
        let snap = daytwo_etcd::wal::read_snap(&snap).unwrap();
        let members = daytwo_etcd::wal::from_v2(&snap.data).unwrap();
        let kept =
            (db.members().unwrap(), db.compaction().unwrap(), db.term().unwrap(), db.leases().unwrap());
        (raft, snap.state, members, kept)
    });
    assert_eq!(ours, theirs);
}

#[test]
fn a_watcher_that_knows_more_than_the_snapshot_is_told_so_after_a_bump() {
    for family in FAMILIES {
        let Some(source) = Member::start(family, &[]) else { return };
        load(&source);
        let file = source.save("snapshot.db");
        // What a client saw after the snapshot was saved.
        let key = member::base64("/registry/things/001");
        source.call("/v3/kv/put", &json!({"key": key, "value": member::base64("lost")}));
        let seen = source.revision();
        let before = source.revision() - 1;

        let dirs = tempfile::tempdir().unwrap();
        let plan = Plan::new(1);
        let report =
            plan.ours(0, &file, &dirs.path().join("m1"), |request| request.bump = NonZeroI64::new(1_000_000));
        assert_eq!((report.revision, report.compacted), (before + 1_000_000, Some(before + 1_000_000)));
        let running = Running::start(plan, &source.parts, family, dirs.path());
        let rev = format!("--rev={}", seen + 1);
        let watch = running.command(&["watch", "/registry/things/001", &rev]).output().unwrap();
        let said =
            String::from_utf8_lossy(&watch.stderr).into_owned() + &String::from_utf8_lossy(&watch.stdout);
        assert!(said.contains("required revision has been compacted"), "{said}");
        // And what is written is above all that any client ever saw.
        running.ctl(&["put", "new", "value"]);
        assert_eq!(running.revision(), before + 1_000_001);
        assert_eq!(
            running.contents().as_array().unwrap().len(),
            contents(&source).as_array().unwrap().len() + 1
        );
    }
}

#[test]
fn an_alarm_is_kept_or_dropped() {
    let Some(source) = Member::start(Family::Etcd, &[]) else { return };
    load(&source);
    let id = source.call("/v3/cluster/member/list", &json!({}))["members"][0]["ID"].clone();
    source.call("/v3/maintenance/alarm", &json!({"action": "ACTIVATE", "memberID": id, "alarm": "NOSPACE"}));
    let file = source.save("snapshot.db");
    for drop_alarms in [false, true] {
        let dirs = tempfile::tempdir().unwrap();
        let plan = Plan::new(1);
        let dir = dirs.path().join("m1");
        let report = plan.ours(0, &file, &dir, |request| request.drop_alarms = drop_alarms);
        let told = if drop_alarms { &report.alarms_dropped } else { &report.alarms };
        assert_eq!(told[0].kind, AlarmKind::NoSpace);
        // A member with an alarm is not healthy, so its start is waited for by hand.
        let mut nest = testbed::nest::Nest::new("alarm").unwrap();
        restored::spawn(&mut nest, &source.program("etcd"), &plan, 0, &["--data-dir", dir.to_str().unwrap()]);
        let endpoints = plan.endpoints();
        let put = || {
            Command::new(source.program("etcdctl"))
                .args(["--endpoints", &endpoints, "put", "a", "b"])
                .output()
        };
        let said = testbed::until(DEADLINE, "a put to be answered", || {
            nest.check("m1")?;
            let said = put()?;
            let text = String::from_utf8_lossy(&said.stderr).into_owned();
            Ok((said.status.success() || text.contains("space exceeded")).then_some(said.status.success()))
        });
        assert_eq!(said.unwrap(), drop_alarms);
    }
}

#[test]
fn who_may_log_in_is_kept() {
    let Some(source) = Member::start(Family::Etcd, &[]) else { return };
    load(&source);
    source.ctl(&["user", "add", "root:secret"]);
    source.ctl(&["auth", "enable"]);
    let file = source.nest.folder().join("snapshot.db");
    source.ctl(&["--user=root:secret", "snapshot", "save", file.to_str().unwrap()]);
    let dirs = tempfile::tempdir().unwrap();
    let plan = Plan::new(1);
    let report = plan.ours(0, &file, &dirs.path().join("m1"), |_| {});
    assert!(report.auth_enabled);
    let running = Running::start_as("root:secret", plan, &source.parts, Family::Etcd, dirs.path());
    running.ctl(&["put", "x", "y"]);
    assert!(!running.command(&["get", "x"]).env_remove("ETCDCTL_USER").output().unwrap().status.success());
}

#[test]
fn etcd_36_dies_on_a_file_of_37_and_is_not_given_one() {
    let Some(source) = Member::start(Family::Etcd37, &[Family::Etcd]) else { return };
    load(&source);
    let file = source.save("snapshot.db");
    let dirs = tempfile::tempdir().unwrap();
    let plan = Plan::new(1);
    let database = Backend::open(Map::open(&file).unwrap()).unwrap();
    let (cluster, dir) = (plan.cluster(0), dirs.path().join("m1"));
    let mut request = plain(&database, &cluster, &dir);
    request.for_etcd = Minor::parse("3.6.16");
    let refused = restore(&request).unwrap_err();
    assert!(matches!(refused, Error::Unsafe { .. }), "{refused}");
    assert!(!dir.exists());

    // Made all the same, it is as was said.
    request.for_etcd = None;
    restore(&request).unwrap();
    let mut nest = testbed::nest::Nest::new("newer").unwrap();
    let etcd = source.parts.program(Family::Etcd, "etcd").unwrap();
    restored::spawn(&mut nest, &etcd, &plan, 0, &["--data-dir", dir.to_str().unwrap()]);
    testbed::until(DEADLINE, "etcd to end", || Ok(nest.check("m1").is_err().then_some(()))).unwrap();
    let log = fs::read_to_string(nest.log("m1")).unwrap();
    assert!(log.contains("is not supported"), "{log}");
}

/// Between the two renames of a restore with a log elsewhere there is a log and no member: etcd must not take it for its own.
#[test]
fn a_log_without_its_member_does_not_start_an_empty_cluster() {
    for family in FAMILIES {
        let Some(source) = Member::start(family, &[]) else { return };
        let file = source.save("snapshot.db");
        let dirs = tempfile::tempdir().unwrap();
        let (dir, wal) = (dirs.path().join("m1"), dirs.path().join("wal"));
        let plan = Plan::new(1);
        let (database, cluster) = (Backend::open(Map::open(&file).unwrap()).unwrap(), plan.cluster(0));
        restore(&Request { wal_dir: Some(&wal), ..plain(&database, &cluster, &dir) }).unwrap();
        let aside = dirs.path().join("aside");
        fs::rename(dir.join("member"), &aside).unwrap();
        let etcd = source.program("etcd");
        let args = ["--data-dir", dir.to_str().unwrap(), "--wal-dir", wal.to_str().unwrap()];
        let mut nest = testbed::nest::Nest::new("half").unwrap();
        restored::spawn(&mut nest, &etcd, &plan, 0, &args);
        testbed::until(DEADLINE, "etcd to end", || Ok(nest.check("m1").is_err().then_some(()))).unwrap();
        let log = fs::read_to_string(nest.log("m1")).unwrap();
        // 3.5 and 3.6 find no log for what they have, 3.7 no database for the log.
        let refusals = ["wal: file not found", "failed to find database snapshot file"];
        assert!(refusals.iter().any(|refusal| log.contains(refusal)), "{log}");

        // With its member it starts, also after that.
        fs::remove_dir_all(&dir).unwrap();
        fs::create_dir(&dir).unwrap();
        fs::rename(&aside, dir.join("member")).unwrap();
        let mut nest = testbed::nest::Nest::new("whole").unwrap();
        restored::spawn(&mut nest, &etcd, &plan, 0, &args);
        let health = || {
            Command::new(source.program("etcdctl"))
                .args(["--endpoints", &plan.endpoints(), "endpoint", "health"])
                .output()
        };
        testbed::until(DEADLINE, "etcd to be healthy", || {
            nest.check("m1")?;
            Ok(health()?.status.success().then_some(()))
        })
        .unwrap();
    }
}
