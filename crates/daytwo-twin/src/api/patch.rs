//! Patch: the object as it is shown, changed, then updated as if it had been written whole.

use std::sync::Arc;

use super::decode::{Wanted, finish};
use super::update::change;
use super::{Api, Call, Outcome, convert, meta, subject};
use crate::kinds::{Origin, Resource};
use crate::patch::About;
use crate::status::{Result, Status};
use crate::store::key;

impl Api {
    pub(super) fn patch(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        subresource: Option<&str>,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let name = call.target.name.as_deref().unwrap_or_default();
        let custom = !matches!(resource.origin, Origin::BuiltIn);
        crate::patch::takes(&call.content_type, custom)?;
        self.write(|inner| {
            let key = key(call.target.namespace.as_deref(), name);
            let stored = inner
                .store
                .get(resource.table, &key)
                .cloned()
                .ok_or_else(|| Status::not_found(subject(resource), name))?;
            let current = convert::shown(resource, &stored)?;
            let about = About { kind: &resource.kind, custom, unknown: call.unknown };
            let mut decode = |object, unknown, warnings: &mut Vec<String>| {
                finish(call, unknown, &Wanted::of(resource), object, &[], warnings)
            };
            let mut new =
                crate::patch::apply(&call.content_type, about, &current, body, &mut decode, warnings)?;
            match meta::text(&new, "name") {
                "" => meta::set(&mut new, "name", Some(name.into())),
                other if other != name => {
                    return Err(Status::bad_request(format!(
                        "the name of the object ({other}) does not match the name on the URL ({name})"
                    )));
                }
                _ => {}
            }
            let namespace = meta::text(&new, "namespace");
            if !namespace.is_empty() && Some(namespace) != stored.namespace() {
                return Err(Status::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
            meta::once_each_owner(&mut new, warnings);
            let new = change(inner, self.settings(), call, resource, subresource, &stored, new, warnings)?;
            Ok(Outcome::Object(200, new))
        })
    }
}
