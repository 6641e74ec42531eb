use super::*;
use crate::resource::ResourceType;
use crate::restore::{
    Census, DataElsewhere, NamespaceMapping, Request, Rules, ServedKind, Target, VolumeState,
};

/// Group, plural, kind, and whether it lies in a namespace.
type Type = (&'static str, &'static str, &'static str, bool);

const CLAIM: Type = ("", "persistentvolumeclaims", "PersistentVolumeClaim", true);
const VOLUME: Type = ("", "persistentvolumes", "PersistentVolume", false);
const SERVICE: Type = ("", "services", "Service", true);
const CRON_JOB: Type = ("batch", "cronjobs", "CronJob", true);
const DEPLOYMENT: Type = ("apps", "deployments", "Deployment", true);
const JOB: Type = ("batch", "jobs", "Job", true);

fn kind((group, resource, kind, namespaced): Type) -> ResourceType {
    ResourceType {
        group: group.into(),
        version: "v1".into(),
        resource: resource.into(),
        kind: kind.into(),
        namespaced,
    }
}

/// The rules for a backup of `objects`, all of them called `x` in the namespace `shop`.
fn rules(objects: &[(Type, &str)], changes: Changes, target: Target) -> Rules {
    let request = Request { changes, ..Request::default() };
    let mut census = Census::new(DataElsewhere::default());
    let mut target = target;
    for (object, bytes) in objects {
        let kind = kind(*object);
        let status = true;
        let served =
            ServedKind { kind: kind.kind.clone(), versions: vec!["v1".into()], namespaced: object.3, status };
        target.served.insert(kind.group_resource(), served);
        census.note(&request, &source(&kind, bytes)).unwrap();
    }
    Rules::new(request, census, target)
}

fn source<'a>(kind: &'a ResourceType, bytes: &'a str) -> Source<'a> {
    Source {
        resource: kind,
        namespace: kind.namespaced.then_some("shop"),
        name: "x",
        bytes: bytes.as_bytes(),
    }
}

/// What is sent for an object, and what was noted.
fn sent(rules: &Rules, object: Type, bytes: &str) -> (String, Vec<String>) {
    let write = rules.prepare(&source(&kind(object), bytes)).unwrap();
    (String::from_utf8(write.body).unwrap(), write.notes)
}

/// Whether an object as it was sent is the same as the backup's, once it is there.
fn is_same(rules: &Rules, object: Type, bytes: &str, live: &str) -> bool {
    let mut wanted = Vec::new();
    rules.content(&source(&kind(object), bytes), &mut |part| wanted.extend_from_slice(part)).unwrap();
    let mut there = Vec::new();
    let (resource, namespace) = (kind(object).group_resource(), object.3.then_some("shop"));
    let sink = &mut |part: &[u8]| there.extend_from_slice(part);
    rules.live_content(&resource, namespace, "x", live.as_bytes(), sink).unwrap();
    wanted == there
}

#[test]
fn a_changed_object_is_the_same_when_it_is_there() {
    let objects = [
        (CLAIM, r#"{"metadata":{"namespace":"shop","name":"x"},"spec":{"storageClassName":"fast"}}"#),
        (CRON_JOB, r#"{"metadata":{"namespace":"shop","name":"x"},"spec":{"suspend":false}}"#),
        (
            DEPLOYMENT,
            r#"{"metadata":{"namespace":"shop","name":"x"},"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
        ),
    ];
    let file = serde_json::json!({ "version": "v1", "resourceModifierRules": [{
        "conditions": { "groupResource": "deployments.apps", "namespaces": ["shop"] },
        "patches": [{ "operation": "replace", "path": "/spec/replicas", "value": "1" }],
    }] });
    let changes = Changes {
        storage_classes: ClassMapping::parse(["fast:ssd"]).unwrap(),
        images: ImageMapping::parse(["a=b"]).unwrap(),
        annotations: Annotations::parse(["team=x"]).unwrap(),
        suspend_cronjobs: true,
        modifiers: Modifiers::parse(file, &|_| Err(String::new())).unwrap(),
        ..Changes::default()
    };
    let rules = rules(&objects, changes, Target::default());
    let expected = [r#""storageClassName":"ssd""#, r#""suspend":true"#, r#""image":"b:1""#];
    for ((object, bytes), expected) in objects.into_iter().zip(expected) {
        let (body, _) = sent(&rules, object, bytes);
        assert!(body.contains(expected) && body.contains(r#""team":"x""#), "{body}");
        assert!(is_same(&rules, object, bytes, &body));
        assert!(!is_same(&rules, object, bytes, bytes), "what is as it was differs: {bytes}");
    }
    let needed: Vec<&str> = rules.census().classes_needed().map(|((_, name), _)| name).collect();
    assert_eq!(needed, ["ssd"], "the class to be there is the mapped one");
}

#[test]
fn a_suspended_cron_job_says_how_to_let_it_go_unless_it_was_suspended() {
    let job =
        |suspend: &str| format!(r#"{{"metadata":{{"namespace":"shop","name":"x"}},"spec":{{{suspend}}}}}"#);
    let changes = Changes { suspend_cronjobs: true, ..Changes::default() };
    let rules = rules(&[(CRON_JOB, &job(""))], changes, Target::default());
    let (body, notes) = sent(&rules, CRON_JOB, &job(""));
    assert!(body.contains(r#""suspend":true"#), "{body}");
    assert!(
        notes[0].contains(r#"kubectl patch cronjob x -n shop -p '{"spec":{"suspend":false}}'"#),
        "{notes:?}"
    );
    let (body, notes) = sent(&rules, CRON_JOB, &job(r#""suspend":true"#));
    assert!(body.contains(r#""suspend":true"#) && notes.is_empty(), "{notes:?}");
}

#[test]
fn a_claim_and_its_volume_change_class_together_and_keep_that_of_a_volume_that_is_there() {
    let claim =
        r#"{"metadata":{"namespace":"shop","name":"x"},"spec":{"storageClassName":"fast","volumeName":"x"}}"#;
    let volume = r#"{"metadata":{"name":"x"},"spec":{"storageClassName":"fast","claimRef":{"namespace":"shop","name":"x"}}}"#;
    let with = |target: Target| {
        let changes =
            Changes { storage_classes: ClassMapping::parse(["fast:ssd"]).unwrap(), ..Changes::default() };
        let rules = rules(&[(CLAIM, claim), (VOLUME, volume)], changes, target);
        [(CLAIM, claim), (VOLUME, volume)].map(|(object, bytes)| {
            let (body, _) = sent(&rules, object, bytes);
            if body.contains(r#""storageClassName":"ssd""#) { "ssd" } else { "fast" }
        })
    };
    let live = |class: &str| {
        let state = VolumeState { class: class.into(), ..VolumeState::default() };
        Target { volumes: [("x".to_owned(), state)].into(), ..Target::default() }
    };
    assert_eq!(with(Target::default()), ["ssd", "ssd"]);
    assert_eq!(with(live("fast")), ["fast", "fast"]);
    assert_eq!(with(live("ssd")), ["ssd", "ssd"], "as an earlier run made it");
}

#[test]
fn a_service_gets_new_ports_and_addresses_where_that_is_asked_and_is_the_same_with_them() {
    let service = r#"{"metadata":{"namespace":"shop","name":"x"},"spec":{"clusterIP":"10.0.0.7","clusterIPs":["10.0.0.7"],"healthCheckNodePort":31000,"ports":[{"port":80,"nodePort":30080}]}}"#;
    let live = service.replace("10.0.0.7", "10.0.0.8").replace("30080", "30081").replace("31000", "31001");
    let with = |changes: Changes| {
        let rules = rules(&[(SERVICE, service)], changes, Target::default());
        (sent(&rules, SERVICE, service).0, is_same(&rules, SERVICE, service, &live))
    };
    let (body, same) = with(Changes { new_node_ports: true, new_cluster_ips: true, ..Changes::default() });
    assert!(!body.contains("odePort") && !body.contains("clusterIP") && same, "{body}");
    let (body, same) = with(Changes { new_node_ports: true, ..Changes::default() });
    assert!(!body.contains("odePort") && body.contains("10.0.0.7") && !same, "{body}");
    let (body, same) = with(Changes::default());
    assert!(body.contains("30080") && !same, "{body}");
    let headless =
        r#"{"metadata":{"namespace":"shop","name":"x"},"spec":{"clusterIP":"None","clusterIPs":["None"]}}"#;
    let changes = Changes { new_cluster_ips: true, ..Changes::default() };
    let rules = rules(&[(SERVICE, headless)], changes, Target::default());
    assert!(
        sent(&rules, SERVICE, headless).0.contains(r#""clusterIP":"None""#),
        "a headless Service has none to lose"
    );
}

#[test]
fn a_built_in_kind_gets_its_status_back_where_that_is_asked() {
    let deployment = r#"{"metadata":{"namespace":"shop","name":"x","generation":4},"spec":{},"status":{"observedGeneration":4,"replicas":2}}"#;
    let finished = r#"{"metadata":{"namespace":"shop","name":"x"},"spec":{},"status":{"conditions":[{"type":"Complete","status":"True"}]}}"#;
    let status = |words: &[&str], object: Type, bytes: &str| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let choice = StatusChoice::of(words);
        let rules =
            rules(&[(object, bytes)], Changes { status: choice, ..Changes::default() }, Target::default());
        let write = rules.prepare(&source(&kind(object), bytes)).unwrap();
        assert!(!String::from_utf8(write.body).unwrap().contains("status"));
        write.later.and_then(|later| later.status).map(|status| String::from_utf8(status).unwrap())
    };
    assert_eq!(status(&[], DEPLOYMENT, deployment), None);
    let given = status(&["deployments.apps"], DEPLOYMENT, deployment);
    assert_eq!(given.as_deref(), Some(r#"{"observedGeneration":1,"replicas":2}"#));
    assert_eq!(status(&["*"], JOB, finished), None, "a finished Job has its own way to its status");
}

#[test]
fn a_request_without_changes_says_nothing_of_them_and_one_with_them_is_kept() {
    let none = serde_json::to_string(&Request::default()).unwrap();
    assert!(!none.contains("changes"), "{none}");
    let changes = Changes {
        storage_classes: ClassMapping::parse(["a:b"]).unwrap(),
        annotations: Annotations::parse(["k=v", "l-"]).unwrap(),
        new_node_ports: true,
        ..Changes::default()
    };
    let mapping = NamespaceMapping::parse(["a:b"]).unwrap();
    let request = Request { changes, namespace_mapping: mapping, ..Request::default() };
    let json = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&json).unwrap(), request);
    assert!(
        json.contains(
            r#""changes":{"storageClasses":{"a":"b"},"annotations":{"k":"v","l":null},"newNodePorts":true}"#
        ),
        "{json}"
    );
}
