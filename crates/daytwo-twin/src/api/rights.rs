//! Who may do what: the roles and bindings of the cluster (`plugin/pkg/auth/authorizer/rbac/rbac.go`, v1.36).
//!
//! The group `system:masters` may do all. It refuses other authorizers: nodes and webhooks are not asked.

use serde_json::{Value, json};

use super::call::{Target, parameters};
use super::{Caller, Inner};
use crate::ask::Object;
use crate::status::{Result, Status, Subject};
use crate::store::key;

/// What someone wants to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    /// `get`, `list`, `create`…
    pub(crate) verb: String,
    /// The API group; empty for the core's.
    pub(crate) group: String,
    /// The resource, with its subresource behind a slash.
    pub(crate) resource: String,
    /// The object's name; empty for none.
    pub(crate) name: String,
    /// The namespace; empty for none.
    pub(crate) namespace: String,
    /// The path, of what is no resource.
    pub(crate) path: Option<String>,
}

impl Wish {
    /// What a request wants (`k8s.io/apiserver/pkg/endpoints/request/requestinfo.go`).
    pub(crate) fn of(method: &str, path: &str, query: &str) -> Wish {
        let Some(target) = Target::of(path) else {
            return Wish {
                verb: method.to_ascii_lowercase(),
                path: Some(path.to_owned()),
                ..Wish::default()
            };
        };
        let query = parameters(query);
        let one = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let watches = target.watch || one("watch").is_some_and(|value| !matches!(value, "false" | "0"));
        let mut name = target.name.clone().unwrap_or_default();
        let verb = match (method, name.is_empty()) {
            ("GET" | "HEAD", _) if target.watch => "watch",
            ("GET" | "HEAD", true) if watches => "watch",
            ("GET" | "HEAD", true) => "list",
            ("GET" | "HEAD", false) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "deletecollection",
            ("DELETE", false) => "delete",
            _ => "",
        };
        // A list of the one object of a name is the right to that object.
        if matches!(verb, "list" | "watch" | "deletecollection")
            && let Some(chosen) = one("fieldSelector")
            && let Some(only) = chosen.split(',').find_map(|part| part.strip_prefix("metadata.name="))
        {
            only.trim_start_matches('=').clone_into(&mut name);
        }
        let resource = match &target.subresource {
            Some(part) => format!("{}/{part}", target.resource),
            None => target.resource.clone(),
        };
        // A namespace is in itself.
        let itself = (target.resource == "namespaces").then(|| name.clone());
        let namespace = target.namespace.or(itself).unwrap_or_default();
        Wish { verb: verb.to_owned(), group: target.group, resource, name, namespace, path: None }
    }
}

/// Refuses what `who` may not do.
///
/// # Errors
/// 403, in the real server's words.
pub(crate) fn check(inner: &Inner, who: &Caller, wish: &Wish) -> Result<()> {
    if allowed(inner, who, wish).is_some() {
        return Ok(());
    }
    // As it would stand in a page.
    let safe = |text: String| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (user, verb) = (&who.user, &wish.verb);
    if let Some(path) = &wish.path {
        let why = safe(format!("User {user:?} cannot {verb} path {path:?}"));
        let mut status = Status::forbidden(Subject { group: "", kind: "" }, "", why);
        status.bare = true;
        return Err(status);
    }
    let place = match wish.namespace.is_empty() {
        true => "at the cluster scope".to_owned(),
        false => format!("in the namespace {:?}", wish.namespace),
    };
    let mut why = safe(format!(
        "User {user:?} cannot {verb} resource {:?} in API group {:?} {place}",
        wish.resource, wish.group
    ));
    let missing = missing_roles(inner, who, wish);
    match missing.as_slice() {
        [] => {}
        [one] => why.push_str(&format!(": RBAC: {one}")),
        all => why.push_str(&format!(": RBAC: [{}]", all.join(", "))),
    }
    let kind = wish.resource.split('/').next().unwrap_or_default();
    Err(Status::forbidden(Subject { group: &wish.group, kind }, &wish.name, why))
}

/// The roles that bindings give to someone and that are not there, as errors.
fn missing_roles(inner: &Inner, who: &Caller, wish: &Wish) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    let local = Some(wish.namespace.as_str()).filter(|namespace| !namespace.is_empty());
    for (plural, namespace) in [("clusterrolebindings", None), ("rolebindings", local)] {
        if plural == "rolebindings" && namespace.is_none() {
            continue;
        }
        let Some(table) = inner.kinds.table_of("rbac.authorization.k8s.io", plural) else { continue };
        for binding in inner.store.range(table, namespace, None).map(|stored| stored.object()) {
            let (Some(_), Some(role)) = (subject(&binding, who, namespace), binding.get("roleRef")) else {
                continue;
            };
            let (kind, name) = (text(role, "kind"), text(role, "name"));
            if find_role(inner, kind, name, namespace).is_none() {
                let error = format!("{}.rbac.authorization.k8s.io {name:?} not found", kind.to_lowercase());
                if !missing.contains(&error) {
                    missing.push(error);
                }
            }
        }
    }
    missing
}

