use proptest::prelude::*;

use super::*;

fn resource(group: &str, plural: &str, kind: &str, namespaced: bool) -> ResourceType {
    let [group, resource, kind] = [group, plural, kind].map(str::to_owned);
    ResourceType { group, version: "v1".to_owned(), resource, kind, namespaced }
}

fn pods() -> ResourceType {
    resource("", "pods", "Pod", true)
}

fn deployments() -> ResourceType {
    resource("apps", "deployments", "Deployment", true)
}

fn roles() -> ResourceType {
    resource("rbac.authorization.k8s.io", "clusterroles", "ClusterRole", false)
}

fn volumes() -> ResourceType {
    resource("", "persistentvolumes", "PersistentVolume", false)
}

fn namespaces() -> ResourceType {
    resource("", "namespaces", "Namespace", false)
}

fn definitions() -> ResourceType {
    resource("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition", false)
}

fn list(names: &str) -> Vec<String> {
    names.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Included and excluded namespaces, included and excluded resources.
fn filter(lists: [&str; 4]) -> Filter {
    let [include_namespaces, exclude_namespaces, include_resources, exclude_resources] = lists.map(list);
    Filter {
        include_namespaces,
        exclude_namespaces,
        include_resources,
        exclude_resources,
        ..Filter::default()
    }
}

fn object(filter: &Filter, resource: &ResourceType, json: &str) -> Choice {
    filter.object(resource, &Meta::of(json.as_bytes()).unwrap(), json.as_bytes())
}

#[test]
fn the_default_takes_everything_else() {
    let filter = Filter::default();
    for resource in [
        pods(),
        deployments(),
        roles(),
        volumes(),
        namespaces(),
        definitions(),
        resource("", "nodes", "Node", false),
    ] {
        assert_eq!(filter.resource(&resource), Choice::Take, "{resource:?}");
    }
    assert!(filter.all_namespaces() && filter.namespace("a") && filter.group("example.com"));
    assert_eq!(filter.exact_namespaces(), None);
}

#[test]
fn resources_go_by_every_name_and_by_globs() {
    for typed in [
        "deployments",
        "deployment",
        "Deployment",
        "deploy",
        "deployments.apps",
        "deployments.v1.apps",
        "*.apps",
        "deploy*",
        "d?ployments.apps",
        "{pods,deployments.apps}",
        "*",
    ] {
        assert_eq!(filter(["", "", typed, ""]).resource(&deployments()), Choice::Take, "{typed}");
        if typed != "*" {
            let excluded = Choice::LeaveOut(Reason::ResourceExcluded);
            assert_eq!(filter(["", "", "", typed]).resource(&deployments()), excluded, "{typed}");
        }
    }
    let left_out = Choice::LeaveOut(Reason::ResourceNotIncluded);
    for typed in ["pods", "deployments.batch", "*.batch", "deployment?", "deployments.v2.apps"] {
        assert_eq!(filter(["", "", typed, ""]).resource(&deployments()), left_out, "{typed}");
    }
    assert_eq!(
        filter(["", "", "pods *", ""]).resource(&deployments()),
        Choice::Take,
        "* goes before names beside it"
    );
    assert_ne!(
        filter(["", "", "deployments", "*.apps"]).resource(&deployments()),
        Choice::Take,
        "excludes win"
    );
}

#[test]
fn namespaces_go_by_globs_and_excludes_win() {
    let chosen = filter(["app-* ns[1-3] {x,yy}", "app-test", "", ""]);
    for (namespace, taken) in [
        ("app-a", true),
        ("app-", true),
        ("app-test", false),
        ("ns2", true),
        ("ns4", false),
        ("ns", false),
        ("yy", true),
        ("y", false),
    ] {
        assert_eq!(chosen.namespace(namespace), taken, "{namespace}");
    }
    assert_eq!(chosen.exact_namespaces(), None);
    assert_eq!(filter(["b a b c", "c", "", ""]).exact_namespaces(), Some(list("b a")));
    assert_eq!(filter(["", "c", "", ""]).exact_namespaces(), None);
}

#[test]
fn a_namespace_object_is_in_itself() {
    let chosen = filter(["a", "", "", ""]);
    assert_eq!(chosen.resource(&namespaces()), Choice::Take);
    assert_eq!(object(&chosen, &namespaces(), r#"{"metadata":{"name":"a"}}"#), Choice::Take);
    let outside = Choice::LeaveOut(Reason::Namespace);
    assert_eq!(object(&chosen, &namespaces(), r#"{"metadata":{"name":"b"}}"#), outside);
    assert_eq!(object(&chosen, &pods(), r#"{"metadata":{"name":"a","namespace":"b"}}"#), outside);
    let none = Filter { include_cluster_resources: Some(false), ..Filter::default() };
    assert_eq!(none.resource(&namespaces()), Choice::Take, "a namespace belongs to what is in it");
}

#[test]
fn cluster_scoped_resources_follow_velero() {
    let left_out = Choice::LeaveOut(Reason::ClusterScoped);
    let whole = Filter::default();
    let some = filter(["a", "", "", ""]);
    let all_but_one = filter(["", "kube-system", "", ""]);
    let with = |filter: &Filter, include| Filter { include_cluster_resources: include, ..filter.clone() };
    for (filter, include, choice) in [
        (&whole, None, Choice::Take),
        (&whole, Some(true), Choice::Take),
        (&whole, Some(false), left_out),
        (&some, None, left_out),
        (&some, Some(true), Choice::Take),
        (&all_but_one, None, left_out),
        (&all_but_one, Some(true), Choice::Take),
    ] {
        assert_eq!(with(filter, include).resource(&roles()), choice, "{filter:?} {include:?}");
        assert_eq!(with(filter, include).resource(&pods()), Choice::Take);
    }
    assert_eq!(with(&whole, Some(false)).resource(&volumes()), left_out);
}

#[test]
fn volumes_and_definitions_come_along_with_what_is_taken() {
    let some = filter(["a", "", "", ""]);
    assert_eq!(some.resource(&volumes()), Choice::Take);
    let volume = |namespace: &str| {
        format!(
            r#"{{"metadata":{{"name":"v"}},"spec":{{"claimRef":{{"namespace":"{namespace}","name":"c"}}}}}}"#
        )
    };
    let left_out = Choice::LeaveOut(Reason::ClusterScoped);
    assert_eq!(object(&some, &volumes(), &volume("a")), Choice::Take);
    assert_eq!(object(&some, &volumes(), &volume("b")), left_out);
    assert_eq!(object(&some, &volumes(), r#"{"metadata":{"name":"v"},"spec":{}}"#), left_out);
    let definition = |scope: &str| {
        format!(
            r#"{{"metadata":{{"name":"ws.x.io"}},"spec":{{"group":"x.io","scope":"{scope}","names":{{"plural":"ws","kind":"W"}}}}}}"#
        )
    };
    assert_eq!(object(&some, &definitions(), &definition("Namespaced")), Choice::Take);
    assert_eq!(object(&some, &definitions(), &definition("Cluster")), left_out);
    let named = filter(["", "", "ws.x.io pvc", ""]);
    assert_eq!(object(&named, &definitions(), &definition("Cluster")), Choice::Take);
    assert_eq!(named.resource(&volumes()), Choice::Take);
    assert_eq!(
        filter(["", "", "pods", ""]).resource(&volumes()),
        Choice::LeaveOut(Reason::ResourceNotIncluded)
    );
    let excluded = filter(["a", "", "", "pv crd"]);
    assert_eq!(excluded.resource(&volumes()), Choice::LeaveOut(Reason::ResourceExcluded));
    assert_eq!(excluded.resource(&definitions()), Choice::LeaveOut(Reason::ResourceExcluded));
    let excluded_claims = filter(["a", "", "", "pvc"]);
    assert_eq!(excluded_claims.resource(&volumes()), left_out);
}

#[test]
fn labels_choose_objects() {
    let filter = Filter { selector: Some("app=web".parse().unwrap()), ..filter(["a", "", "", ""]) };
    let pod = |labels: &str| format!(r#"{{"metadata":{{"name":"p","namespace":"a","labels":{labels}}}}}"#);
    assert_eq!(object(&filter, &pods(), &pod(r#"{"app":"web"}"#)), Choice::Take);
    assert_eq!(object(&filter, &pods(), &pod(r#"{"app":"db"}"#)), Choice::LeaveOut(Reason::Selector));
    assert_eq!(object(&filter, &pods(), &pod("null")), Choice::LeaveOut(Reason::Selector));
    let excluded = pod(r#"{"app":"web","velero.io/exclude-from-backup":"true"}"#);
    assert_eq!(object(&filter, &pods(), &excluded), Choice::LeaveOut(Reason::ExcludeLabel));
    let not_excluded = pod(r#"{"app":"web","velero.io/exclude-from-backup":"false"}"#);
    assert_eq!(object(&filter, &pods(), &not_excluded), Choice::Take);
    assert_eq!(
        object(&filter, &namespaces(), r#"{"metadata":{"name":"a"}}"#),
        Choice::Take,
        "chosen by name"
    );
    let all = Filter { selector: filter.selector.clone(), ..Filter::default() };
    assert_eq!(
        object(&all, &namespaces(), r#"{"metadata":{"name":"a"}}"#),
        Choice::LeaveOut(Reason::Selector)
    );
    assert_eq!(
        object(&all, &pods(), r#"{"metadata":{"name":"p","labels":{"app":1}}}"#),
        Choice::Take,
        "not to be judged"
    );
}

#[test]
fn what_a_restore_must_not_bring_back_is_left_out_unless_asked_for() {
    for (group, plural) in [
        ("", "events"),
        ("events.k8s.io", "events"),
        ("metrics.k8s.io", "pods"),
        ("networking.k8s.io", "ipaddresses"),
        ("storage.k8s.io", "volumeattachments"),
        ("velero.io", "restores"),
    ] {
        let resource = resource(group, plural, "X", true);
        assert!(
            matches!(Filter::default().resource(&resource), Choice::LeaveOut(Reason::Default(_))),
            "{plural}"
        );
        assert!(left_out_by_default(&resource, None).is_some());
        assert_eq!(filter(["", "", "*", ""]).resource(&resource), Choice::Take, "{plural}");
        assert_eq!(
            filter(["", "", &resource.group_resource(), ""]).resource(&resource),
            Choice::Take,
            "{plural}"
        );
        assert_eq!(
            filter(["", "", "*", plural]).resource(&resource),
            Choice::LeaveOut(Reason::ResourceExcluded)
        );
    }
}

#[test]
fn derived_objects_are_left_out_and_those_made_by_hand_are_kept() {
    let leases = resource("coordination.k8s.io", "leases", "Lease", true);
    let endpoints = resource("", "endpoints", "Endpoints", true);
    let slices = resource("discovery.k8s.io", "endpointslices", "EndpointSlice", true);
    let services = resource("apiregistration.k8s.io", "apiservices", "APIService", false);
    let derived = [
        (&leases, r#"{"metadata":{"name":"n","namespace":"kube-node-lease"}}"#),
        (
            &leases,
            r#"{"metadata":{"name":"n","namespace":"kube-system","labels":{"apiserver.kubernetes.io/identity":"x"}}}"#,
        ),
        (&endpoints, r#"{"metadata":{"name":"kubernetes","namespace":"default"}}"#),
        (
            &endpoints,
            r#"{"metadata":{"name":"n","namespace":"a","labels":{"endpoints.kubernetes.io/managed-by":"endpoint-controller"}}}"#,
        ),
        (
            &endpoints,
            r#"{"metadata":{"name":"n","namespace":"a","annotations":{"endpoints.kubernetes.io/last-change-trigger-time":"t"}}}"#,
        ),
        (
            &endpoints,
            r#"{"metadata":{"name":"n","namespace":"a","managedFields":[{"manager":"kube-controller-manager"}]}}"#,
        ),
        (
            &slices,
            r#"{"metadata":{"name":"n","namespace":"a","labels":{"endpointslice.kubernetes.io/managed-by":"endpointslicemirroring-controller.k8s.io"}}}"#,
        ),
        (
            &services,
            r#"{"metadata":{"name":"v1.apps","labels":{"kube-aggregator.kubernetes.io/automanaged":"onstart"}}}"#,
        ),
    ];
    for (resource, json) in derived {
        assert_eq!(Filter::default().resource(resource), Choice::Take);
        assert!(
            matches!(object(&Filter::default(), resource, json), Choice::LeaveOut(Reason::Default(_))),
            "{json}"
        );
        assert_eq!(object(&filter(["", "", "*", ""]), resource, json), Choice::Take, "{json}");
        assert_eq!(object(&filter(["", "", &resource.resource, ""]), resource, json), Choice::Take, "{json}");
    }
    let by_hand = [
        (&leases, r#"{"metadata":{"name":"n","namespace":"kube-system"}}"#),
        (&endpoints, r#"{"metadata":{"name":"n","namespace":"a"}}"#),
        (
            &endpoints,
            r#"{"metadata":{"name":"n","namespace":"a","managedFields":[{"manager":"kube-controller-manager"},{"manager":"kubectl"}]}}"#,
        ),
        (
            &slices,
            r#"{"metadata":{"name":"n","namespace":"a","labels":{"endpointslice.kubernetes.io/managed-by":"me"}}}"#,
        ),
        (&services, r#"{"metadata":{"name":"v1.x.io"}}"#),
    ];
    for (resource, json) in by_hand {
        assert_eq!(object(&Filter::default(), resource, json), Choice::Take, "{json}");
    }
}

#[test]
fn every_row_of_the_defaults_can_match() {
    for row in DEFAULTS {
        let (plural, group) = row.resource.split_once('.').unwrap_or((row.resource, ""));
        let resource = resource(group, if plural == "*" { "any" } else { plural }, "X", true);
        match row.objects {
            Objects::All => assert_eq!(left_out_by_default(&resource, None), Some(row.why)),
            Objects::Named(namespace, name) => {
                let json = format!(r#"{{"metadata":{{"name":"{name}","namespace":"{namespace}"}}}}"#);
                assert_eq!(
                    left_out_by_default(&resource, Some(&Meta::of(json.as_bytes()).unwrap())),
                    Some(row.why)
                );
            }
            _ => assert_eq!(left_out_by_default(&resource, None), None, "{row:?}"),
        }
    }
}

#[test]
fn an_unknown_group_counts_where_the_filter_could_want_it() {
    let wanted = |include: &str, exclude: &str| filter(["", "", include, exclude]).group("x.io");
    for include in ["", "*", "*.x.io", "ws.x.io", "w*", "ws", "pods,*", "*.io"] {
        assert!(wanted(&include.replace(',', " "), ""), "{include}");
    }
    for include in ["pods", "ws.y.io", "*.y.io", "deployments.apps deploy"] {
        assert!(!wanted(include, ""), "{include}");
    }
    assert!(!wanted("", "*.x.io"));
    assert!(wanted("", "ws.x.io"));
    assert!(!Filter::default().group("metrics.k8s.io"));
    assert!(filter(["", "", "*", ""]).group("metrics.k8s.io"));
}

#[test]
fn names_are_resolved_to_one_type_each() {
    let knative = resource("serving.knative.dev", "services", "Service", true);
    let core = resource("", "services", "Service", true);
    let known: Vec<Named> = [core.clone(), knative.clone(), deployments()].map(Named::from).to_vec();
    let mut chosen = filter(["", "", "svc deploy* zz.* secrte", "Deployment.apps"]);
    assert_eq!(chosen.resolve(&known), list("zz.* secrte"));
    assert_eq!(chosen.exclude_resources, list("deployments.apps"));
    let mut excluded = filter(["", "", "", "services"]);
    assert_ne!(excluded.resource(&knative), Choice::Take);
    assert_eq!(excluded.resolve(&known), list(""));
    assert_ne!(excluded.resource(&core), Choice::Take);
    assert_eq!(excluded.resource(&knative), Choice::Take);
}

#[test]
fn filters_that_cannot_be_meant_are_refused() {
    for lists in [
        ["a**", "", "", ""],
        ["a|b", "", "", ""],
        ["!a", "", "", ""],
        ["a[", "", "", ""],
        ["a[]", "", "", ""],
        ["{a", "", "", ""],
        ["{,}", "", "", ""],
        ["a]", "", "", ""],
        ["", "*", "", ""],
        ["", "", "", "*"],
        ["a b", "b", "", ""],
        ["", "", "pods", "pods"],
    ] {
        assert!(filter(lists).check().is_err(), "{lists:?}");
    }
    assert_eq!(filter(["a-* b?", "c[a-c]{x,y}", "*", "pods"]).check(), Ok(()));
    assert_eq!(
        filter(["a**", "", "", ""]).check().unwrap_err().to_string(),
        r#"cannot read the pattern "a**": ** is not supported; patterns are made of *, ?, [a-c] and {a,b}"#
    );
}

proptest! {
    #[test]
    fn a_glob_fits_what_it_was_made_of(words in prop::collection::vec("[a-c.-]{0,3}", 1..4)) {
        prop_assert!(glob::matches(&words.join("*"), &words.concat()));
        prop_assert!(glob::matches(&words.join("?"), &words.join("x")));
        prop_assert!(glob::matches(&words.join("[x-z]"), &words.join("y")));
        let choice = glob::matches(&words.join("{n,xy,}"), &words.join("xy"));
        let longer = glob::matches(&words.join("?"), &[words.join("x"), "zz".to_owned()].concat());
        prop_assert_eq!((choice, longer), (true, false));
    }

    #[test]
    fn any_pattern_is_tried_or_refused(pattern in "[ab*?\\[\\]{},-]{0,10}", text in "[ab,{]{0,8}") {
        let (_, matched) = (glob::check(&pattern), glob::matches(&pattern, &text));
        prop_assert!(matched || pattern != "*");
    }
}
