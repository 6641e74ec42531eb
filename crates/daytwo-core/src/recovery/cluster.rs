//! What is the same on every distribution once a kube-apiserver answers: webhooks, nodes, and whether it is this cluster.

use std::collections::BTreeMap;

use super::shell::{command, quote};
use super::{Facts, Request, Step, Webhook};

/// How kubectl is called on the first server.
#[derive(Debug, Clone)]
pub(super) struct Kubectl(pub String);

impl Kubectl {
    fn of(&self, words: &[&str]) -> String {
        format!("{} {}", self.0, command(words))
    }

    pub(super) fn ready(&self, otherwise: &str) -> Step {
        Step::new("Does kube-apiserver answer?")
            .run(self.of(&["get", "--raw", "/readyz"]))
            .see("`ok`, within two minutes of starting it.")
            .or(otherwise)
    }

    pub(super) fn same_cluster(&self, facts: &Facts) -> Option<Step> {
        let uid = facts.uid.as_ref()?;
        Some(
            Step::new("Is it this cluster?")
                .run(self.of(&["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}{\"\\n\"}"]))
                .see(format!("`{uid}`"))
                .or("Stop: etcd was started on the data of another cluster."),
        )
    }

    /// Lets pass what webhooks that nobody answers for would refuse, each only while it is the one that was seen.
    pub(super) fn park(&self, facts: &Facts) -> Vec<Step> {
        by_configuration(facts)
            .into_iter()
            .map(|((kind, name), webhooks)| {
                let names: Vec<&str> = webhooks.iter().map(|webhook| webhook.name.as_str()).collect();
                Step::new(format!(
                    "Park {name}: {} would refuse every write until pods answer that cannot start before.",
                    names.join(", ")
                ))
                .run(self.patch(kind, name, &webhooks, "Ignore"))
                .see(format!("`{kind}.admissionregistration.k8s.io/{name} patched`"))
                .or("`NotFound`: it is not there, go on. A failed test: it was changed; park it with `kubectl edit`.")
            })
            .collect()
    }

    /// Gives parked webhooks their policy back, once somebody answers.
    pub(super) fn release(&self, facts: &Facts) -> Vec<Step> {
        by_configuration(facts)
            .into_iter()
            .map(|((kind, name), webhooks)| {
                let mut step =
                    Step::new(format!("Release {name}, once its Services have an address that is ready."));
                let mut services: Vec<&(String, String)> =
                    webhooks.iter().map(|webhook| &webhook.service).collect();
                services.sort();
                services.dedup();
                for (namespace, service) in services {
                    let label = format!("kubernetes.io/service-name={service}");
                    step = step.run(self.of(&["get", "endpointslices", "-n", namespace, "-l", &label]));
                }
                step.run(self.patch(kind, name, &webhooks, "Fail"))
                    .see("addresses under ENDPOINTS, then `patched`.")
                    .or("Leave it parked, and mend its pods first.")
            })
            .collect()
    }

    fn patch(&self, kind: &str, name: &str, webhooks: &[&Webhook], policy: &str) -> String {
        let operations: Vec<serde_json::Value> = webhooks
            .iter()
            .flat_map(|webhook| {
                let at = format!("/webhooks/{}", webhook.index);
                [
                    serde_json::json!({"op": "test", "path": format!("{at}/name"), "value": webhook.name}),
                    serde_json::json!({"op": "replace", "path": format!("{at}/failurePolicy"), "value": policy}),
                ]
            })
            .collect();
        let patch = serde_json::Value::Array(operations).to_string();
        format!("{} --type=json \\\n  -p {}", self.of(&["patch", kind, name]), quote(&patch))
    }

    pub(super) fn nodes(&self, facts: &Facts) -> Step {
        let count = facts.members.len() + facts.agents.len();
        Step::new("Do the nodes report?")
            .run(self.of(&["get", "nodes", "-o", "wide"]))
            .see(format!("{count} {}, Ready within five minutes.", if count == 1 { "node" } else { "nodes, all" }))
            .or(
                "On a node that is NotReady, read the log of its kubelet. A node that is gone for good is deleted with \
                 `kubectl delete node`.",
            )
    }

    /// For where the revision was not raised.
    pub(super) fn controllers(&self) -> Step {
        Step::new(
            "Restart the controllers that run in pods: revisions went back, and a watch that goes on from a later one sees \
             nothing.",
        )
        .run(self.of(&["get", "deployments,daemonsets", "-A"]))
        .run(self.of(&["-n", "kube-system", "rollout", "restart", "deployment,daemonset"]))
        .see("the list of all; `restarted` for those of kube-system. Do the same in every namespace of operators.")
        .or("One that does not come back is read with `kubectl describe`.")
    }

    pub(super) fn after(&self, facts: &Facts, request: &Request, service: &str) -> Vec<Step> {
        let mut steps = vec![
            Step::new("Does every part of kube-apiserver say it is well?")
                .run(self.of(&["get", "--raw", "/readyz?verbose"]))
                .see("`[+]` before every line, `readyz check passed` at the end.")
                .or("The line with `[-]` names what to look at."),
            Step::new("What does not run?")
                .run(self.of(&[
                    "get",
                    "pods",
                    "-A",
                    "--field-selector=status.phase!=Running,status.phase!=Succeeded",
                ]))
                .see("nothing that ran before the loss.")
                .or("Read it with `kubectl describe`. Pods of nodes that are gone are made anew once the node is deleted."),
        ];
        if facts.snapshot.is_some() || facts.members.len() > 1 {
            steps.push(
                Step::new(format!(
                    "Keep what was moved aside (it ends in {}), and save a fresh snapshot.",
                    request.stamp
                ))
                .run(service)
                .see("no error.")
                .or("Save one in another way: do not leave the cluster without."),
            );
        }
        steps
    }
}

fn by_configuration(facts: &Facts) -> BTreeMap<(&'static str, &str), Vec<&Webhook>> {
    let mut found: BTreeMap<(&'static str, &str), Vec<&Webhook>> = BTreeMap::new();
    for webhook in &facts.webhooks {
        found.entry((webhook.kind, webhook.configuration.as_str())).or_default().push(webhook);
    }
    found
}

/// The same command on many hosts, over SSH as root, one after another.
pub(super) fn on_each<'a>(hosts: impl Iterator<Item = &'a str>, remote: &str) -> String {
    let hosts: Vec<String> = hosts.map(quote).collect();
    format!(
        "for host in {}; do\n  ssh root@\"$host\" {} || echo \"failed on $host\"\ndone",
        hosts.join(" "),
        quote(remote)
    )
}
