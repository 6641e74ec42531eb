use super::*;
use crate::plan::Place;
use crate::plan::Step;
use crate::resource::ResourceType;
use crate::restore::{Census, DataElsewhere, Request, ServedKind, Target, VolumeState, Webhooks};

fn kind(group: &str, resource: &str, kind: &str, namespaced: bool) -> ResourceType {
    ResourceType {
        group: group.into(),
        version: "v1".into(),
        resource: resource.into(),
        kind: kind.into(),
        namespaced,
    }
}

fn planned(objects: &[(ResourceType, Option<&str>, &str, &str)], target: Target, there: There) -> Planned {
    planned_as(Request { backup: "b".into(), ..Request::default() }, objects, target, there)
}

fn planned_as(
    request: Request,
    objects: &[(ResourceType, Option<&str>, &str, &str)],
    target: Target,
    there: There,
) -> Planned {
    let sources = objects.iter().map(|(resource, namespace, name, bytes)| Source {
        resource,
        namespace: *namespace,
        name,
        bytes: bytes.as_bytes(),
    });
    let mut census = Census::new(DataElsewhere::default());
    sources.clone().for_each(|source| census.note(&request, &source).unwrap());
    let mut target = target;
    for (kind, ..) in objects {
        let served = ServedKind {
            kind: kind.kind.clone(),
            versions: vec!["v1".into()],
            namespaced: kind.namespaced,
            status: false,
        };
        target.served.insert(kind.group_resource(), served);
    }
    let rules = Rules::new(request, census, target);
    let mut planner = Planner::new(&rules, true);
    for source in sources {
        planner.take(&source, || Ok(there));
    }
    let site = SiteIdentity { context: "c".into(), server: "s".into(), version: "v1".into(), uid: None };
    planner.finish("run", Timestamp::UNIX_EPOCH, site, Vec::new())
}

fn steps(planned: &Planned) -> Vec<String> {
    let text = |step: &Step| match step {
        Step::CreateObjects { wave, objects } => format!("{objects} {wave}"),
        Step::EnsureNamespaces { namespaces } => format!("ensure {}", namespaces.join(",")),
        Step::AwaitEstablished { definitions, .. } => format!("established {}", definitions.join(",")),
        Step::AwaitEndpoints { services, .. } => format!("endpoints {}", services.join(",")),
        Step::PruneObjects { extra } => format!("prune {}", extra.len()),
        Step::BindOwners { last } => if *last { "owners" } else { "owners so far" }.to_owned(),
        Step::AwaitWorkloads { workloads, .. } => format!("available {workloads}"),
        Step::ReleaseWebhooks { .. } => "release".to_owned(),
        Step::RestoreReclaimPolicies { .. } => "policies".to_owned(),
        other => panic!("no step of a restore: {other:?}"),
    };
    planned.plan.steps().map(|(_, step)| text(step)).collect()
}

