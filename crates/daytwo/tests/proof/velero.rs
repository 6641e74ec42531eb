//! Velero's own server and ours at one bucket: each lists and restores what the other wrote.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Api, ControlPlane, Family, S3, Velero};

use crate::binary::Daytwo;
use crate::cut::{self, Counting};
use crate::{say, site, stored, times};

const BUCKET: &str = "velero";
const NAMESPACE: &str = "orders";
/// Prefix of the counters that writers raise.
const WRITERS: &str = "torn";
/// Velero looks into the bucket every five seconds.
const SYNC: Duration = Duration::from_secs(90);

struct Both {
    site: ControlPlane,
    s3: &'static S3,
    velero: Velero,
}

/// A control plane of its own, since Velero's resources stay in it.
fn both() -> Option<&'static Both> {
    static BOTH: OnceLock<Both> = OnceLock::new();
    testbed::parts_or_skip(&[Family::Etcd, Family::Kube, Family::S3, Family::Velero])?;
    let s3 = testbed::shared::s3()?;
    Some(BOTH.get_or_init(|| {
        let site = ControlPlane::start().unwrap();
        // Velero learns of kinds when it starts, and every five minutes from then on.
        let mut api = Api::of(&site).unwrap();
        site::define(&site, &mut api, &site::definition("tickets", "Ticket"));
        cut::define(&site, &mut api, WRITERS);
        let velero =
            Velero::builder(&site, s3, BUCKET).client_qps(1_000).client_burst(1_000).start().unwrap();
        Both { site, s3, velero }
    }))
}

impl Both {
    fn daytwo(&self) -> Daytwo {
        Daytwo::on_s3(self.s3, BUCKET, None).cluster(self.site.kubeconfig())
    }

    /// The Backup that Velero made of what it found in the bucket.
    fn synced(&self, name: &str) -> Value {
        testbed::until(SYNC, &format!("Velero to list {name}"), || {
            let found = self.velero.cli(&["backup", "get", name, "--output=json"]);
            Ok(found.ok().and_then(|json| serde_json::from_str(&json).ok()))
        })
        .unwrap()
    }

    fn available(&self) {
        let phase = self.site.kubectl(&[
            "get",
            "backupstoragelocations.velero.io/default",
            "--namespace=velero",
            "--output=jsonpath={.status.phase}",
        ]);
        assert_eq!(phase.unwrap(), "Available", "Velero no longer takes the location");
    }

    fn remove(&self, namespace: &str) {
        self.site.kubectl(&["delete", "namespace", namespace, "--timeout=120s"]).unwrap();
    }
}

/// Collections of what is put into the namespace.
const COLLECTIONS: [&str; 8] = [
    "/api/v1/namespaces/orders/configmaps",
    "/api/v1/namespaces/orders/secrets",
    "/api/v1/namespaces/orders/services",
    "/api/v1/namespaces/orders/serviceaccounts",
    "/apis/apps/v1/namespaces/orders/deployments",
    "/apis/batch/v1/namespaces/orders/cronjobs",
    "/apis/rbac.authorization.k8s.io/v1/namespaces/orders/roles",
    "/apis/example.com/v1/namespaces/orders/tickets",
];

fn fill(both: &Both) {
    let mut api = Api::of(&both.site).unwrap();
    site::namespace(&mut api, NAMESPACE);
    site::config_map(&mut api, NAMESPACE, "settings", &json!({ "mode": "a" }));
    site::secret(&mut api, NAMESPACE, "token", &json!({ "word": "b" }));
    site::custom(&mut api, NAMESPACE, "tickets", "Ticket", "first", &json!({ "seat": 7 }));
    let labels = json!({ "app": "web" });
    let pod = json!({
        "metadata": { "labels": labels },
        "spec": { "containers": [{ "name": "web", "image": "web" }], "restartPolicy": "Always" },
    });
    let mut job = pod.clone();
    job["spec"]["restartPolicy"] = json!("Never");
    let objects = [
        (
            2,
            json!({ "metadata": { "name": "web" }, "spec": { "selector": labels, "ports": [{ "port": 80 }] } }),
        ),
        (3, json!({ "metadata": { "name": "web" } })),
        (
            4,
            json!({
                "metadata": { "name": "web" },
                "spec": { "replicas": 0, "selector": { "matchLabels": labels }, "template": pod },
            }),
        ),
        (
            5,
            json!({
                "metadata": { "name": "nightly" },
                "spec": { "schedule": "0 3 * * *", "suspend": true, "jobTemplate": { "spec": { "template": job } } },
            }),
        ),
        (
            6,
            json!({
                "metadata": { "name": "reader" },
                "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }],
            }),
        ),
    ];
    for (collection, object) in objects {
        api.create(COLLECTIONS[collection], &object).unwrap();
    }
}

