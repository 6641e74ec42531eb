//! Volumes and claims beside the real controllers that bind, keep and release them: the same writes, and then the same
//! phases, references, annotations and finalizers.
//!
//! What it cannot see: the storage driver, which the twin plays and which no part here has. A volume that is to be deleted
//! with its claim stays in the real cluster for want of one.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use daytwo_engine::Clock;
use daytwo_twin::Twin;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client, Config};
use serde_json::{Value, json};
use testbed::{ControlPlane, Family, parts_or_skip};

const CONTROLLERS: [&str; 4] = [
    "persistentvolume-binder-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
    "serviceaccount-controller",
];

/// Longer than the controllers take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> jiff::Timestamp {
        "2026-05-04T10:00:00Z".parse().unwrap()
    }
}

/// One of the two clusters.
struct Side(Client);

impl Side {
    fn kind(&self, kind: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind));
        match kind {
            "PersistentVolume" => Api::all_with(self.0.clone(), &resource),
            _ => Api::namespaced_with(self.0.clone(), "default", &resource),
        }
    }

    async fn create(&self, object: &Value) {
        let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        let kind = object.types.as_ref().unwrap().kind.clone();
        self.kind(&kind).create(&PostParams::default(), &object).await.unwrap();
    }

    async fn delete(&self, kind: &str, name: &str) {
        // At once: no kubelet is there to end a pod.
        self.kind(kind).delete(name, &DeleteParams::default().grace_period(0)).await.unwrap();
    }

    /// All volumes and claims, but for what is a cluster's own.
    async fn state(&self) -> Value {
        let mut claims = self.kind("PersistentVolumeClaim").list(&ListParams::default()).await.unwrap().items;
        claims.sort_by(|one, other| one.metadata.name.cmp(&other.metadata.name));
        let volumes = self.kind("PersistentVolume").list(&ListParams::default()).await.unwrap().items;
        let told = |object: &DynamicObject| {
            let mut spec = object.data["spec"].clone();
            if let Some(reference) = spec.get_mut("claimRef").and_then(Value::as_object_mut) {
                reference.shift_remove("resourceVersion");
                let now =
                    claims.iter().find(|claim| claim.metadata.name.as_deref() == reference["name"].as_str());
                if let Some(uid) = reference.get_mut("uid") {
                    *uid = match now {
                        Some(claim) if claim.metadata.uid.as_deref() == uid.as_str() => "of the claim",
                        _ => "of another claim",
                    }
                    .into();
                }
            }
            let mut status = object.data["status"].clone();
            if let Some(status) = status.as_object_mut() {
                status.shift_remove("lastPhaseTransitionTime");
            }
            json!({
                "name": object.metadata.name, "annotations": object.metadata.annotations,
                "finalizers": object.metadata.finalizers, "deleting": object.metadata.deletion_timestamp.is_some(),
                "spec": spec, "status": status,
            })
        };
        json!({
            "claims": claims.iter().map(told).collect::<Vec<_>>(),
            "volumes": volumes.iter().map(told).collect::<Vec<_>>(),
        })
    }
}

/// Both.
struct Sides {
    twin: Side,
    real: Side,
}

impl Sides {
    async fn create(&self, object: Value) {
        self.twin.create(&object).await;
        self.real.create(&object).await;
    }

    async fn delete(&self, kind: &str, name: &str) {
        self.twin.delete(kind, name).await;
        self.real.delete(kind, name).await;
    }

    /// Waits until the real controllers have done what the twin did at once, and gives it.
    async fn same(&self, after: &str) -> Value {
        let (twin, begin) = (self.twin.state().await, Instant::now());
        loop {
            let real = self.real.state().await;
            if twin == real {
                return twin;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "after {after}: the twin {twin:#}, the real cluster {real:#}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn volume(name: &str, claim: Option<&str>) -> Value {
    let mut volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"},
            "persistentVolumeReclaimPolicy": "Retain",
        },
    });
    if let Some(claim) = claim {
        volume["spec"]["claimRef"] = json!({"namespace": "default", "name": claim});
    }
    volume
}

fn claim(name: &str, volume: Option<&str>) -> Value {
    let mut claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    });
    if let Some(volume) = volume {
        claim["spec"]["volumeName"] = volume.into();
    }
    claim
}

fn pod(name: &str, claim: &str, node: Option<&str>) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "nodeName": node,
            "containers": [{"name": "web", "image": "web"}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
        },
    })
}

async fn client(kubeconfig: &str) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_are_bound_kept_and_released_as_by_the_real_controllers() {
    if parts_or_skip(&[Family::Etcd, Family::Kube]).is_none() {
        return;
    }
    let plane = tokio::task::spawn_blocking(|| ControlPlane::builder().controllers(&CONTROLLERS).start());
    let plane = plane.await.unwrap().unwrap();
    let twin = Twin::empty(Arc::new(Fixed)).unwrap();
    let kubeconfig = std::fs::read_to_string(plane.kubeconfig()).unwrap();
    let sides = Sides { twin: Side(twin.client()), real: Side(client(&kubeconfig).await) };
    let phase = |state: &Value, what: &str, at: usize| state[what][at]["status"]["phase"].clone();

    sides.create(volume("a", Some("first"))).await;
    sides.create(volume("b", None)).await;
    let state = sides.same("volumes that nobody claims").await;
    assert_eq!([phase(&state, "volumes", 0), phase(&state, "volumes", 1)], ["Available", "Available"]);

    sides.create(claim("first", None)).await;
    sides.create(claim("second", Some("b"))).await;
    let state = sides.same("claims of these volumes").await;
    assert_eq!([phase(&state, "claims", 0), phase(&state, "claims", 1)], ["Bound", "Bound"]);

    sides.create(pod("user", "first", Some("node"))).await;
    // Nothing runs it yet, and so it keeps nothing.
    sides.create(pod("waiting", "second", None)).await;
    sides.create(claim("idle", None)).await;
    sides.delete("PersistentVolumeClaim", "first").await;
    sides.delete("PersistentVolume", "b").await;
    // The controller comes to this one after the first: once it is gone, the first was looked at, and kept.
    sides.delete("PersistentVolumeClaim", "idle").await;
    let state = sides.same("the end of a claim in use, and of a volume that is claimed").await;
    assert_eq!([&state["claims"][0]["deleting"], &state["volumes"][1]["deleting"]], [true, true]);

    sides.delete("Pod", "user").await;
    let state = sides.same("the end of the claim's user").await;
    assert_eq!(state["claims"].as_array().unwrap().len(), 1);
    assert_eq!(phase(&state, "volumes", 0), "Released");

    sides.delete("PersistentVolumeClaim", "second").await;
    let state = sides.same("the end of the other claim, and so of its volume").await;
    assert_eq!(state["volumes"].as_array().unwrap().len(), 1);

    // The volume was another claim's, which had the same name.
    sides.create(claim("first", Some("a"))).await;
    let state = sides.same("a claim of a volume that is not its own").await;
    assert_eq!(phase(&state, "claims", 0), "Pending");
    drop(tokio::task::spawn_blocking(move || drop(plane)).await);
}
