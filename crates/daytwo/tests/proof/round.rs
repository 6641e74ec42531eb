//! Random sets of objects with owners: backed up, wiped, restored and backed up again they are the same set, and a
//! second restore writes nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use testbed::Api;

use crate::alike::alike;
use crate::binary::Daytwo;
use crate::chance::Chance;
use crate::kill::bulk;
use crate::{say, site, stored, times};

const NAMESPACES: [&str; 2] = ["round-a", "round-b"];
/// Most objects of a set.
const MOST: u64 = 40;

/// A kind of object: its collection, with `NS` for the namespace, its apiVersion and kind.
const KINDS: [(&str, &str, &str); 8] = [
    ("/api/v1/namespaces/NS/configmaps", "v1", "ConfigMap"),
    ("/api/v1/namespaces/NS/secrets", "v1", "Secret"),
    ("/api/v1/namespaces/NS/serviceaccounts", "v1", "ServiceAccount"),
    ("/apis/apps/v1/namespaces/NS/deployments", "apps/v1", "Deployment"),
    ("/apis/policy/v1/namespaces/NS/poddisruptionbudgets", "policy/v1", "PodDisruptionBudget"),
    ("/apis/example.com/v1/namespaces/NS/crates", "example.com/v1", "Crate"),
    ("/apis/rbac.authorization.k8s.io/v1/clusterroles", "rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("/apis/scheduling.k8s.io/v1/priorityclasses", "scheduling.k8s.io/v1", "PriorityClass"),
];

/// An object that was made.
#[derive(Clone)]
struct Made {
    path: String,
    namespace: Option<&'static str>,
    /// How a child names it.
    reference: Value,
}

fn some_map(chance: &mut Chance, prefix: &str) -> Value {
    let pairs =
        (0..chance.below(4)).map(|n| (format!("{prefix}{n}"), json!(format!("v{}", chance.below(100)))));
    Value::Object(pairs.collect::<Map<String, Value>>())
}

/// What makes an object of kind number `kind`.
fn body(kind: usize, chance: &mut Chance) -> Value {
    let text = |chance: &mut Chance| {
        let length = usize::try_from(chance.below(200)).unwrap();
        format!("{} \u{e9}\u{4e2d}\"\\\n", chance.letters(length))
    };
    match kind {
        0 => json!({ "data": { "text": text(chance), "empty": "" } }),
        1 => json!({ "stringData": { "word": text(chance) }, "immutable": chance.below(2) == 0 }),
        2 => json!({ "automountServiceAccountToken": chance.below(2) == 0 }),
        3 => {
            let labels = json!({ "app": format!("a{}", chance.below(9)) });
            let container =
                json!({ "name": "c", "image": format!("registry.example/c:{}", chance.below(9)) });
            let template = json!({ "metadata": { "labels": labels }, "spec": { "containers": [container] } });
            json!({ "spec": { "replicas": chance.below(5), "selector": { "matchLabels": labels }, "template": template } })
        }
        4 => {
            json!({ "spec": { "maxUnavailable": chance.below(5), "selector": { "matchLabels": some_map(chance, "l") } } })
        }
        5 => json!({ "spec": { "n": chance.next() >> 1, "ratio": 0.5, "text": text(chance) } }),
        6 => json!({ "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }] }),
        _ => json!({ "value": chance.below(1_000), "description": text(chance) }),
    }
}

/// Makes one object, owned by some of `made` that may own it.
fn make(api: &mut Api, chance: &mut Chance, n: u64, made: &[Made]) -> Made {
    let kind = usize::try_from(chance.below(KINDS.len() as u64)).unwrap();
    let (collection, version, name) = KINDS[kind];
    let namespace = NAMESPACES[usize::try_from(chance.below(2)).unwrap()];
    let namespaced = collection.contains("NS");
    let collection = collection.replace("NS", namespace);
    let may_own =
        |owner: &&Made| owner.namespace.is_none() || namespaced && owner.namespace == Some(namespace);
    let owners: Vec<&Made> = made.iter().filter(may_own).filter(|_| chance.below(6) == 0).take(3).collect();
    let mut object = body(kind, chance);
    object["apiVersion"] = json!(version);
    object["kind"] = json!(name);
    object["metadata"] = json!({
        "name": format!("round-{n}"),
        "labels": some_map(chance, "l"),
        "annotations": some_map(chance, "a"),
        "ownerReferences": owners.iter().map(|owner| &owner.reference).collect::<Vec<_>>(),
    });
    let manager = format!("m{}", chance.below(3));
    let live = api.create(&format!("{collection}?fieldManager={manager}"), &object).unwrap();
    let path = format!("{collection}/round-{n}");
    if chance.below(3) == 0 {
        let patch = json!({ "metadata": { "labels": { "later": "yes" } } });
        api.patch(&format!("{path}?fieldManager=second"), &patch).unwrap();
    }
    if kind == 5 && chance.below(2) == 0 {
        let status =
            json!({ "status": { "phase": "Open", "observedGeneration": live["metadata"]["generation"] } });
        api.patch(&format!("{path}/status?fieldManager=keeper"), &status).unwrap();
    }
    let reference = json!({ "apiVersion": version, "kind": name, "name": format!("round-{n}"), "uid": live["metadata"]["uid"] });
    Made { path, namespace: namespaced.then_some(namespace), reference }
}

fn versions(api: &mut Api, made: &[Made]) -> BTreeMap<String, String> {
    let version = |made: &Made| {
        let live = api.get(&made.path).unwrap();
        (made.path.clone(), live["metadata"]["resourceVersion"].as_str().unwrap().to_owned())
    };
    made.iter().map(version).collect()
}

#[test]
fn a_random_set_with_owners_comes_back_the_same_and_a_second_restore_writes_nothing() {
    let Some(site) = bulk() else { return };
    let mut api = Api::of(site).unwrap();
    let mut definition = site::definition("crates", "Crate");
    definition["spec"]["versions"][0]["subresources"] = json!({ "status": {} });
    site::define(site, &mut api, &definition);
    NAMESPACES.iter().for_each(|namespace| site::namespace(&mut api, namespace));
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    let (sets, mut objects) = (times(6, 60), 0);
    for seed in 0..sets as u64 {
        let mut chance = Chance::new(1_000 + seed);
        let mut made = Vec::new();
        for n in 0..5 + chance.below(MOST) {
            made.push(make(&mut api, &mut chance, n, &made));
        }
        objects += made.len();
        let scope = [
            format!("--include-namespaces={}", NAMESPACES.join(",")),
            "--include-cluster-resources=true".to_owned(),
            "--include-resources=namespaces,configmaps,secrets,serviceaccounts,deployments,poddisruptionbudgets,crates,clusterroles,priorityclasses".to_owned(),
        ];
        let backup = |name: &str| {
            daytwo
                .run(&[&["backup".to_owned(), "create".to_owned(), name.to_owned()], &scope[..]].concat())
                .expect(0);
            let of_set = |key: &String| key.contains("/round-") && !key.starts_with("namespaces/");
            let held = stored::objects(&daytwo.folder(), name).into_iter().filter(|(key, _)| of_set(key));
            alike(held.map(|(key, bytes)| (key, serde_json::from_slice(&bytes).unwrap())).collect())
        };
        let before = backup(&format!("before-{seed}"));
        assert_eq!(before.len(), made.len(), "seed {seed}: {:?}", before.keys());
        for object in &made {
            api.delete(&object.path).unwrap();
        }
        let restore = |again: &str| {
            let from = format!("--from=before-{seed}");
            let run = format!("round-{seed}-{again}");
            daytwo.run(&["restore", "create", &run, &from, "--output=json"]).expect(0).json()
        };
        let first = restore("first");
        let after = backup(&format!("after-{seed}"));
        for (key, object) in &before {
            assert_eq!(after.get(key), Some(object), "seed {seed}: {key}: {first}");
        }
        assert_eq!(after.len(), before.len(), "seed {seed}");
        let versions_before = versions(&mut api, &made);
        let second = restore("second");
        assert_eq!(
            versions(&mut api, &made),
            versions_before,
            "seed {seed}: something was written: {second}"
        );
        let count = |name: &str| second["counts"][name].as_u64().unwrap_or_default();
        assert_eq!(count("created") + count("differs") + count("failed"), 0, "seed {seed}: {second}");
        for object in &made {
            api.delete(&object.path).unwrap();
        }
    }
    say(&format!(
        "{sets} random sets of {objects} objects in all came back the same; second restores wrote nothing"
    ));
}
