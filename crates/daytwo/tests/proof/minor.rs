//! A backup made on another minor of Kubernetes, kept in `minor/backup` with the script that makes it, is restored: every
//! field is as that server stored it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::alike::alike;
use crate::binary::Daytwo;
use crate::kill::bulk;
use crate::{say, stored};

/// By key; Services without their cluster IPs, which another may have, definitions without the status that the server
/// gives them.
fn objects(folder: &Path, name: &str) -> BTreeMap<String, Value> {
    let all = stored::objects(folder, name).into_iter();
    // The server makes these itself.
    let held = all.filter(|(key, _)| !key.starts_with("priorityclasses.scheduling.k8s.io/system-"));
    let held = held.map(|(key, bytes)| {
        let mut object: Value = serde_json::from_slice(&bytes).unwrap();
        if key.starts_with("services/") && object["spec"]["clusterIP"] != "None" {
            let spec = object["spec"].as_object_mut().unwrap();
            spec.remove("clusterIP");
            spec.remove("clusterIPs");
        }
        if key.starts_with("customresourcedefinitions") {
            object.as_object_mut().unwrap().remove("status");
            let managers = object["metadata"]["managedFields"].as_array_mut().unwrap();
            managers.retain(|entry| entry["subresource"] != "status");
        }
        (key, object)
    });
    alike(held.collect())
}

#[test]
fn a_backup_of_an_older_minor_comes_back_in_every_field() {
    let Some(site) = bulk() else { return };
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proof/minor/backup");
    let to = daytwo.folder().join("backups/minor");
    std::fs::create_dir_all(&to).unwrap();
    for file in std::fs::read_dir(&from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    let head: Value = serde_json::from_slice(&std::fs::read(to.join("velero-backup.json")).unwrap()).unwrap();
    let made_on =
        head["metadata"]["annotations"]["velero.io/source-cluster-k8s-gitversion"].as_str().unwrap();
    let here = site.kubectl(&["version", "--output=json"]).unwrap();
    let here: Value = serde_json::from_str(&here).unwrap();
    assert_ne!(here["serverVersion"]["gitVersion"], made_on, "it is no other version: make it anew");
    let before = objects(&daytwo.folder(), "minor");
    let report = daytwo.run(&["restore", "create", "--from=minor", "--output=json"]).expect(0).json();
    let again =
        ["backup", "create", "again", "--include-namespaces=minor", "--include-cluster-resources=true"];
    daytwo.run(&again).expect(0);
    let after = objects(&daytwo.folder(), "again");
    for (key, object) in &before {
        assert_eq!(after.get(key), Some(object), "{key}: {report}");
    }
    say(&format!("{} objects of {made_on} came back in every field", before.len()));
}