/// What a person put there, without what servers and restores add.
fn wanted(both: &Both) -> BTreeMap<String, Value> {
    let mut api = Api::of(&both.site).unwrap();
    let mut found = BTreeMap::new();
    for path in COLLECTIONS {
        for mut object in api.get(path).unwrap()["items"].as_array().unwrap().clone() {
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            // The server's own, in every namespace.
            if name == "kube-root-ca.crt" || name == "default" {
                continue;
            }
            let fields = object.as_object_mut().unwrap();
            fields.remove("status");
            fields.remove("metadata");
            // Restored Services get addresses anew, from Velero at least.
            if let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) {
                spec.remove("clusterIP");
                spec.remove("clusterIPs");
            }
            found.insert(format!("{path}/{name}"), object);
        }
    }
    found
}

#[test]
fn velero_lists_and_restores_our_backup() {
    let Some(both) = both() else { return };
    let _alone = alone();
    fill(both);
    let before = wanted(both);
    assert_eq!(before.len(), COLLECTIONS.len());
    let daytwo = both.daytwo();
    let scope = "--include-namespaces=orders";
    daytwo.run(&["backup", "create", "ours", scope, "--ttl", "48h"]).expect(0);
    let synced = both.synced("ours");
    assert_eq!(synced["status"]["phase"], "Completed", "{synced}");
    let expiration: jiff::Timestamp = synced["status"]["expiration"].as_str().unwrap().parse().unwrap();
    let started: jiff::Timestamp = synced["status"]["startTimestamp"].as_str().unwrap().parse().unwrap();
    let hours = expiration.duration_since(started).as_hours();
    assert!((47..=48).contains(&hours), "{hours} h from start to expiration");
    both.available();

    both.remove(NAMESPACE);
    let phase = both.velero.restore("of-ours", &["--from-backup=ours"]).unwrap();
    assert_eq!(phase, "Completed", "{}", both.velero.log().display());
    assert_eq!(wanted(both), before, "what Velero restored of our backup differs");

    // An encrypted one is no Backup to Velero, and does not disturb it.
    let identity = daytwo.home().join("identity.txt");
    let made =
        daytwo.run(&["key", "generate", "--encrypt", "--to", identity.to_str().unwrap(), "-o", "json"]);
    let recipient = made.expect(0).json()["recipient"].as_str().unwrap().to_owned();
    daytwo.run(&["backup", "create", "sealed", scope, "--encrypt-to", &recipient]).expect(0);
    daytwo.run(&["backup", "create", "later", scope]).expect(0);
    // Velero goes through the whole bucket before it shows any: where this one is, the other was looked at.
    let later = both.synced("later");
    assert!(later["status"]["expiration"].is_null(), "a backup without --ttl expires: {later}");
    assert!(both.velero.cli(&["backup", "get", "sealed"]).is_err(), "Velero lists an encrypted backup");
    both.available();

    // What is ours inside the backup goes with it.
    both.velero.cli(&["backup", "delete", "ours", "--confirm"]).unwrap();
    let folder = both.s3.folder().join(BUCKET);
    testbed::until(SYNC, "Velero to delete our backup", || {
        Ok(stored::files(&folder.join("backups/ours")).is_empty().then_some(()))
    })
    .unwrap();
    daytwo.run(&["backup", "verify", "later"]).expect(0);
    daytwo.run(&["backup", "delete", "later", "sealed", "--yes"]).expect(0);
    both.remove(NAMESPACE);
}

#[test]
fn our_restore_is_shown_by_velero_which_does_nothing_with_it() {
    let Some(both) = both() else { return };
    let _alone = alone();
    fill(both);
    let daytwo = both.daytwo();
    daytwo.run(&["backup", "create", "shown", "--include-namespaces=orders"]).expect(0);
    both.synced("shown");
    both.remove(NAMESPACE);
    let restore = ["restore", "create", "first-run", "--from", "shown", "--velero-cr", "velero"];
    daytwo.run(&restore).expect(0);
    let get = |name: &str| -> Value {
        serde_json::from_str(&both.velero.cli(&["restore", "get", name, "--output=json"]).unwrap()).unwrap()
    };
    let made = get("first-run");
    // Its server has looked at an object once that has the server's finalizer.
    let seen = testbed::until(SYNC, "Velero's server to look at the Restore", || {
        let now = get("first-run");
        Ok(now["metadata"]["finalizers"].is_array().then_some(now))
    })
    .unwrap();
    assert_eq!(seen["status"], made["status"], "Velero's server did something with it");
    assert_eq!(seen["status"]["phase"], "Completed", "{seen}");
    let described = both.velero.cli(&["restore", "describe", "first-run", "--details"]).unwrap();
    for text in ["orders/settings(created)", "apps/v1/Deployment", "Completed"] {
        assert!(described.contains(text), "{text:?} is not in {described}");
    }
    let log = both.velero.cli(&["restore", "logs", "first-run"]).unwrap();
    assert!(log.contains("Restoring backup shown") && log.contains("Restore ended"), "{log}");

    let mut api = Api::of(&both.site).unwrap();
    api.patch(&format!("{}/settings", COLLECTIONS[0]), &json!({ "data": { "mode": "changed" } })).unwrap();
    daytwo.run(&["restore", "create", "second-run", "--from", "shown", "--velero-cr", "velero"]).expect(1);
    let described = both.velero.cli(&["restore", "describe", "second-run", "--details"]).unwrap();
    assert!(described.contains("the in-cluster version is different"), "{described}");
    assert!(described.contains("orders/settings(skipped)"), "{described}");
    both.available();

    // They go with their backup, as Velero's own do.
    both.velero.cli(&["backup", "delete", "shown", "--confirm"]).unwrap();
    let folder = both.s3.folder().join(BUCKET);
    testbed::until(SYNC, "Velero to delete the backup and its restores", || {
        let left = |path: &str| !stored::files(&folder.join(path)).is_empty();
        let any = left("backups/shown") || left("restores/first-run") || left("restores/second-run");
        Ok((!any).then_some(()))
    })
    .unwrap();
    assert!(both.velero.cli(&["restore", "get", "first-run"]).is_err(), "the Restore outlives its backup");
    both.remove(NAMESPACE);
    both.available();
}

