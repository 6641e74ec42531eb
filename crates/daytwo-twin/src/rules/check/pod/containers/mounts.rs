//! Where volumes appear in a container.

use super::{Around, At, Faults, descending, exactly, json, no_backsteps};

pub(super) fn mounts(container: &At<'_>, around: &Around<'_, '_>, out: &mut Faults) {
    let all = container.at("volumeMounts");
    let devices = container.at("volumeDevices");
    let mut paths: Vec<&str> = Vec::new();
    for mount in all.items() {
        let (name, path) = (mount.at("name"), mount.at("mountPath"));
        if name.empty() {
            out.push(name.required(""));
        }
        if !around.volumes.iter().any(|(volume, _)| *volume == name.text()) {
            out.push(name.with(&json!(name.text())).unknown());
        }
        if path.empty() {
            out.push(path.required(""));
        }
        if paths.contains(&path.text()) {
            out.push(path.invalid_as(path.text(), "must be unique"));
        }
        paths.push(path.text());
        let device = |field: &str, text: &str| devices.items().any(|device| device.str(field) == text);
        if device("name", name.text()) {
            out.push(name.invalid("must not already exist in volumeDevices"));
        }
        if device("devicePath", path.text()) {
            out.push(path.invalid("must not already exist as a path in volumeDevices"));
        }
        let (sub, template) = (mount.at("subPath"), mount.at("subPathExpr"));
        if !sub.empty() {
            descending(&sub.called(format!("{}.subPath", all.path())), out);
        }
        if !template.empty() {
            if !sub.empty() {
                out.push(template.invalid("subPathExpr and subPath are mutually exclusive"));
            }
            descending(&template.called(format!("{}.subPathExpr", all.path())), out);
        }
        propagation(container, &all, &mount, out);
    }
}

fn propagation(container: &At<'_>, all: &At<'_>, mount: &At<'_>, out: &mut Faults) {
    let place = mount.at("mountPropagation").called(format!("{}.mountPropagation", all.path()));
    if place.has() {
        exactly(&place, &["Bidirectional", "HostToContainer", "None"], out);
        if place.text() == "Bidirectional" && !container.at("securityContext").flag("privileged") {
            out.push(
                place.forbidden("Bidirectional mount propagation is available only to privileged containers"),
            );
        }
    }
    let recursive = mount.at("recursiveReadOnly").called(format!("{}.recursiveReadOnly", all.path()));
    match recursive.text() {
        "Enabled" | "IfPossible" => {
            if !mount.flag("readOnly") {
                out.push(recursive.forbidden("may only be specified when readOnly is true"));
            }
            if place.has() && place.text() != "None" {
                out.push(
                    recursive
                        .forbidden("may only be specified when mountPropagation is None or not specified"),
                );
            }
        }
        _ if !recursive.has() => {}
        _ => exactly(&recursive, &["Disabled", "Enabled", "IfPossible"], out),
    }
}

pub(super) fn devices(container: &At<'_>, around: &Around<'_, '_>, out: &mut Faults) {
    let mounts = container.at("volumeMounts");
    let (mut paths, mut names): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for device in container.at("volumeDevices").items() {
        let (name, path) = (device.at("name"), device.at("devicePath"));
        let volume =
            around.volumes.iter().find(|(volume, _)| *volume == name.text()).map(|(_, volume)| volume);
        if name.empty() {
            out.push(name.required(""));
        }
        if names.contains(&name.text()) {
            out.push(name.invalid("must be unique"));
        }
        match volume {
            Some(volume) if !volume.at("persistentVolumeClaim").has() && !volume.at("ephemeral").has() => {
                let words =
                    "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                out.push(name.invalid(words));
            }
            Some(_) => {}
            None => out.push(name.with(&json!(name.text())).unknown()),
        }
        if path.empty() {
            out.push(path.required(""));
        }
        if paths.contains(&path.text()) {
            out.push(path.invalid_as(path.text(), "must be unique"));
        }
        let mut climbs = Faults::new();
        no_backsteps(&path, &mut climbs);
        if climbs.is_empty() {
            paths.push(path.text());
        } else {
            out.push(path.invalid("can not contain backsteps ('..')"));
        }
        let mounted = |field: &str, text: &str| mounts.items().any(|mount| mount.str(field) == text);
        if mounted("name", name.text()) {
            out.push(name.invalid("must not already exist in volumeMounts"));
        }
        if mounted("mountPath", path.text()) {
            out.push(path.invalid("must not already exist as a path in volumeMounts"));
        }
        if !name.empty() {
            names.push(name.text());
        }
    }
}
