//! Pods: how many containers are ready, what to call the pod's state, and how often it was restarted.
//!
//! The state is the first container's that has something to tell: of the init containers in turn while they run, else of
//! the containers from the last to the first (`printPod`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, read};
use crate::ask::Object;

/// Restarts, and the time of the last one.
#[derive(Default, Clone)]
struct Restarts<'a> {
    count: i64,
    last: Option<(Timestamp, &'a Value)>,
}

/// What a pod's containers come to.
struct Summary<'a> {
    ready: usize,
    containers: usize,
    state: String,
    restarts: Restarts<'a>,
}

/// All cells.
pub(super) fn pod(pod: &Object, now: Timestamp) -> Vec<Value> {
    let Summary { ready, containers, state, restarts } = summary(pod);
    let restarts = match restarts.last {
        Some((_, time)) if restarts.count != 0 => {
            format!("{} ({} ago)", restarts.count, age::since(Some(time), now))
        }
        _ => restarts.count.to_string(),
    };
    let address = read::list(pod, &["status", "podIPs"]).first().map_or("", |first| read::field(first, "ip"));
    vec![
        read::text(pod, &["metadata", "name"]).into(),
        format!("{ready}/{containers}").into(),
        state.into(),
        restarts.into(),
        age::since(read::at(pod, &["metadata", "creationTimestamp"]), now).into(),
        or_none(address),
        or_none(read::text(pod, &["spec", "nodeName"])),
        or_none(read::text(pod, &["status", "nominatedNodeName"])),
        gates(pod),
    ]
}

/// What a client may be told of a row beside its cells: that the pod has ended.
pub(super) fn conditions(pod: &Object) -> Option<Value> {
    let (reason, message) = match read::text(pod, &["status", "phase"]) {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

fn or_none(text: &str) -> Value {
    if text.is_empty() { "<none>".into() } else { text.into() }
}

fn gates(pod: &Object) -> Value {
    let gates = read::list(pod, &["spec", "readinessGates"]);
    if gates.is_empty() {
        return "<none>".into();
    }
    let conditions = read::list(pod, &["status", "conditions"]);
    let open =
        gates.iter().filter(|gate| read::holds(conditions, read::field(gate, "conditionType"))).count();
    format!("{open}/{}", gates.len()).into()
}

fn summary(pod: &Object) -> Summary<'_> {
    let inits = read::list(pod, &["spec", "initContainers"]);
    let conditions = read::list(pod, &["status", "conditions"]);
    let phase = read::text(pod, &["status", "phase"]);
    let sidecars = inits.iter().filter(|container| is_sidecar(container)).count();
    let given = read::text(pod, &["status", "reason"]);
    let mut summary = Summary {
        ready: 0,
        containers: read::list(pod, &["spec", "containers"]).len() + sidecars,
        state: if given.is_empty() { phase } else { given }.to_owned(),
        restarts: Restarts::default(),
    };
    let gated = |condition: &&Value| {
        read::field(condition, "type") == "PodScheduled"
            && read::field(condition, "reason") == "SchedulingGated"
    };
    if conditions.iter().any(|condition| gated(&condition)) {
        summary.state = "SchedulingGated".to_owned();
    }
    let (begun, of_sidecars) = summary.init_containers(pod, inits);
    if begun || read::holds(conditions, "Initialized") {
        summary.restarts = of_sidecars;
        summary.containers(read::list(pod, &["status", "containerStatuses"]), conditions);
    }
    if read::deleting(pod) {
        if given == "NodeLost" {
            summary.state = "Unknown".to_owned();
        } else if !matches!(phase, "Succeeded" | "Failed") {
            summary.state = "Terminating".to_owned();
        }
    }
    summary
}

impl<'a> Summary<'a> {
    /// Goes through the init containers: whether none holds the pod up, and the restarts of the sidecars among them.
    fn init_containers(&mut self, pod: &'a Object, inits: &[Value]) -> (bool, Restarts<'a>) {
        let mut of_sidecars = Restarts::default();
        for (index, status) in read::list(pod, &["status", "initContainerStatuses"]).iter().enumerate() {
            self.restarts.add(status);
            let name = read::field(status, "name");
            let known = inits.iter().rev().find(|container| read::field(container, "name") == name);
            let sidecar = known.is_some_and(is_sidecar);
            if sidecar {
                of_sidecars.add(status);
            }
            let (ended, waits) = (state(status, "terminated"), state(status, "waiting"));
            if ended.is_some_and(|ended| code(ended) == 0) {
                continue;
            }
            if sidecar && status.get("started").and_then(Value::as_bool) == Some(true) {
                self.ready += usize::from(is_ready(status));
                continue;
            }
            let waits_for = waits.map_or("", |waits| read::field(waits, "reason"));
            self.state = match (ended, waits_for) {
                (Some(ended), _) => format!("Init:{}", ending(ended)),
                (None, "" | "PodInitializing") => format!("Init:{index}/{}", inits.len()),
                (None, reason) => format!("Init:{reason}"),
            };
            return (false, of_sidecars);
        }
        (true, of_sidecars)
    }

    fn containers(&mut self, statuses: &'a [Value], conditions: &[Value]) {
        let (mut running, mut failure) = (false, None);
        for status in statuses.iter().rev() {
            self.restarts.add(status);
            let reason = state(status, "waiting").map_or("", |waits| read::field(waits, "reason"));
            if !reason.is_empty() {
                self.state = reason.to_owned();
            } else if let Some(ended) = state(status, "terminated") {
                self.state = ending(ended);
                if code(ended) != 0 {
                    failure = Some(self.state.clone());
                }
            } else if is_ready(status) && state(status, "running").is_some() {
                running = true;
                self.ready += 1;
            }
        }
        // One container has ended well, which is not to say that the pod has.
        if self.state == "Completed" {
            let is_ready = |condition: &Value| {
                read::field(condition, "type") == "Ready" && read::field(condition, "status") == "True"
            };
            if running && conditions.iter().any(is_ready) {
                self.state = "Running".to_owned();
            } else if let Some(failure) = failure {
                self.state = failure;
            } else if running {
                self.state = "NotReady".to_owned();
            }
        }
    }
}

impl<'a> Restarts<'a> {
    fn add(&mut self, status: &'a Value) {
        self.count += status.get("restartCount").and_then(Value::as_i64).unwrap_or_default();
        let Some(time) = read::below(status, &["lastState", "terminated", "finishedAt"]) else { return };
        let Some(at) = time.as_str().and_then(age::read) else { return };
        if self.last.is_none_or(|(last, _)| last < at) {
            self.last = Some((at, time));
        }
    }
}

fn is_sidecar(container: &Value) -> bool {
    read::field(container, "restartPolicy") == "Always"
}

fn is_ready(status: &Value) -> bool {
    status.get("ready").and_then(Value::as_bool) == Some(true)
}

fn state<'a>(status: &'a Value, name: &str) -> Option<&'a Value> {
    read::below(status, &["state", name])
}

fn number(ended: &Value, name: &str) -> i64 {
    ended.get(name).and_then(Value::as_i64).unwrap_or_default()
}

fn code(ended: &Value) -> i64 {
    number(ended, "exitCode")
}

/// How a container ended: its reason, else the signal, else the exit code.
fn ending(ended: &Value) -> String {
    match (read::field(ended, "reason"), number(ended, "signal")) {
        ("", 0) => format!("ExitCode:{}", code(ended)),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}
