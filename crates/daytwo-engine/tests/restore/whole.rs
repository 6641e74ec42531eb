//! The main job: a namespace is backed up, lost, and got back.

use daytwo_archive::{BackupName, Location, WriteOptions};
use daytwo_core::filter::Filter;
use daytwo_engine::api::Patience;
use daytwo_engine::{BackupRequest, Silent, backup};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::harness::{Cluster, Standing, Taken, cluster, everything};

const NAME: &str = "whole";

/// Some of everything that people keep in a namespace.
const OBJECTS: &str = r#"
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: settings, annotations: {note: "<&> ☃"}}, data: {a: "1"}, binaryData: {b: AAEC}}
- {apiVersion: v1, kind: Secret, metadata: {name: password}, immutable: true, stringData: {p: x}}
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: robot}, imagePullSecrets: [{name: password}]}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: "read:all"}, rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: "read:all"}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "read:all"}, subjects: [{kind: ServiceAccount, name: robot}]}
- {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: NodePort, selector: {app: web}, ports: [{port: 80}]}}
- {apiVersion: v1, kind: Service, metadata: {name: headless}, spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}}
- {apiVersion: v1, kind: Service, metadata: {name: outside}, spec: {type: ExternalName, externalName: example.com}}
- {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web}, spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}}
- {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny}, spec: {podSelector: {}}}
- {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web}, spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}}
- {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: {minReplicas: 2, maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}}
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "i:1"}]}}}}
- {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: headless, replicas: 1, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: "i:1"}]}}, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}}]}}
- {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}, spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: c, image: "i:1"}]}}}}
- {apiVersion: batch/v1, kind: CronJob, metadata: {name: nightly}, spec: {schedule: "0 0 1 1 *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}}
- {apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
- {apiVersion: v1, kind: ResourceQuota, metadata: {name: quota}, spec: {hard: {configmaps: "50"}}}
- {apiVersion: v1, kind: LimitRange, metadata: {name: limits}, spec: {limits: [{type: Container, default: {memory: 64Mi}}]}}
- {apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: leader}, spec: {holderIdentity: x}}
"#;

async fn back_up(cluster: &Cluster) -> Taken {
    let (location, name) = (Location::memory(), BackupName::try_from("given").unwrap());
    let request = BackupRequest {
        name: name.clone(),
        filter: Filter { include_namespaces: vec![NAME.to_owned()], ..Filter::default() },
        ttl: None,
        storage_location: "default".to_owned(),
        concurrency: 4,
        patience: Patience::default(),
        write: WriteOptions {
            run: "test".to_owned(),
            started: Timestamp::UNIX_EPOCH,
            recipients: Vec::new(),
            sign: None,
            threads: 1,
        },
    };
    let cancel = CancellationToken::new();
    let head = backup(&cluster.site, &location, request, &Standing, &Silent, &cancel).await.unwrap();
    assert_eq!(head.problems, []);
    Taken { location, name }
}

#[tokio::test]
async fn a_namespace_that_was_lost_comes_back_as_it_was() {
    let Some(cluster) = cluster().await else { return };
    cluster.kubectl(&["create", "namespace", NAME]);
    cluster.plane.kubectl_stdin(&["apply", "-n", NAME, "--filename=-"], OBJECTS).unwrap();
    cluster.wait_for(&["deployment", "web", "-n", NAME], ".status.replicas", "2");
    cluster.wait_for(&["statefulset", "db", "-n", NAME], ".status.replicas", "1");
    cluster.wait_for(&["job", "once", "-n", NAME], ".status.conditions[0].type", "Suspended");
    cluster.wait_for(&["controllerrevisions", "-n", NAME, "-l", "app=agent"], ".items[0].revision", "1");
    let taken = back_up(&cluster).await;
    let unchanged = taken.plan(&cluster, &everything()).await;
    assert_eq!(unchanged.report.tally.differing, []);
    assert_eq!(unchanged.plan.impact.creates, 0, "nothing is missing before anything is lost");
    cluster.lose_namespace(NAME);
    let report = taken.restore(&cluster).await;
    let missing: Vec<&str> = report.tally.findings.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!((report.counts.failed, report.counts.differs), (0, 0), "{:?}", report.tally);
    assert_eq!(missing, ["restore-class-missing"], "the StorageClass that the claim names never was");
    // The controllers find what they would have made, and leave it alone.
    cluster.wait_for(&["deployment", "web", "-n", NAME], ".status.replicas", "2");
    cluster.wait_for(&["statefulset", "db", "-n", NAME], ".status.replicas", "1");
    let again = taken.plan(&cluster, &everything()).await;
    assert_eq!(again.plan.impact.creates, 0, "{:?}", again.objects);
    assert_eq!(again.report.tally.differing, []);
}
