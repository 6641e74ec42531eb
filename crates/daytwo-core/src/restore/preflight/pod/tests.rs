use super::*;

fn spec(json: &str) -> Spec {
    let pod = format!(r#"{{"metadata":{{}},"spec":{json}}}"#);
    read("pods", pod.as_bytes()).unwrap().unwrap().spec
}

fn of(amounts: &Amounts, name: &str) -> String {
    amounts.get(name).map(ToString::to_string).unwrap_or_default()
}

#[test]
fn a_pod_asks_for_its_containers_or_for_its_greediest_start() {
    let cpu = |cpu: &str| format!(r#""resources":{{"requests":{{"cpu":"{cpu}"}}}}"#);
    let pod = spec(&format!(
        r#"{{"containers":[{{"name":"a",{}}},{{"name":"b",{}}}],
            "initContainers":[{{"name":"s","restartPolicy":"Always",{}}},{{"name":"i",{}}}],
            "overhead":{{"cpu":"10m"}}}}"#,
        cpu("100m"),
        cpu("200m"),
        cpu("50m"),
        cpu("400m"),
    ));
    // 100 + 200 + 50 beside 400 + 50 for the start.
    assert_eq!(of(&pod.requests(false), "cpu"), "450m");
    assert_eq!(of(&pod.requests(true), "cpu"), "460m");
    assert_eq!(of(&pod.limits(true), "cpu"), "", "an overhead alone is no limit");
}

#[test]
fn what_is_set_for_the_whole_pod_counts_instead_of_its_containers() {
    let pod = spec(
        r#"{"resources":{"requests":{"cpu":"2"}},"containers":[{"name":"a","resources":{"requests":{"cpu":"1","memory":"1Mi"}}}]}"#,
    );
    assert_eq!(
        (of(&pod.requests(true), "cpu"), of(&pod.requests(true), "memory")),
        ("2".into(), "1Mi".into())
    );
    assert!(pod.sets_own() && !pod.best_effort());
}

#[test]
fn a_limit_alone_is_a_request_too() {
    let pod = spec(
        r#"{"containers":[{"name":"a","resources":{"limits":{"memory":"1Gi"}}}],"initContainers":null}"#,
    );
    assert_eq!(of(&pod.requests(true), "memory"), "1Gi");
    assert!(spec(r#"{"containers":[{"name":"a","resources":{"limits":{"cpu":"0"}}}]}"#).best_effort());
}

#[test]
fn how_many_pods_come_of_a_workload() {
    let of = |resource, json: &str| makes(resource, json.as_bytes()).unwrap();
    assert_eq!(of("deployments.apps", r#"{"spec":{"replicas":3}}"#), Makes::Pods(3));
    assert_eq!(of("statefulsets.apps", r#"{"spec":{}}"#), Makes::Pods(1));
    assert_eq!(of("jobs.batch", r#"{"spec":{"parallelism":5,"completions":2}}"#), Makes::Pods(2));
    assert_eq!(of("jobs.batch", r#"{"spec":{"suspend":true}}"#), Makes::Pods(0));
    assert_eq!(of("jobs.batch", r#"{"spec":{},"status":{"completionTime":"x"}}"#), Makes::Pods(0));
    let failed = r#"{"spec":{},"status":{"conditions":[{"type":"Failed","status":"True"}]}}"#;
    assert_eq!(of("jobs.batch", failed), Makes::Pods(0));
    assert_eq!(of("daemonsets.apps", r#"{"spec":{}}"#), Makes::Unknown);
}
