//! A proxy before the API server that goes wrong: the backup is the one of a faultless run, or names what is missing
//! and ends with 1, or fails with the reason and leaves nothing in the location.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Api, ControlPlane, Family, Fault, FaultProxy, Rule, Seen};

use crate::binary::{Daytwo, Run};
use crate::chance::Chance;
use crate::{say, site, stored, times};

type Objects = BTreeMap<String, Vec<u8>>;

/// Three pages of 500.
const CONFIG_MAPS: usize = 1_300;
const CONFIG_MAP_LIST: &str = "/api/v1/configmaps";
const SECRET_LIST: &str = "/api/v1/secrets";
const EXACT: &str = "resourceVersionMatch=Exact";

/// A cluster that nobody writes to but its API server, and what a faultless backup of it holds.
struct Quiet {
    site: ControlPlane,
    faultless: Objects,
}

fn quiet() -> Option<&'static Quiet> {
    static QUIET: OnceLock<Quiet> = OnceLock::new();
    testbed::parts_or_skip(&[Family::Etcd, Family::Kube])?;
    Some(QUIET.get_or_init(|| {
        let site = ControlPlane::builder().controller_manager(false).start().unwrap();
        let mut api = Api::of(&site).unwrap();
        site::namespace(&mut api, "alpha");
        site::namespace(&mut api, "beta");
        site::fill(&mut api, "alpha", CONFIG_MAPS, 900, 31);
        for n in 0..40 {
            site::secret(&mut api, "beta", &format!("secret-{n}"), &json!({ "word": format!("word-{n}") }));
        }
        site::define(&site, &mut api, &site::definition("gadgets", "Gadget"));
        for n in 0..30 {
            site::custom(&mut api, "beta", "gadgets", "Gadget", &format!("gadget-{n}"), &json!({ "n": n }));
        }
        let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
        daytwo.run(&["backup", "create", "faultless"]).expect(0);
        let faultless = lasting(&daytwo, "faultless");
        Quiet { site, faultless }
    }))
}

/// The objects of a backup but what the API server goes on renewing.
fn lasting(daytwo: &Daytwo, name: &str) -> Objects {
    let mut objects = stored::objects(&daytwo.folder(), name);
    objects.retain(|key, _| !key.starts_with("leases.coordination.k8s.io/"));
    objects
}

