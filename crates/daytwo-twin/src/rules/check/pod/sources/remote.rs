//! Volumes that other machines and drivers provide.

use super::{At, Faults, chosen, words};

fn iscsi_name(text: &str) -> Option<&'static str> {
    let rest = |prefix: &str, length: usize| {
        let rest = text.get(4..).unwrap_or("");
        text.starts_with(prefix)
            && rest.len() == length
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let good = match text.get(..3).unwrap_or("") {
        "iqn" => iqn(text),
        "eui" => rest("eui", 16),
        "naa" => rest("naa", 32),
        _ => return Some("must be valid format starting with iqn, eui, or naa"),
    };
    (!good).then_some("must be valid format")
}

/// `iqn.2024-01.org.example:target`.
fn iqn(text: &str) -> bool {
    let Some((date, rest)) = text.strip_prefix("iqn.").and_then(|rest| rest.split_once('.')) else {
        return false;
    };
    let Some((authority, target)) = rest.split_once(':') else { return false };
    let digits =
        |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let dated = date.split_once('-').is_some_and(|(year, month)| digits(year, 4) && digits(month, 2));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    dated
        && !authority.is_empty()
        && authority.bytes().all(plain)
        && !target.is_empty()
        && !target.chars().any(|one| ",;*&$|".contains(one) || one.is_whitespace())
}

pub(super) fn iscsi(place: &At<'_>, out: &mut Faults) {
    let (portal, target, lun) = (place.at("targetPortal"), place.at("iqn"), place.at("lun"));
    if portal.empty() {
        out.push(portal.required(""));
    }
    if target.empty() {
        out.push(target.required(""));
    } else if let Some(words) = iscsi_name(target.text()) {
        out.push(target.invalid(words));
    }
    if !(0..=255).contains(&place.int("lun")) {
        out.push(lun.invalid(words::between(0, 255)));
    }
    if (place.flag("chapAuthDiscovery") || place.flag("chapAuthSession")) && !place.at("secretRef").has() {
        out.push(place.at("secretRef").required(""));
    }
    let initiator = place.shown("initiatorName", "initiatorname");
    if let Some(words) = Some(initiator.text()).filter(|_| initiator.has()).and_then(iscsi_name) {
        out.push(initiator.invalid(words));
    }
}

pub(super) fn flocker(place: &At<'_>, out: &mut Faults) {
    let (name, uuid) = (place.at("datasetName"), place.at("datasetUUID"));
    if name.empty() && uuid.empty() {
        out.push(place.required("one of datasetName and datasetUUID is required"));
    }
    if !name.empty() && !uuid.empty() {
        let words = "datasetName and datasetUUID can not be specified simultaneously";
        out.push(place.invalid_as("resource", words));
    }
    if name.text().contains('/') {
        out.push(name.invalid("must not contain '/'"));
    }
}

pub(super) fn secret_name(field: &str, place: &At<'_>, out: &mut Faults) {
    if field == "storageos" {
        let name = place.at("volumeName");
        if name.empty() {
            out.push(name.required(""));
        } else {
            words::formed(&name, words::label, out);
        }
        words::formed_if(&place.at("volumeNamespace"), words::label, out);
    }
    let secret = place.at("secretRef");
    if secret.has() && secret.str("name").is_empty() {
        out.push(secret.at("name").required(""));
    }
}

pub(super) fn quobyte(place: &At<'_>, out: &mut Faults) {
    let registry = place.at("registry");
    let words = "must be a host:port pair or multiple pairs separated by commas";
    if registry.empty() {
        out.push(registry.required(words));
    } else if place.str("tenant").len() >= 65 {
        out.push(place.at("tenant").required("must be a UUID and may not exceed a length of 64 characters"));
    } else {
        let pair = |pair: &str| {
            pair.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.starts_with('['))
        };
        for _ in registry.text().split(',').filter(|one| !pair(one)) {
            out.push(registry.invalid(words));
        }
    }
    if place.at("volume").empty() {
        out.push(place.at("volume").required(""));
    }
}

pub(super) fn fibre(place: &At<'_>, out: &mut Faults) {
    let (targets, lun) = (place.at("targetWWNs"), place.at("lun"));
    if targets.empty() && place.at("wwids").empty() {
        out.push(targets.required("must specify either targetWWNs or wwids, but not both"));
    }
    if !targets.empty() && !place.at("wwids").empty() {
        out.push(targets.invalid("targetWWNs and wwids can not be specified simultaneously"));
    }
    if !targets.empty() {
        match lun.number() {
            None => out.push(lun.required("lun is required if targetWWNs is specified")),
            Some(number) if !(0..=255).contains(&number) => out.push(lun.invalid(words::between(0, 255))),
            Some(_) => {}
        }
    }
}

pub(super) fn flex(place: &At<'_>, out: &mut Faults) {
    for (key, option) in place.at("options").entries() {
        let namespace = format!(".{}", key.split('/').next().unwrap_or(key).to_lowercase());
        if namespace.ends_with(".kubernetes.io") || namespace.ends_with(".k8s.io") {
            out.push(option.invalid_as(key, "kubernetes.io and k8s.io namespaces are reserved"));
        }
    }
}

pub(super) fn azure(place: &At<'_>, out: &mut Faults) {
    for name in ["diskName", "diskURI"] {
        if place.str(name).is_empty() {
            out.push(place.at(name).required(""));
        }
    }
    let kind = place.at("kind");
    chosen(&place.at("cachingMode"), &["None", "ReadOnly", "ReadWrite"], out);
    chosen(&kind, &["Dedicated", "Managed", "Shared"], out);
    let address = place.at("diskURI");
    let managed =
        "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
    let blob = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";
    let (prefix, form) =
        if kind.text() == "Managed" { ("/subscriptions/", managed) } else { ("https://", blob) };
    if kind.has() && !address.text().starts_with(prefix) {
        out.push(address.unsupported(&[form]));
    }
}

pub(super) fn csi(place: &At<'_>, out: &mut Faults) {
    driver_name(&place.at("driver"), out);
    let secret = place.at("nodePublishSecretRef");
    if secret.has() {
        if secret.str("name").is_empty() {
            out.push(secret.at("name").required(""));
        } else {
            words::formed(&secret.at("name").called(format!("{}.name", place.path())), words::subdomain, out);
        }
    }
}

/// The name of a CSI driver.
pub(in crate::rules::check) fn driver_name(place: &At<'_>, out: &mut Faults) {
    if place.empty() {
        return out.push(place.required(""));
    }
    if place.text().len() > 63 {
        out.push(place.too_long(63));
    }
    let lower = place.text().to_lowercase();
    out.extend(words::subdomain(&lower).into_iter().map(|words| place.invalid(words)));
}
