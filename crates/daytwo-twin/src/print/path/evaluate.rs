//! Follows expressions through an object. A failure keeps what there was: a filter that asks whether something exists takes
//! that for an answer, as the original does.

use serde_json::Value;

use super::{Filter, Found, Slice, Step};

/// What was found, or what there was when it could not go on.
type Walk<'a> = Result<Vec<Found<'a>>, Vec<Found<'a>>>;

/// Takes the steps one after another, each from what the last one found.
pub(super) fn walk<'a>(steps: &'a [Step], mut found: Vec<Found<'a>>) -> Walk<'a> {
    for step in steps {
        found = take(step, found)?;
    }
    Ok(found)
}

fn take<'a>(step: &'a Step, found: Vec<Found<'a>>) -> Walk<'a> {
    match step {
        Step::Text(text) => Ok(vec![Found::Text(text)]),
        Step::Literal(value) => Ok(found.iter().map(|_| Found::Value(value)).collect()),
        Step::Field(name) => {
            Ok(found.iter().filter_map(|at| at.fields()?.get(name).map(Found::of)).collect())
        }
        Step::Wildcard => Ok(found.into_iter().flat_map(within).collect()),
        Step::Recursive => Ok(descend(found)),
        Step::Slice(slice) => take_slice(*slice, found),
        Step::Filter(filter) => take_filter(filter, found),
        Step::Union(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(walk(part, found.clone()).map_err(|_| found.clone())?);
            }
            Ok(all)
        }
        Step::Word => Err(found),
    }
}

fn within(at: Found<'_>) -> Vec<Found<'_>> {
    match at {
        Found::Fields(fields) => fields.values().map(Found::of).collect(),
        Found::Value(Value::Array(members)) => members.iter().map(Found::of).collect(),
        Found::Value(_) | Found::Text(_) => Vec::new(),
    }
}

/// Everything that has something within, each before what is in it.
fn descend(mut open: Vec<Found<'_>>) -> Vec<Found<'_>> {
    open.reverse();
    let mut found = Vec::new();
    while let Some(at) = open.pop() {
        let members = within(at);
        let text = matches!(at, Found::Value(Value::String(text)) if !text.is_empty());
        if text || !members.is_empty() {
            found.push(at);
            open.extend(members.into_iter().rev());
        }
    }
    found
}

fn take_slice<'a>(slice: Slice, found: Vec<Found<'a>>) -> Walk<'a> {
    let mut out = Vec::new();
    for at in &found {
        let members = match at {
            Found::Value(Value::Null) => continue,
            Found::Value(Value::Array(members)) => members,
            _ => return Err(found),
        };
        let length = i64::try_from(members.len()).unwrap_or(i64::MAX);
        let counted = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
        let start = counted(slice.start);
        let end = match slice.end {
            None => length,
            Some(0) if slice.single => length,
            Some(end) => counted(end),
        };
        if start == end {
            return Ok(out);
        }
        let step = slice.step.unwrap_or(1);
        if start < 0 || start >= length || end < 0 || end > length || start > end || step <= 0 {
            return Err(found);
        }
        let [start, end, step] = [start, end, step].map(|index| usize::try_from(index).unwrap_or(usize::MAX));
        out.extend(members[start..end].iter().step_by(step).map(Found::of));
    }
    Ok(out)
}

fn take_filter<'a>(filter: &'a Filter, found: Vec<Found<'a>>) -> Walk<'a> {
    let mut out = Vec::new();
    for at in &found {
        let Found::Value(Value::Array(members)) = at else { return Err(found) };
        for member in members.iter().map(Found::of) {
            let left = walk(&filter.left, vec![member]);
            let Some((operator, right)) = &filter.than else {
                if !left.unwrap_or_else(|there| there).is_empty() {
                    out.push(member);
                }
                continue;
            };
            let Ok(left) = left else { return Err(found) };
            if left.is_empty() {
                continue;
            }
            let Ok(right) = walk(right, vec![member]) else { return Err(found) };
            match (left.as_slice(), right.as_slice()) {
                ([_, _, ..], _) | (_, [_, _, ..]) => return Err(found),
                ([left], [right]) => match holds(*left, operator, *right) {
                    Some(true) => out.push(member),
                    Some(false) => {}
                    None => return Err(out),
                },
                _ => {}
            }
        }
    }
    Ok(out)
}

/// Compares two scalars of one type; `None` if they are not, or are not ordered.
fn holds(left: Found<'_>, operator: &str, right: Found<'_>) -> Option<bool> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = match (left, right) {
        (Found::Value(Value::Bool(left)), Found::Value(Value::Bool(right))) => {
            return match operator {
                "==" => Some(left == right),
                "!=" => Some(left != right),
                _ => None,
            };
        }
        (Found::Value(Value::Number(left)), Found::Value(Value::Number(right))) => {
            match (left.as_i64(), right.as_i64()) {
                (Some(left), Some(right)) => left.cmp(&right),
                (None, None) => left.as_f64()?.partial_cmp(&right.as_f64()?)?,
                _ => return None,
            }
        }
        (left, right) => left.text()?.cmp(right.text()?),
    };
    match operator {
        "==" => Some(order == Equal),
        "!=" => Some(order != Equal),
        "<" => Some(order == Less),
        ">" => Some(order == Greater),
        "<=" => Some(order != Greater),
        ">=" => Some(order != Less),
        _ => None,
    }
}
