use super::*;
use crate::finding::Severity;
use crate::plan::SiteIdentity;
use crate::resource::ResourceType;
use crate::restore::planner::{Planner, There};
use crate::restore::{DataElsewhere, Existing, NamespaceMapping, Request, ServedKind, Target};

/// An object of a backup: its type, namespace, name and JSON.
type Given = (ResourceType, Option<&'static str>, &'static str, String);

fn of(group: &str, resource: &str, namespace: Option<&'static str>, name: &'static str, rest: &str) -> Given {
    let kind = ResourceType {
        group: group.into(),
        version: "v1".into(),
        resource: resource.into(),
        kind: resource.into(),
        namespaced: namespace.is_some(),
    };
    let at = namespace.map(|namespace| format!(r#","namespace":"{namespace}""#)).unwrap_or_default();
    let meta = format!(r#""name":"{name}"{at}"#);
    let json = if rest.contains("@META") {
        format!("{{{}}}", rest.replacen("@META", &meta, 1))
    } else {
        let comma = if rest.is_empty() { "" } else { "," };
        format!(r#"{{"metadata":{{{meta}}}{comma}{rest}}}"#)
    };
    (kind, namespace, name, json)
}

/// The findings about restoring `objects`, of which `there` are in the cluster.
fn findings(objects: &[Given], mut target: Target, request: Request, there: There) -> Vec<Finding> {
    for (kind, ..) in objects {
        target.served.entry(kind.group_resource()).or_insert_with(|| ServedKind {
            kind: kind.kind.clone(),
            versions: vec!["v1".into()],
            namespaced: kind.namespaced,
            status: false,
        });
    }
    let source =
        |(resource, namespace, name, json): &'_ Given| (resource.clone(), *namespace, *name, json.clone());
    let all: Vec<_> = objects.iter().map(source).collect();
    let sources = || {
        all.iter().map(|(resource, namespace, name, json)| Source {
            resource,
            namespace: *namespace,
            name,
            bytes: json.as_bytes(),
        })
    };
    let mut census = Census::new(DataElsewhere::default()).made_on("v1.36.3");
    sources().for_each(|source| census.note(&request, &source).unwrap());
    let rules = Rules::new(request, census, target);
    let mut planner = Planner::new(&rules, false);
    for source in sources() {
        planner.take(&source, || Ok(there));
    }
    let site = SiteIdentity { context: "c".into(), server: "s".into(), version: "v1".into(), uid: None };
    planner.finish("run", jiff::Timestamp::UNIX_EPOCH, site, Vec::new()).known.findings
}

fn fresh(objects: &[Given], target: Target) -> Vec<Finding> {
    findings(objects, target, Request::default(), There::Nothing)
}

fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.id.as_str()).collect()
}

/// A cluster of the backup's version with the namespace `shop`.
fn target() -> Target {
    let mut target = Target { namespaces: [("shop".to_owned(), false)].into(), ..Target::default() };
    target.ground.version = "v1.36.3".into();
    target.ground.labels.insert("shop".into(), b"{}".to_vec());
    target
}

const SERVICE: &str = r#""spec":{"type":"LoadBalancer","clusterIP":"10.96.0.7","loadBalancerIP":"203.0.113.7","ports":[{"port":80,"nodePort":30080}]}"#;

#[test]
fn an_address_or_port_that_another_service_has_is_named_with_its_holder() {
    let service = of("", "services", Some("shop"), "web", SERVICE);
    let holder = ("old".to_owned(), "web".to_owned());
    let mut taken = target();
    taken.fixed = ["10.96.0.7", "TCP/30080"].map(|one| (one.to_owned(), holder.clone())).into();
    taken.ground.outside = [("203.0.113.7".to_owned(), holder)].into();
    let found = fresh(std::slice::from_ref(&service), taken);
    assert_eq!(
        ids(&found),
        ["restore-cluster-ip-taken", "restore-node-port-taken", "restore-outside-address-taken"]
    );
    assert_eq!((found[0].severity, found[1].severity), (Severity::Info, Severity::Warning));
    assert_eq!(found[1].evidence, "1 Services: services/shop/web had TCP/30080, which services/old/web has");
    assert_eq!(found[1].command.as_deref(), Some("kubectl get service web -n old -o wide"));
    assert!(fresh(&[service], target()).is_empty(), "free addresses are no finding");
}

#[test]
fn a_service_that_is_there_already_does_not_clash_with_itself() {
    let service = of("", "services", Some("shop"), "web", SERVICE);
    let mut own = target();
    let holder = ("shop".to_owned(), "web".to_owned());
    own.fixed = [("TCP/30080".to_owned(), holder)].into();
    assert!(fresh(std::slice::from_ref(&service), own.clone()).is_empty());
    own.fixed.insert("10.96.0.7".into(), ("old".into(), "web".into()));
    assert!(findings(&[service], own, Request::default(), There::Same).is_empty(), "nothing is created");
}

fn with_quota(hard: &str, used: &str) -> Target {
    let mut target = target();
    let json = format!(r#"{{"status":{{"hard":{hard},"used":{used}}}}}"#);
    target.ground.quotas.insert("shop".into(), vec![Quota::of("q", json.as_bytes()).unwrap().unwrap()]);
    target
}

#[test]
fn a_quota_counts_what_is_created_and_not_what_is_there() {
    let maps = [of("", "configmaps", Some("shop"), "a", ""), of("", "configmaps", Some("shop"), "b", "")];
    let full = with_quota(r#"{"configmaps":"2"}"#, r#"{"configmaps":"1"}"#);
    assert_eq!(ids(&fresh(&maps, full.clone())), ["restore-quota-exceeded"]);
    for there in [There::Same, There::Unfinished, There::Another] {
        assert!(findings(&maps, full.clone(), Request::default(), there).is_empty(), "{there:?}");
    }
    let elsewhere =
        Request { namespace_mapping: NamespaceMapping::parse(["shop:copy"]).unwrap(), ..Request::default() };
    assert!(findings(&maps, full, elsewhere, There::Nothing).is_empty(), "they go to another namespace");
}

const POD: &str = r#""spec":{"containers":[{"name":"a"}]}"#;

#[test]
fn defaults_of_a_limit_range_are_filled_in_before_a_quota_asks() {
    let pod = of("", "pods", Some("shop"), "a", POD);
    let mut target = with_quota(r#"{"requests.cpu":"1"}"#, r#"{"requests.cpu":"0"}"#);
    assert_eq!(ids(&fresh(std::slice::from_ref(&pod), target.clone())), ["restore-quota-unset"]);
    let range = br#"{"spec":{"limits":[{"type":"Container","defaultRequest":{"cpu":"100m"},"default":{"cpu":"1"}}]}}"#;
    target.ground.ranges.insert("shop".into(), vec![LimitRange::of("l", range).unwrap().unwrap()]);
    assert!(fresh(&[pod], target).is_empty());
}

#[test]
fn a_limit_range_refuses_pods_claims_and_the_pods_of_workloads() {
    let mut target = target();
    let range = br#"{"spec":{"limits":[{"type":"Container","max":{"cpu":"1"}},{"type":"PersistentVolumeClaim","max":{"storage":"1Gi"}}]}}"#;
    target.ground.ranges.insert("shop".into(), vec![LimitRange::of("l", range).unwrap().unwrap()]);
    let claim = r#""spec":{"volumeName":"v","resources":{"requests":{"storage":"2Gi"}}}"#;
    let objects = [
        of("", "pods", Some("shop"), "a", POD),
        of("", "persistentvolumeclaims", Some("shop"), "c", claim),
        of("apps", "deployments", Some("shop"), "d", &format!(r#""spec":{{"template":{{{POD}}}}}"#)),
    ];
    let found = fresh(&objects, target);
    let of_ranges: Vec<&Finding> =
        found.iter().filter(|finding| finding.subject == "limitranges/shop/l").collect();
    assert_eq!(of_ranges.len(), 2);
    assert!(of_ranges[0].evidence.starts_with("it refuses 2: pods/shop/a: container a: no cpu limit"));
    assert_eq!(of_ranges[1].id, "restore-limit-range-refuses-pods");
}

fn enforcing(level: &str) -> Vec<u8> {
    format!(r#"{{"pod-security.kubernetes.io/enforce":"{level}"}}"#).into_bytes()
}

#[test]
fn the_level_is_that_of_the_live_namespace_or_else_of_the_backup_s() {
    let namespace = |level: &str| {
        let labels = String::from_utf8(enforcing(level)).unwrap();
        of("", "namespaces", None, "shop", &format!(r#""metadata":{{@META,"labels":{labels}}}"#))
    };
    let deployment =
        of("apps", "deployments", Some("shop"), "d", &format!(r#""spec":{{"template":{{{POD}}}}}"#));
    let objects = |level: &str| vec![namespace(level), deployment.clone()];
    let mut live = target();
    live.ground.labels.insert("shop".into(), enforcing("restricted"));
    let found = fresh(&objects("privileged"), live.clone());
    assert_eq!(ids(&found), ["restore-pod-security-pods"]);
    assert!(
        found[0].evidence.contains("deployments.apps/shop/d fails allowPrivilegeEscalation"),
        "{}",
        found[0].evidence
    );
    assert!(found[0].breaks.contains("their pods refused"));
    assert!(found[0].command.as_ref().unwrap().ends_with("enforce=baseline"));
    let update = Request { existing: Existing::Update, ..Request::default() };
    assert!(findings(&objects("privileged"), live.clone(), update, There::Nothing).is_empty());

    assert!(fresh(&objects("restricted"), target()).is_empty(), "the live one enforces nothing");
    let mut gone = target();
    gone.namespaces.clear();
    gone.ground.labels.clear();
    assert_eq!(ids(&fresh(&objects("restricted"), gone.clone())), ["restore-pod-security-pods"]);
    // Also where it is restored under another name.
    let mapped =
        Request { namespace_mapping: NamespaceMapping::parse(["shop:copy"]).unwrap(), ..Request::default() };
    let found = findings(&objects("restricted"), gone, mapped, There::Nothing);
    assert_eq!(found[0].subject, "namespaces/copy");
    assert_eq!(found[0].command, None, "there is no such namespace yet");
}

#[test]
fn a_replica_set_is_judged_with_its_deployment() {
    let mut target = target();
    target.ground.labels.insert("shop".into(), enforcing("restricted"));
    let owner = r#""ownerReferences":[{"kind":"Deployment","name":"d","controller":true}]"#;
    let json = format!(r#""metadata":{{@META,{owner}}},"spec":{{"template":{{{POD}}}}}"#);
    assert!(fresh(&[of("apps", "replicasets", Some("shop"), "d-1", &json)], target).is_empty());
}

#[test]
fn a_csi_driver_is_missing_only_where_that_can_be_known() {
    let volume = of("", "persistentvolumes", None, "pv", r#""spec":{"csi":{"driver":"disk.csi.x.io"}}"#);
    let class = |provisioner: &str| {
        of("storage.k8s.io", "storageclasses", None, "fast", &format!(r#""provisioner":"{provisioner}""#))
    };
    let objects = [volume.clone(), class("disk.csi.x.io")];
    assert!(fresh(&objects, target()).is_empty(), "which drivers there are was not seen");
    let mut none = target();
    none.ground.drivers = Some(BTreeSet::new());
    let found = fresh(&objects, none.clone());
    assert_eq!(ids(&found), ["restore-csi-driver-missing"]);
    assert!(found[0].evidence.starts_with("2 objects name it"), "{}", found[0].evidence);
    assert!(fresh(&[class("rancher.io/local-path")], none.clone()).is_empty(), "it may be no CSI driver");
    let mut here = none.clone();
    here.ground.drivers = Some(["disk.csi.x.io".to_owned()].into());
    assert!(fresh(&objects, here).is_empty());
    let driver = of("storage.k8s.io", "csidrivers", None, "disk.csi.x.io", r#""spec":{}"#);
    assert!(fresh(&[volume, driver], none).is_empty(), "the restore brings it");
}

#[test]
fn a_claim_without_a_class_needs_a_default() {
    let claim =
        |spec: &str| of("", "persistentvolumeclaims", Some("shop"), "c", &format!(r#""spec":{{{spec}}}"#));
    let mut none = target();
    none.ground.default_class = Some(false);
    assert_eq!(ids(&fresh(&[claim("")], none.clone())), ["restore-default-class-missing"]);
    assert!(fresh(&[claim(r#""storageClassName":"""#)], none.clone()).is_empty(), "no class is a choice");
    let mut default = none.clone();
    default.ground.default_class = Some(true);
    assert!(fresh(&[claim("")], default).is_empty());
    let annotated = r#""metadata":{@META,"annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},"provisioner":"x""#;
    let class = of("storage.k8s.io", "storageclasses", None, "std", annotated);
    assert!(fresh(&[claim(""), class], none.clone()).is_empty(), "the restore brings one");
    let set = r#""spec":{"template":{"spec":{"containers":[]}},"volumeClaimTemplates":[{"metadata":{"name":"data"},"spec":{}}]}"#;
    let set = of("apps", "statefulsets", Some("shop"), "db", set);
    assert_eq!(ids(&fresh(std::slice::from_ref(&set), none.clone())), ["restore-default-class-missing"]);
    let own = of("", "persistentvolumeclaims", Some("shop"), "data-db-0", r#""spec":{"storageClassName":"""#);
    assert!(fresh(&[set, own], none).is_empty());
}

#[test]
fn a_webhook_nobody_answers_for_is_named_with_what_it_would_refuse() {
    let json = br#"{"webhooks":[{"name":"w.x.io","clientConfig":{"service":{"namespace":"ops","name":"hook"}},
        "namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["ops"]}]},
        "objectSelector":{"matchExpressions":[{"key":"skip","operator":"DoesNotExist"}]},
        "rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps","pods"]}]}]}"#;
    let name = "validatingwebhookconfigurations.admissionregistration.k8s.io";
    let mut hook = Hook::all_of(name, "policy", json).unwrap().unwrap().remove(0);
    hook.why = "its Service ops/hook has no ready endpoint".into();
    let mut dead = target();
    dead.ground.hooks = vec![hook];
    let skipped = r#""metadata":{@META,"labels":{"skip":""}}"#;
    let objects = [
        of("", "configmaps", Some("shop"), "a", ""),
        of("", "configmaps", Some("shop"), "b", skipped),
        of("", "configmaps", Some("ops"), "c", ""),
        of("", "secrets", Some("shop"), "s", ""),
        of("apps", "deployments", Some("shop"), "d", &format!(r#""spec":{{"template":{{{POD}}}}}"#)),
    ];
    let found = fresh(&objects, dead.clone());
    assert_eq!(ids(&found), ["restore-webhook-dead"]);
    assert_eq!(
        found[0].evidence,
        "its Service ops/hook has no ready endpoint; 1 objects are to be written that it is asked about: configmaps/shop/a; \
         it is asked about the pods of 1 workloads: deployments.apps/shop/d"
    );
    assert!(found[0].command.as_ref().unwrap().contains("delete validatingwebhookconfigurations policy"));
    assert!(findings(&objects, dead, Request::default(), There::Same).is_empty());
}

#[test]
fn names_that_a_mapping_makes_double_are_counted() {
    let objects = [
        of("", "configmaps", Some("a"), "x", ""),
        of("", "configmaps", Some("b"), "x", ""),
        of("", "configmaps", Some("b"), "y", ""),
    ];
    let of = |mapping: &[&str]| Request {
        namespace_mapping: NamespaceMapping::parse(mapping.iter().copied()).unwrap(),
        ..Request::default()
    };
    let found = findings(&objects, target(), of(&["a:b"]), There::Nothing);
    assert_eq!(ids(&found), ["restore-namespaces-merge", "restore-names-double"]);
    assert!(found[1].evidence.ends_with("configmaps/b/x"));
    // Swapped, both keep to themselves.
    assert!(findings(&objects, target(), of(&["a:b", "b:a"]), There::Nothing).is_empty());
    let unused = findings(&objects, target(), of(&["c:d"]), There::Nothing);
    assert_eq!((ids(&unused), unused[0].severity), (vec!["restore-mapping-unused"], Severity::Info));
}

#[test]
fn a_mapping_to_a_name_no_namespace_can_have_is_refused_before_any_plan() {
    let long = format!("shop:{}", "x".repeat(64));
    assert!(NamespaceMapping::parse([long.as_str()]).is_err());
    assert!(NamespaceMapping::parse([&long[..long.len() - 1]]).is_ok());
}

#[test]
fn a_definition_that_is_kept_does_not_serve_what_the_backup_s_would() {
    let definition = of(
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        None,
        "ws.x.io",
        r#""spec":{"versions":[{"name":"v1","served":true}]}"#,
    );
    let object = of("x.io", "ws", Some("shop"), "w", "");
    let mut other = target();
    let served =
        ServedKind { kind: "W".into(), versions: vec!["v2".into()], namespaced: true, status: false };
    other.served.insert("ws.x.io".into(), served);
    let objects = [definition, object];
    let found = fresh(&objects, other.clone());
    assert_eq!(ids(&found), ["restore-kind-not-served"]);
    assert!(found[0].remedy.contains("--existing update"), "{}", found[0].remedy);
    let update = Request { existing: Existing::Update, ..Request::default() };
    assert!(findings(&objects, other, update, There::Nothing).is_empty());
}

#[test]
fn an_older_server_is_a_finding() {
    let mut old = target();
    old.ground.version = "v1.33.1".into();
    assert_eq!(ids(&fresh(&[of("", "configmaps", Some("shop"), "a", "")], old)), ["restore-server-older"]);
}

#[test]
fn what_could_not_be_looked_at_is_not_taken_for_healthy() {
    let mut blind = target();
    blind.ground.unseen = vec!["/api/v1/resourcequotas: forbidden".into()];
    let found = fresh(&[of("", "configmaps", Some("shop"), "a", "")], blind);
    assert_eq!((ids(&found), found[0].severity), (vec!["restore-not-foreseen"], Severity::Warning));
    assert_eq!(found[0].evidence, "/api/v1/resourcequotas: forbidden");
}
