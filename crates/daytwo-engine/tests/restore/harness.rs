//! A cluster, backups made of given objects, and restores of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use daytwo_archive::{
    Backup, BackupName, BackupWriter, Consistency, Keys, Location, Object, Outcome, Resource, Server,
    WriteOptions,
};
use daytwo_core::restore::{Report, Request, Waits};
use daytwo_engine::journal::Timing;
use daytwo_engine::restore::{Detail, RestoreError, Runner};
use daytwo_engine::{Clock, ClusterOptions, Silent, Site, api};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use testbed::ControlPlane;
use tokio_util::sync::CancellationToken;

/// How long a test waits for a controller.
const PATIENCE: Duration = Duration::from_secs(60);

/// A clock that stands: no test depends on the time of day.
pub struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// Short enough for tests, in the order that makes the journal a lock.
pub const QUICK: Timing = Timing {
    checkpoint: Duration::from_millis(50),
    beat: Duration::from_millis(200),
    lease: Duration::from_millis(2_000),
    dead_after: Duration::from_millis(3_000),
};

/// The shared cluster.
pub struct Cluster {
    pub plane: &'static ControlPlane,
    pub site: Site,
}

impl Cluster {
    /// The same cluster, reached by another kubeconfig.
    pub async fn through(&self, kubeconfig: &Path) -> Cluster {
        let options = ClusterOptions { kubeconfig: Some(kubeconfig.to_owned()), ..ClusterOptions::default() };
        Cluster { plane: self.plane, site: Site::connect(&options).await.unwrap() }
    }
}

/// The shared cluster; `None`, after saying so, where there are no parts to run it.
pub async fn cluster() -> Option<Cluster> {
    connected(testbed::shared::control_plane()?).await
}

/// A cluster of its own with a scheduler and a node; `None` as [`cluster`].
pub async fn with_node() -> Option<Cluster> {
    connected(testbed::shared::with_node()?).await
}

async fn connected(plane: &'static ControlPlane) -> Option<Cluster> {
    let options =
        ClusterOptions { kubeconfig: Some(plane.kubeconfig().to_owned()), ..ClusterOptions::default() };
    Some(Cluster { plane, site: Site::connect(&options).await.unwrap() })
}

impl Cluster {
    /// Applies YAML or JSON.
    #[track_caller]
    pub fn apply(&self, manifest: &str) {
        self.plane.kubectl_stdin(&["apply", "--filename=-"], manifest).unwrap();
    }

    /// Applies on the server, as one manager of fields.
    #[track_caller]
    pub fn apply_as(&self, manager: &str, manifest: &str) {
        let manager = format!("--field-manager={manager}");
        self.plane.kubectl_stdin(&["apply", "--server-side", &manager, "--filename=-"], manifest).unwrap();
    }

    /// kubectl's answer.
    #[track_caller]
    pub fn kubectl(&self, args: &[&str]) -> String {
        self.plane.kubectl(args).unwrap()
    }

    /// A field of an object; empty where it is not set.
    #[track_caller]
    pub fn field(&self, object: &[&str], path: &str) -> String {
        let output = format!("--output=jsonpath={{{path}}}");
        self.kubectl(&[&["get"], object, &[&output]].concat())
    }

    /// Waits until a field of an object is `value`.
    #[track_caller]
    pub fn wait_for(&self, object: &[&str], path: &str, value: &str) {
        let what = format!("{object:?} {path} to be {value:?}");
        let output = format!("--output=jsonpath={{{path}}}");
        let args = [&["get"], object, &[&output]].concat();
        testbed::until(PATIENCE, &what, || {
            let now = self.plane.kubectl(&args).unwrap_or_default();
            Ok((now == value).then_some(()))
        })
        .unwrap();
    }

    /// Whether there is such an object.
    pub fn exists(&self, object: &[&str]) -> bool {
        self.plane.kubectl(&[&["get"], object].concat()).is_ok()
    }

    /// An object as the server sends it.
    pub async fn raw(&self, path: &str) -> Bytes {
        api::get(self.site.client(), path, "application/json").await.unwrap()
    }

