//! One round over the cluster: the lists a few ahead, the archive one after another.

use std::collections::{BTreeMap, BTreeSet};

use daytwo_archive::{BackupWriter, Complete, Consistency, Fallback, LeftOut, OutsideCut, Problem};
use daytwo_core::filter::{Choice, Filter};
use daytwo_core::resource::ResourceType;

use super::ahead::{Ahead, Started};
use super::definitions::{DEFINITIONS, Definition};
use super::sink::Sink;
use super::survey::{Survey, in_restore_order};
use super::{BackupError, BackupRequest};
use crate::api::ApiError;
use crate::cut::{Ended, Pending, Reading, Verdict, Wanted, When};
use crate::event::{Event, Observer};
use crate::site::Site;

/// How a round ended.
pub(super) enum Round {
    /// Everything that can be read was.
    Whole(Box<Gathered>),
    /// The moment is lost: the reason.
    StartOver(String),
}

/// What a whole round knows besides the objects.
pub(super) struct Gathered {
    pub revision: Option<u64>,
    pub consistency: Consistency,
    pub problems: Vec<Problem>,
    pub left_out: Vec<LeftOut>,
    pub outside: Vec<OutsideCut>,
    pub fallbacks: Vec<Fallback>,
    pub complete: Vec<Complete>,
    pub warnings: Vec<String>,
}

/// Reads the cluster once as `found` says, at one revision where `exact`, into `writer`.
pub(super) async fn round(
    site: &Site,
    request: &BackupRequest,
    exact: bool,
    mut found: Survey,
    writer: &mut BackupWriter,
    events: &dyn Observer,
) -> Result<Round, BackupError> {
    let wanted = std::mem::take(&mut found.wanted);
    let selector = found.filter.selector.as_ref().map(ToString::to_string);
    let reading = Reading { selector, patience: request.patience, storage: BTreeMap::new() };
    let mut gather = Gather {
        site,
        request,
        exact,
        writer,
        events,
        reading,
        survey: found,
        fallbacks: Vec::new(),
        complete: Vec::new(),
        definitions: Vec::new(),
        objects: 0,
        read: 0,
        failure: None,
    };
    let (first, rest): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|(wanted, _)| wanted.kind().group_resource() == DEFINITIONS);
    if let Some(why) = gather.all(first).await? {
        return Ok(Round::StartOver(why));
    }
    let rest = gather.with_new_kinds(rest);
    if let Some(why) = gather.all(rest).await? {
        return Ok(Round::StartOver(why));
    }
    gather.gathered().map(|gathered| Round::Whole(Box::new(gathered)))
}

struct Gather<'a> {
    site: &'a Site,
    request: &'a BackupRequest,
    exact: bool,
    writer: &'a mut BackupWriter,
    events: &'a dyn Observer,
    reading: Reading,
    survey: Survey,
    fallbacks: Vec<Fallback>,
    complete: Vec<Complete>,
    definitions: Vec<Definition>,
    objects: u64,
    /// Resources read.
    read: usize,
    /// Why the first that could not be read could not.
    failure: Option<ApiError>,
}

