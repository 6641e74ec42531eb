//! PersistentVolumeClaims, and templates of them.

use super::{
    Amount, At, CLASS_NOTE, Case, Faults, IMMUTABLE, Value, access, amount, annotations, below, chosen,
    immutable, json, labels, same, selector_with, usable, words,
};

/// A PersistentVolumeClaim, or its status.
pub(in crate::rules::check) fn claim(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource.is_some() {
        return claim_status(case, out);
    }
    if case.updates() {
        case.metadata_update(out);
    }
    case.metadata(out);
    let was = case.was("spec");
    let odd = case.updates() && !usable(was.get("selector"));
    let group = ["dataSource", "dataSourceRef"].iter().any(|name| was.at(name).at("apiGroup").has());
    claim_spec(&case.at("spec"), odd, group, out);
    if case.updates() {
        claim_update(case, out);
    }
}

fn claim_status(case: &Case<'_>, out: &mut Faults) {
    case.metadata_update(out);
    if case.at("spec").at("accessModes").empty() {
        out.push(At::new(&Value::Null, "Spec.accessModes").required(""));
    }
    let status = case.at("status");
    for (_, entry) in status.at("capacity").entries() {
        let size = Amount::of(entry.value());
        if size.negative() {
            let said = i64::try_from(size.value()).unwrap_or(i64::MIN);
            out.push(entry.invalid_as(said, "must be a valid resource quantity"));
        }
    }
    status.at("allocatedResources").entries().iter().for_each(|(_, entry)| amount("storage", entry, out));
}

/// The spec of a claim, also in templates.
pub(in crate::rules::check) fn claim_spec(
    spec: &At<'_>,
    odd_selector: bool,
    any_group: bool,
    out: &mut Faults,
) {
    if spec.at("accessModes").empty() {
        out.push(spec.at("accessModes").required("at least 1 access mode is required"));
    }
    selector_with(&spec.at("selector"), odd_selector, out);
    access(&spec.at("accessModes"), out);
    let asked = spec.get("resources").get("requests").and_then(|requests| requests.get("storage"));
    let place = spec.at("resources").key("storage");
    match asked {
        None => out.push(place.required("")),
        Some(size) if !Amount::of(size).positive() => {
            out.push(place.invalid_as(size.as_str().unwrap_or("0"), "must be greater than zero"));
        }
        Some(size) => amount("storage", &place.with(size), out),
    }
    words::formed_if(&spec.at("storageClassName"), words::subdomain, out);
    chosen(&spec.at("volumeMode"), &["Block", "Filesystem"], out);
    for name in ["dataSource", "dataSourceRef"] {
        if spec.at(name).has() {
            source(&spec.at(name), any_group, out);
        }
    }
    let (source, reference) = (spec.at("dataSource"), spec.at("dataSourceRef"));
    if !reference.str("namespace").is_empty() {
        if source.has() {
            let words = "may not be specified when dataSourceRef.namespace is specified";
            out.push(spec.invalid_as(json!({}), words));
        }
    } else if source.has() && reference.has() {
        let same = ["apiGroup", "kind", "name"].iter().all(|name| source.get(name) == reference.get(name));
        if !same {
            out.push(spec.invalid_as(json!({}), "must match dataSourceRef"));
        }
    }
    words::formed_if(&spec.at("volumeAttributesClassName"), words::subdomain, out);
}

pub(super) fn source(place: &At<'_>, any_group: bool, out: &mut Faults) {
    for name in ["name", "kind"] {
        if place.str(name).is_empty() {
            out.push(place.at(name).required(""));
        }
    }
    let (group, kind) = (place.at("apiGroup"), place.str("kind"));
    if group.empty() && kind != "PersistentVolumeClaim" {
        let words = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        out.push(place.invalid_as(kind, words));
    }
    if !any_group {
        words::formed_if(&group, words::subdomain, out);
    }
    words::formed_if(&place.at("namespace"), words::label, out);
}

/// A template of claims, below a path.
pub(in crate::rules::check) fn claim_template(place: &At<'_>, out: &mut Faults) {
    if !place.has() {
        return out.push(place.required(""));
    }
    let meta = place.at("metadata");
    annotations(&meta.at("annotations"), out);
    labels(&meta.at("labels"), out);
    for (name, _) in meta.entries().into_iter().filter(|(name, _)| !matches!(*name, "annotations" | "labels"))
    {
        if !meta.at(name).empty() {
            out.push(meta.at(name).forbidden("cannot be set"));
        }
    }
    claim_spec(&place.at("spec"), false, false, out);
}

fn claim_update(case: &Case<'_>, out: &mut Faults) {
    let (spec, was) = (case.at("spec"), case.was("spec"));
    let (mut new, mut old) = (spec.value().clone(), was.value().clone());
    if was.str("volumeName").is_empty() {
        old["volumeName"] = spec.get("volumeName").clone();
    }
    let note = |place: At<'_>| place.at("annotations").get(CLASS_NOTE).as_str().map(str::to_owned);
    let (now, before) = (note(case.at("metadata")), note(case.was("metadata")));
    let class = spec.get("storageClassName").as_str();
    let named = was.get("storageClassName").as_str().is_some();
    let upgraded =
        before.is_some() && !named && class == before.as_deref() && (now.is_none() || now == before);
    if upgraded {
        new["storageClassName"] = Value::Null;
    } else {
        if now.as_deref().unwrap_or("") != before.as_deref().unwrap_or("") {
            let place = At::new(&Value::Null, format!("metadata.annotations.{CLASS_NOTE}"));
            out.push(place.invalid_as(now.unwrap_or_default(), IMMUTABLE));
        }
        if class.is_some() && !named && before.as_deref().is_none_or(|before| class == Some(before)) {
            new["storageClassName"] = old["storageClassName"].clone();
        }
    }
    let size = |spec: &At<'_>| below(below(below(spec.value(), "resources"), "requests"), "storage").clone();
    if case.at("status").str("phase") == "Bound" {
        if new["resources"]["requests"].is_object() {
            new["resources"]["requests"]["storage"] = size(&was);
        }
        new["volumeAttributesClassName"] = old["volumeAttributesClassName"].clone();
    }
    if !same(&new, &old) {
        let show = |spec: &Value| words::shown("PersistentVolumeClaimSpec", spec);
        let changes = words::diff(&show(&old), &show(&new));
        let words = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        out.push(spec.forbidden(format!("{words}\n{changes}")));
    }
    let (asked, before) = (Amount::of(&size(&spec)), Amount::of(&size(&was)));
    let has = case.was("status").at("capacity");
    if asked < before && asked <= Amount::of(has.get("storage")) {
        let place = spec.down(&["resources", "requests", "storage"]);
        out.push(place.forbidden("field can not be less than status.capacity"));
    }
    immutable(&spec.at("volumeMode").called("volumeMode"), &was.at("volumeMode"), out);
    let class = spec.at("volumeAttributesClassName");
    if class.value() != was.get("volumeAttributesClassName")
        && !case.was("status").at("currentVolumeAttributesClassName").empty()
    {
        if !class.has() {
            let words = "update to nil is forbidden when status.currentVolumeAttributesClassName is not nil";
            out.push(class.forbidden(words));
        } else if class.empty() {
            let words =
                "update to empty string is forbidden when status.currentVolumeAttributesClassName is not nil";
            out.push(class.forbidden(words));
        }
    }
}
