//! ResourceQuotas of the cluster that restored objects would exceed: what each object is charged with, and what that
//! comes to.
//!
//! Charges are those of `pkg/quota/v1/evaluator/core` of Kubernetes 1.36. It refuses to guess what a controller makes
//! beyond the pods of a workload's replicas, and to count what is there already.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::pod::{Makes, Pod, Spec};
use super::quantity::{Amounts, Quantity, add};
use super::{Few, finding};
use crate::finding::Finding;
use crate::json::{JsonError, find, nullable};
use crate::resource::ObjectKey;

mod charge;
mod scope;

pub(super) use charge::charge;
use scope::Scope;

/// A ResourceQuota.
#[derive(Debug, Clone)]
pub struct Quota {
    /// Its name.
    pub name: String,
    hard: Amounts,
    used: Amounts,
    scopes: Vec<Scope>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    #[serde(deserialize_with = "nullable")]
    hard: Amounts,
    #[serde(deserialize_with = "nullable")]
    used: Amounts,
}

impl Quota {
    /// Reads one; `None` where its amounts cannot be read. A quota counts as its status says, as on the server: one that
    /// has none yet refuses nothing.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn of(name: &str, object: &[u8]) -> Result<Option<Self>, JsonError> {
        let status = match find(object, &["status"])? {
            Some(span) => serde_json::from_slice::<Status>(&object[span]).ok(),
            None => Some(Status::default()),
        };
        let scopes = scope::read(object)?;
        Ok(status.zip(scopes).map(|(Status { hard, used }, scopes)| Self {
            name: name.to_owned(),
            hard,
            used,
            scopes,
        }))
    }

    /// Whether it counts anything of pods.
    pub(super) fn counts_pods(&self) -> bool {
        self.hard.keys().any(|name| charge::is_of_pods(name))
    }

    /// What it asks every container to set, and which containers do not.
    fn unset(&self, spec: &Spec) -> Option<String> {
        // By an old mistake that was kept for compatibility, only these; `evaluator/core/pods.go`, `Constraints`.
        let asked = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];
        if spec.sets_own() {
            return None;
        }
        asked.into_iter().filter(|name| self.hard.contains_key(*name)).find_map(|name| {
            let lacks = |of: &super::pod::Container| match name.strip_prefix("limits.") {
                Some(resource) => !of.resources.limits.contains_key(resource),
                None => !of.resources.requests.contains_key(name.strip_prefix("requests.").unwrap_or(name)),
            };
            let container = spec.containers.iter().chain(&spec.init_containers).find(|one| lacks(one))?;
            Some(format!("container {} does not set {name}", container.name))
        })
    }
}

/// What quotas are asked for, by namespace and name of the quota.
#[derive(Debug, Default)]
pub(super) struct Demand(BTreeMap<(String, String), Asked>);

#[derive(Debug, Default)]
struct Asked {
    hard: Amounts,
    used: Amounts,
    /// By objects that are created.
    now: Amounts,
    /// By pods that workloads then make.
    later: Amounts,
    unset: Few,
    unset_pods: Few,
}

impl Demand {
    /// Counts in what `charged` an object is, beside its pods.
    pub(super) fn take(&mut self, quotas: &[Quota], charged: &Amounts, key: &ObjectKey) {
        for quota in quotas {
            if !quota.scopes.is_empty() {
                continue;
            }
            add(&mut self.at(quota, key).now, &of(charged, quota));
        }
    }

    /// Counts a pod or a template in, the defaults of LimitRanges filled in.
    pub(super) fn take_pod(&mut self, quotas: &[Quota], pod: &Pod, key: &ObjectKey, makes: Makes) {
        let count = match makes {
            Makes::Itself => 1,
            Makes::Pods(count) => count,
            // None is counted; what all of them lack is told.
            Makes::Unknown => 0,
        };
        for quota in quotas {
            if !quota.counts_pods() || !quota.scopes.iter().all(|scope| scope.has(&pod.spec)) {
                continue;
            }
            let charged: Amounts = of(&charge::of_pod(&pod.spec), quota);
            let times = charged.into_iter().map(|(name, amount)| (name, amount.times(count))).collect();
            let unset = quota.unset(&pod.spec).filter(|_| makes != Makes::Pods(0));
            let asked = self.at(quota, key);
            let (sum, few) = match makes {
                Makes::Itself => (&mut asked.now, &mut asked.unset),
                _ => (&mut asked.later, &mut asked.unset_pods),
            };
            add(sum, &times);
            if let Some(why) = unset {
                few.add(|| format!("{key}: {why}"));
            }
        }
    }

