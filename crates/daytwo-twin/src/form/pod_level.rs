//! Resources of a pod as a whole, where it has any: requests from what its containers ask for, limits of huge pages from
//! theirs (`defaultHugePagePodLimits` and `defaultPodRequests` in `pkg/apis/core/v1/defaults.go` of Kubernetes 1.36.3, the sums in
//! `k8s.io/component-helpers/resource/helpers.go`).
//!
//! It refuses sums beyond 128 bits of billionths: the amount is left out.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::conditional::{inner, items, text};
use super::quantity::Quantity;
use crate::ask::Object;

type Amounts = BTreeMap<String, Quantity>;

/// Fills in the resources of a pod's spec.
pub(super) fn fill(spec: &mut Object) {
    let Some(own) = inner(spec, &["resources"]) else { return };
    let own_has = |own: &Object, list: &str| {
        own.get(list).and_then(Value::as_object).is_some_and(|list| !list.is_empty())
    };
    if !own_has(own, "limits") && !own_has(own, "requests") {
        return;
    }
    let mut limits = sum(spec, "limits");
    let requests = sum(spec, "requests");
    let Some(own) = inner(spec, &["resources"]) else { return };
    let requested = own.get("requests").and_then(Value::as_object).cloned().unwrap_or_default();
    limits.retain(|name, _| huge(name) && !requested.contains_key(name));
    add(own, "limits", limits.iter().map(|(name, amount)| (name.clone(), amount.to_string().into())));
    if !own_has(own, "limits") {
        return;
    }
    let asked = requests.iter().filter(|(name, _)| supported(name) && !huge(name));
    add(own, "requests", asked.map(|(name, amount)| (name.clone(), amount.to_string().into())));
    let limits = own.get("limits").and_then(Value::as_object).cloned().unwrap_or_default();
    add(own, "requests", limits.into_iter().filter(|(name, _)| supported(name)));
}

/// Adds to a list what it has not.
fn add(own: &mut Object, list: &str, amounts: impl Iterator<Item = (String, Value)>) {
    let mut amounts = amounts.peekable();
    if amounts.peek().is_none() {
        return;
    }
    let into = own.entry(list).or_insert_with(|| Value::Object(Map::new()));
    if let Some(into) = into.as_object_mut() {
        for (name, amount) in amounts {
            into.entry(name).or_insert(amount);
        }
        into.sort_keys();
    }
}

fn huge(name: &str) -> bool {
    name.starts_with("hugepages-")
}

fn supported(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || huge(name)
}

/// What the pod needs at most at one time: its containers and sidecars together, or one init container with the sidecars
/// before it.
fn sum(spec: &mut Object, list: &str) -> Amounts {
    let (mut all, mut sidecars, mut init) = (Amounts::new(), Amounts::new(), Amounts::new());
    for container in items(spec, "containers") {
        plus(&mut all, &of(container, list));
    }
    for container in items(spec, "initContainers") {
        let mut own = of(container, list);
        if text(container, "restartPolicy") == "Always" {
            plus(&mut all, &own);
            plus(&mut sidecars, &own);
            own.clone_from(&sidecars);
        } else {
            plus(&mut own, &sidecars);
        }
        most(&mut init, own);
    }
    most(&mut all, init);
    all
}

fn of(container: &mut Object, list: &str) -> Amounts {
    let amounts = inner(container, &["resources", list]).into_iter().flatten();
    amounts
        .filter_map(|(name, amount)| Some((name.clone(), Quantity::parse(amount.as_str()?).ok()?)))
        .collect()
}

fn plus(to: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        let sum = match to.get(name) {
            None => Some(amount.clone()),
            Some(before) => before.plus(amount),
        };
        match sum {
            Some(sum) => drop(to.insert(name.clone(), sum)),
            None => drop(to.remove(name)),
        }
    }
}

fn most(to: &mut Amounts, other: Amounts) {
    for (name, amount) in other {
        if to.get(&name).is_none_or(|before| before.nanos() < amount.nanos()) {
            to.insert(name, amount);
        }
    }
}
