//! Requests and limits: the names of resources, amounts, and what they must be to each other; a pod's quality of service.

mod names;

pub(in crate::rules) use names::{amount, any_name, native, of_containers, of_quotas};
use names::{huge, of_pods, overcommitted};

use serde_json::{Value, json};

use super::pod::{Setting, containers_of};
use crate::rules::look::{At, Faults, below};
use crate::rules::words::{self, Amount};

/// Checks the name of a resource.
pub(in crate::rules) type Naming = fn(&str, &At<'_>, &mut Faults);

/// Requests, limits and claims.
pub(super) fn requirements(
    place: &At<'_>,
    claims: &[&str],
    naming: Naming,
    setting: &Setting<'_>,
    out: &mut Faults,
) {
    let (limits, requests) = (place.at("limits"), place.at("requests"));
    let uneven = setting.was(|old| {
        containers_of(old).iter().any(|container| {
            ["limits", "requests"].iter().any(|list| {
                let list = container.at("resources").at(list);
                list.entries().iter().any(|(name, amount)| page_fault(name, amount.value()).is_some())
            })
        })
    });
    let (mut plain, mut pages) = (false, false);
    for list in [&limits, &requests] {
        for (name, entry) in list.entries() {
            naming(name, &entry, out);
            amount(name, &entry, out);
            if list.path() == requests.path() {
                against_limit(name, &entry, &requests, &limits, out);
            }
            plain |= matches!(name, "cpu" | "memory");
            pages |= huge(name);
            if let Some(words) = page_fault(name, entry.value()).filter(|_| !uneven) {
                out.push(entry.invalid_as(entry.text(), words));
            }
        }
    }
    if pages && !plain {
        out.push(place.forbidden("HugePages require cpu or memory"));
    }
    claim_names(&place.at("claims"), claims, out);
}

fn against_limit(name: &str, entry: &At<'_>, requests: &At<'_>, limits: &At<'_>, out: &mut Faults) {
    let limit = limits.get(name);
    if limit.is_null() {
        if !overcommitted(name) {
            out.push(limits.required("Limit must be set for non overcommitable resources"));
        }
        return;
    }
    let (asked, most) = (Amount::of(entry.value()), Amount::of(limit));
    let said = limit.as_str().unwrap_or("");
    if asked != most && !overcommitted(name) {
        out.push(requests.invalid_as(entry.text(), format!("must be equal to {name} limit of {said}")));
    } else if asked > most {
        out.push(
            requests
                .invalid_as(entry.text(), format!("must be less than or equal to {name} limit of {said}")),
        );
    }
}

fn page_fault(name: &str, amount: &Value) -> Option<String> {
    let size = Amount::read(name.strip_prefix("hugepages-")?);
    let even = size.is_some_and(|size| {
        size.positive() && size.is_whole() && Amount::of(amount).value() % size.value() == 0
    });
    (!even).then(|| format!("{} is not positive integer multiple of {name}", amount.as_str().unwrap_or("0")))
}

fn claim_names(place: &At<'_>, known: &[&str], out: &mut Faults) {
    let mut seen: Vec<String> = Vec::new();
    for claim in place.items() {
        let (name, request) = (claim.str("name"), claim.str("request"));
        if name.is_empty() {
            out.push(claim.required(""));
            continue;
        }
        let key = if request.is_empty() { name.to_owned() } else { format!("{name}/{request}") };
        words::formed_if(&claim.at("request"), words::label, out);
        let part = |other: &String| request.is_empty() && other.split('/').next() == Some(name);
        if seen.iter().any(|other| other == name || *other == key || part(other)) {
            out.push(claim.with(&json!(key)).duplicate());
        }
        seen.push(key);
        if !known.contains(&name) {
            let mut sorted = known.to_vec();
            sorted.sort_unstable();
            let list = if sorted.is_empty() {
                " which is empty".to_owned()
            } else {
                format!(": {}", sorted.join(", "))
            };
            let words = format!("must be one of the names in pod.spec.resourceClaims{list}");
            out.push(crate::field::FieldError { detail: words, ..claim.with(&json!(name)).unknown() });
        }
    }
}

/// A list of limits alone: what a pod costs beside its containers.
pub(super) fn limits_only(place: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    let as_requirements = json!({"limits": place.value()});
    let mut faults = Faults::new();
    requirements(&At::new(&as_requirements, place.path()), &[], of_containers, setting, &mut faults);
    out.append(&mut faults);
}

/// Resources of a pod as a whole.
pub(super) fn pod_level(spec: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    let place = spec.at("resources");
    if !place.has() {
        return;
    }
    if spec.get("os").get("name").is_some_and(|name| name == "windows") {
        return out.push(place.forbidden("may not be set for a windows pod"));
    }
    if place.at("claims").has() {
        out.push(place.at("claims").forbidden("claims may not be set for Resources at pod-level"));
    }
    requirements(&place, &[], of_pods, setting, out);
    for (name, total) in totals(spec.value(), "requests") {
        let own = place.at("requests").key(&name);
        if own.has() && total > Amount::of(own.value()) {
            let words = format!("must be greater than or equal to aggregate container requests of {total}");
            out.push(own.invalid_as(own.text(), words));
        }
    }
    for container in spec.at("containers").items() {
        for (name, limit) in container.at("resources").at("limits").entries() {
            let most = place.get("limits").get(name);
            if most.is_some_and(|most| Amount::of(limit.value()) > Amount::of(most)) {
                let path = container.path().replacen(spec.path(), place.path(), 1);
                let words = format!(
                    "must be less than or equal to pod limits of {}",
                    most.and_then(Value::as_str).unwrap_or("")
                );
                out.push(limit.called(format!("{path}[{name}].limits")).invalid_as(limit.text(), words));
            }
        }
    }
}

/// What all containers of a pod ask for (`requests`) or may have (`limits`), those that run first considered
/// (`pkg/api/v1/resource`, `ST/component-helpers/resource`).
pub(in crate::rules) fn totals(spec: &Value, list: &str) -> Vec<(String, Amount)> {
    fn add(totals: &mut Vec<(String, Amount)>, amounts: &Value, join: fn(Amount, Amount) -> Amount) {
        for (name, amount) in amounts.as_object().into_iter().flatten() {
            let amount = Amount::of(amount);
            match totals.iter_mut().find(|(other, _)| other == name) {
                Some((_, total)) => *total = join(*total, amount),
                None => totals.push((name.clone(), amount)),
            }
        }
    }
    let of = |container: &Value| below(below(container, "resources"), list).clone();
    let items = |name: &str| below(spec, name).as_array().map(Vec::as_slice).unwrap_or_default();
    let more = |one: Amount, other: Amount| if other > one { other } else { one };
    let (mut sum, mut first, mut beside) = (Vec::new(), Vec::new(), Vec::new());
    for container in items("containers") {
        add(&mut sum, &of(container), Amount::plus);
    }
    for container in items("initContainers") {
        let mut now = beside.clone();
        add(&mut now, &of(container), Amount::plus);
        if below(container, "restartPolicy") == "Always" {
            add(&mut sum, &of(container), Amount::plus);
            beside.clone_from(&now);
        }
        for (name, amount) in now {
            match first.iter_mut().find(|(other, _): &&mut (String, Amount)| *other == name) {
                Some((_, total)) => *total = more(*total, amount),
                None => first.push((name, amount)),
            }
        }
    }
    for (name, amount) in first {
        match sum.iter_mut().find(|(other, _)| *other == name) {
            Some((_, total)) => *total = more(*total, amount),
            None => sum.push((name, amount)),
        }
    }
    sum
}

/// A pod's quality of service (`pkg/apis/core/helper/qos/qos.go`).
pub(in crate::rules) fn quality(spec: &Value) -> String {
    const COUNTS: [&str; 2] = ["cpu", "memory"];
    let place = At::new(spec, "");
    let pod = place.at("resources");
    let whole = !pod.at("requests").empty() || !pod.at("limits").empty();
    let of: Vec<At<'_>> = if whole {
        vec![pod]
    } else {
        ["containers", "initContainers"]
            .iter()
            .flat_map(|list| place.at(list).items().collect::<Vec<_>>())
            .map(|container| container.at("resources"))
            .collect()
    };
    let set =
        |resources: &At<'_>, list: &str, name: &str| Amount::of(below(resources.get(list), name)).positive();
    let any =
        of.iter().any(|one| COUNTS.iter().any(|name| set(one, "requests", name) || set(one, "limits", name)));
    if !any {
        return "BestEffort".to_owned();
    }
    let guaranteed = of.iter().all(|one| COUNTS.iter().all(|name| set(one, "limits", name)))
        && COUNTS.iter().all(|name| {
            let sum = |list: &str| {
                of.iter().fold(Amount::ZERO, |sum, one| sum.plus(Amount::of(below(one.get(list), name))))
            };
            sum("requests") == sum("limits")
        });
    if guaranteed { "Guaranteed".to_owned() } else { "Burstable".to_owned() }
}

