//! anyOf, oneOf, allOf and not (`validate/schema_props.go` of kube-openapi): of alternatives that all fail, the one that
//! got furthest is blamed.

use serde_json::{Map, Value};

use super::{Outcome, bare, plain};
use crate::definitions::path::Path;
use crate::definitions::schema::Schema;
use crate::field::quoted;

pub(super) fn check(schema: &Schema, value: &Value, path: &Path<'_>) -> Outcome {
    let checks = &schema.checks;
    let mut all = Outcome::default();
    let none = checks.any_of.is_empty()
        && checks.one_of.is_empty()
        && checks.all_of.is_empty()
        && checks.not.is_none();
    if !none {
        any_of(&checks.any_of, value, path, &mut all);
        one_of(&checks.one_of, value, path, &mut all);
        all_of(&checks.all_of, value, path, &mut all);
        if checks.not.as_ref().is_some_and(|not| plain(not, value, path, None).valid()) {
            all.add(bare(format!("{} must not validate the schema (not)", named(path))));
        }
    }
    all.matches += 1;
    all
}

/// [`check`] for a whole resource.
pub(super) fn check_map(schema: &Schema, object: &Map<String, Value>, path: &Path<'_>, all: &mut Outcome) {
    let checks = &schema.checks;
    if checks.any_of.is_empty()
        && checks.one_of.is_empty()
        && checks.all_of.is_empty()
        && checks.not.is_none()
    {
        return;
    }
    all.merge(check(schema, &Value::Object(crate::deep::copy_map(object)), path));
}

fn named(path: &Path<'_>) -> String {
    quoted(&path.to_string())
}

/// Keeps of two failures the one with more matches, the first at a draw.
fn better(best: &mut Option<Outcome>, failure: Outcome) {
    if best.as_ref().is_none_or(|best| failure.matches > best.matches) {
        *best = Some(failure);
    }
}

fn any_of(alternatives: &[Schema], value: &Value, path: &Path<'_>, all: &mut Outcome) {
    let mut best = None;
    for alternative in alternatives {
        let outcome = plain(alternative, value, path, None);
        if outcome.valid() {
            all.merge(outcome);
            return;
        }
        better(&mut best, outcome);
    }
    if let Some(best) = best {
        all.add(bare(format!("{} must validate at least one schema (anyOf)", named(path))));
        all.merge(best);
    }
}

fn one_of(alternatives: &[Schema], value: &Value, path: &Path<'_>, all: &mut Outcome) {
    if alternatives.is_empty() {
        return;
    }
    let (mut valid, mut first, mut best) = (0, None, None);
    for alternative in alternatives {
        let outcome = plain(alternative, value, path, None);
        if outcome.valid() {
            valid += 1;
            best = None;
            first.get_or_insert(outcome);
        } else if valid == 0 {
            better(&mut best, outcome);
        }
    }
    match (valid, first) {
        (1, Some(first)) => all.merge(first),
        (0, _) => {
            all.add(bare(only_one(path, "Found none valid")));
            all.merge(best.unwrap_or_default());
        }
        (more, _) => all.add(bare(only_one(path, &format!("Found {more} valid alternatives")))),
    }
}

fn only_one(path: &Path<'_>, found: &str) -> String {
    format!("{} must validate one and only one schema (oneOf). {found}", named(path))
}

fn all_of(parts: &[Schema], value: &Value, path: &Path<'_>, all: &mut Outcome) {
    let mut valid = 0;
    for part in parts {
        let outcome = plain(part, value, path, None);
        valid += usize::from(outcome.valid());
        all.merge(outcome);
    }
    if valid != parts.len() {
        let none = if valid == 0 { ". None validated" } else { "" };
        all.add(bare(format!("{} must validate all the schemas (allOf){none}", named(path))));
    }
}
