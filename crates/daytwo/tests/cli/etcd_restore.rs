//! `daytwo etcd restore`: what a person sees, and what is refused. That etcd starts from it is proved where it is made.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use testbed::Family;
use testbed::nest::Nest;

use crate::conform::conforms;
use crate::run::Person;

/// A snapshot of a real etcd with one key and one lease. `None` after saying what is skipped.
fn snapshot(person: &Person) -> Option<PathBuf> {
    let parts = testbed::parts_or_skip(&[Family::Etcd])?;
    let mut nest = Nest::new("source").expect("a folder");
    let held: Vec<TcpListener> = (0..2).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let [client, peer] =
        [0, 1].map(|port: usize| format!("http://{}", held[port].local_addr().expect("bound")));
    drop(held);
    let program = |name| parts.program(Family::Etcd, name).expect("built");
    let mut etcd = Command::new(program("etcd"));
    etcd.args(["--name=m", "--log-level=warn", "--unsafe-no-fsync", "--data-dir", "data"]);
    etcd.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
    etcd.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    nest.spawn("etcd", etcd.args(["--initial-cluster", &format!("m={peer}")])).expect("started");
    let ctl = |words: &[&str]| {
        let output = Command::new(program("etcdctl")).args(["--endpoints", &client]).args(words).output();
        output.expect("it runs").status.success()
    };
    testbed::until(Duration::from_secs(60), "a put to succeed", || {
        nest.check("etcd")?;
        Ok(ctl(&["put", "a", "b"]).then_some(()))
    })
    .expect("etcd answers");
    assert!(ctl(&["lease", "grant", "3600"]));
    let file = person.home().join("snapshot.db");
    assert!(ctl(&["snapshot", "save", file.to_str().expect("a path")]));
    Some(file)
}

#[test]
fn a_restore_says_what_it_made_and_refuses_to_write_over_it() {
    let person = Person::new();
    let Some(file) = snapshot(&person) else { return };
    let line = "etcd restore snapshot.db --name m1 --initial-cluster m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380 \
                --initial-advertise-peer-urls http://10.0.0.1:2380 --data-dir data";
    let made = person.run(line).exits(0);
    for said in ["data: made member m1 (", "of 2 members", "sha256", "1 lease, each with its full time"] {
        assert!(made.stdout.contains(said), "{said:?} in {made:?}");
    }
    assert!(person.home().join("data/member/snap/db").exists());
    let again = person.run(line).exits(4);
    assert!(again.stderr.contains("is not empty"), "{again:?}");

    let bumped = "etcd restore snapshot.db --bump-revision 1000 --mark-compacted --defragment -o json";
    let json = person.run(bumped).exits(0).json();
    conforms(&json);
    assert_eq!(json["dataDir"], "default.etcd");
    assert_eq!((json["revision"].as_u64(), json["compactedRevision"].as_u64()), (Some(1002), Some(1002)));
    // The ids of etcd's own defaults, as `etcdutl snapshot restore` makes them.
    assert_eq!(
        (&json["memberId"], &json["clusterId"]),
        (&"8e9e05c52164694d".into(), &"cdf818194e3a8c32".into())
    );

    let mut bytes = fs::read(&file).expect("the snapshot");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(&file, bytes).expect("written");
    let damaged = person.run("etcd restore snapshot.db --data-dir damaged").exits(5);
    assert!(damaged.stderr.contains("sha256"), "{damaged:?}");
    assert!(!person.home().join("damaged").exists());
}

#[test]
fn a_restore_that_cannot_be_is_a_question_of_usage() {
    let person = Person::new();
    for line in [
        "etcd restore absent.db",
        "etcd restore",
        "etcd restore absent.db --bump-revision 5",
        "etcd restore absent.db --mark-compacted",
        "etcd restore absent.db --name x",
        "etcd restore absent.db --for-etcd new",
        "etcd restore absent.db --owner nobody-of-this-name",
        "etcd restore absent.db --initial-advertise-peer-urls http://localhost:1",
    ] {
        let ran = person.run(line);
        assert_eq!(ran.code, 2, "{line}: {ran:?}");
        assert!(!person.home().join("default.etcd").exists());
    }
}
