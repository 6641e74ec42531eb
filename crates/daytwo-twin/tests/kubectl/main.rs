//! kubectl itself: the same commands against the twin and against a real kube-apiserver print the same, but for ages and
//! random names. The commands are `files/*.txt`, a line each; what is known to differ is `known.txt`, with the reason.
//! kwok plays the kubelets of both.
//!
//! `cargo xtask parity --kubectl [FILE[/SECTION[.N]]..]` runs some of them.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

#[allow(dead_code, reason = "each of the two tests uses its part")]
#[path = "../sides/mod.rs"]
mod sides;

mod run;
mod script;

use std::path::{Path, PathBuf};

use sides::Sides;
use sides::known::Known;
use sides::report::{self, Area};
use testbed::{Family, Kwok, parts_or_skip};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubectl")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn kubectl_prints_the_same() {
    let families = [Family::Etcd, Family::Kube, Family::Kwok];
    let Some(parts) = parts_or_skip(&families) else { return };
    let kubectl = parts.program(Family::Kube, "kubectl").unwrap();
    let Some(sides) = Sides::start(&families).await else { return };
    let known = Known::read(&folder().join("known.txt"));
    let mut kubelets = Vec::new();
    for side in sides.both() {
        let home = tempfile::tempdir().unwrap();
        let kubeconfig = side.kubeconfig(home.path(), "default").unwrap();
        let started = tokio::task::spawn_blocking(move || Kwok::start(&kubeconfig)).await.unwrap();
        kubelets.push((started.unwrap_or_else(|error| panic!("no kwok for {}: {error:#}", side.name)), home));
    }
    let scripts = sides::scripts(&folder().join("files"));
    let mut running = Vec::new();
    for (name, text) in &scripts {
        let Some(wanted) = sides::chosen(name) else { continue };
        let script = script::parse(text).unwrap_or_else(|why| panic!("files/{name}.txt: {why}"));
        let (sides, kubectl) = (&sides, &kubectl);
        running.push(async move { run::file(sides, kubectl, name, text, &script, &wanted).await });
    }
    let areas: Vec<Area> = futures::future::join_all(running).await;
    assert!(!areas.is_empty(), "DAYTWO_PARITY names no file");
    for (kwok, _) in &mut kubelets {
        kwok.check().unwrap();
    }
    let (text, wrong) = report::of(&areas, &known);
    println!("{text}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
