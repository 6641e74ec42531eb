//! Exported files: what kubectl applies, readable by their owner only, and an index of which object each is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::{PLANTED, write_shop};
use crate::run::Person;

fn exported() -> (Person, PathBuf) {
    let person = Person::new().with("DAYTWO_LOCATION", "./store");
    write_shop(&person.home().join("store"), "nightly");
    person
        .run("backup export nightly --to out")
        .exits(0)
        .says("Secret")
        .says("kubectl apply -R -f out/1-definitions");
    let out = person.home().join("out");
    (person, out)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

#[test]
fn a_file_holds_what_a_restore_would_create() {
    let (_person, out) = exported();
    let text = fs::read_to_string(out.join("3-namespaces/shop/deployments.apps/web.yaml")).unwrap();
    assert_eq!(
        text,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  replicas: 3\n  \
         paused: false\n  ratio: 1.50\n  serial: 123456789012345678901234567890\n"
    );
    assert!(out.join("2-cluster/0-namespaces/shop.yaml").exists());
    assert!(out.join("2-cluster/clusterroles.rbac.authorization.k8s.io/shop%3Areader.yaml").exists());
    assert!(!out.join("2-cluster/nodes").exists(), "nodes report themselves");
    assert!(!out.join("3-namespaces/shop/pods").exists(), "their controller makes them");
}

#[test]
fn secrets_are_written_with_their_values_and_every_file_is_private() {
    let (_person, out) = exported();
    let secret = fs::read_to_string(out.join("3-namespaces/shop/secrets/db.yaml")).unwrap();
    assert!(secret.contains(PLANTED[1]));
    #[cfg(unix)]
    for file in files(&out) {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn the_index_names_the_object_of_every_file_whatever_its_length() {
    let (_person, out) = exported();
    let index = fs::read_to_string(out.join("index.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        index.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len() + 1, files(&out).len());
    for line in &lines {
        assert!(out.join(line["file"].as_str().unwrap()).exists(), "{line}");
    }
    let long = lines.iter().find(|line| line["name"] == "l".repeat(253)).unwrap();
    assert!(long["file"].as_str().unwrap().rsplit('/').next().unwrap().len() <= 205);
}

#[test]
fn a_folder_that_is_not_empty_is_refused() {
    let (person, out) = exported();
    let before = files(&out);
    person.run("backup export nightly --to out").exits(4).says("not empty");
    assert_eq!(files(&out), before);
}

#[test]
fn filters_choose_what_is_exported() {
    let (person, _out) = exported();
    person
        .run("backup export nightly --to some --include-resources cm --include-cluster-resources=false")
        .exits(0);
    let some = person.home().join("some");
    assert!(some.join("3-namespaces/shop/configmaps/settings.yaml").exists());
    assert!(!some.join("3-namespaces/shop/secrets").exists());
}
