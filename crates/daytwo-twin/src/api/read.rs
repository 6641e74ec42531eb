//! Get: one object as it is now.

use std::sync::Arc;

use super::{Api, Call, Outcome, convert, subject};
use crate::kinds::Resource;
use crate::status::{Result, Status};
use crate::store::key;

impl Api {
    pub(super) fn get(&self, call: &Call, resource: &Arc<Resource>) -> Result<Outcome> {
        let name = call.target.name.as_deref().unwrap_or_default();
        let inner = self.read();
        if let Some(asked) = call.one("resourceVersion").filter(|text| !text.is_empty()) {
            let asked: u64 = asked.parse().map_err(|_| super::list::malformed_revision(asked))?;
            super::list::not_ahead(asked, inner.store.revision())?;
        }
        let stored = inner
            .store
            .get(resource.table, &key(call.target.namespace.as_deref(), name))
            .cloned()
            .ok_or_else(|| Status::not_found(subject(resource), name))?;
        drop(inner);
        match convert::converts(resource) {
            true => Ok(Outcome::Object(200, convert::shown(resource, &stored)?)),
            false => Ok(Outcome::Stored(200, Arc::clone(resource), stored)),
        }
    }
}
