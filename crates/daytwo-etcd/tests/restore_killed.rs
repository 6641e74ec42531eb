//! Restores that are killed, and ones that a full disk ends: nothing that etcd would start from is left, and the next one
//! is in nobody's way.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod member;
mod restored;

use std::env;
use std::fs;
use std::hint::spin_loop;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use daytwo_etcd::bolt::Map;
use daytwo_etcd::datadir::DataDir;
use daytwo_etcd::mvcc::Backend;
use daytwo_etcd::restore::{Cluster, Request, restore};
use member::Member;
use restored::{Plan, Running, plain};
use serde_json::json;
use testbed::Family;

const SIGKILL: i32 = 9;

/// A restore in a process of its own: see [`child`].
struct Asked<'a> {
    file: &'a Path,
    dir: PathBuf,
    wal: Option<PathBuf>,
    plan: &'a Plan,
}

impl Asked<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "child", "--ignored", "--nocapture"]);
        command.env("RESTORE_FILE", self.file).env("RESTORE_DIR", &self.dir);
        command.env("RESTORE_CLUSTER", self.plan.initial());
        if let Some(wal) = &self.wal {
            command.env("RESTORE_WAL", wal);
        }
        command
    }

    fn start(&self) -> Child {
        self.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

/// What [`Asked`] runs.
#[test]
#[ignore = "the other tests run it as a process of its own"]
fn child() {
    let [file, dir, cluster] = ["FILE", "DIR", "CLUSTER"].map(|name| env::var(format!("RESTORE_{name}")));
    let (Ok(file), Ok(dir), Ok(cluster)) = (file, dir, cluster) else { return };
    let wal = env::var("RESTORE_WAL").ok().map(PathBuf::from);
    let url = cluster.split_once('=').unwrap().1;
    let cluster = Cluster::new("m1", &cluster, &[url], restored::TOKEN).unwrap();
    let database = Backend::open(Map::open(Path::new(&file)).unwrap()).unwrap();
    let asked = Request { wal_dir: wal.as_deref(), ..plain(&database, &cluster, Path::new(&dir)) };
    if let Err(error) = restore(&asked) {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        panic!("{error}: {cause}");
    }
}

/// A snapshot of 40 MiB.
fn source() -> Option<(Member, PathBuf)> {
    let source = Member::start(Family::Etcd, &[Family::Bbolt])?;
    for key in 0..40_u8 {
        let value = member::base64(vec![key; 1 << 20]);
        source.call("/v3/kv/put", &json!({"key": member::base64([b'k', key]), "value": value}));
    }
    let file = source.save("snapshot.db");
    Some((source, file))
}

/// Kills the child once `moment` is there, or after it has ended by itself; says whether it was killed.
fn kill_when(mut child: Child, mut moment: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !moment() && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the moment does not come");
        spin_loop();
    }
    let _ = child.kill();
    child.wait().unwrap().signal() == Some(SIGKILL)
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

/// What etcd would find: nothing of a member, or all of it.
fn nothing_or_whole(asked: &Asked<'_>) -> bool {
    if !asked.dir.join("member").exists() {
        return false;
    }
    let found = DataDir::open(&asked.dir, asked.wal.as_deref()).unwrap();
    assert_eq!(found.identity, asked.plan.cluster(0).identity());
    assert!(found.snapshot.is_some());
    let db = Backend::open(Map::open(found.database.path()).unwrap()).unwrap();
    daytwo_etcd::keyspace::list(&db, b"k", None, &mut |record| {
        assert_eq!(record.value.len(), 1 << 20);
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(size(found.database.path()), db.db().meta().size().unwrap());
    true
}

#[test]
fn a_restore_killed_at_any_point_leaves_nothing_or_all() {
    let Some((source, file)) = source() else { return };
    let long = env::var("DAYTWO_LONG").is_ok_and(|long| long == "1");
    let (mut killed, mut whole) = (0, 0);
    for round in 0..if long { 12 } else { 1 } {
        for in_place in [false, true] {
            let dirs = tempfile::tempdir().unwrap();
            let plan = Plan::new(1);
            let dir = dirs.path().join("m1");
            let wal = in_place.then(|| dirs.path().join("wal"));
            if in_place {
                fs::create_dir(&dir).unwrap();
            }
            let asked = Asked { file: &file, dir: dir.clone(), wal: wal.clone(), plan: &plan };
            let staged = if in_place {
                dir.join(".member.restoring")
            } else {
                dirs.path().join(".m1.restoring/member")
            };
            let log = wal.clone().map_or(staged.join("wal"), |_| dirs.path().join(".wal.restoring"));
            let db = staged.join("snap/db");
            let sizes = [1, 9 << 20, (17 << 20) + round, 33 << 20, 40 << 20];
            let mut moments: Vec<Box<dyn FnMut() -> bool>> = vec![Box::new(|| staged.exists())];
            for reached in sizes {
                moments.push(Box::new(move || false));
                let db = db.clone();
                *moments.last_mut().unwrap() = Box::new(move || size(&db) >= reached);
            }
            moments.push(Box::new(|| log.join("0000000000000000-0000000000000001.wal").exists()));
            moments.push(Box::new(|| staged.join("snap/0000000000000001-0000000000000001.snap").exists()));
            if let Some(wal) = &wal {
                moments.push(Box::new(|| wal.exists()));
            }
            moments.push(Box::new(|| dir.join("member").exists()));
            for moment in &mut moments {
                killed += usize::from(kill_when(asked.start(), moment));
                if nothing_or_whole(&asked) {
                    whole += 1;
                    fs::remove_dir_all(dir.join("member")).unwrap();
                    if !in_place {
                        fs::remove_dir(&dir).unwrap();
                    }
                }
                // The log alone is what etcd refuses to start from; whoever goes on removes it.
                if let Some(wal) = wal.as_ref().filter(|wal| wal.exists()) {
                    fs::remove_dir_all(wal).unwrap();
                }
            }
            assert!(asked.command().output().unwrap().status.success());
            assert!(nothing_or_whole(&asked));
            let left = fs::read_dir(dirs.path()).unwrap().count();
            assert_eq!(left, if in_place { 2 } else { 1 }, "something is left behind");
            if !in_place {
                let running = Running::start(plan, &source.parts, Family::Etcd, dirs.path());
                assert_eq!(
                    running.ctl(&["get", "", "--prefix", "--keys-only"]).split_whitespace().count(),
                    40
                );
            }
        }
    }
    assert!(killed >= 10, "only {killed} were killed before they ended by themselves, {whole} were whole");
}

/// A file may not grow beyond 20 MiB, then a disk of 20 MiB where the system lets a test have one.
#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let Some((_source, file)) = source() else { return };
    let dirs = tempfile::tempdir().unwrap();
    let plan = Plan::new(1);
    let limited = "trap '' XFSZ; ulimit -f 40960; exec \"$@\"";
    let disk = dirs.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let full = format!(
        "mount -t tmpfs -o size=20m none {0} && {{ \"$@\"; code=$?; ls -A {0} >&2; exit $code; }}",
        disk.display()
    );
    for (script, dir, why) in [
        (limited, dirs.path().join("m1"), "File too large"),
        (&full, disk.join("m1"), "No space left on device"),
    ] {
        let asked = Asked { file: &file, dir, wal: None, plan: &plan };
        let child = asked.command();
        let mut command = Command::new(if why.starts_with("No") { "unshare" } else { "sh" });
        if why.starts_with("No") {
            if !Command::new("unshare")
                .args(["--mount", "true"])
                .status()
                .is_ok_and(|status| status.success())
            {
                eprintln!("skipped: this system gives no mount of its own");
                continue;
            }
            command.args(["--mount", "sh"]);
        }
        command.args(["-c", script, "sh"]).arg(child.get_program()).args(child.get_args());
        command.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success());
        assert!(said.contains(why) && said.contains("cannot write"), "{said}");
        assert!(!said.contains(".m1.restoring\n"), "{said}");
        let mut left: Vec<_> =
            fs::read_dir(dirs.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        left.retain(|name| name != "disk");
        assert!(left.is_empty(), "{left:?}");
    }
}