    /// The objects of the lists at `paths`, each whole.
    pub async fn listed(&self, paths: &[&str]) -> Vec<Bytes> {
        let mut objects = Vec::new();
        for path in paths {
            let list: Value = serde_json::from_slice(&self.raw(path).await).unwrap();
            let kind = list["kind"].as_str().unwrap().strip_suffix("List").unwrap();
            for item in list["items"].as_array().unwrap() {
                let mut item = item.clone();
                item["apiVersion"] = list["apiVersion"].clone();
                item["kind"] = kind.into();
                objects.push(item.to_string().into());
            }
        }
        objects
    }

    /// Deletes a namespace and waits until it is gone.
    #[track_caller]
    pub fn lose_namespace(&self, name: &str) {
        self.kubectl(&["delete", "namespace", name, "--wait=true", "--timeout=60s"]);
    }

    /// A backup of given objects, each whole JSON, in memory.
    pub async fn backup(&self, objects: &[Bytes]) -> Taken {
        let location = Location::memory();
        let name = BackupName::try_from("given").unwrap();
        let options = WriteOptions {
            run: "test".to_owned(),
            started: Timestamp::UNIX_EPOCH,
            recipients: Vec::new(),
            sign: None,
            threads: 1,
        };
        let mut writer = BackupWriter::claim(&location, &name, options).await.unwrap();
        let mut sorted: BTreeMap<String, (Resource, Vec<Row<'_>>)> = BTreeMap::new();
        for bytes in objects {
            let value: Value = serde_json::from_slice(bytes).unwrap();
            let text = |path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
            let resource = resource(&text("/apiVersion").unwrap(), &text("/kind").unwrap());
            let row = (text("/metadata/namespace"), text("/metadata/name").unwrap(), bytes);
            sorted.entry(resource.group_resource()).or_insert_with(|| (resource, Vec::new())).1.push(row);
        }
        for (resource, rows) in sorted.into_values() {
            writer.begin(&resource).await.unwrap();
            for (namespace, name, bytes) in rows {
                let object = Object { namespace: namespace.as_deref(), name: &name, head: b"", body: bytes };
                writer.add(object).await.unwrap();
            }
        }
        let identity = self.site.identity();
        let outcome = Outcome {
            finished: Timestamp::UNIX_EPOCH,
            server: Server { uid: identity.uid.clone().unwrap(), ..Server::default() },
            revision: Some(1),
            consistency: Consistency::OneRevision,
            problems: Vec::new(),
            left_out: Vec::new(),
            outside: Vec::new(),
            fallbacks: Vec::new(),
            complete: Vec::new(),
            spec: Value::Null,
            ttl: None,
            warnings: Vec::new(),
        };
        writer.finish(outcome).await.unwrap();
        Taken { location, name }
    }

    /// Backs objects up as they are, loses their namespace, restores them, and restores them again, which must find
    /// nothing to do. Returns how many there are.
    pub async fn survives(&self, name: &str, paths: &[&str]) -> u64 {
        let mut objects = vec![self.raw(&format!("/api/v1/namespaces/{name}")).await];
        for path in paths {
            objects.push(self.raw(path).await);
        }
        let taken = self.backup(&objects).await;
        self.lose_namespace(name);
        let report = taken.restore(self).await;
        all_well(&report);
        let again = taken.restore_as(self, &everything(), "run-2").await.unwrap();
        all_well(&again);
        assert_eq!(
            (again.counts.created, again.counts.same),
            (0, report.counts.total()),
            "{:?}",
            again.tally.resources
        );
        report.counts.total()
    }

    /// A backup of objects given as text.
    pub async fn backup_of(&self, objects: &[&str]) -> Taken {
        let objects: Vec<Bytes> =
            objects.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect();
        self.backup(&objects).await
    }
}

/// Namespace, name and JSON of an object.
type Row<'a> = (Option<String>, String, &'a Bytes);

/// A backup at a location of its own.
pub struct Taken {
    pub location: Location,
    pub name: BackupName,
}

/// A request for all of a backup, with waits that suit a test.
pub fn everything() -> Request {
    let waits = Waits {
        bound: SignedDuration::from_secs(60),
        endpoints: SignedDuration::from_secs(2),
        ..Waits::default()
    };
    Request { backup: "given".to_owned(), waits, ..Request::default() }
}

