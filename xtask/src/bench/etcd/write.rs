//! What writes 1 GiB: a data directory out of the snapshot, and a snapshot of a running member.
//!
//! A copy is no fair limit, as it may not reach the disk: `dd` with a flush is. Each round writes anew, on the file system of
//! the benchmark's folder.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::server::Etcd;
use super::{Bench, median, row};
use crate::bench::ground::finished;
use crate::bench::measure::Series;
use crate::bench::rows::{Must, Row};
use crate::cargo::say;

/// Restores by ours, by etcdutl, and the same bytes by `dd`.
pub fn restore(bench: &Bench, series: &mut Vec<Series>, rows: &mut Vec<Row>) -> Result<()> {
    let target = bench.nest.folder().join("restored");
    let ours = bench.daytwo("restore", &["--data-dir", &target.display().to_string()]);
    let theirs = bench.utl(&["snapshot", "restore", "--data-dir", &target.display().to_string()])?;
    let mut copy = Command::new("dd");
    copy.args(["bs=1M", "conv=fsync", "status=none"]);
    copy.arg(format!("if={}", bench.file.display())).arg(format!("of={}", target.display()));

    let names = ["restore", "etcdutl snapshot restore", "dd bs=1M conv=fsync"];
    let [ours, theirs, copy] = turns(bench, names, [&ours, &theirs, &copy], &target)?;
    rows.push(row([names[0], names[1]], Must::AtMostTimes(0.5), [median(&ours), median(&theirs)]));
    rows.push(row([names[0], names[2]], Must::AtMostTimes(2.0), [median(&ours), median(&copy)]));
    series.extend([ours, theirs, copy]);
    Ok(())
}

/// Saves a member that holds the same, by ours and by etcdctl.
pub fn save(bench: &Bench, series: &mut Vec<Series>, rows: &mut Vec<Row>) -> Result<()> {
    let data_dir = bench.nest.folder().join("member");
    finished(&mut bench.utl(&["snapshot", "restore", "--data-dir", &data_dir.display().to_string()])?)?;
    let mut etcd = Etcd::start(&bench.parts, &data_dir)?;
    etcd.until(|etcd| finished(&mut etcd.ctl(&["endpoint", "status"])).map(drop))?;

    let target = bench.nest.folder().join("saved.db");
    let mut ours = bench.ours("save");
    ours.args(["--endpoints", &etcd.endpoint(), "--to"]).arg(&target);
    let mut theirs = etcd.ctl(&["snapshot", "save"]);
    theirs.arg(&target);
    let names = ["save", "etcdctl snapshot save"];
    let [ours, theirs] = turns(bench, names, [&ours, &theirs], &target)?;
    rows.push(row(names, Must::AtMostTimes(1.0), [median(&ours), median(&theirs)]));
    series.extend([ours, theirs]);
    drop(etcd);
    remove(&data_dir)
}

/// The commands in turns, each onto nothing. The first round is not counted.
fn turns<const N: usize>(
    bench: &Bench,
    names: [&str; N],
    commands: [&Command; N],
    target: &Path,
) -> Result<[Series; N]> {
    say(&format!("{} rounds of {}", bench.rounds, names.join(", ")));
    let mut all = names.map(Series::new);
    for round in 0..=bench.rounds {
        for (series, command) in all.iter_mut().zip(commands) {
            let sample = bench.measure(command)?;
            remove(target)?;
            remove(&target.with_extension("db.json"))?;
            if round > 0 {
                series.push(sample);
            }
        }
    }
    Ok(all)
}

fn remove(path: &Path) -> Result<()> {
    match path.is_dir() {
        true => fs::remove_dir_all(path),
        false if path.exists() => fs::remove_file(path),
        false => Ok(()),
    }
    .with_context(|| format!("cannot remove {}", path.display()))
}
