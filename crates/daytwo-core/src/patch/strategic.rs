//! Strategic merge patches: a merge patch that knows which lists are merged, and by which key.
//!
//! The rules are those of apimachinery 0.36 (`pkg/util/strategicpatch/patch.go`): maps merge, `null` deletes, a list is
//! replaced unless [`super::table`] says otherwise, and the directives `$patch`, `$retainKeys`,
//! `$deleteFromPrimitiveList/` and `$setElementOrder/` say what a merge cannot. One thing differs: directives and nulls
//! never stay in the result, also where apimachinery lets them through for a later check to refuse.
//! It refuses custom resources, of which nobody has told how their lists merge.

mod order;

use serde_json::{Map, Value};

use super::table::{Field, Fields};

/// Says what becomes of the map, or of the element of a list, that it stands in.
const PATCH: &str = "$patch";
/// Names all keys that the map is to have.
const RETAIN_KEYS: &str = "$retainKeys";
/// Goes before the name of a list of scalars to take some out of.
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
/// Goes before the name of a list, and gives its order.
const ORDER: &str = "$setElementOrder/";

/// Why a strategic merge patch cannot be applied. Its words quote no values; what a server would quote is beside them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrategicError {
    /// The kind is a custom resource's.
    #[error("{0} is a custom resource, which has no strategic merge patches: use a merge patch")]
    Custom(String),
    /// The patch is no object.
    #[error("the patch is not an object")]
    NoObject,
    /// `$patch` says something unknown.
    #[error("$patch may be replace, delete, or nothing")]
    Directive {
        /// The map, `$patch` in it.
        map: Map<String, Value>,
    },
    /// An element of a merged list has no key.
    #[error("an element of {list} has no {key}, by which the list is merged")]
    NoKey {
        /// The list.
        list: String,
        /// The key.
        key: &'static str,
        /// The element.
        element: Map<String, Value>,
    },
    /// What should be a list is none.
    #[error("{list} is no list")]
    NoList {
        /// What it is called.
        list: String,
        /// What it is.
        found: Value,
    },
    /// A list holds other things than it should.
    #[error("{0} is no list of what it should hold")]
    List(String),
    /// `$retainKeys` contradicts the patch.
    #[error("$retainKeys does not name every key of the patch beside it")]
    RetainKeys,
    /// `$setElementOrder` contradicts the patch.
    #[error("the order of {list} in the patch is not that of its $setElementOrder")]
    Order {
        /// The list.
        list: String,
        /// What of it is in the patch.
        patch: Vec<Value>,
        /// The order given.
        order: Vec<Value>,
    },
}

/// Applies `patch` to `object`, whose lists merge as `fields` say.
///
/// # Errors
/// A [`StrategicError`]; `object` is then as it was.
pub fn apply(object: &mut Value, patch: &Value, fields: &Fields) -> Result<(), StrategicError> {
    let (Value::Object(original), Value::Object(patch)) = (&*object, patch) else {
        return Err(StrategicError::NoObject);
    };
    *object = Value::Object(merge(original.clone(), patch.clone(), fields)?);
    Ok(())
}

fn merge(
    mut original: Map<String, Value>,
    mut patch: Map<String, Value>,
    fields: &Fields,
) -> Result<Map<String, Value>, StrategicError> {
    if let Some(directive) = patch.get(PATCH) {
        return match directive.as_str() {
            Some("replace") => {
                patch.shift_remove(PATCH);
                Ok(without_directives(patch))
            }
            Some("delete") => Ok(Map::new()),
            _ => Err(StrategicError::Directive { map: patch }),
        };
    }
    if let Some(keys) = patch.shift_remove(RETAIN_KEYS) {
        retain(&mut original, &patch, &keys)?;
    }
    order::apply(&mut original, &mut patch, fields)?;
    for (key, change) in patch {
        if let Some(list) = key.strip_prefix(DELETE_FROM) {
            let Value::Array(gone) = change else {
                return Err(StrategicError::NoList { list: list.to_owned(), found: change });
            };
            if let Some(Value::Array(there)) = original.get_mut(list) {
                there.retain(|value| !gone.contains(value));
            }
            continue;
        }
        if change.is_null() {
            original.shift_remove(&key);
            continue;
        }
        let merged = match (original.get_mut(&key).map(Value::take), change) {
            (Some(Value::Object(there)), Value::Object(change)) => match fields.get(&key) {
                Some(Field::Whole) => Some(Value::Object(without_directives(change))),
                Some(Field::Map(inside)) => Some(Value::Object(merge(there, change, inside)?)),
                _ => Some(Value::Object(merge(there, change, &Fields::NONE)?)),
            },
            (Some(Value::Array(there)), Value::Array(change)) => {
                Some(Value::Array(merge_list(&key, there, change, fields.get(&key))?))
            }
            (_, change) => without_directive(change),
        };
        match merged {
            Some(merged) => drop(original.insert(key, merged)),
            None => drop(original.shift_remove(&key)),
        }
    }
    Ok(original)
}

