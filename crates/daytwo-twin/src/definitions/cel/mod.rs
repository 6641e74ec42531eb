//! Rules in CEL: compiled with a definition, run over every write (`pkg/apiserver/schema/cel/validation.go`, v0.36).
//!
//! It refuses to count what a rule costs, by which a server stops rules that run too long. A rule that uses what the
//! evaluator has not is not run; the client is told so in a warning.

mod compile;
mod convert;
mod evaluate;
pub(crate) mod field_path;
mod types;

use std::collections::BTreeMap;

use kube_cel::cel::Program;
use serde_json::{Map, Value};

use super::check::{Pair, counterpart};
use super::path::Path;
use super::schema::{Additional, Rule, Schema};
use crate::deep;
use crate::field::{Fault, FieldError};
use evaluate::{Failure, Verdict};

pub(crate) use compile::compile;
pub(crate) use types::{Complaint, complaints};

/// The rules of a schema's node and of those below it.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    own: Vec<Compiled>,
    properties: BTreeMap<String, Rules>,
    additional: Option<Box<Rules>>,
    items: Option<Box<Rules>>,
}

#[derive(Debug)]
struct Compiled {
    rule: Rule,
    /// `None` of an empty rule.
    program: Option<Result<Program, String>>,
    uses_old: bool,
    message: Option<Program>,
    /// The place below the node that a failure is about.
    field: Option<String>,
}

/// What rules say of a write.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub errors: Vec<FieldError>,
    pub warnings: Vec<String>,
}

/// What a value was, as far as it is told: what did not change is not blamed on an update.
#[derive(Clone, Copy, Default)]
struct Ratchet<'a> {
    current: Option<Pair<'a>>,
    above: Option<Pair<'a>>,
}

impl<'a> Ratchet<'a> {
    fn unchanged(&self) -> bool {
        self.current.or(self.above).is_some_and(|pair| pair.same())
    }

    fn step(self, next: impl FnOnce(Pair<'a>) -> Option<Pair<'a>>) -> Self {
        match self.current {
            Some(pair) => Ratchet { current: next(pair), above: Some(pair) },
            None => self,
        }
    }
}

/// The message of a rule, or its text.
fn named(rule: &Rule) -> &str {
    let text = if rule.message.is_empty() { &rule.rule } else { &rule.message };
    text.trim()
}

impl Rules {
    /// `None` where there are none.
    pub(crate) fn of(schema: &Schema) -> Option<Rules> {
        let boxed = |schema: &Schema| Rules::of(schema).map(Box::new);
        let rules = Rules {
            own: schema.rules.iter().map(|rule| Compiled::of(rule, schema)).collect(),
            properties: schema
                .properties
                .iter()
                .filter_map(|(name, property)| Some((name.clone(), Rules::of(property)?)))
                .collect(),
            additional: match &schema.additional {
                Additional::Like(inner) => boxed(inner),
                _ => None,
            },
            items: schema.items.as_deref().and_then(boxed),
        };
        let none = rules.own.is_empty()
            && rules.properties.is_empty()
            && rules.additional.is_none()
            && rules.items.is_none();
        (!none).then_some(rules)
    }

    /// Runs all rules over a resource; `old` is what it was.
    pub(crate) fn object(
        &self,
        schema: &Schema,
        new: &Map<String, Value>,
        old: Option<&Map<String, Value>>,
    ) -> Found {
        let mut found = Found::default();
        let path = Path::root("");
        if !self.own.is_empty() {
            let this = convert::resource(new, schema);
            let before = old.map(|old| convert::resource(old, schema));
            let at = Place { path, schema, quoted: None, ratchet: Ratchet::default() };
            self.run(this, before, &at, &mut found);
        }
        self.fields(schema, new, old, &path, &mut found, |name| Ratchet {
            current: Pair::of_root_field(schema, new, old, name),
            above: None,
        });
        found
    }

    /// Runs all rules over a value below `base`, which is no resource unless its schema says so.
    pub(crate) fn value(&self, schema: &Schema, new: &Value, old: Option<&Value>, base: &str) -> Found {
        let mut found = Found::default();
        self.check(schema, new, old, &Path::root(base), Ratchet::default(), &mut found);
        found
    }

    fn check(
        &self,
        schema: &Schema,
        new: &Value,
        old: Option<&Value>,
        path: &Path<'_>,
        ratchet: Ratchet<'_>,
        found: &mut Found,
    ) {
        if new.is_null() {
            return;
        }
        let old = old.filter(|old| !old.is_null());
        if !self.own.is_empty() {
            let this = convert::value(new, schema);
            let before = old.map(|old| convert::value(old, schema));
            let structured = matches!(schema.kind.as_str(), "object" | "array");
            let at = Place { path: *path, schema, quoted: (!structured).then_some(new), ratchet };
            self.run(this, before, &at, found);
        }
        match new {
            Value::Object(new) => {
                let old = old.and_then(Value::as_object);
                self.fields(schema, new, old, path, found, |name| ratchet.step(|pair| pair.key(name)));
            }
            Value::Array(list) => {
                let (Some(rules), Some(items)) = (&self.items, &schema.items) else { return };
                let before = old.and_then(Value::as_array);
                for (at, value) in list.iter().enumerate() {
                    let was = before.and_then(|before| counterpart(schema, value, before));
                    rules.check(
                        items,
                        value,
                        was,
                        &path.index(at),
                        ratchet.step(|pair| pair.index(at)),
                        found,
                    );
                }
            }
            _ => {}
        }
    }

