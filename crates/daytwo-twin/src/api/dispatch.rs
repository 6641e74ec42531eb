//! Which verb a call is, and whether its resource does that.

use std::sync::Arc;

use super::{Api, Call, Outcome, review, subject};
use crate::kinds::{Kinds, Origin, Resource};
use crate::status::{Result, Status};

impl Api {
    pub(super) fn dispatch(&self, call: &Call, body: &[u8], warnings: &mut Vec<String>) -> Result<Outcome> {
        let kinds = self.kinds();
        let target = &call.target;
        let resource =
            kinds.find(&target.group, &target.version, &target.resource).ok_or_else(Status::no_such_path)?;
        if call.method == "GET" && call.flag("export") {
            return Err(Status::bad_request(
                "the export parameter, deprecated since v1.14, is no longer supported",
            ));
        }
        if target.name.is_none() && target.namespace.is_some() && !resource.kind.namespaced {
            return Err(Status::no_such_path());
        }
        if resource.kind.namespaced && target.namespace.is_none() && target.name.is_some() {
            return Err(Status::no_such_path());
        }
        // Over all namespaces only lists and watches go.
        if resource.kind.namespaced
            && target.namespace.is_none()
            && (call.method != "GET" || !resource.does("list"))
        {
            let listed = resource.does("list") && matches!(resource.origin, Origin::BuiltIn);
            return Err(if listed { Status::not_allowed() } else { Status::no_such_path() });
        }
        if let Some(definition) = resource.definition() {
            let version = definition.version(&resource.kind.version);
            warnings.extend(version.and_then(|version| version.deprecation.clone()));
        }
        // The query of a delete with a body says nothing, so that it may be no dry run whatever it says.
        let dry_run = call.dry_run && (call.method != "DELETE" || body.is_empty());
        if call.writes() && self.settings.read_only && !dry_run && !review::is_review(resource) {
            return Err(Status::forbidden(
                subject(resource),
                target.name.as_deref().unwrap_or_default(),
                "this twin was opened read-only",
            ));
        }
        match &target.subresource {
            Some(sub) => self.subresource(call, resource, sub, body, warnings),
            None => self.whole(call, resource, body, warnings),
        }
    }

    fn whole(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let named = call.target.name.is_some();
        let verb = match (&*call.method, named) {
            ("GET", _) if call.target.watch => "watch",
            // A watch of one object is a get: only lists are watched.
            ("GET", true) => "get",
            ("GET", false) if call.flag("watch") => "watch",
            ("GET", false) => "list",
            ("POST", false) => "create",
            ("PUT", true) => "update",
            ("PATCH", true) => "patch",
            ("DELETE", true) => "delete",
            ("DELETE", false) => "deletecollection",
            _ => "",
        };
        if verb.is_empty() || !resource.does(verb) {
            return Err(Status::not_allowed());
        }
        warnings.extend(deprecation(resource).map(str::to_owned));
        match verb {
            "get" => self.get(call, resource),
            "list" => self.list(call, resource).map(Outcome::List),
            "watch" => self.watch(call, resource).map(|watching| Outcome::Watch(Box::new(watching))),
            "create" if resource.kind.is("", "bindings") => {
                self.bind(call, &kinds_pods(&self.kinds())?, body, warnings)
            }
            "create" if review::is_review(resource) => review::create(self, call, resource, body, warnings),
            "create" => self.create(call, resource, body, warnings),
            "update" => self.update(call, resource, None, body, warnings),
            "patch" => self.patch(call, resource, None, body, warnings),
            "delete" => self.delete(call, resource, body, warnings),
            _ => self.delete_collection(call, resource, body, warnings),
        }
    }

    fn subresource(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        name: &str,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let sub = resource.subresource(name).ok_or_else(|| match &resource.origin {
            Origin::Custom(_) => {
                Status::not_found(subject(resource), call.target.name.as_deref().unwrap_or_default())
            }
            _ => Status::no_such_path(),
        })?;
        let verb = match &*call.method {
            "GET" => "get",
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" => "delete",
            _ => "",
        };
        if !sub.verbs.iter().any(|one| one == verb) {
            return Err(Status::not_allowed());
        }
        match (name, verb) {
            ("scale", _) => self.scale(call, resource, body, warnings),
            ("eviction", _) => self.evict(call, resource, body, warnings),
            ("binding", _) => self.bind(call, resource, body, warnings),
            ("token", _) => self.token(call, resource, body, warnings),
            ("log" | "exec" | "attach" | "portforward" | "proxy", _) => self.kubelet(call, resource, name),
            (_, "get") => self.get(call, resource),
            (_, "update") => self.update(call, resource, Some(name), body, warnings),
            (_, "patch") => self.patch(call, resource, Some(name), body, warnings),
            _ => Err(Status::not_allowed()),
        }
    }
}

/// What a binding binds.
fn kinds_pods(kinds: &Kinds) -> Result<Arc<Resource>> {
    kinds.find("", "v1", "pods").cloned().ok_or_else(Status::no_such_path)
}

/// What a client of a deprecated kind is told (`k8s.io/api/core/v1/zz_generated.prerelease-lifecycle.go`, v0.36: of what
/// is served by default, nothing else is deprecated).
fn deprecation(resource: &Resource) -> Option<&'static str> {
    match (&*resource.kind.group, &*resource.kind.resource) {
        ("", "componentstatuses") => Some("v1 ComponentStatus is deprecated in v1.19+"),
        ("", "endpoints") => {
            Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
        }
        _ => None,
    }
}
