//! Every object that a real API server lists is read from a snapshot of its etcd, equal field by field: one of every
//! built-in kind that can be created, custom resources of several versions, what was changed and deleted before.
//!
//! The objects are those that Kubernetes' own test of storage paths creates (`test/integration/etcd/data.go`), taken from
//! the module that the testbed's API server is built from.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

mod member;
mod objects;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::Command;

use daytwo_etcd::bolt::Map;
use daytwo_etcd::kube::{Catalogue, Objects, Prefix};
use daytwo_etcd::mvcc::Backend;
use daytwo_etcd::{Store as _, keyspace};
use member::Member;
use objects::{compare, difference, discover, snapshot};
use serde_json::{Value, json};
use testbed::{ControlPlane, Family};

const NAMESPACE: &str = "one-of-each";

/// `data.go` of the Kubernetes that runs, or `None` where Go cannot fetch it.
fn data() -> Option<String> {
    let version = Family::Kube.version().unwrap();
    let output = Command::new("go")
        .args(["mod", "download", "-json", &format!("k8s.io/kubernetes@{version}")])
        .env("GOFLAGS", "-mod=mod")
        .env("GOWORK", "off")
        .current_dir(std::env::temp_dir())
        .output()
        .ok()?;
    let said: Value = serde_json::from_slice(&output.stdout).ok()?;
    let path = PathBuf::from(said["Dir"].as_str()?).join("test/integration/etcd/data.go");
    std::fs::read_to_string(path).ok()
}

/// Group, version, resource and object of every stub: `gvr("apps", "v1", "deployments"): { Stub: `...`,`.
fn stubs(data: &str) -> Vec<([String; 3], Value)> {
    let mut found = Vec::new();
    for part in data.split("\n\t\tgvr(").skip(1) {
        let Some((head, body)) = part.split_once("): {") else { continue };
        let Ok([group, version, resource]) = <[String; 3]>::try_from(
            head.split(", ").map(|word| word.trim_matches('"').to_owned()).collect::<Vec<_>>(),
        ) else {
            continue;
        };
        let Some((_, stub)) = body.split_once("Stub:") else { continue };
        if let Ok(object) = serde_json::from_str(&text(stub)) {
            found.push(([group, version, resource], object));
        }
    }
    found
}

/// Go's concatenation of raw strings and the two variables that are used.
fn text(mut go: &str) -> String {
    let mut text = String::new();
    loop {
        go = go.trim_start();
        if let Some(raw) = go.strip_prefix('`') {
            let (raw, rest) = raw.split_once('`').unwrap();
            text.push_str(raw);
            go = rest;
        } else {
            let end = go.find(|c: char| !c.is_alphanumeric()).unwrap();
            text.push_str(if &go[..end] == "namespace" { NAMESPACE } else { "busybox" });
            go = &go[end..];
        }
        match go.trim_start().strip_prefix('+') {
            Some(rest) => go = rest,
            None => return text,
        }
    }
}

/// One list of all stubs whose resource is served, for `kubectl create`.
fn list_of_stubs(site: &ControlPlane, data: &str) -> Value {
    let mut items = Vec::new();
    let resources = discover(site);
    for ([group, version, resource], mut object) in stubs(data) {
        let Some(found) = resources.iter().find(|r| r.plural == resource && r.gvk.group == group) else {
            continue;
        };
        let api_version = if group.is_empty() { version } else { format!("{group}/{version}") };
        object["apiVersion"] = api_version.into();
        object["kind"] = found.gvk.kind.clone().into();
        if found.namespaced {
            object["metadata"]["namespace"] = NAMESPACE.into();
        }
        items.push(object);
    }
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

fn definition(plural: &str, kind: &str, scope: &str, versions: &[&str]) -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let versions: Vec<Value> = versions
        .iter()
        .enumerate()
        .map(|(at, name)| {
            json!({"name": name, "served": true, "storage": at == 0, "schema": schema,
            "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]})
        })
        .collect();
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.example.com")},
        "spec": {"group": "example.com", "scope": scope, "versions": versions,
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase(), "shortNames": [&plural[..2]]}}})
}

fn fill(site: &ControlPlane, data: &str) {
    site.kubectl(&["create", "namespace", NAMESPACE]).unwrap();
    // What this API server does not take, its words name; which kinds are there is asserted below.
    if let Err(error) = site.kubectl_stdin(
        &["create", "--validate=false", "--filename=-"],
        &list_of_stubs(site, data).to_string(),
    ) {
        eprintln!("not created: {error}");
    }
    for crd in [
        definition("gadgets", "Gadget", "Namespaced", &["v1", "v1beta1"]),
        definition("boxes", "Box", "Cluster", &["v2"]),
    ] {
        site.kubectl_stdin(&["create", "--filename=-"], &crd.to_string()).unwrap();
    }
    site.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]).unwrap();
    let custom = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "a", "namespace": NAMESPACE},
            "spec": {"size": 1, "ratio": 0.25, "large": 9_007_199_254_740_993_i64, "none": null, "text": "ä\u{2028}<&>"}},
        {"apiVersion": "example.com/v1beta1", "kind": "Gadget", "metadata": {"name": "b", "namespace": NAMESPACE}},
        {"apiVersion": "example.com/v2", "kind": "Box", "metadata": {"name": "c", "finalizers": ["example.com/keep"]}}]});
    site.kubectl_stdin(&["create", "--filename=-"], &custom.to_string()).unwrap();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "odd", "namespace": NAMESPACE},
        "data": {"bytes": "AP8Q", "empty": ""}, "immutable": false});
    site.kubectl_stdin(&["create", "--filename=-"], &secret.to_string()).unwrap();
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "claims", "namespace": NAMESPACE},
        "spec": {"serviceName": "none", "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1500M"}}}}]}});
    site.kubectl_stdin(&["create", "--filename=-"], &set.to_string()).unwrap();
}

