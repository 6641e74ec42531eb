//! Rules that are data: a line of `fields.txt` is a set, a field and what it must be.
//!
//! It refuses conditions between fields: those are functions beside the kind they belong to.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::metadata::{immutable, labels};
use super::selector;
use crate::rules::look::{At, Faults};
use crate::rules::words::{self, Amount, Format};

struct Line {
    path: Vec<&'static str>,
    rule: &'static str,
    rest: &'static str,
}

static SETS: LazyLock<HashMap<&'static str, Vec<Line>>> = LazyLock::new(|| {
    let mut sets: HashMap<&'static str, Vec<Line>> = HashMap::new();
    for line in include_str!("fields.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (set, path, rule, rest) = columns(line);
        let path = if path == "." { Vec::new() } else { path.split('/').collect() };
        sets.entry(set).or_default().push(Line { path, rule, rest });
    }
    sets
});

fn columns(line: &'static str) -> (&'static str, &'static str, &'static str, &'static str) {
    let mut rest = line;
    let mut word = || {
        let (word, left) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = left.trim_start();
        word
    };
    let (set, path, rule) = (word(), word(), word());
    (set, path, rule, rest)
}

/// Says what a set's rules find wrong below a place.
pub(in crate::rules) fn apply(set: &str, place: &At<'_>, out: &mut Faults) {
    changes(set, place, &At::new(&Value::Null, ""), out);
}

/// The same for a change: `immutable` compares with what was there.
pub(in crate::rules) fn changes(set: &str, place: &At<'_>, old: &At<'_>, out: &mut Faults) {
    let Some(lines) = SETS.get(set) else { return };
    for line in lines {
        walk(&line.path, place, old, &mut |place, old| one(line, place, old, out));
    }
}

fn walk(path: &[&'static str], place: &At<'_>, old: &At<'_>, found: &mut dyn FnMut(&At<'_>, &At<'_>)) {
    match path.split_first() {
        None => found(place, old),
        Some((&"*", rest)) => place.items().for_each(|item| walk(rest, &item, old, found)),
        Some((name, rest)) => {
            let (name, shown) = name.split_once('=').unwrap_or((name, name));
            walk(rest, &place.shown(name, shown), &old.at(name), found);
        }
    }
}

fn format(name: &str) -> Option<Format> {
    Some(match name {
        "label" => words::label,
        "subdomain" => words::subdomain,
        "qualified" => words::qualified,
        "segment" => words::segment,
        "config-key" => words::config_key,
        "label-value" => words::label_value,
        _ => return None,
    })
}

fn one(line: &Line, place: &At<'_>, old: &At<'_>, out: &mut Faults) {
    let (rule, rest) = (line.rule, line.rest);
    if let Some(format) = format(rule.trim_end_matches('?')) {
        return if rule.ends_with('?') {
            words::formed_if(place, format, out);
        } else {
            formed(place, format, out);
        };
    }
    match rule {
        "required" if place.empty() => out.push(place.required(rest)),
        "present" if !place.has() => out.push(place.required(rest)),
        "nonnegative" => nonnegative(place, out),
        "positive" if place.number().is_some_and(|number| number <= 0) => {
            out.push(place.invalid(if rest.is_empty() { "must be greater than zero" } else { rest }));
        }
        "amount" if place.has() && Amount::of(place.value()).negative() => out.push(place.invalid(NEGATIVE)),
        "range" => range(place, rest, out),
        "one-of" | "one-of-set" => {
            let choices: Vec<&str> = rest.split(' ').collect();
            let skip = if rule == "one-of" { !place.has() } else { place.empty() };
            if !skip && !choices.contains(&place.text()) {
                out.push(place.unsupported(&choices));
            }
        }
        "at-most" => {
            let most: usize = rest.parse().unwrap_or(usize::MAX);
            if place.text().len() > most {
                out.push(place.too_long(most));
            }
        }
        "labels" => labels(place, out),
        "selector" => selector::selector(place, out),
        "immutable" => immutable(place, old, out),
        "no-backsteps" => no_backsteps(place, out),
        "below" => below_here(place, out),
        "absolute" if !place.text().starts_with('/') => {
            out.push(invalid_text(place, "must be an absolute path"));
        }
        "domain-path" => words::domain_path(place, out),
        _ => {}
    }
}

fn invalid_text(place: &At<'_>, words: &str) -> crate::field::FieldError {
    place.invalid_as(place.text(), words)
}

fn formed(place: &At<'_>, format: Format, out: &mut Faults) {
    out.extend(format(place.text()).into_iter().map(|words| invalid_text(place, &words)));
}

/// What is said of a number below zero.
pub(in crate::rules) const NEGATIVE: &str = "must be greater than or equal to 0";

/// A number that is not below zero, if it is there.
pub(in crate::rules) fn nonnegative(place: &At<'_>, out: &mut Faults) {
    if place.number().is_some_and(|number| number < 0) {
        out.push(place.invalid(NEGATIVE));
    }
}

/// `low high`, or `low high said-low said-high` where the server says other bounds than it holds.
fn range(place: &At<'_>, bounds: &str, out: &mut Faults) {
    let bounds: Vec<i64> = bounds.split(' ').filter_map(|bound| bound.parse().ok()).collect();
    let (Some(number), [low, high, ..]) = (place.number(), bounds.as_slice()) else { return };
    if !(*low..=*high).contains(&number) {
        let said = bounds.get(2).zip(bounds.get(3)).unwrap_or((low, high));
        out.push(place.invalid(words::between(*said.0, *said.1)));
    }
}

/// A path that does not climb.
pub(in crate::rules) fn no_backsteps(place: &At<'_>, out: &mut Faults) {
    if place.text().split('/').any(|part| part == "..") {
        out.push(place.invalid("must not contain '..'"));
    }
}

/// A relative path that does not climb.
pub(in crate::rules) fn descending(place: &At<'_>, out: &mut Faults) {
    if place.text().starts_with('/') {
        out.push(place.invalid("must be a relative path"));
    }
    no_backsteps(place, out);
}

/// A relative path that does not climb, nor begin like one that does.
pub(in crate::rules) fn below_here(place: &At<'_>, out: &mut Faults) {
    descending(place, out);
    if place.text().starts_with("..") && !place.text().starts_with("../") {
        out.push(place.invalid("must not start with '..'"));
    }
}

/// A file's permissions.
pub(in crate::rules) fn file_mode(place: &At<'_>, out: &mut Faults) {
    if place.number().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
        out.push(place.invalid("must be a number between 0 and 0777 (octal), both inclusive"));
    }
}

