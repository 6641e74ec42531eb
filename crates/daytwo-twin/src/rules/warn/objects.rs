//! Warnings of everything that has no pods.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{fractional, node_term, noted, old_label};
use crate::ask::Object;
use crate::rules::edit::{inner, text};
use crate::rules::look::{At, field, same};
use crate::rules::words::{Amount, warn_address, warn_range};

/// Volume kinds that went away: field, field as it is said, words.
pub(super) const OLD_VOLUMES: [(&str, &str, &str); 8] = [
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
];

/// The last of them, which comes after the claims' warnings.
pub(super) const RBD: (&str, &str, &str) = ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+");

/// What is said of one object of any kind without pods.
pub(super) fn object(kind: &str, new: &Object, old: Option<&Object>, out: &mut Vec<String>) {
    let spec = At::top(new, "spec");
    match kind {
        "services" => service(new, &spec, out),
        "persistentvolumes" => volume(new, &spec, out),
        "persistentvolumeclaims" => {
            const OLD: &str = "volume.beta.kubernetes.io/storage-class";
            if noted(new, OLD) {
                let words = "deprecated since v1.8; use \"storageClassName\" attribute instead";
                out.push(format!("metadata.annotations[{OLD}]: {words}"));
            }
            claim(&spec, out);
        }
        "ingresses.networking.k8s.io" if old.is_none() => {
            const OLD: &str = "kubernetes.io/ingress.class";
            if noted(new, OLD) && !spec.at("ingressClassName").has() {
                out.push(format!(
                    "annotation \"{OLD}\" is deprecated, please use 'spec.ingressClassName' instead"
                ));
            }
        }
        "networkpolicies.networking.k8s.io" => policy(&spec, out),
        "secrets" if text(new, "type") == "kubernetes.io/tls" => pem(inner(new, "data"), out),
        "serviceaccounts" => {
            const OLD: &str = "kubernetes.io/enforce-mountable-secrets";
            if noted(new, OLD) && !old.is_some_and(|old| noted(old, OLD)) {
                let words =
                    "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets";
                out.push(format!("metadata.annotations[{OLD}]: {words}"));
            }
        }
        "resourcequotas" if old.is_none() => quota(&spec.at("hard"), out),
        "nodes" => node(&spec, out),
        "endpoints" => endpoints(new, out),
        "endpointslices.discovery.k8s.io" => slice(new, old.is_none(), out),
        "storageclasses.storage.k8s.io" => topologies(&At::top(new, "allowedTopologies"), out),
        "runtimeclasses.node.k8s.io" => {
            let labels = inner(inner(new, "scheduling"), "nodeSelector").keys();
            out.extend(
                labels
                    .filter_map(|key| old_label(key))
                    .map(|words| format!("scheduling.nodeSelector: {words}")),
            );
        }
        "csidrivers.storage.k8s.io" => driver(&spec, old, out),
        "csistoragecapacities.storage.k8s.io" => {
            let topology = At::top(new, "nodeTopology");
            node_term(&topology, false, out);
            for key in
                inner(field(new, "nodeTopology").as_object().unwrap_or(&Object::new()), "matchLabels").keys()
            {
                let words = old_label(key).map(|words| format!("nodeTopology.matchLabels.{key}: {words}"));
                out.extend(words);
            }
        }
        _ => {}
    }
}

/// What is said of a status.
pub(super) fn status(kind: &str, new: &Object, out: &mut Vec<String>) {
    let status = At::top(new, "status");
    match kind {
        "services" | "ingresses.networking.k8s.io" => {
            let points = status.down(&["loadBalancer", "ingress"]);
            points.items().for_each(|point| warn_address(point.path(), point.str("ip"), out));
        }
        "pods" => {
            for list in ["podIPs", "hostIPs"] {
                let addresses = status.at(list);
                addresses
                    .items()
                    .map(|one| one.at("ip"))
                    .for_each(|ip| warn_address(ip.path(), ip.text(), out));
            }
        }
        _ => {}
    }
}

