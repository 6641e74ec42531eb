//! LimitRanges of the cluster that refuse restored pods and claims
//! (`plugin/pkg/admission/limitranger/admission.go` of Kubernetes 1.36). It refuses to judge before the defaults that
//! the same LimitRanges fill in.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::pod::{Makes, Spec};
use super::quantity::{Amounts, Quantity};
use super::{Few, finding};
use crate::finding::Finding;
use crate::json::{JsonError, find, nullable};
use crate::resource::ObjectKey;

/// A LimitRange.
#[derive(Debug, Clone)]
pub struct LimitRange {
    /// Its name.
    pub name: String,
    items: Vec<Item>,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Item {
    #[serde(rename = "type")]
    of: String,
    #[serde(deserialize_with = "nullable")]
    min: Amounts,
    #[serde(deserialize_with = "nullable")]
    max: Amounts,
    #[serde(deserialize_with = "nullable")]
    default: Amounts,
    #[serde(deserialize_with = "nullable")]
    default_request: Amounts,
    #[serde(deserialize_with = "nullable")]
    max_limit_request_ratio: Amounts,
}

impl LimitRange {
    /// Reads one; of one that cannot be read nothing is known but its name.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn of(name: &str, object: &[u8]) -> Result<Option<Self>, JsonError> {
        let Some(span) = find(object, &["spec", "limits"])? else { return Ok(None) };
        let items = serde_json::from_slice(&object[span]).ok();
        Ok(items.map(|items| Self { name: name.to_owned(), items }))
    }

    /// Fills in what containers do not say.
    pub(super) fn fill(&self, spec: &mut Spec) {
        for item in self.items.iter().filter(|item| item.of == "Container") {
            for container in spec.containers.iter_mut().chain(&mut spec.init_containers) {
                let both = [
                    (&mut container.resources.limits, &item.default),
                    (&mut container.resources.requests, &item.default_request),
                ];
                for (set, defaults) in both {
                    for (name, amount) in defaults {
                        set.entry(name.clone()).or_insert(*amount);
                    }
                }
            }
        }
    }

    /// Why it refuses a pod; `None` if it does not.
    fn refuses(&self, spec: &Spec) -> Option<String> {
        self.items.iter().find_map(|item| match item.of.as_str() {
            "Container" => spec.containers.iter().chain(&spec.init_containers).find_map(|container| {
                let why = item.refuses(&container.resources.requests, &container.resources.limits)?;
                Some(format!("container {}: {why}", container.name))
            }),
            // A pod's overhead does not count here.
            "Pod" => item.refuses(&spec.requests(false), &spec.limits(false)),
            _ => None,
        })
    }

    /// Why it refuses a claim of so much.
    fn refuses_claim(&self, requests: &Amounts) -> Option<String> {
        let mut items = self.items.iter().filter(|item| item.of == "PersistentVolumeClaim");
        items.find_map(|item| {
            below(&item.min, requests, "request").or_else(|| beyond(&item.max, requests, "request", true))
        })
    }
}

impl Item {
    fn refuses(&self, requests: &Amounts, limits: &Amounts) -> Option<String> {
        below(&self.min, requests, "request")
            .or_else(|| below(&present(&self.min, limits), limits, "limit"))
            .or_else(|| beyond(&self.max, limits, "limit", true))
            .or_else(|| beyond(&self.max, requests, "request", false))
            .or_else(|| self.ratio(requests, limits))
    }

    fn ratio(&self, requests: &Amounts, limits: &Amounts) -> Option<String> {
        self.max_limit_request_ratio.iter().find_map(|(name, most)| {
            let some = |amounts: &Amounts| amounts.get(name).copied().filter(|amount| !amount.is_zero());
            let (Some(request), Some(limit)) = (some(requests), some(limits)) else {
                return Some(format!("the ratio of {name} is limited, and request or limit is not set"));
            };
            let allowed = most.milli().saturating_mul(request.milli());
            let above = limit.milli().saturating_mul(1_000) > allowed;
            above.then(|| format!("{name} limit {limit} is more than {most} times its request {request}"))
        })
    }
}