#[test]
fn every_object_of_the_api_is_in_the_file_field_by_field() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kube]).is_none() {
        return;
    }
    let Some(data) = data() else {
        assert!(!testbed::ci(), "nothing may be skipped with CI=true: Go could not fetch k8s.io/kubernetes");
        eprintln!(
            "skipped: every_object_of_the_api_is_in_the_file_field_by_field: Go could not fetch k8s.io/kubernetes"
        );
        return;
    };
    let site = everything().start().unwrap();
    fill(&site, &data);
    site.kubectl(&["create", "configmap", "gone", "-n", NAMESPACE]).unwrap();
    site.kubectl(&["delete", "configmap", "gone", "-n", NAMESPACE]).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let backend = snapshot(&site, folder.path());
    let objects = Objects::default().minor(minor());
    let compared = compare(&site, &backend, &objects);
    eprintln!(
        "{} objects of {} resources equal; none of {:?}",
        compared.equal,
        compared.resources.len(),
        compared.none
    );
    assert!(compared.wrong.is_empty(), "{} differ:\n{}", compared.wrong.len(), compared.wrong.join("\n"));
    // Of every resource of Kubernetes' own there is one; of a custom one there may be none.
    let catalogue = Catalogue::built_in();
    let missing: Vec<_> = compared.none.iter().filter(|name| catalogue.find(name).is_some()).collect();
    assert!(
        missing.is_empty() && compared.resources.len() >= 60 && compared.equal >= 200,
        "{missing:?} {compared:?}"
    );

    names_are_those_of_discovery(&site, &Catalogue::of(&backend, &objects, None).unwrap());
    earlier_revisions_are_what_the_api_showed(&site, folder.path(), &objects);
    compacted_and_defragmented_it_is_the_same(&site, folder.path(), &objects);
    defaults_of_a_schema_are_the_api_s_alone(&site, folder.path(), &objects);
}

/// An API server that serves all there is, and takes it without anybody who fills in the rest.
fn everything() -> testbed::Builder {
    ControlPlane::builder()
        .controller_manager(false)
        .apiserver_arg("--runtime-config=api/all=true")
        .apiserver_arg("--disable-admission-plugins=ServiceAccount,StorageObjectInUseProtection")
}

/// Of the API server that runs.
fn minor() -> u8 {
    Family::Kube.version().unwrap().split('.').nth(1).unwrap().parse().unwrap()
}

/// The same API server on etcd 3.5 and 3.7, whose snapshots their own etcdctl saves; once more after a compaction and a
/// defragmentation.
#[test]
fn it_does_not_matter_which_etcd_the_api_server_wrote_to() {
    for family in [Family::Etcd35, Family::Etcd37] {
        let Some(member) = Member::start(family, &[Family::Etcd, Family::Kube]) else { return };
        let Some(data) = data() else {
            assert!(
                !testbed::ci(),
                "nothing may be skipped with CI=true: Go could not fetch k8s.io/kubernetes"
            );
            eprintln!("skipped: Go could not fetch k8s.io/kubernetes");
            return;
        };
        let site = everything().datastore(format!("http://{}", member.client)).start().unwrap();
        fill(&site, &data);
        site.kubectl(&["create", "configmap", "gone", "-n", NAMESPACE]).unwrap();
        site.kubectl(&["delete", "configmap", "gone", "-n", NAMESPACE]).unwrap();
        let objects = Objects::default().minor(minor());
        for name in ["whole.db", "compacted.db"] {
            if name == "compacted.db" {
                member.ctl(&["compact", &member.revision().to_string(), "--physical"]);
                member.ctl(&["defrag"]);
            }
            let file = member.save(name);
            let compared = compare(&site, &Backend::open(Map::open(&file).unwrap()).unwrap(), &objects);
            assert!(compared.wrong.is_empty(), "{family}, {name}: {}", compared.wrong.join("\n"));
            assert!(compared.equal >= 200, "{family}, {name}: {} equal", compared.equal);
            eprintln!("{family}, {name}: {} objects equal", compared.equal);
        }
    }
}

