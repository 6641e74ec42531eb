//! The status of a Job, as its controller writes it.

use super::policies::{holds, intervals};
use crate::rules::check::Case;
use crate::rules::check::table::nonnegative;
use crate::rules::look::{At, Faults, same};

/// A write of `status`.
pub(super) fn status(case: &Case<'_>, out: &mut Faults) {
    case.metadata_update(out);
    let (new, old, spec) = (case.at("status"), case.was("status"), case.at("spec"));
    for name in ["active", "succeeded", "failed", "ready", "terminating"] {
        nonnegative(&new.at(name), out);
    }
    uncounted(&new.at("uncountedTerminatedPods"), out);
    let changed = |name: &str| !same(new.get(name), old.get(name));
    let turned = |kind: &str| holds(&new, kind) != holds(&old, kind);
    let finished = |status: &At<'_>| holds(status, "Complete") || holds(status, "Failed");
    let finishing = finished(&new) != finished(&old);
    let facts = Facts {
        new: &new,
        spec: &spec,
        finished: finished(&new),
        finishing,
        completion: turned("Complete"),
        failure: turned("Failed"),
    };
    ends(&facts, &turned, &changed, out);
    times(&facts, &changed, out);
    counts(&facts, &changed, out);
    indexes(&facts, &changed, out);
    success(&facts, out);
    against_old(&facts, &old, &changed, out);
}

struct Facts<'a, 'v> {
    new: &'a At<'v>,
    spec: &'a At<'v>,
    finished: bool,
    finishing: bool,
    completion: bool,
    failure: bool,
}

fn uncounted(place: &At<'_>, out: &mut Faults) {
    let mut seen: Vec<&str> = Vec::new();
    for list in ["succeeded", "failed"] {
        for uid in place.at(list).items() {
            if uid.empty() {
                out.push(uid.invalid("must not be empty"));
            } else if seen.contains(&uid.text()) {
                out.push(uid.duplicate());
            } else {
                seen.push(uid.text());
            }
        }
    }
}

fn ends(
    facts: &Facts<'_, '_>,
    turned: &dyn Fn(&str) -> bool,
    changed: &dyn Fn(&str) -> bool,
    out: &mut Faults,
) {
    let (new, conditions) = (facts.new, facts.new.at("conditions"));
    let complete = holds(new, "Complete");
    if (facts.completion || facts.failure) && complete && holds(new, "Failed") {
        out.push(conditions.wrong("cannot set Complete=True and Failed=true conditions"));
    }
    if (facts.completion || turned("FailureTarget")) && complete && holds(new, "FailureTarget") {
        out.push(conditions.wrong("cannot set Complete=True and FailureTarget=true conditions"));
    }
    let time = new.at("completionTime");
    if facts.completion || changed("completionTime") {
        if time.has() && !complete {
            out.push(time.invalid("cannot set completionTime when there is no Complete=True condition"));
        }
        if !time.has() && complete {
            out.push(time.required("completionTime is required for Complete jobs"));
        }
    }
}

fn times(facts: &Facts<'_, '_>, changed: &dyn Fn(&str) -> bool, out: &mut Faults) {
    let (start, end) = (facts.new.at("startTime"), facts.new.at("completionTime"));
    let moved = changed("startTime") || changed("completionTime");
    if moved && start.has() && end.has() && end.text() < start.text() {
        out.push(end.invalid("must be equal to or after `startTime`"));
    }
    let conditions = facts.new.at("conditions");
    let failed = holds(facts.new, "Failed");
    if (facts.failure || changed("failedIndexes")) && failed && !holds(facts.new, "FailureTarget") {
        out.push(
            conditions.wrong("cannot set Failed=True condition without the FailureTarget=true condition"),
        );
    }
    let complete = holds(facts.new, "Complete");
    if facts.completion && complete && !holds(facts.new, "SuccessCriteriaMet") {
        out.push(
            conditions
                .wrong("cannot set Complete=True condition without the SuccessCriteriaMet=true condition"),
        );
    }
}

fn counts(facts: &Facts<'_, '_>, changed: &dyn Fn(&str) -> bool, out: &mut Faults) {
    let Facts { new, spec, finished, finishing, .. } = *facts;
    if (finishing || changed("active")) && finished && new.int("active") > 0 {
        out.push(new.at("active").invalid("active>0 is invalid for finished job"));
    }
    let nothing = spec.flag("suspend") && spec.at("completions").number() == Some(0);
    if (finishing || changed("startTime")) && !nothing && finished && !new.at("startTime").has() {
        out.push(new.at("startTime").required("startTime is required for finished job"));
    }
    let uncounted = new.at("uncountedTerminatedPods");
    let some = ["failed", "succeeded"].iter().any(|list| !uncounted.at(list).empty());
    if (finishing || changed("uncountedTerminatedPods")) && finished && some {
        let said = crate::rules::words::shown("UncountedTerminatedPods", uncounted.value());
        out.push(uncounted.invalid_as(said, "must be empty for finished job"));
    }
}

