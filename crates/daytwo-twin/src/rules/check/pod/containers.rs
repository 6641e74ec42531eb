//! Containers: the usual ones, those that run first, and those that are added for a look.

mod mounts;

use mounts::{devices, mounts};

use serde_json::{Value, json};

use super::{Setting, Sources, environment, probes, security};
use crate::rules::check::resources;
use crate::rules::check::table::{descending, exactly, needed, no_backsteps};
use crate::rules::look::{At, Faults};
use crate::rules::words;

/// Every container of a pod's spec, in the order the server visits them.
pub(in crate::rules) fn everyone<'v>(spec: &At<'v>) -> Vec<At<'v>> {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    lists.iter().flat_map(|list| spec.at(list).items().collect::<Vec<_>>()).collect()
}

/// Checks all containers of a spec.
pub(super) fn all(spec: &At<'_>, volumes: &Sources<'_>, setting: &Setting<'_>, out: &mut Faults) {
    let claims: Vec<&str> =
        spec.at("resourceClaims").values().filter_map(|claim| claim["name"].as_str()).collect();
    let around = Around { spec, volumes, claims, setting };
    usual(&around, out);
    first(&around, out);
    added(&around, out);
}

struct Around<'a, 'v> {
    spec: &'a At<'v>,
    volumes: &'a Sources<'v>,
    claims: Vec<&'v str>,
    setting: &'a Setting<'a>,
}

impl<'v> Around<'_, 'v> {
    fn grace(&self) -> Option<i64> {
        self.spec.get("terminationGracePeriodSeconds").as_i64()
    }

    fn system(&self) -> Option<&'v str> {
        self.spec.get("os").get("name").and_then(Value::as_str)
    }
}

fn usual(around: &Around<'_, '_>, out: &mut Faults) {
    let list = around.spec.at("containers");
    if list.empty() {
        return out.push(list.required(""));
    }
    let mut names: Vec<&str> = Vec::new();
    for container in list.items() {
        common(&container, around, out);
        taken(&container, &mut names, out);
        probes::lifecycle(&container, around.grace(), around.system(), out);
        probes::probes(&container, around.grace(), out);
        restarts(&container, out);
    }
    host_ports(&list.items().collect::<Vec<_>>(), out);
}

fn first(around: &Around<'_, '_>, out: &mut Faults) {
    let usual = around.spec.at("containers");
    let mut names: Vec<&str> = usual.values().filter_map(|container| container["name"].as_str()).collect();
    for container in around.spec.at("initContainers").items() {
        common(&container, around, out);
        let sidecar = container.str("restartPolicy") == "Always";
        if !container.at("restartPolicy").has() {
            if !container.at("restartPolicyRules").empty() {
                out.push(
                    container
                        .at("restartPolicy")
                        .required("must specify restartPolicy when restart rules are used"),
                );
            }
        } else {
            restarts(&container, out);
        }
        taken(&container, &mut names, out);
        host_ports(
            std::slice::from_ref(
                &container.called(format!("{}[0]", around.spec.at("initContainers").path())),
            ),
            out,
        );
        if sidecar {
            probes::lifecycle(&container, around.grace(), around.system(), out);
            probes::probes(&container, around.grace(), out);
            continue;
        }
        for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if container.at(name).has() {
                let words = "may not be set for init containers without restartPolicy=Always";
                out.push(container.at(name).forbidden(words));
            }
        }
        for policy in container.at("resizePolicy").items() {
            if policy.str("restartPolicy") == "RestartContainer" {
                let words = "must not be set to 'RestartContainer' for non-sidecar initContainers";
                out.push(policy.at("restartPolicy").invalid(words));
            }
        }
    }
}

/// What an ephemeral container may not have.
const NOT_ADDED: [&str; 9] = [
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];

fn added(around: &Around<'_, '_>, out: &mut Faults) {
    let others: Vec<&str> = ["containers", "initContainers"]
        .iter()
        .flat_map(|list| around.spec.at(list).values())
        .filter_map(|container| container["name"].as_str())
        .collect();
    let mut names = others.clone();
    for container in around.spec.at("ephemeralContainers").items() {
        common(&container, around, out);
        untrimmed(&container, out);
        taken(&container, &mut names, out);
        let target = container.at("targetContainerName");
        if !target.empty() && !others.contains(&target.text()) {
            out.push(target.unknown());
        }
        for name in NOT_ADDED {
            if !container.at(name).empty() {
                out.push(container.at(name).forbidden("cannot be set for an Ephemeral Container"));
            }
        }
        for mount in container.at("volumeMounts").items() {
            for name in ["subPath", "subPathExpr"] {
                if !mount.at(name).empty() {
                    out.push(mount.at(name).forbidden("cannot be set for an Ephemeral Container"));
                }
            }
        }
    }
}