fn present(bounds: &Amounts, amounts: &Amounts) -> Amounts {
    let there = bounds.iter().filter(|(name, _)| amounts.contains_key(*name));
    there.map(|(name, amount)| (name.clone(), *amount)).collect()
}

fn below(least: &Amounts, amounts: &Amounts, what: &str) -> Option<String> {
    least.iter().find_map(|(name, least)| match amounts.get(name) {
        None => Some(format!("no {name} {what}, at least {least} is asked")),
        Some(amount) if amount.milli() < least.milli() => {
            Some(format!("{name} {what} {amount} is below {least}"))
        }
        Some(_) => None,
    })
}

fn beyond(most: &Amounts, amounts: &Amounts, what: &str, required: bool) -> Option<String> {
    most.iter().find_map(|(name, most)| match amounts.get(name) {
        None => required.then(|| format!("no {name} {what}, at most {most} is allowed")),
        Some(amount) if amount.milli() > most.milli() => {
            Some(format!("{name} {what} {amount} is above {most}"))
        }
        Some(_) => None,
    })
}

/// What LimitRanges refuse, by namespace and name of the LimitRange.
#[derive(Debug, Default)]
pub(super) struct Refused(BTreeMap<(String, String), Both>);

#[derive(Debug, Default)]
struct Both {
    objects: Few,
    workloads: Few,
}

impl Refused {
    /// Looks at a pod or a template, its defaults filled in.
    pub(super) fn take(&mut self, ranges: &[LimitRange], spec: &Spec, key: &ObjectKey, makes: Makes) {
        for range in ranges {
            let Some(why) = range.refuses(spec) else { continue };
            let both = self.at(key, range);
            let few = if makes == Makes::Itself { &mut both.objects } else { &mut both.workloads };
            few.add(|| format!("{key}: {why}"));
        }
    }

    /// Looks at a claim.
    pub(super) fn take_claim(&mut self, ranges: &[LimitRange], requests: &Amounts, key: &ObjectKey) {
        for range in ranges {
            if let Some(why) = range.refuses_claim(requests) {
                self.at(key, range).objects.add(|| format!("{key}: {why}"));
            }
        }
    }

    fn at(&mut self, key: &ObjectKey, range: &LimitRange) -> &mut Both {
        let namespace = key.namespace.clone().unwrap_or_default();
        self.0.entry((namespace, range.name.clone())).or_default()
    }

    pub(super) fn findings(&self, findings: &mut Vec<Finding>) {
        for ((namespace, name), Both { objects, workloads }) in &self.0 {
            let cases = [
                (objects, "restore-limit-range-refuses", "the server refuses them"),
                (
                    workloads,
                    "restore-limit-range-refuses-pods",
                    "the workloads are created, and their pods refused",
                ),
            ];
            for (few, id, breaks) in cases.into_iter().filter(|(few, ..)| !few.is_empty()) {
                findings.push(finding(
                    id,
                    format!("limitranges/{namespace}/{name}"),
                    format!("it refuses {}: {few}", few.count),
                    breaks,
                    "widen the LimitRange for the restore, or take it out and put it back afterwards",
                    Some(format!("kubectl edit limitrange {name} -n {namespace}")),
                ));
            }
        }
    }
}

