//! Looks at what only the pre-flight asks about: quotas, limits, drivers, webhooks, definitions, and only as far as the
//! backup needs it. It refuses to keep objects: of each a few facts are read, and what may not be read is noted.

use std::collections::{BTreeMap, BTreeSet};

use daytwo_core::json::{JsonError, Meta, text_at};
use daytwo_core::resource::ResourceType;
use daytwo_core::restore::{
    Census, Definition, Hook, LimitRange, Quota, Request, Target, drivers_of, is_default_class,
};

use super::Eyes;
use crate::api::{self, ApiError};
use crate::event::Event;
use crate::restore::lists::{METADATA_ONLY, ONE_BY_ONE, escape};
use crate::step::has_ready_endpoint;

const JSON: &str = "application/json";

impl Eyes<'_> {
    /// Sees it, and puts it into `target`.
    pub(super) async fn ground(
        &mut self,
        census: &Census,
        request: &Request,
        version: &str,
        target: &mut Target,
    ) -> Result<(), ApiError> {
        version.clone_into(&mut target.ground.version);
        let live: BTreeSet<String> = census
            .namespaces_needed()
            .map(|namespace| request.namespace_mapping.map(namespace).to_owned())
            .filter(|namespace| target.namespaces.contains_key(namespace))
            .collect();
        let claims = census.claims().next().is_some();
        let ground = &mut target.ground;
        self.by_namespace("resourcequotas", &live, &mut ground.quotas, Quota::of).await?;
        if claims || census.has_pods() {
            self.by_namespace("limitranges", &live, &mut ground.ranges, LimitRange::of).await?;
        }
        if claims || census.resources().any(|(resource, ..)| resource == "statefulsets.apps") {
            self.storage_classes(target).await?;
        }
        if census.needs_drivers() {
            self.drivers(target).await?;
        }
        self.definitions(census, target).await?;
        self.hooks(census, target).await
    }

    /// Reads the objects of `resource` in `namespaces` by `read`, which says `None` to what it cannot read.
    async fn by_namespace<T>(
        &mut self,
        resource: &str,
        namespaces: &BTreeSet<String>,
        into: &mut BTreeMap<String, Vec<T>>,
        read: impl Fn(&str, &[u8]) -> Result<Option<T>, JsonError>,
    ) -> Result<(), ApiError> {
        let paths = if namespaces.len() > ONE_BY_ONE {
            vec![format!("/api/v1/{resource}")]
        } else {
            namespaces.iter().map(|one| format!("/api/v1/namespaces/{}/{resource}", escape(one))).collect()
        };
        let mut unread = Vec::new();
        for path in paths {
            let mut found: BTreeMap<(String, String), T> = BTreeMap::new();
            self.look(&path, JSON, |object| {
                let meta = Meta::of_prefix(object)?;
                let namespace = meta.namespace.unwrap_or_default();
                if !namespaces.contains(&*namespace) {
                    return Ok(());
                }
                match read(&meta.name, object)? {
                    // One that changes place between pages may come twice.
                    Some(one) => drop(found.insert((namespace.into_owned(), meta.name.into_owned()), one)),
                    None => unread.push(format!("{resource}/{namespace}/{}", meta.name)),
                }
                Ok(())
            })
            .await?;
            for ((namespace, _), one) in found {
                into.entry(namespace).or_default().push(one);
            }
        }
        self.not_understood(&unread);
        Ok(())
    }

    async fn storage_classes(&mut self, target: &mut Target) -> Result<(), ApiError> {
        let mut provisioners = BTreeMap::new();
        let mut default = false;
        let seen = self
            .look("/apis/storage.k8s.io/v1/storageclasses", JSON, |class| {
                default |= is_default_class(class)?;
                let name = Meta::of_prefix(class)?.name.into_owned();
                let provisioner = text_at(class, &["provisioner"])?.unwrap_or_default().into_owned();
                provisioners.insert(name, provisioner);
                Ok(())
            })
            .await?;
        if seen {
            target.ground.default_class = Some(default);
            target.ground.provisioners = provisioners;
        }
        Ok(())
    }

    /// Drivers may have no object, and a node tells which it runs; only both together show that there is none.
    async fn drivers(&mut self, target: &mut Target) -> Result<(), ApiError> {
        let mut drivers = BTreeSet::new();
        let objects = self
            .look("/apis/storage.k8s.io/v1/csidrivers", METADATA_ONLY, |driver| {
                drivers.insert(Meta::of_prefix(driver)?.name.into_owned());
                Ok(())
            })
            .await?;
        let nodes = self
            .look("/apis/storage.k8s.io/v1/csinodes", JSON, |node| {
                drivers.extend(drivers_of(node)?);
                Ok(())
            })
            .await?;
        if objects && nodes {
            target.ground.drivers = Some(drivers);
        }
        Ok(())
    }

    /// The definitions of what is served, but not at the backup's version.
    async fn definitions(&mut self, census: &Census, target: &mut Target) -> Result<(), ApiError> {
        let wanted: Vec<String> = census
            .resources()
            .filter(|(resource, kind, _)| resource.contains('.') && !target.serves(resource, &kind.version))
            .map(|(resource, ..)| resource.to_owned())
            .collect();
        for resource in wanted {
            let path =
                format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}", escape(&resource));
            match api::get(self.client, &path, JSON).await {
                Ok(object) => {
                    let garbled = |error: JsonError| ApiError::Garbled {
                        method: http::Method::GET,
                        path: path.clone(),
                        what: error.to_string(),
                    };
                    let definition = Definition::of(&object).map_err(garbled)?;
                    target.ground.definitions.extend(definition.map(|it| (resource, it)));
                }
                Err(error) if error.is_not_found() => {}
                Err(error) if error.is_denied() => self.unseen(&error),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Webhooks that nobody answers for, of those that are asked about what is to be written.
    async fn hooks(&mut self, census: &Census, target: &mut Target) -> Result<(), ApiError> {
        let pods = ResourceType {
            group: String::new(),
            version: "v1".to_owned(),
            resource: "pods".to_owned(),
            kind: "Pod".to_owned(),
            namespaced: true,
        };
        let mut kinds: Vec<&ResourceType> = census.resources().map(|(_, kind, _)| kind).collect();
        if census.has_pods() {
            kinds.push(&pods);
        }
        let mut hooks = BTreeMap::new();
        let mut unread = Vec::new();
        for plural in ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"] {
            let resource = format!("{plural}.admissionregistration.k8s.io");
            self.look(&format!("/apis/admissionregistration.k8s.io/v1/{plural}"), JSON, |object| {
                let name = Meta::of_prefix(object)?.name.into_owned();
                match Hook::all_of(&resource, &name, object)? {
                    Some(all) => hooks.extend(
                        all.into_iter()
                            .filter(|hook| kinds.iter().any(|kind| hook.concerns(target, kind)))
                            .map(|hook| {
                                ((hook.webhook.configuration.clone(), hook.webhook.name.clone()), hook)
                            }),
                    ),
                    None => unread.push(format!("{resource}/{name}")),
                }
                Ok(())
            })
            .await?;
        }
        self.not_understood(&unread);
        let mut asked: BTreeMap<(String, String), Option<String>> = BTreeMap::new();
        for mut hook in hooks.into_values() {
            let why = match asked.get(&hook.service) {
                Some(known) => known.clone(),
                None => {
                    let why = self.dead(&hook.service.0, &hook.service.1).await?;
                    asked.insert(hook.service.clone(), why.clone());
                    why
                }
            };
            if let Some(why) = why {
                hook.why = why;
                target.ground.hooks.push(hook);
            }
        }
        Ok(())
    }

    /// Why a Service does not answer; `None` where it does, or where that may not be seen.
    async fn dead(&mut self, namespace: &str, name: &str) -> Result<Option<String>, ApiError> {
        let path = format!("/api/v1/namespaces/{}/services/{}", escape(namespace), escape(name));
        match api::get(self.client, &path, JSON).await {
            // Whom such a name leads to is not the cluster's to say.
            Ok(service) if matches!(text_at(&service, &["spec", "type"]), Ok(Some(of)) if of == "ExternalName") =>
            {
                return Ok(None);
            }
            Ok(_) => {}
            Err(error) if error.is_not_found() => {
                return Ok(Some(format!("its Service {namespace}/{name} does not exist")));
            }
            Err(error) if error.is_denied() => {
                self.unseen(&error);
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        match has_ready_endpoint(self.client, namespace, name).await {
            Ok(true) => Ok(None),
            Ok(false) => Ok(Some(format!("its Service {namespace}/{name} has no ready endpoint"))),
            Err(error) if error.is_denied() => {
                self.unseen(&error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn unseen(&mut self, error: &ApiError) {
        self.unseen.push(error.to_string());
        self.events.event(Event::Note(format!("cannot be looked at, so nothing is foreseen of it: {error}")));
    }

    fn not_understood(&mut self, objects: &[String]) {
        for object in objects {
            let note = format!("{object} cannot be understood, so nothing is foreseen of it");
            self.unseen.push(note.clone());
            self.events.event(Event::Note(note));
        }
    }
}
