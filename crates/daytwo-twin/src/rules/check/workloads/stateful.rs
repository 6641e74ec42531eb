//! StatefulSets (`pkg/apis/apps/validation/validation.go`, Kubernetes 1.36).

use super::{
    At, Case, Faults, Map, UNSELECTED, Value, always, annotations, claim_spec, collisions, exactly, json,
    labels, matches, needed_selector, nonnegative, number_of, number_or_percent, old_template,
    replicas_status, requirements, same, template, template_labels, up_to_all, usable, words,
};

/// A StatefulSet, or its status.
pub(in crate::rules::check) fn stateful_set(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource == Some("status") {
        replicas_status("statefulset", case, "cannot be greater than status.readyReplicas", out);
        case.metadata_update(out);
        return collisions(case, out);
    }
    case.written(out);
    let (spec, was) = (case.at("spec"), case.was("spec"));
    let faulty_before = case.updates() && {
        let mut wrong = Faults::new();
        stateful_spec(&was.called("spec"), None, true, true, &mut wrong);
        !wrong.is_empty()
    };
    stateful_spec(&spec, old_template(case), case.updates(), !faulty_before, out);
    if !case.updates() {
        return;
    }
    const MAY_CHANGE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let rest = |spec: &At<'_>| {
        let fields = spec.value().as_object().cloned().unwrap_or_default();
        Value::Object(fields.into_iter().filter(|(name, _)| !MAY_CHANGE.contains(&name.as_str())).collect())
    };
    if !same(&rest(&spec), &rest(&was)) {
        out.push(spec.forbidden(
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
             'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ));
    }
}

fn stateful_spec(spec: &At<'_>, old: Option<&Value>, update: bool, check_template: bool, out: &mut Faults) {
    let policy = spec.at("podManagementPolicy");
    match policy.text() {
        "" => out.push(policy.required("")),
        "OrderedReady" | "Parallel" => {}
        _ => out.push(policy.invalid("must be 'OrderedReady' or 'Parallel'")),
    }
    stateful_strategy(&spec.at("updateStrategy"), out);
    let retention = spec.at("persistentVolumeClaimRetentionPolicy");
    if retention.has() {
        for name in ["whenDeleted", "whenScaled"] {
            exactly(&retention.at(name), &["Retain", "Delete"], out);
        }
    }
    if !update {
        spec.at("volumeClaimTemplates")
            .items()
            .for_each(|claim| claim_spec(&claim.at("spec"), false, false, out));
    }
    for name in ["replicas", "minReadySeconds"] {
        nonnegative(&spec.at(name), out);
    }
    nonnegative(&spec.at("ordinals").at("start"), out);
    if !update {
        words::formed_if(&spec.at("serviceName"), words::label, out);
    }
    needed_selector(spec, "statefulset", out);
    let (place, pods) = (spec.at("selector"), spec.at("template"));
    if usable(place.value()) {
        stateful_template(spec, old, check_template, out);
    } else {
        out.push(place.invalid(""));
    }
    always(&pods, "StatefulSet", out);
}

/// The template with the volumes of the claims that each pod gets.
fn stateful_template(spec: &At<'_>, old: Option<&Value>, check: bool, out: &mut Faults) {
    let (place, mut pods) = (spec.at("selector"), spec.get("template").clone());
    let names: Vec<&str> = spec
        .at("volumeClaimTemplates")
        .values()
        .filter_map(|claim| claim["metadata"]["name"].as_str())
        .collect();
    if let Some(fields) = pods.get_mut("spec").and_then(Value::as_object_mut) {
        fields.shift_remove("subdomain");
        fields.shift_remove("hostname");
        if !names.is_empty() {
            with_claims(fields, &names);
        }
    }
    let pods = At::new(&pods, spec.at("template").path().to_owned());
    let selected = template_labels(&pods);
    if (!place.has() || requirements(&place) > 0) && !matches(place.value(), selected.value()) {
        out.push(selected.invalid(UNSELECTED));
    }
    if check {
        template(&pods, old, out);
    }
    labels(&selected.called(format!("{}.labels", pods.path())), out);
    let notes = pods.at("metadata").at("annotations").called(format!("{}.annotations", pods.path()));
    annotations(&notes, out);
}

fn with_claims(fields: &mut Map<String, Value>, names: &[&str]) {
    let mut volumes: Vec<Value> = names
        .iter()
        .map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}}))
        .collect();
    let own = fields.get("volumes").and_then(Value::as_array).cloned().unwrap_or_default();
    volumes.extend(own.into_iter().filter(|volume| !names.iter().any(|name| volume["name"] == *name)));
    fields.insert("volumes".into(), Value::Array(volumes));
}

fn stateful_strategy(place: &At<'_>, out: &mut Faults) {
    let rolling = place.at("rollingUpdate");
    match place.str("type") {
        "" => out.push(place.required("")),
        "OnDelete" => {
            if rolling.has() {
                let said = words::shown("RollingUpdateStatefulSetStrategy", rolling.value());
                out.push(rolling.invalid_as(said, "only allowed for updateStrategy 'RollingUpdate'"));
            }
        }
        "RollingUpdate" => {
            nonnegative(&rolling.at("partition"), out);
            let unavailable = rolling.at("maxUnavailable");
            if unavailable.has() {
                number_or_percent(&unavailable, out);
                if number_of(&unavailable) == 0 {
                    out.push(unavailable.invalid("cannot be 0"));
                }
                up_to_all(&unavailable, out);
            }
        }
        _ => {
            let said = words::shown("StatefulSetUpdateStrategy", place.value());
            out.push(place.invalid_as(said, "must be 'RollingUpdate' or 'OnDelete'"));
        }
    }
}