/// What a claim requests.
pub(super) fn of_claim(claim: &[u8]) -> Result<Amounts, JsonError> {
    let Some(span) = find(claim, &["spec", "resources", "requests"])? else { return Ok(Amounts::new()) };
    Ok(serde_json::from_slice::<BTreeMap<String, Quantity>>(&claim[span]).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::pod::read;
    use super::*;

    fn range(limits: &str) -> LimitRange {
        LimitRange::of("l", format!(r#"{{"spec":{{"limits":[{limits}]}}}}"#).as_bytes()).unwrap().unwrap()
    }

    fn refused(range: &LimitRange, resources: &str) -> Option<String> {
        let pod = format!(r#"{{"spec":{{"containers":[{{"name":"a","resources":{resources}}}]}}}}"#);
        let mut spec = read("pods", pod.as_bytes()).unwrap().unwrap().spec;
        range.fill(&mut spec);
        range.refuses(&spec)
    }

    #[test]
    fn a_container_outside_the_bounds_is_refused_and_one_within_is_not() {
        let range = range(r#"{"type":"Container","min":{"cpu":"100m"},"max":{"cpu":"1","memory":"1Gi"}}"#);
        let fine = r#"{"requests":{"cpu":"100m"},"limits":{"cpu":"1","memory":"1024Mi"}}"#;
        assert_eq!(refused(&range, fine), None);
        for (resources, why) in [
            (fine.replace("100m", "99m"), "cpu request 99m is below 100m"),
            (fine.replace(r#""cpu":"1""#, r#""cpu":"1001m""#), "cpu limit 1001m is above 1"),
            (r#"{"limits":{"cpu":"1"}}"#.to_owned(), "no memory limit, at most 1Gi is allowed"),
            ("{}".to_owned(), "no cpu request, at least 100m is asked"),
        ] {
            assert_eq!(refused(&range, &resources).unwrap(), format!("container a: {why}"));
        }
    }

    #[test]
    fn what_the_same_limit_range_fills_in_is_not_missing() {
        let range = range(
            r#"{"type":"Container","max":{"cpu":"1"},"default":{"cpu":"500m"},"defaultRequest":{"cpu":"500m"}}"#,
        );
        assert_eq!(refused(&range, "{}"), None);
        assert_eq!(
            refused(&range, r#"{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}"#).unwrap(),
            "container a: cpu request 2 is above 1"
        );
    }

    #[test]
    fn a_pod_is_measured_as_a_whole() {
        let range = range(r#"{"type":"Pod","max":{"memory":"1Gi"}}"#);
        let two = |memory: &str| {
            let one = format!(r#"{{"name":"a","resources":{{"limits":{{"memory":"{memory}"}}}}}}"#);
            let pod = format!(r#"{{"spec":{{"containers":[{one},{one}]}}}}"#);
            range.refuses(&read("pods", pod.as_bytes()).unwrap().unwrap().spec)
        };
        assert_eq!(two("512Mi"), None);
        assert_eq!(two("513Mi").unwrap(), "memory limit 1026Mi is above 1Gi");
    }

    #[test]
    fn a_limit_may_be_only_so_many_times_the_request() {
        let range = range(r#"{"type":"Container","maxLimitRequestRatio":{"cpu":"1.5"}}"#);
        assert_eq!(refused(&range, r#"{"requests":{"cpu":"2"},"limits":{"cpu":"3"}}"#), None);
        assert!(refused(&range, r#"{"requests":{"cpu":"2"},"limits":{"cpu":"3001m"}}"#).is_some());
        assert!(refused(&range, r#"{"requests":{"cpu":"2"}}"#).is_some());
    }

    #[test]
    fn claims_are_measured_by_their_request() {
        let range =
            range(r#"{"type":"PersistentVolumeClaim","min":{"storage":"1Gi"},"max":{"storage":"2Gi"}}"#);
        let claim = |size: &str| {
            let claim = format!(r#"{{"spec":{{"resources":{{"requests":{{"storage":"{size}"}}}}}}}}"#);
            range.refuses_claim(&of_claim(claim.as_bytes()).unwrap())
        };
        assert_eq!((claim("1Gi"), claim("2Gi")), (None, None));
        assert_eq!(claim("3Gi").unwrap(), "storage request 3Gi is above 2Gi");
        assert_eq!(claim("1023Mi").unwrap(), "storage request 1023Mi is below 1Gi");
    }
}
