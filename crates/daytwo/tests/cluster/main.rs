//! The verbs against a real control plane, as a person uses them: exit codes and what is said.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot start its parts, or read what it asked for, fails"
)]

#[path = "../cli/run.rs"]
#[allow(dead_code, reason = "shared with the tests that need no cluster")]
mod run;

#[path = "../cli/conform.rs"]
#[allow(dead_code, reason = "shared with the tests that need no cluster")]
mod conform;

mod changes;
mod etcd;
mod etcd_files;
mod interrupt;
mod job;
mod prune;
mod rights;
mod runs;
mod saved;
mod secrets;
mod twin;
mod velero_location;
mod view;

use std::time::Duration;

use testbed::ControlPlane;

use run::{Person, Ran};

/// How long the control plane may take for what it does by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A person with a folder for backups, at a control plane.
struct Operator {
    person: Person,
    plane: &'static ControlPlane,
}

impl Operator {
    /// `None` where the parts of a control plane are missing, which has been said.
    fn new() -> Option<Self> {
        let plane = testbed::shared::control_plane()?;
        let person = Person::new()
            .with("DAYTWO_LOCATION", "./store")
            .with("KUBECONFIG", plane.kubeconfig().to_str().unwrap());
        Some(Self { person, plane })
    }

    fn run(&self, line: &str) -> Ran {
        self.person.run(line)
    }

    fn kubectl(&self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.plane.kubectl(&words).unwrap()
    }

    fn apply(&self, yaml: &str) {
        self.plane.kubectl_stdin(&["apply", "-f", "-"], yaml).unwrap();
    }

    /// A namespace with settings, a Secret, a Service and a suspended Job.
    fn fill(&self, namespace: &str) {
        self.kubectl(&format!("create namespace {namespace}"));
        self.apply(&SHOP.replace("NAMESPACE", namespace));
        testbed::until(PATIENCE, "the namespace's own objects", || {
            let there = self.kubectl(&format!("get cm,sa -n {namespace} -o name"));
            let whole = there.contains("kube-root-ca.crt") && there.contains("serviceaccount/default");
            Ok(whole.then_some(()))
        })
        .unwrap();
    }

    fn lose(&self, namespace: &str) {
        self.kubectl(&format!("delete namespace {namespace} --wait=true --timeout=60s"));
    }
}

const SHOP: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: NAMESPACE, labels: {app: shop}}
data: {colour: green, "yes": "yes", mode: "0644"}
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: NAMESPACE}
stringData: {password: pl4nted-in-data}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: NAMESPACE}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: later, namespace: NAMESPACE}
spec:
  suspend: true
  template:
    spec:
      restartPolicy: Never
      containers: [{name: c, image: registry.invalid/nothing}]
"#;
