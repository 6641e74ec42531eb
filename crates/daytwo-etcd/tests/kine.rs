//! A real kine under a real API server, read while both run, after an end and after a crash.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use daytwo_etcd::k3s::{self, Token, Verdict};
use daytwo_etcd::kine::Way;
use daytwo_etcd::kube::{Catalogue, Objects, Place, Prefix};
use daytwo_etcd::source::{self, Options, Source};
use daytwo_etcd::{Error, keyspace};
use serde_json::{Value, json};
use testbed::{ControlPlane, Family, Kine};

fn open(path: &Path) -> Source {
    source::open(path, &Options::default()).unwrap()
}

/// Key, value, created at, changed at, lease.
type Pair = (Vec<u8>, Vec<u8>, i64, i64, i64);

/// What etcdctl sees of kine at a revision, but for the key by which kine itself keeps track.
fn by_etcdctl(kine: &Kine, revision: i64) -> Vec<Pair> {
    let rev = format!("--rev={revision}");
    let text = kine.etcdctl(&["get", "/", "--prefix", &rev, "--write-out=json"]).unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    let bytes = |value: &Value| STANDARD.decode(value.as_str().unwrap_or_default()).unwrap();
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    let pairs = answer["kvs"].as_array().unwrap().iter();
    pairs
        .map(|kv| {
            let [created, changed, lease] =
                ["create_revision", "mod_revision", "lease"].map(|name| number(&kv[name]));
            (bytes(&kv["key"]), bytes(&kv["value"]), created, changed, lease)
        })
        .collect()
}

fn by_file(source: &Source, revision: i64) -> Vec<Pair> {
    try_by_file(source, revision).unwrap()
}

fn try_by_file(source: &Source, revision: i64) -> daytwo_etcd::Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    keyspace::list(source.store(), b"/", Some(revision), &mut |record| {
        let (key, value) = (record.key.to_vec(), record.value.to_vec());
        pairs.push((key, value, record.create_revision, record.revision.main, record.lease));
        ControlFlow::Continue(())
    })?;
    pairs.sort();
    Ok(pairs)
}

/// Every file of a folder, with its bytes and when it was written.
fn picture(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, i64, i64)> {
    let look = |path: PathBuf| {
        let found = fs::metadata(&path).unwrap();
        let state = (fs::read(&path).unwrap(), found.mtime(), found.mtime_nsec());
        (path, state)
    };
    fs::read_dir(folder).unwrap().map(|entry| look(entry.unwrap().path())).collect()
}

fn txn_put(kine: &Kine, key: &str, value: &str) {
    let changed = kine.etcdctl(&["get", key, "--write-out=json"]).unwrap();
    let answer: Value = serde_json::from_str(&changed).unwrap();
    let at = answer["kvs"][0]["mod_revision"].as_i64().unwrap_or_default();
    let said = kine.txn(&format!("mod(\"{key}\") = \"{at}\"\n\nput {key} {value}\n\nget {key}\n\n")).unwrap();
    assert!(said.starts_with("SUCCESS"), "{said}");
}

fn revision(kine: &Kine) -> i64 {
    let text = kine.etcdctl(&["get", "/none", "--write-out=json"]).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["header"]["revision"].as_i64().unwrap()
}

