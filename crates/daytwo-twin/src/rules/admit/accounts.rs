//! Who a pod is: its service account, the account's token and pull secrets
//! (`plugin/pkg/admission/serviceaccount/admission.go`, Kubernetes 1.36).
//!
//! It refuses pods of accounts that are not there.

use std::sync::Arc;

use serde_json::json;

use super::{forbidden, note, objects};
use crate::ask::{Ask, Object};
use crate::rules::edit::{bare, each, inner, list, part, set, text};
use crate::rules::look::field;
use crate::status::Result;

const MIRROR: &str = "kubernetes.io/config.mirror";
const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";
const VOLUME: &str = "kube-api-access-";
const PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

fn account(pod: &Object, ask: &Ask<'_>) -> Result<Arc<Object>> {
    let name = text(inner(pod, "spec"), "serviceAccountName");
    let namespace = ask.namespace.unwrap_or("");
    ask.around.get("", "serviceaccounts", Some(namespace), name).ok_or_else(|| {
        let missing = format!("serviceaccount {} not found", crate::field::quoted(name));
        forbidden(pod, ask, format!("error looking up service account {namespace}/{name}: {missing}"))
    })
}

/// Gives a pod its account, the account's token and its pull secrets.
pub(super) fn mutate(pod: &mut Object, ask: &mut Ask<'_>) -> Result<()> {
    if note(pod, MIRROR).is_some() {
        return mirror(pod, ask);
    }
    let spec = part(pod, "spec");
    if text(spec, "serviceAccountName").is_empty() {
        set(spec, "serviceAccountName", "default");
    }
    let name = text(spec, "serviceAccountName").to_owned();
    set(spec, "serviceAccount", name);
    let account = account(pod, ask)?;
    let spec = part(pod, "spec");
    let wanted =
        [&*spec, &*account].into_iter().find_map(|one| field(one, "automountServiceAccountToken").as_bool());
    if wanted.unwrap_or(true) {
        mount(spec, ask);
    }
    if bare(spec, "imagePullSecrets") && !bare(&account, "imagePullSecrets") {
        let names = objects(&account, "imagePullSecrets").map(|secret| json!({"name": text(secret, "name")}));
        set(spec, "imagePullSecrets", names.collect::<Vec<_>>());
    }
    allowed(pod, &account, ask)
}

fn mount(spec: &mut Object, ask: &mut Ask<'_>) {
    let there =
        objects(spec, "volumes").map(|volume| text(volume, "name")).find(|name| name.starts_with(VOLUME));
    let there = there.map(str::to_owned);
    let name = there.clone().unwrap_or_else(|| format!("{VOLUME}{}", ask.chance.suffix(5)));
    let mut needed = false;
    for kind in ["initContainers", "containers"] {
        for container in each(spec, kind) {
            if objects(container, "volumeMounts").any(|mount| text(mount, "mountPath") == PATH) {
                continue;
            }
            let mount = json!({"name": name, "readOnly": true, "mountPath": PATH});
            list(container, "volumeMounts").push(mount);
            needed = true;
        }
    }
    if there.is_none() && needed {
        let place =
            json!({"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}});
        let sources = json!([
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [place]}},
        ]);
        list(spec, "volumes")
            .push(json!({"name": name, "projected": {"sources": sources, "defaultMode": 420}}));
    }
}

/// Pods that stand for a node's own have no identity.
fn mirror(pod: &Object, ask: &Ask<'_>) -> Result<()> {
    let spec = inner(pod, "spec");
    if !text(spec, "serviceAccountName").is_empty() {
        return Err(forbidden(pod, ask, "a mirror pod may not reference service accounts"));
    }
    let by_container = containers(spec).any(|(_, container)| !secrets_of(container).is_empty());
    let volumes = || objects(spec, "volumes");
    let sources = || volumes().flat_map(|volume| objects(inner(volume, "projected"), "sources"));
    let secret = volumes().any(|volume| volume.contains_key("secret"))
        || sources().any(|one| one.contains_key("secret"));
    if by_container || secret || !bare(spec, "imagePullSecrets") {
        return Err(forbidden(pod, ask, "a mirror pod may not reference secrets"));
    }
    if sources().any(|one| one.contains_key("serviceAccountToken")) {
        return Err(forbidden(pod, ask, "a mirror pod may not use ServiceAccountToken volume projections"));
    }
    Ok(())
}

