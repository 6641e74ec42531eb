//! Decides what a round reads: discovery, the filter, the probes, in the order a restore needs.

use daytwo_archive::{LeftOut, OutsideCut, Problem};
use daytwo_core::filter::{Choice, Filter};
use daytwo_core::resource::{Named, ResourceType};
use daytwo_core::restore::order::{Traits, wave};

use tokio_util::task::AbortOnDropHandle;

use super::{BackupError, BackupRequest};
use crate::cut::{Pending, Probing, Wanted, probe};
use crate::discovery::{Served, Unknown, discover};
use crate::event::{Event, Observer};
use crate::site::Site;

/// Groups whose aggregated API servers keep no state: numbers of this moment, nothing to restore.
const STATELESS: [&str; 3] = ["metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"];
/// The first minor version that reads at an exact revision (`resourceVersionMatch`, KEP-2523).
const EXACT_SINCE_MINOR: u32 = 19;

/// What a round reads, and what it already knows it does not.
#[derive(Default)]
pub(super) struct Survey {
    pub revision: Option<u64>,
    /// Why the round is no single moment, where it is not.
    pub not_one_moment: Option<String>,
    /// In the order of a restore, each with what its probe will say.
    pub wanted: Vec<(Wanted, Pending)>,
    /// Every resource type that discovery knows, wanted or not.
    pub known: Vec<ResourceType>,
    pub left_out: Vec<LeftOut>,
    pub outside: Vec<OutsideCut>,
    pub problems: Vec<Problem>,
    pub warnings: Vec<String>,
    /// The probes, which end when this is dropped.
    pub probing: Option<AbortOnDropHandle<()>>,
    /// The filter with every name resolved to the type that the server means by it.
    pub filter: Filter,
}

/// Asks the server what it has and which revision it stands at.
pub(super) async fn survey(
    site: &Site,
    request: &BackupRequest,
    exact: bool,
    events: &dyn Observer,
) -> Result<Survey, BackupError> {
    events.event(Event::Started { what: "discovery".to_owned() });
    let discovery = discover(site.client()).await.map_err(BackupError::Cluster)?;
    let mut survey = Survey { filter: request.filter.clone(), ..Survey::default() };
    let named: Vec<Named> = discovery.resources.iter().map(named).collect();
    for name in survey.filter.resolve(&named) {
        survey.warnings.push(format!("the server has no resource {name}"));
    }
    events.event(Event::Finished { what: "discovery".to_owned() });
    for unknown in &discovery.unknown {
        survey.unknown(unknown);
    }
    let mut wanted = Vec::new();
    for served in discovery.resources {
        survey.known.push(served.kind.clone());
        if let Some(one) = survey.choose(served) {
            wanted.push(one);
        }
    }
    in_restore_order(&mut wanted, |wanted| wanted);
    let minor = site.identity().minor_number();
    if !exact {
        survey.not_one_moment = Some("no revision lasted".to_owned());
    } else if minor < EXACT_SINCE_MINOR {
        let version = &site.identity().version;
        survey.not_one_moment = Some(format!("the server, {version}, cannot list at an exact revision"));
    }
    let finding = format!("finding the revision over {} resources", wanted.len());
    events.event(Event::Started { what: finding.clone() });
    let one_moment = survey.not_one_moment.is_none();
    let Probing { revision, verdicts, running } =
        probe(site.client(), &wanted, one_moment, request.patience).await;
    events.event(Event::Finished { what: finding });
    if one_moment && revision.is_none() && !wanted.is_empty() {
        survey.not_one_moment = Some("no resource gave a revision that others share".to_owned());
    }
    survey.revision = revision;
    survey.wanted = wanted.into_iter().zip(verdicts).collect();
    survey.probing = Some(running);
    Ok(survey)
}

impl Survey {
    /// An aggregated API that does not answer: wanted data may lie behind it, unless it keeps none.
    fn unknown(&mut self, unknown: &Unknown) {
        let Unknown { group, version, why } = unknown;
        if STATELESS.contains(&group.as_str()) {
            let why = format!("{why}; it keeps no state");
            self.left_out.push(LeftOut { what: format!("{group}/{version}"), why });
        } else if self.filter.group(group) {
            let resource = format!("*.{group}");
            self.problems.push(Problem { resource, namespace: None, name: None, what: why.clone() });
        }
    }

    fn choose(&mut self, served: Served) -> Option<Wanted> {
        if !served.listable() {
            return None;
        }
        let what = served.kind.group_resource();
        if STATELESS.contains(&served.kind.group.as_str()) {
            self.left_out.push(LeftOut { what, why: "it keeps no state".to_owned() });
            return None;
        }
        match self.filter.resource(&served.kind) {
            Choice::LeaveOut(reason) => {
                self.left_out.push(LeftOut { what, why: reason.to_string() });
                None
            }
            Choice::Take => {
                let namespaces = if served.kind.namespaced { self.filter.exact_namespaces() } else { None };
                Some(Wanted { served, namespaces })
            }
        }
    }
}

/// Puts resources in the order that a restore writes them in.
pub(super) fn in_restore_order<T>(wanted: &mut [T], of: impl Fn(&T) -> &Wanted) {
    wanted.sort_by_cached_key(|one| {
        let resource = of(one).kind().group_resource();
        (wave(&resource, Traits::default()), resource)
    });
}

fn named(served: &Served) -> Named {
    Named {
        resource: served.kind.clone(),
        singular: served.singular.clone(),
        short_names: served.short_names.clone(),
    }
}