#[test]
fn a_kine_is_read_while_it_runs_after_its_end_and_after_a_crash() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kine]).is_none() {
        return;
    }
    let kine = Kine::builder().arg("--compact-min-retain=0").start().unwrap();
    for value in ["one", "two", "three", "four"] {
        txn_put(&kine, "/a", value);
    }
    txn_put(&kine, "/b", "other");
    kine.etcdctl(&["get", "/b"]).unwrap();
    let source = open(&kine.database());
    assert_eq!(source.kine().unwrap().way(), Way::Beside);
    assert!(source.kine().unwrap().status().unwrap().log_bytes > 0, "the log is not written back yet");
    let newest = source.store().readable().unwrap().newest;
    assert_eq!(newest, revision(&kine));
    for revision in [newest, newest - 1, newest - 3] {
        assert_eq!(by_file(&source, revision), by_etcdctl(&kine, revision));
    }
    assert_eq!(source.kine().unwrap().check(true).unwrap(), []);

    // kine compacts while a pass is under way: between two records nothing is held.
    let mut history = Vec::new();
    let compact = (newest - 1).to_string();
    keyspace::history(source.store(), b"/a", &mut |record| {
        if history.is_empty() {
            kine.etcdctl(&["compact", &compact]).unwrap();
        }
        history.push((record.revision.main, String::from_utf8_lossy(record.value).into_owned()));
        ControlFlow::Continue(())
    })
    .unwrap();
    let values: Vec<&str> = history.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["four", "three", "two", "one"]);
    let stale = keyspace::history(source.store(), b"/a", &mut |_| ControlFlow::Continue(()));
    assert!(matches!(stale, Err(Error::Stale { .. })), "{stale:?}");
    drop(source);

    // What was compacted away is gone, but for the value that the first row left keeps of the one before it.
    let source = open(&kine.database());
    assert_eq!(source.store().readable().unwrap().oldest, newest - 1);
    let mut left = Vec::new();
    keyspace::history(source.store(), b"/a", &mut |record| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        left.push((text(record.value), record.previous.map(text)));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(left, [("four".to_owned(), Some("three".to_owned()))]);
    let gone = keyspace::get(source.store(), b"/a", Some(newest - 2), &mut |_| ());
    assert!(matches!(gone, Err(Error::Compacted { .. })), "{gone:?}");
    let expected = by_etcdctl(&kine, newest);
    assert_eq!(by_file(&source, newest), expected);

    // A copy of the running database is one that kine starts from.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("state.db");
    assert_eq!(source.kine().unwrap().copy(&copy).unwrap().revision, newest);
    let other = Kine::builder().database(&copy).start().unwrap();
    assert_eq!(by_etcdctl(&other, newest), expected);
    drop(source);

    let folder = kine.database().parent().unwrap().to_owned();
    for end in [Kine::stop, Kine::kill] {
        end(&kine).unwrap();
        let before = picture(&folder);
        let source = open(&kine.database());
        assert_eq!(by_file(&source, newest), expected);
        assert_eq!(source.kine().unwrap().check(true).unwrap(), []);
        drop(source);
        assert!(before == picture(&folder), "{:?}", before.keys());
        kine.run().unwrap();
    }

    // One that is open already still gives the same over a crash and a new start, or says that it has to be opened again.
    let source = open(&kine.database());
    for step in [Kine::kill, Kine::run, Kine::stop, Kine::run] {
        step(&kine).unwrap();
        match try_by_file(&source, newest) {
            Ok(pairs) => assert_eq!(pairs, expected),
            Err(error) => assert!(matches!(error, Error::Stale { .. }), "{error}"),
        }
        assert_eq!(by_file(&open(&kine.database()), newest), expected);
    }
    drop(source);
    txn_put(&kine, "/b", "kine goes on");
    assert_eq!(open(&kine.database()).kine().unwrap().check(true).unwrap(), []);
}