impl Taken {
    pub async fn open(&self) -> Backup {
        Backup::open(&self.location, &self.name, &Keys::default()).await.unwrap()
    }

    /// Restores `request`, in a run called `run`.
    pub async fn restore_as(
        &self,
        cluster: &Cluster,
        request: &Request,
        run: &str,
    ) -> Result<Report, RestoreError> {
        let (backup, stop) = (self.open().await, CancellationToken::new());
        let runner = self.runner(cluster, &backup, &stop);
        let planned = runner.plan(request, run, Detail::Objects).await?;
        runner.start(planned, "the test").await
    }

    /// Restores all of it.
    pub async fn restore(&self, cluster: &Cluster) -> Report {
        self.restore_as(cluster, &everything(), "run-1").await.unwrap()
    }

    /// What a restore of `request` would do.
    pub async fn plan(&self, cluster: &Cluster, request: &Request) -> daytwo_engine::restore::Planned {
        let (backup, stop) = (self.open().await, CancellationToken::new());
        self.runner(cluster, &backup, &stop).plan(request, "run-1", Detail::Objects).await.unwrap()
    }

    pub fn runner<'a>(
        &'a self,
        cluster: &'a Cluster,
        backup: &'a Backup,
        stop: &'a CancellationToken,
    ) -> Runner<'a> {
        Runner {
            site: &cluster.site,
            location: &self.location,
            backup,
            clock: &Standing,
            events: &Silent,
            stop,
            timing: QUICK,
        }
    }
}

/// The resource of a kind: its plural, and whether it lies in namespaces.
fn resource(api_version: &str, kind: &str) -> Resource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let plural = match kind {
        "Endpoints" => "endpoints".to_owned(),
        "NetworkPolicy" => "networkpolicies".to_owned(),
        "IPAddress" => "ipaddresses".to_owned(),
        "Ingress" => "ingresses".to_owned(),
        "StorageClass" => "storageclasses".to_owned(),
        other if other.ends_with('s') => format!("{}es", other.to_lowercase()),
        other if other.ends_with('y') => format!("{}ies", other.to_lowercase().trim_end_matches('y')),
        other => format!("{}s", other.to_lowercase()),
    };
    let cluster_scoped = matches!(
        kind,
        "Namespace"
            | "Node"
            | "PersistentVolume"
            | "StorageClass"
            | "IPAddress"
            | "ClusterRole"
            | "ClusterRoleBinding"
            | "CustomResourceDefinition"
            | "APIService"
            | "CSIDriver"
            | "DeviceClass"
            | "FlowSchema"
            | "IngressClass"
            | "PriorityClass"
            | "PriorityLevelConfiguration"
            | "RuntimeClass"
            | "ValidatingAdmissionPolicy"
            | "ValidatingAdmissionPolicyBinding"
            | "VolumeAttributesClass"
            | "ValidatingWebhookConfiguration"
            | "MutatingWebhookConfiguration"
    );
    Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        resource: plural,
        namespaced: !cluster_scoped,
    }
}

/// A Namespace, with all that a server puts into it.
pub fn namespace(name: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{name}","labels":{{"kubernetes.io/metadata.name":"{name}"}}}},"spec":{{"finalizers":["kubernetes"]}}}}"#
    )
}

/// Panics with the report unless nothing failed and nothing differs.
#[track_caller]
pub fn all_well(report: &Report) {
    let lines = |report: &Report| serde_json::to_string_pretty(&report.tally).unwrap();
    assert!(report.is_clean(), "{}", lines(report));
}

/// Every record of the location's journals, as text.
pub async fn journal(location: &Location) -> String {
    use futures::TryStreamExt;
    let listed = location.list("metadata/daytwo/runs").await.unwrap();
    let objects: Vec<_> = listed.try_collect().await.unwrap();
    let mut text = String::new();
    for object in objects {
        text.push_str(std::str::from_utf8(&location.get(&object.key).await.unwrap()).unwrap());
        text.push('\n');
    }
    text
}
