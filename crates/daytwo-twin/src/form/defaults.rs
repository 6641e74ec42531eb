//! Defaults: the lines of `defaults.txt` and the functions of [`super::conditional`], applied to each struct of an object
//! by its type, the outer ones first.
//!
//! What no default can stand in is not walked. It refuses to change what is set.

use std::sync::OnceLock;

use daytwo_etcd::kube::types::{Field, Holds, Many, Struct, Types};
use jiff::Timestamp;
use serde_json::Value;

use super::conditional::{self, Conditional};
use super::quantity::Quantity;
use crate::ask::Object;

static TEXT: &str = include_str!("defaults.txt");

/// What is to be done to a struct of one type.
#[derive(Default)]
struct Plan {
    rules: Vec<Rule>,
    conditional: Option<Conditional>,
    /// Fields that hold amounts of resources, which are rounded.
    amounts: Vec<&'static str>,
    /// Fields with structs that have plans.
    children: Vec<(&'static Field, usize)>,
}

/// One line of the table.
struct Rule {
    path: Vec<&'static str>,
    pointer: bool,
    value: Value,
    when: Option<(Vec<&'static str>, &'static str)>,
}

/// The plans by the place of the struct.
fn plans() -> &'static [Plan] {
    static PLANS: OnceLock<Vec<Plan>> = OnceLock::new();
    PLANS.get_or_init(|| {
        read(TEXT, super::types()).expect("invariant: the table in the tree is read by a test")
    })
}

/// `core.v1.Pod`.
fn full_name(of: &Struct) -> String {
    let mut parts = of.package.rsplit('.');
    let (version, group) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{group}.{version}.{}", of.name)
}

fn read(text: &'static str, types: &'static Types) -> Option<Vec<Plan>> {
    let names: Vec<String> = types.all().iter().map(full_name).collect();
    let mut plans: Vec<Plan> = types.all().iter().map(|_| Plan::default()).collect();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.splitn(4, ' ');
        let (name, path, value) = (words.next()?, words.next()?, words.next()?);
        let when = match words.next() {
            Some(condition) => {
                let (path, text) = condition.strip_prefix("if ")?.split_once('=')?;
                Some((path.split('.').collect(), text))
            }
            None => None,
        };
        let at = names.iter().position(|known| known == name)?;
        let path: Vec<&'static str> = path.split('.').collect();
        let pointer = last(types, at, &path)?.pointer;
        plans[at].rules.push(Rule { path, pointer, value: serde_json::from_str(value).ok()?, when });
    }
    for (of, (plan, name)) in types.all().iter().zip(plans.iter_mut().zip(&names)) {
        plan.conditional = conditional::of(name);
        // Only the core's types have a defaulting function for these.
        if of.package == "k8s.io.api.core.v1" {
            plan.amounts = of
                .fields
                .iter()
                .filter(|field| field.go == "v1.ResourceList")
                .map(|field| field.name)
                .collect();
        }
    }
    connect(types, &mut plans);
    Some(plans)
}

