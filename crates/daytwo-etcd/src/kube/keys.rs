//! What a key stands for. Says so from the key alone, so that a list of a large store decodes no value.
//!
//! Kubernetes writes `<prefix>/<folder>/[<namespace>/]<name>`. The folder of a built-in resource is mostly its plural, with
//! exceptions that history left (`minions`, `services/specs`, `controllers`); that of a custom resource is
//! `<group>/<plural>`. What it refuses to do: guess a group for a folder it does not know.

use super::resources::{Catalogue, Resource};

/// Where an API server keeps its objects (`--etcd-prefix`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    /// With a slash at the end.
    text: String,
}

impl Default for Prefix {
    /// `/registry`.
    fn default() -> Self {
        Prefix::new("/registry")
    }
}

impl Prefix {
    /// As `--etcd-prefix` takes it: a slash before it may be left out, one behind it does not count.
    pub fn new(prefix: &str) -> Self {
        let parts: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty()).collect();
        Self { text: format!("/{}{}", parts.join("/"), if parts.is_empty() { "" } else { "/" }) }
    }

    /// With a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What `key` stands for.
    pub fn place<'a>(&self, key: &'a [u8], catalogue: &'a Catalogue) -> Place<'a> {
        let Ok(key) = std::str::from_utf8(key) else { return Place::Foreign };
        // K3s and kine have keys beside the prefix.
        match key {
            "compact_rev_key" | "compact_rev_key_apiserver" => {
                return Place::Internal("the revision compacted last");
            }
            key if key.starts_with("/bootstrap/") => return Place::Internal("K3s' bootstrap data"),
            _ => {}
        }
        let Some(inside) = key.strip_prefix(&self.text) else { return Place::Foreign };
        match inside.split_once('/') {
            None if inside == "health" => Place::Internal("kine's health"),
            None if inside == "compact_rev_key" => Place::Internal("the revision compacted last"),
            Some(("ranges", rest)) if single(rest) => Place::Internal("addresses or ports given to Services"),
            Some(("masterleases", rest)) if single(rest) => Place::Internal("an API server's address"),
            Some(("peerserverleases", rest)) if single(rest) => {
                Place::Internal("an API server's address for its peers")
            }
            _ => object(inside, catalogue).map_or(Place::Foreign, Place::Object),
        }
    }

    /// The key of one object.
    pub fn key(&self, resource: &Resource, namespace: Option<&str>, name: &str) -> Vec<u8> {
        let namespace = namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
        format!("{}{}/{namespace}{name}", self.text, resource.folder()).into_bytes()
    }

    /// What the keys of all objects of a resource begin with; with a namespace, of those in it.
    pub fn keys(&self, resource: &Resource, namespace: Option<&str>) -> Vec<u8> {
        self.key(resource, namespace, "")
    }
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place<'a> {
    /// An object of the API.
    Object(At<'a>),
    /// What the API server or K3s keeps for itself, and what that is. It is no object of the API.
    Internal(&'static str),
    /// None of Kubernetes, or of one with another prefix.
    Foreign,
}

/// Where an object is in the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<'a> {
    /// The API group, empty for the core's. `None`: a folder that no resource known has.
    pub group: Option<&'a str>,
    /// The plural, such as `deployments`.
    pub resource: &'a str,
    /// `None` for what stands in no namespace.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// What is known of the resource.
    pub known: Option<&'a Resource>,
}

/// Whether it is one segment of a key.
fn single(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}

