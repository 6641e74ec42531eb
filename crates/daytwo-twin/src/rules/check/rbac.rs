//! Roles and their bindings (`pkg/apis/rbac/validation/validation.go`, Kubernetes 1.36).

use super::Case;
use super::selector::{odd_values, selector_with};
use super::table::exactly;
use crate::rules::look::{At, Faults, same};
use crate::rules::words;

const GROUP: &str = "rbac.authorization.k8s.io";

/// A Role or a ClusterRole.
pub(super) fn role(case: &Case<'_>, namespaced: bool, out: &mut Faults) {
    case.metadata(out);
    case.at("rules").items().for_each(|one| rule(&one, namespaced, out));
    let aggregation = case.at("aggregationRule");
    if aggregation.has() && !namespaced {
        let selectors = aggregation.at("clusterRoleSelectors");
        if selectors.empty() {
            let words = "at least one clusterRoleSelector required if aggregationRule is non-nil";
            out.push(selectors.required(words));
        }
        let odd = case.was("aggregationRule").at("clusterRoleSelectors").items().any(|one| odd_values(&one));
        selectors.items().for_each(|one| selector_with(&one, odd, out));
    }
    if case.updates() {
        case.metadata_update(out);
    }
}

fn rule(rule: &At<'_>, namespaced: bool, out: &mut Faults) {
    if rule.at("verbs").empty() {
        out.push(rule.at("verbs").required("verbs must contain at least one value"));
    }
    let paths = rule.at("nonResourceURLs");
    if !paths.empty() {
        if namespaced {
            out.push(paths.invalid("namespaced rules cannot apply to non-resource URLs"));
        }
        if ["apiGroups", "resources", "resourceNames"].iter().any(|name| !rule.at(name).empty()) {
            out.push(paths.invalid("rules cannot apply to both regular resources and non-resource URLs"));
        }
        return;
    }
    if rule.at("apiGroups").empty() {
        out.push(rule.at("apiGroups").required("resource rules must supply at least one api group"));
    }
    if rule.at("resources").empty() {
        out.push(rule.at("resources").required("resource rules must supply at least one resource"));
    }
}

/// A RoleBinding or a ClusterRoleBinding.
pub(super) fn binding(case: &Case<'_>, namespaced: bool, out: &mut Faults) {
    case.metadata(out);
    let role = case.at("roleRef");
    exactly(&role.at("apiGroup"), &[GROUP], out);
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    exactly(&role.at("kind"), kinds, out);
    let name = role.at("name");
    if name.empty() {
        out.push(name.required(""));
    } else {
        words::formed(&name, words::segment, out);
    }
    case.at("subjects").items().for_each(|one| subject(&one, namespaced, out));
    if case.updates() {
        case.metadata_update(out);
        if !same(role.value(), case.was("roleRef").value()) {
            out.push(role.invalid_as(words::shown("RoleRef", role.value()), "cannot change roleRef"));
        }
    }
}

fn subject(subject: &At<'_>, namespaced: bool, out: &mut Faults) {
    let (name, group) = (subject.at("name"), subject.at("apiGroup"));
    if name.empty() {
        out.push(name.required(""));
    }
    match subject.str("kind") {
        "ServiceAccount" => {
            words::formed_if(&name, words::subdomain, out);
            if !group.empty() {
                out.push(group.unsupported(&[""]));
            }
            if !namespaced && subject.str("namespace").is_empty() {
                out.push(subject.at("namespace").required(""));
            }
        }
        "User" | "Group" => exactly(&group, &[GROUP], out),
        _ => exactly(&subject.at("kind"), &["ServiceAccount", "User", "Group"], out),
    }
}
