//! LimitRanges: what containers get that ask for nothing, and what all may have at least and at most
//! (`plugin/pkg/admission/limitranger/admission.go`, Kubernetes 1.36).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{forbidden, is, objects, together};
use crate::ask::{Ask, Object};
use crate::rules::check::resources::totals;
use crate::rules::edit::{bare, each, inner, part, set, text};
use crate::rules::look::field;
use crate::rules::words::Amount;
use crate::status::Result;

fn ranges(old: Option<&Object>, ask: &Ask<'_>) -> Vec<Arc<Object>> {
    let leaving = old.is_some_and(|old| !bare(inner(old, "metadata"), "deletionTimestamp"));
    let resized = ask.kind.is("", "pods") && ask.subresource == Some("resize");
    let created = is(ask, "", "pods") && old.is_none();
    if leaving || !(resized || created || is(ask, "", "persistentvolumeclaims")) {
        return Vec::new();
    }
    ask.around.list("", "limitranges", ask.namespace)
}

/// Gives containers the namespace's defaults.
pub(super) fn mutate(new: &mut Object, old: Option<&Object>, ask: &Ask<'_>) {
    if !ask.kind.is("", "pods") {
        return;
    }
    for range in ranges(old, ask) {
        let (mut requests, mut limits) = (Object::new(), Object::new());
        for limit in
            objects(inner(&range, "spec"), "limits").filter(|limit| text(limit, "type") == "Container")
        {
            requests.extend(inner(limit, "defaultRequest").clone());
            limits.extend(inner(limit, "default").clone());
        }
        let mut notes = Vec::new();
        let spec = part(new, "spec");
        for (list, words) in [("containers", "container"), ("initContainers", "init container")] {
            for container in each(spec, list) {
                let name = text(container, "name").to_owned();
                for (kind, defaults, what) in
                    [("requests", &requests, "request"), ("limits", &limits, "limit")]
                {
                    let set = merge(container, kind, defaults);
                    if !set.is_empty() {
                        notes.push(format!("{} {what} for {words} {name}", set.join(", ")));
                    }
                }
            }
        }
        if !notes.is_empty() {
            let words = format!("LimitRanger plugin set: {}", notes.join("; "));
            set(part(part(new, "metadata"), "annotations"), "kubernetes.io/limit-ranger", words);
        }
    }
}

fn merge(container: &mut Object, kind: &str, defaults: &Object) -> Vec<String> {
    if defaults.is_empty() {
        return Vec::new();
    }
    let list = part(part(container, "resources"), kind);
    let mut given = Vec::new();
    for (name, amount) in defaults {
        if !list.contains_key(name) {
            list.insert(name.clone(), amount.clone());
            given.push(name.clone());
        }
    }
    given.sort_unstable();
    given
}

/// Whether what is asked for is within the limits.
pub(super) fn validate(new: &Object, old: Option<&Object>, ask: &Ask<'_>) -> Result<()> {
    for range in ranges(old, ask) {
        let mut wrong = Vec::new();
        for limit in objects(inner(&range, "spec"), "limits") {
            if ask.kind.is("", "pods") {
                of_pod(limit, new, &mut wrong);
            } else {
                of_claim(limit, new, &mut wrong);
            }
        }
        if let Some(why) = together(wrong) {
            return Err(forbidden(new, ask, why));
        }
    }
    Ok(())
}

/// What is asked for, and what is allowed at most.
struct Asked<'a> {
    kind: &'a str,
    requests: Object,
    limits: Object,
}

fn of_claim(limit: &Object, claim: &Object, wrong: &mut Vec<String>) {
    if text(limit, "type") != "PersistentVolumeClaim" {
        return;
    }
    let requests = inner(inner(inner(claim, "spec"), "resources"), "requests").clone();
    let asked = Asked { kind: "PersistentVolumeClaim", requests, limits: Object::new() };
    asked.least(limit, wrong);
    for (name, most) in inner(limit, "max") {
        let (what, amount) =
            (format!("maximum {name} usage per {} is {}", asked.kind, said(most)), Amount::of(most));
        match asked.requests.get(name) {
            None => wrong.push(format!("{what}.  No request is specified")),
            Some(request) if Amount::of(request) > amount => {
                wrong.push(format!("{what}, but request is {}", said(request)));
            }
            Some(_) => {}
        }
    }
}

fn of_pod(limit: &Object, pod: &Object, wrong: &mut Vec<String>) {
    let spec = inner(pod, "spec");
    match text(limit, "type") {
        "Container" => {
            for container in ["containers", "initContainers"].into_iter().flat_map(|list| objects(spec, list))
            {
                let list = |name| inner(inner(container, "resources"), name).clone();
                Asked { kind: "Container", requests: list("requests"), limits: list("limits") }
                    .all(limit, wrong);
            }
        }
        "Pod" => {
            let spec = Value::Object(spec.clone());
            let list = |name| {
                totals(&spec, name).into_iter().map(|(name, sum)| (name, json!(sum.to_string()))).collect()
            };
            Asked { kind: "Pod", requests: list("requests"), limits: list("limits") }.all(limit, wrong);
        }
        _ => {}
    }
}

fn said(amount: &Value) -> String {
    Amount::of(amount).to_string()
}

impl Asked<'_> {
    fn all(&self, limit: &Object, wrong: &mut Vec<String>) {
        self.least(limit, wrong);
        self.most(limit, wrong);
        self.ratio(limit, wrong);
    }

    fn least(&self, limit: &Object, wrong: &mut Vec<String>) {
        for (name, least) in inner(limit, "min") {
            let what = format!("minimum {name} usage per {} is {}", self.kind, said(least));
            let least = Amount::of(least);
            match (self.requests.get(name), self.limits.get(name)) {
                (None, _) => wrong.push(format!("{what}.  No request is specified")),
                (Some(request), _) if Amount::of(request) < least => {
                    wrong.push(format!("{what}, but request is {}", said(request)));
                }
                (_, Some(limit)) if Amount::of(limit) < least => {
                    wrong.push(format!("{what}, but limit is {}", said(limit)));
                }
                _ => {}
            }
        }
    }

    fn most(&self, limit: &Object, wrong: &mut Vec<String>) {
        for (name, most) in inner(limit, "max") {
            let what = format!("maximum {name} usage per {} is {}", self.kind, said(most));
            let most = Amount::of(most);
            match (self.limits.get(name), self.requests.get(name)) {
                (None, _) => wrong.push(format!("{what}.  No limit is specified")),
                (Some(limit), _) if Amount::of(limit) > most => {
                    wrong.push(format!("{what}, but limit is {}", said(limit)));
                }
                (_, Some(request)) if Amount::of(request) > most => {
                    wrong.push(format!("{what}, but request is {}", said(request)));
                }
                _ => {}
            }
        }
    }

    fn ratio(&self, limit: &Object, wrong: &mut Vec<String>) {
        for (name, most) in inner(limit, "maxLimitRequestRatio") {
            let what = format!("{name} max limit to request ratio per {} is {}", self.kind, said(most));
            let (request, limit) =
                (Amount::of(field(&self.requests, name)), Amount::of(field(&self.limits, name)));
            if request.zero() {
                wrong.push(format!("{what}, but no request is specified or request is 0"));
            } else if limit.zero() {
                wrong.push(format!("{what}, but no limit is specified or limit is 0"));
            } else if limit.ratio(request) > Amount::of(most).ratio(Amount::whole(1)) {
                wrong.push(format!("{what}, but provided ratio is {:.6}", limit.ratio(request)));
            }
        }
    }
}
