use super::super::{
    Census, DataElsewhere, NamespaceMapping, Request, ServedKind, Skip, Target, Verdict, VolumeState,
    Volumes, Wave,
};
use super::*;
use crate::filter::Filter;
use crate::resource::ResourceType;

/// Types used by the tests: group, version, plural, kind, namespaced.
const KINDS: &[(&str, &str, &str, &str, bool)] = &[
    ("", "v1", "configmaps", "ConfigMap", true),
    ("", "v1", "secrets", "Secret", true),
    ("", "v1", "services", "Service", true),
    ("", "v1", "endpoints", "Endpoints", true),
    ("", "v1", "serviceaccounts", "ServiceAccount", true),
    ("", "v1", "pods", "Pod", true),
    ("", "v1", "nodes", "Node", false),
    ("", "v1", "namespaces", "Namespace", false),
    ("", "v1", "persistentvolumes", "PersistentVolume", false),
    ("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true),
    ("apps", "v1", "replicasets", "ReplicaSet", true),
    ("apps", "v1", "deployments", "Deployment", true),
    ("batch", "v1", "jobs", "Job", true),
    ("networking.k8s.io", "v1", "ipaddresses", "IPAddress", false),
    ("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true),
    ("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false),
    ("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false),
    ("apiregistration.k8s.io", "v1", "apiservices", "APIService", false),
    ("certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest", false),
    (
        "admissionregistration.k8s.io",
        "v1",
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        false,
    ),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false),
    ("example.com", "v1", "widgets", "Widget", true),
];

fn kind(resource: &str) -> ResourceType {
    let (group, version, plural, kind, namespaced) =
        KINDS.iter().find(|row| row.2 == resource).copied().expect("a kind of the tests");
    ResourceType {
        group: group.into(),
        version: version.into(),
        resource: plural.into(),
        kind: kind.into(),
        namespaced,
    }
}

/// A cluster that serves every kind of the tests but widgets.
fn target() -> Target {
    let served = KINDS.iter().filter(|row| row.2 != "widgets").map(|row| {
        let served = ServedKind {
            kind: row.2.to_owned(),
            versions: vec![row.1.to_owned()],
            namespaced: row.4,
            status: false,
        };
        (kind(row.2).group_resource(), served)
    });
    Target { served: served.collect(), ..Target::default() }
}

/// A backup of given objects: resource, namespace (empty for none), name, JSON.
struct World {
    objects: Vec<(ResourceType, String, String, String)>,
    request: Request,
    target: Target,
    elsewhere: DataElsewhere,
}

impl World {
    fn of(objects: &[(&str, &str, &str, &str)]) -> Self {
        let objects = objects.iter().map(|(resource, namespace, name, body)| {
            let body =
                body.replace("$META", &format!(r#""namespace":"{namespace}","name":"{name}","uid":"u""#));
            (kind(resource), (*namespace).to_owned(), (*name).to_owned(), body)
        });
        Self {
            objects: objects.collect(),
            // Everything, or the filter's defaults would speak first.
            request: Request {
                filter: Filter { include_resources: vec!["*".into()], ..Filter::default() },
                ..Request::default()
            },
            target: target(),
            elsewhere: DataElsewhere::default(),
        }
    }

    fn sources(&self) -> Vec<Source<'_>> {
        self.objects
            .iter()
            .map(|(resource, namespace, name, body)| Source {
                resource,
                namespace: Some(namespace.as_str()).filter(|name| !name.is_empty()),
                name,
                bytes: body.as_bytes(),
            })
            .collect()
    }

    fn rules(&self) -> Rules {
        let mut census = Census::new(self.elsewhere.clone());
        for source in self.sources() {
            census.note(&self.request, &source).unwrap();
        }
        Rules::new(self.request.clone(), census, self.target.clone())
    }

    /// The verdict on the first object.
    fn verdict(&self) -> Verdict {
        self.rules().judge(&self.sources()[0]).unwrap()
    }

    /// What is sent for the first object.
    fn write(&self) -> Write {
        self.rules().prepare(&self.sources()[0]).unwrap()
    }

    fn body(&self) -> String {
        String::from_utf8(self.write().body).unwrap()
    }
}

const CLAIM: &str = r#"{"metadata":{$META,"annotations":{"pv.kubernetes.io/bind-completed":"yes","pv.kubernetes.io/bound-by-controller":"yes","volume.kubernetes.io/selected-node":"n1","x":"y"}},"spec":{"volumeName":"pv-1"},"status":{"phase":"Bound"}}"#;
const VOLUME: &str = r#"{"metadata":{"name":"pv-1","uid":"u","annotations":{"pv.kubernetes.io/bound-by-controller":"yes"}},"spec":{"claimRef":{"namespace":"a","name":"c","uid":"old","resourceVersion":"7"},"persistentVolumeReclaimPolicy":"Delete"}}"#;

#[test]
fn a_volume_that_names_the_old_claim_s_uid_would_be_released_and_its_disk_deleted() {
    let world = World::of(&[("persistentvolumes", "", "pv-1", VOLUME)]);
    assert_eq!(
        world.body(),
        r#"{"metadata":{"name":"pv-1","annotations":{"daytwo.dev/restore-reclaim-policy":"Delete"}},"spec":{"claimRef":{"namespace":"a","name":"c"},"persistentVolumeReclaimPolicy":"Retain"}}"#
    );
}

#[test]
fn a_volume_nobody_claimed_keeps_its_policy_at_once() {
    let body = r#"{"metadata":{"name":"pv-1"},"spec":{"persistentVolumeReclaimPolicy":"Delete"}}"#;
    assert_eq!(World::of(&[("persistentvolumes", "", "pv-1", body)]).body(), body);
}

#[test]
fn a_claim_is_bound_anew_to_the_volume_the_backup_brings() {
    let world =
        World::of(&[("persistentvolumeclaims", "a", "c", CLAIM), ("persistentvolumes", "", "pv-1", VOLUME)]);
    let write = world.write();
    let body = String::from_utf8(write.body).unwrap();
    assert!(!body.contains("bind-completed") && !body.contains("bound-by-controller"), "{body}");
    assert!(body.contains(r#""volumeName":"pv-1""#) && body.contains("selected-node"), "{body}");
    assert_eq!(write.notes, Vec::<String>::new());
}

#[test]
fn a_claim_whose_volume_is_nowhere_would_wait_for_it_for_ever() {
    let write = World::of(&[("persistentvolumeclaims", "a", "c", CLAIM)]).write();
    let body = String::from_utf8(write.body).unwrap();
    assert!(!body.contains("volumeName") && !body.contains("selected-node"), "{body}");
    assert!(write.notes[0].starts_with("is empty"), "{:?}", write.notes);
}

#[test]
fn a_claim_whose_volume_may_not_be_looked_for_waits_for_it_and_is_not_made_empty() {
    let mut world = World::of(&[("persistentvolumeclaims", "a", "c", CLAIM)]);
    world.target.unlisted.insert("persistentvolumes".to_owned());
    let write = world.write();
    assert!(String::from_utf8(write.body).unwrap().contains(r#""volumeName":"pv-1""#));
    assert_eq!(write.notes, Vec::<String>::new());
}

#[test]
fn a_claim_keeps_a_live_volume_that_is_its_own_and_no_other_s() {
    let mut world = World::of(&[("persistentvolumeclaims", "a", "c", CLAIM)]);
    let live = |name: &str| VolumeState {
        claim: Some(("a".into(), name.into())),
        released: false,
        ..VolumeState::default()
    };
    world.target.volumes.insert("pv-1".into(), live("c"));
    assert!(world.body().contains("volumeName"));
    world.target.volumes.insert("pv-1".into(), live("other"));
    assert!(!world.body().contains("volumeName"));
}

#[test]
fn a_claim_restored_as_a_copy_does_not_take_the_volume_of_the_original() {
    let mut world =
        World::of(&[("persistentvolumeclaims", "a", "c", CLAIM), ("persistentvolumes", "", "pv-1", VOLUME)]);
    world.request.namespace_mapping = NamespaceMapping::parse(["a:b"]).unwrap();
    let live =
        VolumeState { claim: Some(("a".into(), "c".into())), released: false, ..VolumeState::default() };
    world.target.volumes.insert("pv-1".into(), live);
    assert!(!world.body().contains("volumeName"));
}

fn with_data_elsewhere() -> World {
    let mut world =
        World::of(&[("persistentvolumeclaims", "a", "c", CLAIM), ("persistentvolumes", "", "pv-1", VOLUME)]);
    let info = br#"[{"pvcName":"c","pvcNamespace":"a","pvName":"pv-1","backupMethod":"PodVolumeBackup"}]"#;
    world.elsewhere.read(Volumes::Info, info).unwrap();
    world
}

#[test]
fn a_claim_whose_data_lies_in_a_snapshot_would_come_back_empty_as_if_nothing_were_missing() {
    let world = with_data_elsewhere();
    assert_eq!(world.verdict(), Verdict::Skip(Skip::DataElsewhere));
    let rules = world.rules();
    assert_eq!(rules.judge(&world.sources()[1]).unwrap(), Verdict::Skip(Skip::DataElsewhere));
}

#[test]
fn an_empty_claim_is_made_if_asked_for_and_said_to_be_empty() {
    let mut world = with_data_elsewhere();
    world.request.empty_volumes = true;
    assert_eq!(world.verdict(), Verdict::Take(Wave::Claims));
    let write = world.write();
    assert!(!String::from_utf8(write.body).unwrap().contains("volumeName"));
    assert!(write.notes[0].starts_with("is empty"), "{:?}", write.notes);
}

#[test]
fn a_claim_whose_volume_still_lives_is_not_lost_though_a_copy_lies_elsewhere() {
    let mut world = with_data_elsewhere();
    let live =
        VolumeState { claim: Some(("a".into(), "c".into())), released: false, ..VolumeState::default() };
    world.target.volumes.insert("pv-1".into(), live);
    assert_eq!(world.verdict(), Verdict::Take(Wave::Claims));
}

const FINISHED: &str = r#"{"metadata":{$META,"labels":{"job-name":"j","a":"b"}},"spec":{"selector":{"matchLabels":{"batch.kubernetes.io/controller-uid":"u"}},"template":{"metadata":{"labels":{"batch.kubernetes.io/controller-uid":"u","a":"b"}}}},"status":{"startTime":"2026-01-01T00:00:00Z","completionTime":"2026-01-01T00:01:00Z","succeeded":1,"uncountedTerminatedPods":{},"ready":0,"terminating":1,"conditions":[{"type":"Complete","status":"True","lastTransitionTime":"2026-01-01T00:01:00Z"}]}}"#;

#[test]
fn a_finished_job_would_run_again() {
    let write = World::of(&[("jobs", "a", "j", FINISHED)]).write();
    let body = String::from_utf8(write.body).unwrap();
    assert!(body.contains(r#""suspend":true"#) && body.contains(FINISHED_MARK), "{body}");
    let How::FinishedJob { status, suspend } = write.how else { panic!("{:?}", write.how) };
    assert_eq!(suspend, None);
    assert_eq!(
        String::from_utf8(status).unwrap(),
        r#"{"startTime":"2026-01-01T00:00:00Z","completionTime":"2026-01-01T00:01:00Z","succeeded":1,"uncountedTerminatedPods":{},"ready":0,"conditions":[{"type":"SuccessCriteriaMet","status":"True","lastTransitionTime":"2026-01-01T00:01:00Z"},{"type":"Complete","status":"True","lastTransitionTime":"2026-01-01T00:01:00Z"}]}"#
    );
}

#[test]
fn a_job_s_generated_selector_and_labels_name_the_uid_it_no_longer_has() {
    let body = World::of(&[("jobs", "a", "j", FINISHED)]).body();
    assert!(
        !body.contains("controller-uid") && !body.contains("job-name") && !body.contains("selector"),
        "{body}"
    );
    assert!(body.contains(r#""labels":{"a":"b"}"#), "{body}");
    let manual = FINISHED.replace(r#""spec":{"#, r#""spec":{"manualSelector":true,"#);
    assert!(World::of(&[("jobs", "a", "j", &manual)]).body().contains("controller-uid"));
}

#[test]
fn a_running_job_is_created_as_it_is() {
    let running = FINISHED.replace("Complete", "Suspended");
    assert_eq!(World::of(&[("jobs", "a", "j", &running)]).write().how, How::Create);
}

#[test]
fn a_child_with_a_stale_owner_would_be_collected() {
    let body = r#"{"metadata":{$META,"ownerReferences":[{"kind":"Widget","name":"w","uid":"9"}]}}"#;
    let write = World::of(&[("configmaps", "a", "c", body)]).write();
    assert_eq!(write.body, br#"{"metadata":{"namespace":"a","name":"c"}}"#);
    assert_eq!(write.later.unwrap().owners[0].name, "w");
}

#[test]
fn what_the_old_server_decided_is_not_sent_and_the_rest_is_byte_for_byte() {
    let body = r#"{"apiVersion":"v1","metadata":{$META,"generation":2,"creationTimestamp":null,"managedFields":[]},"data":{"z":"\u00e9", "a":"1"},"x":1.50}"#;
    assert_eq!(
        World::of(&[("configmaps", "a", "c", body)]).body(),
        r#"{"apiVersion":"v1","metadata":{"namespace":"a","name":"c"},"data":{"z":"\u00e9", "a":"1"},"x":1.50}"#
    );
}

#[test]
fn the_status_of_a_custom_resource_without_a_subresource_is_content() {
    let body = r#"{"metadata":{$META},"status":{"a":1}}"#;
    assert!(World::of(&[("widgets", "a", "w", body)]).body().contains("status"));
    assert!(!World::of(&[("configmaps", "a", "w", body)]).body().contains("status"));
}

#[test]
fn a_token_secret_with_the_old_uid_would_be_deleted() {
    let body = r#"{"metadata":{$META,"annotations":{"kubernetes.io/service-account.name":"s","kubernetes.io/service-account.uid":"9"}},"data":{"token":"eA=="},"type":"kubernetes.io/service-account-token"}"#;
    let sent = World::of(&[("secrets", "a", "t", body)]).body();
    assert!(
        !sent.contains("eA==") && !sent.contains("account.uid") && sent.contains("account.name"),
        "{sent}"
    );
    let opaque = body.replace("kubernetes.io/service-account-token", "Opaque");
    assert!(World::of(&[("secrets", "a", "t", &opaque)]).body().contains("eA=="));
}

#[test]
fn a_bare_pod_is_not_bound_to_a_node_that_is_gone() {
    let body =
        r#"{"metadata":{$META},"spec":{"nodeName":"n1","priority":0,"ephemeralContainers":[{}],"x":1}}"#;
    let mut world = World::of(&[("pods", "a", "p", body)]);
    assert_eq!(world.body(), r#"{"metadata":{"namespace":"a","name":"p"},"spec":{"x":1}}"#);
    world.target.nodes.insert("n1".into());
    assert!(world.body().contains("nodeName"));
}

#[test]
fn one_manager_keeps_its_fields_and_several_are_not_mistaken_for_one() {
    let with = |entries: &str| {
        let body = format!(r#"{{"metadata":{{$META,"managedFields":[{entries}]}}}}"#);
        World::of(&[("configmaps", "a", "c", &body)]).write().manager
    };
    let entry =
        |manager: &str, operation: &str| format!(r#"{{"manager":"{manager}","operation":"{operation}"}}"#);
    let status = r#"{"manager":"k","operation":"Update","subresource":"status"}"#;
    assert_eq!(with(&format!("{},{status}", entry("helm", "Update"))).as_deref(), Some("helm"));
    assert_eq!(with(&format!("{},{}", entry("a", "Update"), entry("b", "Update"))), None);
    assert_eq!(with(&entry("a", "Apply")), None);
    assert_eq!(with(""), None);
}

#[track_caller]
fn skipped(resource: &str, namespace: &str, name: &str, body: &str) -> Skip {
    match World::of(&[(resource, namespace, name, body)]).verdict() {
        Verdict::Skip(skip) => skip,
        other => panic!("{resource} {name}: {other:?}"),
    }
}

#[test]
fn what_the_server_keeps_is_not_written() {
    let meta = r#"{"metadata":{$META}}"#;
    assert_eq!(skipped("ipaddresses", "", "10.0.0.1", meta), Skip::ServerKeeps);
    assert_eq!(skipped("services", "default", "kubernetes", meta), Skip::ServerKeeps);
    assert_eq!(skipped("configmaps", "a", "kube-root-ca.crt", meta), Skip::ServerKeeps);
    let rbac = r#"{"metadata":{$META,"labels":{"kubernetes.io/bootstrapping":"rbac-defaults"},"annotations":{"rbac.authorization.kubernetes.io/autoupdate":"true"}}}"#;
    assert_eq!(skipped("clusterroles", "", "view", rbac), Skip::ServerKeeps);
    let local = r#"{"metadata":{$META,"labels":{"kube-aggregator.kubernetes.io/automanaged":"onstart"}}}"#;
    assert_eq!(skipped("apiservices", "", "v1.apps", local), Skip::ServerKeeps);
}

#[test]
fn a_role_the_server_was_told_to_leave_alone_is_restored() {
    let rbac = r#"{"metadata":{$META,"labels":{"kubernetes.io/bootstrapping":"rbac-defaults"},"annotations":{"rbac.authorization.kubernetes.io/autoupdate":"false"}}}"#;
    assert_eq!(World::of(&[("clusterroles", "", "view", rbac)]).verdict(), Verdict::Take(Wave::Accounts));
}

#[test]
fn what_a_node_or_a_controller_makes_is_not_written() {
    let meta = r#"{"metadata":{$META}}"#;
    let owned =
        r#"{"metadata":{$META,"ownerReferences":[{"kind":"ReplicaSet","name":"r","controller":true}]}}"#;
    let mirror = r#"{"metadata":{$META,"annotations":{"kubernetes.io/config.mirror":"h"}}}"#;
    let slice = r#"{"metadata":{$META,"labels":{"endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io"}}}"#;
    assert_eq!(skipped("nodes", "", "n1", meta), Skip::NodeState);
    assert_eq!(skipped("pods", "a", "p", mirror), Skip::NodeState);
    assert_eq!(skipped("pods", "a", "p", owned), Skip::ControllerMakes);
    assert_eq!(skipped("endpointslices", "a", "s", slice), Skip::ControllerMakes);
    assert_eq!(skipped("certificatesigningrequests", "", "c", meta), Skip::Act);
}

#[test]
fn endpoints_of_a_service_that_selects_pods_are_derived_and_others_are_a_person_s() {
    let endpoints = ("endpoints", "a", "s", r#"{"metadata":{$META}}"#);
    let service = |selector: &str| format!(r#"{{"metadata":{{$META}},"spec":{{"selector":{selector}}}}}"#);
    let derived = World::of(&[endpoints, ("services", "a", "s", &service(r#"{"app":"x"}"#))]);
    assert_eq!(derived.verdict(), Verdict::Skip(Skip::ControllerMakes));
    let manual = World::of(&[endpoints, ("services", "a", "s", &service("{}"))]);
    assert_eq!(manual.verdict(), Verdict::Take(Wave::Endpoints));
}

#[test]
fn a_pod_that_had_ended_would_run_again() {
    let pod = |phase: &str| format!(r#"{{"metadata":{{$META}},"status":{{"phase":"{phase}"}}}}"#);
    assert_eq!(skipped("pods", "a", "p", &pod("Succeeded")), Skip::FinishedPod);
    assert_eq!(World::of(&[("pods", "a", "p", &pod("Running"))]).verdict(), Verdict::Take(Wave::Pods));
}

#[test]
fn what_was_being_deleted_does_not_come_back() {
    let body = r#"{"metadata":{$META,"deletionTimestamp":"2026-01-01T00:00:00Z"}}"#;
    assert_eq!(skipped("configmaps", "a", "c", body), Skip::Terminating);
}

#[test]
fn a_custom_resource_needs_its_definition_live_or_in_the_backup() {
    let widget = ("widgets", "a", "w", r#"{"metadata":{$META}}"#);
    assert_eq!(World::of(&[widget]).verdict(), Verdict::Skip(Skip::NotServed));
    let crd = |version: &str| {
        format!(
            r#"{{"metadata":{{"name":"widgets.example.com"}},"spec":{{"versions":[{{"name":"{version}","served":true}}]}}}}"#
        )
    };
    let defined = |version: &str| {
        World::of(&[widget, ("customresourcedefinitions", "", "widgets.example.com", &crd(version))])
            .verdict()
    };
    assert_eq!(defined("v1"), Verdict::Take(Wave::CustomResources));
    assert_eq!(defined("v2"), Verdict::Skip(Skip::NotServed));
}

#[test]
fn a_namespace_alone_brings_its_volumes_and_definitions_and_no_others() {
    let crd = r#"{"metadata":{$META},"spec":{"versions":[{"name":"v1","served":true}]}}"#;
    let mut world = World::of(&[
        ("persistentvolumes", "", "pv-1", VOLUME),
        ("persistentvolumes", "", "pv-2", r#"{"metadata":{$META},"spec":{}}"#),
        ("customresourcedefinitions", "", "widgets.example.com", crd),
        ("customresourcedefinitions", "", "gadgets.example.com", crd),
        ("namespaces", "", "a", r#"{"metadata":{"name":"a"}}"#),
        ("namespaces", "", "b", r#"{"metadata":{"name":"b"}}"#),
        ("persistentvolumeclaims", "a", "c", CLAIM),
        ("widgets", "a", "w", r#"{"metadata":{$META}}"#),
        ("widgets", "b", "w", r#"{"metadata":{$META}}"#),
    ]);
    world.request.filter.include_namespaces = vec!["a".into()];
    let rules = world.rules();
    let taken: Vec<_> = world
        .sources()
        .iter()
        .filter(|source| matches!(rules.judge(source).unwrap(), Verdict::Take(_)))
        .map(|source| rules.key(source).to_string())
        .collect();
    assert_eq!(
        taken,
        [
            "persistentvolumes/pv-1",
            "customresourcedefinitions.apiextensions.k8s.io/widgets.example.com",
            "namespaces/a",
            "persistentvolumeclaims/a/c",
            "widgets.example.com/a/w",
        ]
    );
}

#[test]
fn a_webhook_that_refuses_without_an_answer_names_the_service_it_needs() {
    let webhook = |policy: &str| {
        let body = format!(
            r#"{{"metadata":{{"name":"w"}},"webhooks":[{{"failurePolicy":"{policy}","clientConfig":{{"service":{{"namespace":"a","name":"s"}}}}}}]}}"#
        );
        let mut world = World::of(&[("validatingwebhookconfigurations", "", "w", &body)]);
        world.request.namespace_mapping = NamespaceMapping::parse(["a:b"]).unwrap();
        world.rules().backends(&world.sources()[0]).unwrap()
    };
    assert_eq!(webhook("Fail"), ["b/s"]);
    assert_eq!(webhook("Ignore"), Vec::<String>::new());
}

fn mapped(resource: &str, namespace: &str, name: &str, body: &str) -> Write {
    let mut world = World::of(&[(resource, namespace, name, body)]);
    world.request.namespace_mapping = NamespaceMapping::parse(["a:b"]).unwrap();
    world.write()
}

#[track_caller]
fn maps(resource: &str, body: &str) {
    let sent = String::from_utf8(mapped(resource, "", "x", body).body).unwrap();
    assert!(sent.contains(r#""namespace":"b""#) && !sent.contains(r#""namespace":"a""#), "{sent}");
    assert!(!sent.contains(r#""namespace":"bb""#) && sent.contains(r#""namespace":"c""#), "{sent}");
}

#[test]
fn a_mapped_namespace_that_other_objects_still_name_would_leave_them_dangling() {
    let meta = r#""metadata":{"name":"x","labels":{"namespace":"c"}}"#;
    maps(
        "clusterrolebindings",
        &format!(
            r#"{{{meta},"subjects":[{{"kind":"ServiceAccount","name":"s","namespace":"a"}},{{"kind":"ServiceAccount","name":"s","namespace":"c"}}]}}"#
        ),
    );
    maps(
        "validatingwebhookconfigurations",
        &format!(
            r#"{{{meta},"webhooks":[{{"clientConfig":{{"service":{{"namespace":"a","name":"s"}}}}}}]}}"#
        ),
    );
    maps("apiservices", &format!(r#"{{{meta},"spec":{{"service":{{"namespace":"a","name":"s"}}}}}}"#));
    maps(
        "customresourcedefinitions",
        &format!(
            r#"{{{meta},"spec":{{"conversion":{{"webhook":{{"clientConfig":{{"service":{{"namespace":"a"}}}}}}}}}}}}"#
        ),
    );
    maps("persistentvolumes", &format!(r#"{{{meta},"spec":{{"claimRef":{{"namespace":"a","name":"c"}}}}}}"#));
}

#[test]
fn subjects_that_name_service_accounts_as_users_and_groups_are_mapped() {
    let body = r#"{"metadata":{"name":"x"},"subjects":[{"kind":"User","name":"system:serviceaccount:a:s"},{"kind":"Group","name":"system:serviceaccounts:a"},{"kind":"User","name":"a"}]}"#;
    assert_eq!(
        String::from_utf8(mapped("clusterrolebindings", "", "x", body).body).unwrap(),
        r#"{"metadata":{"name":"x"},"subjects":[{"kind":"User","name":"system:serviceaccount:b:s"},{"kind":"Group","name":"system:serviceaccounts:b"},{"kind":"User","name":"a"}]}"#
    );
}

#[test]
fn a_namespace_is_mapped_by_name_and_label() {
    let body = r#"{"metadata":{"name":"a","labels":{"kubernetes.io/metadata.name":"a"}}}"#;
    assert_eq!(
        mapped("namespaces", "", "a", body).body,
        br#"{"metadata":{"name":"b","labels":{"kubernetes.io/metadata.name":"b"}}}"#
    );
}

#[test]
fn a_reference_that_could_not_be_mapped_is_listed() {
    let body = r#"{"metadata":{$META},"data":{"url":"http://web.a.svc:80"}}"#;
    assert_eq!(mapped("configmaps", "a", "c", body).notes, ["still names the namespace a in its content"]);
    let fine = r#"{"metadata":{$META},"data":{"url":"http://web.other.svc:80"}}"#;
    assert_eq!(mapped("configmaps", "a", "c", fine).notes, Vec::<String>::new());
}

#[test]
fn an_address_that_is_taken_is_given_up_and_nothing_else() {
    let service = br#"{"spec":{"clusterIP":"10.0.0.9","clusterIPs":["10.0.0.9"],"ports":[{"port":80,"nodePort":30080}]}}"#;
    let refusal = r#"Service "s" is invalid: spec.clusterIPs: Invalid value: ["10.0.0.9"]: failed to allocate IP 10.0.0.9: provided IP is already allocated"#;
    let (body, note) = address_fallback(service, refusal).unwrap().unwrap();
    assert_eq!(body, br#"{"spec":{"ports":[{"port":80,"nodePort":30080}]}}"#);
    assert!(note.starts_with("has a new clusterIP"), "{note}");
    let refusal = "spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated";
    let (body, _) = address_fallback(&body, refusal).unwrap().unwrap();
    assert_eq!(body, br#"{"spec":{"ports":[{"port":80}]}}"#);
    assert_eq!(address_fallback(&body, refusal).unwrap(), None);
}

#[test]
fn dual_stack_fields_are_refused_by_a_single_stack_cluster() {
    let service = br#"{"spec":{"clusterIP":"10.0.0.9","clusterIPs":["10.0.0.9","fd00::9"],"ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"RequireDualStack"}}"#;
    let refusal = r#"spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services"#;
    let (body, _) = address_fallback(service, refusal).unwrap().unwrap();
    assert_eq!(body, br#"{"spec":{}}"#);
    let headless = br#"{"spec":{"clusterIP":"None","clusterIPs":["None"],"ipFamilies":["IPv6"]}}"#;
    let (body, _) = address_fallback(headless, "spec.ipFamilies[0]: Invalid value").unwrap().unwrap();
    assert_eq!(body, br#"{"spec":{"clusterIP":"None"}}"#);
}

#[test]
fn a_refusal_about_something_else_gives_nothing_up() {
    assert_eq!(address_fallback(br#"{"spec":{"clusterIP":"10.0.0.9"}}"#, "quota exceeded").unwrap(), None);
}

#[test]
fn an_object_of_the_backup_equals_itself_after_it_was_restored() {
    let world = World::of(&[("persistentvolumes", "", "pv-1", VOLUME)]);
    let rules = world.rules();
    let source = world.sources()[0];
    let mut before = Vec::new();
    rules.content(&source, &mut |part| before.extend_from_slice(part)).unwrap();
    let bound =
        VOLUME.replace(r#""uid":"old","resourceVersion":"7""#, r#""uid":"new","resourceVersion":"99""#);
    let mut after = Vec::new();
    let live = |bytes: &str, out: &mut Vec<u8>| {
        rules
            .live_content("persistentvolumes", None, "pv-1", bytes.as_bytes(), &mut |part| {
                out.extend_from_slice(part);
            })
            .unwrap();
    };
    live(&bound, &mut after);
    assert_eq!(before, after);
    let mut retained = Vec::new();
    live(&bound.replace("Delete", "Retain"), &mut retained);
    assert_ne!(before, retained);
}