/// A certificate and its key are PEM. Whether they can be read, and fit, is not looked at.
fn pem(data: &Object, out: &mut Vec<String>) {
    for (key, what) in [("tls.crt", "certificate"), ("tls.key", "key")] {
        let bytes = STANDARD.decode(text(data, key)).unwrap_or_default();
        if !String::from_utf8_lossy(&bytes).contains("-----BEGIN ") {
            out.push(format!("tls: failed to find any PEM data in {what} input"));
            return;
        }
    }
}

fn service(new: &Object, spec: &At<'_>, out: &mut Vec<String>) {
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    if noted(new, HINTS) {
        out.push(format!(
            "annotation {HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead"
        ));
    }
    let (one, external) = (spec.str("clusterIP"), spec.at("externalIPs"));
    if !one.is_empty() && one != "None" {
        spec.at("clusterIPs").items().for_each(|ip| warn_address(ip.path(), ip.text(), out));
    }
    let (named, headless) = (spec.str("type") == "ExternalName", one == "None");
    if headless {
        for (ignored, what) in [
            (!spec.at("loadBalancerIP").empty(), "loadBalancerIP"),
            (!external.empty(), "externalIPs"),
            (spec.str("sessionAffinity") != "None", "SessionAffinity"),
        ] {
            out.extend(ignored.then(|| format!("spec.{what} is ignored for headless services")));
        }
    }
    external.items().for_each(|ip| warn_address(ip.path(), ip.text(), out));
    if !external.empty() && !headless && !named {
        out.push(
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters".to_owned(),
        );
    }
    warn_address("spec.loadBalancerIP", spec.str("loadBalancerIP"), out);
    spec.at("loadBalancerSourceRanges").items().for_each(|range| warn_range(range.path(), range.text(), out));
    if named && !external.empty() {
        out.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if !named && !spec.at("externalName").empty() {
        out.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".to_owned());
    }
    if spec.str("trafficDistribution") == "PreferClose" {
        out.push(
            "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".to_owned(),
        );
    }
}

fn volume(new: &Object, spec: &At<'_>, out: &mut Vec<String>) {
    for (old, since, field) in
        [("storage-class", "v1.8", "storageClassName"), ("mount-options", "v1.31", "mountOptions")]
    {
        let key = format!("volume.beta.kubernetes.io/{old}");
        if noted(new, &key) {
            out.push(format!(
                "metadata.annotations[{key}]: deprecated since {since}; use \"{field}\" attribute instead"
            ));
        }
    }
    if spec.str("persistentVolumeReclaimPolicy") == "Recycle" {
        let words = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";
        out.push(format!("spec.persistentVolumeReclaimPolicy: {words}"));
    }
    let terms = spec.down(&["nodeAffinity", "required", "nodeSelectorTerms"]);
    terms.items().for_each(|term| node_term(&term, false, out));
    for kind in ["cephfs", "photonPersistentDisk", "scaleIO", "storageos", "glusterfs", "rbd"] {
        let line = OLD_VOLUMES.iter().chain([&RBD]).find(|(field, ..)| *field == kind && spec.at(kind).has());
        out.extend(line.map(|(_, said, words)| format!("spec.{said}: {words}")));
    }
}

/// What is said of a claim's spec.
pub(super) fn claim(spec: &At<'_>, out: &mut Vec<String>) {
    for list in ["requests", "limits"] {
        fractional(&spec.at("resources").at(list).key("storage"), out);
    }
}

/// What is said of a StatefulSet beside its pods.
pub(super) fn stateful_set(spec: &At<'_>, created: bool, out: &mut Vec<String>) {
    for template in spec.at("volumeClaimTemplates").items() {
        let path = if created { template.path().to_owned() } else { format!("{}.Spec", template.path()) };
        claim(&template.at("spec").called(path), out);
    }
    if spec.int("revisionHistoryLimit") < 0 {
        let words = "a negative value retains all historical revisions; a value >= 0 is recommended";
        out.push(format!("spec.revisionHistoryLimit: {words}"));
    }
}

fn policy(spec: &At<'_>, out: &mut Vec<String>) {
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        for block in spec.at(rules).items().flat_map(|rule| {
            let all = rule.at(peers);
            all.items().map(|peer| peer.at("ipBlock")).collect::<Vec<_>>()
        }) {
            let range = block.at("cidr");
            warn_range(range.path(), range.text(), out);
            block.at("except").items().for_each(|range| warn_range(range.path(), range.text(), out));
        }
    }
}

