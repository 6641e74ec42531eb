//! Update: the object that is there, as it is to be; refused where another was written meanwhile.

use std::sync::Arc;

use serde_json::{Value, json};

use super::create::{create, place, small_enough};
use super::decode::{Wanted, decode};
use super::webhooks::{Shown, pass_by};
use super::{Api, Call, Inner, Outcome, Settings, View, convert, meta, subject};
use crate::ask::{Ask, Object};
use crate::definitions::crd;
use crate::field::FieldError;
use crate::kinds::{Origin, Resource};
use crate::rules;
use crate::status::{Result, Status, Subject};
use crate::store::{Stored, key};

/// What an update that names no revision, or no object, comes to (`AllowUnconditionalUpdate` and `AllowCreateOnUpdate`
/// of the strategies below `pkg/registry`, v1.36.3).
struct Lenience {
    unconditional: bool,
    creates: bool,
}

impl Lenience {
    fn of(resource: &Resource) -> Lenience {
        let kind = &*resource.kind.resource;
        let strict = matches!(
            kind,
            "poddisruptionbudgets"
                | "runtimeclasses"
                | "csidrivers"
                | "csistoragecapacities"
                | "volumeattachments"
                | "csinodes"
                | "leases"
                | "leasecandidates"
                | "validatingadmissionpolicies"
                | "mutatingadmissionpolicies"
                | "mutatingwebhookconfigurations"
                | "validatingwebhookconfigurations"
                | "mutatingadmissionpolicybindings"
                | "validatingadmissionpolicybindings"
                | "clustertrustbundles"
                | "podcertificaterequests"
                | "storageversionmigrations"
                | "customresourcedefinitions"
                | "apiservices"
        );
        let creates = matches!(
            kind,
            "runtimeclasses"
                | "rolebindings"
                | "clusterrolebindings"
                | "roles"
                | "clusterroles"
                | "leases"
                | "leasecandidates"
                | "limitranges"
                | "events"
                | "services"
                | "endpoints"
        );
        let built_in = matches!(resource.origin, Origin::BuiltIn);
        Lenience { unconditional: built_in && !strict, creates: built_in && creates }
    }
}

impl Api {
    pub(super) fn update(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        subresource: Option<&str>,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let mut new = decode(call, &Wanted::of(resource), body, warnings)?;
        let namespace = place(call, resource, &new)?;
        let name = call.target.name.as_deref().unwrap_or_default();
        match meta::text(&new, "name") {
            "" => {
                return Err(Status::bad_request(format!(
                    "the name of the object ({name} based on URL) was undeterminable: name must be provided"
                )));
            }
            other if other != name => {
                return Err(Status::bad_request(format!(
                    "the name of the object ({other}) does not match the name on the URL ({name})"
                )));
            }
            _ => {}
        }
        meta::once_each_owner(&mut new, warnings);
        self.write(|inner| {
            let key = key(namespace.as_deref(), name);
            let Some(stored) = inner.store.get(resource.table, &key).cloned() else {
                if !Lenience::of(resource).creates || subresource.is_some() {
                    return Err(Status::not_found(subject(resource), name));
                }
                if !meta::text(&new, "uid").is_empty() {
                    return Err(another(resource, &key, meta::text(&new, "uid"), ""));
                }
                return create(inner, self.settings(), call, resource, namespace.as_deref(), new, warnings);
            };
            let new = change(inner, self.settings(), call, resource, subresource, &stored, new, warnings)?;
            Ok(Outcome::Object(200, new))
        })
    }
}

/// 409: the object has another uid, or is not there at all.
pub(super) fn another(resource: &Resource, key: &str, asked: &str, uid: &str) -> Status {
    let kind = &resource.kind;
    let place = match resource.origin {
        Origin::BuiltIn => kind.resource.clone(),
        _ => format!("{}/{}", kind.group, kind.resource),
    };
    Status::conflict(
        subject(resource),
        key.rsplit('/').next().unwrap_or(key),
        format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{place}/{key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {asked}, UID in object meta: {uid}"
        ),
    )
}

