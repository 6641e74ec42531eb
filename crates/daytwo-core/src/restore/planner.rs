//! Makes a plan of what becomes of each object. It refuses to keep the objects: a plan holds counts by wave, since
//! bulk work is one step.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::report::Failed;
use super::rules::{Skip, Verdict};
use super::{Action, Rules, Source, Tally, Wave};
use crate::finding::{Finding, Severity};
use crate::json::JsonError;
use crate::plan::{API_VERSION, Fact, Impact, Kind, Phase, Plan, SiteIdentity, Step};
use crate::resource::ObjectKey;

/// What is in the cluster in an object's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// Nothing.
    Nothing,
    /// The same object.
    Same,
    /// Another one of its name.
    Another,
}

/// What is going to become of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    /// The object, by its name in the cluster.
    pub object: ObjectKey,
    /// What becomes of it.
    pub action: Action,
    /// Why it is passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Skip>,
}

/// A plan and what its making found out.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What is known of objects that no step touches, and what the cluster lacks.
    pub known: Tally,
    /// What the steps are expected to come to.
    pub expected: Tally,
}

/// Takes in the objects of a backup one by one, and gives the plan.
#[derive(Debug)]
pub struct Planner<'a> {
    rules: &'a Rules,
    notes: bool,
    waves: BTreeMap<Wave, u64>,
    creates: u64,
    brought_namespaces: BTreeSet<String>,
    backends: BTreeSet<String>,
    empty: (u64, Option<(ObjectKey, String)>),
    lost: (u64, Option<ObjectKey>),
    known: Tally,
    expected: Tally,
}

impl<'a> Planner<'a> {
    /// A planner that follows `rules`. With `notes` it also tells what is going to be changed on the way, object by
    /// object, which takes about as long again.
    pub fn new(rules: &'a Rules, notes: bool) -> Self {
        Self {
            rules,
            notes,
            waves: BTreeMap::new(),
            creates: 0,
            brought_namespaces: BTreeSet::new(),
            backends: BTreeSet::new(),
            empty: (0, None),
            lost: (0, None),
            known: Tally::default(),
            expected: Tally::default(),
        }
    }

    /// Decides what becomes of `source`; `there` says what is in its place, and is asked only if it matters. `None`
    /// for an object that nobody asked for.
    pub fn take(
        &mut self,
        source: &Source<'_>,
        there: impl FnOnce() -> Result<There, JsonError>,
    ) -> Option<Decided> {
        let object = self.rules.key(source);
        let decided = |action, why| Decided { object: object.clone(), action, why };
        match self.decide(source, &object, there) {
            Ok(None) => None,
            Ok(Some(Fate::Skip(why))) => {
                self.known.skipped(object.clone(), why);
                if why == Skip::DataElsewhere && object.resource == "persistentvolumeclaims" {
                    self.lost.0 += 1;
                    self.lost.1.get_or_insert_with(|| object.clone());
                }
                Some(decided(Action::Skipped, Some(why)))
            }
            Ok(Some(Fate::Action(Action::Differs))) => {
                self.expected.differs(object.clone());
                Some(decided(Action::Differs, None))
            }
            Ok(Some(Fate::Action(action))) => {
                self.expected.count(&object.resource, action);
                Some(decided(action, None))
            }
            Err(error) => {
                let message = format!("its JSON in the backup cannot be read: {error}");
                let reason = "Corrupt".to_owned();
                self.known.failed(Failed { object: object.clone(), code: None, reason, message });
                Some(decided(Action::Failed, None))
            }
        }
    }

    fn decide(
        &mut self,
        source: &Source<'_>,
        object: &ObjectKey,
        there: impl FnOnce() -> Result<There, JsonError>,
    ) -> Result<Option<Fate>, JsonError> {
        let wave = match self.rules.judge(source)? {
            Verdict::NotAsked => return Ok(None),
            Verdict::Skip(why) => return Ok(Some(Fate::Skip(why))),
            Verdict::Take(wave) => wave,
        };
        *self.waves.entry(wave).or_default() += 1;
        if object.resource == "namespaces" {
            self.brought_namespaces.insert(object.name.clone());
        }
        let action = match there()? {
            There::Nothing => Action::Created,
            There::Same => Action::Same,
            // It is merged, or left as it is; it never counts as differing.
            There::Another if object.resource == "serviceaccounts" && object.name == "default" => {
                Action::Merged
            }
            There::Another => Action::Differs,
        };
        if action == Action::Created {
            self.creates += 1;
            self.foresee(source, object, wave)?;
        }
        Ok(Some(Fate::Action(action)))
    }

