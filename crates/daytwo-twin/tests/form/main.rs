//! The stored form against the server's own code: random objects of every built-in kind, and cases by hand, must come out
//! equal from both. The server's side is the testbed's program `defaults`, which needs Go to be built.
//!
//! It sees decoding, defaults, conversion and what etcd's encoding changes. It does not see preparation, admission and
//! validation: no server runs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod generate;

use daytwo_core::resource::ResourceType;
use daytwo_etcd::kube::types::Types;
use daytwo_twin::ask::Unknown;
use daytwo_twin::body;
use daytwo_twin::chance::Chance;
use daytwo_twin::form;
use jiff::Timestamp;
use serde_json::Value;
use testbed::{Defaults, Kept};

/// Kinds of the table's stable versions that a server of this minor does not have.
const NOT_HERE: &[&str] = &[
    // Of 1.37.
    "certificates.k8s.io/v1/ClusterTrustBundle",
    "certificates.k8s.io/v1/PodCertificateRequest",
    "resource.k8s.io/v1/DeviceTaintRule",
    "storagemigration.k8s.io/v1/StorageVersionMigration",
    // Served by the aggregator from what it knows, never written.
    "apidiscovery.k8s.io/v2/APIGroupDiscovery",
];

/// Kinds that a server has and whose random objects are not compared.
const NOT_COMPARED: &[&str] = &[
    // Parameters of a URL.
    "/v1/NodeProxyOptions",
    "/v1/PodAttachOptions",
    "/v1/PodExecOptions",
    "/v1/PodLogOptions",
    "/v1/PodPortForwardOptions",
    "/v1/PodProxyOptions",
    "/v1/ServiceProxyOptions",
    // Sent to webhooks, or kept by components of the past.
    "admission.k8s.io/v1/AdmissionReview",
    "apiextensions.k8s.io/v1/ConversionReview",
    "/v1/PodStatusResult",
    "/v1/RangeAllocation",
    "/v1/SerializedReference",
    // Compared by hand only: what v1 has no field for goes through annotations in the form of v2.
    "autoscaling/v1/HorizontalPodAutoscaler",
];

fn kind_of(name: &str) -> ResourceType {
    let mut parts = name.split('/').map(str::to_owned);
    let mut next = || parts.next().unwrap();
    let (group, version, kind) = (next(), next(), next());
    ResourceType { group, version, resource: kind.to_lowercase(), kind, namespaced: true }
}

/// The kinds of the table's stable versions, by name.
fn stable() -> Vec<String> {
    let types = Types::of(form::MINOR);
    let mut names: Vec<String> = types
        .kinds()
        .filter(|(_, version, _)| matches!(*version, "v1" | "v2"))
        .map(|(group, version, kind)| format!("{group}/{version}/{kind}"))
        .collect();
    names.sort();
    names
}

/// The kinds that are compared.
fn written() -> Vec<String> {
    let mut names = stable();
    names.retain(|name| !NOT_HERE.contains(&name.as_str()) && !NOT_COMPARED.contains(&name.as_str()));
    names
}

/// What the twin keeps of a body, in the oracle's terms.
fn kept(name: &str, body: &str) -> Kept {
    let kind = kind_of(name);
    let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    let mut warnings = Vec::new();
    let twice = body::read(body.as_bytes()).unwrap().duplicates;
    let object = serde_json::from_str(body).unwrap();
    let decoded = form::decode_checked(&kind, object, Unknown::Warn, &twice, &mut warnings);
    let object = decoded.map(|mut object| {
        form::default(&kind, &mut object, now);
        Value::Object(object)
    });
    let prefix =
        format!("{} in version \"{}\" cannot be handled as a {}: ", kind.kind, kind.version, kind.kind);
    let object = object.map_err(|status| {
        assert_eq!((status.code, status.reason), (400, "BadRequest"));
        status.message.strip_prefix(&prefix).unwrap_or(&status.message).to_owned()
    });
    Kept { strict: if object.is_ok() { warnings } else { Vec::new() }, object }
}

/// What is kept is read and written again as it is: clients do little else.
fn assert_settled(name: &str, kept: &Kept) {
    let Ok(object) = &kept.object else { return };
    let again = self::kept(name, &object.to_string());
    assert_eq!((again.object.unwrap().to_string(), again.strict), (object.to_string(), Vec::new()));
}

