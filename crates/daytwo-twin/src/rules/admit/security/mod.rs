//! Pod security: the levels that a namespace's labels ask for (`k8s.io/pod-security-admission`, v0.36).
//!
//! It refuses pods that a namespace enforces against, and labels that are none. It does not look at the pods that are in
//! a namespace whose level rises, and there is no audit.

mod standards;

use super::{forbidden, objects};
use crate::ask::{Ask, Object};
use crate::field::{FieldError, quoted};
use crate::rules::edit::{inner, text};
use crate::rules::look::{Faults, field};
use crate::status::{Result, Status, Subject};

/// How strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Privileged,
    Baseline,
    Restricted,
}

/// A level as it was in a minor version; `None` for the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standard {
    level: Level,
    minor: Option<u32>,
}

impl std::fmt::Display for Standard {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let level = match self.level {
            Level::Privileged => "privileged",
            Level::Baseline => "baseline",
            Level::Restricted => "restricted",
        };
        match self.minor {
            Some(minor) => write!(out, "{level}:v1.{minor}"),
            None => write!(out, "{level}:latest"),
        }
    }
}

const OPEN: Standard = Standard { level: Level::Privileged, minor: None };

/// What a namespace refuses, and what it warns of.
struct Policy {
    enforce: Standard,
    warn: Standard,
}

const PREFIX: &str = "pod-security.kubernetes.io/";

fn level(text: &str) -> Option<Level> {
    Some(match text {
        "privileged" => Level::Privileged,
        "baseline" => Level::Baseline,
        "restricted" => Level::Restricted,
        _ => return None,
    })
}

/// The minor version, `None` for what is no version.
fn minor(text: &str) -> Option<Option<u32>> {
    if text == "latest" {
        return Some(None);
    }
    let digits = text.strip_prefix("v1.")?;
    let plain = digits == "0" || !digits.starts_with('0');
    let number = digits.parse().ok().filter(|_| plain && digits.bytes().all(|byte| byte.is_ascii_digit()));
    number.map(Some)
}

/// The policy of a namespace's labels, and what is wrong with them.
fn policy(namespace: &Object) -> (Policy, Faults) {
    let labels = inner(inner(namespace, "metadata"), "labels");
    let mut faults = Faults::new();
    let mut read = |mode: &str, otherwise: Level| {
        let mut standard = OPEN;
        if let Some(said) = field(labels, &format!("{PREFIX}{mode}")).as_str() {
            standard.level = level(said).unwrap_or_else(|| {
                let path = format!("metadata.labels[{PREFIX}{mode}]");
                faults.push(FieldError::invalid(
                    path,
                    said,
                    "must be one of privileged, baseline, restricted",
                ));
                otherwise
            });
        }
        if let Some(said) = field(labels, &format!("{PREFIX}{mode}-version")).as_str() {
            standard.minor = minor(said).unwrap_or_else(|| {
                let path = format!("metadata.labels[{PREFIX}{mode}-version]");
                faults.push(FieldError::invalid(path, said, "must be \"latest\" or \"v1.x\""));
                None
            });
        }
        standard
    };
    let enforce = read("enforce", Level::Restricted);
    read("audit", Level::Privileged);
    let mut warn = read("warn", Level::Privileged);
    let sound = level(text(labels, &format!("{PREFIX}enforce"))).is_some();
    if !labels.contains_key(&format!("{PREFIX}warn")) && sound && enforce.level > warn.level {
        warn.level = enforce.level;
        if !labels.contains_key(&format!("{PREFIX}warn-version")) {
            warn.minor = enforce.minor;
        }
    }
    (Policy { enforce, warn }, faults)
}

/// Whether a namespace lets a pod be, or has labels that can be read.
pub(in crate::rules) fn validate(new: &Object, old: Option<&Object>, ask: &mut Ask<'_>) -> Result<()> {
    match (ask.kind.group.as_str(), ask.kind.resource.as_str(), ask.subresource) {
        ("", "namespaces", None) => labels(new, old, ask),
        ("", "pods", None | Some("ephemeralcontainers" | "resize")) => {
            if old.is_some_and(|old| !significant(new, old)) {
                return Ok(());
            }
            pod(new, inner(new, "metadata"), inner(new, "spec"), true, ask)
        }
        ("", "podtemplates", None) => template(new, new, ask),
        ("", "replicationcontrollers", None)
        | ("apps", "deployments" | "replicasets" | "statefulsets" | "daemonsets", None)
        | ("batch", "jobs", None) => template(new, inner(new, "spec"), ask),
        ("batch", "cronjobs", None) => {
            template(new, inner(inner(inner(new, "spec"), "jobTemplate"), "spec"), ask)
        }
        _ => Ok(()),
    }
}

fn labels(new: &Object, old: Option<&Object>, ask: &Ask<'_>) -> Result<()> {
    let (_, faults) = policy(new);
    if faults.is_empty() || old.is_some_and(|old| policy(old).1 == faults) {
        return Ok(());
    }
    let name = text(inner(new, "metadata"), "name");
    Err(Status::invalid(Subject { group: "", kind: &ask.kind.kind }, name, &faults))
}

fn template(object: &Object, holder: &Object, ask: &mut Ask<'_>) -> Result<()> {
    let template = inner(holder, "template");
    if template.is_empty() {
        return Ok(());
    }
    pod(object, inner(template, "metadata"), inner(template, "spec"), false, ask)
}

/// Whether an update of a pod changes what it runs.
fn significant(new: &Object, old: &Object) -> bool {
    let (new, old) = (inner(new, "spec"), inner(old, "spec"));
    let images = |spec, list| -> Vec<(String, String)> {
        objects(spec, list).map(|one| (text(one, "name").to_owned(), text(one, "image").to_owned())).collect()
    };
    let only =
        |pairs: Vec<(String, String)>| -> Vec<String> { pairs.into_iter().map(|(_, image)| image).collect() };
    let changed = ["containers", "initContainers"]
        .into_iter()
        .any(|list| only(images(new, list)) != only(images(old, list)));
    let before = images(old, "ephemeralContainers");
    changed || images(new, "ephemeralContainers").iter().any(|one| !before.contains(one))
}

fn pod(object: &Object, meta: &Object, spec: &Object, enforced: bool, ask: &mut Ask<'_>) -> Result<()> {
    let Some(namespace) = ask.around.get("", "namespaces", None, ask.namespace.unwrap_or("")) else {
        return Ok(());
    };
    let (policy, _) = policy(&namespace);
    let verdict = |standard: Standard| {
        standards::violations(standard.level == Level::Restricted, standard.minor, meta, spec)
            .filter(|_| standard.level != Level::Privileged)
            .map(|why| format!("violate{{}} PodSecurity {}: {why}", quoted(&standard.to_string())))
    };
    if let Some(why) = verdict(policy.enforce).filter(|_| enforced) {
        return Err(forbidden(object, ask, why.replacen("{}", "s", 1)));
    }
    if let Some(why) = verdict(policy.warn) {
        ask.warnings.push(format!("would {}", why.replacen("{}", "", 1)));
    }
    Ok(())
}
