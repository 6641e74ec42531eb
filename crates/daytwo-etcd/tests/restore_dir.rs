//! A member that was killed leaves a directory whose database lags behind: what is in its log only is told, key by key, and
//! a restore leaves it behind only if told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod member;
mod restored;

use std::process::Command;

use daytwo_etcd::Error;
use daytwo_etcd::bolt::Map;
use daytwo_etcd::datadir::{DataDir, Which};
use daytwo_etcd::mvcc::Backend;
use daytwo_etcd::restore::{Checked, Request, restore};
use daytwo_etcd::wal::Kind;
use member::Member;
use restored::{DEADLINE, Plan, Running, plain};
use testbed::Family;
use testbed::nest::Nest;

/// Long enough that a database is not written while a test runs.
const LAGGING: [&str; 2] = ["--backend-batch-interval=1h", "--backend-batch-limit=1000000"];

#[test]
fn what_is_in_the_log_of_a_killed_member_only_is_told_and_not_lost_unasked() {
    for family in [Family::Etcd35, Family::Etcd, Family::Etcd37] {
        let Some(source) = Member::start(family, &[]) else { return };
        source.ctl(&["put", "old", "value"]);
        let file = source.save("snapshot.db");
        let dirs = tempfile::tempdir().unwrap();
        let dir = dirs.path().join("m1");
        let plan = Plan::new(1);
        plan.ours(0, &file, &dir, |_| {});

        let mut nest = Nest::new("killed").unwrap();
        let at = ["--data-dir", dir.to_str().unwrap()];
        restored::spawn(&mut nest, &source.program("etcd"), &plan, 0, &[&at[..], &LAGGING].concat());
        let endpoints = plan.endpoints();
        let ctl = |args: &[&str]| {
            Command::new(source.program("etcdctl")).args(["--endpoints", &endpoints]).args(args).output()
        };
        testbed::until(DEADLINE, "a put to succeed", || {
            nest.check("m1")?;
            Ok(ctl(&["put", "key-0", "value"])?.status.success().then_some(()))
        })
        .unwrap();
        for key in 1..20 {
            assert!(ctl(&["put", &format!("key-{key}"), "value"]).unwrap().status.success());
        }
        assert!(ctl(&["del", "old"]).unwrap().status.success());
        nest.kill("m1").unwrap();

        let found = DataDir::open(&dir, None).unwrap();
        assert_eq!(found.database, Which::Own(dir.join("member/snap/db")));
        assert_eq!(found.identity, plan.cluster(0).identity());
        let beyond = found.beyond().unwrap();
        let pending = beyond.committed.iter().chain(&beyond.undecided);
        let keys: Vec<(String, bool)> = pending
            .flat_map(|entry| &entry.request.touched)
            .map(|touched| (String::from_utf8(touched.key.clone()).unwrap(), touched.deleted))
            .collect();
        for key in 0..20 {
            assert!(keys.contains(&(format!("key-{key}"), false)), "{family}: key-{key} is not in {keys:?}");
        }
        assert_eq!(keys.last(), Some(&("old".to_owned(), true)));
        assert!(
            beyond.committed.iter().chain(&beyond.undecided).all(|entry| entry.request.kind != Kind::Unknown)
        );

        // A restore says so.
        let database = Backend::open(Map::open(found.database.path()).unwrap()).unwrap();
        let (again, to) = (Plan::new(1), dirs.path().join("again"));
        let cluster = again.cluster(0);
        let ask = || Request { beyond: Some(&beyond), ..plain(&database, &cluster, &to) };
        let refused = restore(&ask()).unwrap_err();
        assert!(matches!(&refused, Error::Unsafe { .. }), "{refused}");
        let report = restore(&Request { accept_loss: true, ..ask() }).unwrap();
        assert_eq!(report.checked, Checked::Structure);
        assert!(report.lost >= 21, "{}", report.lost);
        std::fs::rename(&to, to.with_file_name("m1-again")).unwrap();
        let moved = dirs.path().join("lossy");
        std::fs::create_dir(&moved).unwrap();
        std::fs::rename(dirs.path().join("m1-again"), moved.join("m1")).unwrap();
        let running = Running::start(again, &source.parts, family, &moved);
        assert_eq!(running.ctl(&["get", "", "--prefix", "--keys-only"]).trim(), "old");

        // And the way that it names loses nothing: this one was alone in its cluster.
        let mut nest = Nest::new("again").unwrap();
        restored::spawn(&mut nest, &source.program("etcd"), &plan, 0, &at);
        let all = testbed::until(DEADLINE, "the member to answer", || {
            nest.check("m1")?;
            let said = ctl(&["get", "", "--prefix", "--keys-only"])?;
            Ok(said.status.success().then(|| String::from_utf8(said.stdout).unwrap()))
        });
        let all = all.unwrap();
        assert_eq!(all.split_whitespace().count(), 20, "{all}");
    }
}

/// Ended in an orderly way, a member has all in its database; and its log of real requests is read to the end.
#[test]
fn nothing_is_beyond_the_database_of_a_member_that_was_stopped() {
    for family in [Family::Etcd35, Family::Etcd, Family::Etcd37] {
        let Some(mut source) = Member::start(family, &[]) else { return };
        for key in 0..20 {
            source.ctl(&["put", &format!("key-{key}"), "value"]);
        }
        source.stop();
        let found = DataDir::open(&source.data_dir, None).unwrap();
        assert!(!found.beyond().unwrap().holds_data(), "{family}");
        let whole = daytwo_etcd::wal::entries(&found.layout.wal, 0).unwrap();
        let puts = whole.iter().filter(|entry| entry.request.kind == Kind::Put).count();
        assert_eq!((puts, found.torn), (20, None));
        assert!(whole.iter().all(|entry| entry.request.kind != Kind::Unknown), "{family}");
    }
}