    fn fields<'a>(
        &self,
        schema: &'a Schema,
        new: &'a Map<String, Value>,
        old: Option<&'a Map<String, Value>>,
        path: &Path<'_>,
        found: &mut Found,
        ratchet: impl Fn(&str) -> Ratchet<'a>,
    ) {
        let correlatable = matches!(schema.map.as_deref(), None | Some("granular" | "atomic"));
        let before = |name: &str| old.filter(|_| correlatable).and_then(|old| old.get(name));
        if let (Some(rules), Additional::Like(inner)) = (&self.additional, &schema.additional) {
            for (key, value) in new {
                rules.check(inner, value, before(key), &path.key(key), ratchet(key), found);
            }
        }
        for (name, rules) in &self.properties {
            if let (Some(value), Some(inner)) = (new.get(name), schema.properties.get(name)) {
                rules.check(inner, value, before(name), &path.field(name), ratchet(name), found);
            }
        }
    }

    fn run(&self, this: evaluate::Cel, before: Option<evaluate::Cel>, at: &Place<'_>, found: &mut Found) {
        let scope = evaluate::Scope { this, before };
        for compiled in &self.own {
            let Some(program) = &compiled.program else { continue };
            let optional = compiled.rule.optional_old_self == Some(true);
            if compiled.uses_old && scope.before.is_none() && !optional {
                continue;
            }
            let program = match program {
                Ok(program) => program,
                Err(error) => {
                    found.errors.push(at.type_error(format!("rule compile error: {error}")));
                    continue;
                }
            };
            match scope.holds(program, optional) {
                Verdict::Holds => {}
                Verdict::Fails => {
                    let said = compiled.message.as_ref().and_then(|message| scope.text(message));
                    let detail = said.unwrap_or_else(|| compiled.default_message());
                    at.fail(compiled, detail, found);
                }
                Verdict::Stumbles(Failure::Unsupported(what)) => {
                    let rule = named(&compiled.rule);
                    found.warnings.push(format!("{}: rule not checked, {what}: {rule}", at.path.shown()));
                }
                Verdict::Stumbles(Failure::Overload(what)) => {
                    let rule = named(&compiled.rule);
                    found.errors.push(at.type_error(format!(
                        "'{what}': call arguments did not match a supported operator, function or macro signature for rule: {rule}"
                    )));
                }
                Verdict::Stumbles(Failure::Said(what)) => {
                    found
                        .errors
                        .push(at.type_error(format!("{what} evaluating rule: {}", named(&compiled.rule))));
                }
            }
        }
    }
}

impl Compiled {
    fn of(rule: &Rule, schema: &Schema) -> Self {
        let program = (!rule.rule.trim().is_empty())
            .then(|| compile(&rule.rule).map_err(|error| format!("compilation failed: {error}")));
        let uses_old = matches!(&program, Some(Ok(program)) if program.references().has_variable("oldSelf"));
        let message =
            (!rule.message_expression.is_empty()).then(|| compile(&rule.message_expression).ok()).flatten();
        let field = match rule.field_path.is_empty() {
            true => None,
            false => field_path::read(&rule.field_path, schema, true).ok().map(|found| found.path),
        };
        Self { rule: rule.clone(), program, uses_old, message, field }
    }

    fn default_message(&self) -> String {
        match self.rule.message.is_empty() {
            true => format!("failed rule: {}", self.rule.rule.trim()),
            false => self.rule.message.trim().to_owned(),
        }
    }
}

/// Where rules run.
struct Place<'a> {
    path: Path<'a>,
    schema: &'a Schema,
    /// The value, where errors quote it.
    quoted: Option<&'a Value>,
    ratchet: Ratchet<'a>,
}

impl Place<'_> {
    /// An error of the rule itself: what it quotes is the type.
    fn type_error(&self, detail: String) -> FieldError {
        FieldError::invalid(self.path.shown(), self.schema.kind.as_str(), detail)
    }

    fn fail(&self, compiled: &Compiled, detail: String, found: &mut Found) {
        let path = match &compiled.field {
            Some(field) => self.path.field(field).shown(),
            None => self.path.shown(),
        };
        let value = self.quoted.map(deep::quotable);
        let error = match compiled.rule.reason.as_deref() {
            Some("FieldValueForbidden") => FieldError::forbidden(path, detail),
            Some("FieldValueRequired") => FieldError::required(path, detail),
            Some("FieldValueDuplicate") => {
                FieldError { fault: Fault::Duplicate, field: path, value, detail: String::new() }
            }
            _ => FieldError { fault: Fault::Invalid, field: path, value, detail },
        };
        match !compiled.uses_old && self.ratchet.unchanged() {
            true => found.warnings.push(error.to_string()),
            false => found.errors.push(error),
        }
    }
}