fn names_are_those_of_discovery(site: &ControlPlane, catalogue: &Catalogue) {
    for theirs in discover(site).into_iter().filter(|resource| resource.listed) {
        if theirs.plural == "events" && !theirs.gvk.group.is_empty() {
            continue;
        }
        let ours = catalogue.of_kind(&theirs.gvk.group, &theirs.gvk.kind);
        let ours = ours.unwrap_or_else(|| panic!("{theirs:?} is not in the catalogue"));
        assert_eq!(ours.plural, theirs.plural);
        assert_eq!(
            (ours.namespaced, &ours.short_names),
            (theirs.namespaced, &theirs.short_names),
            "{theirs:?}"
        );
        for name in theirs.short_names.iter().chain([&theirs.plural]) {
            let asked = format!("{name}.{}", theirs.gvk.group);
            assert_eq!(
                catalogue.find(asked.trim_end_matches('.')).map(|r| &r.kind),
                Some(&ours.kind),
                "{asked}"
            );
        }
    }
}

/// A ConfigMap changed twice, deleted and made again, as the API showed it each time.
fn earlier_revisions_are_what_the_api_showed(
    site: &ControlPlane,
    folder: &std::path::Path,
    objects: &Objects,
) {
    let get = || -> Value {
        let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/changed");
        serde_json::from_str(&site.kubectl(&["get", "--raw", &path]).unwrap()).unwrap()
    };
    let mut showed = Vec::new();
    site.kubectl(&["create", "configmap", "changed", "-n", NAMESPACE, "--from-literal=a=1"]).unwrap();
    showed.push(get());
    for patch in [r#"{"data":{"a":"2"}}"#, r#"{"data":{"a":null,"b":"3"}}"#] {
        site.kubectl(&["patch", "configmap", "changed", "-n", NAMESPACE, "--type=merge", "--patch", patch])
            .unwrap();
        showed.push(get());
    }
    site.kubectl(&["delete", "configmap", "changed", "-n", NAMESPACE]).unwrap();
    site.kubectl(&["create", "configmap", "changed", "-n", NAMESPACE]).unwrap();
    showed.push(get());
    let backend = snapshot(site, folder);
    let catalogue = Catalogue::built_in();
    let key = Prefix::default().key(catalogue.find("cm").unwrap(), Some(NAMESPACE), "changed");
    let (mut found, mut deleted) = (Vec::new(), 0);
    keyspace::history(&backend, &key, &mut |record| {
        match record.deleted {
            true => deleted += 1,
            false => found.push(objects.show(record).unwrap().object),
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    found.reverse();
    assert_eq!((found.len(), deleted), (showed.len(), 1));
    for (ours, theirs) in found.iter().zip(&showed) {
        assert_eq!(difference("", ours, theirs), None);
    }
}

/// Three compactions with changes between them, then a defragmentation.
fn compacted_and_defragmented_it_is_the_same(
    site: &ControlPlane,
    folder: &std::path::Path,
    objects: &Objects,
) {
    let newest = || snapshot(site, folder).readable().unwrap().newest;
    let mut oldest = 0;
    for round in 0..3 {
        let patch = format!(r#"{{"data":{{"round":"{round}"}}}}"#);
        site.kubectl(&["patch", "configmap", "changed", "-n", NAMESPACE, "--type=merge", "--patch", &patch])
            .unwrap();
        oldest = newest();
        site.etcdctl(&["compact", &oldest.to_string(), "--physical"]).unwrap();
    }
    site.etcdctl(&["defrag"]).unwrap();
    let backend = snapshot(site, folder);
    assert_eq!(backend.readable().unwrap().oldest, oldest);
    let compared = compare(site, &backend, objects);
    assert!(compared.wrong.is_empty(), "{} differ:\n{}", compared.wrong.len(), compared.wrong.join("\n"));
    assert!(compared.equal >= 200, "{}", compared.equal);
}

/// The one difference that stays: the API shows the default, the file what was written.
fn defaults_of_a_schema_are_the_api_s_alone(
    site: &ControlPlane,
    folder: &std::path::Path,
    objects: &Objects,
) {
    let mut crd = definition("gadgets", "Gadget", "Namespaced", &["v1", "v1beta1"]);
    let size = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true,
        "properties": {"colour": {"type": "string", "default": "red"}}});
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = size;
    site.kubectl_stdin(&["apply", "--server-side", "--force-conflicts", "--filename=-"], &crd.to_string())
        .unwrap();
    testbed::until(std::time::Duration::from_secs(60), "the default to be shown", || {
        let shown = site.kubectl(&["get", "gadget", "a", "-n", NAMESPACE, "--output=jsonpath={.colour}"])?;
        Ok((shown == "red").then_some(()))
    })
    .unwrap();
    let backend = snapshot(site, folder);
    let compared = compare(site, &backend, objects);
    let expected = |name: &str| {
        format!(
            "gadgets.example.com {:?}: .colour: None where Kubernetes has Some(String(\"red\"))",
            (NAMESPACE, name)
        )
    };
    assert_eq!(compared.wrong, [expected("a"), expected("b")]);
}