#[test]
fn waves_come_in_order_with_the_waits_between_them() {
    let meta = |name: &str| format!(r#"{{"metadata":{{"name":"{name}"}}}}"#);
    let webhook =
        r#"{"metadata":{"name":"w"},"webhooks":[{"clientConfig":{"service":{"namespace":"a","name":"s"}}}]}"#;
    let objects = [
        (
            kind("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "M", false),
            None,
            "w",
            webhook,
        ),
        (kind("", "configmaps", "ConfigMap", true), Some("a"), "m", &*meta("m")),
        (kind("", "persistentvolumes", "PersistentVolume", false), None, "pv", &*meta("pv")),
        (
            kind("apiextensions.k8s.io", "customresourcedefinitions", "C", false),
            None,
            "ws.x.io",
            &*meta("ws.x.io"),
        ),
    ];
    let planned = planned(&objects, Target::default(), There::Nothing);
    assert_eq!(
        steps(&planned),
        [
            "1 definitions",
            "established ws.x.io",
            "ensure a",
            "1 volumes",
            "1 configuration",
            "endpoints a/s",
            "1 webhooks",
            "policies"
        ]
    );
    assert_eq!(planned.plan.impact, Impact { creates: 5, updates: 0, deletes: 0 });
    assert_eq!(planned.plan.next(None), Some(Place { phase: 0, step: 0 }));
}

#[test]
fn a_namespace_that_is_there_or_in_the_backup_is_not_made_bare() {
    let object = r#"{"metadata":{"name":"x"}}"#;
    let maps = kind("", "configmaps", "ConfigMap", true);
    let target = Target { namespaces: [("live".to_owned(), false)].into(), ..Target::default() };
    let objects = [
        (maps.clone(), Some("live"), "x", object),
        (maps.clone(), Some("brought"), "x", object),
        (maps, Some("lost"), "x", object),
        (kind("", "namespaces", "Namespace", false), None, "brought", r#"{"metadata":{"name":"brought"}}"#),
    ];
    let planned = planned(&objects, target, There::Nothing);
    assert_eq!(steps(&planned), ["1 namespaces", "ensure lost", "3 configuration"]);
}

#[test]
fn nothing_to_create_is_no_impact_and_what_differs_is_named() {
    let object = r#"{"metadata":{"name":"x"}}"#;
    let maps = kind("", "configmaps", "ConfigMap", true);
    let account = kind("", "serviceaccounts", "ServiceAccount", true);
    let objects = [(maps, Some("a"), "x", object), (account, Some("a"), "default", object)];
    let target = Target { namespaces: [("a".to_owned(), false)].into(), ..Target::default() };
    let planned = planned(&objects, target, There::Another);
    assert_eq!(planned.plan.impact, Impact { creates: 0, updates: 1, deletes: 0 });
    assert_eq!(steps(&planned), ["1 accounts and roles"], "a wave in which nothing is to be done has a step");
    let differing: Vec<String> = planned.known.differing.iter().map(ToString::to_string).collect();
    assert_eq!(differing, ["configmaps/a/x"]);
}

#[test]
fn what_the_cluster_lacks_is_found_before_anything_is_written() {
    let claim = r#"{"metadata":{"name":"c"},"spec":{"storageClassName":"fast","volumeName":"pv"}}"#;
    let target = Target {
        namespaces: [("a".to_owned(), true)].into(),
        volumes: [(
            "pv".to_owned(),
            VolumeState { claim: Some(("a".into(), "c".into())), released: true, ..VolumeState::default() },
        )]
        .into(),
        ..Target::default()
    };
    let claims = kind("", "persistentvolumeclaims", "PersistentVolumeClaim", true);
    let planned = planned(&[(claims, Some("a"), "c", claim)], target, There::Nothing);
    let ids: Vec<&str> = planned.known.findings.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids, ["restore-class-missing", "restore-namespace-terminating", "restore-volume-released"]);
}

#[test]
fn an_object_that_is_no_json_fails_alone() {
    let maps = kind("", "configmaps", "ConfigMap", true);
    let rules = Rules::new(Request::default(), Census::default(), Target::default());
    let mut planner = Planner::new(&rules, false);
    let source = Source { resource: &maps, namespace: Some("a"), name: "x", bytes: b"{\"metadata\"" };
    assert_eq!(
        planner.take(&source, || Ok(There::Nothing)).map(|decided| decided.action),
        Some(Action::Failed)
    );
}

const HOOK: &str = r#"{"metadata":{"name":"w"},"webhooks":[{"name":"w.x.io","failurePolicy":"Fail","clientConfig":{"service":{"namespace":"a","name":"s"}}}]}"#;

fn hooks() -> ResourceType {
    kind("admissionregistration.k8s.io", "validatingwebhookconfigurations", "V", false)
}

#[test]
fn parked_webhooks_wait_for_nobody_and_are_released_last() {
    let parked = Request { webhooks: Webhooks::Parked, wait: true, ..Request::default() };
    let pod = r#"{"metadata":{"name":"p"},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}"#;
    let objects = [(hooks(), None, "w", HOOK), (kind("", "pods", "Pod", true), Some("a"), "p", pod)];
    let there = Target { namespaces: [("a".to_owned(), false)].into(), ..Target::default() };
    let planned = planned_as(parked, &objects, there, There::Nothing);
    assert_eq!(steps(&planned), ["1 pods", "1 webhooks", "available 1", "release"]);
}

#[test]
fn what_an_earlier_restore_left_parked_is_released_whatever_is_asked_for() {
    let planned = planned(&[(hooks(), None, "w", HOOK)], Target::default(), There::Unfinished);
    assert_eq!(steps(&planned), ["1 webhooks", "release"]);
}

#[test]
fn what_was_not_available_is_not_waited_for() {
    let pod = r#"{"metadata":{"name":"p"},"status":{"phase":"Pending"}}"#;
    let request = Request { wait: true, ..Request::default() };
    let objects = [(kind("", "pods", "Pod", true), Some("a"), "p", pod)];
    let planned = planned_as(request, &objects, Target::default(), There::Nothing);
    assert_eq!(steps(&planned), ["ensure a", "1 pods"]);
}

#[test]
fn what_a_webhook_converts_comes_after_its_service_has_an_endpoint() {
    let definition = r#"{"metadata":{"name":"ws.x.io"},"spec":{"versions":[{"name":"v1","served":true},{"name":"v2","served":true,"storage":true}],
        "conversion":{"strategy":"Webhook","webhook":{"clientConfig":{"service":{"namespace":"a","name":"c"}}}}}}"#;
    let owned = r#"{"metadata":{"name":"w","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"m","uid":"1"}]}}"#;
    let objects = [
        (kind("apiextensions.k8s.io", "customresourcedefinitions", "C", false), None, "ws.x.io", definition),
        (kind("x.io", "ws", "W", true), Some("a"), "w", owned),
        (kind("apps", "deployments", "Deployment", true), Some("a"), "d", r#"{"metadata":{"name":"d"}}"#),
    ];
    let there = Target { namespaces: [("a".to_owned(), false)].into(), ..Target::default() };
    let planned = planned(&objects, there, There::Nothing);
    assert_eq!(
        steps(&planned),
        [
            "1 definitions",
            "established ws.x.io",
            "1 workloads",
            "endpoints a/c",
            "1 converted custom resources",
            "owners"
        ]
    );
}

#[test]
fn what_controllers_make_is_restored_where_asked_for_and_what_they_made_of_it_stands() {
    let owned = |kind: &str| {
        format!(
            r#"{{"metadata":{{"name":"p","ownerReferences":[{{"apiVersion":"apps/v1","kind":"{kind}","name":"o","uid":"1","controller":true}}]}},"status":{{"phase":"Running"}}}}"#
        )
    };
    let (set, job) = (owned("ReplicaSet"), owned("Job"));
    let pods = || kind("", "pods", "Pod", true);
    let objects = [(pods(), Some("a"), "p", &*set), (pods(), Some("a"), "j", &*job)];
    let made = |include_derived, there| {
        let request = Request { include_derived, ..Request::default() };
        let target = Target { namespaces: [("a".to_owned(), false)].into(), ..Target::default() };
        planned_as(request, &objects, target, there)
            .known
            .skipped
            .get(&Skip::ControllerMakes)
            .map(|group| group.count)
    };
    assert_eq!(made(false, There::Nothing), Some(2));
    assert_eq!(made(true, There::Nothing), Some(1), "a Job makes its pods in any case");
    let request = Request { include_derived: true, ..Request::default() };
    let planned = planned_as(request, &objects, Target::default(), There::Another);
    assert_eq!((planned.known.counts().same, planned.known.counts().differs), (1, 0));
}
