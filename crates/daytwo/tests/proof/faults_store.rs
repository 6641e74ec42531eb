//! A proxy before the store that goes wrong: a backup is whole and right, or failed with the reason and is not to be
//! seen; reading one gives its true content or fails.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use testbed::{Fault, FaultProxy, Rule, S3};

use crate::binary::{Daytwo, Run};
use crate::chance::Chance;
use crate::kill::{SCOPE, bulk};
use crate::{say, stored, times};

struct Bench {
    s3: &'static S3,
    bucket: &'static str,
    proxy: FaultProxy,
    /// Through the proxy.
    daytwo: Daytwo,
    /// Past it.
    honest: Daytwo,
    faultless: BTreeMap<String, Vec<u8>>,
}

impl Bench {
    /// With a bucket that holds one backup, `whole`.
    fn new(bucket: &'static str) -> Option<Bench> {
        let (site, s3) = (bulk()?, testbed::shared::s3()?);
        s3.create_bucket(bucket).unwrap();
        let proxy = FaultProxy::before_s3(s3).unwrap();
        let daytwo = Daytwo::on_s3(s3, bucket, Some(&proxy.url())).cluster(site.kubeconfig());
        let honest = Daytwo::on_s3(s3, bucket, None).cluster(site.kubeconfig());
        honest.run(&create("whole")).expect(0);
        let faultless = stored::objects(&s3.folder().join(bucket), "whole");
        Some(Bench { s3, bucket, proxy, daytwo, honest, faultless })
    }

    fn folder(&self) -> PathBuf {
        self.s3.folder().join(self.bucket)
    }

    fn run(&self, rules: Vec<Rule>, args: &[&str]) -> Run {
        self.proxy.clear();
        drop(self.proxy.take_seen());
        rules.into_iter().for_each(|rule| self.proxy.add(rule));
        self.daytwo.run(args).sound()
    }

    /// Makes a backup under `rules` and fails unless it is whole, or failed and cannot be seen.
    fn check(&self, what: &str, rules: Vec<Rule>, must: Must) -> bool {
        let run = self.run(rules, &create("case"));
        assert!(self.proxy.met() > 0, "{what}: no request met the fault");
        let head = self.folder().join("backups/case/velero-backup.json");
        let (complete, _) = self.honest.listed();
        let whole = complete.contains(&"case".to_owned());
        assert_eq!(head.exists(), whole, "{what}");
        match must {
            Must::Pass => assert_eq!(run.code, Some(0), "{what}: {run}"),
            Must::Fail(codes) => assert!(run.code.is_some_and(|code| codes.contains(&code)), "{what}: {run}"),
            Must::Either => assert!(matches!(run.code, Some(0 | 3 | 5)), "{what}: {run}"),
        }
        if run.code == Some(0) {
            assert!(whole, "{what}: it said that it was done: {run}");
            self.honest.run(&["backup", "verify", "case"]).expect(0);
            assert!(stored::objects(&self.folder(), "case") == self.faultless, "{what}: other objects");
        } else {
            assert!(!whole, "{what}: it failed, and the backup can be seen: {run}");
            assert!(run.stderr.contains("error:"), "{what}: no reason is given: {run}");
        }
        // What a failed run could not remove itself is found.
        if whole {
            self.honest.run(&["backup", "delete", "case", "--yes"]).expect(0);
        }
        self.honest.run(&["backup", "prune", "--orphans", "--older-than=1ms", "--yes"]).expect(0);
        let left = stored::files(&self.folder());
        let strange: Vec<_> = left.keys().filter(|key| !key.starts_with("backups/whole/")).collect();
        assert!(strange.is_empty(), "{what}: left behind: {strange:?}");
        assert_eq!(stored::uploads(self.s3, self.bucket), 0, "{what}: uploads in parts are left behind");
        whole
    }
}

fn create(name: &str) -> Vec<&str> {
    ["backup", "create", name].into_iter().chain(SCOPE).collect()
}

