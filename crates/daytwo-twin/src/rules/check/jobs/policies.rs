//! What a Job does about pods that fail, and when it has succeeded.

use serde_json::Value;

use crate::rules::check::table::{exactly, nonnegative};
use crate::rules::look::{At, Faults};
use crate::rules::words;

/// Bounds of a Job whose pods are numbered.
pub(super) fn indexed(spec: &At<'_>, out: &mut Faults) {
    let (completions, parallelism, failed) =
        (spec.at("completions"), spec.at("parallelism"), spec.at("maxFailedIndexes"));
    let over = |place: &At<'_>, most: i64| place.number().is_some_and(|number| number > most);
    if !completions.has() {
        out.push(completions.required("when completion mode is Indexed"));
    }
    if over(&parallelism, 100_000) {
        let words = "must be less than or equal to 100000 when completion mode is Indexed";
        out.push(parallelism.invalid(words));
    }
    if let (Some(all), Some(number)) = (completions.number(), failed.number())
        && number > all
    {
        out.push(failed.invalid("must be less than or equal to completions"));
    }
    if over(&failed, 100_000) {
        out.push(failed.invalid("must be less than or equal to 100000"));
    }
    if over(&completions, 100_000) && spec.at("backoffLimitPerIndex").has() {
        if !failed.has() {
            out.push(failed.required("must be specified when completions is above 100000"));
        }
        let words = "must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index";
        for place in [parallelism, failed] {
            if over(&place, 10_000) {
                out.push(place.invalid(words));
            }
        }
    }
}

/// `podFailurePolicy`, `successPolicy` and `podReplacementPolicy`.
pub(super) fn policies(spec: &At<'_>, out: &mut Faults) {
    let (failure, success) = (spec.at("podFailurePolicy"), spec.at("successPolicy"));
    if failure.has() {
        let rules = failure.at("rules");
        if rules.len() > 20 {
            out.push(rules.too_many(20));
        }
        rules.items().for_each(|rule| failure_rule(spec, &rule, out));
    }
    if success.has() && spec.str("completionMode") != "Indexed" {
        let said = words::shown("SuccessPolicy", success.value());
        out.push(success.invalid_as(said, "requires indexed completion mode"));
    } else if success.has() {
        success_rules(spec, &success.at("rules"), out);
    }
    let replacement = spec.at("podReplacementPolicy");
    if replacement.has() {
        let choices: &[&str] = if failure.has() { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
        exactly(&replacement, choices, out);
    }
}

/// A Go list of quoted words.
fn list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    format!("valid values: [{}]", words.join(" "))
}

fn wanted(place: &At<'_>, choices: &[&str], out: &mut Faults) {
    if place.empty() {
        out.push(place.required(list(choices)));
    } else {
        exactly(place, choices, out);
    }
}

fn failure_rule(spec: &At<'_>, rule: &At<'_>, out: &mut Faults) {
    let action = rule.at("action");
    if action.text() == "FailIndex" {
        if !spec.at("backoffLimitPerIndex").has() {
            out.push(action.invalid("requires the backoffLimitPerIndex to be set"));
        }
    } else {
        wanted(&action, &["Count", "FailIndex", "FailJob", "Ignore"], out);
    }
    let (codes, conditions) = (rule.at("onExitCodes"), rule.at("onPodConditions"));
    if codes.has() {
        exit_codes(spec, &codes, out);
    }
    if conditions.len() > 20 {
        out.push(conditions.too_many(20));
    }
    for pattern in conditions.items() {
        let kind = pattern.at("type");
        out.extend(
            words::qualified(kind.text()).into_iter().map(|words| kind.invalid_as(kind.text(), words)),
        );
        wanted(&pattern.at("status"), &["False", "True", "Unknown"], out);
    }
    match (codes.has(), !conditions.empty()) {
        (true, true) => {
            out.push(rule.wrong("specifying both OnExitCodes and OnPodConditions is not supported"));
        }
        (false, false) => {
            out.push(rule.wrong("specifying one of OnExitCodes and OnPodConditions is required"));
        }
        _ => {}
    }
}

