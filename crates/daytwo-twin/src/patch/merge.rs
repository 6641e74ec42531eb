//! Merge patches (RFC 7386), with `gopkg.in/evanphx/json-patch.v4`'s view of nulls: below a patch of something new they
//! go, in arrays they stay.

use serde_json::{Map, Value};

use super::Patched;
use crate::ask::Object;
use crate::body;
use crate::deep;
use crate::status::{Result, Status};

/// `current` with the patch merged in; `strict` says that the patch itself is read strictly.
pub(super) fn apply(current: &Object, patch: &[u8], strict: bool) -> Result<Patched> {
    let bad = || Status::bad_request("Invalid JSON Patch");
    let read = body::read(patch).map_err(|error| match strict {
        true => Status::bad_request(format!("error decoding patch: {error}")),
        false => bad(),
    })?;
    let complaints = if strict { read.complaints() } else { Vec::new() };
    let patch = match read.value {
        Value::Object(map) => map,
        Value::Null => return Err(bad()),
        other => {
            let found = body::kind_of(&other);
            let is_array = other.is_array();
            let what = format!(
                "error decoding patch: json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
            );
            match (strict, is_array) {
                (true, _) => {
                    deep::discard(other);
                    return Err(Status::bad_request(what));
                }
                (false, true) => return Ok(Patched { value: other, complaints, quoted: None }),
                (false, false) => return Err(bad()),
            }
        }
    };
    let mut object = deep::copy_map(current);
    merge(&mut object, patch);
    Ok(Patched { value: Value::Object(object), complaints, quoted: None })
}

/// Merges without recursion: pairs of maps are worked off one after another.
fn merge(object: &mut Map<String, Value>, patch: Map<String, Value>) {
    let mut left = vec![(object, patch)];
    while let Some((object, patch)) = left.pop() {
        let mut nested: Map<String, Value> = Map::new();
        for (key, change) in patch {
            let both = change.is_object() && object.get(&key).is_some_and(Value::is_object);
            let before = match (both, change) {
                (true, change) => nested.insert(key, change),
                (false, Value::Null) => object.shift_remove(&key),
                (false, change) => object.insert(key, pruned(change)),
            };
            before.into_iter().for_each(deep::discard);
        }
        for (key, value) in object.iter_mut() {
            if let (Value::Object(inside), Some(Value::Object(change))) = (value, nested.remove(key)) {
                left.push((inside, change));
            }
        }
    }
}

/// A value of a patch that nothing is merged with.
fn pruned(mut value: Value) -> Value {
    let mut left = vec![&mut value];
    while let Some(value) = left.pop() {
        match value {
            Value::Object(map) => {
                map.retain(|_, value| !value.is_null());
                left.extend(map.values_mut());
            }
            Value::Array(list) => left.extend(list),
            _ => {}
        }
    }
    value
}
