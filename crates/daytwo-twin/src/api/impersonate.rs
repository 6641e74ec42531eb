//! Who may ask for another: by the older right to be someone, or by the newer one to be someone for this request alone
//! (`k8s.io/apiserver/pkg/endpoints/filters/impersonation`, v0.36).
//!
//! It refuses what a node's own pods may do in its name: tokens here do not tell the node. Extra headers are not kept.

use super::call::{Caller, account_of};
use super::rights::{Wish, check};
use super::{Api, Inner};
use crate::status::{Result, Status};

/// Whom someone is to be taken for, as the headers say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The user's name.
    pub user: String,
    /// The groups, if any are named.
    pub groups: Vec<String>,
    /// The uid; empty for none.
    pub uid: String,
}

const NODE: &str = "system:node:";

impl Api {
    /// Takes `caller` for another for one request. Without groups, the other is in those such a user has.
    ///
    /// # Errors
    /// 400 of groups or a uid without a user, 403 of who may not.
    pub fn impersonate(
        &self,
        caller: &Caller,
        wanted: Wanted,
        method: &str,
        path: &str,
        query: &str,
    ) -> Result<Caller> {
        if wanted.user.is_empty() {
            return Err(Status::bad_request(format!(
                "requested &user.DefaultInfo{{Name:\"\", UID:{:?}, Groups:{}, Extra:map[string][]string(nil)}} without impersonating a user name",
                wanted.uid,
                shown(&wanted.groups)
            )));
        }
        let mut first = None;
        let request = Wish::of(method, path, query);
        let inner = self.read();
        for mode in modes(&wanted) {
            match may(&inner, caller, &wanted, mode, &request) {
                Ok(()) => return Ok(become_of(wanted, mode)),
                Err(status) => drop(first.get_or_insert(status)),
            }
        }
        Err(first.unwrap_or_else(Status::unauthorized))
    }
}

/// A list of groups as Go shows it.
fn shown(groups: &[String]) -> String {
    match groups {
        [] => "[]string(nil)".to_owned(),
        groups => {
            let quoted: Vec<String> = groups.iter().map(|group| format!("{group:?}")).collect();
            format!("[]string{{{}}}", quoted.join(", "))
        }
    }
}

/// The rights by which someone could be taken for this one, in their order; the older one, which is last, has no name.
fn modes(wanted: &Wanted) -> Vec<&'static str> {
    let alone = wanted.groups.is_empty() && wanted.uid.is_empty();
    let newer = match (wanted.user.starts_with(NODE), account_of(&wanted.user).is_some()) {
        (true, _) => Some("arbitrary-node").filter(|_| alone),
        (_, true) => Some("serviceaccount").filter(|_| alone),
        _ => Some("user-info"),
    };
    newer.into_iter().chain([""]).collect()
}

fn may(inner: &Inner, caller: &Caller, wanted: &Wanted, mode: &str, request: &Wish) -> Result<()> {
    const NEWER: &str = "authentication.k8s.io";
    let (verb, group) = match mode {
        "" => ("impersonate".to_owned(), ""),
        mode => (format!("impersonate:{mode}"), NEWER),
    };
    let wish = |group: &str, resource: &str, namespace: &str, name: &str| Wish {
        verb: verb.clone(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        path: None,
    };
    if !mode.is_empty() {
        let verb = format!("impersonate-on:{mode}:{}", request.verb);
        check(inner, caller, &Wish { verb, ..request.clone() })?;
    }
    let node = wanted.user.strip_prefix(NODE).filter(|_| !mode.is_empty());
    let user = match (node, account_of(&wanted.user)) {
        (Some(node), _) => wish(group, "nodes", "", node),
        (_, Some((namespace, name))) => wish(group, "serviceaccounts", namespace, name),
        _ => wish(group, "users", "", &wanted.user),
    };
    check(inner, caller, &user)?;
    if !wanted.uid.is_empty() {
        check(inner, caller, &wish(NEWER, "uids", "", &wanted.uid))?;
    }
    wanted.groups.iter().try_for_each(|name| check(inner, caller, &wish(group, "groups", "", name)))
}

fn become_of(wanted: Wanted, mode: &str) -> Caller {
    let mut groups = wanted.groups;
    if groups.is_empty() {
        match account_of(&wanted.user) {
            Some((namespace, _)) => groups.extend(Caller::groups_of_account(namespace)),
            None if mode == "arbitrary-node" => groups.push("system:nodes".to_owned()),
            None => {}
        }
    }
    Caller::known(wanted.user, groups, wanted.uid)
}