    fn at(&mut self, quota: &Quota, key: &ObjectKey) -> &mut Asked {
        let namespace = key.namespace.clone().unwrap_or_default();
        self.0.entry((namespace, quota.name.clone())).or_insert_with(|| Asked {
            hard: quota.hard.clone(),
            used: quota.used.clone(),
            ..Asked::default()
        })
    }

    pub(super) fn findings(&self, findings: &mut Vec<Finding>) {
        for ((namespace, name), asked) in &self.0 {
            let subject = format!("resourcequotas/{namespace}/{name}");
            let describe = format!("kubectl describe resourcequota {name} -n {namespace}");
            let cases = [
                (&asked.unset, "restore-quota-unset", "the server refuses these pods"),
                (
                    &asked.unset_pods,
                    "restore-quota-unset-pods",
                    "the workloads are created, and their pods refused",
                ),
            ];
            for (few, id, breaks) in cases.into_iter().filter(|(few, ..)| !few.is_empty()) {
                findings.push(finding(
                    id,
                    subject.clone(),
                    format!("it asks for what {} do not set: {few}", few.count),
                    breaks,
                    "give the namespace a LimitRange with defaults, or take the quota out for the restore",
                    Some(describe.clone()),
                ));
            }
            let now = asked.beyond(false);
            if !now.is_empty() {
                findings.push(finding(
                    "restore-quota-exceeded",
                    subject.clone(),
                    now.join("; "),
                    "the server takes objects until the quota is used up, and refuses the others",
                    "raise the quota for the restore, or restore less",
                    Some(asked.raise(namespace, name)),
                ));
                continue;
            }
            let later = asked.beyond(true);
            if !later.is_empty() {
                findings.push(finding(
                    "restore-quota-exceeded-by-pods",
                    subject,
                    later.join("; "),
                    "the workloads are created; of their pods the server takes what fits",
                    "raise the quota, or scale workloads down",
                    Some(asked.raise(namespace, name)),
                ));
            }
        }
    }
}

/// The part of `charged` that `quota` limits.
fn of(charged: &Amounts, quota: &Quota) -> Amounts {
    let limited = charged.iter().filter(|(name, _)| quota.hard.contains_key(*name));
    limited.map(|(name, amount)| (name.clone(), *amount)).collect()
}

impl Asked {
    fn sum(&self, name: &str, with_pods: bool) -> (Quantity, Quantity) {
        let of = |amounts: &Amounts| amounts.get(name).copied().unwrap_or_default();
        let added = if with_pods { of(&self.now).plus(of(&self.later)) } else { of(&self.now) };
        (of(&self.used), added)
    }

    /// What goes beyond it, in words.
    fn beyond(&self, with_pods: bool) -> Vec<String> {
        let beyond = self.hard.iter().filter_map(|(name, hard)| {
            let (used, added) = self.sum(name, with_pods);
            let above = used.plus(added).above(*hard);
            (!added.is_zero() && !above.is_zero()).then(|| {
                let by = if with_pods { "the backup with its workloads' pods" } else { "the backup" };
                format!("{name}: {used} of {hard} used, {by} adds {added}, {above} too much")
            })
        });
        beyond.collect()
    }

    /// The command that raises it to what all of the restore takes.
    fn raise(&self, namespace: &str, name: &str) -> String {
        let raised = self.hard.iter().filter_map(|(resource, hard)| {
            let (used, added) = self.sum(resource, true);
            let sum = used.plus(added);
            (sum > *hard && !added.is_zero()).then(|| format!("\"{resource}\":\"{sum}\""))
        });
        let raised: Vec<String> = raised.collect();
        format!(
            "kubectl patch resourcequota {name} -n {namespace} --type=merge -p '{{\"spec\":{{\"hard\":{{{}}}}}}}'",
            raised.join(",")
        )
    }
}

#[cfg(test)]
mod tests;