fn quota(hard: &At<'_>, out: &mut Vec<String>) {
    for name in ["cpu", "memory", "storage", "ephemeral-storage"] {
        let mut request = format!("requests.{name}");
        if hard.get(&request).is_null() && matches!(name, "cpu" | "memory") {
            name.clone_into(&mut request);
        }
        let limit = format!("limits.{name}");
        let (asked, limited) = (hard.get(&request), hard.get(&limit));
        if asked.is_null() || limited.is_null() {
            continue;
        }
        let (asked, limited) = (Amount::of(asked), Amount::of(limited));
        if asked > limited {
            out.push(format!("ResourceQuota {request} ({asked}) should be less than {limit} ({limited})"));
        }
    }
}

fn node(spec: &At<'_>, out: &mut Vec<String>) {
    if spec.at("configSource").has() {
        out.push("spec.configSource: the feature is removed".to_owned());
    }
    if !spec.at("externalID").empty() {
        out.push("spec.externalID: this field is deprecated, and is unused by Kubernetes".to_owned());
    }
    spec.at("podCIDRs").items().for_each(|range| warn_range(range.path(), range.text(), out));
}

fn managed_by<'o>(object: &'o Object, label: &str) -> &'o str {
    text(inner(inner(object, "metadata"), "labels"), label)
}

fn endpoints(new: &Object, out: &mut Vec<String>) {
    if managed_by(new, "endpoints.kubernetes.io/managed-by") == "endpoint-controller" {
        return;
    }
    for subset in At::top(new, "subsets").items() {
        for list in ["addresses", "notReadyAddresses"] {
            let addresses = subset.at(list);
            addresses.items().map(|one| one.at("ip")).for_each(|ip| warn_address(ip.path(), ip.text(), out));
        }
    }
}

fn slice(new: &Object, created: bool, out: &mut Vec<String>) {
    if created && text(new, "addressType") == "FQDN" {
        out.push("spec.addressType: FQDN endpoints are deprecated".to_owned());
    }
    let by = managed_by(new, "endpointslice.kubernetes.io/managed-by");
    if matches!(by, "endpointslice-controller.k8s.io" | "endpointslicemirroring-controller.k8s.io") {
        return;
    }
    for point in At::top(new, "endpoints").items() {
        point.at("addresses").items().for_each(|ip| warn_address(ip.path(), ip.text(), out));
    }
}

fn topologies(all: &At<'_>, out: &mut Vec<String>) {
    for topology in all.items() {
        for wanted in topology.at("matchLabelExpressions").items() {
            let key = wanted.at("key");
            out.extend(old_label(key.text()).map(|words| format!("{}: {words}", key.path())));
        }
    }
}

fn driver(spec: &At<'_>, old: Option<&Object>, out: &mut Vec<String>) {
    let requests = spec.at("tokenRequests");
    let before = |old| field(inner(old, "spec"), "tokenRequests");
    let changed = old.is_none_or(|old| !same(before(old), requests.value()));
    if changed && !requests.empty() && spec.get("serviceAccountTokenInSecrets") == &Value::Null {
        let words = "is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume \
                     attributes";
        out.push(format!("spec.serviceAccountTokenInSecrets {words}"));
    }
}
