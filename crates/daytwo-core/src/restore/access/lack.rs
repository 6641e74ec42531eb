//! Says what a caller may not do, one finding for each verb and resource, and what could not be found out.

use std::collections::BTreeMap;

use super::{Need, Wanted};
use crate::finding::{Finding, Severity};

/// Namespaces that a finding names.
const NAMED: usize = 5;

/// A need that is not met, with what there is to say of it.
pub type Lack<'a> = (&'a Need, &'a Wanted);

/// A finding for each verb and resource of `lacks`.
pub fn not_allowed(lacks: &[Lack<'_>]) -> Vec<Finding> {
    let mut groups: BTreeMap<(&str, &str, Option<&str>), Vec<Lack<'_>>> = BTreeMap::new();
    for (need, wanted) in lacks {
        groups.entry((&need.resource, need.verb, need.subresource)).or_default().push((need, wanted));
    }
    groups.into_values().filter_map(|group| finding(&group)).collect()
}

fn finding(group: &[Lack<'_>]) -> Option<Finding> {
    let (need, wanted) = group.first()?;
    let count: u64 = group.iter().map(|(_, wanted)| wanted.count).sum();
    let must = group.iter().any(|(_, wanted)| wanted.must);
    let what = match need.subresource {
        Some(sub) => format!("{}/{sub}", need.resource),
        None => need.resource.clone(),
    };
    let mut names: Vec<&str> = group.iter().filter_map(|(need, _)| need.namespace.as_deref()).collect();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let place = match (names.as_slice(), more) {
        ([], _) => String::new(),
        ([one], 0) => format!(" in namespace {one}"),
        (several, 0) => format!(" in namespaces {}", several.join(", ")),
        (several, more) => format!(" in namespaces {} and {more} more", several.join(", ")),
    };
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    Some(Finding {
        id: "restore-not-allowed".to_owned(),
        severity: if must { Severity::Warning } else { Severity::Info },
        subject: what.clone(),
        evidence: format!(
            "the caller may not {} {what}{place}; it is needed {times}, the first for {}",
            need.verb, wanted.first
        ),
        breaks: breaks(need, must).to_owned(),
        remedy: match need.verb {
            "escalate" | "bind" => {
                "have somebody restore these who holds what they allow, or leave them out (--exclude-resources)"
            }
            _ => "have it allowed, or leave these objects out (--exclude-resources)",
        }
        .to_owned(),
        command: Some(command(need, wanted)),
    })
}

fn breaks(need: &Need, must: bool) -> &'static str {
    match (need.verb, need.subresource) {
        ("create", _) => "the server refuses to create them",
        ("get", _) if must => {
            "what is there, or who owns what is restored, cannot be looked at, and the objects fail"
        }
        ("get", _) => {
            "an object whose answer is lost, or that somebody else makes meanwhile, cannot be looked at and fails"
        }
        ("list", _) if need.resource.starts_with("endpointslices.") => {
            "whether anybody answers for webhooks is known only by asking them, and those that cannot be asked stay away"
        }
        ("list", _) => "what is restored before its owners is not found again, and stays without them",
        ("update", Some(_)) => {
            "where the admission plugin OwnerReferencesPermissionEnforcement is on (by default it is not), the server \
             refuses objects that hold up the deletion of these owners"
        }
        ("update", None) => "they are not made like the backup's",
        ("patch", Some(_)) => "they are created, and do not get their status back",
        ("patch", None) => {
            "they are created, and do not get back what follows a create: owners, managers of fields, policies"
        }
        ("delete", _) => "they are not deleted",
        ("escalate", _) => "the server refuses them: they allow more than the caller holds",
        ("bind", _) => {
            "the server refuses bindings to them: they allow more than the caller holds, or are not there"
        }
        _ => "the server refuses it",
    }
}

/// The command that asks again.
fn command(need: &Need, wanted: &Wanted) -> String {
    let mut command = format!("kubectl auth can-i {} {}", need.verb, need.resource);
    if let Some(name) = wanted.only_name() {
        command.push('/');
        command.push_str(name);
    }
    if let Some(sub) = need.subresource {
        command.push_str(" --subresource=");
        command.push_str(sub);
    }
    if let Some(namespace) = &need.namespace {
        command.push_str(" --namespace ");
        command.push_str(namespace);
    }
    command
}

/// A finding about `count` needs of which it is not known whether they are met, and `why`.
pub fn unknown(count: usize, why: &str) -> Finding {
    Finding {
        id: "restore-rights-unknown".to_owned(),
        severity: Severity::Warning,
        subject: "the caller".to_owned(),
        evidence: format!("whether {count} of the verbs that this needs are allowed is not known: {why}"),
        breaks: "objects may fail that the plan takes for possible".to_owned(),
        remedy: "ask for a part of the backup, or list what is allowed by hand".to_owned(),
        command: Some("kubectl auth can-i --list".to_owned()),
    }
}
