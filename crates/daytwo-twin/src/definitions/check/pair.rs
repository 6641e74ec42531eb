//! A value and what it was before, found by the schema: what did not change is not blamed on an update
//! (`k8s.io/apiserver/pkg/cel/common/equality.go`, v0.36).

use serde_json::{Map, Value};

use crate::deep;
use crate::definitions::schema::Schema;

/// A value, what it was, and the schema of both.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    new: &'a Value,
    old: &'a Value,
    schema: &'a Schema,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(schema: &'a Schema, new: &'a Value, old: &'a Value) -> Self {
        Pair { new, old, schema }
    }

    /// The pair of a field of a resource; what kind of resource it is cannot have been something else.
    pub(crate) fn of_root_field(
        schema: &'a Schema,
        new: &'a Map<String, Value>,
        old: Option<&'a Map<String, Value>>,
        name: &str,
    ) -> Option<Pair<'a>> {
        if matches!(name, "apiVersion" | "kind") { None } else { field(schema, new, old?, name) }
    }

    /// The pair of a field; `None` where it was not there before, or no schema tells.
    pub(crate) fn key(&self, name: &str) -> Option<Pair<'a>> {
        let (new, old) = (self.new.as_object()?, self.old.as_object()?);
        field(self.schema, new, old, name)
    }

    /// The pair of an element; only the elements of a list that is a map have one.
    pub(crate) fn index(&self, at: usize) -> Option<Pair<'a>> {
        let (new, old) = (self.new.as_array()?, self.old.as_array()?);
        let new = new.get(at)?;
        let items = self.schema.items.as_deref()?;
        Some(Pair { new, old: counterpart(self.schema, new, old)?, schema: items })
    }

    /// Whether nothing changed, as far as the schema can tell.
    pub(crate) fn same(&self) -> bool {
        match (self.new, self.old) {
            (Value::Array(new), Value::Array(old)) => {
                if new.len() != old.len() {
                    return false;
                }
                if self.schema.list.as_deref() != Some("map") {
                    return deep::equal(self.new, self.old);
                }
                (0..new.len()).all(|at| self.index(at).is_some_and(|pair| pair.same()))
            }
            (Value::Object(new), Value::Object(old)) => {
                new.len() == old.len() && new.keys().all(|key| self.key(key).is_some_and(|pair| pair.same()))
            }
            (new, old) => deep::equal(new, old),
        }
    }
}

fn field<'a>(
    schema: &'a Schema,
    new: &'a Map<String, Value>,
    old: &'a Map<String, Value>,
    name: &str,
) -> Option<Pair<'a>> {
    Some(Pair { new: new.get(name)?, old: old.get(name)?, schema: schema.field(name)? })
}

/// The element of `old` that has the keys of `new`, in a list that is a map.
pub(crate) fn counterpart<'a>(schema: &Schema, new: &Value, old: &'a [Value]) -> Option<&'a Value> {
    if schema.list.as_deref() != Some("map") || schema.list_keys.is_empty() {
        return None;
    }
    let keys = |element: &Value| {
        schema
            .list_keys
            .iter()
            .all(|key| matches!(element.get(key), Some(Value::Bool(_) | Value::Number(_) | Value::String(_))))
    };
    if !keys(new) {
        return None;
    }
    old.iter()
        .find(|one| keys(one) && schema.list_keys.iter().all(|key| same_key(new.get(key), one.get(key))))
}

fn same_key(one: Option<&Value>, other: Option<&Value>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if deep::equal(one, other))
}
