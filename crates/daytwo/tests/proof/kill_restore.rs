//! `kill -9` at random moments of a restore, and of what goes on with it: it ends equal to one that nobody killed, and
//! nobody has to wait, since the killed one ran on this machine.

use std::collections::BTreeMap;
use std::sync::Once;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Api, ControlPlane};

use crate::alike::alike;
use crate::binary::Daytwo;
use crate::chance::Chance;
use crate::kill::bulk;
use crate::{say, site, times};

/// The namespace whose backup is restored.
pub const SOURCE: &str = "killed-source";
/// Where a person's objects lie, and how many of each there are.
const COLLECTIONS: [(&str, usize); 8] = [
    ("/api/v1/namespaces/NS/configmaps", 68),
    ("/api/v1/namespaces/NS/secrets", 20),
    ("/api/v1/namespaces/NS/services", 4),
    ("/apis/apps/v1/namespaces/NS/deployments", 8),
    ("/apis/batch/v1/namespaces/NS/jobs", 6),
    ("/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles", 4),
    ("/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings", 4),
    ("/apis/example.com/v1/namespaces/NS/boxes", 10),
];

fn at(collection: usize) -> String {
    COLLECTIONS[collection].0.replace("NS", SOURCE)
}

/// A cluster with [`SOURCE`]: objects with owners before and after them, several managers, a status, Jobs that had
/// finished.
pub fn filled() -> Option<&'static ControlPlane> {
    static FILLED: Once = Once::new();
    let site = bulk()?;
    FILLED.call_once(|| fill(site, &mut Api::of(site).unwrap()));
    Some(site)
}

fn fill(site: &ControlPlane, api: &mut Api) {
    let mut definition = site::definition("boxes", "Box");
    definition["spec"]["versions"][0]["subresources"] = json!({ "status": {} });
    site::define(site, api, &definition);
    site::namespace(api, SOURCE);
    site::fill(api, SOURCE, 40, 400, 5);
    for n in 0..20 {
        site::secret(api, SOURCE, &format!("secret-{n}"), &json!({ "word": format!("word-{n}") }));
    }
    for n in 0..4 {
        let name = json!({ "name": format!("object-{n}") });
        let service =
            json!({ "metadata": name, "spec": { "ports": [{ "port": 80 }], "selector": { "a": "b" } } });
        api.create(&at(2), &service).unwrap();
        let rule = json!({ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] });
        api.create(&at(5), &json!({ "metadata": name, "rules": [rule] })).unwrap();
        let role =
            json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": format!("object-{n}") });
        let subject = json!({ "kind": "ServiceAccount", "name": "default", "namespace": SOURCE });
        api.create(&at(6), &json!({ "metadata": name, "roleRef": role, "subjects": [subject] })).unwrap();
    }
    let pod = |restart: &str| {
        json!({
            "metadata": { "labels": { "app": "a" } },
            "spec": { "restartPolicy": restart, "containers": [{ "name": "c", "image": "registry.example/c" }] },
        })
    };
    for n in 0..8 {
        let deployment = json!({
            "metadata": { "name": format!("web-{n}") },
            "spec": { "selector": { "matchLabels": { "app": "a" } }, "template": pod("Always") },
        });
        own(api, &at(3), &deployment, "apps/v1", "Deployment", n);
    }
    for n in 0..10 {
        let object = json!({ "apiVersion": "example.com/v1", "kind": "Box", "metadata": { "name": format!("box-{n}") }, "spec": { "n": n } });
        own(api, &at(7), &object, "example.com/v1", "Box", n);
        let path = format!("{}/box-{n}", at(7));
        let status = json!({ "status": { "phase": "Full", "observedGeneration": 1 } });
        api.patch(&format!("{path}/status?fieldManager=keeper"), &status).unwrap();
        let colour = json!({ "spec": { "colour": "red" } });
        api.patch(&format!("{path}?fieldManager=painter"), &colour).unwrap();
    }
    for n in 0..6 {
        let job = json!({ "metadata": { "name": format!("job-{n}") }, "spec": { "template": pod("Never") } });
        api.create(&at(4), &job).unwrap();
        let when = "2026-01-02T03:04:05Z";
        let condition = |kind: &str| json!({ "type": kind, "status": "True", "lastTransitionTime": when, "lastProbeTime": when });
        let conditions = [condition("SuccessCriteriaMet"), condition("Complete")];
        let status = json!({ "status": { "startTime": when, "completionTime": when, "succeeded": 1, "conditions": conditions } });
        api.patch(&format!("{}/job-{n}/status", at(4)), &status).unwrap();
    }
}