/// `example.com/signer`: who signs certificates.
pub(super) fn signer(place: &At<'_>, out: &mut Faults) {
    let text = place.text();
    if text.is_empty() {
        return out.push(place.required(""));
    }
    let Some((domain, path)) = text.split_once('/').filter(|(_, path)| !path.contains('/')) else {
        let words = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        return out.push(place.invalid(words));
    };
    if domain.len() > 253 {
        out.push(place.too_long(253));
    }
    let first_fault = |text: &str, format: words::Format, out: &mut Faults| {
        let faulty = text.split('.').find(|part| !format(part).is_empty());
        for words in faulty.map(format).into_iter().flatten() {
            let part = crate::field::quoted(faulty.unwrap_or(""));
            out.push(place.invalid_as(text, format!("validating label {part}: {words}")));
        }
    };
    first_fault(domain, words::label, out);
    if !domain.contains('.') {
        out.push(place.invalid_as(domain, "should be a domain with at least two segments separated by dots"));
    }
    first_fault(path, words::subdomain, out);
    if text.len() > 571 {
        out.push(place.too_long(571));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_first_counts_as_long_as_it_asks_for_more() {
        let spec = json!({
            "containers": [{"resources": {"requests": {"cpu": "1"}}}, {"resources": {"requests": {"cpu": "500m"}}}],
            "initContainers": [
                {"restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}},
                {"resources": {"requests": {"cpu": "2", "memory": "1Gi"}}},
            ],
        });
        let said: Vec<String> =
            totals(&spec, "requests").iter().map(|(name, sum)| format!("{name}={sum}")).collect();
        assert_eq!(said, ["cpu=2100m", "memory=1Gi"]);
    }

    #[test]
    fn quality_follows_requests_and_limits() {
        let pod = |resources: Value| json!({"containers": [{"resources": resources}]});
        let both = json!({"cpu": "1", "memory": "1Gi"});
        assert_eq!(quality(&pod(json!({}))), "BestEffort");
        assert_eq!(quality(&pod(json!({"requests": {"cpu": "1"}}))), "Burstable");
        assert_eq!(quality(&pod(json!({"requests": both, "limits": both}))), "Guaranteed");
    }
}