/// The field at the end of a path.
fn last(types: &'static Types, at: usize, path: &[&str]) -> Option<&'static Field> {
    let (name, rest) = path.split_first()?;
    let of = types.at(at);
    let field = &of.fields[of.place(name)?];
    match (rest.is_empty(), field.holds) {
        (true, _) => Some(field),
        (false, Holds::Message(at)) => last(types, at, rest),
        (false, _) => None,
    }
}

/// Finds which structs lead to others that have something to do.
fn connect(types: &'static Types, plans: &mut [Plan]) {
    let mut active: Vec<bool> = plans
        .iter()
        .map(|plan| !plan.rules.is_empty() || plan.conditional.is_some() || !plan.amounts.is_empty())
        .collect();
    let held = |field: &Field| match field.holds {
        Holds::Message(at) => Some(at),
        _ => None,
    };
    loop {
        let mut changed = false;
        for of in types.all() {
            let leads = of.fields.iter().filter_map(held).any(|at| active[at]);
            changed |= leads && !active[of.index];
            active[of.index] |= leads;
        }
        if !changed {
            break;
        }
    }
    for (of, plan) in types.all().iter().zip(plans.iter_mut()) {
        let children = of.fields.iter().filter_map(|field| Some((field, held(field)?)));
        plan.children = children.filter(|(_, at)| active[*at]).collect();
    }
}

/// Fills in an object of a kind. Its fields are in no order then.
pub(super) fn apply(of: &Struct, object: &mut Object, now: Timestamp) {
    fill(of.index, object, now);
}

fn fill(at: usize, object: &mut Object, now: Timestamp) {
    let plan = &plans()[at];
    for rule in &plan.rules {
        rule.apply(object);
    }
    if let Some(function) = plan.conditional {
        function(object, now);
    }
    for name in &plan.amounts {
        round(object.get_mut(*name));
    }
    for (field, at) in &plan.children {
        let Some(value) = object.get_mut(field.name) else { continue };
        each(field.many, value, &mut |one| fill(*at, one, now));
    }
}

/// Every struct that a field has.
fn each(many: Many, value: &mut Value, act: &mut impl FnMut(&mut Object)) {
    match (many, value) {
        (Many::List, Value::Array(items)) => items.iter_mut().filter_map(Value::as_object_mut).for_each(act),
        (Many::Map, Value::Object(entries)) => {
            entries.values_mut().filter_map(Value::as_object_mut).for_each(act);
        }
        (Many::One, Value::Object(one)) => act(one),
        _ => {}
    }
}

/// Amounts are no finer than thousandths.
fn round(amounts: Option<&mut Value>) {
    for amount in amounts.and_then(Value::as_object_mut).into_iter().flat_map(|amounts| amounts.values_mut())
    {
        // Few are finer, and none that ends in a digit or in any other suffix.
        let fine =
            amount.as_str().filter(|text| text.ends_with(['n', 'u']) || text.contains(['.', 'e', 'E']));
        if let Some(Ok(mut quantity)) = fine.map(Quantity::parse) {
            quantity.round_to_milli();
            *amount = quantity.to_string().into();
        }
    }
}

impl Rule {
    fn apply(&self, object: &mut Object) {
        if let Some((path, text)) = &self.when
            && !is(object, path, text)
        {
            return;
        }
        let Some((leaf, way)) = self.path.split_last() else { return };
        let mut inner = object;
        for name in way {
            match inner.get_mut(*name) {
                Some(Value::Object(next)) => inner = next,
                _ => return,
            }
        }
        if nothing(inner.get(*leaf), self.pointer) {
            inner.insert((*leaf).to_owned(), self.value.clone());
        }
    }
}

/// Whether the text stands at the path; no text is nothing at all.
fn is(object: &Object, path: &[&str], text: &str) -> bool {
    let mut value = None;
    let mut inner = Some(object);
    for name in path {
        value = inner.and_then(|inner| inner.get(*name));
        inner = value.and_then(Value::as_object);
    }
    match text.is_empty() {
        true => nothing(value, false),
        false => value.is_some_and(|value| value == text),
    }
}

/// Whether there is no value, or, where there is no pointer, a zero one.
fn nothing(value: Option<&Value>, pointer: bool) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(_) if pointer => false,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Number(number)) => number.as_i64() == Some(0),
        Some(Value::Bool(set)) => !set,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(_)) => false,
    }
}

/// Puts the fields of all structs in Go's order.
pub(super) fn order(of: &'static Struct, object: &mut Object) {
    let places: Vec<Option<usize>> = object.keys().map(|name| of.place(name)).collect();
    if !places.is_sorted() {
        let mut fields: Vec<(Option<usize>, (String, Value))> =
            places.into_iter().zip(std::mem::take(object)).collect();
        fields.sort_by_key(|(place, _)| *place);
        object.extend(fields.into_iter().map(|(_, field)| field));
    }
    for field in &of.fields {
        let Holds::Message(at) = field.holds else { continue };
        let Some(value) = object.get_mut(field.name) else { continue };
        let inner = super::types().at(at);
        each(field.many, value, &mut |one| order(inner, one));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_names_a_field_of_a_type() {
        for line in TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert!(read(line, super::super::types()).is_some(), "{line}");
        }
        for name in conditional::NAMES {
            assert!(super::super::types().all().iter().any(|of| full_name(of) == *name), "{name}");
        }
    }
}
