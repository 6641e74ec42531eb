//! Asks the server what the caller may do of what a restore needs.
//!
//! One review for everything first: most callers are administrators, and it ends there. Else the caller's rules, by
//! namespace, answer many needs with one request; where the server says that it cannot list them all, needs are
//! reviewed one by one. It refuses to ask without end, and to take for allowed what it did not ask.

use std::collections::{BTreeMap, BTreeSet};

use daytwo_core::finding::Finding;
use daytwo_core::plan::Plan;
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Grants, Need, Needs, Rule, Rules, Wanted, not_allowed, rules_of, unknown};
use futures::stream::{self, StreamExt};
use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use super::lists::escape;
use crate::api::{self, ApiError};
use crate::discovery;

const REVIEW: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const RULES: &str = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
/// Reviews in flight.
const AT_ONCE: usize = 8;
/// Namespaces whose rules are asked for, roles that are looked up, and single reviews: at most so many of each.
const MOST: usize = 500;

/// What is asked of a caller who may not do everything; `None` for one who may.
///
/// # Errors
/// The server does not answer. One that refuses to review is no error: then nothing is taken for allowed.
pub async fn begin(client: &Client) -> Result<Option<Needs>, ApiError> {
    let everything = json!({ "verb": "*", "group": "*", "resource": "*" });
    match allowed(client, &everything).await {
        Ok(true) => Ok(None),
        Err(error) if error.is_unavailable() => Err(error),
        Ok(false) | Err(_) => Ok(Some(Needs::default())),
    }
}

/// What of `needs` and of the steps of `plan` the caller may not do. Of `unlisted` resources it
/// is known already that they may not be listed.
///
/// # Errors
/// The server does not answer.
pub async fn review(
    client: &Client,
    rules: &Rules,
    mut needs: Needs,
    plan: &Plan,
    unlisted: &BTreeSet<String>,
) -> Result<Vec<Finding>, ApiError> {
    needs.note_plan(plan);
    if needs.is_empty() {
        return Ok(Vec::new());
    }
    let seen = see(client, rules, &needs).await?;
    let live = look_up(client, rules, &needs.roles_to_look_up()).await?;
    needs.note_roles(|at| seen.grants(at), &live);
    let open: Vec<(&Need, &Wanted)> = needs
        .iter()
        .filter(|(need, _)| need.verb != "list" || !unlisted.contains(&need.resource))
        .filter(|(need, wanted)| !wanted.allowed(need, seen.grants(need.namespace.as_deref())))
        .collect();
    let (sure, unsure): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|(need, _)| seen.grants(need.namespace.as_deref()).complete);
    let Singles { mut lacks, unanswered, why } = one_by_one(client, unsure).await?;
    lacks.extend(sure);
    lacks.sort_by(|a, b| a.0.cmp(b.0));
    let mut findings = not_allowed(&lacks);
    if unanswered > 0 {
        findings.push(unknown(unanswered, &why));
    }
    Ok(findings)
}

/// The caller's rules: everywhere, and in the namespaces where those did not suffice.
struct Seen {
    everywhere: Grants,
    within: BTreeMap<String, Grants>,
}

impl Seen {
    fn grants(&self, namespace: Option<&str>) -> &Grants {
        namespace.and_then(|namespace| self.within.get(namespace)).unwrap_or(&self.everywhere)
    }
}

async fn see(client: &Client, rules: &Rules, needs: &Needs) -> Result<Seen, ApiError> {
    // In a namespace that is not there only what holds everywhere is allowed.
    let there = &rules.target().namespaces;
    let nowhere = (0..).map(|n| format!("daytwo-nowhere-{n}")).find(|name| !there.contains_key(name));
    let everywhere = grants(client, &nowhere.unwrap_or_default()).await?;
    let short: BTreeSet<String> = needs
        .iter()
        .filter(|(need, wanted)| !wanted.allowed(need, &everywhere))
        .filter_map(|(need, _)| need.namespace.clone())
        .chain(needs.namespaces_of_roles())
        // Those that may not be seen are asked about too.
        .filter(|namespace| there.is_empty() || there.contains_key(namespace))
        .collect();
    let asked = short.iter().take(MOST).map(|namespace| async move {
        Ok::<_, ApiError>((namespace.clone(), grants(client, namespace).await?))
    });
    let answers: Vec<_> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    let mut within = answers.into_iter().collect::<Result<BTreeMap<_, _>, _>>()?;
    // Of the others each need is reviewed by itself.
    for namespace in short.into_iter().skip(MOST) {
        within.insert(namespace, Grants::default());
    }
    Ok(Seen { everywhere, within })
}

