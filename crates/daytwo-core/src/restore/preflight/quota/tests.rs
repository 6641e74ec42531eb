use super::super::pod::{makes, read};
use super::*;

fn quota(spec: &str, hard: &str, used: &str) -> Quota {
    let json = format!(r#"{{"spec":{{{spec}}},"status":{{"hard":{hard},"used":{used}}}}}"#);
    Quota::of("q", json.as_bytes()).unwrap().unwrap()
}

fn key(resource: &str, name: &str) -> ObjectKey {
    ObjectKey { resource: resource.into(), namespace: Some("shop".into()), name: name.into() }
}

/// The findings about `objects`, each a resource and its JSON.
fn findings(quota: &Quota, objects: &[(&str, &str)]) -> Vec<Finding> {
    let mut demand = Demand::default();
    let quotas = std::slice::from_ref(quota);
    for (n, (resource, json)) in objects.iter().enumerate() {
        let key = key(resource, &format!("o{n}"));
        demand.take(quotas, &charge(resource, json.as_bytes()).unwrap(), &key);
        if let Some(pod) = read(resource, json.as_bytes()).unwrap() {
            demand.take_pod(quotas, &pod, &key, makes(resource, json.as_bytes()).unwrap());
        }
    }
    let mut findings = Vec::new();
    demand.findings(&mut findings);
    findings
}

fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.id.as_str()).collect()
}

const POD: &str = r#"{"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"500m"}}}]}}"#;

