//! Volumes: their names, and what each kind of source must say.

mod projected;

use projected::{downward, projected};

mod remote;

pub(in crate::rules::check) use remote::driver_name;
use remote::{azure, csi, fibre, flex, flocker, iscsi, quobyte, secret_name};

use serde_json::{Value, json};

use super::{Setting, environment};
use crate::field::quoted;
use crate::rules::check::resources;
use crate::rules::check::selector::selector;
use crate::rules::check::table::{apply, below_here, chosen, descending, file_mode, needed, no_backsteps};
use crate::rules::check::volumes::claim_template;
use crate::rules::look::{At, Faults};
use crate::rules::words;

/// The volumes that stand, by name.
pub(in crate::rules::check) type Sources<'v> = Vec<(&'v str, At<'v>)>;

/// In the order they are looked at; the second is what the server calls it where it says that there is one too many,
/// the third in the path of its own faults.
const KINDS: [(&str, &str, &str); 30] = [
    ("hostPath", "hostPath", "hostPath"),
    ("gitRepo", "gitRepo", "gitRepo"),
    ("gcePersistentDisk", "gcePersistentDisk", "persistentDisk"),
    ("awsElasticBlockStore", "awsElasticBlockStore", "awsElasticBlockStore"),
    ("secret", "secret", "secret"),
    ("nfs", "nfs", "nfs"),
    ("iscsi", "iscsi", "iscsi"),
    ("glusterfs", "glusterfs", "glusterfs"),
    ("flocker", "flocker", "flocker"),
    ("persistentVolumeClaim", "persistentVolumeClaim", "persistentVolumeClaim"),
    ("rbd", "rbd", "rbd"),
    ("cinder", "cinder", "cinder"),
    ("cephfs", "cephFS", "cephfs"),
    ("quobyte", "quobyte", "quobyte"),
    ("downwardAPI", "downwarAPI", "downwardAPI"),
    ("fc", "fc", "fc"),
    ("flexVolume", "flexVolume", "flexVolume"),
    ("configMap", "configMap", "configMap"),
    ("azureFile", "azureFile", "azureFile"),
    ("vsphereVolume", "vsphereVolume", "vsphereVolume"),
    ("photonPersistentDisk", "photonPersistentDisk", "photonPersistentDisk"),
    ("portworxVolume", "portworxVolume", "portworxVolume"),
    ("azureDisk", "azureDisk", "azureDisk"),
    ("storageos", "storageos", "storageos"),
    ("projected", "projected", "projected"),
    ("scaleIO", "scaleIO", "scaleIO"),
    ("csi", "csi", "csi"),
    ("ephemeral", "ephemeral", "ephemeral"),
    ("image", "image", "image"),
    ("local", "local", "local"),
];

/// Checks the volumes of a pod, and gives those that stand.
pub(super) fn volumes<'v>(place: &At<'v>, setting: &Setting<'_>, out: &mut Faults) -> Sources<'v> {
    let pod = setting.meta.and_then(|meta| meta["name"].as_str()).unwrap_or("");
    let made: Vec<String> = place
        .items()
        .filter(|volume| !pod.is_empty() && volume.at("ephemeral").has())
        .map(|volume| format!("{pod}-{}", volume.str("name")))
        .collect();
    let mut standing = Sources::new();
    for volume in place.items() {
        let mut wrong = Faults::new();
        let name = volume.at("name");
        source(&volume, pod, setting, &mut wrong);
        if name.empty() {
            wrong.push(name.required(""));
        } else {
            words::formed(&name, words::label, &mut wrong);
        }
        if standing.iter().any(|(other, _)| *other == name.text()) {
            wrong.push(name.duplicate());
        }
        if wrong.is_empty() {
            standing.push((name.text(), volume.clone()));
        }
        out.append(&mut wrong);
        let claim = volume.at("persistentVolumeClaim").at("claimName");
        if claim.has() && made.iter().any(|made| made == claim.text()) {
            out.push(claim.invalid("must not reference a PVC that gets created for an ephemeral volume"));
        }
    }
    standing
}

fn source(volume: &At<'_>, pod: &str, setting: &Setting<'_>, out: &mut Faults) {
    if let Some(limit) = volume.get("emptyDir").get("sizeLimit")
        && words::Amount::of(limit).negative()
    {
        let words = "SizeLimit field must be a valid resource quantity";
        out.push(volume.at("emptyDir").at("sizeLimit").forbidden(words));
    }
    let mut one = usize::from(volume.at("emptyDir").has());
    for (field, extra, path) in KINDS {
        if field == "local" || !volume.at(field).has() {
            continue;
        }
        let first = one == 0;
        if first {
            one = 1;
            inner(field, &volume.shown(field, path), setting, out);
        } else {
            out.push(volume.shown(field, extra).forbidden("may not specify more than 1 volume type"));
        }
        name_with_source(volume, field, pod, first, out);
    }
    if one == 0 {
        out.push(volume.required("must specify a volume type"));
    }
}