fn indexes(facts: &Facts<'_, '_>, changed: &dyn Fn(&str) -> bool, out: &mut Faults) {
    let Facts { new, spec, finished, finishing, .. } = *facts;
    let (completed, failed) = (new.at("completedIndexes"), new.at("failedIndexes"));
    let all = spec.get("completions").as_i64();
    for (place, name) in [(&completed, "completedIndexes"), (&failed, "failedIndexes")] {
        let per_index = name == "completedIndexes" || spec.at("backoffLimitPerIndex").has();
        let read = all.filter(|_| changed(name) && per_index).map(|all| intervals(place.text(), all));
        if let Some(Err(words)) = read {
            out.push(place.invalid(format!("error parsing {name}: {words}")));
        }
    }
    if changed("completedIndexes") && !completed.empty() && spec.str("completionMode") != "Indexed" {
        out.push(completed.invalid("cannot set non-empty completedIndexes when non-indexed completion mode"));
    }
    if changed("failedIndexes") && failed.has() && !spec.at("backoffLimitPerIndex").has() {
        out.push(failed.invalid("cannot set non-null failedIndexes when backoffLimitPerIndex is null"));
    }
    if (finishing || changed("terminating")) && finished && new.int("terminating") > 0 {
        out.push(new.at("terminating").invalid("terminating>0 is invalid for finished job"));
    }
    if (changed("ready") || changed("active")) && new.int("ready") > new.int("active") {
        out.push(new.at("ready").invalid("cannot set more ready pods than active"));
    }
}

fn success(facts: &Facts<'_, '_>, out: &mut Faults) {
    let (new, conditions) = (facts.new, facts.new.at("conditions"));
    let met = holds(new, "SuccessCriteriaMet");
    if met && holds(new, "Failed") {
        out.push(conditions.wrong("cannot set SuccessCriteriaMet=True and Failed=true conditions"));
    }
    if met && holds(new, "FailureTarget") {
        out.push(conditions.wrong("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"));
    }
    if facts.spec.at("successPolicy").has() && !met && holds(new, "Complete") {
        let words = "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True";
        out.push(conditions.wrong(words));
    }
}

fn against_old(facts: &Facts<'_, '_>, old: &At<'_>, changed: &dyn Fn(&str) -> bool, out: &mut Faults) {
    let (new, spec) = (facts.new, facts.spec);
    for kind in ["Failed", "Complete", "FailureTarget"] {
        if holds(old, kind) && !holds(new, kind) {
            out.push(
                new.at("conditions").wrong(format!("cannot disable the terminal {kind}=True condition")),
            );
        }
    }
    if new.int("failed") < old.int("failed") {
        out.push(new.at("failed").invalid_as(new.int("failed"), "cannot decrease the failed counter"));
    }
    let elastic =
        spec.str("completionMode") == "Indexed" && spec.get("completions") == spec.get("parallelism");
    if !elastic && new.int("succeeded") < old.int("succeeded") {
        out.push(
            new.at("succeeded").invalid_as(new.int("succeeded"), "cannot decrease the succeeded counter"),
        );
    }
    let (end, before) = (new.at("completionTime"), old.at("completionTime"));
    if end.has() && before.has() && end.value() != before.value() {
        out.push(end.invalid("field is immutable"));
    }
    let suspended = |status: &At<'_>, value: &str| {
        status
            .at("conditions")
            .items()
            .any(|one| one.str("type") == "Suspended" && one.str("status") == value)
    };
    let resuming = suspended(old, "True") && suspended(new, "False");
    if changed("startTime") && !resuming && old.at("startTime").has() && !spec.flag("suspend") {
        out.push(new.at("startTime").invalid("field is immutable for unsuspended job once set"));
    }
    let (met, met_before) = (holds(new, "SuccessCriteriaMet"), holds(old, "SuccessCriteriaMet"));
    if met_before && !met {
        out.push(new.at("conditions").wrong("cannot disable the SuccessCriteriaMet=True condition"));
    }
    if holds(old, "Complete") && !met_before && met {
        let words = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
        out.push(new.at("conditions").wrong(words));
    }
}
