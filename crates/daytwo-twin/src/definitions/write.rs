//! What a custom resource's registry does to a write (`pkg/registry/customresource/{strategy,status_strategy,
//! validator}.go`, v0.36).
//!
//! It refuses metadata: the rules of metadata give their errors, which come first.

use serde_json::{Map, Value};

use super::{Definition, Version, cel, check, embedded, lists, names};
use crate::ask::{Ask, Object};
use crate::deep;
use crate::field::{Fault, FieldError};
use crate::status::{Result, Status, Subject};

const UNCHECKED: &str = "some validation rules were not checked because the object was invalid; correct the existing \
    errors to complete validation";

impl Definition {
    /// Prepares and validates an object at `version` that is to be created. `metadata` is what is wrong with its
    /// metadata.
    ///
    /// # Errors
    /// 422 with all causes. 404: there is no such version.
    pub fn create(
        &self,
        version: &str,
        object: &mut Object,
        metadata: Vec<FieldError>,
        ask: &mut Ask<'_>,
    ) -> Result<()> {
        let of = self.version(version).ok_or_else(Status::no_such_path)?;
        if of.status {
            drop_field(object, "status");
        }
        set_generation(object, 1);
        let mut errors = self.wrong_kind(version, object);
        if errors.is_empty() {
            errors.extend(metadata);
            errors.extend(check::object(&of.schema, object, None));
            errors.extend(of.scale.iter().flat_map(|scale| scale.wrong(object, true)));
        }
        if of.embeds {
            errors.extend(embedded::object(&of.schema, object));
        }
        of.keys(object, &mut errors);
        of.rules(object, None, &mut errors, ask.warnings);
        refuse(object, &errors)?;
        finalizer_warnings(object, None, ask.warnings);
        self.finish(version, object, ask);
        Ok(())
    }

    /// The same for a change of `old` to `new`, both at `version`; of the status alone where the request says so.
    ///
    /// # Errors
    /// As [`Definition::create`].
    pub fn update(
        &self,
        version: &str,
        new: &mut Object,
        old: &Object,
        metadata: Vec<FieldError>,
        ask: &mut Ask<'_>,
    ) -> Result<()> {
        let of = self.version(version).ok_or_else(Status::no_such_path)?;
        let status_only = ask.subresource == Some("status");
        match status_only {
            true => take_status(new, old),
            false => of.take_all_but_status(new, old),
        }
        let mut errors = self.wrong_kind(version, new);
        if errors.is_empty() {
            errors.extend(metadata);
            match status_only {
                true => errors.extend(of.wrong_status(new, old)),
                false => errors.extend(check::object(&of.schema, new, Some(old))),
            }
            errors.extend(of.scale.iter().flat_map(|scale| scale.wrong(new, !status_only)));
        }
        if of.embeds && !status_only {
            errors.extend(embedded::object(&of.schema, new));
        }
        if of.keyed && lists::object(&of.schema, old).is_empty() {
            of.keys(new, &mut errors);
        }
        of.rules(new, Some(old), &mut errors, ask.warnings);
        refuse(new, &errors)?;
        if !status_only {
            finalizer_warnings(new, Some(old), ask.warnings);
        }
        self.finish(version, new, ask);
        Ok(())
    }

    fn finish(&self, version: &str, object: &mut Object, ask: &mut Ask<'_>) {
        if self.webhook && version != self.storage().name {
            let (plural, group) = (&self.names.plural, &self.group);
            ask.warnings.push(format!("the conversion webhook of {plural}.{group} was not called"));
        }
        object.values_mut().for_each(deep::write_numbers);
    }

    fn wrong_kind(&self, version: &str, object: &Object) -> Vec<FieldError> {
        let wanted = [("kind", self.names.kind.clone()), ("apiVersion", format!("{}/{version}", self.group))];
        wanted
            .into_iter()
            .map(|(name, wanted)| {
                (name, wanted, object.get(name).and_then(Value::as_str).unwrap_or_default())
            })
            .filter(|(_, wanted, found)| wanted != found)
            .map(|(name, wanted, found)| FieldError::invalid(name, found, format!("must be {wanted}")))
            .collect()
    }
}