fn taken<'v>(container: &At<'v>, names: &mut Vec<&'v str>, out: &mut Faults) {
    let name = container.str("name");
    if names.contains(&name) {
        out.push(container.at("name").with(&json!(name)).duplicate());
    } else {
        names.push(name);
    }
}

fn common(container: &At<'_>, around: &Around<'_, '_>, out: &mut Faults) {
    let name = container.at("name");
    if name.empty() {
        out.push(name.required(""));
    } else {
        words::formed(&name, words::label, out);
    }
    if container.at("image").empty() {
        out.push(container.at("image").required(""));
    }
    needed(&container.at("terminationMessagePolicy"), &["File", "FallbackToLogsOnError"], out);
    ports(&container.at("ports"), out);
    environment::variables(&container.at("env"), out);
    environment::from_sources(&container.at("envFrom"), out);
    mounts(container, around, out);
    devices(container, around, out);
    needed(&container.at("imagePullPolicy"), &["Always", "IfNotPresent", "Never"], out);
    resources::requirements(
        &container.at("resources"),
        &around.claims,
        resources::of_containers,
        around.setting,
        out,
    );
    resize_policy(&container.at("resizePolicy"), around.spec.str("restartPolicy"), out);
    let host_users = around.spec.get("hostUsers") != &Value::Bool(false);
    security::container(&container.at("securityContext"), host_users, out);
}

fn ports(place: &At<'_>, out: &mut Faults) {
    let mut names: Vec<&str> = Vec::new();
    for port in place.items() {
        let name = port.at("name");
        if !name.empty() {
            let wrong = words::port_name(name.text());
            if !wrong.is_empty() {
                // the server numbers on with the faults of a name: `i` is shared
                out.extend(wrong.into_iter().map(|words| name.invalid(words)));
            } else if names.contains(&name.text()) {
                out.push(name.duplicate());
            } else {
                names.push(name.text());
            }
        }
        let number = port.int("containerPort");
        if number == 0 {
            out.push(port.at("containerPort").required(""));
        } else {
            out.extend(words::port_number(number).map(|words| port.at("containerPort").invalid(words)));
        }
        if port.int("hostPort") != 0 {
            let wrong = words::port_number(port.int("hostPort"));
            out.extend(wrong.map(|words| port.at("hostPort").invalid(words)));
        }
        needed(&port.at("protocol"), &["SCTP", "TCP", "UDP"], out);
    }
}

fn host_ports(containers: &[At<'_>], out: &mut Faults) {
    let mut seen: Vec<String> = Vec::new();
    for port in containers.iter().flat_map(|container| container.at("ports").items().collect::<Vec<_>>()) {
        if port.int("hostPort") == 0 {
            continue;
        }
        let key = format!("{}/{}/{}", port.str("protocol"), port.str("hostIP"), port.int("hostPort"));
        if seen.contains(&key) {
            out.push(port.at("hostPort").with(&json!(key)).duplicate());
        } else {
            seen.push(key);
        }
    }
}

fn resize_policy(place: &At<'_>, restarts: &str, out: &mut Faults) {
    let mut seen: Vec<&str> = Vec::new();
    for policy in place.items() {
        let name = policy.str("resourceName");
        if seen.contains(&name) {
            out.push(policy.with(&json!(name)).duplicate());
        }
        seen.push(name);
        needed(&policy.at("resourceName").called(place.path()), &["cpu", "memory"], out);
        let restart = policy.at("restartPolicy").called(place.path());
        needed(&restart, &["NotRequired", "RestartContainer"], out);
        if restarts == "Never" && restart.text() != "NotRequired" {
            let words = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            out.push(restart.invalid_as(restart.text(), words));
        }
    }
}

fn restarts(container: &At<'_>, out: &mut Faults) {
    let (policy, rules) = (container.at("restartPolicy"), container.at("restartPolicyRules"));
    if !policy.has() {
        if rules.empty() {
            return;
        }
        out.push(policy.required("must specify restartPolicy when restart rules are used"));
    } else {
        exactly(&policy, &["Always", "Never", "OnFailure"], out);
    }
    if rules.len() > 20 {
        out.push(rules.too_many(20));
    }
    for rule in rules.items() {
        exactly(&rule.at("action"), &["Restart", "RestartAllContainers"], out);
        let codes = rule.at("exitCodes");
        if !codes.has() {
            out.push(codes.required("must be specified"));
            continue;
        }
        exactly(&codes.at("operator"), &["In", "NotIn"], out);
        if codes.at("values").len() > 255 {
            out.push(codes.at("values").too_many(255));
        }
    }
}

/// An image's name has no blanks around it.
pub(super) fn untrimmed(container: &At<'_>, out: &mut Faults) {
    let image = container.at("image");
    if image.text().trim() != image.text() {
        out.push(image.invalid("must not have leading or trailing whitespace"));
    }
}