#[test]
fn velero_s_backup_is_listed_verified_compared_and_restored() {
    let Some(both) = both() else { return };
    let _alone = alone();
    fill(both);
    let before = wanted(both);
    let scope = "--include-namespaces=orders";
    let phase = both.velero.backup("theirs", &[scope]).unwrap();
    assert_eq!(phase, "Completed", "{}", both.velero.log().display());

    let daytwo = both.daytwo();
    let list = daytwo.run(&["backup", "list", "-o", "json"]).expect(0).json();
    let theirs = list["items"].as_array().unwrap().iter().find(|item| item["name"] == "theirs").unwrap();
    assert_eq!(theirs["madeBy"], "velero", "{theirs}");
    let verified = daytwo.run(&["backup", "verify", "theirs"]).expect(0);
    let said = format!("{}{}", verified.stdout, verified.stderr).to_lowercase();
    assert!(said.contains("digest"), "verify does not say what cannot be proved of Velero's: {verified}");
    let described = daytwo.run(&["backup", "describe", "theirs"]).expect(0);
    assert!(described.stdout.contains("Completed") && described.stdout.contains("Deployment"), "{described}");
    let got =
        daytwo.run(&["backup", "get", "theirs", "configmap", "settings", "-n", NAMESPACE, "-o", "json"]);
    assert_eq!(got.expect(0).json()["data"]["mode"], "a");

    daytwo.run(&["backup", "create", "same", scope]).expect(0);
    let mut api = Api::of(&both.site).unwrap();
    let settings = format!("{}/settings", COLLECTIONS[0]);
    api.patch(&settings, &json!({ "data": { "mode": "changed" } })).unwrap();
    daytwo.run(&["backup", "create", "changed", scope]).expect(0);
    let diff = daytwo.run(&["backup", "diff", "theirs", "changed"]).expect(1);
    assert!(diff.stdout.contains("settings") && diff.stdout.contains("changed"), "{diff}");
    let diff = daytwo.run(&["backup", "diff", "theirs", "same", "-n", NAMESPACE]);
    assert!(!diff.stdout.contains("ConfigMap") && !diff.stdout.contains("settings"), "{diff}");
    api.patch(&settings, &json!({ "data": { "mode": "a" } })).unwrap();

    both.remove(NAMESPACE);
    let dry = daytwo.run(&["restore", "create", "--from", "theirs", "--dry-run"]).sound();
    assert!(matches!(dry.code, Some(0 | 1)), "{dry}");
    assert!(Api::of(&both.site).unwrap().get("/api/v1/namespaces/orders").is_err(), "a dry run wrote");
    let restored = daytwo.run(&["restore", "create", "--from", "theirs", scope]).sound();
    assert!(matches!(restored.code, Some(0 | 1)), "{restored}");
    assert_eq!(wanted(both), before, "what we restored of Velero's backup differs: {restored}");
    daytwo.run(&["backup", "delete", "same", "changed", "--yes"]).expect(0);
    both.remove(NAMESPACE);
    both.available();
}

/// Tests of this module fill and empty one namespace, so one runs at a time.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn what_velero_s_backups_show_under_writers_is_counted() {
    let Some(both) = both() else { return };
    let runs = times(1, 5);
    let counting = Counting::begin(&both.site, WRITERS);
    let mut torn = 0;
    counting.during(|| {
        for run in 0..runs {
            let name = format!("torn-{run}");
            let phase = both.velero.backup(&name, &["--include-namespaces=torn-0,torn-1"]).unwrap();
            assert_eq!(phase, "Completed");
            let shown = counting.shown(&stored::objects(&both.s3.folder().join(BUCKET), &name));
            torn += usize::from(!shown.iter().all(|counters| counters.existed()));
        }
    });
    say(&format!("Velero's backups under the same writers: {torn} of {runs} show a state that never was"));
}