#[test]
fn objects_are_counted_to_the_last_that_fits() {
    let quota =
        quota("", r#"{"count/configmaps":"3","secrets":"1"}"#, r#"{"count/configmaps":"1","secrets":"0"}"#);
    let map = ("configmaps", "{}");
    assert!(findings(&quota, &[map, map, ("secrets", "{}")]).is_empty());
    let found = findings(&quota, &[map, map, map]);
    assert_eq!(ids(&found), ["restore-quota-exceeded"]);
    assert_eq!(found[0].evidence, "count/configmaps: 1 of 3 used, the backup adds 3, 1 too much");
    assert!(found[0].command.as_ref().unwrap().contains(r#"{"count/configmaps":"4"}"#));
}

#[test]
fn what_the_quota_is_over_already_is_not_the_restore_s() {
    let quota = quota("", r#"{"pods":"1","secrets":"5"}"#, r#"{"pods":"7","secrets":"0"}"#);
    assert!(findings(&quota, &[("secrets", "{}")]).is_empty());
}

#[test]
fn pods_are_refused_and_workloads_come_without_theirs() {
    let quota = quota("", r#"{"requests.cpu":"2","pods":"10"}"#, r#"{"requests.cpu":"500m","pods":"1"}"#);
    assert!(findings(&quota, &[("pods", POD), ("pods", POD), ("pods", POD)]).is_empty());
    assert_eq!(ids(&findings(&quota, &[("pods", POD); 4])), ["restore-quota-exceeded"]);
    let deployment = format!(r#"{{"spec":{{"replicas":4,"template":{POD}}}}}"#);
    let found = findings(&quota, &[("deployments.apps", &deployment)]);
    assert_eq!(ids(&found), ["restore-quota-exceeded-by-pods"]);
    assert!(found[0].evidence.starts_with("requests.cpu: 500m of 2 used"), "{}", found[0].evidence);
    let daemons = format!(r#"{{"spec":{{"template":{POD}}}}}"#);
    assert!(findings(&quota, &[("daemonsets.apps", &daemons)]).is_empty(), "how many is not known");
}

#[test]
fn a_quota_of_cpu_refuses_pods_that_do_not_ask_for_any() {
    let quota = quota("", r#"{"limits.memory":"1Gi"}"#, r#"{"limits.memory":"0"}"#);
    let found = findings(
        &quota,
        &[("pods", POD), ("daemonsets.apps", &format!(r#"{{"spec":{{"template":{POD}}}}}"#))],
    );
    assert_eq!(ids(&found), ["restore-quota-unset", "restore-quota-unset-pods"]);
    assert!(found[0].evidence.ends_with("pods/shop/o0: container a does not set limits.memory"));
    let whole = r#"{"spec":{"resources":{"requests":{"cpu":"1"}},"containers":[{"name":"a"}]}}"#;
    assert!(findings(&quota, &[("pods", whole)]).is_empty(), "resources of the whole pod are enough");
}

#[test]
fn node_ports_balancers_and_storage_are_charged_as_the_server_charges_them() {
    let of = |resource: &str, json: &str, name: &str| {
        charge(resource, json.as_bytes()).unwrap().get(name).map(ToString::to_string)
    };
    let balanced = r#"{"spec":{"type":"LoadBalancer","ports":[{"port":1},{"port":2,"nodePort":30000}]}}"#;
    assert_eq!(of("services", balanced, "services.nodeports").unwrap(), "2");
    let without = balanced.replace(r#""ports""#, r#""allocateLoadBalancerNodePorts":false,"ports""#);
    assert_eq!(of("services", &without, "services.nodeports").unwrap(), "1");
    assert_eq!(of("services", &without, "services.loadbalancers").unwrap(), "1");
    assert_eq!(of("services", r#"{"spec":{"type":"ClusterIP"}}"#, "services.nodeports"), None);
    let claim = r#"{"spec":{"storageClassName":"fast","resources":{"requests":{"storage":"1500m"}}}}"#;
    assert_eq!(of("persistentvolumeclaims", claim, "requests.storage").unwrap(), "2");
    assert_eq!(
        of("persistentvolumeclaims", claim, "fast.storageclass.storage.k8s.io/persistentvolumeclaims")
            .unwrap(),
        "1"
    );
    assert_eq!(of("widgets.example.com", "{}", "count/widgets.example.com").unwrap(), "1");
}

#[test]
fn a_scope_counts_only_the_pods_within() {
    let hard = r#"{"pods":"0","count/configmaps":"0"}"#;
    let none = r#"{"pods":"0","count/configmaps":"0"}"#;
    let of = |spec: &str| quota(spec, hard, none);
    let best = r#"{"spec":{"containers":[{"name":"a"}]}}"#;
    assert!(findings(&of(r#""scopes":["BestEffort"]"#), &[("pods", POD), ("configmaps", "{}")]).is_empty());
    assert_eq!(
        ids(&findings(&of(r#""scopes":["BestEffort","NotTerminating"]"#), &[("pods", best)])),
        ["restore-quota-exceeded"]
    );
    let high = of(
        r#""scopeSelector":{"matchExpressions":[{"scopeName":"PriorityClass","operator":"In","values":["high"]}]}"#,
    );
    assert!(findings(&high, &[("pods", best)]).is_empty());
    let urgent = best.replace(r#""containers""#, r#""priorityClassName":"high","containers""#);
    assert_eq!(ids(&findings(&high, &[("pods", &urgent)])), ["restore-quota-exceeded"]);
}

#[test]
fn a_quota_without_a_status_refuses_nothing_yet() {
    let fresh = Quota::of("q", br#"{"spec":{"hard":{"secrets":"0"}},"status":{}}"#).unwrap().unwrap();
    assert!(findings(&fresh, &[("secrets", "{}")]).is_empty());
    assert!(Quota::of("q", br#"{"status":{"hard":{"secrets":"few"}}}"#).unwrap().is_none());
}

#[test]
fn quotas_of_pods_are_told_from_others() {
    for (name, is) in [
        ("pods", true),
        ("count/pods", true),
        ("cpu", true),
        ("limits.memory", true),
        ("requests.nvidia.com/gpu", true),
        ("hugepages-2Mi", true),
        ("requests.storage", false),
        ("fast.storageclass.storage.k8s.io/requests.storage", false),
        ("services", false),
        ("count/deployments.apps", false),
    ] {
        assert_eq!(charge::is_of_pods(name), is, "{name}");
    }
}
