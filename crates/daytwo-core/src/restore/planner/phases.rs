//! The phases of a plan, in their order, once every object was taken in; and what is to be said about volumes.

use std::collections::BTreeSet;

use super::Planner;
use crate::finding::{Finding, Severity};
use crate::plan::{Phase, Step};
use crate::restore::Wave;
use crate::restore::order::may_hold;

impl Planner<'_> {
    /// Namespaces that objects need and that neither the cluster nor the backup's own objects provide.
    pub(super) fn missing_namespaces(&self) -> Vec<String> {
        let census = self.rules.census();
        let needed = census.namespaces_needed().map(|name| self.rules.request().namespace_mapping.map(name));
        let there = &self.rules.target().namespaces;
        let missing: BTreeSet<String> = needed
            .filter(|name| !there.contains_key(*name) && !self.brought_namespaces.contains(*name))
            .map(str::to_owned)
            .collect();
        missing.into_iter().collect()
    }

    /// Wave after wave, then what comes last; `missing` namespaces are made.
    pub(super) fn phases(&self, missing: &[String]) -> Vec<Phase> {
        let waits = self.rules.request().waits;
        let mut phases = Vec::new();
        let any = self.parts.values().any(|part| part.works);
        for wave in Wave::ALL {
            let mut steps = Vec::new();
            let objects = self.parts.get(&wave).filter(|part| part.works).map(|part| part.objects);
            let services = match wave {
                Wave::Webhooks => &self.backends,
                Wave::Converted => &self.converters,
                _ => &BTreeSet::new(),
            };
            if !services.is_empty() {
                let services = services.iter().cloned().collect();
                steps.push(Step::AwaitEndpoints { services, deadline: waits.endpoints });
            }
            steps.extend(objects.map(|objects| Step::CreateObjects { wave, objects }));
            if wave == Wave::Namespaces && !missing.is_empty() {
                steps.push(Step::EnsureNamespaces { namespaces: missing.to_vec() });
            }
            // Before the workloads: what owns others may be started by them, and makes its children anew.
            let owners = match wave {
                Wave::CustomResources => objects.is_some().then_some(false),
                last if last == self.last_owned() => any.then_some(true),
                _ => None,
            };
            if let Some(last) = owners.filter(|_| self.rules.census().owned().next().is_some()) {
                steps.push(Step::BindOwners { last });
            }
            if wave == Wave::Definitions && objects.is_some() {
                let definitions = self.rules.census().definitions().map(str::to_owned).collect();
                steps.push(Step::AwaitEstablished { definitions, deadline: waits.established });
            }
            if !steps.is_empty() {
                phases.push(Phase { name: wave.name().to_owned(), steps });
            }
        }
        if !self.extra.is_empty() {
            let steps = vec![Step::PruneObjects { extra: self.extra.clone() }];
            phases.push(Phase { name: "prune".to_owned(), steps });
        }
        phases.extend(self.last_phases());
        phases
    }

    /// The last wave of which objects may have owners, or own some.
    fn last_owned(&self) -> Wave {
        let works = |wave: &Wave| self.parts.get(wave).is_some_and(|part| part.works);
        let owned = |wave: Wave| {
            self.rules.census().owned().any(|kind| may_hold(wave, &kind.group_resource())) && works(&wave)
        };
        let mut late = Wave::ALL.into_iter().filter(|wave| *wave > Wave::Workloads);
        late.rfind(|wave| *wave == Wave::Converted && works(wave) || owned(*wave)).unwrap_or(Wave::Workloads)
    }

    /// What is waited for and given back once everything is written.
    fn last_phases(&self) -> Vec<Phase> {
        let waits = self.rules.request().waits;
        let mut phases = Vec::new();
        if self.parts.get(&Wave::Volumes).is_some_and(|part| part.works) {
            let steps = vec![Step::RestoreReclaimPolicies { deadline: waits.bound }];
            phases.push(Phase { name: "reclaim policies".to_owned(), steps });
        }
        if self.workloads > 0 {
            let steps = vec![Step::AwaitWorkloads { workloads: self.workloads, deadline: waits.workloads }];
            phases.push(Phase { name: "availability".to_owned(), steps });
        }
        if self.parked {
            let steps = vec![Step::ReleaseWebhooks { deadline: waits.endpoints }];
            phases.push(Phase { name: "parked webhooks".to_owned(), steps });
        }
        phases
    }

    /// Claims that come back without their data, or not at all.
    pub(super) fn about_volumes(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let (count, Some(first)) = &self.lost {
            findings.push(Finding {
                id: "restore-data-elsewhere".to_owned(),
                severity: Severity::Critical,
                subject: first.to_string(),
                evidence: format!("the backup says of {count} claims that their data lies in a snapshot or a volume repository"),
                breaks: "they are not restored: created empty they would look whole, and workloads would write into them".to_owned(),
                remedy: "restore their data with Velero first, or have them made empty with --empty-volumes".to_owned(),
                command: None,
            });
        }
        if let (count, Some((first, why))) = &self.empty {
            findings.push(Finding {
                id: "restore-claim-empty".to_owned(),
                severity: Severity::Critical,
                subject: first.to_string(),
                evidence: format!("{why}; so it is for {count} claims"),
                breaks: "they come back empty, or stay pending where nothing provisions for them".to_owned(),
                remedy: "bring their data back by other means".to_owned(),
                command: None,
            });
        }
        findings
    }
}
