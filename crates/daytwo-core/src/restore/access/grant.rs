//! What RBAC rules allow, and which rules they hold: as the API server evaluates them (Kubernetes 1.36,
//! `pkg/apis/rbac/v1/evaluation_helpers.go` and `component-helpers/auth/rbac/validation/policy_comparator.go`).
//!
//! It refuses to ask: whoever reviews brings the rules.

use serde::{Deserialize, Deserializer};

use super::Need;

/// A rule, as roles and reviews of a caller's rules hold it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    #[serde(deserialize_with = "list")]
    verbs: Vec<String>,
    #[serde(deserialize_with = "list")]
    api_groups: Vec<String>,
    #[serde(deserialize_with = "list")]
    resources: Vec<String>,
    #[serde(deserialize_with = "list")]
    resource_names: Vec<String>,
    #[serde(rename = "nonResourceURLs", deserialize_with = "list")]
    urls: Vec<String>,
}

/// A list that may be `null`.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(reader)?.unwrap_or_default())
}

/// What a caller may do in one namespace, or with cluster-scoped resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    rules: Vec<Rule>,
    /// Whether nothing else is allowed.
    pub complete: bool,
}

impl Grants {
    /// Of a `SelfSubjectRulesReview` (`authorization.k8s.io/v1`) that was answered.
    ///
    /// # Errors
    /// It is no such JSON.
    pub fn of(review: &[u8]) -> Result<Self, serde_json::Error> {
        let Review { status } = serde_json::from_slice(review)?;
        let mut rules = status.resource_rules;
        rules.extend(status.non_resource_rules);
        Ok(Self { rules, complete: !status.incomplete })
    }

    /// Whether `need` is allowed for objects of any name, or of this one.
    pub fn allow(&self, need: &Need, name: Option<&str>) -> bool {
        self.rules.iter().any(|rule| rule.allows(need, name))
    }

