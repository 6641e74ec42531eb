//! A proxy before the API server that goes wrong while a restore writes: everything is there afterwards and nothing
//! twice, or what could not be written is named, and the next run writes it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testbed::{Api, Fault, FaultProxy, Rule};

use crate::binary::{Daytwo, Run};
use crate::chance::Chance;
use crate::kill::bulk;
use crate::{say, site, times};

const SOURCE: &str = "trial";
const CONFIG_MAPS: usize = 80;

struct Bench {
    api: Api,
    proxy: FaultProxy,
    /// Through the proxy.
    daytwo: Daytwo,
    /// Past it, at the same location.
    honest: Daytwo,
    /// What the source namespace holds.
    source: BTreeMap<String, Value>,
    runs: usize,
}

/// What a person put into a namespace.
fn held(api: &mut Api, namespace: &str) -> BTreeMap<String, Value> {
    let mut held = BTreeMap::new();
    for collection in ["configmaps", "secrets", "services"] {
        let list = api.get(&format!("/api/v1/namespaces/{namespace}/{collection}")).unwrap();
        for object in list["items"].as_array().unwrap() {
            let name = object["metadata"]["name"].as_str().unwrap();
            let content = if collection == "services" { &object["spec"]["ports"] } else { &object["data"] };
            held.insert(format!("{collection}/{name}"), content.clone());
        }
    }
    held
}

impl Bench {
    fn new() -> Option<Bench> {
        let site = bulk()?;
        let mut api = Api::of(site).unwrap();
        site::namespace(&mut api, SOURCE);
        site::fill(&mut api, SOURCE, CONFIG_MAPS, 300, 71);
        for n in 0..20 {
            site::secret(&mut api, SOURCE, &format!("secret-{n}"), &json!({ "word": format!("word-{n}") }));
        }
        let service = json!({ "metadata": { "name": "web" }, "spec": { "ports": [{ "port": 80 }] } });
        api.create(&format!("/api/v1/namespaces/{SOURCE}/services"), &service).unwrap();
        let source = held(&mut api, SOURCE);
        let proxy = FaultProxy::before_apiserver(site).unwrap();
        let honest = Daytwo::on_folder().cluster(site.kubeconfig());
        honest.run(&["backup", "create", "trial", "--include-namespaces=trial"]).expect(0);
        let folder = honest.folder();
        let daytwo =
            Daytwo::new().env("DAYTWO_LOCATION", folder.to_str().unwrap()).cluster(&proxy.kubeconfig());
        Some(Bench { api, proxy, daytwo, honest, source, runs: 0 })
    }

    /// Restores into a namespace that is not there, under `rules`.
    fn restore(&mut self, rules: Vec<Rule>) -> (String, Run) {
        self.runs += 1;
        let target = format!("trial-{}", self.runs);
        self.proxy.clear();
        drop(self.proxy.take_seen());
        rules.into_iter().for_each(|rule| self.proxy.add(rule));
        let run = self.daytwo.run(&args(&target)).sound();
        (target, run)
    }

    /// Whether it was whole under `rules`; fails unless it was, or said what is missing and the next run wrote it.
    fn check(&mut self, what: &str, rules: Vec<Rule>) -> bool {
        let (target, run) = self.restore(rules);
        assert!(self.proxy.met() > 0, "{what}: no request met the fault");
        let first = self.api.get(&format!("/api/v1/namespaces/{target}")).is_ok();
        let there = if first { held(&mut self.api, &target) } else { BTreeMap::new() };
        let whole = there == self.source;
        match run.code {
            Some(0) => assert!(whole, "{what}: it said that all was done: {run}"),
            Some(1 | 3 | 5) => {
                assert!(run.stderr.len() + run.stdout.len() > 20, "{what}: no reason is given: {run}");
                for (key, content) in &there {
                    assert_eq!(self.source.get(key), Some(content), "{what}: {key} was written wrong");
                }
                let again = self.honest.run(&args(&target)).sound();
                assert_eq!(again.code, Some(0), "{what}, and again: {again}");
                assert_eq!(held(&mut self.api, &target), self.source, "{what}, and again: {again}");
            }
            _ => panic!("{what}: {run}"),
        }
        run.code == Some(0)
    }
}

fn args(target: &str) -> [String; 7] {
    [
        "restore".to_owned(),
        "create".to_owned(),
        "--from=trial".to_owned(),
        format!("--include-namespaces={SOURCE}"),
        format!("--namespace-mapping={SOURCE}:{target}"),
        "--output=json".to_owned(),
        "--verbose".to_owned(),
    ]
}

#[test]
fn a_restore_under_faults_writes_everything_or_names_what_is_missing() {
    let Some(mut bench) = Bench::new() else { return };
    let create = |fault| Rule::new(fault).method("POST").with("/namespaces/trial-");
    let passing = [
        ("429 with Retry-After", create(Fault::too_many(1)).first(5)),
        ("503 from a load balancer", create(Fault::html(503)).first(5)),
        ("a reset before the server sees it", create(Fault::Reset).first(5)),
        ("created, and the answer lost", create(Fault::LoseAnswer).first(5)),
        ("created, with 502", create(Fault::SpoilAnswer(502)).first(5)),
        ("created, and the answer cut", create(Fault::Cut(40)).first(5)),
    ];
    let count = passing.len();
    for (what, rule) in passing {
        assert!(bench.check(what, vec![rule]), "{what} is not survived");
    }
    // An object that is perhaps ours is looked at, and what it is compared with ends early and says that it is whole.
    let config_map = |fault| Rule::new(fault).with("/namespaces/trial-").with("/configmaps");
    let both = vec![
        config_map(Fault::LoseAnswer).method("POST").first(1),
        config_map(Fault::CutCleanly(60)).method("GET").with("/configmaps/").nth(1),
    ];
    assert!(
        bench.check("created, the answer lost, and a cut look at it", both),
        "a cut look is not survived"
    );
    let refused = Fault::status(422, "Invalid", "Secret is invalid: it is Tuesday");
    let secrets = Rule::new(refused).method("POST").with("/secrets");
    let (target, run) = bench.restore(vec![secrets]);
    assert_eq!(run.code, Some(5), "{run}");
    assert!(run.stdout.contains("Tuesday"), "the server's reason is not given: {run}");
    let mut others = bench.source.clone();
    others.retain(|key, _| !key.starts_with("secrets/"));
    assert_eq!(held(&mut bench.api, &target), others, "one bad kind stopped the others: {run}");

    let seeds = times(4, 60);
    let mut whole = 0;
    for seed in 0..seeds as u64 {
        let mut chance = Chance::new(seed);
        let mut some = |fault| Rule::new(fault).chance(25, chance.next());
        let rules = vec![
            some(Fault::Reset),
            some(Fault::LoseAnswer),
            some(Fault::SpoilAnswer(502)),
            some(Fault::html(503)),
            some(Fault::too_many(0)),
            some(Fault::ResetInAnswer(50)),
            some(Fault::CutCleanly(60)),
        ];
        whole += usize::from(bench.check(&format!("seed {seed}"), rules));
    }
    say(&format!(
        "{count} passing faults under a restore survived; of {seeds} restores under chance faults {whole} were whole \
         at once, the others after one more run"
    ));
}