/// Where the two differ; the order of fields counts.
fn difference(name: &str, body: &str, ours: &Kept, theirs: &Kept) -> Option<String> {
    let text = |kept: &Kept| match &kept.object {
        Ok(object) => format!("{object} {:?}", kept.strict),
        Err(error) => format!("error: {error}"),
    };
    let (ours, theirs) = (text(ours), text(theirs));
    if ours == theirs {
        return None;
    }
    let at = ours.bytes().zip(theirs.bytes()).take_while(|(one, other)| one == other).count();
    let part = |text: &str| {
        let bytes = text.as_bytes();
        String::from_utf8_lossy(&bytes[at.saturating_sub(150).min(bytes.len())..(at + 80).min(bytes.len())])
            .into_owned()
    };
    Some(format!("{name}\n  ours:   {}\n  theirs: {}\n  of {body}", part(&ours), part(&theirs)))
}

#[test]
fn what_a_server_has_and_the_table_agree() {
    let Some(oracle) = Defaults::or_skip() else { return };
    let theirs = oracle.kinds().unwrap();
    for name in written().iter().filter(|name| !name.starts_with("meta.k8s.io/")) {
        assert!(theirs.contains(name), "a server of 1.{} has no {name}", form::MINOR);
    }
    for name in NOT_HERE {
        assert!(!theirs.contains(&(*name).to_owned()), "{name} is there");
    }
    let ours = stable();
    let meta =
        ["DeleteOptions", "CreateOptions", "UpdateOptions", "PatchOptions", "GetOptions", "ListOptions"];
    let meta =
        [&meta[..], &["WatchEvent", "APIGroup", "APIVersions", "APIResourceList", "APIGroupList", "Status"]]
            .concat();
    for name in theirs.iter().filter(|name| name.contains("/v1/") || name.contains("/v2/")) {
        let kind = name.rsplit('/').next().unwrap();
        let known = ours.contains(name) || kind.ends_with("List") || meta.contains(&kind);
        assert!(known, "the table has no {name}");
    }
}

/// Compares random bodies of every kind; how many of all the server refuses.
fn compare(oracle: &Defaults, each: u64, spoilt: bool) -> (usize, usize) {
    let types = Types::of(form::MINOR);
    let (mut refused, mut all, mut different) = (0, 0, Vec::new());
    for name in written() {
        let kind = kind_of(&name);
        let of = types.kind(&kind.group, &kind.version, &kind.kind).unwrap();
        let one = |seed| generate::object(&types, of, &kind, &mut Chance::new(seed), spoilt);
        let bodies: Vec<String> = (0..each).map(one).collect();
        let theirs = oracle.keep(&bodies).unwrap();
        refused += theirs.iter().filter(|theirs| theirs.object.is_err()).count();
        all += theirs.len();
        let ours: Vec<Kept> = bodies.iter().map(|body| kept(&name, body)).collect();
        ours.iter().for_each(|ours| assert_settled(&name, ours));
        // The first of each kind, to be read by people.
        let mut pairs = bodies.iter().zip(ours.iter().zip(&theirs));
        different.extend(pairs.find_map(|(body, (ours, theirs))| difference(&name, body, ours, theirs)));
    }
    assert!(different.is_empty(), "{} kinds differ:\n{}", different.len(), different.join("\n"));
    (refused, all)
}

#[test]
fn random_objects_come_out_equal() {
    let Some(oracle) = Defaults::or_skip() else { return };
    let (refused, all) = compare(&oracle, 300, false);
    assert!(refused < all / 20, "{refused} of {all} are no objects");
}

#[test]
fn what_does_not_fit_is_refused_in_the_same_words() {
    let Some(oracle) = Defaults::or_skip() else { return };
    let (refused, all) = compare(&oracle, 100, true);
    assert!(refused > all / 4, "only {refused} of {all} are refused");
}

#[test]
fn cases_by_hand_come_out_equal() {
    let Some(oracle) = Defaults::or_skip() else { return };
    let lines: Vec<&str> =
        include_str!("cases.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let bodies: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let mut different = Vec::new();
    for (body, theirs) in bodies.iter().zip(oracle.keep(&bodies).unwrap()) {
        let object: Value = serde_json::from_str(body).unwrap();
        let version = object["apiVersion"].as_str().unwrap();
        let version = if version.contains('/') { version.to_owned() } else { format!("/{version}") };
        let name = format!("{version}/{}", object["kind"].as_str().unwrap());
        different.extend(difference(&name, body, &kept(&name, body), &theirs));
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}
