//! `kill -9` at random moments of a backup: the backup is absent, or it is there and verifies. The next run works,
//! under another name at once and under the same name once what was left is removed, and nothing stays behind.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use testbed::{Api, ControlPlane, Family, S3};

use crate::binary::Daytwo;
use crate::chance::Chance;
use crate::{say, site, stored, times};

/// Twelve MiB compressed: three parts of an upload in parts.
const OBJECTS: usize = 28;
const OBJECT_BYTES: usize = 600_000;
/// What every backup here is of.
pub const SCOPE: [&str; 2] = ["--include-namespaces=bulk", "--include-cluster-resources=false"];

/// A cluster with a namespace `bulk` that nobody writes to.
pub fn bulk() -> Option<&'static ControlPlane> {
    static BULK: OnceLock<ControlPlane> = OnceLock::new();
    testbed::parts_or_skip(&[Family::Etcd, Family::Kube])?;
    Some(BULK.get_or_init(|| {
        let site = ControlPlane::builder().controller_manager(false).start().unwrap();
        let mut api = Api::of(&site).unwrap();
        site::namespace(&mut api, "bulk");
        site::fill(&mut api, "bulk", OBJECTS, OBJECT_BYTES, 11);
        site
    }))
}

/// How killed runs ended.
#[derive(Debug, Default)]
struct Tally {
    absent: usize,
    whole: usize,
    left_uploads: usize,
}

fn create(name: &str) -> Vec<&str> {
    ["backup", "create", name].into_iter().chain(SCOPE).collect()
}

/// `folder` is where the location's files can be looked at; `uploads` counts unfinished uploads in parts.
fn prove(daytwo: &Daytwo, folder: &Path, uploads: &dyn Fn() -> usize, seed: u64) -> Tally {
    let runs = times(10, 100);
    let mut chance = Chance::new(seed);
    let full = daytwo.run(&create("whole")).expect(0).took;
    let faultless = stored::objects(folder, "whole");
    assert_eq!(faultless.keys().filter(|key| key.starts_with("configmaps/bulk/fill-")).count(), OBJECTS);
    let full = u64::try_from(full.as_micros()).unwrap();
    let mut tally = Tally::default();
    for run in 0..runs {
        let name = format!("run-{run}");
        let after = Duration::from_micros(chance.below(full + full / 10));
        let mut running = daytwo.start(&create(&name));
        running.ends_within(after);
        let killed = running.kill();
        let what = format!("run {run} of seed {seed}, killed after {after:?}");

        let (complete, _) = daytwo.listed();
        let there = complete.contains(&name);
        let head = folder.join(format!("backups/{name}/velero-backup.json")).exists();
        assert_eq!(there, head, "{what}");
        if there {
            tally.whole += 1;
            daytwo.run(&["backup", "verify", &name]).expect(0);
        } else {
            tally.absent += 1;
            assert_ne!(killed.code, Some(0), "{what}: it said that it was done");
            tally.left_uploads += usize::from(uploads() > 0);
        }

        let other = format!("other-{run}");
        daytwo.run(&create(&other)).expect(0);
        daytwo.run(&["backup", "prune", "--orphans", "--older-than=1ms", "--yes"]).expect(0);
        if !there {
            daytwo.run(&create(&name)).expect(0);
        }
        for name in [&name, &other] {
            daytwo.run(&["backup", "verify", name]).expect(0);
            assert!(stored::objects(folder, name) == faultless, "{what}: {name} holds other objects");
            daytwo.run(&["backup", "delete", name, "--yes"]).expect(0);
        }
        let left = stored::files(folder);
        let strange: Vec<&String> = left.keys().filter(|key| !key.starts_with("backups/whole/")).collect();
        assert!(strange.is_empty(), "{what}: left behind: {strange:?}");
        assert_eq!(uploads(), 0, "{what}: uploads in parts are left behind");
    }
    tally
}

#[test]
fn a_killed_run_into_a_folder_leaves_no_half_backup() {
    let Some(site) = bulk() else { return };
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    let tally = prove(&daytwo, &daytwo.folder(), &|| 0, 21);
    say(&format!("kill -9, folder: {} absent, {} whole and verified", tally.absent, tally.whole));
}

#[test]
fn a_killed_run_into_s3_leaves_no_half_backup() {
    let (Some(site), Some(s3)) = (bulk(), testbed::shared::s3()) else { return };
    s3.create_bucket("killed").unwrap();
    let daytwo = Daytwo::on_s3(s3, "killed", None).cluster(site.kubeconfig());
    let tally = prove(&daytwo, &s3.folder().join("killed"), &|| uploads(s3), 22);
    say(&format!(
        "kill -9, S3: {} absent ({} of them left an upload in parts, which prune ended), {} whole and verified",
        tally.absent, tally.left_uploads, tally.whole
    ));
}

fn uploads(s3: &S3) -> usize {
    stored::uploads(s3, "killed")
}