/// Whether `who` may do it, and by what right.
pub(crate) fn allowed(inner: &Inner, who: &Caller, wish: &Wish) -> Option<String> {
    if who.is_master() {
        return Some(String::new());
    }
    let bound = |kind: &str, plural: &str, namespace: Option<&str>| {
        let table = inner.kinds.table_of("rbac.authorization.k8s.io", plural)?;
        inner.store.range(table, namespace, None).find_map(|stored| {
            let binding = stored.object();
            let subject = subject(&binding, who, namespace)?;
            let role = binding.get("roleRef")?;
            let (role_kind, role_name) = (text(role, "kind"), text(role, "name"));
            if !grants(inner, role_kind, role_name, namespace, wish) {
                return None;
            }
            let place = match namespace {
                Some(namespace) => format!("{}/{namespace}", stored.name()),
                None => stored.name().to_owned(),
            };
            Some(format!("RBAC: allowed by {kind} {place:?} of {role_kind} {role_name:?} to {subject}"))
        })
    };
    bound("ClusterRoleBinding", "clusterrolebindings", None).or_else(|| {
        let namespace = Some(wish.namespace.as_str()).filter(|namespace| !namespace.is_empty())?;
        bound("RoleBinding", "rolebindings", Some(namespace))
    })
}

/// All rules that someone has in a namespace, as a SelfSubjectRulesReview shows them.
pub(crate) fn rules(inner: &Inner, who: &Caller, namespace: &str) -> Value {
    let (mut resources, mut paths) = (Vec::new(), Vec::new());
    for (plural, place) in [("clusterrolebindings", None), ("rolebindings", Some(namespace))] {
        let Some(table) = inner.kinds.table_of("rbac.authorization.k8s.io", plural) else { continue };
        for stored in inner.store.range(table, place, None) {
            let binding = stored.object();
            let Some(role) = binding.get("roleRef").filter(|_| subject(&binding, who, place).is_some())
            else {
                continue;
            };
            let role = find_role(inner, text(role, "kind"), text(role, "name"), place);
            let of_role = role.as_ref().and_then(|role| role.get("rules")).and_then(Value::as_array);
            for rule in of_role.into_iter().flatten() {
                let has =
                    |name: &str| rule.get(name).and_then(Value::as_array).is_some_and(|all| !all.is_empty());
                match has("resources") {
                    true => resources.push(rule.clone()),
                    false if has("nonResourceURLs") => paths.push(rule.clone()),
                    false => {}
                }
            }
        }
    }
    json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
}

/// The subject of a binding that someone is.
fn subject(binding: &Object, who: &Caller, namespace: Option<&str>) -> Option<String> {
    let subjects = binding.get("subjects").and_then(Value::as_array)?;
    subjects.iter().find_map(|subject| {
        let name = text(subject, "name");
        match text(subject, "kind") {
            "User" if who.user == name => Some(format!("User {name:?}")),
            "Group" if who.groups.iter().any(|group| group == name) => Some(format!("Group {name:?}")),
            "ServiceAccount" => {
                let home = Some(text(subject, "namespace")).filter(|home| !home.is_empty()).or(namespace)?;
                let user = format!("system:serviceaccount:{home}:{name}");
                (who.user == user).then(|| format!("ServiceAccount {:?}", format!("{name}/{home}")))
            }
            _ => None,
        }
    })
}

fn grants(inner: &Inner, kind: &str, name: &str, namespace: Option<&str>, wish: &Wish) -> bool {
    let Some(role) = find_role(inner, kind, name, namespace) else { return false };
    let rules = role.get("rules").and_then(Value::as_array);
    rules.into_iter().flatten().any(|rule| covers(rule, wish))
}

fn find_role(inner: &Inner, kind: &str, name: &str, namespace: Option<&str>) -> Option<Object> {
    let (plural, namespace) = match kind {
        "ClusterRole" => ("clusterroles", None),
        _ => ("roles", namespace),
    };
    let table = inner.kinds.table_of("rbac.authorization.k8s.io", plural)?;
    inner.store.get(table, &key(namespace, name)).map(|stored| stored.object())
}

/// Whether a rule covers a wish (`pkg/apis/rbac/v1/evaluation_helpers.go`).
fn covers(rule: &Value, wish: &Wish) -> bool {
    let list =
        |name: &str| rule.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let has = |name: &str, wanted: &str| list(name).any(|one| one == "*" || one == wanted);
    if !has("verbs", &wish.verb) {
        return false;
    }
    if let Some(path) = &wish.path {
        return list("nonResourceURLs").any(|url| match url.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => url == path,
        });
    }
    let part = wish.resource.split_once('/').map(|(_, part)| format!("*/{part}"));
    has("apiGroups", &wish.group)
        && list("resources").any(|one| one == "*" || one == wish.resource || Some(one) == part.as_deref())
        && (list("resourceNames").next().is_none() || list("resourceNames").any(|one| one == wish.name))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
