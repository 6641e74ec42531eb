//! The order of merged lists: what the patch names stands in the patch's order, the rest in its own, and each goes
//! between the others as it did before (`normalizeElementOrder` in apimachinery's `strategicpatch/patch.go`). Where a patch gives an order and deletes too, the
//! order before is that of the list as it was: apimachinery looks at memory that the deletion has shifted by then.

use serde_json::{Map, Value};

use super::super::table::{Field, Fields};
use super::{ORDER, PATCH, StrategicError, merge_list, without_directive};

/// Carries out every `$setElementOrder/` of `patch`, and takes it and its list out of it.
pub(super) fn apply(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    fields: &Fields,
) -> Result<(), StrategicError> {
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(ORDER)).cloned().collect();
    for directive in directives {
        let name = &directive[ORDER.len()..];
        let wrong = |found: Value| StrategicError::NoList { list: name.to_owned(), found };
        let order = match patch.shift_remove(&directive).unwrap_or_default() {
            Value::Array(order) => order,
            other => return Err(wrong(other)),
        };
        let list = |value: Option<Value>| match value {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(other) => Err(wrong(other)),
        };
        let there = list(original.get(name).cloned())?;
        let change = list(patch.shift_remove(name))?;
        let field = fields.get(name);
        let id = |value: &Value| match field {
            Some(Field::Keyed(key, _)) => value.get(*key).cloned(),
            _ => Some(value.clone()),
        };
        if !agrees(change.as_deref().unwrap_or_default(), &order, id) {
            return Err(StrategicError::Order {
                list: name.to_owned(),
                patch: change.unwrap_or_default(),
                order,
            });
        }
        let before: Vec<Value> = there.iter().flatten().filter_map(id).collect();
        let merged = match (there, change) {
            (None, None) => continue,
            (Some(there), None) => there,
            (None, Some(change)) => change.into_iter().filter_map(without_directive).collect(),
            (Some(there), Some(change)) => merge_list(name, there, change, field)?,
        };
        let wanted: Vec<Value> = order.iter().filter_map(id).collect();
        let merged = match field {
            Some(Field::Keyed(key, _)) => sorted(merged, &wanted, &before, |one| one.get(*key)),
            _ => sorted(merged, &wanted, &before, |one| Some(one)),
        };
        original.insert(name.to_owned(), Value::Array(merged));
    }
    Ok(())
}

/// Whether what `patch` names stands in `order`, one after another.
fn agrees(patch: &[Value], order: &[Value], id: impl Fn(&Value) -> Option<Value>) -> bool {
    let mut order = order.iter();
    patch
        .iter()
        .filter(|one| one.get(PATCH).is_none())
        .all(|one| order.any(|next| id(next).is_some() && id(next) == id(one)))
}

/// `merged` with what `wanted` names in that order, and the rest in the order of `before`.
pub(super) fn sorted(
    merged: Vec<Value>,
    wanted: &[Value],
    before: &[Value],
    id: impl Fn(&Value) -> Option<&Value>,
) -> Vec<Value> {
    let place = |list: &[Value], one: &Value| {
        let id = id(one)?;
        list.iter().position(|other| other == id)
    };
    let (mut named, mut rest): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|one| place(wanted, one).is_some());
    named.sort_by_key(|one| place(wanted, one));
    rest.sort_by_key(|one| place(before, one));
    let mut all = Vec::with_capacity(named.len() + rest.len());
    let (mut named, mut rest) = (named.into_iter().peekable(), rest.into_iter().peekable());
    while let (Some(left), Some(right)) = (rest.peek(), named.peek()) {
        let earlier = match (place(before, left), place(before, right)) {
            (Some(left), Some(right)) => left < right,
            _ => false,
        };
        all.extend(if earlier { rest.next() } else { named.next() });
    }
    all.extend(rest);
    all.extend(named);
    all
}
