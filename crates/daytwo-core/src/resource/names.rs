//! Finds the resource type that a typed name means, as kubectl does: plural, singular, kind or short name, with or
//! without group.

use super::ResourceType;

/// A resource type with the other names it goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The type.
    pub resource: ResourceType,
    /// The singular name.
    pub singular: String,
    /// Short names, such as `cm`.
    pub short_names: Vec<String>,
}

impl From<ResourceType> for Named {
    /// Takes the kind in lower case as the singular name, and the short names that Kubernetes gives its own types:
    /// for backups, which keep neither.
    fn from(resource: ResourceType) -> Named {
        let short_names =
            short_names(&resource.group, &resource.resource).iter().map(|name| (*name).to_owned());
        Named { singular: resource.kind.to_lowercase(), short_names: short_names.collect(), resource }
    }
}

/// A typed name that means no resource type, or no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing goes by this name.
    #[error("no resource type is called {typed:?}{}", did_you_mean(near))]
    NotFound {
        /// What was typed.
        typed: String,
        /// Plural names that look alike, nearest first.
        near: Vec<String>,
    },
    /// The words do not form types and names.
    #[error("{typed:?}: expected KIND, KIND/NAME or KIND NAME, such as cm/settings or deploy web")]
    Invalid {
        /// What was typed.
        typed: String,
    },
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) }
}

/// The type that `typed` means: `deployments`, `deployment`, `Deployment`, `deploy`, `deployments.apps`,
/// `deployments.v1.apps`; upper and lower case are the same. Where a name means several types, a plural goes before a
/// singular or kind, these before a short name, and among equals the first of `known`, which discovery gives in the
/// server's order of preference.
///
/// # Errors
/// [`NameError::NotFound`], with names that look alike.
pub fn lookup<'a>(typed: &str, known: &'a [Named]) -> Result<&'a Named, NameError> {
    let wanted = typed.to_lowercase();
    let found = known.iter().filter_map(|one| Some((rank(&wanted, one)?, one)));
    // The first of equals: `min_by_key` keeps it.
    match found.min_by_key(|(rank, _)| *rank) {
        Some((_, one)) => Ok(one),
        None => Err(NameError::NotFound { typed: typed.to_owned(), near: near(&wanted, known) }),
    }
}

/// The types, and names if any, that the words of a command line mean: `cm/a deploy/b`, `cm a b`, `cm`, `cm,secrets`.
///
/// # Errors
/// [`NameError::NotFound`] for an unknown type, [`NameError::Invalid`] for words that mix both forms or name nothing.
pub fn objects(words: &[String], known: &[Named]) -> Result<Vec<(ResourceType, Option<String>)>, NameError> {
    let invalid = || NameError::Invalid { typed: words.join(" ") };
    let found = |typed: &str| lookup(typed, known).map(|one| one.resource.clone());
    let (first, names) = words.split_first().ok_or_else(invalid)?;
    if words.iter().any(|word| word.contains('/')) {
        let pair = |word: &String| match word.split_once('/') {
            Some((kind, name)) if !name.is_empty() && !name.contains('/') => {
                Ok((found(kind)?, Some(name.to_owned())))
            }
            _ => Err(invalid()),
        };
        return words.iter().map(pair).collect();
    }
    let mut objects = Vec::new();
    for kind in first.split(',').map(found) {
        let kind = kind?;
        match names {
            [] => objects.push((kind, None)),
            names => objects.extend(names.iter().map(|name| (kind.clone(), Some(name.clone())))),
        }
    }
    Ok(objects)
}

/// How well a name in lower case fits: 0 a plural, 1 a singular or kind, 2 a short name.
fn rank(wanted: &str, one: &Named) -> Option<u8> {
    let (name, qualifier) = match wanted.split_once('.') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (wanted, None),
    };
    let ResourceType { group, version, resource, kind, .. } = &one.resource;
    let qualified = |qualifier: &str| {
        qualifier == group
            || qualifier.strip_prefix(version.as_str()).and_then(|rest| rest.strip_prefix('.')) == Some(group)
    };
    if !qualifier.is_none_or(qualified) {
        return None;
    }
    if name == resource {
        Some(0)
    } else if name == one.singular || name.eq_ignore_ascii_case(kind) {
        Some(1)
    } else {
        one.short_names.iter().any(|short| short == name).then_some(2)
    }
}

/// Whether a typed name without wildcards, in any case, may mean this type.
pub(crate) fn spells(typed: &str, resource: &ResourceType) -> bool {
    if typed == resource.resource && resource.group.is_empty() {
        return true;
    }
    rank(&typed.to_lowercase(), &Named::from(resource.clone())).is_some()
}