/// The caller's rules in `namespace`; incomplete where the server does not say.
async fn grants(client: &Client, namespace: &str) -> Result<Grants, ApiError> {
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": { "namespace": namespace },
    });
    match api::review(client, RULES, body.to_string().as_bytes()).await {
        Ok(answer) => Ok(Grants::of(&answer).unwrap_or_default()),
        Err(error) if error.is_unavailable() => Err(error),
        Err(_) => Ok(Grants::default()),
    }
}

/// The rules of roles that bindings name; without those that cannot be seen.
async fn look_up(
    client: &Client,
    rules: &Rules,
    roles: &BTreeSet<ObjectKey>,
) -> Result<BTreeMap<ObjectKey, Vec<Rule>>, ApiError> {
    let asked = roles.iter().take(MOST).filter_map(|role| {
        let kind = rules.target().kind(&role.resource)?;
        let path = discovery::path(&kind, &kind.version, role.namespace.as_deref());
        Some((role, format!("{path}/{}", escape(&role.name))))
    });
    let asked = asked.map(|(role, path)| async move {
        match api::get(client, &path, "application/json").await {
            Ok(body) => Ok(rules_of(&body).map(|rules| (role.clone(), rules))),
            Err(error) if error.is_unavailable() => Err(error),
            Err(_) => Ok(None),
        }
    });
    let answers: Vec<Result<_, ApiError>> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    answers.into_iter().filter_map(Result::transpose).collect()
}

/// What single reviews came to.
struct Singles<'a> {
    lacks: Vec<(&'a Need, &'a Wanted)>,
    unanswered: usize,
    why: String,
}

/// Reviews needs by themselves: first in all namespaces, which answers for each, then where they are.
async fn one_by_one<'a>(
    client: &Client,
    needs: Vec<(&'a Need, &'a Wanted)>,
) -> Result<Singles<'a>, ApiError> {
    let everywhere = |need: &Need| Need { namespace: None, ..need.clone() };
    let kinds: BTreeSet<Need> = needs.iter().map(|(need, _)| everywhere(need)).collect();
    let several = kinds.len() < needs.len();
    let kinds: Vec<(&Need, Option<&str>)> =
        kinds.iter().filter(|_| several).map(|need| (need, None)).collect();
    let mut answers = ask(client, kinds.iter().take(MOST).copied().collect()).await?;
    answers.retain(|_, answer| matches!(answer, Ok(true)));
    let left: Vec<(&Need, &Wanted)> =
        needs.into_iter().filter(|(need, _)| !answers.contains_key(&everywhere(need))).collect();
    let room = MOST.saturating_sub(kinds.len());
    let asked: Vec<(&Need, Option<&str>)> =
        left.iter().take(room).map(|(need, wanted)| (*need, wanted.only_name())).collect();
    let answers = ask(client, asked).await?;
    let mut singles = Singles { lacks: Vec::new(), unanswered: 0, why: String::new() };
    for (need, wanted) in left {
        match answers.get(need) {
            Some(Ok(true)) => {}
            Some(Ok(false)) => singles.lacks.push((need, wanted)),
            Some(Err(error)) => {
                singles.unanswered += 1;
                singles.why = error.to_string();
            }
            None => {
                singles.unanswered += 1;
                singles.why = format!("no more than {MOST} reviews are made");
            }
        }
    }
    Ok(singles)
}

async fn ask(
    client: &Client,
    needs: Vec<(&Need, Option<&str>)>,
) -> Result<BTreeMap<Need, Result<bool, ApiError>>, ApiError> {
    let asked = needs.into_iter().map(|(need, name)| async move {
        let (resource, group) = need.resource.split_once('.').unwrap_or((&need.resource, ""));
        let attributes = json!({
            "verb": need.verb,
            "group": group,
            "resource": resource,
            "subresource": need.subresource,
            "namespace": need.namespace,
            "name": name,
        });
        (need.clone(), allowed(client, &attributes).await)
    });
    let answers: BTreeMap<_, _> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    match answers.values().find_map(|answer| answer.as_ref().err().filter(|error| error.is_unavailable())) {
        Some(error) => Err(error.clone()),
        None => Ok(answers),
    }
}

async fn allowed(client: &Client, attributes: &Value) -> Result<bool, ApiError> {
    #[derive(Deserialize)]
    struct Review {
        status: Status,
    }
    #[derive(Deserialize)]
    struct Status {
        #[serde(default)]
        allowed: bool,
    }
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": attributes },
    });
    let answer = api::review(client, REVIEW, body.to_string().as_bytes()).await?;
    Ok(api::parse::<Review>(REVIEW, &answer)?.status.allowed)
}
