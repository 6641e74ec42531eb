//! Twins beside the real thing: a drill says what the restore then says, and kubectl sees the past.

use serde_json::Value;

use crate::Operator;
use crate::conform::conforms;
use crate::run::Ran;

/// A workload, and what a server will not change in place.
const HELD: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: fixed, namespace: drilled}
immutable: true
data: {colour: green}
---
apiVersion: v1
kind: Secret
metadata: {name: typed, namespace: drilled}
type: kubernetes.io/basic-auth
stringData: {username: a, password: b}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: drilled}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: 'registry.invalid/app:1'}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: front, namespace: drilled}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: drilled}
spec: {accessModes: [ReadWriteOnce], storageClassName: absent, resources: {requests: {storage: 1Gi}}}
";

/// The same names, as a server keeps them that was asked for something else.
const OTHERWISE: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: fixed, namespace: drilled}
immutable: true
data: {colour: red}
---
apiVersion: v1
kind: Secret
metadata: {name: typed, namespace: drilled}
type: Opaque
stringData: {username: a}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: drilled}
spec:
  replicas: 0
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec: {containers: [{name: app, image: 'registry.invalid/app:2'}]}
";

/// Who would be asked of every ConfigMap of the namespace, and is not there: a server goes on without.
const WEBHOOK: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: drilled}
webhooks:
- name: drilled.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  timeoutSeconds: 1
  clientConfig: {url: 'https://127.0.0.1:9/'}
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: drilled}}
  rules: [{operations: [CREATE], apiGroups: [''], apiVersions: [v1], resources: [configmaps]}]
";

/// What a report says but for names of runs, times, places, and what only a drill says.
///
/// A controller makes the account `default` of every namespace: in a twin with the namespace, in a cluster soon after it,
/// before or after the restore comes to it.
fn told(ran: &Ran) -> Value {
    let mut report = ran.json();
    conforms(&report);
    for counts in ["/counts", "/resources/serviceaccounts"] {
        if let Some(counts) = report.pointer_mut(counts) {
            let there = counts["created"].as_u64().unwrap() + counts["same"].as_u64().unwrap();
            counts["created"] = there.into();
            counts["same"] = 0.into();
        }
    }
    for volatile in ["run", "started", "finished", "waves", "site", "request"] {
        report.as_object_mut().unwrap().remove(volatile);
    }
    let of_drills = ["restore-not-checked", "restore-webhooks-not-asked"];
    report["findings"].as_array_mut().unwrap().retain(|one| !of_drills.iter().any(|id| one["id"] == *id));
    report
}

#[test]
fn a_drill_in_a_twin_of_the_cluster_says_what_the_restore_then_says() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("drilled");
    operator.apply(HELD);
    operator.run("backup create d --include-namespaces drilled --include-cluster-resources=false").exits(0);
    for name in ["cm/fixed", "secret/typed", "deploy/front", "job/later", "cm/settings"] {
        operator.kubectl(&format!("delete {name} -n drilled --wait=true"));
    }
    operator.apply(OTHERWISE);
    operator.apply(WEBHOOK);
    let restore = "--from d --existing update -o json";
    let drill = operator.run(&format!("restore create drill {restore} --into twin:cluster"));
    assert!(!operator.kubectl("get cm -n drilled -o name").contains("settings"), "a drill wrote");
    let real = operator.run(&format!("restore create real {restore}"));
    assert_eq!(drill.code, real.code, "{drill:?}");
    let asked = drill.json()["findings"].as_array().unwrap().clone();
    let asked = asked.into_iter().find(|one| one["id"] == "restore-webhooks-not-asked").unwrap();
    let evidence = asked["evidence"].as_str().unwrap();
    assert!(evidence.contains("drilled.example.com of validatingwebhookconfigurations"), "{evidence}");
    let (drill, real) = (told(&drill), told(&real));
    assert!(
        real["counts"]["failed"].as_u64() >= Some(3) && real["counts"]["created"].as_u64() >= Some(2),
        "{real:#}"
    );
    assert_eq!(drill, real);

    // And where nothing of it is there.
    operator.kubectl("delete validatingwebhookconfiguration drilled");
    operator.lose("drilled");
    let drill = operator.run("restore create drill-2 --from d --into twin:cluster -o json");
    let real = operator.run("restore create real-2 --from d -o json");
    assert_eq!(drill.code, real.code, "{drill:?}");
    assert_eq!(told(&drill), told(&real));
}

#[test]
fn kubectl_asks_a_snapshot_what_was_and_a_backup_what_is() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("past");
    let version = || operator.kubectl("get cm settings -n past -o jsonpath={.metadata.resourceVersion}");
    let before = version();
    operator.kubectl("patch cm settings -n past --type=merge -p {\"data\":{\"colour\":\"red\"}}");
    let after = version();
    let file = operator.person.home().join("past.db");
    operator.plane.etcdctl(&["snapshot", "save", file.to_str().unwrap()]).unwrap();
    let kubectl = operator.plane.kubectl_path().unwrap();
    let ask = |from: &str, words: &str| {
        let line = format!("twin kubectl --from {from} --kubectl {} -- {words}", kubectl.display());
        operator.run(&line)
    };
    let colour = "get cm settings -n past -o jsonpath={.data.colour}";
    for (at, is) in [(format!("@{before}"), "green"), (format!("@{after}"), "red"), (String::new(), "red")] {
        assert_eq!(ask(&format!("etcd:past.db{at}"), colour).exits(0).stdout, is, "{at}");
    }
    ask("etcd:past.db@999999999", colour).exits(2).says("the newest is");
    operator.run("backup create p --include-namespaces past").exits(0);
    let there = ask("backup:p", "get cm,secret,svc,job -n past -o name").exits(0).stdout;
    assert_eq!(there, operator.kubectl("get cm,secret,svc,job -n past -o name"));
    ask("backup:p", "get cm nothing -n past").exits(1).says("NotFound");
}
