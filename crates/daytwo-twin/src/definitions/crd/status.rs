//! The status of a definition, as the server's controllers write it in time (`pkg/controller/{status,establish,
//! apiapproval}`, v0.36), here all at once.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{spec_of, text, texts};
use crate::ask::Object;
use crate::field::{FieldError, quoted};

/// A name that another definition of the group may have taken: a resource's or a kind's.
#[derive(Debug, Clone, Copy)]
pub enum Taken<'a> {
    /// A plural, singular or short name.
    Resource(&'a str),
    /// A kind, or a kind of list.
    Kind(&'a str),
}

const APPROVED: &str = "api-approved.kubernetes.io";

/// Writes the status that a definition has when its controllers are done with it: names accepted where no other
/// definition of the group has them, established once they all are, approval where the group needs one. `taken` tells
/// whether another definition of `group` has a name.
pub fn established(object: &mut Object, now: Timestamp, taken: &dyn Fn(&str, Taken<'_>) -> bool) {
    let spec = spec_of(object);
    let (group, wanted) =
        (text(spec, "group"), spec.get("names").and_then(Value::as_object).cloned().unwrap_or_default());
    let status = object.get("status").and_then(Value::as_object);
    let accepted = status.and_then(|status| status.get("acceptedNames")).and_then(Value::as_object).cloned();
    let (names, naming) = accept(&wanted, &accepted.unwrap_or_default(), &|name| taken(&group, name));
    let was_established = condition_is_true(object, "Established");
    let establish = match (was_established, naming.status) {
        (true, _) => None,
        (false, "True") => Some(Condition::new(
            "Established",
            "True",
            "InitialNamesAccepted",
            "the initial names have been accepted",
        )),
        _ => Some(Condition::new("Established", "False", "NotAccepted", "not all names are accepted")),
    };
    let approval = approval_condition(object);
    let status = object.entry("status").or_insert_with(|| Value::Object(Map::new()));
    let Some(status) = status.as_object_mut() else { return };
    let mut conditions = match status.get_mut("conditions").map(Value::take) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    for condition in [Some(naming), establish, approval].into_iter().flatten() {
        condition.set(&mut conditions, now);
    }
    status.insert("conditions".into(), conditions.into());
    status.insert("acceptedNames".into(), Value::Object(names));
}

struct Condition {
    kind: &'static str,
    status: &'static str,
    reason: &'static str,
    message: String,
}

impl Condition {
    fn new(
        kind: &'static str,
        status: &'static str,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, status, reason, message: message.into() }
    }

    /// The time of the last transition stays where the status does.
    fn set(&self, conditions: &mut Vec<Value>, now: Timestamp) {
        let existing =
            conditions.iter_mut().find(|one| one.get("type").and_then(Value::as_str) == Some(self.kind));
        let since =
            existing.as_ref().filter(|one| one.get("status").and_then(Value::as_str) == Some(self.status));
        let since = since.and_then(|one| one.get("lastTransitionTime")).cloned();
        let since = since.unwrap_or_else(|| now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
        let made = json!({
            "type": self.kind, "status": self.status, "lastTransitionTime": since, "reason": self.reason,
            "message": self.message,
        });
        match existing {
            Some(existing) => *existing = made,
            None => conditions.push(made),
        }
    }
}

/// The names that are accepted from now on, and the condition that says so: the last conflict found.
fn accept(
    wanted: &Map<String, Value>,
    accepted: &Map<String, Value>,
    taken: &dyn Fn(Taken<'_>) -> bool,
) -> (Map<String, Value>, Condition) {
    let mut condition = Condition::new("NamesAccepted", "True", "NoConflicts", "no conflicts found");
    let in_use = |name: &str| format!("{} is already in use", quoted(name));
    let resource = |name: &str| taken(Taken::Resource(name));
    let mut names = Map::new();
    let mut single =
        |field: &str, reason: &'static str, taken: &dyn Fn(&str) -> bool, condition: &mut Condition| {
            let (new, old) = (text(wanted, field), text(accepted, field));
            let clashes = new != old && taken(&new);
            if clashes {
                *condition = Condition::new("NamesAccepted", "False", reason, in_use(&new));
            }
            let kept = if clashes { old } else { new };
            if !kept.is_empty() || matches!(field, "plural" | "kind") {
                names.insert(field.into(), kept.into());
            }
        };
    single("plural", "PluralConflict", &resource, &mut condition);
    single("singular", "SingularConflict", &resource, &mut condition);
    let (new, old) = (texts(wanted, "shortNames"), texts(accepted, "shortNames"));
    let clashes = new.iter().filter(|name| !old.contains(name) && resource(name)).map(|name| in_use(name));
    let clashes: Vec<String> = clashes.collect();
    let message = match &clashes[..] {
        [] => None,
        [one] => Some(one.clone()),
        all => Some(format!("[{}]", all.join(", "))),
    };
    let short_names = if clashes.is_empty() { new } else { old };
    if let Some(message) = message {
        condition = Condition::new("NamesAccepted", "False", "ShortNamesConflict", message);
    }
    let kind = |name: &str| taken(Taken::Kind(name));
    single("kind", "KindConflict", &kind, &mut condition);
    single("listKind", "ListKindConflict", &kind, &mut condition);
    for (field, list) in [("shortNames", short_names), ("categories", texts(wanted, "categories"))] {
        if !list.is_empty() {
            names.insert(field.into(), list.into());
        }
    }
    let order = ["plural", "singular", "shortNames", "kind", "listKind", "categories"].into_iter();
    let names = order.filter_map(|field| Some((field.to_owned(), names.shift_remove(field)?))).collect();
    (names, condition)
}

pub(super) fn condition_is_true(object: &Object, kind: &str) -> bool {
    let conditions =
        object.get("status").and_then(|status| status.get("conditions")).and_then(Value::as_array);
    let says =
        |one: &Value, field: &str, wanted: &str| one.get(field).and_then(Value::as_str) == Some(wanted);
    conditions.into_iter().flatten().any(|one| says(one, "type", kind) && says(one, "status", "True"))
}

/// What the annotation says about a group that belongs to the Kubernetes community.
#[derive(PartialEq)]
enum Approval {
    Missing,
    Bypassed,
    Approved,
    Invalid,
}

fn approval(object: &Object) -> (Approval, String, String) {
    let annotations =
        object.get("metadata").and_then(|metadata| metadata.get("annotations")).and_then(Value::as_object);
    let said = annotations.map(|annotations| text(annotations, APPROVED)).unwrap_or_default();
    let needed = format!("protected groups must have approval annotation {}", quoted(APPROVED));
    const SEE: &str = "see https://github.com/kubernetes/enhancements/pull/1111";
    let url = said.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && !rest.is_empty()
            && !rest.starts_with('/')
    });
    let (state, reason) = match () {
        () if said.is_empty() => (Approval::Missing, format!("{needed}, {SEE}")),
        () if said.starts_with("unapproved") => {
            (Approval::Bypassed, format!("not approved: {}", quoted(&said)))
        }
        () if url => (Approval::Approved, format!("approved in {said}")),
        () => {
            let either = "with either a URL or a reason starting with \"unapproved\"";
            (Approval::Invalid, format!("{needed} {either}, {SEE}"))
        }
    };
    (state, reason, said)
}

fn protected(object: &Object) -> bool {
    let group = text(spec_of(object), "group");
    ["k8s.io", "kubernetes.io"]
        .into_iter()
        .any(|owned| group == owned || group.strip_suffix(owned).is_some_and(|before| before.ends_with('.')))
}

fn approval_condition(object: &Object) -> Option<Condition> {
    if !protected(object) {
        return None;
    }
    let (state, message, _) = approval(object);
    let (status, reason) = match state {
        Approval::Invalid => ("False", "InvalidAnnotation"),
        Approval::Missing => ("False", "MissingAnnotation"),
        Approval::Approved => ("True", "ApprovedAnnotation"),
        Approval::Bypassed => ("False", "UnapprovedAnnotation"),
    };
    Some(Condition::new("KubernetesAPIApprovalPolicyConformant", status, reason, message))
}

/// What is wrong with the approval; nothing where it did not change.
pub(super) fn approval_errors(object: &Object, old: Option<&Object>) -> Option<FieldError> {
    let (state, reason, said) = approval(object);
    if !protected(object) || old.is_some_and(|old| approval(old).0 == state) {
        return None;
    }
    let field = format!("metadata.annotations[{APPROVED}]");
    match state {
        Approval::Invalid => Some(FieldError::invalid(field, said, reason)),
        Approval::Missing => Some(FieldError::required(field, reason)),
        Approval::Approved | Approval::Bypassed => None,
    }
}
