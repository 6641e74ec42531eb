//! Values that a real API server encrypted: with each provider that keeps its keys in a file, custom resources too, before
//! and after a rotation, and with a key missing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod objects;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use daytwo_etcd::keyspace;
use daytwo_etcd::kube::{Catalogue, Keyring, NotOpened, NotShown, Objects, Prefix};
use daytwo_etcd::mvcc::Backend;
use objects::{compare, snapshot};
use serde_json::{Value, json};
use testbed::{ControlPlane, Family};

/// Not the usual one, since AES-GCM seals a value to its key with the prefix.
const PREFIX: &str = "/clusters/a";

/// Of no use but here: every byte of a key is the same letter.
fn key(name: &str, letter: u8, bytes: usize) -> Value {
    json!({"name": name, "secret": STANDARD.encode(vec![letter; bytes])})
}

/// A provider for each of three resources, and one for all the rest, events and custom resources included.
fn configuration(secrets: &[Value]) -> String {
    let of = |resources: &[&str], provider: Value| json!({"resources": resources, "providers": [provider, {"identity": {}}]});
    json!({"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1", "resources": [
        of(&["secrets"], json!({"aescbc": {"keys": secrets}})),
        of(&["configmaps"], json!({"aesgcm": {"keys": [key("short", b'g', 16)]}})),
        of(&["deployments.apps"], json!({"secretbox": {"keys": [key("box", b's', 32)]}})),
        of(&["*.*"], json!({"aesgcm": {"keys": [key("rest", b'r', 32)]}}))]})
    .to_string()
}

/// Why the Secret `name` is not shown, or its value `k`.
fn secret(backend: &Backend, keys: &str, name: &str) -> Result<String, NotShown> {
    let objects = Objects::new(Prefix::new(PREFIX), Keyring::parse(keys).unwrap());
    let catalogue = Catalogue::built_in();
    let key = objects.prefix().key(catalogue.find("secret").unwrap(), Some("default"), name);
    let mut found = None;
    keyspace::get(backend, &key, None, &mut |record| {
        found = Some(objects.show(record));
    })
    .unwrap();
    found.unwrap().map(|shown| shown.object["data"]["k"].as_str().unwrap().to_owned())
}

#[test]
fn encrypted_objects_are_read_with_the_keys_and_named_without_them() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kube]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("encryption.json");
    let (old, new) = (key("old", b'o', 24), key("new", b'n', 32));
    let first = configuration(std::slice::from_ref(&old));
    std::fs::write(&config, &first).unwrap();
    let site = ControlPlane::builder()
        .controller_manager(false)
        .apiserver_arg(format!("--etcd-prefix={PREFIX}"))
        .apiserver_arg(format!("--encryption-provider-config={}", config.display()))
        .start()
        .unwrap();
    let create = |name: &str, value: &str| {
        let value = format!("--from-literal=k={value}");
        site.kubectl(&["create", "secret", "generic", name, &value]).unwrap();
    };
    create("before", "1");
    site.kubectl(&["create", "configmap", "a", "--from-literal=k=v"]).unwrap();
    site.kubectl(&["create", "deployment", "a", "--image=busybox"]).unwrap();
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.com"},
        "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Gadget", "plural": "gadgets"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]}});
    site.kubectl_stdin(&["create", "--filename=-"], &crd.to_string()).unwrap();
    site.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]).unwrap();
    let gadget = json!({"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "a"}});
    site.kubectl_stdin(&["create", "--filename=-"], &gadget.to_string()).unwrap();

    let rotated = configuration(&[new.clone(), old]);
    std::fs::write(&config, &rotated).unwrap();
    site.restart_apiserver().unwrap();
    create("after", "2");

    let snapshots = tempfile::tempdir().unwrap();
    let backend = snapshot(&site, snapshots.path());
    let objects = Objects::new(Prefix::new(PREFIX), Keyring::read(&config).unwrap()).minor(36);
    let compared = compare(&site, &backend, &objects);
    eprintln!("{} objects equal; {:?}", compared.equal, compared.seals);
    assert!(compared.wrong.is_empty(), "{} differ:\n{}", compared.wrong.len(), compared.wrong.join("\n"));
    let seals: BTreeSet<&str> = compared.seals.keys().map(String::as_str).collect();
    let expected = [
        "aescbc with the key new",
        "aescbc with the key old",
        "aesgcm with the key rest",
        "aesgcm with the key short",
        "secretbox with the key box",
    ];
    assert_eq!(seals, BTreeSet::from(expected));
    assert!(
        compared.seals["aesgcm with the key rest"] > 50,
        "what *.* names is encrypted too: {:?}",
        compared.seals
    );

    assert_eq!(secret(&backend, &rotated, "before").unwrap(), STANDARD.encode("1"));
    assert_eq!(secret(&backend, &rotated, "after").unwrap(), STANDARD.encode("2"));
    let only_new = configuration(&[new]);
    let missing = secret(&backend, &only_new, "before").unwrap_err();
    let NotShown::Closed(NotOpened::MissingKey(seal)) = &missing else { panic!("{missing}") };
    assert_eq!((seal.provider.as_str(), seal.key.as_str()), ("aescbc", "old"));
    assert_eq!(secret(&backend, &only_new, "after").unwrap(), STANDARD.encode("2"));
    let other = secret(&backend, &configuration(&[key("old", b'x', 32)]), "before").unwrap_err();
    assert!(matches!(other, NotShown::Closed(NotOpened::WrongKeyOrDamaged(_))), "{other}");
}
