//! `daytwo etcd save`, `health`, `defrag` and `disarm` as a person uses them, on real members behind TLS.

use std::time::Duration;

use testbed::{EtcdCluster, Family, parts_or_skip};

use crate::conform::conforms;
use crate::run::Person;

/// A person whom etcdctl's variables lead to `cluster`.
fn person(cluster: &EtcdCluster) -> Person {
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    Person::new()
        .with("DAYTWO_LOCATION", "./store")
        .with("ETCDCTL_ENDPOINTS", &cluster.endpoints()[0])
        .with("ETCDCTL_CACERT", &path(cluster.ca_file()))
        .with("ETCDCTL_CERT", &path(cluster.cert()))
        .with("ETCDCTL_KEY", &path(cluster.key()))
}

/// Leaves free pages in every member.
fn fragment(cluster: &EtcdCluster) {
    for n in 0..8 {
        cluster.etcdctl_stdin(&["put", &format!("k{n}")], &vec![b'x'; 1_000_000]).unwrap();
    }
    let deleted = cluster.etcdctl(&["del", "k", "--prefix", "-w", "json"]).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&deleted).unwrap();
    cluster.etcdctl(&["compact", &answer["header"]["revision"].to_string(), "--physical"]).unwrap();
    testbed::until(Duration::from_secs(60), "free pages", || {
        cluster.etcdctl(&["put", "tick", "x"])?;
        let status = cluster.etcdctl(&["endpoint", "status", "-w", "json"])?;
        let status: serde_json::Value = serde_json::from_str(&status)?;
        let free = |member: &serde_json::Value| {
            let size = |field: &str| member["Status"][field].as_i64().unwrap_or(0);
            size("dbSize") - size("dbSizeInUse")
        };
        let all = status.as_array().is_some_and(|all| all.iter().all(|member| free(member) > 4_000_000));
        Ok(all.then_some(()))
    })
    .unwrap();
}

#[test]
fn a_cluster_is_looked_at_saved_and_put_in_order() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(3).start().unwrap();
    let person = person(&cluster);
    // A busy machine may be slow once, which is a finding.
    let health = testbed::until(Duration::from_secs(60), "a healthy cluster", || {
        let ran = person.run("etcd health -o json");
        Ok((ran.code == 0).then(|| ran.json()))
    })
    .unwrap();
    conforms(&health);
    assert_eq!((&health["verdict"], &health["margin"]), (&"Healthy".into(), &1.into()));

    let saved = person.run("etcd save first -o json").exits(0);
    assert!(saved.stderr.contains("every Secret"), "{}", saved.stderr);
    conforms(&saved.json());
    let record = person.home().join("store/metadata/daytwo/etcd/first/snapshot.json");
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
    assert_eq!(record, saved.json());
    let file = person.home().join("store").join(record["file"].as_str().unwrap());
    cluster.etcdutl(&["snapshot", "status", file.to_str().unwrap()]).unwrap();
    person.run("etcd save first").exits(4);
    person.run("etcd save --to snap.db").exits(0);
    person.run("etcd save --to snap.db").exits(4);

    fragment(&cluster);
    let plan = person.run("etcd defrag --dry-run -o json").exits(0).json();
    conforms(&plan);
    assert_eq!(plan["phases"].as_array().unwrap().len(), 3);
    let ran = person.run("etcd defrag --run tidy -o json").exits(0).json();
    conforms(&ran);
    for member in ran["members"].as_array().unwrap() {
        assert!(member["size"].as_u64() < member["sizeBefore"].as_u64(), "{ran:#}");
    }
    conforms(&person.run("runs show tidy -o json").exits(0).json());
    conforms(&person.run("runs list -o json").exits(0).json());
    person.run("runs abort tidy").exits(2);
    let nothing = person.run("etcd disarm -o json").exits(0);
    conforms(&nothing.json());

    cluster.kill(2).unwrap();
    let refused = person.run("etcd defrag --at-least 0").exits(4);
    assert!(refused.stderr.contains("--accept-outage"), "{}", refused.stderr);
    let health = person.run("etcd health -o json").exits(1).json();
    conforms(&health);
    assert_eq!(health["margin"], 0);
    cluster.kill(1).unwrap();
    cluster.kill(0).unwrap();
    let health = person.run("etcd health -o json").exits(3).json();
    conforms(&health);
    person.run("etcd defrag").exits(3);
}

#[test]
fn a_defragmentation_that_is_killed_is_gone_on_with() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(3).start().unwrap();
    fragment(&cluster);
    let person = person(&cluster);
    let words = "etcd defrag --run tidy".split_whitespace();
    let mut child = person.command(words).stderr(std::process::Stdio::null()).spawn().unwrap();
    let records = person.home().join("store/metadata/daytwo/runs/tidy");
    // The plan, two records of each step: the first member is done with the seventh.
    testbed::until(Duration::from_secs(60), "the first member", || {
        Ok(records.join("6.json").exists().then_some(()))
    })
    .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let shown = person.run("runs show tidy -o json").exits(0).json();
    if shown["state"] == "Running" {
        let ran = person.run("resume tidy -o json").exits(0).json();
        conforms(&ran);
        assert_eq!(ran["state"], "Finished");
    }
    let shown = person.run("runs show tidy -o json").exits(0).json();
    assert_eq!(shown["state"], "Finished", "{shown:#}");
    person.run("resume tidy").exits(2);
    let again = person.run("etcd defrag --dry-run -o json").exits(0).json();
    assert_eq!(again["phases"].as_array().map(Vec::len), Some(0), "{again:#}");
}

#[test]
fn nowhere_to_look_says_where_etcd_s_certificates_would_be() {
    let person = Person::new();
    let failed = person.run("etcd health --host-root ./nothing").exits(2);
    assert!(failed.stderr.contains("--endpoints"), "{}", failed.stderr);
    let failed = person.run("etcd health --endpoints https://127.0.0.1:1").exits(2);
    assert!(failed.stderr.contains("--cacert"), "{}", failed.stderr);
}
