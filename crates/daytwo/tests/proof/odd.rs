//! A restore gives back what there was: a set of odd but legal objects is backed up, wiped and restored, and every field
//! of every object in the cluster is compared. What may differ is listed in `odd/rules.rs`.

mod compare;
mod kinds;
mod named;
mod rules;
mod set;
mod table;
mod wipe;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use testbed::{Api, ControlPlane, Family, Velero, until};

use crate::binary::{Daytwo, Run};
use crate::{say, times};
use compare::{Fate, compare};
use kinds::{Found, all};
use set::Made;

/// How long controllers may take until what they compute is there again.
const SETTLE: Duration = Duration::from_secs(60);
/// Of the server's own, those that the set changes.
const CHANGED: &[&str] = &["ClusterRole/system:public-info-viewer"];

/// A cluster with the set in it.
struct Filled {
    site: ControlPlane,
    first: BTreeMap<String, Found>,
    made: Vec<Made>,
    before: BTreeMap<String, Found>,
}

/// Two address families, and everything that is served by default.
fn plane() -> ControlPlane {
    let ranges = "--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112";
    ControlPlane::builder().apiserver_arg(ranges).start().unwrap()
}

impl Filled {
    fn fill(site: ControlPlane) -> Filled {
        let mut api = Api::of(&site).unwrap();
        let first = settled(&mut api);
        let made = set::make(&mut api);
        let before = settled(&mut api);
        Filled { site, first, made, before }
    }

    /// What became of everything, once controllers have done what they do; what `passed_over` names is not compared.
    fn fates(&self, passed_over: &dyn Fn(&str) -> bool) -> BTreeMap<String, Fate> {
        let mut api = Api::of(&self.site).unwrap();
        let mut fates = BTreeMap::new();
        let well = until(SETTLE, "everything to be as it was", || {
            fates = compare(&self.before, &all(&mut api), passed_over);
            Ok(fates.values().all(Fate::well).then_some(()))
        });
        if well.is_ok() {
            // Nor does anybody change it afterwards.
            let quiet = settled(&mut api);
            fates = compare(&self.before, &quiet, passed_over);
        }
        fates
    }
}

/// All of the cluster, once nothing changes any more.
fn settled(api: &mut Api) -> BTreeMap<String, Found> {
    let mut last = all(api);
    let mut quiet = 0;
    until(SETTLE, "the cluster to be quiet", || {
        let now = all(api);
        let same =
            |(key, found): (&String, &Found)| key.starts_with("Lease/kube-") || last.get(key) == Some(found);
        quiet = if now.len() == last.len() && now.iter().all(same) { quiet + 1 } else { 0 };
        last = now;
        Ok((quiet == 10).then_some(()))
    })
    .unwrap();
    last
}

/// What Velero says of itself on everything it restores: two labels, and that it is their manager.
fn velero_s_mark(path: &str) -> bool {
    ["velero.io/restore-name", "velero.io/backup-name", "velero-server"]
        .iter()
        .any(|mark| path.contains(mark))
}

impl Filled {
    fn back_up(&self, daytwo: &Daytwo) {
        // What lies behind an APIService whose server is gone cannot be read.
        let head = daytwo.run(&["backup", "create", "odd", "-o", "json"]).expect(1).json();
        let unread = head["problems"].as_array().unwrap();
        assert!(unread.len() == 1 && unread[0].to_string().contains("gone.example.com"), "{head}");
    }

    fn wipe(&self) {
        wipe::wipe(&mut Api::of(&self.site).unwrap(), &self.first, CHANGED);
    }

    /// Restores what was wiped.
    fn restored(&self, daytwo: &Daytwo) -> Proven {
        let run = daytwo.run(&["restore", "create", "--from", "odd"]).sound();
        let fates = self.fates(&|_| false);
        let after = all(&mut Api::of(&self.site).unwrap());
        Proven { odd: self.made.len(), fates, after, run }
    }
}

/// A restore of the set.
struct Proven {
    odd: usize,
    fates: BTreeMap<String, Fate>,
    after: BTreeMap<String, Found>,
    run: Run,
}

impl Proven {
    /// Fails unless everything is equal.
    fn expect(&self) {
        let ill: Vec<_> = self.fates.iter().filter(|(_, fate)| !fate.well()).collect();
        assert!(ill.is_empty() && self.run.code == Some(0), "{ill:#?}\n{}", self.run);
    }
}

/// The set, backed up, wiped and restored once.
fn proven() -> Option<&'static Proven> {
    static PROVEN: OnceLock<Proven> = OnceLock::new();
    testbed::parts_or_skip(&[Family::Etcd, Family::Kube])?;
    Some(PROVEN.get_or_init(|| {
        let filled = Filled::fill(plane());
        let daytwo = Daytwo::on_folder().cluster(filled.site.kubeconfig());
        filled.back_up(&daytwo);
        filled.wipe();
        filled.restored(&daytwo)
    }))
}

#[test]
fn every_field_of_every_odd_object_is_restored_equal() {
    let Some(proven) = proven() else { return };
    assert!(proven.odd >= 70, "{} objects", proven.odd);
    proven.expect();
    say(&format!("{} odd objects, {} in the cluster: all equal", proven.odd, proven.fates.len()));
}

#[test]
fn what_velero_s_restore_changes_of_the_same_objects_is_told() {
    // Deletes and restores everything twice.
    if times(0, 1) == 0 || testbed::parts_or_skip(&Family::ALL).is_none() {
        return;
    }
    let Some(s3) = testbed::shared::s3() else { return };
    let filled = Filled::fill(plane());
    // It learns of kinds when it starts.
    let velero = Velero::builder(&filled.site, s3, "odd").client_qps(1_000).client_burst(1_000);
    let velero = velero.start().unwrap();
    let daytwo = Daytwo::on_folder().cluster(filled.site.kubeconfig());
    filled.back_up(&daytwo);
    velero.backup("whole", &[]).unwrap();
    let rest = ["--selector=!odd.example.com/longest", "--include-cluster-resources=true"];
    velero.backup("odd", &rest).unwrap();
    filled.wipe();
    let ours = filled.restored(&daytwo);
    ours.expect();
    filled.wipe();
    // The longest names make file names that its extractor cannot create.
    let failed = velero.restore("whole", &["--from-backup=whole"]).unwrap();
    let nothing = compare(&filled.before, &all(&mut Api::of(&filled.site).unwrap()), &velero_s_mark);
    let whole = table::equal(&filled.made, &nothing);
    assert!(failed != "Completed" && whole == 0, "Velero restores the longest names: {failed}, {whole}");
    let phase = velero.restore("odd", &["--from-backup=odd"]).unwrap();
    let theirs = filled.fates(&velero_s_mark);
    let (all, equal) = (filled.made.len(), table::well(&filled.made, &theirs));
    let of_ours = table::well(&filled.made, &ours.fates);
    say(&format!("of {all} odd objects daytwo gives back {of_ours} as they were, Velero {equal} ({phase})"));
    assert!(equal < all, "Velero restores all of them equal: the page is out of date");
    if std::env::var_os("DAYTWO_WRITE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(table::file(), table::page(&filled.made, &ours.fates, &theirs)).unwrap();
    }
    drop(velero);
}