fn exit_codes(spec: &At<'_>, codes: &At<'_>, out: &mut Faults) {
    let operator = codes.at("operator");
    wanted(&operator, &["In", "NotIn"], out);
    let name = codes.at("containerName");
    let pods = spec.at("template").at("spec");
    let known = ["containers", "initContainers"]
        .iter()
        .any(|list| pods.at(list).items().any(|container| container.str("name") == name.text()));
    if name.has() && !known {
        out.push(name.invalid("must be one of the container or initContainer names in the pod template"));
    }
    let values = codes.at("values");
    if values.empty() {
        out.push(values.invalid("at least one value is required"));
    } else if values.len() > 255 {
        out.push(values.too_many(255));
    }
    let mut seen: Vec<i64> = Vec::new();
    for value in values.items() {
        let code = value.number().unwrap_or(0);
        if operator.text() == "In" && code == 0 {
            out.push(value.invalid("must not be 0 for the In operator"));
        }
        if seen.contains(&code) {
            out.push(value.duplicate());
        }
        seen.push(code);
    }
    if seen.windows(2).any(|pair| pair[0] > pair[1]) {
        out.push(values.invalid("must be ordered"));
    }
}

fn success_rules(spec: &At<'_>, rules: &At<'_>, out: &mut Faults) {
    if rules.empty() {
        out.push(rules.required("at least one rules must be specified when the successPolicy is specified"));
    }
    if rules.len() > 20 {
        out.push(rules.too_many(20));
    }
    let completions = spec.int("completions");
    for rule in rules.items() {
        let (count, indexes) = (rule.at("succeededCount"), rule.at("succeededIndexes"));
        if !count.has() && !indexes.has() {
            out.push(rule.required("at least one of succeededCount or succeededIndexes must be specified"));
        }
        let mut total = 0;
        if indexes.has() {
            if indexes.text().len() > 64 << 10 {
                out.push(indexes.too_long(64 << 10));
            }
            match intervals(indexes.text(), completions) {
                Ok(all) => total = all,
                Err(words) => out.push(indexes.invalid(format!("error parsing succeededIndexes: {words}"))),
            }
        }
        if let Some(number) = count.number() {
            nonnegative(&count, out);
            if number > completions {
                let words = format!(
                    "must be less than or equal to {completions} (the number of specified completions)"
                );
                out.push(count.invalid(words));
            }
            if indexes.has() && number > total {
                let what = "(the number of indexes in the specified succeededIndexes field)";
                out.push(count.invalid(format!("must be less than or equal to {total} {what}")));
            }
        }
    }
}

/// How many numbers a list of intervals holds: `1,3-5`.
pub(super) fn intervals(text: &str, completions: i64) -> Result<i64, String> {
    let (mut total, mut last) = (0, None);
    for interval in text.split(',').filter(|_| !text.is_empty()) {
        let parts: Vec<&str> = interval.split('-').collect();
        if parts.len() > 2 {
            let rule =
                "violates the requirement that an index interval can have at most two parts separated by '-'";
            return Err(format!("the fragment {} {rule}", crate::field::quoted(interval)));
        }
        let number = |part: &str| {
            let quoted = crate::field::quoted(part);
            let number: i64 =
                part.parse().map_err(|_| format!("cannot convert string to integer for index: {quoted}"))?;
            if number >= completions { Err(format!("too large index: {quoted}")) } else { Ok(number) }
        };
        let low = number(parts[0])?;
        let high = match parts.get(1) {
            Some(part) => number(part)?,
            None => low,
        };
        if parts.len() == 2 && low >= high {
            return Err(format!("non-increasing order, previous: {low}, current: {high}"));
        }
        if let Some(last) = last.filter(|last| *last >= low) {
            return Err(format!("non-increasing order, previous: {last}, current: {low}"));
        }
        (total, last) = (total + high - low + 1, Some(high));
    }
    Ok(total)
}

/// Whether a condition is true.
pub(super) fn holds(status: &At<'_>, kind: &str) -> bool {
    let is = |one: &Value| one["type"] == kind && one["status"] == "True";
    status.at("conditions").values().any(is)
}
