//! What bbolt's own check and etcdutl say of a file. Their crash, or that they do not end, counts as "bad".

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use testbed::nest::Nest;
use testbed::{Family, parts_or_skip};

/// Address space of a child, in KiB: a loop of pages makes them recurse until nothing is left.
const MEMORY: u64 = 4_000_000;
const SECONDS: u64 = 20;

pub struct Children {
    nest: Nest,
    bbolt: PathBuf,
    etcdutl: PathBuf,
}

impl Children {
    /// `None` after saying that they are not there.
    pub fn find() -> Option<Children> {
        let parts = parts_or_skip(&[Family::Etcd, Family::Bbolt])?;
        let bbolt = parts.program(Family::Bbolt, "bbolt").unwrap();
        let etcdutl = parts.program(Family::Etcd, "etcdutl").unwrap();
        Some(Children { nest: Nest::new("hostile").unwrap(), bbolt, etcdutl })
    }

    /// The status that etcdutl prints if both say that the file is good, else who says what.
    pub fn ask(&self, bytes: &[u8]) -> Result<Value, String> {
        let path = self.nest.folder().join("changed.db");
        fs::write(&path, bytes).unwrap();
        let run = |program: &PathBuf, args: &[&str]| {
            let mut command = Command::new("timeout");
            command.args(["--kill-after=2", &SECONDS.to_string(), "sh", "-c"]);
            command
                .arg(format!("ulimit -v {MEMORY}; exec \"$@\""))
                .arg("sh")
                .arg(program)
                .args(args)
                .arg(&path);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let bbolt = run(&self.bbolt, &["check"]);
        let etcdutl = run(&self.etcdutl, &["snapshot", "status", "--write-out=json"]);
        let (bbolt, etcdutl) = (bbolt.wait_with_output().unwrap(), etcdutl.wait_with_output().unwrap());
        for (name, output) in [("bbolt", &bbolt), ("etcdutl", &etcdutl)] {
            if !output.status.success() {
                let said = [&output.stdout[..], &output.stderr[..]].concat();
                let said = String::from_utf8_lossy(&said);
                let start: String = said.chars().take(300).collect();
                return Err(format!("{name} ended with {}: {start}", output.status));
            }
        }
        serde_json::from_slice(&etcdutl.stdout).map_err(|error| format!("etcdutl printed no status: {error}"))
    }
}