#[derive(Clone, Copy)]
enum Must {
    Pass,
    Fail(&'static [i32]),
    Either,
}

/// Parts of the archive's upload.
fn part(fault: Fault) -> Rule {
    Rule::new(fault).method("PUT").with("case.tar.gz").with("partNumber=")
}

fn put(file: &str, fault: Fault) -> Rule {
    Rule::new(fault).method("PUT").with(file)
}

#[test]
fn a_fault_of_the_store_that_passes_is_survived() {
    let Some(bench) = Bench::new("passing") else { return };
    let internal = || Fault::s3(500, "InternalError", "We encountered an internal error. Please try again.");
    let post = |with: &str, fault| Rule::new(fault).method("POST").with("case.tar.gz").with(with);
    let cases: Vec<(&str, Rule, Must)> = vec![
        ("503 SlowDown for parts", part(Fault::slow_down()).first(3), Must::Pass),
        ("500 for parts", part(internal()).first(2), Must::Pass),
        ("a part reset before it is seen", part(Fault::Reset).nth(2), Must::Pass),
        ("a part reset half way", part(Fault::ResetInRequest(2_000_000)).nth(2), Must::Pass),
        ("a part whose answer is lost", part(Fault::LoseAnswer).nth(1), Must::Pass),
        (
            "the beginning of the upload refused once",
            post("uploads", Fault::slow_down()).first(1),
            Must::Pass,
        ),
        ("the beginning of the upload lost", post("uploads", Fault::LoseAnswer).first(1), Must::Either),
        ("the end of the upload refused once", post("uploadId=", internal()).first(1), Must::Pass),
        ("the end of the upload lost", post("uploadId=", Fault::LoseAnswer).first(1), Must::Pass),
        (
            "the end of the upload done, with 500",
            post("uploadId=", Fault::SpoilAnswer(500)).first(1),
            Must::Either,
        ),
        ("the end of the upload cut", post("uploadId=", Fault::Cut(20)).first(1), Must::Pass),
        ("the claim refused once", put("daytwo-claim", Fault::slow_down()).first(1), Must::Pass),
        ("the claim written, its answer lost", put("daytwo-claim", Fault::LoseAnswer).first(1), Must::Pass),
        ("the claim written, with 503", put("daytwo-claim", Fault::SpoilAnswer(503)).first(1), Must::Pass),
        ("the head refused once", put("velero-backup.json", Fault::slow_down()).first(1), Must::Pass),
        (
            "the head written, its answer lost",
            put("velero-backup.json", Fault::LoseAnswer).first(1),
            Must::Pass,
        ),
        (
            "the head written, with 500",
            put("velero-backup.json", Fault::SpoilAnswer(500)).first(1),
            Must::Pass,
        ),
        ("a side file reset", put("case-results.gz", Fault::Reset).first(2), Must::Pass),
        ("the listing cut", Rule::new(Fault::Cut(40)).method("GET").with("list-type=2").first(1), Must::Pass),
        (
            "slow answers",
            Rule::new(Fault::Slow(64, Duration::from_millis(1))).method("PUT").first(4),
            Must::Pass,
        ),
    ];
    let count = cases.len();
    let whole =
        cases.into_iter().filter(|(what, rule, must)| bench.check(what, vec![rule.clone()], *must)).count();
    say(&format!(
        "{count} passing faults before the store: {whole} whole, the others failed with nothing to be seen"
    ));
}

#[test]
fn a_fault_of_the_store_that_stays_leaves_nothing_to_be_seen() {
    let Some(bench) = Bench::new("staying") else { return };
    let denied = || Fault::s3(403, "AccessDenied", "Access Denied.");
    let full = || Fault::s3(507, "InsufficientStorage", "no space left");
    let cases: Vec<(&str, Rule, &'static [i32])> = vec![
        ("parts denied", part(denied()), &[3]),
        ("the claim denied", put("daytwo-claim", denied()), &[3]),
        ("the head denied", put("velero-backup.json", denied()), &[3]),
        ("a store that is full", part(full()), &[3, 5]),
        ("a part that is too large", part(Fault::s3(400, "EntityTooLarge", "too large")), &[2, 3, 5]),
        (
            "the upload ended by somebody",
            part(Fault::s3(404, "NoSuchUpload", "The specified upload does not exist.")).nth(2),
            &[3, 5],
        ),
    ];
    let mut count = cases.len();
    for (what, rule, codes) in cases {
        bench.check(what, vec![rule], Must::Fail(codes));
    }
    if times(0, 1) == 1 {
        // Each takes as long as the store is waited for, which is two minutes.
        count += 3;
        bench.check("every head reset", vec![put("velero-backup.json", Fault::Reset)], Must::Fail(&[3]));
        bench.check("every part slowed down", vec![part(Fault::slow_down())], Must::Fail(&[3]));
        bench.check("a part never answered", vec![part(Fault::Silence)], Must::Either);
    }
    say(&format!("{count} lasting faults before the store: a clean failure each time"));
}

#[test]
fn under_chance_faults_of_the_store_a_backup_is_whole_or_absent() {
    let Some(bench) = Bench::new("chances") else { return };
    let seeds = times(4, 60);
    let mut whole = 0;
    for seed in 0..seeds as u64 {
        let mut chance = Chance::new(seed);
        // A run makes some twenty requests: enough of them are to go wrong, and not every try of one.
        let mut some = |fault| Rule::new(fault).chance(60, chance.next());
        let rules = vec![
            some(Fault::slow_down()),
            some(Fault::Reset),
            some(Fault::LoseAnswer),
            some(Fault::SpoilAnswer(500)),
            some(Fault::ResetInRequest(100)),
            some(Fault::ResetInAnswer(30)),
            Rule::new(Fault::Slow(4096, Duration::from_micros(100))),
        ];
        whole += usize::from(bench.check(&format!("seed {seed}"), rules, Must::Either));
    }
    say(&format!(
        "{seeds} backups under chance faults of the store: {whole} whole, the others failed cleanly"
    ));
}

/// What each verb says of `whole` when nothing goes wrong.
fn reads() -> [Vec<&'static str>; 5] {
    [
        vec!["backup", "verify", "whole"],
        vec!["backup", "get", "whole", "configmaps", "-n", "bulk", "-o", "json"],
        vec!["backup", "get", "whole", "configmap", "fill-00020", "-n", "bulk", "-o", "json"],
        vec!["backup", "describe", "whole", "-o", "json"],
        vec!["backup", "list", "-o", "json"],
    ]
}

#[test]
fn a_read_under_faults_shows_the_truth_or_fails() {
    let Some(bench) = Bench::new("reads") else { return };
    let faults = [
        ("503", Fault::slow_down()),
        ("a reset", Fault::Reset),
        ("a reset in mid-body", Fault::ResetInAnswer(3_000)),
        ("a cut", Fault::Cut(2_000)),
        ("a clean cut", Fault::CutCleanly(2_000)),
        ("a flipped bit", Fault::Flip(1_500)),
        ("slow bytes", Fault::Slow(65_536, Duration::from_micros(100))),
    ];
    let files = ["list-type=2", "whole.tar.gz", "whole-daytwo.json.gz", "velero-backup.json"];
    let (mut same, mut failed) = (0, 0);
    for args in reads() {
        let truth = bench.honest.run(&args).expect(0).stdout;
        for (what, fault) in &faults {
            for (file, nth) in
                files.iter().flat_map(|file| (1..=times(1, 3) as u64).map(move |nth| (file, nth)))
            {
                let what = format!("{args:?} with {what} at request {nth} for {file}");
                let run = bench.run(vec![Rule::new(fault.clone()).method("GET").with(file).nth(nth)], &args);
                if bench.proxy.met() == 0 {
                    assert_eq!(run.code, Some(0), "{what}: {run}");
                    continue;
                }
                if run.code == Some(0) {
                    same += 1;
                    // Nothing proves the heads to a verb that reads nothing else.
                    let unproved = matches!(fault, Fault::Flip(_)) && ["describe", "list"].contains(&args[1]);
                    assert!(
                        unproved || untimed(&run.stdout) == untimed(&truth),
                        "{what} shows something else: {run}"
                    );
                } else {
                    failed += 1;
                    assert!(matches!(run.code, Some(1 | 3 | 5)), "{what}: {run}");
                    let told = run.stderr.contains("error:") || args[1] == "verify";
                    assert!(told, "{what}: no reason is given: {run}");
                    assert!(
                        run.code != Some(1) || matches!(fault, Fault::Flip(_) | Fault::CutCleanly(_)),
                        "{what}: {run}"
                    );
                }
            }
        }
    }
    say(&format!("reads under faults of the store: {same} showed the truth, {failed} failed and said why"));
}

/// Without the lines that say how long it took.
fn untimed(text: &str) -> String {
    text.lines().filter(|line| !line.contains("econds")).collect::<Vec<_>>().join("\n")
}
