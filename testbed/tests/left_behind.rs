//! A process that starts parts and is killed leaves neither processes nor folders.
//!
//! The test runs itself once more as that process.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of a test")]

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use testbed::{ControlPlane, Family, S3, until};

const HELPER: &str = "DAYTWO_TESTBED_TEST_HELPER";

#[test]
fn killed_starter_leaves_nothing() {
    if env::var_os(HELPER).is_some() {
        start_and_wait_to_be_killed();
        return;
    }
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kube, Family::S3]).is_none() {
        return;
    }
    let mut helper = Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed_starter_leaves_nothing", "--nocapture"])
        .env(HELPER, "yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let folders: Vec<PathBuf> = BufReader::new(helper.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("folder ").map(PathBuf::from))
        .take(2)
        .collect();
    assert_eq!(folders.len(), 2, "the helper did not start");
    let pids: Vec<u32> = folders.iter().flat_map(|folder| living_in(folder)).collect();
    assert!(pids.len() >= 3, "etcd, kube-apiserver, versitygw: {pids:?}");

    helper.kill().unwrap();
    helper.wait().unwrap();
    until(Duration::from_secs(30), "processes and folders to be gone", || {
        let runs = pids.iter().any(|pid| Path::new(&format!("/proc/{pid}/exe")).exists());
        let stands = folders.iter().any(|folder| folder.exists());
        Ok((!runs && !stands).then_some(()))
    })
    .unwrap();
}

fn start_and_wait_to_be_killed() {
    let site = ControlPlane::builder().controller_manager(false).start().unwrap();
    let s3 = S3::start().unwrap();
    println!("\nfolder {}\nfolder {}", site.folder().display(), s3.folder().parent().unwrap().display());
    let _ = until(Duration::from_secs(300), "to be killed", || Ok(None::<()>));
}

/// The processes with this folder in their environment.
fn living_in(folder: &Path) -> Vec<u32> {
    let mark = folder.to_str().unwrap();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            String::from_utf8_lossy(&environ).contains(mark)
        })
        .collect()
}
