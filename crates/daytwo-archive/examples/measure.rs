//! Measures writing and verifying on made-up objects: `cargo run --example measure -- [OBJECTS] [DIR]`.
//!
//! Prints bytes a second of JSON in, sizes, and peak memory. With `FOREIGN=FILE` that
//! `.tar.gz` is verified too, as Velero's. Not a test: numbers depend on the machine and the build.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

#[path = "../tests/cluster/mod.rs"]
mod cluster;

use daytwo_archive::*;
use std::time::Instant;

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown").to_owned()
}

/// Seconds of processor time of this thread, and of the whole process.
fn used() -> (f64, f64) {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let thread = read("/proc/thread-self/schedstat");
    let thread = thread.split(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1e9;
    let stat = read("/proc/self/stat");
    let ticks: f64 = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|text| text.parse::<f64>().ok())
        .sum();
    (thread, ticks / 100.0)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(30_000);
    let dir = arguments.next().unwrap_or_else(|| "/tmp/daytwo-measure".into());
    let _ = std::fs::remove_dir_all(&dir);
    // The same 10,000 objects again and again under other names: making them up must not be measured.
    let base = cluster::objects(count.min(10_000), 1);
    let rounds = count.div_ceil(cluster::total(&base)).max(1);
    println!("before: {}", peak());
    let location = cluster::folder(std::path::Path::new(&dir));
    for threads in [2] {
        let name = cluster::name(&format!("t{threads}"));
        let started = Instant::now();
        let before = used();
        let mut writer =
            BackupWriter::claim(&location, &name, WriteOptions { threads, ..cluster::options() })
                .await
                .expect("claim");
        let mut adding = std::time::Duration::ZERO;
        let mut bytes = 0;
        for (kind, things) in &base {
            writer.begin(kind).await.expect("begin");
            for round in 0..rounds {
                for thing in things {
                    let name = format!("{}-{round}", thing.name);
                    let object = Object {
                        namespace: thing.namespace.as_deref(),
                        name: &name,
                        head: b"",
                        body: thing.json.as_bytes(),
                    };
                    bytes += thing.json.len();
                    let at = Instant::now();
                    writer.add(object).await.expect("add");
                    adding += at.elapsed();
                }
            }
        }
        let head = writer.finish(cluster::outcome()).await.expect("finish");
        let took = started.elapsed();
        let after = used();
        let speed = bytes as f64 / 1e6 / took.as_secs_f64();
        let archive = location
            .head(&format!("backups/{name}/{name}.tar.gz"))
            .await
            .expect("head")
            .expect("archive")
            .size;
        let manifest = location
            .head(&format!("backups/{name}/{name}-daytwo.json.gz"))
            .await
            .expect("head")
            .expect("manifest")
            .size;
        println!(
            "write, {threads} threads: {} objects, {:.1} MB of JSON in {took:.3?} = {speed:.0} MB/s; in add() {adding:.3?}; archive {archive}, manifest {manifest}; {}",
            head.objects,
            bytes as f64 / 1e6,
            peak()
        );
        println!(
            "processor: {:.3} s on the thread that adds, {:.2} s in all",
            after.0 - before.0,
            after.1 - before.1
        );
        judge(&location, &name).await;
        if let Ok(foreign) = std::env::var("FOREIGN") {
            // The same archive compressed by another tool, as a backup of Velero's.
            let (v, archive) = (cluster::name("v"), std::fs::read(foreign).expect("FOREIGN"));
            let head = r#"{"metadata":{"name":"v"},"status":{"phase":"Completed"}}"#;
            location.put("backups/v/velero-backup.json", head.into()).await.expect("put");
            location.put("backups/v/v.tar.gz", archive.into()).await.expect("put");
            judge(&location, &v).await;
        }
    }
}

async fn judge(location: &Location, name: &BackupName) {
    for _ in 0..3 {
        let (started, before) = (Instant::now(), used());
        let report =
            verify(location, name, &Keys::default(), &VerifyOptions::default()).await.expect("verify");
        println!(
            "verify {name}: {:.3?}, processor {:.2} s, {} findings; {}",
            started.elapsed(),
            used().1 - before.1,
            report.findings.len(),
            peak()
        );
    }
    let (started, before) = (Instant::now(), used());
    let backup = Backup::open(location, name, &Keys::default()).await.expect("open");
    let opened = started.elapsed();
    let mut entries = backup.entries().await.expect("entries");
    let mut read = 0;
    while entries.next().await.expect("entry").is_some() {
        read += 1;
    }
    println!(
        "open: {opened:.3?}; entries: {read} in {:.3?}, processor {:.2} s; {}",
        started.elapsed(),
        used().1 - before.1,
        peak()
    );
}
