//! Definitions and objects that come and go while a backup is made, at exact moments of it: nothing that existed at
//! the backup's revision is missing, and nothing is called missing that did not exist.

use std::time::Duration;

use serde_json::Value;
use testbed::{Api, ControlPlane, Family, Fault, FaultProxy, Gate, Rule};

use crate::binary::{Daytwo, Run};
use crate::{site, stored};

const MINUTE: Duration = Duration::from_secs(60);
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

struct Bench {
    site: ControlPlane,
    proxy: FaultProxy,
    daytwo: Daytwo,
}

impl Bench {
    /// The backup `name`, made with `meanwhile` done while the request that `rule` meets is held.
    fn made(&self, name: &str, rule: impl Fn(Fault) -> Rule, meanwhile: impl FnOnce(&mut Api)) -> Run {
        let gate = Gate::new();
        self.proxy.clear();
        self.proxy.add(rule(Fault::Hold(gate.clone())));
        let mut running = self.daytwo.start(&["backup", "create", name, "-o", "json"]);
        let reached = gate.reached(MINUTE);
        if reached.is_err() {
            running.ends_within(MINUTE);
            panic!("the backup did not come to the gate: {}", running.end());
        }
        meanwhile(&mut Api::of(&self.site).unwrap());
        gate.open();
        running.end().sound()
    }

    fn holds(&self, name: &str, key: &str) -> bool {
        stored::objects(&self.daytwo.folder(), name).contains_key(key)
    }
}

fn add(site: &ControlPlane, api: &mut Api, plural: &str, kind: &str) {
    site::define(site, api, &site::definition(plural, kind));
    site::custom(api, "default", plural, kind, "one", &serde_json::json!({}));
}

fn whole(run: Run) -> Value {
    let head = run.expect(0).json();
    assert_eq!(head["phase"], "Completed", "{head}");
    assert_eq!(head["consistency"]["kind"], "OneRevision", "{head}");
    assert_eq!(head["problems"].as_array().map_or(0, Vec::len), 0, "{head}");
    head
}

#[test]
fn definitions_that_come_and_go_lose_nothing() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kube]).is_none() {
        return;
    }
    let site = ControlPlane::builder().controller_manager(false).start().unwrap();
    let proxy = FaultProxy::before_apiserver(&site).unwrap();
    let daytwo = Daytwo::on_folder().cluster(&proxy.kubeconfig());
    let bench = Bench { site, proxy, daytwo };
    let site = &bench.site;

    // Discovery is done, the revision is not chosen yet: at the revision the new kind has an object.
    let probe = |fault| Rule::new(fault).with("limit=1").without("limit=1&").without(DEFINITIONS).nth(1);
    let run = bench.made("before", probe, |api| add(site, api, "befores", "Before"));
    let head = whole(run);
    assert!(
        bench.holds("before", "befores.example.com/default/one"),
        "a kind made before the revision: {head}"
    );
    assert!(bench.holds("before", "customresourcedefinitions.apiextensions.k8s.io/befores.example.com"));

    // The revision is chosen: at it there is neither kind nor object.
    let exact = |fault| Rule::new(fault).with("resourceVersionMatch=Exact").nth(1);
    let run = bench.made("after", exact, |api| add(site, api, "afters", "After"));
    whole(run);
    assert!(!bench.holds("after", "afters.example.com/default/one"));
    assert!(!bench.holds("after", "customresourcedefinitions.apiextensions.k8s.io/afters.example.com"));

    // Gone after the revision was chosen: its objects can no longer be read, so another moment is.
    add(site, &mut Api::of(site).unwrap(), "goners", "Goner");
    let list = |fault| {
        Rule::new(fault).path("/apis/example.com/v1/goners").with("resourceVersionMatch=Exact").nth(1)
    };
    let run = bench.made("gone", list, |api| {
        api.delete(&format!("{DEFINITIONS}/goners.example.com")).unwrap();
        testbed::until(MINUTE, "the kind to be gone", || {
            let list = api.request("GET", "/apis/example.com/v1/goners", b"")?;
            Ok((list.status == 404).then_some(()))
        })
        .unwrap();
    });
    whole(run.says(&["starting over"]));
    assert!(!bench.holds("gone", "goners.example.com/default/one"));
    assert!(bench.holds("gone", "befores.example.com/default/one"));
    assert!(bench.holds("gone", "afters.example.com/default/one"));

    // The revision is chosen, and quotas are probed after what was written since: that there is no object now says
    // nothing of the revision, at which there was one.
    let quotas = "/api/v1/namespaces/default/resourcequotas";
    let quota = serde_json::json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "early" },
    });
    Api::of(site).unwrap().create(quotas, &quota).unwrap();
    let probe = |fault| Rule::new(fault).path("/api/v1/resourcequotas").with("limit=1").nth(1);
    let run = bench.made("probed", probe, |api| {
        api.delete(&format!("{quotas}/early")).unwrap();
    });
    whole(run);
    assert!(
        bench.holds("probed", "resourcequotas/default/early"),
        "an object deleted before its kind was probed"
    );

    // And that there is one now does not mean that there was one.
    let run = bench.made("since", probe, |api| {
        api.create(quotas, &quota).unwrap();
    });
    whole(run);
    assert!(!bench.holds("since", "resourcequotas/default/early"), "an object made after the revision");

    // A kind whose probe showed no object is not listed again, unless something was written meanwhile: the server
    // renews its lease every few seconds.
    bench.proxy.clear();
    let once = (0..5).any(|n| {
        bench.proxy.take_seen();
        whole(bench.daytwo.run(&["backup", "create", &format!("quiet-{n}"), "-o", "json"]));
        let seen = bench.proxy.take_seen();
        seen.iter().filter(|seen| seen.path.starts_with("/api/v1/limitranges?")).count() == 1
    });
    assert!(once, "an empty kind is listed twice");
    for name in ["before", "after", "gone", "probed", "since"] {
        bench.daytwo.run(&["backup", "verify", name]).expect(0);
    }
}

#[test]
fn kinds_without_objects_do_not_keep_lists_from_being_read_ahead() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kube]).is_none() {
        return;
    }
    let site = ControlPlane::builder().controller_manager(false).start().unwrap();
    let proxy = FaultProxy::before_apiserver(&site).unwrap();
    let daytwo = Daytwo::on_folder().cluster(&proxy.kubeconfig());
    // In the order of reading: Priority classes, which every cluster has; two kinds without objects; cluster roles.
    let kinds = "--include-resources=priorityclasses,persistentvolumes,persistentvolumeclaims,clusterroles";
    let exact = "resourceVersionMatch=Exact";
    // Unless something is written meanwhile: then kinds without objects are lists too.
    let ahead = (0..5).any(|n| {
        let gate = Gate::new();
        proxy.clear();
        proxy.take_seen();
        let held = Rule::new(Fault::Hold(gate.clone()));
        proxy.add(held.path("/apis/scheduling.k8s.io/v1/priorityclasses").with(exact).nth(1));
        let name = format!("ahead-{n}");
        let running = daytwo.start(&["backup", "create", &name, kinds, "--concurrency=2", "-o", "json"]);
        gate.reached(MINUTE).unwrap();
        let asked = testbed::until(Duration::from_secs(10), "the roles to be asked for", || {
            let asked = |path: &str| path.contains("/clusterroles?") && path.contains(exact);
            Ok(proxy.take_seen().iter().any(|seen| asked(&seen.path)).then_some(()))
        });
        gate.open();
        running.end().sound().expect(0);
        asked.is_ok()
    });
    assert!(ahead, "the list after kinds without objects waits for the one before them");
}