    /// Whether everything that `rule` allows is allowed.
    pub fn hold(&self, rule: &Rule) -> bool {
        self.rules.iter().any(|own| own.covers(rule))
            || rule.parts().all(|part| self.rules.iter().any(|own| own.covers(&part)))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Review {
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    #[serde(deserialize_with = "list")]
    resource_rules: Vec<Rule>,
    #[serde(deserialize_with = "list")]
    non_resource_rules: Vec<Rule>,
    incomplete: bool,
}

impl Rule {
    /// The rule that allows everything.
    pub fn everything() -> [Self; 2] {
        let all = || vec!["*".to_owned()];
        let resources = Self { verbs: all(), api_groups: all(), resources: all(), ..Self::default() };
        [resources, Self { verbs: all(), urls: all(), ..Self::default() }]
    }

    fn allows(&self, need: &Need, name: Option<&str>) -> bool {
        let (resource, group) = need.resource.split_once('.').unwrap_or((&need.resource, ""));
        let named = self.resource_names.is_empty()
            || name.is_some_and(|name| self.resource_names.iter().any(|one| one == name));
        let matches = |rule: &String| match need.subresource {
            None => rule == "*" || rule == resource,
            Some(sub) => {
                let of = rule.split_once('/');
                rule == "*" || of.is_some_and(|(of, only)| only == sub && (of == "*" || of == resource))
            }
        };
        named
            && has(&self.verbs, need.verb)
            && has(&self.api_groups, group)
            && self.resources.iter().any(matches)
    }

    /// Whether this rule alone allows all that `other` does.
    fn covers(&self, other: &Rule) -> bool {
        let path = |path: &String| {
            let whole = self.resources.iter().any(|own| own == "*" || own == path);
            let any = path.split_once('/').map(|(_, sub)| format!("*/{sub}"));
            whole || any.is_some_and(|any| self.resources.contains(&any))
        };
        let url = |url: &String| {
            self.urls
                .iter()
                .any(|own| own == url || own.strip_suffix('*').is_some_and(|start| url.starts_with(start)))
        };
        let names = match other.resource_names.as_slice() {
            [] => self.resource_names.is_empty(),
            names => {
                self.resource_names.is_empty() || names.iter().all(|name| self.resource_names.contains(name))
            }
        };
        names
            && other.verbs.iter().all(|verb| has(&self.verbs, verb))
            && other.api_groups.iter().all(|group| has(&self.api_groups, group))
            && other.resources.iter().all(path)
            && other.urls.iter().all(url)
    }

    /// The rule in parts of one verb, group, resource and name each, or of one verb and path.
    fn parts(&self) -> impl Iterator<Item = Rule> {
        let one = |text: &String| vec![text.clone()];
        let names: Vec<Vec<String>> = match self.resource_names.is_empty() {
            true => vec![Vec::new()],
            false => self.resource_names.iter().map(one).collect(),
        };
        self.verbs.iter().flat_map(move |verb| {
            let names = names.clone();
            let resources = self.api_groups.iter().flat_map(move |group| {
                let names = names.clone();
                self.resources.iter().flat_map(move |resource| {
                    names.clone().into_iter().map(move |resource_names| Rule {
                        verbs: one(verb),
                        api_groups: one(group),
                        resources: one(resource),
                        resource_names,
                        urls: Vec::new(),
                    })
                })
            });
            let urls =
                self.urls.iter().map(move |url| Rule { verbs: one(verb), urls: one(url), ..Rule::default() });
            resources.chain(urls)
        })
    }
}

/// Whether `list` has `item`, or everything.
fn has(list: &[String], item: &str) -> bool {
    list.iter().any(|one| one == "*" || one == item)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(rules: &str) -> Grants {
        let review = format!(
            r#"{{"kind":"SelfSubjectRulesReview","status":{{"resourceRules":{rules},"nonResourceRules":[{{"verbs":["get"],"nonResourceURLs":["/healthz/*"]}}],"incomplete":false}}}}"#
        );
        Grants::of(review.as_bytes()).unwrap()
    }

    fn need(verb: &'static str, resource: &str, subresource: Option<&'static str>) -> Need {
        Need { verb, resource: resource.into(), subresource, namespace: None }
    }

    #[test]
    fn a_rule_allows_its_verbs_on_its_resources_and_nothing_beside() {
        let grants = grants(
            r#"[{"verbs":["create","get"],"apiGroups":[""],"resources":["configmaps"]},
                {"verbs":["*"],"apiGroups":["apps"],"resources":["*"]},
                {"verbs":["patch"],"apiGroups":["*"],"resources":["*/status","jobs/scale"]},
                {"verbs":["update"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["one"]},
                {"verbs":["delete"],"apiGroups":null,"resources":null}]"#,
        );
        for (need, name, allowed) in [
            (need("create", "configmaps", None), None, true),
            (need("delete", "configmaps", None), None, false),
            (need("create", "configmaps.example.com", None), None, false),
            (need("escalate", "deployments.apps", None), None, true),
            (need("patch", "deployments.apps", Some("scale")), None, true),
            (need("patch", "jobs.batch", None), None, false),
            (need("patch", "jobs.batch", Some("status")), None, true),
            (need("patch", "jobs.batch", Some("scale")), None, true),
            (need("patch", "cronjobs.batch", Some("scale")), None, false),
            (need("update", "secrets", None), None, false),
            (need("update", "secrets", None), Some("one"), true),
            (need("update", "secrets", None), Some("two"), false),
        ] {
            assert_eq!(grants.allow(&need, name), allowed, "{need:?} {name:?}");
        }
        assert!(grants.complete);
    }

    #[test]
    fn a_role_is_held_if_each_of_its_parts_is_by_whatever_rule() {
        let own = grants(
            r#"[{"verbs":["get","list"],"apiGroups":["","apps"],"resources":["pods","deployments","pods/log"]},
                {"verbs":["watch"],"apiGroups":[""],"resources":["*"]},
                {"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["a","b"]}]"#,
        );
        let held = |rule: &str| own.hold(&serde_json::from_str(rule).unwrap());
        assert!(held(r#"{"verbs":["get","list","watch"],"apiGroups":[""],"resources":["pods"]}"#));
        assert!(!held(r#"{"verbs":["get","watch"],"apiGroups":["apps"],"resources":["deployments"]}"#));
        assert!(held(r#"{"verbs":["get"],"apiGroups":[""],"resources":["pods/log"]}"#));
        assert!(!held(r#"{"verbs":["*"],"apiGroups":[""],"resources":["pods"]}"#));
        assert!(held(r#"{"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["b"]}"#));
        assert!(!held(r#"{"verbs":["get"],"apiGroups":[""],"resources":["secrets"]}"#));
        assert!(!held(r#"{"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["c"]}"#));
        assert!(held(r#"{"verbs":["get"],"nonResourceURLs":["/healthz/etcd"]}"#));
        assert!(!held(r#"{"verbs":["get"],"nonResourceURLs":["/metrics"]}"#));
        assert!(held(r#"{"verbs":[],"apiGroups":null,"resources":null}"#));
        assert!(!Rule::everything().iter().any(|rule| own.hold(rule)));
    }
}