/// Whether a typed name without group is one that Kubernetes gives its own types.
pub fn is_builtin(typed: &str) -> bool {
    let typed = typed.to_lowercase();
    BUILTIN.iter().any(|(_, resource, short_names)| {
        typed == *resource
            || resource.strip_suffix('s') == Some(&typed)
            || short_names.contains(&typed.as_str())
    })
}

fn short_names(group: &str, resource: &str) -> &'static [&'static str] {
    BUILTIN
        .iter()
        .find(|(in_group, name, _)| *in_group == group && *name == resource)
        .map_or(&[], |(_, _, short_names)| short_names)
}

/// Group, resource and short names of Kubernetes' own types, as `kubectl api-resources` of 1.36 shows them.
const BUILTIN: &[(&str, &str, &[&str])] = &[
    ("", "bindings", &[]),
    ("", "componentstatuses", &["cs"]),
    ("", "configmaps", &["cm"]),
    ("", "endpoints", &["ep"]),
    ("", "events", &["ev"]),
    ("", "limitranges", &["limits"]),
    ("", "namespaces", &["ns"]),
    ("", "nodes", &["no"]),
    ("", "persistentvolumeclaims", &["pvc"]),
    ("", "persistentvolumes", &["pv"]),
    ("", "pods", &["po"]),
    ("", "podtemplates", &[]),
    ("", "replicationcontrollers", &["rc"]),
    ("", "resourcequotas", &["quota"]),
    ("", "secrets", &[]),
    ("", "serviceaccounts", &["sa"]),
    ("", "services", &["svc"]),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", &[]),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies", &[]),
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings", &[]),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", &[]),
    ("apiextensions.k8s.io", "customresourcedefinitions", &["crd", "crds"]),
    ("apiregistration.k8s.io", "apiservices", &[]),
    ("apps", "controllerrevisions", &[]),
    ("apps", "daemonsets", &["ds"]),
    ("apps", "deployments", &["deploy"]),
    ("apps", "replicasets", &["rs"]),
    ("apps", "statefulsets", &["sts"]),
    ("autoscaling", "horizontalpodautoscalers", &["hpa"]),
    ("batch", "cronjobs", &["cj"]),
    ("batch", "jobs", &[]),
    ("certificates.k8s.io", "certificatesigningrequests", &["csr"]),
    ("coordination.k8s.io", "leases", &[]),
    ("discovery.k8s.io", "endpointslices", &[]),
    ("events.k8s.io", "events", &["ev"]),
    ("flowcontrol.apiserver.k8s.io", "flowschemas", &[]),
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", &[]),
    ("networking.k8s.io", "ingressclasses", &[]),
    ("networking.k8s.io", "ingresses", &["ing"]),
    ("networking.k8s.io", "ipaddresses", &["ip"]),
    ("networking.k8s.io", "networkpolicies", &["netpol"]),
    ("networking.k8s.io", "servicecidrs", &[]),
    ("node.k8s.io", "runtimeclasses", &[]),
    ("policy", "poddisruptionbudgets", &["pdb"]),
    ("rbac.authorization.k8s.io", "clusterrolebindings", &[]),
    ("rbac.authorization.k8s.io", "clusterroles", &[]),
    ("rbac.authorization.k8s.io", "rolebindings", &[]),
    ("rbac.authorization.k8s.io", "roles", &[]),
    ("scheduling.k8s.io", "priorityclasses", &["pc"]),
    ("storage.k8s.io", "csidrivers", &[]),
    ("storage.k8s.io", "csinodes", &[]),
    ("storage.k8s.io", "csistoragecapacities", &[]),
    ("storage.k8s.io", "storageclasses", &["sc"]),
    ("storage.k8s.io", "volumeattachments", &[]),
    ("storage.k8s.io", "volumeattributesclasses", &["vac"]),
];

/// At most three plural names within two edits, nearest first.
fn near(wanted: &str, known: &[Named]) -> Vec<String> {
    let bare = wanted.split('.').next().unwrap_or(wanted);
    let mut near: Vec<(usize, String)> = known
        .iter()
        .filter_map(|one| {
            let names = [&one.resource.resource, &one.singular].into_iter().chain(&one.short_names);
            let distance = names.map(|name| edits(bare, name)).min()?;
            let close = distance <= 2 && distance < bare.chars().count();
            close.then(|| (distance, one.resource.group_resource()))
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// How many characters must be put in, taken out or replaced to get from one word to the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