    /// What follows from creating `source`.
    fn foresee(&mut self, source: &Source<'_>, object: &ObjectKey, wave: Wave) -> Result<(), JsonError> {
        if wave == Wave::Webhooks && object.resource.contains("webhookconfigurations") {
            self.backends.extend(self.rules.backends(source)?);
        }
        if object.resource == "persistentvolumeclaims"
            && let Some(why) = self.rules.comes_empty(source)
        {
            self.empty.0 += 1;
            self.empty.1.get_or_insert_with(|| (object.clone(), why));
        }
        if self.notes {
            for note in self.rules.prepare(source)?.notes {
                self.expected.note(object.clone(), note);
            }
        }
        Ok(())
    }

    /// The plan, once every object was taken in.
    pub fn finish(mut self, run: &str, created: Timestamp, site: SiteIdentity, facts: Vec<Fact>) -> Planned {
        let missing = self.missing_namespaces();
        let phases = self.phases(&missing);
        let creates = self.creates + missing.len() as u64;
        let updates = self.expected.counts().merged;
        let mut known = std::mem::take(&mut self.known);
        known.findings = self.rules.target().lacks(self.rules.census(), self.rules.request());
        known.findings.extend(self.about_volumes());
        Planned {
            plan: Plan {
                api_version: API_VERSION.to_owned(),
                kind: Kind::Restore(self.rules.request().clone()),
                id: run.to_owned(),
                created,
                site,
                facts,
                impact: Impact { creates, updates, deletes: 0 },
                phases,
            },
            known,
            expected: self.expected,
        }
    }

    fn missing_namespaces(&self) -> Vec<String> {
        let census = self.rules.census();
        let needed = census.namespaces_needed().map(|name| self.rules.request().namespace_mapping.map(name));
        let there = &self.rules.target().namespaces;
        let missing: BTreeSet<String> = needed
            .filter(|name| !there.contains_key(*name) && !self.brought_namespaces.contains(*name))
            .map(str::to_owned)
            .collect();
        missing.into_iter().collect()
    }

    fn phases(&self, missing: &[String]) -> Vec<Phase> {
        let waits = self.rules.request().waits;
        let mut phases = Vec::new();
        for wave in Wave::ALL {
            let mut steps = Vec::new();
            let objects = self.waves.get(&wave).copied();
            if wave == Wave::Webhooks && !self.backends.is_empty() {
                let services = self.backends.iter().cloned().collect();
                steps.push(Step::AwaitEndpoints { services, deadline: waits.endpoints });
            }
            steps.extend(objects.map(|objects| Step::CreateObjects { wave, objects }));
            if wave == Wave::Namespaces && !missing.is_empty() {
                steps.push(Step::EnsureNamespaces { namespaces: missing.to_vec() });
            }
            if wave == Wave::Definitions && objects.is_some() {
                let definitions = self.rules.census().definitions().map(str::to_owned).collect();
                steps.push(Step::AwaitEstablished { definitions, deadline: waits.established });
            }
            if !steps.is_empty() {
                phases.push(Phase { name: wave.name().to_owned(), steps });
            }
        }
        if self.waves.contains_key(&Wave::Volumes) {
            let steps = vec![Step::RestoreReclaimPolicies { deadline: waits.bound }];
            phases.push(Phase { name: "reclaim policies".to_owned(), steps });
        }
        phases
    }