/// A text that must be there and be one of some; the choices stand as they are shown.
pub(in crate::rules) fn needed(place: &At<'_>, choices: &[&str], out: &mut Faults) {
    if place.empty() {
        out.push(place.required(""));
    } else if !choices.contains(&place.text()) {
        out.push(place.unsupported(choices));
    }
}

/// A text that, if it is there, is one of some.
pub(in crate::rules) fn chosen(place: &At<'_>, choices: &[&str], out: &mut Faults) {
    if place.has() && !choices.contains(&place.text()) {
        out.push(place.unsupported(choices));
    }
}

/// A text that is one of some, whether there or not.
pub(in crate::rules) fn exactly(place: &At<'_>, choices: &[&str], out: &mut Faults) {
    if !choices.contains(&place.text()) {
        out.push(place.with(&json!(place.text())).unsupported(choices));
    }
}

/// A port by number or name.
pub(in crate::rules) fn port(place: &At<'_>, out: &mut Faults) {
    match place.value() {
        Value::String(_) => words::formed(place, words::port_name, out),
        value => {
            let number = value.as_i64().unwrap_or(0);
            out.extend(words::port_number(number).map(|words| place.invalid_as(number, words)));
        }
    }
}

/// A port's number, 0 where there is none.
pub(in crate::rules) fn port_number(place: &At<'_>, out: &mut Faults) {
    let number = place.number().unwrap_or(0);
    out.extend(words::port_number(number).map(|words| place.invalid_as(number, words)));
}

/// A user's or a group's number, if it is there.
pub(in crate::rules) fn identity(place: &At<'_>, out: &mut Faults) {
    if let Some(words) = place.number().and_then(words::identity) {
        out.push(place.invalid(words));
    }
}

/// A number or a percentage, not below zero.
pub(in crate::rules) fn number_or_percent(place: &At<'_>, out: &mut Faults) {
    match place.value() {
        Value::String(_) => words::formed(place, words::percent, out),
        _ => nonnegative(place, out),
    }
}

/// The percentage, where it is one.
fn percentage(place: &At<'_>) -> Option<i64> {
    let text = place.value().as_str()?;
    words::percent(text).is_empty().then(|| text.trim_end_matches('%').parse().unwrap_or(i64::MAX))
}

/// The number, or the percentage's number; 0 for neither.
pub(in crate::rules) fn number_of(place: &At<'_>) -> i64 {
    percentage(place).or_else(|| place.number()).or_else(|| place.text().parse().ok()).unwrap_or(0)
}

/// At most all.
pub(in crate::rules) fn up_to_all(place: &At<'_>, out: &mut Faults) {
    if percentage(place).is_some_and(|percent| percent > 100) {
        out.push(place.invalid("must not be greater than 100%"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_the_table_is_known() {
        let known = [
            "required",
            "present",
            "nonnegative",
            "positive",
            "amount",
            "range",
            "one-of",
            "one-of-set",
            "at-most",
            "labels",
            "selector",
            "immutable",
            "no-backsteps",
            "below",
            "absolute",
            "domain-path",
        ];
        for lines in SETS.values() {
            for line in lines {
                let rule = line.rule.trim_end_matches('?');
                assert!(known.contains(&rule) || format(rule).is_some(), "{rule}");
            }
        }
    }

    #[test]
    fn a_path_that_climbs_is_said_so() {
        let value = json!("../a");
        let mut out = Faults::new();
        below_here(&At::new(&value, "p"), &mut out);
        assert_eq!(
            out.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["p: Invalid value: \"../a\": must not contain '..'"]
        );
    }
}