/// What a source asks of the volume's name.
fn name_with_source(volume: &At<'_>, field: &str, pod: &str, first: bool, out: &mut Faults) {
    let name = volume.at("name");
    if field == "iscsi" {
        let portal = volume.at("iscsi");
        if portal.at("initiatorName").has() && name.text().len() + 1 + portal.str("targetPortal").len() > 64 {
            out.push(name.invalid_as(name.text(), ISCSI_NAME));
        }
    }
    if field == "ephemeral" && first && !pod.is_empty() && !name.empty() {
        let claim = format!("{pod}-{}", name.text());
        for words in words::subdomain(&claim) {
            out.push(name.invalid(format!("PVC name {}: {words}", quoted(&claim))));
        }
    }
}

/// What is said of an iSCSI volume whose name and portal are too long together.
const ISCSI_NAME: &str = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";

/// The sources of a persistent volume, whose name is given; how many there are.
pub(in crate::rules::check) fn one_source(spec: &At<'_>, name: &str, out: &mut Faults) -> usize {
    const ORDER: [&str; 21] = [
        "hostPath",
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "glusterfs",
        "flocker",
        "nfs",
        "rbd",
        "quobyte",
        "cephfs",
        "iscsi",
        "cinder",
        "fc",
        "flexVolume",
        "azureFile",
        "vsphereVolume",
        "photonPersistentDisk",
        "portworxVolume",
        "azureDisk",
        "scaleIO",
        "local",
        "storageos",
    ];
    let mut one = 0;
    let setting = Setting { meta: None, old: None };
    for field in ORDER.into_iter().filter(|field| spec.at(field).has()) {
        let Some((_, extra, path)) = KINDS.iter().find(|(kind, ..)| *kind == field) else { continue };
        if one > 0 && field != "flexVolume" {
            out.push(spec.shown(field, extra).forbidden("may not specify more than 1 volume type"));
            continue;
        }
        one += 1;
        let place = spec.shown(field, path);
        persistent(field, spec, &place, name, &setting, out);
    }
    one
}

fn persistent(
    field: &str,
    spec: &At<'_>,
    place: &At<'_>,
    name: &str,
    setting: &Setting<'_>,
    out: &mut Faults,
) {
    if field == "iscsi"
        && place.at("initiatorName").has()
        && name.len() + 1 + place.str("targetPortal").len() > 64
    {
        out.push(place.shown("targetPortal", "targetportal").invalid(ISCSI_NAME));
    }
    let before = out.len();
    inner(field, place, setting, out);
    if field == "iscsi" {
        // Of a pod's volume it says more.
        let told = out[before..].iter_mut().filter(|fault| fault.detail.starts_with("must be valid format"));
        told.for_each(|fault| "must be valid format".clone_into(&mut fault.detail));
    }
    let secret = place.at("secretRef");
    match field {
        "local" if spec.at("nodeAffinity").empty() => {
            out.push(spec.at("nodeAffinity").required("Local volume requires node affinity"));
        }
        "cinder" | "storageos" if secret.has() && secret.str("namespace").is_empty() => {
            out.push(secret.at("namespace").required(""));
        }
        "iscsi" if secret.has() && secret.str("name").is_empty() => out.push(secret.at("name").required("")),
        "azureFile" if place.get("secretNamespace").as_str() == Some("") => {
            out.push(place.at("secretNamespace").required(""));
        }
        _ => {}
    }
}

fn inner(field: &str, place: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    apply(&format!("volume.{field}"), place, out);
    match field {
        "hostPath" => host_path(place, out),
        "gitRepo" => descending(&place.at("directory"), out),
        "secret" | "configMap" => keys(field, place, out),
        "iscsi" => iscsi(place, out),
        "flocker" => flocker(place, out),
        "cinder" | "storageos" => secret_name(field, place, out),
        "quobyte" => quobyte(place, out),
        "downwardAPI" => {
            file_mode(&place.at("defaultMode"), out);
            place.at("items").items().for_each(|file| downward(&file.called(place.path()), out));
        }
        "fc" => fibre(place, out),
        "flexVolume" => flex(place, out),
        "azureDisk" => azure(place, out),
        "projected" => projected(place, setting, out),
        "csi" => csi(place, out),
        "ephemeral" => claim_template(&place.at("volumeClaimTemplate"), out),
        "image" => {
            if setting.is_pod() && place.str("reference").is_empty() {
                out.push(place.at("reference").required(""));
            }
            needed(&place.at("pullPolicy"), &["Always", "IfNotPresent", "Never"], out);
        }
        _ => {}
    }
}

fn host_path(place: &At<'_>, out: &mut Faults) {
    let path = place.at("path");
    if path.empty() {
        return out.push(path.required(""));
    }
    no_backsteps(&path, out);
    let kinds =
        ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    chosen(&place.at("type"), &kinds, out);
}

fn keys(field: &str, place: &At<'_>, out: &mut Faults) {
    let name = if field == "secret" { "secretName" } else { "name" };
    if place.str(name).is_empty() {
        out.push(place.at(name).required(""));
    }
    file_mode(&place.at("defaultMode"), out);
    place.at("items").items().for_each(|key| key_to_path(&key, out));
}

fn key_to_path(key: &At<'_>, out: &mut Faults) {
    apply("key-to-path", key, out);
    file_mode(&key.at("mode"), out);
}
