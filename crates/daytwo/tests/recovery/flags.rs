//! A plan from flags alone, and the flags that make none. No real part is started.

use std::process::{Command, Output};

use crate::conform::conforms;

fn daytwo(line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_daytwo")).args(line.split_whitespace()).output().unwrap()
}

#[track_caller]
fn refused(line: &str, code: i32, why: &str) {
    let ran = daytwo(line);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(code), "{line}: {said}");
    assert!(said.contains(why), "{line}: {said}");
    assert!(ran.stdout.is_empty(), "{line}");
}

const SITE: &str =
    "etcd plan quorum --distribution rke2 --member a=10.0.0.1 --member b=https://[fd00::2]:2380";

#[test]
fn a_quorum_is_planned_from_flags_alone() {
    let ran = daytwo(&format!("{SITE} --alive b"));
    let page = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success());
    assert!(page.starts_with("# Quorum of the RKE2 control plane from its member b\n"), "{page}");
    assert!(page.contains("## 1. Look before anything stops: on b (fd00::2)"), "{page}");
    assert!(page.contains("\n          rke2 server \\\n            --cluster-reset\n"), "{page}");
    let ran = daytwo(&format!("{SITE} --alive b -o json"));
    conforms(&serde_json::from_slice(&ran.stdout).unwrap());
    assert_eq!(daytwo(&format!("{SITE} -o name")).stdout, b"a\nb\n");
}

#[test]
fn what_cannot_be_planned_is_said() {
    refused("etcd plan quorum", 2, "--member NAME=ADDRESS");
    refused("etcd plan quorum --member a=10.0.0.1", 2, "--distribution");
    refused(&format!("{SITE} --alive c"), 2, "c is no member: there are a, b");
    refused(&format!("{SITE} --member c=10.0.0.1"), 2, "10.0.0.1 is named twice");
    refused(&format!("{SITE} --member $(id)=10.0.0.9"), 2, "cannot stand in a command");
    refused(&format!("{SITE} --member c"), 2, "NAME=VALUE");
    assert!(!daytwo("etcd plan restore no-such-file.db").status.success());
    refused("etcd plan restore .", 2, "is a directory");
}
