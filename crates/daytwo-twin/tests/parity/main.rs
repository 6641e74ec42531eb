//! The twin's contract: the same API calls to the twin and to a real kube-apiserver have the same answers. The calls are
//! `areas/*.txt`, a line each; what is known to differ is `known.txt`, with the reason.
//!
//! `cargo xtask parity [AREA[/SECTION[.N]]..]` runs some of them and prints the agreement by area.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

#[allow(dead_code, reason = "each of the two tests uses its part")]
#[path = "../sides/mod.rs"]
mod sides;

mod ask;
#[allow(dead_code, reason = "only the page reads them here")]
#[path = "../kubectl/script.rs"]
mod commands;
mod http;
mod own;
mod page;
mod place;
mod run;
mod script;
mod side;

use std::path::{Path, PathBuf};

use sides::Sides;
use sides::known::Known;
use sides::report::{self, Area};
use testbed::Family;

/// How a script begins that looks at, or changes, what all others see.
const ALONE: &str = "# alone";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_twin_answers_as_kube_apiserver_does() {
    let Some(sides) = Sides::start(&[Family::Etcd, Family::Kube]).await else { return };
    let known = Known::read(&folder().join("known.txt"));
    let all = sides::scripts(&folder().join("areas"));
    let mut together = Vec::new();
    let mut done: Vec<Area> = Vec::new();
    for (name, text) in &all {
        let Some(wanted) = sides::chosen(name) else { continue };
        let steps = script::parse(text).unwrap_or_else(|why| panic!("areas/{name}.txt: {why}"));
        let sides = &sides;
        let area = async move { run::area(sides, name, text, &steps, &wanted).await };
        match text.starts_with(ALONE) {
            true => done.push(area.await),
            false => together.push(area),
        }
    }
    done.extend(futures::future::join_all(together).await);
    assert!(!done.is_empty(), "DAYTWO_PARITY names no area");
    let (text, wrong) = report::of(&done, &known);
    println!("{text}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
