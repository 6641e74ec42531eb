//! Rules in CEL as a definition's author wrote them: their form, and whether they mean something for their schema.

use serde_json::{Map, Value};

use super::openapi::Walk;
use super::shown;
use crate::deep;
use crate::definitions::cel::{self, Complaint, field_path};
use crate::definitions::schema::{Additional, Rule, Schema, rules};
use crate::field::FieldError;

const REASONS: [&str; 4] =
    ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

fn breaks(text: &str) -> bool {
    text.contains(['\n', '\r'])
}

fn read(schema: &Map<String, Value>) -> Option<Schema> {
    Schema::read(&Value::Object(deep::copy_map(schema))).ok()
}

/// What is wrong with the form of a schema's rules.
pub(super) fn form(schema: &Map<String, Value>, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let rules = rules(schema);
    let read = if rules.iter().any(|rule| !rule.field_path.is_empty()) { read(schema) } else { None };
    for (at, rule) in rules.iter().enumerate() {
        let field = |name: &str| format!("{path}.x-kubernetes-validations[{at}].{name}");
        errors.extend(rule_and_message(rule, &field));
        if !rule.message_expression.is_empty() && rule.message_expression.trim().is_empty() {
            let detail = "messageExpression must be non-empty if specified";
            errors.push(FieldError::required(field("messageExpression"), detail));
        }
        if let Some(reason) = rule.reason.as_deref().filter(|reason| !REASONS.contains(reason)) {
            errors.push(FieldError::not_supported(field("reason"), reason, &REASONS));
        }
        if rule.field_path.is_empty() {
            continue;
        }
        let mut refuse = |detail: &str| {
            errors.push(FieldError::invalid(field("fieldPath"), rule.field_path.as_str(), detail));
        };
        if rule.field_path.trim().is_empty() {
            refuse("must be non-empty if specified");
        }
        if breaks(&rule.field_path) {
            refuse("must not contain line breaks");
        }
        if read.as_ref().is_some_and(|schema| field_path::read(&rule.field_path, schema, true).is_err()) {
            refuse("must be a valid path");
        }
    }
    errors
}

fn rule_and_message(rule: &Rule, field: &impl Fn(&str) -> String) -> Option<FieldError> {
    let (text, message) = (rule.rule.trim(), rule.message.trim());
    let said = rule.message.as_str();
    match () {
        () if text.is_empty() => Some(FieldError::required(field("rule"), "rule is not specified")),
        () if !said.is_empty() && message.is_empty() => {
            Some(FieldError::invalid(field("message"), said, "must be non-empty if specified"))
        }
        () if breaks(message) => {
            Some(FieldError::invalid(field("message"), said, "must not contain line breaks"))
        }
        () if breaks(text) && message.is_empty() => {
            let detail = "message must be specified if rule contains line breaks";
            Some(FieldError::required(field("message"), detail))
        }
        () => None,
    }
}

/// What is wrong with what a schema's rules say; `root` says that they are about whole resources.
pub(super) fn wrong(schema: &Map<String, Value>, path: &str, root: bool, walk: &Walk) -> Vec<FieldError> {
    let rules = rules(schema);
    let Some(schema) = read(schema).filter(|_| !rules.is_empty()) else { return Vec::new() };
    if !exposed(&schema) {
        let detail = "internal error: failed to construct type information for x-kubernetes-validations rules: unable \
            to convert structural schema to CEL declarations";
        return vec![FieldError::internal(format!("{path}.x-kubernetes-validations"), detail)];
    }
    let root = root || schema.embedded;
    let mut errors = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let field = |name: &str| format!("{path}.x-kubernetes-validations[{at}].{name}");
        let quote = |name: &str, detail: String| FieldError::invalid(field(name), shown::rule(rule), detail);
        match cel::complaints(&rule.rule, &schema, root, "bool") {
            Some(Complaint::Compilation(why)) => {
                errors.push(quote("rule", format!("compilation failed: {why}")));
                continue;
            }
            Some(Complaint::Kind) => {
                errors.push(quote("rule", "cel expression must evaluate to a bool".to_owned()));
                continue;
            }
            None => {}
        }
        if !rule.message_expression.is_empty() {
            match cel::complaints(&rule.message_expression, &schema, root, "string") {
                Some(Complaint::Compilation(why)) => {
                    errors.push(quote(
                        "messageExpression",
                        format!("messageExpression compilation failed: {why}"),
                    ));
                }
                Some(Complaint::Kind) => {
                    errors.push(quote(
                        "messageExpression",
                        "messageExpression must evaluate to a string".to_owned(),
                    ));
                }
                None => {}
            }
        }
        let uses_old =
            cel::compile(&rule.rule).is_ok_and(|program| program.references().has_variable("oldSelf"));
        match (uses_old, &walk.uncorrelatable, rule.optional_old_self) {
            (true, Some(above), _) => {
                let detail = format!(
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within {above}"
                );
                errors.push(FieldError::invalid(field("rule"), rule.rule.as_str(), detail));
            }
            (false, _, Some(optional)) => {
                let detail = "may not be set if oldSelf is not used in rule";
                errors.push(FieldError::invalid(field("optionalOldSelf"), optional, detail));
            }
            _ => {}
        }
    }
    errors
}

/// Whether rules can see values of the schema at all (`SchemaDeclType` of `k8s.io/apiserver/pkg/cel/common`).
fn exposed(schema: &Schema) -> bool {
    match (schema.kind.as_str(), &schema.additional) {
        _ if schema.int_or_string => true,
        ("array", _) => schema.items.as_deref().is_some_and(exposed),
        ("object", Additional::Like(values)) => exposed(values),
        ("object" | "boolean" | "number" | "integer" | "string", _) => true,
        _ => false,
    }
}