impl Version {
    fn take_all_but_status(&self, new: &mut Object, old: &Object) {
        if self.status {
            match old.get("status") {
                Some(status) => drop(new.insert("status".into(), deep::copy(status))),
                None => drop_field(new, "status"),
            }
        }
        // Objects of long ago have none.
        let before = generation(old).max(1);
        let changed = !deep::equal_but(new, old, "metadata");
        set_generation(new, before.saturating_add(i64::from(changed)));
    }

    fn wrong_status(&self, new: &Object, old: &Object) -> Vec<FieldError> {
        let (Some(schema), Some(status)) =
            (self.schema.properties.get("status").filter(|_| self.status), new.get("status"))
        else {
            return Vec::new();
        };
        let pair = old.get("status").map(|before| check::Pair::new(schema, status, before));
        check::value(schema, status, Some("status"), pair)
    }

    fn keys(&self, object: &Object, errors: &mut Vec<FieldError>) {
        if self.keyed {
            errors.extend(lists::object(&self.schema, object));
        }
    }

    fn rules(
        &self,
        new: &Object,
        old: Option<&Object>,
        errors: &mut Vec<FieldError>,
        warnings: &mut Vec<String>,
    ) {
        let Some(rules) = &self.rules else { return };
        let blocks = |error: &FieldError| {
            matches!(
                error.fault,
                Fault::NotSupported | Fault::Required | Fault::TooLong | Fault::TooMany | Fault::TypeInvalid
            )
        };
        if errors.iter().any(blocks) {
            errors.push(FieldError::invalid("<nil>", Value::Null, UNCHECKED));
            return;
        }
        let cel::Found { errors: found, warnings: said } = rules.object(&self.schema, new, old);
        errors.extend(found);
        warnings.extend(said);
    }
}

/// `new` becomes `old` with the status, and the record of who manages what, that it has.
fn take_status(new: &mut Object, old: &Object) {
    let status = new.shift_remove("status");
    let managed = new
        .get_mut("metadata")
        .and_then(Value::as_object_mut)
        .and_then(|map| map.shift_remove("managedFields"));
    let before = std::mem::replace(new, deep::copy_map(old));
    before.into_iter().for_each(|(_, value)| deep::discard(value));
    drop_field(new, "status");
    if let Some(status) = status {
        new.insert("status".into(), status);
    }
    if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
        drop_field(metadata, "managedFields");
        if let Some(managed) = managed {
            metadata.insert("managedFields".into(), managed);
        }
    }
}

fn drop_field(map: &mut Map<String, Value>, name: &str) {
    map.shift_remove(name).into_iter().for_each(deep::discard);
}

/// The API group that an object says it is of.
pub(super) fn group_of(object: &Object) -> &str {
    let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    version.split_once('/').map_or("", |(group, _)| group)
}

fn refuse(object: &Object, errors: &[FieldError]) -> Result<()> {
    if errors.is_empty() {
        return Ok(());
    }
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let name = object.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str);
    Err(Status::invalid(Subject { group: group_of(object), kind }, name.unwrap_or_default(), errors))
}

fn metadata(object: &Object) -> Option<&Map<String, Value>> {
    object.get("metadata").and_then(Value::as_object)
}

fn generation(object: &Object) -> i64 {
    metadata(object).and_then(|map| map.get("generation")).and_then(Value::as_i64).unwrap_or(0)
}

fn set_generation(object: &mut Object, generation: i64) {
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert("generation".into(), generation.into());
    }
}

fn finalizers(object: &Object) -> Vec<&str> {
    let list = metadata(object).and_then(|map| map.get("finalizers")).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A finalizer without a domain may be somebody else's as well.
fn finalizer_warnings(new: &Object, old: Option<&Object>, warnings: &mut Vec<String>) {
    let before = old.map(finalizers).unwrap_or_default();
    let mut added: Vec<&str> = finalizers(new).into_iter().filter(|name| !before.contains(name)).collect();
    added.sort_unstable();
    added.dedup();
    for name in added {
        let mut said = names::label_key(name);
        if !name.contains('/') && !matches!(name, "orphan" | "foregroundDeletion" | "kubernetes") {
            let path = if name.contains('.') { " including a path (/)" } else { "" };
            said.push(format!(
                "prefer a domain-qualified finalizer name{path} to avoid accidental conflicts with other finalizer writers"
            ));
        }
        warnings.extend(
            said.into_iter()
                .map(|said| format!("metadata.finalizers: {}: {said}", crate::field::quoted(name))),
        );
    }
}