/// What has to come of a backup.
enum Expect {
    /// Everything, at one revision, and nothing to remark.
    Same,
    /// Everything; this resource by a way round that is named.
    WayRound(&'static str),
    /// Everything; this resource named as outside the cut.
    Outside(&'static str),
    /// Everything but objects of this resource, which is named; exit code 1.
    Without(&'static str),
    /// Nothing, with this exit code.
    Nothing(i32),
}

struct Case {
    what: &'static str,
    rules: Vec<Rule>,
    expect: Expect,
}

fn case(what: &'static str, rule: Rule, expect: Expect) -> Case {
    Case { what, rules: vec![rule], expect }
}

/// Lists of one resource at the cut's revision, their first page.
fn list(path: &str, fault: Fault) -> Rule {
    Rule::new(fault).method("GET").path(path).with(EXACT)
}

struct Bench {
    quiet: &'static Quiet,
    proxy: FaultProxy,
    daytwo: Daytwo,
}

impl Bench {
    fn new() -> Option<Bench> {
        let quiet = quiet()?;
        let proxy = FaultProxy::before_apiserver(&quiet.site).unwrap();
        let daytwo = Daytwo::on_folder().cluster(&proxy.kubeconfig());
        Some(Bench { quiet, proxy, daytwo })
    }

    /// Makes the backup `case` under `rules`; what the proxy saw comes with it.
    fn run(&self, rules: Vec<Rule>) -> (Run, Vec<Seen>) {
        self.proxy.clear();
        drop(self.proxy.take_seen());
        rules.into_iter().for_each(|rule| self.proxy.add(rule));
        let run = self.daytwo.run(&["backup", "create", "case", "-v", "-o", "json"]).sound();
        (run, self.proxy.take_seen())
    }

    fn check(&self, case: Case) {
        let Case { what, rules, expect } = case;
        let (run, seen) = self.run(rules);
        assert!(seen.iter().any(|seen| seen.met), "{what}: no request met the fault");
        match expect {
            Expect::Nothing(code) => {
                assert_eq!(run.code, Some(code), "{what}: {run}");
                assert!(run.stderr.contains("error:"), "{what}: no reason is given: {run}");
                self.nothing_left(what);
            }
            Expect::Without(resource) => {
                assert_eq!(run.code, Some(1), "{what}: {run}");
                let head = run.json();
                assert_eq!(head["phase"], "PartiallyFailed", "{what}: {run}");
                assert!(
                    names(&head["problems"]).contains(resource),
                    "{what}: {resource} is not named: {run}"
                );
                assert!(run.stderr.contains(resource), "{what}: {resource} is not on stderr: {run}");
                let held = lasting(&self.daytwo, "case");
                let missing: BTreeSet<&str> = self
                    .quiet
                    .faultless
                    .iter()
                    .filter(|(key, bytes)| held.get(*key) != Some(bytes))
                    .filter_map(|(key, _)| key.split('/').next())
                    .collect();
                assert_eq!(missing, BTreeSet::from([resource]), "{what}");
                self.done();
            }
            whole => {
                assert_eq!(run.code, Some(0), "{what}: {run}");
                let head = run.json();
                assert_eq!(head["phase"], "Completed", "{what}: {run}");
                self.same(what);
                let (fallbacks, outside) = (names(&head["fallbacks"]), names(&head["outside"]));
                match whole {
                    Expect::WayRound(resource) => assert!(fallbacks.contains(resource), "{what}: {head}"),
                    Expect::Outside(resource) => {
                        assert_eq!(outside, BTreeSet::from([resource.to_owned()]), "{what}: {head}");
                    }
                    _ => {
                        assert_eq!(head["consistency"]["kind"], "OneRevision", "{what}: {head}");
                        assert!(outside.is_empty(), "{what}: {head}");
                    }
                }
                self.done();
            }
        }
    }

    /// Fails unless the backup `case` holds what the faultless one holds.
    fn same(&self, what: &str) {
        let held = lasting(&self.daytwo, "case");
        let faultless = &self.quiet.faultless;
        let keys = |objects: &Objects| objects.keys().cloned().collect::<BTreeSet<_>>();
        let (held_keys, wanted) = (keys(&held), keys(faultless));
        let missing: Vec<_> = wanted.difference(&held_keys).take(5).collect();
        let extra: Vec<_> = held_keys.difference(&wanted).take(5).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{what}: missing {missing:?}, too many {extra:?}");
        let changed: Vec<_> = held.iter().filter(|(key, bytes)| faultless[*key] != **bytes).take(5).collect();
        assert!(changed.is_empty(), "{what}: not the bytes of the faultless run: {:?}", changed[0].0);
    }

    /// Verifies the backup `case` and removes it.
    fn done(&self) {
        self.daytwo.run(&["backup", "verify", "case"]).expect(0);
        self.daytwo.run(&["backup", "delete", "case", "--yes"]).expect(0);
        self.nothing_left("after deletion");
    }

    fn nothing_left(&self, what: &str) {
        let left = stored::files(&self.daytwo.folder());
        assert!(left.is_empty(), "{what}: left in the location: {:?}", left.keys());
    }
}

fn names(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|entry| entry["resource"].as_str().unwrap().to_owned()).collect()
}

/// Faults that pass: the run tries again and ends as if nothing had been.
fn passing() -> Vec<Case> {
    use Expect::Same;
    let configs = |fault| list(CONFIG_MAP_LIST, fault);
    vec![
        case("429 with Retry-After", configs(Fault::too_many(1)).first(2), Same),
        case(
            "500",
            list(SECRET_LIST, Fault::status(500, "InternalError", "etcdserver: leader changed")).first(2),
            Same,
        ),
        case("503 from a load balancer", configs(Fault::html(503)).first(2), Same),
        case(
            "504",
            configs(Fault::status(504, "Timeout", "request did not complete within 60s")).first(1),
            Same,
        ),
        case("503 in discovery", Rule::new(Fault::html(503)).path("/apis").first(2), Same),
        case("a reset in discovery", Rule::new(Fault::ResetInAnswer(700)).path("/apis").first(1), Same),
        case("a probe cut short", Rule::new(Fault::Cut(60)).path(SECRET_LIST).with("limit=1").nth(1), Same),
        case("a reset before the answer", configs(Fault::Reset).first(2), Same),
        case("an answer lost", configs(Fault::LoseAnswer).first(2), Same),
        case("a reset after the headers", configs(Fault::ResetInAnswer(0)).first(1), Same),
        case("a reset in mid-body", configs(Fault::ResetInAnswer(200_000)).first(1), Same),
        case("a body cut short", configs(Fault::Cut(300_000)).first(2), Same),
        case("a body cut short that claims to be whole", configs(Fault::CutCleanly(300_000)).first(1), Same),
        case("an empty answer", list(SECRET_LIST, Fault::answer(200, "")).first(1), Same),
        case("an answer that is an empty object", list(SECRET_LIST, Fault::answer(200, "{}")).first(1), Same),
        case("a page of HTML with 200", list(SECRET_LIST, Fault::html(200)).first(2), Same),
        case(
            "the second page reset twice",
            Rule::new(Fault::ResetInAnswer(50_000)).path(CONFIG_MAP_LIST).with("continue=").first(2),
            Same,
        ),
        case(
            "the second page cut",
            Rule::new(Fault::CutCleanly(90_000)).path(CONFIG_MAP_LIST).with("continue=").first(1),
            Same,
        ),
        case("slow bytes", configs(Fault::Slow(4096, Duration::from_millis(2))).first(1), Same),
    ]
}

#[test]
fn a_fault_that_passes_leaves_no_trace_in_the_backup() {
    let Some(bench) = Bench::new() else { return };
    let cases = passing();
    let count = cases.len();
    cases.into_iter().for_each(|case| bench.check(case));
    say(&format!("{count} passing faults before the API server: the backup of a faultless run each time"));
}

#[test]
fn a_fault_that_stays_is_gone_round_or_named() {
    let Some(bench) = Bench::new() else { return };
    let forbidden = || Fault::status(403, "Forbidden", "secrets is forbidden");
    let too_large = || Fault::status(504, "Timeout", "Too large resource version: 99999, current: 500");
    let cases = [
        case("403 on the whole list", Rule::new(forbidden()).path(SECRET_LIST), Expect::Without("secrets")),
        case("403 on every list", Rule::new(forbidden()).with("/secrets"), Expect::Without("secrets")),
        case(
            "HTML with 200 for ever",
            Rule::new(Fault::html(200)).with("/secrets"),
            Expect::Without("secrets"),
        ),
        case("500 on the whole list", list(SECRET_LIST, Fault::html(500)), Expect::WayRound("secrets")),
        case("a revision not reached", list(SECRET_LIST, too_large()), Expect::Outside("secrets")),
        case(
            "pages above 200 kB cut",
            list(CONFIG_MAP_LIST, Fault::Cut(200_000)),
            Expect::WayRound("configmaps"),
        ),
        case("discovery down", Rule::new(Fault::html(503)).path("/apis"), Expect::Nothing(3)),
        case("discovery is a web page", Rule::new(Fault::html(200)).with("/api"), Expect::Nothing(5)),
        case(
            "401 on everything",
            Rule::new(Fault::status(401, "Unauthorized", "Unauthorized")),
            Expect::Nothing(3),
        ),
        case("every connection reset", Rule::new(Fault::Reset), Expect::Nothing(3)),
    ];
    let count = cases.len();
    cases.into_iter().for_each(|case| bench.check(case));
    say(&format!("{count} lasting faults before the API server: gone round and named, or a clean failure"));
}

#[test]
fn a_server_that_is_not_there_is_exit_code_3() {
    let daytwo = Daytwo::on_folder();
    let kubeconfig = daytwo.home().join("kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "gone",
        "clusters": [{ "name": "gone", "cluster": { "server": "http://127.0.0.1:9" } }],
        "users": [{ "name": "anyone", "user": {} }],
        "contexts": [{ "name": "gone", "context": { "cluster": "gone", "user": "anyone" } }],
    });
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let daytwo = daytwo.cluster(&kubeconfig);
    let run = daytwo.run(&["backup", "create", "case"]).expect(3).says(&["error:", "gone"]);
    assert!(run.stdout.is_empty(), "{run}");
    assert!(stored::files(&daytwo.folder()).is_empty());
}

/// The exact revisions that lists were asked for at.
fn revisions(seen: &[Seen]) -> BTreeSet<u64> {
    let revision = |path: &str| path.split("resourceVersion=").nth(1)?.split('&').next()?.parse().ok();
    seen.iter().filter(|seen| seen.path.contains(EXACT)).filter_map(|seen| revision(&seen.path)).collect()
}

/// Puts a new revision into the store, so that a cut made again is at another one.
fn revise(bench: &Bench) {
    let mut api = Api::of(&bench.quiet.site).unwrap();
    let lease = json!({ "metadata": { "name": "stir" }, "spec": {} });
    let path = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    let _ = api.delete(&format!("{path}/stir"));
    api.create(path, &lease).unwrap();
}

const POISON: &str = "cG9pc29u";

#[test]
fn a_revision_lost_in_mid_list_starts_everything_over() {
    let Some(bench) = Bench::new() else { return };
    let rule = Rule::new(Fault::expired(POISON)).path(CONFIG_MAP_LIST).with("continue=").nth(1);
    let gate = testbed::Gate::new();
    // A write between the two attempts makes them differ in revision.
    let held = Rule::new(Fault::Hold(gate.clone())).path(CONFIG_MAP_LIST).with(EXACT).nth(1);
    let (run, seen) = std::thread::scope(|scope| {
        let making = scope.spawn(|| bench.run(vec![rule, held]));
        gate.reached(Duration::from_secs(60)).unwrap();
        revise(&bench);
        gate.open();
        making.join().unwrap()
    });
    let run = run.expect(0).says(&["starting over"]);
    let head = run.json();
    assert_eq!(head["consistency"]["kind"], "OneRevision", "{head}");
    let revisions = revisions(&seen);
    assert_eq!(revisions.len(), 2, "{revisions:?}");
    assert_eq!(
        head["revision"].as_u64(),
        revisions.last().copied(),
        "the backup is not of the second revision"
    );
    assert!(!seen.iter().any(|seen| seen.path.contains(POISON)), "the token of a 410 was used");
    bench.same("410 in mid-list");
    bench.done();
}

#[test]
fn a_revision_lost_again_and_again_is_given_up_and_said() {
    let Some(bench) = Bench::new() else { return };
    let (run, seen) = bench.run(vec![list(CONFIG_MAP_LIST, Fault::expired(POISON))]);
    let run = run.expect(0).says(&["starting over", "4"]);
    let head = run.json();
    assert_eq!(head["consistency"]["kind"], "PerResource", "{head}");
    assert!(head["revision"].is_null(), "{head}");
    let asked = seen.iter().filter(|seen| seen.met).count();
    assert_eq!(asked, 4, "the number of attempts is not the stated one");
    assert!(!seen.iter().any(|seen| seen.path.contains(POISON)), "the token of a 410 was used");
    bench.same("410 for ever");
    bench.done();

    // Where even a plain list cannot be read to its end something is missing, and that is not hidden.
    let (run, seen) =
        bench.run(vec![Rule::new(Fault::expired(POISON)).path(CONFIG_MAP_LIST).with("continue=")]);
    assert!(!seen.iter().any(|seen| seen.path.contains(POISON)), "the token of a 410 was used");
    let held = match run.code {
        Some(0) => {
            bench.same("410 on every second page");
            run.json()
        }
        _ => {
            let head = run.expect(1).json();
            assert!(names(&head["problems"]).contains("configmaps"), "{head}");
            head
        }
    };
    assert_eq!(held["consistency"]["kind"], "PerResource", "{held}");
    bench.done();
}

#[test]
fn an_answer_that_stalls_is_asked_for_again() {
    let Some(bench) = Bench::new() else { return };
    bench.check(case(
        "a stall in mid-body",
        list(CONFIG_MAP_LIST, Fault::Stall(100_000)).first(1),
        Expect::Same,
    ));
    if times(0, 1) == 1 {
        bench.check(case("silence", list(CONFIG_MAP_LIST, Fault::Silence).first(1), Expect::Same));
    }
}

/// Chance faults of every sort at once: whatever comes of it must be right.
fn chaos(seed: u64) -> Vec<Rule> {
    let mut chance = Chance::new(seed);
    let mut some = |fault| Rule::new(fault).chance(30, chance.next());
    vec![
        some(Fault::Reset),
        some(Fault::LoseAnswer),
        some(Fault::html(503)),
        some(Fault::too_many(0)),
        some(Fault::status(500, "InternalError", "etcdserver: request timed out")),
        some(Fault::ResetInAnswer(900)),
        some(Fault::Cut(1_500)),
        some(Fault::CutCleanly(2_500)),
        some(Fault::Slow(512, Duration::from_micros(200))),
    ]
}

#[test]
fn under_chance_faults_a_backup_is_right_or_says_what_is_missing() {
    let Some(bench) = Bench::new() else { return };
    let seeds = times(4, 60);
    let (mut whole, mut partly, mut nothing, mut met) = (0, 0, 0, 0);
    for seed in 0..seeds as u64 {
        let (run, seen) = bench.run(chaos(seed));
        met += seen.iter().filter(|seen| seen.met).count();
        match run.code {
            Some(0) => {
                whole += 1;
                bench.same(&format!("seed {seed}"));
                bench.done();
            }
            Some(1) => {
                partly += 1;
                let named = names(&run.json()["problems"]);
                let held = lasting(&bench.daytwo, "case");
                for (key, bytes) in &bench.quiet.faultless {
                    let resource = key.split('/').next().unwrap();
                    let excused = named.iter().any(|name| name == resource || name.starts_with("*."));
                    assert!(
                        excused || held.get(key) == Some(bytes),
                        "seed {seed}: {key} is missing unnamed: {run}"
                    );
                }
                bench.done();
            }
            Some(3 | 5) => {
                nothing += 1;
                assert!(run.stderr.contains("error:"), "seed {seed}: {run}");
                bench.nothing_left(&format!("seed {seed}"));
            }
            _ => panic!("seed {seed}: {run}"),
        }
    }
    say(&format!(
        "{seeds} backups under chance faults ({met} requests met one): {whole} whole, {partly} with what is missing \
         named, {nothing} failed cleanly"
    ));
}