#[test]
fn an_api_server_on_kine_shows_what_is_in_the_file() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kine, Family::Kube]).is_none() {
        return;
    }
    let kine = Kine::builder().arg("--compact-min-retain=0").start().unwrap();
    let site = ControlPlane::builder().datastore(kine.endpoint()).start().unwrap();
    site.kubectl_stdin(&["create", "--filename=-"], &objects().to_string()).unwrap();
    site.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]).unwrap();
    let custom = json!({"apiVersion": "example.com/v1", "kind": "Gadget",
        "metadata": {"name": "a", "namespace": "default"}, "spec": {"size": 1, "text": "ä<&>"}});
    site.kubectl_stdin(&["create", "--filename=-"], &custom.to_string()).unwrap();

    let shown = || -> Value {
        let path = "/api/v1/namespaces/default/configmaps/changed";
        serde_json::from_str(&site.kubectl(&["get", "--raw", path]).unwrap()).unwrap()
    };
    let change = |value: &str| {
        let patch = json!({"data": {"a": value}}).to_string();
        site.kubectl(&["patch", "configmap", "changed", "--type=merge", "--patch", &patch]).unwrap();
        shown()
    };
    let mut showed = vec![shown()];
    showed.extend(["2", "3"].map(change));
    site.kubectl(&["delete", "configmap", "changed"]).unwrap();

    let source = open(&kine.database());
    let minor = Family::Kube.version().unwrap().split('.').nth(1).unwrap().parse().unwrap();
    let objects = Objects::default().minor(minor);
    let (equal, wrong) = compare(&site, &source, &objects);
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(equal >= 150, "{equal}");

    // Every state of one object, and its last one out of the row that deleted it.
    let key = Prefix::default().key(Catalogue::built_in().find("cm").unwrap(), Some("default"), "changed");
    let (mut found, mut last) = (Vec::new(), None);
    keyspace::history(source.store(), &key, &mut |record| {
        match record.deleted {
            true => last = Some(objects.show_value(record.key, record.previous.unwrap()).unwrap().object),
            false => found.push(objects.show(record).unwrap().object),
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    found.reverse();
    assert_eq!(found, showed);
    let mut before = showed.last().unwrap().clone();
    before["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    assert_eq!(last.unwrap(), before);
    drop(source);

    // The same when what came before was compacted away; one step of that is still told.
    site.kubectl(&["create", "configmap", "changed", "--from-literal=a=4"]).unwrap();
    let mut five = change("5");
    let six = change("6");
    kine.etcdctl(&["compact", six["metadata"]["resourceVersion"].as_str().unwrap()]).unwrap();
    let source = open(&kine.database());
    let (equal, wrong) = compare(&site, &source, &objects);
    assert!(wrong.is_empty() && equal >= 150, "{equal}, {} differ:\n{}", wrong.len(), wrong.join("\n"));
    let mut left = Vec::new();
    keyspace::history(source.store(), &key, &mut |record| {
        let previous = objects.show_value(record.key, record.previous.unwrap()).unwrap().object;
        left.push((objects.show(record).unwrap().object, previous));
        ControlFlow::Continue(())
    })
    .unwrap();
    five["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    assert_eq!(left, [(six, five)]);
    assert_eq!(source.kine().unwrap().check(true).unwrap(), []);
}

fn objects() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let pod = json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "web", "ports": [{"containerPort": 80}]}]}});
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "changed", "namespace": "default"}, "data": {"a": "1"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "odd", "namespace": "default"}, "data": {"bytes": "AP8Q"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": pod}},
        {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "happened", "namespace": "default"},
            "involvedObject": {"kind": "Pod", "namespace": "default", "name": "idle"}, "reason": "Tested", "type": "Normal"},
        {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "gadgets.example.com"},
            "spec": {"group": "example.com", "scope": "Namespaced",
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
                "names": {"kind": "Gadget", "plural": "gadgets", "singular": "gadget"}}}
    ]})
}

