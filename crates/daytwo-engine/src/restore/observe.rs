//! Looks at the cluster that a restore writes into: what it serves, which namespaces, nodes, volumes and classes it
//! has. It refuses to write, and to take what may not be read for absent without saying so.

use std::collections::BTreeSet;

use daytwo_core::json::{JsonError, Meta, find, string};
use daytwo_core::restore::{Census, Fixed, Request, ServedKind, Target, VolumeState, outside};
use kube::Client;

use super::definitions;
use super::lists::{self, METADATA_ONLY};
use crate::api::ApiError;
use crate::discovery::{self, Discovery};
use crate::event::{Event, Observer};
use crate::site::Site;

mod ground;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// What has to be known to carry a plan out.
    Needed,
    /// And what may go wrong.
    Preflight,
}

/// What the cluster serves, and nothing else of it.
///
/// # Errors
/// An [`ApiError`] where the server does not say what it serves.
pub async fn served(client: &Client) -> Result<Target, ApiError> {
    let served = discovery::discover(client).await?;
    Ok(Target { served: kinds(&served), ..Target::default() })
}

/// Sees what else a restore of what `census` counted has to know of the cluster, which serves what `target` says.
///
/// # Errors
/// An [`ApiError`] where the server does not answer.
pub async fn target(
    site: &Site,
    mut target: Target,
    (census, request): (&Census, &Request),
    sight: Sight,
    events: &dyn Observer,
) -> Result<Target, ApiError> {
    let client = site.client();
    let mut eyes = Eyes { client, events, unseen: Vec::new() };
    let needed: BTreeSet<&str> =
        census.namespaces_needed().map(|name| request.namespace_mapping.map(name)).collect();
    eyes.look("/api/v1/namespaces", "application/json", |object| {
        let meta = Meta::of_prefix(object)?;
        if needed.contains(&*meta.name) {
            let labels = meta.labels.unwrap_or(b"{}").to_vec();
            target.ground.labels.insert(meta.name.clone().into_owned(), labels);
        }
        target.namespaces.insert(meta.name.into_owned(), meta.deletion_timestamp);
        Ok(())
    })
    .await?;
    eyes.look("/api/v1/nodes", METADATA_ONLY, |object| {
        target.nodes.insert(Meta::of_prefix(object)?.name.into_owned());
        Ok(())
    })
    .await?;
    if census.claims().next().is_some()
        || census.resources().any(|(resource, ..)| resource == "persistentvolumes")
    {
        let volumes = eyes.look("/api/v1/persistentvolumes", "application/json", |object| {
            let meta = Meta::of_prefix(object)?;
            target.volumes.insert(meta.name.into_owned(), volume(object)?);
            Ok(())
        });
        if !volumes.await? {
            target.unlisted.insert("persistentvolumes".to_owned());
        }
    }
    if census.resources().any(|(resource, ..)| resource == "services") {
        eyes.look("/api/v1/services", "application/json", |object| {
            let meta = Meta::of_prefix(object)?;
            let holder = (meta.namespace.unwrap_or_default().into_owned(), meta.name.into_owned());
            let held = outside(object)?.into_iter().map(|one| (one, holder.clone()));
            target.ground.outside.extend(held);
            let Fixed { addresses, ports } = Fixed::of(object)?;
            target.fixed.extend(addresses.into_iter().chain(ports).map(|one| (one, holder.clone())));
            Ok(())
        })
        .await?;
    }
    let wanted: BTreeSet<String> = census.classes_needed().map(|((class, _), _)| class.to_owned()).collect();
    for class in wanted {
        let Some(path) = class_path(&target, &class) else { continue };
        let classes = eyes.look(&path, METADATA_ONLY, |object| {
            target.classes.insert((class.clone(), Meta::of_prefix(object)?.name.into_owned()));
            Ok(())
        });
        if !classes.await? {
            target.unlisted.insert(class);
        }
    }
    definitions::look(client, request, census, &mut target).await?;
    if sight == Sight::Preflight {
        eyes.ground(census, request, &site.identity().version, &mut target).await?;
    }
    target.ground.unseen = eyes.unseen;
    Ok(target)
}

struct Eyes<'a> {
    client: &'a Client,
    events: &'a dyn Observer,
    /// What may not be looked at, and why.
    unseen: Vec<String>,
}

impl Eyes<'_> {
    /// Lists what may be listed; what may not is noted. Returns whether it was seen.
    async fn look(
        &mut self,
        path: &str,
        accept: &str,
        object: impl FnMut(&[u8]) -> Result<(), JsonError>,
    ) -> Result<bool, ApiError> {
        match lists::each(self.client, path, accept, object).await {
            Err(error) if error.is_denied() || error.is_not_found() => {
                self.events.event(Event::Note(format!("cannot be looked at: {error}")));
                self.unseen.push(error.to_string());
                Ok(false)
            }
            done => done.map(|()| true),
        }
    }
}

fn kinds(discovery: &Discovery) -> std::collections::BTreeMap<String, ServedKind> {
    let served = discovery.resources.iter().map(|served| {
        let preferred = std::iter::once(&served.kind.version);
        let kind = ServedKind {
            kind: served.kind.kind.clone(),
            status: served.status,
            versions: preferred.chain(&served.other_versions).cloned().collect(),
            namespaced: served.kind.namespaced,
        };
        (served.kind.group_resource(), kind)
    });
    served.collect()
}

fn class_path(target: &Target, class: &str) -> Option<String> {
    let (plural, group) = class.split_once('.')?;
    let version = target.served.get(class)?.versions.first()?;
    Some(format!("/apis/{group}/{version}/{plural}"))
}

fn volume(object: &[u8]) -> Result<VolumeState, JsonError> {
    let text = |path: &[&str]| {
        let span = find(object, path)?;
        Ok::<_, JsonError>(span.and_then(|span| string(&object[span])).map(|text| text.into_owned()))
    };
    let namespace = text(&["spec", "claimRef", "namespace"])?;
    let name = text(&["spec", "claimRef", "name"])?;
    Ok(VolumeState {
        claim: namespace.zip(name),
        class: text(&["spec", "storageClassName"])?.unwrap_or_default(),
        released: text(&["status", "phase"])?.as_deref() == Some("Released"),
    })
}