/// `inside` is a key without its prefix.
fn object<'a>(inside: &'a str, catalogue: &'a Catalogue) -> Option<At<'a>> {
    let (first, after_first) = inside.split_once('/')?;
    let folder_of_two =
        after_first.split_once('/').map(|(second, rest)| (first.len() + 1 + second.len(), rest));
    let of_two = folder_of_two.and_then(|(end, rest)| Some((catalogue.at(&inside[..end])?, rest)));
    if let Some((known, rest)) = of_two.or_else(|| Some((catalogue.at(first)?, after_first))) {
        let (namespace, name) = match known.namespaced {
            true => rest.split_once('/').map(|(namespace, name)| (Some(namespace), name))?,
            false => (None, rest),
        };
        let whole = single(name) && namespace.is_none_or(single);
        let (group, resource) = (Some(known.group.as_str()), known.plural.as_str());
        return whole.then_some(At { group, resource, namespace, name, known: Some(known) });
    }
    // The group of a custom resource has a dot; no built-in folder has one.
    let (group, resource, rest) = match after_first.split_once('/') {
        Some((second, rest)) if first.contains('.') => (Some(first), second, rest),
        _ => (None, first, after_first),
    };
    let (namespace, name) = match rest.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, rest),
    };
    let whole = single(resource) && single(name) && namespace.is_none_or(single);
    whole.then_some(At { group, resource, namespace, name, known: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(key: &str) -> String {
        let catalogue = Catalogue::built_in();
        match Prefix::default().place(key.as_bytes(), &catalogue) {
            Place::Object(at) => format!("{:?} {} {:?} {}", at.group, at.resource, at.namespace, at.name),
            Place::Internal(what) => format!("internal: {what}"),
            Place::Foreign => "foreign".to_owned(),
        }
    }

    #[test]
    fn irregular_folders_are_known() {
        let known = [
            ("minions/a", "Some(\"\") nodes None a"),
            ("services/specs/ns/a", "Some(\"\") services Some(\"ns\") a"),
            ("services/endpoints/ns/a", "Some(\"\") endpoints Some(\"ns\") a"),
            ("controllers/ns/a", "Some(\"\") replicationcontrollers Some(\"ns\") a"),
            ("ingress/ns/a", "Some(\"networking.k8s.io\") ingresses Some(\"ns\") a"),
            (
                "apiregistration.k8s.io/apiservices/v1.apps",
                "Some(\"apiregistration.k8s.io\") apiservices None v1.apps",
            ),
            ("deployments/ns/a", "Some(\"apps\") deployments Some(\"ns\") a"),
            ("example.com/gadgets/ns/a", "Some(\"example.com\") gadgets Some(\"ns\") a"),
            ("example.com/boxes/a", "Some(\"example.com\") boxes None a"),
            ("podsecuritypolicy/a", "None podsecuritypolicy None a"),
        ];
        for (key, what) in known {
            assert_eq!(place(&format!("/registry/{key}")), what);
        }
    }

    #[test]
    fn what_is_no_object_is_said() {
        for key in [
            "/registry/ranges/serviceips",
            "/registry/masterleases/10.0.0.1",
            "compact_rev_key",
            "/bootstrap/0a",
        ] {
            assert!(place(key).starts_with("internal"), "{key}");
        }
        for key in [
            "",
            "/",
            "/other/pods/a/b",
            "/registry/",
            "/registry/pods",
            "/registry/pods/a",
            "/registry/pods/a/b/c",
            "/registry/pods//b",
        ] {
            assert_eq!(place(key), "foreign", "{key}");
        }
        assert_eq!(Prefix::default().place(&[0xff, 0xfe], &Catalogue::built_in()), Place::Foreign);
    }

    #[test]
    fn a_key_is_found_again_under_any_prefix() {
        let catalogue = Catalogue::built_in();
        for prefix in ["/registry", "kubernetes.io/", "/a/b/", "/"] {
            let prefix = Prefix::new(prefix);
            for resource in catalogue.all() {
                let namespace = resource.namespaced.then_some("ns");
                let key = prefix.key(resource, namespace, "name");
                assert!(key.starts_with(&prefix.keys(resource, namespace)));
                let Place::Object(at) = prefix.place(&key, &catalogue) else { panic!("{resource:?}") };
                assert_eq!((at.known, at.namespace, at.name), (Some(resource), namespace, "name"));
            }
        }
    }
}