impl Gather<'_> {
    /// Reads `wanted`, some at a time, and writes them in their order. Gives the reason to start over.
    async fn all(&mut self, wanted: Vec<(Wanted, Pending)>) -> Result<Option<String>, BackupError> {
        let mut ahead = Ahead::start(self.site.client(), wanted, &self.reading, self.request.concurrency);
        while let Some(started) = ahead.next().await {
            if let Some(why) = self.one(started).await? {
                return Ok(Some(why));
            }
        }
        Ok(None)
    }

    /// Writes one resource. Gives the reason to start over.
    async fn one(&mut self, mut started: Started) -> Result<Option<String>, BackupError> {
        let Started { wanted, listing, .. } = &mut started;
        let kind = wanted.kind();
        let name = kind.group_resource();
        self.events.event(Event::Started { what: name.clone() });
        let mut sink = Sink::new(kind, &self.survey.filter);
        let definitions = name == DEFINITIONS;
        while let Some(delivery) = listing.batches.recv().await {
            if definitions {
                self.definitions.extend(delivery.batch.items().filter_map(Definition::read));
            }
            sink.write(self.writer, &delivery).await?;
            self.objects += delivery.batch.len() as u64;
            let (done, total) = (self.objects, None);
            self.events.event(Event::Progress { what: "objects".to_owned(), done, total });
        }
        self.survey.problems.append(&mut sink.problems);
        let ended = (&mut listing.end)
            .await
            .unwrap_or_else(|panic| Ended::StartOver(format!("reading {name} ended unexpectedly: {panic}")));
        self.events.event(Event::Finished { what: name.clone() });
        Ok(self.settle(wanted, &name, ended))
    }

    /// Takes down how a resource ended. Gives the reason to start over.
    fn settle(&mut self, wanted: &Wanted, resource: &str, ended: Ended) -> Option<String> {
        let problem =
            |namespace, what| Problem { resource: resource.to_owned(), namespace, name: None, what };
        match ended {
            Ended::Virtual => {
                let why = "its list has no revision: it is computed, not stored".to_owned();
                self.survey.left_out.push(LeftOut { what: resource.to_owned(), why });
                None
            }
            Ended::Gone => None,
            Ended::Whole { fallbacks, unread, outside } => {
                self.read += 1;
                let fallback = |what| Fallback { resource: resource.to_owned(), what };
                self.fallbacks.extend(fallbacks.into_iter().map(fallback));
                if let Some(why) = outside {
                    self.survey.outside.push(OutsideCut { resource: resource.to_owned(), why });
                }
                let whole = unread.is_empty();
                for (namespace, error) in unread {
                    self.survey.problems.push(problem(Some(namespace), error.to_string()));
                }
                if whole {
                    self.complete.extend(complete(
                        &self.survey.filter,
                        wanted.kind(),
                        wanted.namespaces.clone(),
                    ));
                }
                None
            }
            Ended::StartOver(why) if self.exact => Some(why),
            Ended::StartOver(why) => {
                self.survey.problems.push(problem(None, why));
                None
            }
            Ended::Failed(error) => {
                self.survey.problems.push(problem(None, error.to_string()));
                self.failure.get_or_insert(error);
                None
            }
        }
    }

    /// Adds the custom resources that are defined at the revision but that discovery did not show yet, and
    /// remembers every storage version.
    fn with_new_kinds(&mut self, mut rest: Vec<(Wanted, Pending)>) -> Vec<(Wanted, Pending)> {
        let known: BTreeSet<(String, String)> =
            self.survey.known.iter().map(|kind| (kind.group.clone(), kind.resource.clone())).collect();
        let when = self.survey.revision.map_or(When::Now, When::At);
        for definition in std::mem::take(&mut self.definitions) {
            let served = definition.served;
            let name = (served.kind.group.clone(), served.kind.resource.clone());
            let new = !known.contains(&name);
            self.reading.storage.insert(name, definition.storage);
            if new && self.survey.filter.resource(&served.kind) == Choice::Take {
                let namespaces =
                    if served.kind.namespaced { self.survey.filter.exact_namespaces() } else { None };
                let pending = Pending::known(Verdict::Read(when.clone()));
                rest.push((Wanted { served, namespaces }, pending));
            }
        }
        in_restore_order(&mut rest, |(wanted, _)| wanted);
        rest
    }

    fn gathered(self) -> Result<Gathered, BackupError> {
        if let (0, Some(error)) = (self.read, self.failure) {
            return Err(BackupError::Cluster(error));
        }
        let Survey { revision, not_one_moment, left_out, outside, problems, warnings, .. } = self.survey;
        Ok(Gathered {
            revision,
            consistency: match not_one_moment {
                None => Consistency::OneRevision,
                Some(why) => Consistency::PerResource { why },
            },
            problems,
            left_out,
            outside,
            fallbacks: self.fallbacks,
            complete: self.complete,
            warnings,
        })
    }
}

/// What absence from a list that was read to its end, of `namespaces` alone where they are named, proves: nothing where
/// the filter picked among the objects.
pub(super) fn complete(
    filter: &Filter,
    kind: &ResourceType,
    namespaces: Option<Vec<String>>,
) -> Option<Complete> {
    let all = filter.all_namespaces();
    let every = match kind.namespaced {
        true => all || namespaces.is_some(),
        false => all || (filter.include_cluster_resources == Some(true) && !kind.is("", "namespaces")),
    };
    (every && filter.selector.is_none()).then(|| Complete { resource: kind.group_resource(), namespaces })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(filter: &Filter, resource: &str, namespaced: bool) -> Option<Complete> {
        let (group, version) = (String::new(), "v1".to_owned());
        let kind =
            ResourceType { group, version, resource: resource.into(), kind: String::new(), namespaced };
        complete(filter, &kind, if namespaced { filter.exact_namespaces() } else { None })
    }

    #[test]
    fn a_backup_of_one_namespace_does_not_call_the_namespaces_complete() {
        let filter = Filter { include_namespaces: vec!["x".into()], ..Filter::default() };
        assert_eq!(of(&filter, "namespaces", false), None);
        let pods = of(&filter, "pods", true);
        assert_eq!(pods.and_then(|pods| pods.namespaces), Some(vec!["x".to_owned()]));
    }

    #[test]
    fn a_glob_or_a_selector_proves_no_absence() {
        let glob = Filter { include_namespaces: vec!["x*".into()], ..Filter::default() };
        assert_eq!(of(&glob, "pods", true), None);
        let selected = Filter { selector: "a=b".parse().ok(), ..Filter::default() };
        assert_eq!(of(&selected, "pods", true), None);
        let all = Filter::default();
        assert!(of(&all, "pods", true).is_some());
    }
}
