//! What a resize may change: the CPU and memory of containers.

use serde_json::Value;

use super::whole;
use crate::rules::check::Case;
use crate::rules::check::resources::quality;
use crate::rules::look::{At, Faults, below, field, same};

/// A write of `resize`.
pub(super) fn resize(case: &Case<'_>, out: &mut Faults) {
    case.metadata_update(out);
    whole(case, out);
    let Some(old) = case.old else { return };
    let (spec, was) = (case.at("spec"), case.was("spec"));
    let nowhere = At::new(&Value::Null, "");
    let whole_fault = match (
        field(old, "metadata")["annotations"].get("kubernetes.io/config.mirror"),
        was.get("os").get("name"),
    ) {
        (Some(_), _) => Some("static pods cannot be resized"),
        (_, Some(name)) if name == "windows" => Some("windows pods cannot be resized"),
        _ => None,
    };
    if let Some(words) = whole_fault {
        out.clear();
        return out.push(nowhere.forbidden(words));
    }
    let before =
        field(old, "status")["qosClass"].as_str().map_or_else(|| quality(was.value()), str::to_owned);
    if before != quality(spec.value()) {
        let said = case.at("status").str("qosClass");
        out.push(spec.invalid_as(said, "Pod QOS Class may not change as a result of resizing"));
    }
    let running = case
        .was("status")
        .at("containerStatuses")
        .items()
        .find(|status| status.at("state").at("running").has());
    if running.is_some_and(|status| !status.at("resources").has()) {
        out.push(spec.forbidden("Pod running on node without support for resize"));
    }
    if !in_order(&spec, &was, out) {
        return;
    }
    for list in ["initContainers", "containers"] {
        for (new, old) in spec.at(list).items().zip(was.at(list).items()) {
            removed(&new.at("resources"), &old.at("resources"), out);
        }
    }
    only_amounts(&spec, &was, out);
}

fn in_order(spec: &At<'_>, was: &At<'_>, out: &mut Faults) -> bool {
    let faults = out.len();
    for list in ["containers", "initContainers"] {
        let (new, old) = (spec.at(list), was.at(list));
        if new.len() != old.len() {
            out.push(new.forbidden(format!("{list} may not be added or removed on resize")));
            continue;
        }
        for (new, old) in new.items().zip(old.items()) {
            if new.str("name") != old.str("name") {
                out.push(
                    new.at("name").forbidden(format!("{list} may not be renamed or reordered on resize")),
                );
            }
        }
    }
    out.len() == faults
}

fn removed(new: &At<'_>, old: &At<'_>, out: &mut Faults) {
    for (name, what) in [("requests", "resource requests"), ("limits", "resource limits")] {
        if old.at(name).entries().iter().any(|(key, _)| new.get(name).get(key).is_none()) {
            out.push(new.at(name).forbidden(format!("{what} cannot be removed")));
        }
    }
}

/// The container with CPU and memory as they were.
fn unsized_as(new: &Value, old: &Value) -> Value {
    let mut new = new.clone();
    for list in ["requests", "limits"] {
        for name in ["cpu", "memory"] {
            let before = &old["resources"][list][name];
            if before.is_null() {
                if let Some(amounts) = new["resources"][list].as_object_mut() {
                    amounts.shift_remove(name);
                }
            } else {
                new["resources"][list][name] = before.clone();
            }
        }
        if below(below(&new, "resources"), list).as_object().is_none_or(serde_json::Map::is_empty)
            && let Some(resources) = new["resources"].as_object_mut()
        {
            resources.shift_remove(list);
        }
    }
    new
}

fn only_amounts(spec: &At<'_>, was: &At<'_>, out: &mut Faults) {
    let faults = out.len();
    let mut munged = spec.value().clone();
    for list in ["containers", "initContainers"] {
        for (index, (new, old)) in spec.at(list).items().zip(was.at(list).items()).enumerate() {
            let changed = !same(new.value(), old.value());
            let sidecar = new.str("restartPolicy") == "Always";
            if list == "initContainers" && !sidecar {
                if changed {
                    out.push(spec.forbidden("resources for non-sidecar init containers are immutable"));
                }
                continue;
            }
            let plain = unsized_as(new.value(), old.value());
            if !same(&plain, old.value()) {
                out.push(match list {
                    "containers" => spec.forbidden("only cpu and memory resources are mutable"),
                    _ => new.forbidden(
                        "only cpu and memory resources for init or sidecar containers are mutable",
                    ),
                });
            }
            munged[list][index] = plain;
        }
    }
    if out.len() == faults && !same(&munged, was.value()) {
        out.push(spec.forbidden("only cpu and memory resources are mutable"));
    }
}
