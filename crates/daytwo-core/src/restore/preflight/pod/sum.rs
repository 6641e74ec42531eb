//! What a pod comes to: its containers together, and what follows from that. It refuses what a node reports of it.

use super::super::quantity::{Amounts, Quantity, add, raise};
use super::{Resources, Spec, Term};

/// Whether a resource may be set for a pod as a whole.
fn of_pod(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
}

impl Spec {
    /// What the whole pod requests, the overhead of its runtime included where `overhead` is set
    /// (`k8s.io/component-helpers/resource/helpers.go`, `PodRequests`, of Kubernetes 1.36).
    pub fn requests(&self, overhead: bool) -> Amounts {
        let mut sum = self.sum(|resources| &resources.requests);
        sum.extend(own(&self.resources.requests));
        if overhead {
            add(&mut sum, &self.overhead);
        }
        sum
    }

    /// The limits of the whole pod (`PodLimits` there).
    pub fn limits(&self, overhead: bool) -> Amounts {
        let mut sum = self.sum(|resources| &resources.limits);
        sum.extend(own(&self.resources.limits));
        if overhead {
            for (name, amount) in &self.overhead {
                if let Some(known) = sum.get_mut(name).filter(|known| !known.is_zero()) {
                    *known = known.plus(*amount);
                }
            }
        }
        sum
    }

    /// Containers together; no less than any init container takes beside the sidecars that started before it.
    fn sum(&self, of: impl Fn(&Resources) -> &Amounts) -> Amounts {
        let mut sum = Amounts::new();
        for container in &self.containers {
            add(&mut sum, of(&container.resources));
        }
        let (mut sidecars, mut most) = (Amounts::new(), Amounts::new());
        for container in &self.init_containers {
            let own = of(&container.resources);
            if container.restart_policy == "Always" {
                add(&mut sum, own);
                add(&mut sidecars, own);
                raise(&mut most, &sidecars);
            } else {
                let mut with = own.clone();
                add(&mut with, &sidecars);
                raise(&mut most, &with);
            }
        }
        raise(&mut sum, &most);
        sum
    }

    /// Whether resources are set for the pod as a whole.
    pub fn sets_own(&self) -> bool {
        self.resources.requests.keys().chain(self.resources.limits.keys()).any(|name| of_pod(name))
    }

    /// Whether its quality of service is the least: no CPU and no memory asked for
    /// (`k8s.io/component-helpers/resource`, `GetPodQOS` of Kubernetes 1.36).
    pub fn best_effort(&self) -> bool {
        let asks = |amounts: &Amounts| {
            amounts
                .iter()
                .any(|(name, amount)| matches!(name.as_str(), "cpu" | "memory") && !amount.is_zero())
        };
        let containers = self.containers.iter().chain(&self.init_containers);
        let mut all = containers.map(|container| &container.resources).chain([&self.resources]);
        !all.any(|resources| asks(&resources.requests) || asks(&resources.limits))
    }

    /// Whether its affinity looks at pods of other namespaces.
    pub fn looks_across(&self) -> bool {
        let across = |term: &Term| !term.namespaces.is_empty() || term.namespace_selector.is_some();
        [&self.affinity.pod_affinity, &self.affinity.pod_anti_affinity].into_iter().any(|terms| {
            terms.required.iter().any(across)
                || terms.preferred.iter().any(|one| across(&one.pod_affinity_term))
        })
    }
}

fn own(amounts: &Amounts) -> impl Iterator<Item = (String, Quantity)> {
    amounts.iter().filter(|(name, _)| of_pod(name)).map(|(name, amount)| (name.clone(), *amount))
}