/// Drops every key that `keys` does not name.
fn retain(
    original: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    keys: &Value,
) -> Result<(), StrategicError> {
    let keys = keys.as_array().ok_or(StrategicError::RetainKeys)?;
    let named = |key: &str| keys.iter().any(|named| named == key);
    let directive = |key: &str| key.starts_with(DELETE_FROM) || key.starts_with(ORDER);
    if patch.iter().any(|(key, value)| !value.is_null() && !directive(key) && !named(key)) {
        return Err(StrategicError::RetainKeys);
    }
    original.retain(|key, _| named(key));
    Ok(())
}

fn merge_list(
    name: &str,
    there: Vec<Value>,
    change: Vec<Value>,
    field: Option<&Field>,
) -> Result<Vec<Value>, StrategicError> {
    match field {
        Some(Field::Keyed(key, inside)) => keyed(name, there, change, key, inside),
        Some(Field::Set) => set(name, there, &change),
        _ => Ok(change.into_iter().filter_map(without_directive).collect()),
    }
}

/// Merges lists of maps whose elements are told apart by `key`.
fn keyed(
    name: &str,
    mut there: Vec<Value>,
    change: Vec<Value>,
    key: &'static str,
    inside: &Fields,
) -> Result<Vec<Value>, StrategicError> {
    let no_key = |element: &Map<String, Value>| StrategicError::NoKey {
        list: name.to_owned(),
        key,
        element: element.clone(),
    };
    let mut replaces = false;
    let mut patch = Vec::with_capacity(change.len());
    for element in change {
        let Value::Object(element) = element else { return Err(StrategicError::List(name.to_owned())) };
        match element.get(PATCH).map(Value::as_str) {
            None => patch.push(element),
            Some(Some("delete")) => {
                let which = element.get(key).ok_or_else(|| no_key(&element))?;
                there.retain(|one| one.get(key) != Some(which));
            }
            Some(Some("replace")) => replaces = true,
            Some(_) => return Err(StrategicError::Directive { map: element }),
        }
    }
    if replaces {
        return Ok(patch.into_iter().map(|element| Value::Object(without_directives(element))).collect());
    }
    let names = |list: &[Value]| {
        let unnamed = |one: &Value| no_key(one.as_object().unwrap_or(&Map::new()));
        list.iter()
            .map(|one| one.get(key).cloned().ok_or_else(|| unnamed(one)))
            .collect::<Result<Vec<_>, _>>()
    };
    let before = names(&there)?;
    let mut wanted = Vec::with_capacity(patch.len());
    for element in patch {
        let which = element.get(key).ok_or_else(|| no_key(&element))?;
        wanted.push(which.clone());
        match there.iter_mut().find(|one| one.get(key) == Some(which)) {
            Some(found) => {
                let Value::Object(old) = found.take() else {
                    return Err(StrategicError::List(name.to_owned()));
                };
                *found = Value::Object(merge(old, element, inside)?);
            }
            None => there.push(Value::Object(without_directives(element))),
        }
    }
    Ok(order::sorted(there, &wanted, &before, |one| one.get(key)))
}

/// Merges lists of scalars.
fn set(name: &str, there: Vec<Value>, change: &[Value]) -> Result<Vec<Value>, StrategicError> {
    if there.iter().chain(change).any(|one| one.is_object() || one.is_array()) {
        return Err(StrategicError::List(name.to_owned()));
    }
    let before = there.clone();
    let mut all = Vec::with_capacity(there.len() + change.len());
    for one in there.into_iter().chain(change.iter().cloned()) {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    Ok(order::sorted(all, change, &before, |one| Some(one)))
}

/// A value of a patch that nothing is merged with; `None` where it is nothing but a directive.
fn without_directive(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(PATCH) => None,
        Value::Object(map) => Some(Value::Object(without_directives(map))),
        Value::Array(list) => Some(Value::Array(list.into_iter().filter_map(without_directive).collect())),
        other => Some(other),
    }
}

fn without_directives(map: Map<String, Value>) -> Map<String, Value> {
    let directive = |key: &str| key == RETAIN_KEYS || key.starts_with(DELETE_FROM) || key.starts_with(ORDER);
    map.into_iter()
        .filter(|(key, value)| !value.is_null() && !directive(key))
        .filter_map(|(key, value)| Some((key, without_directive(value)?)))
        .collect()
}

#[cfg(test)]
mod tests;
