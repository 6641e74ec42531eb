//! Delete of all that a list finds.

use std::sync::Arc;

use serde_json::{Value, json};

use super::delete::{Deletion, delete};
use super::{Api, Call, Outcome};
use crate::ask::Object;
use crate::kinds::{Origin, Resource};
use crate::status::Result;

impl Api {
    pub(super) fn delete_collection(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let deletion = Deletion::of(call, body, warnings)?;
        let found = self.list(call, resource)?;
        self.write(|inner| {
            let mut items = Vec::with_capacity(found.objects.len());
            for stored in &found.objects {
                let mut item = super::convert::shown(resource, stored)?;
                let Some(now) = inner.store.get(resource.table, &stored.key).cloned() else { continue };
                delete(inner, self.settings(), resource, &now, &deletion, &call.caller.user, warnings)?;
                if matches!(resource.origin, Origin::BuiltIn) {
                    item.shift_remove("kind");
                    item.shift_remove("apiVersion");
                }
                items.push(Value::Object(item));
            }
            let kind = resource.definition().map(|definition| definition.names.list_kind.clone());
            let mut metadata = json!({"resourceVersion": found.revision.to_string()});
            if !matches!(resource.origin, Origin::BuiltIn) {
                metadata["continue"] = "".into();
            }
            let list = json!({
                "kind": kind.unwrap_or_else(|| format!("{}List", resource.kind.kind)),
                "apiVersion": resource.kind.api_version(),
                "metadata": metadata,
                "items": items,
            });
            let list = match list {
                Value::Object(list) => list,
                _ => Object::new(),
            };
            Ok(Outcome::Object(200, list))
        })
    }
}