/// Changes an object to `new`, which was decoded, and returns it as it is then, at the version of the request.
///
/// # Errors
/// As the real server's.
#[expect(clippy::too_many_arguments, reason = "a change is all of this")]
pub(crate) fn change(
    inner: &mut Inner,
    settings: &Settings,
    call: &Call,
    resource: &Arc<Resource>,
    subresource: Option<&str>,
    stored: &Arc<Stored>,
    mut new: Object,
    warnings: &mut Vec<String>,
) -> Result<Object> {
    let name = stored.name().to_owned();
    let old = convert::shown(resource, stored)?;
    fresh(resource, &call.method, &name, stored, &new)?;
    keep_system(&mut new, &old);
    meta::set(&mut new, "resourceVersion", Some(stored.revision.to_string().into()));
    let namespace = stored.namespace().map(str::to_owned);
    meta::set(&mut new, "namespace", namespace.clone().map(Value::from));
    let mut chance = inner.chance.clone();
    let view = View { store: &inner.store, kinds: &inner.kinds };
    let mut ask = Ask {
        kind: &resource.kind,
        subresource,
        namespace: namespace.as_deref(),
        user: &call.caller.user,
        now: settings.clock.now(),
        dry_run: call.dry_run,
        around: &view,
        chance: &mut chance,
        warnings,
    };
    match &resource.origin {
        Origin::BuiltIn if super::create::defines(resource) => {
            let metadata = rules::update_custom(&mut new, &old, &mut ask)?;
            crd::update(&mut new, &old, metadata, &mut ask)?;
        }
        Origin::BuiltIn => rules::update(&mut new, &old, &mut ask)?,
        Origin::Custom(definition) => {
            let metadata = rules::update_custom(&mut new, &old, &mut ask)?;
            definition.update(&resource.kind.version, &mut new, &old, metadata, &mut ask)?;
        }
        Origin::Foreign => {}
    }
    small_enough(&new)?;
    // The last finalizer of what is being deleted takes the object with it.
    let ends = meta::deleting(&old)
        && meta::names(&new, "finalizers").is_empty()
        && meta::number(&old, "deletionGracePeriodSeconds").unwrap_or(0) == 0
        && !(resource.kind.resource == "namespaces" && has_finalizers(&new));
    let shown = Shown {
        resource,
        subresource: call.target.subresource.as_deref(),
        operation: "UPDATE",
        namespace: namespace.as_deref(),
        dry_run: call.dry_run,
        objects: [Some(&new), Some(&old)],
    };
    pass_by(inner, &shown, warnings);
    let kept = convert::to_storage(resource, new.clone())?;
    if call.dry_run {
        return convert::answered(resource, new, kept);
    }
    inner.chance = chance;
    if ends {
        // It goes as it was kept last.
        inner.store.remove(resource.table, &stored.key, None);
        inner.todo.removed(resource, stored);
        return Ok(new);
    }
    if same(&kept, stored) {
        if matches!(resource.origin, Origin::Custom(_)) {
            return convert::shown(resource, stored);
        }
        meta::set(&mut new, "resourceVersion", Some(stored.revision.to_string().into()));
        return Ok(new);
    }
    let written = inner.store.put(resource.table, &stored.key, kept);
    inner.todo.changed(resource, &written);
    if matches!(resource.origin, Origin::Custom(_)) {
        return convert::shown(resource, &written);
    }
    meta::set(&mut new, "resourceVersion", Some(written.revision.to_string().into()));
    Ok(new)
}

/// Whether a namespace still waits for someone.
fn has_finalizers(namespace: &Object) -> bool {
    let finalizers = namespace.get("spec").and_then(|spec| spec.get("finalizers")).and_then(Value::as_array);
    finalizers.is_some_and(|all| !all.is_empty())
}

/// Whether what is to be kept is what is kept already, but for the revision.
fn same(new: &Object, stored: &Stored) -> bool {
    let mut object = new.clone();
    crate::store::stamp(&mut object, stored.revision);
    object == stored.object()
}

/// Whether the object was read as it is now.
fn fresh(resource: &Resource, method: &str, name: &str, stored: &Stored, new: &Object) -> Result<()> {
    let uid = meta::text(new, "uid");
    // Of a patched object, the uid is a field like others.
    if method != "PATCH" && !uid.is_empty() && uid != &*stored.uid {
        return Err(another(resource, &stored.key, uid, &stored.uid));
    }
    match meta::text(new, "resourceVersion") {
        "" | "0" if Lenience::of(resource).unconditional => Ok(()),
        "" | "0" => {
            let kind = Subject { group: &resource.kind.group, kind: &resource.kind.resource };
            let error =
                FieldError::invalid("metadata.resourceVersion", json!(0), "must be specified for an update");
            Err(Status::invalid(kind, name, &[error]))
        }
        revision => match revision.parse::<u64>() {
            Ok(revision) if revision == stored.revision => Ok(()),
            Ok(_) => Err(Status::conflict(
                subject(resource),
                name,
                "the object has been modified; please apply your changes to the latest version and try again",
            )),
            Err(_) => {
                Err(Status::unforeseen(format!("strconv.ParseUint: parsing {revision:?}: invalid syntax")))
            }
        },
    }
}

/// What no client changes (`k8s.io/apiserver/pkg/registry/rest/update.go`).
fn keep_system(new: &mut Object, old: &Object) {
    let of = |name: &str| old.get("metadata").and_then(|metadata| metadata.get(name)).cloned();
    meta::set(new, "generation", of("generation"));
    if meta::text(new, "uid").is_empty() {
        meta::set(new, "uid", of("uid"));
    }
    if let Some(created) = of("creationTimestamp").filter(|time| !time.is_null()) {
        meta::set(new, "creationTimestamp", Some(created));
    }
    match of("deletionTimestamp") {
        Some(deleted) => meta::set(new, "deletionTimestamp", Some(deleted)),
        None => meta::set(new, "deletionTimestamp", None),
    }
    if of("deletionGracePeriodSeconds").is_some() && meta::number(new, "deletionGracePeriodSeconds").is_none()
    {
        meta::set(new, "deletionGracePeriodSeconds", of("deletionGracePeriodSeconds"));
    }
    meta::set(new, "selfLink", None);
    // Until the server itself knows who manages what, what is known stays.
    let managed = new.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    if managed.is_none_or(|managed| managed.as_array().is_some_and(Vec::is_empty)) {
        meta::set(new, "managedFields", of("managedFields"));
    }
}