/// Whether the pod refers to nothing that its account must not.
pub(super) fn validate(pod: &Object, ask: &Ask<'_>) -> Result<()> {
    let ephemeral = ask.subresource.is_some();
    if !ephemeral && note(pod, MIRROR).is_some() {
        return mirror(pod, ask);
    }
    let meta = inner(pod, "metadata");
    if text(inner(pod, "spec"), "serviceAccountName").is_empty() {
        let place = format!("{}/{}", ask.namespace.unwrap_or(""), text(meta, "name"));
        return Err(forbidden(pod, ask, format!("no service account specified for pod {place}")));
    }
    let account = account(pod, ask)?;
    allowed(pod, &account, ask)
}

fn containers(spec: &Object) -> impl Iterator<Item = (&'static str, &Object)> {
    [
        ("initContainers", "init container"),
        ("containers", "container"),
        ("ephemeralContainers", "ephemeral container"),
    ]
    .into_iter()
    .flat_map(|(list, words)| objects(spec, list).map(move |container| (words, container)))
}

/// The Secrets that a container's environment comes from, with words for where.
fn secrets_of(container: &Object) -> Vec<(String, &str)> {
    let single = objects(container, "env").filter_map(|variable| {
        let name = field(inner(inner(variable, "valueFrom"), "secretKeyRef"), "name").as_str()?;
        Some((format!("envVar {}", text(variable, "name")), name))
    });
    let whole = objects(container, "envFrom")
        .filter_map(|from| Some(("envFrom".to_owned(), field(inner(from, "secretRef"), "name").as_str()?)));
    single.chain(whole).collect()
}

fn allowed(pod: &Object, account: &Object, ask: &Ask<'_>) -> Result<()> {
    if !matches!(note(account, ENFORCE), Some("1" | "t" | "T" | "true" | "TRUE" | "True")) {
        return Ok(());
    }
    match beyond(inner(pod, "spec"), account, ask.subresource.is_some()) {
        Some(why) => Err(forbidden(pod, ask, why)),
        None => Ok(()),
    }
}

/// What a pod refers to that its account does not.
fn beyond(spec: &Object, account: &Object, ephemeral: bool) -> Option<String> {
    let names =
        |list: &str| -> Vec<&str> { objects(account, list).map(|secret| text(secret, "name")).collect() };
    let (mountable, name) = (names("secrets"), text(inner(account, "metadata"), "name"));
    let mut volumes = objects(spec, "volumes").filter(|volume| volume.contains_key("secret"));
    let secret = |volume| text(inner(volume, "secret"), "secretName");
    if let Some(volume) = volumes.find(|volume| !ephemeral && !mountable.contains(&secret(volume))) {
        let what = format!("volume with secret.secretName=\"{}\"", secret(volume));
        return Some(format!(
            "{what} is not allowed because service account {name} does not reference that secret"
        ));
    }
    for (kind, container) in containers(spec).filter(|(kind, _)| kind.starts_with("ephemeral") == ephemeral) {
        let foreign = secrets_of(container).into_iter().find(|(_, secret)| !mountable.contains(secret));
        if let Some((place, secret)) = foreign {
            let what = format!(
                "{kind} {} with {place} referencing secret.secretName=\"{secret}\"",
                text(container, "name")
            );
            return Some(format!(
                "{what} is not allowed because service account {name} does not reference that secret"
            ));
        }
    }
    let pull = names("imagePullSecrets");
    let mut used = objects(spec, "imagePullSecrets").enumerate();
    let (index, secret) = used.find(|(_, secret)| !ephemeral && !pull.contains(&text(secret, "name")))?;
    let what = format!("imagePullSecrets[{index}].name=\"{}\"", text(secret, "name"));
    Some(format!(
        "{what} is not allowed because service account {name} does not reference that imagePullSecret"
    ))
}