/// Creates `owner`, and ConfigMaps that it owns.
fn own(api: &mut Api, collection: &str, owner: &Value, version: &str, kind: &str, n: usize) {
    api.create(collection, owner).unwrap();
    let name = owner["metadata"]["name"].as_str().unwrap();
    let live = api.get(&format!("{collection}/{name}")).unwrap();
    let reference =
        json!({ "apiVersion": version, "kind": kind, "name": name, "uid": live["metadata"]["uid"] });
    for part in 0..if kind == "Box" { 2 } else { 1 } {
        let child = json!({
            "metadata": { "name": format!("of-{}-{n}-{part}", kind.to_lowercase()), "ownerReferences": [reference] },
            "data": { "a": "b" },
        });
        api.create(&at(0), &child).unwrap();
    }
}

/// Everything in `namespace` but for what a server alone decides.
pub fn dump(api: &mut Api, namespace: &str) -> BTreeMap<String, Value> {
    let mut objects = Vec::new();
    for (collection, _) in COLLECTIONS {
        let list = api.get(&collection.replace("NS", namespace)).unwrap();
        let plural = collection.rsplit('/').next().unwrap();
        for object in list["items"].as_array().unwrap() {
            objects
                .push((format!("{plural}/{}", object["metadata"]["name"].as_str().unwrap()), object.clone()));
        }
    }
    let plain = alike(objects).into_iter().map(|(key, mut object)| {
        if key.starts_with("services/") {
            let spec = object["spec"].as_object_mut().unwrap();
            spec.remove("clusterIP");
            spec.remove("clusterIPs");
        }
        (key, serde_json::from_str(&object.to_string().replace(namespace, "NS")).unwrap())
    });
    plain.collect()
}

/// What restores it into `target`.
pub fn create(run: &str, target: &str) -> Vec<String> {
    [
        "restore",
        "create",
        run,
        "--from=killed",
        &format!("--include-namespaces={SOURCE}"),
        &format!("--namespace-mapping={SOURCE}:{target}"),
        "--output=json",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// What the location's journals say of `run`; `None` where there is none.
fn state(daytwo: &Daytwo, run: &str) -> Option<String> {
    let list = daytwo.run(&["restore", "list", "--output=json"]).expect(0).json();
    let found = list["items"].as_array()?.iter().find(|item| item["run"] == run)?.clone();
    found["state"].as_str().map(str::to_owned)
}

#[test]
fn a_killed_restore_is_gone_on_with_and_ends_equal_to_one_that_was_not() {
    let Some(site) = filled() else { return };
    let mut api = Api::of(site).unwrap();
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    daytwo.run(&["backup", "create", "killed", &format!("--include-namespaces={SOURCE}")]).expect(0);
    let whole = daytwo.run(&create("whole", "killed-whole")).expect(0);
    let expected = dump(&mut api, "killed-whole");
    let counts = COLLECTIONS.map(|(_, count)| count).iter().sum::<usize>();
    assert_eq!(expected.len(), counts, "{:?}", expected.keys());
    let full = u64::try_from(whole.took.as_micros()).unwrap();
    let mut chance = Chance::new(31);
    let (mut kills, mut begun) = (0, 0);
    for n in 0..times(12, 200) {
        let (run, target) = (format!("run-{n}"), format!("killed-{n}"));
        let mut told = String::new();
        for attempt in 0.. {
            let there = state(&daytwo, &run);
            if there.as_deref() == Some("Finished") {
                break;
            }
            // The same command goes on, and so does the verb that is made for it.
            let args = match (&there, n % 2) {
                (Some(_), 1) => ["resume", &run, "--output=json"].map(str::to_owned).to_vec(),
                _ => create(&run, &target),
            };
            begun += usize::from(there.is_some());
            if attempt < 2 {
                let after = Duration::from_micros(chance.below(full + full / 10));
                told.push_str(&format!("killed after {after:?}; "));
                let mut running = daytwo.start(&args);
                kills += usize::from(!running.ends_within(after));
                running.kill();
            } else {
                daytwo.run(&args).expect(0);
            }
        }
        let what = format!("{run} of seed 31, {told}");
        let found = dump(&mut api, &target);
        for (key, object) in &expected {
            assert_eq!(found.get(key), Some(object), "{what}: {key}");
        }
        assert_eq!(found.len(), expected.len(), "{what}: something is there twice");
        let report = daytwo.run(&["restore", "describe", &run, "--output=json"]).expect(0).json();
        let count = |name: &str| report["counts"][name].as_u64().unwrap_or_default();
        assert_eq!(count("failed") + count("differs"), 0, "{what}: {report}");
        for (collection, _) in COLLECTIONS {
            api.request("DELETE", &collection.replace("NS", &target), b"").unwrap();
        }
    }
    assert!(begun > 0, "{kills} kills, and none of them left a run to go on with");
    say(&format!(
        "kill -9 of restores: {kills} kills, {begun} runs gone on with, all equal to one that was not killed"
    ));
}
