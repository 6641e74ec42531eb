//! JSON patches (RFC 6902) as `gopkg.in/evanphx/json-patch.v4` applies them: a field that is not there can be replaced
//! and copied, an index may count from the end, a path's first part does not matter.

use serde_json::{Map, Value};

use super::{Patched, rejected};
use crate::ask::Object;
use crate::body;
use crate::deep;
use crate::status::{Result, Status};

const MOST: usize = 10_000;
/// How much all copies of a patch may add, in bytes of JSON (`JSONPatchMaxCopyBytes` of `k8s.io/apiserver`).
const MOST_COPIED: usize = 3 * 1024 * 1024;

/// `current` with the operations applied; `strict` says that the patch itself is read strictly.
pub(super) fn apply(current: &Object, patch: &[u8], strict: bool) -> Result<Patched> {
    let read = body::read(patch).map_err(|error| match strict {
        true => Status::bad_request(format!("error decoding patch: {error}")),
        false => Status::bad_request(error.to_string()),
    })?;
    let twice = read.complaints();
    let list = match read.value {
        Value::Array(list) => list,
        Value::Null => Vec::new(),
        other => {
            let found = body::kind_of(&other);
            deep::discard(other);
            return Err(Status::bad_request(match strict {
                true => format!(
                    "error decoding patch: json: cannot unmarshal {found} into Go value of type []handlers.jsonPatchOp"
                ),
                false => format!("json: cannot unmarshal {found} into Go value of type jsonpatch.Patch"),
            }));
        }
    };
    let mut complaints = Vec::new();
    if strict {
        complaints = check_form(&list)?;
        complaints.extend(twice.into_iter().map(|said| format!("json patch {said}")));
    }
    let mut operations = Vec::with_capacity(list.len());
    for one in list {
        match one {
            Value::Object(map) => operations.push(map),
            Value::Null => operations.push(Map::new()),
            other => {
                let found = body::kind_of(&other);
                let what =
                    format!("json: cannot unmarshal {found} into Go value of type jsonpatch.Operation");
                return Err(Status::bad_request(what));
            }
        }
    }
    if operations.len() > MOST {
        let count = operations.len();
        let what = format!("The allowed maximum operations in a JSON patch is {MOST}, got {count}");
        return Err(Status::too_large(what));
    }
    let mut document = Value::Object(deep::copy_map(current));
    let mut copied = 0;
    for operation in operations {
        if operate(&mut document, operation, &mut copied).is_none() {
            deep::discard(document);
            return Err(rejected());
        }
    }
    Ok(Patched { value: document, complaints, quoted: None })
}

/// Fields of a wrong type are an error; unknown ones are something to complain of.
fn check_form(list: &[Value]) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for (at, one) in list.iter().enumerate() {
        let Value::Object(map) = one else {
            if one.is_null() {
                continue;
            }
            let found = body::kind_of(one);
            let what = "Go value of type handlers.jsonPatchOp";
            return Err(Status::bad_request(format!(
                "error decoding patch: json: cannot unmarshal {found} into {what}"
            )));
        };
        for (key, value) in map {
            match key.as_str() {
                "op" | "path" | "from" if !value.is_string() && !value.is_null() => {
                    let found = body::kind_of(value);
                    let what = format!("Go struct field jsonPatchOp.{key} of type string");
                    return Err(Status::bad_request(format!(
                        "error decoding patch: json: cannot unmarshal {found} into {what}"
                    )));
                }
                "op" | "path" | "from" | "value" => {}
                other => complaints.push(format!("json patch unknown field \"[{at}].{other}\"")),
            }
        }
    }
    Ok(complaints)
}

/// `None` where it does not apply.
fn operate(document: &mut Value, mut operation: Map<String, Value>, copied: &mut usize) -> Option<()> {
    let value = operation.shift_remove("value");
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let (kind, path, from) = (text("op")?, text("path"), text("from"));
    match kind {
        "add" => add(document, path?, value.unwrap_or(Value::Null)),
        "remove" => remove(document, path?).map(deep::discard),
        "replace" => replace(document, path?, value.unwrap_or(Value::Null)),
        "test" => test(document, path?, value.as_ref().unwrap_or(&Value::Null)),
        "move" => {
            let moved = remove(document, from?)?;
            add(document, path?, moved)
        }
        "copy" => {
            let (container, key) = find(document, from?)?;
            let value = get(container, &key)?.unwrap_or(&Value::Null);
            *copied += deep::json(value).len();
            if *copied > MOST_COPIED {
                return None;
            }
            let value = deep::copy(value);
            add(document, path?, value)
        }
        _ => None,
    }
}

/// What holds the value that a path names, and its key there.
fn find<'a>(document: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let mut parts = path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    let mut key = parts.next()?;
    let mut container = document;
    for next in parts {
        container = match container {
            Value::Object(map) => map.get_mut(&key)?,
            Value::Array(list) => {
                let at = index(&key, list.len(), list.len())?;
                list.get_mut(at)?
            }
            _ => return None,
        };
        key = next;
    }
    matches!(container, Value::Object(_) | Value::Array(_)).then_some((container, key))
}

/// An index, which counts from the end where it is negative: `most` is the first that is none.
fn index(key: &str, length: usize, most: usize) -> Option<usize> {
    let digits = key.strip_prefix(['+', '-']).unwrap_or(key);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<usize>().ok()?;
    match key.starts_with('-') && size > 0 {
        true => length.checked_sub(size),
        false => (size < most).then_some(size),
    }
}

/// The value of a key: a map has one for every key, if only none.
fn get<'a>(container: &'a Value, key: &str) -> Option<Option<&'a Value>> {
    match container {
        Value::Object(map) => Some(map.get(key)),
        Value::Array(list) => list.get(index(key, list.len(), list.len())?).map(Some),
        _ => None,
    }
}

fn add(document: &mut Value, path: &str, value: Value) -> Option<()> {
    let (container, key) = find(document, path)?;
    match container {
        Value::Object(map) => map.insert(key, value).into_iter().for_each(deep::discard),
        Value::Array(list) if key == "-" => list.push(value),
        Value::Array(list) => {
            let after = list.len() + 1;
            list.insert(index(&key, after, after)?, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(document: &mut Value, path: &str) -> Option<Value> {
    let (container, key) = find(document, path)?;
    match container {
        Value::Object(map) => map.shift_remove(&key),
        Value::Array(list) => {
            let at = index(&key, list.len(), list.len())?;
            Some(list.remove(at))
        }
        _ => None,
    }
}

fn replace(document: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        if !matches!(value, Value::Object(_) | Value::Array(_)) {
            return None;
        }
        deep::discard(std::mem::replace(document, value));
        return Some(());
    }
    let (container, key) = find(document, path)?;
    match container {
        Value::Object(map) => map.insert(key, value).into_iter().for_each(deep::discard),
        Value::Array(list) => {
            let at = index(&key, list.len(), list.len())?;
            deep::discard(std::mem::replace(&mut list[at], value));
        }
        _ => return None,
    }
    Some(())
}

fn test(document: &mut Value, path: &str, value: &Value) -> Option<()> {
    if path.is_empty() {
        return deep::equal(document, value).then_some(());
    }
    let (container, key) = find(document, path)?;
    let found = get(container, &key)?.unwrap_or(&Value::Null);
    deep::equal(found, value).then_some(())
}