/// How many objects of the file are those of the API at the same revision, and what differs. Each list of the API must hold
/// as many as the file.
fn compare(site: &ControlPlane, source: &Source, objects: &Objects) -> (usize, Vec<String>) {
    let newest = source.store().readable().unwrap().newest;
    let catalogue = Catalogue::of(source.store(), objects, None).unwrap();
    let mut ours: BTreeMap<String, BTreeMap<(String, String), Value>> = BTreeMap::new();
    let mut wrong = Vec::new();
    keyspace::list(source.store(), b"/registry/", None, &mut |record| {
        let key = String::from_utf8_lossy(record.key).into_owned();
        if let Place::Object(at) = catalogue.place(objects.prefix(), record.key) {
            match (at.known, objects.show(record)) {
                (Some(known), Ok(shown)) => {
                    let group = &shown.gvk.group;
                    let api = if group.is_empty() { "api".to_owned() } else { format!("apis/{group}") };
                    let path = format!(
                        "/{api}/{}/{}?resourceVersion={newest}&resourceVersionMatch=Exact",
                        shown.gvk.version, known.plural
                    );
                    let name = (at.namespace.unwrap_or_default().to_owned(), at.name.to_owned());
                    ours.entry(path).or_default().insert(name, shown.object);
                }
                (known, shown) => wrong.push(format!("{key}: {known:?} {shown:?}")),
            }
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let mut equal = 0;
    for (path, mut ours) in ours {
        let list: Value = serde_json::from_str(&site.kubectl(&["get", "--raw", &path]).unwrap()).unwrap();
        for theirs in list["items"].as_array().unwrap() {
            let text = |name: &str| theirs["metadata"][name].as_str().unwrap_or_default().to_owned();
            let Some(mut ours) = ours.remove(&(text("namespace"), text("name"))) else {
                wrong.push(format!("{path}: the file has no {}", text("name")));
                continue;
            };
            if theirs.get("kind").is_none() {
                // The items of a list of a built-in kind do not say theirs.
                for word in ["apiVersion", "kind"] {
                    ours.as_object_mut().unwrap().remove(word);
                }
            }
            match ours == *theirs {
                true => equal += 1,
                false => wrong.push(format!("{path}:\n {ours}\n {theirs}")),
            }
        }
        wrong.extend(ours.into_keys().map(|name| format!("{path}: the API has no {name:?}")));
    }
    (equal, wrong)
}

/// Sealed by Go's own libraries, in `k3s/seal.go`.
fn seal(passphrase: &str, plain: &Value) -> Option<String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/k3s/seal.go");
    let mut go = Command::new("go")
        .arg("run")
        .arg(program)
        .env("GOFLAGS", "")
        .env("GOWORK", "off")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let ask = json!({"passphrase": passphrase, "salt": "0123456789abcdef",
        "plain": STANDARD.encode(plain.to_string())});
    go.stdin.take().unwrap().write_all(ask.to_string().as_bytes()).unwrap();
    let output = go.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_server_token_opens_what_go_sealed_with_it() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kine]).is_none() {
        return;
    }
    let ca = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let file = |text: &str| json!({"Timestamp": "2026-01-01T00:00:00Z", "Content": STANDARD.encode(text)});
    let plain =
        json!({"ServerCA": file(ca), "ServerCAKey": file("hidden"), "EncryptionConfig": file("hidden")});
    let Some(sealed) = seal("the passphrase", &plain) else {
        assert!(!testbed::ci(), "nothing may be skipped with CI=true: no Go");
        return;
    };
    let kine = Kine::start().unwrap();
    let token = Token::parse("K10::server:the passphrase\n").unwrap();
    let verdict = || k3s::verdict(open(&kine.database()).store(), &token).unwrap();
    assert_eq!(verdict(), Verdict::NoProof);
    // sha256sum of the passphrase
    txn_put(&kine, "/bootstrap/97391a8b4614", &sealed);
    match verdict() {
        Verdict::Opens(inside) => {
            let names: Vec<&str> = inside.files.iter().map(|file| file.name.as_str()).collect();
            assert_eq!(names, ["EncryptionConfig", "ServerCA", "ServerCAKey"]);
            assert!(inside.encryption_config && !format!("{inside:?}").contains("hidden"));
        }
        other => panic!("{other:?}"),
    }
    let other = Token::parse("another").unwrap();
    let wrong = k3s::verdict(open(&kine.database()).store(), &other).unwrap();
    assert_eq!(wrong, Verdict::WrongToken { wanted: vec!["97391a8b4614".to_owned()] });
}