    fn about_volumes(&self) -> Vec<Finding> {
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

enum Fate {
    Skip(Skip),
    Action(Action),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Place;
    use crate::resource::ResourceType;
    use crate::restore::{Census, DataElsewhere, Request, ServedKind, Target, VolumeState};

    fn kind(group: &str, resource: &str, kind: &str, namespaced: bool) -> ResourceType {
        ResourceType {
            group: group.into(),
            version: "v1".into(),
            resource: resource.into(),
            kind: kind.into(),
            namespaced,
        }
    }

    fn planned(
        objects: &[(ResourceType, Option<&str>, &str, &str)],
        target: Target,
        there: There,
    ) -> Planned {
        let request = Request { backup: "b".into(), ..Request::default() };
        let sources = objects.iter().map(|(resource, namespace, name, bytes)| Source {
            resource,
            namespace: *namespace,
            name,
            bytes: bytes.as_bytes(),
        });
        let mut census = Census::new(DataElsewhere::default());
        sources.clone().for_each(|source| census.note(&request, &source).unwrap());
        let mut target = target;
        for (kind, ..) in objects {
            let served = ServedKind { versions: vec!["v1".into()], namespaced: kind.namespaced };
            target.served.insert(kind.group_resource(), served);
        }
        let rules = Rules::new(request, census, target);
        let mut planner = Planner::new(&rules, true);
        for source in sources {
            planner.take(&source, || Ok(there));
        }
        let site = SiteIdentity { context: "c".into(), server: "s".into(), version: "v1".into(), uid: None };
        planner.finish("run", Timestamp::UNIX_EPOCH, site, Vec::new())
    }

    fn steps(planned: &Planned) -> Vec<String> {
        let text = |step: &Step| match step {
            Step::CreateObjects { wave, objects } => format!("{objects} {wave}"),
            Step::EnsureNamespaces { namespaces } => format!("ensure {}", namespaces.join(",")),
            Step::AwaitEstablished { definitions, .. } => format!("established {}", definitions.join(",")),
            Step::AwaitEndpoints { services, .. } => format!("endpoints {}", services.join(",")),
            Step::RestoreReclaimPolicies { .. } => "policies".to_owned(),
        };
        planned.plan.steps().map(|(_, step)| text(step)).collect()
    }

    #[test]
    fn waves_come_in_order_with_the_waits_between_them() {
        let meta = |name: &str| format!(r#"{{"metadata":{{"name":"{name}"}}}}"#);
        let webhook = r#"{"metadata":{"name":"w"},"webhooks":[{"clientConfig":{"service":{"namespace":"a","name":"s"}}}]}"#;
        let objects = [
            (
                kind("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "M", false),
                None,
                "w",
                webhook,
            ),
            (kind("", "configmaps", "ConfigMap", true), Some("a"), "m", &*meta("m")),
            (kind("", "persistentvolumes", "PersistentVolume", false), None, "pv", &*meta("pv")),
            (
                kind("apiextensions.k8s.io", "customresourcedefinitions", "C", false),
                None,
                "ws.x.io",
                &*meta("ws.x.io"),
            ),
        ];
        let planned = planned(&objects, Target::default(), There::Nothing);
        assert_eq!(
            steps(&planned),
            [
                "1 definitions",
                "established ws.x.io",
                "ensure a",
                "1 volumes",
                "1 configuration",
                "endpoints a/s",
                "1 webhooks",
                "policies"
            ]
        );
        assert_eq!(planned.plan.impact, Impact { creates: 5, updates: 0, deletes: 0 });
        assert_eq!(planned.plan.next(None), Some(Place { phase: 0, step: 0 }));
    }

    #[test]
    fn a_namespace_that_is_there_or_in_the_backup_is_not_made_bare() {
        let object = r#"{"metadata":{"name":"x"}}"#;
        let maps = kind("", "configmaps", "ConfigMap", true);
        let target = Target { namespaces: [("live".to_owned(), false)].into(), ..Target::default() };
        let objects = [
            (maps.clone(), Some("live"), "x", object),
            (maps.clone(), Some("brought"), "x", object),
            (maps, Some("lost"), "x", object),
            (
                kind("", "namespaces", "Namespace", false),
                None,
                "brought",
                r#"{"metadata":{"name":"brought"}}"#,
            ),
        ];
        let planned = planned(&objects, target, There::Nothing);
        assert_eq!(steps(&planned), ["1 namespaces", "ensure lost", "3 configuration"]);
    }

    #[test]
    fn nothing_to_create_is_no_impact_and_what_differs_is_named() {
        let object = r#"{"metadata":{"name":"x"}}"#;
        let maps = kind("", "configmaps", "ConfigMap", true);
        let account = kind("", "serviceaccounts", "ServiceAccount", true);
        let objects = [(maps, Some("a"), "x", object), (account, Some("a"), "default", object)];
        let target = Target { namespaces: [("a".to_owned(), false)].into(), ..Target::default() };
        let planned = planned(&objects, target, There::Another);
        assert_eq!(planned.plan.impact, Impact { creates: 0, updates: 1, deletes: 0 });
        let differing: Vec<String> = planned.expected.differing.iter().map(ToString::to_string).collect();
        assert_eq!(differing, ["configmaps/a/x"]);
    }

    #[test]
    fn what_the_cluster_lacks_is_found_before_anything_is_written() {
        let claim = r#"{"metadata":{"name":"c"},"spec":{"storageClassName":"fast","volumeName":"pv"}}"#;
        let target = Target {
            namespaces: [("a".to_owned(), true)].into(),
            volumes: [(
                "pv".to_owned(),
                VolumeState { claim: Some(("a".into(), "c".into())), released: true },
            )]
            .into(),
            ..Target::default()
        };
        let claims = kind("", "persistentvolumeclaims", "PersistentVolumeClaim", true);
        let planned = planned(&[(claims, Some("a"), "c", claim)], target, There::Nothing);
        let ids: Vec<&str> = planned.known.findings.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(
            ids,
            ["restore-class-missing", "restore-namespace-terminating", "restore-volume-released"]
        );
    }

    #[test]
    fn an_object_that_is_no_json_fails_alone() {
        let maps = kind("", "configmaps", "ConfigMap", true);
        let rules = Rules::new(Request::default(), Census::default(), Target::default());
        let mut planner = Planner::new(&rules, false);
        let source = Source { resource: &maps, namespace: Some("a"), name: "x", bytes: b"{\"metadata\"" };
        assert_eq!(
            planner.take(&source, || Ok(There::Nothing)).map(|decided| decided.action),
            Some(Action::Failed)
        );
    }
}
