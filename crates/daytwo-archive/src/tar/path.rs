//! Paths inside an archive: Velero's layout (`pkg/archive/filesystem.go`, `pkg/backup/item_backupper.go` of 1.18),
//! in which every object lies twice, once under its resource and once under its resource and version.

use super::VERSION_PATH;
use std::fmt;

/// Longest path that is taken, in bytes. The longest of an object of Kubernetes has about 900.
const LONGEST: usize = 4096;

/// Why a path is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsafePath {
    path: String,
    why: &'static str,
}

impl UnsafePath {
    fn new(path: &[u8], why: &'static str) -> UnsafePath {
        UnsafePath { path: shown(path), why }
    }
}

impl fmt::Display for UnsafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "holds an entry {} that {}", self.path, self.why)
    }
}

impl std::error::Error for UnsafePath {}

/// A path for a message: quoted, without control characters, not endless.
pub(super) fn shown(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let mut short: String = text.chars().take(300).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

/// Which of the copies of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copy<'a> {
    /// `resources/<gr>/…`: what restores read.
    First,
    /// `resources/<gr>/<version>-preferredversion/…`: the same bytes again.
    Preferred(&'a str),
    /// `resources/<gr>/<version>/…`: the object at another version (Velero with EnableAPIGroupVersions).
    Other(&'a str),
}

/// What a path of an archive stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place<'a> {
    /// `metadata/version`.
    Version,
    /// An object.
    Object {
        /// `deployments.apps`.
        resource: &'a str,
        /// Which copy.
        copy: Copy<'a>,
        /// `None` for objects outside namespaces.
        namespace: Option<&'a str>,
        /// Its name.
        name: &'a str,
    },
}

impl<'a> Place<'a> {
    /// Reads a path. Refuses whatever is not of the layout, and with it every path that leads out of the archive.
    pub fn of(path: &'a [u8]) -> Result<Place<'a>, UnsafePath> {
        let refused = |why| Err(UnsafePath::new(path, why));
        if path.len() > LONGEST {
            return refused("has a path longer than any object's");
        }
        let Ok(text) = std::str::from_utf8(path) else { return refused("has a path that is not UTF-8") };
        if text.starts_with('/') {
            return refused("has an absolute path");
        }
        if text.contains('\0') {
            return refused("has a path with a zero byte");
        }
        let text = text.strip_prefix("./").unwrap_or(text);
        // A part that is empty or all dots begins so; few others do.
        let suspect = |pair: &[u8]| pair[0] == b'/' && matches!(pair[1], b'/' | b'.');
        if text.is_empty() || text.starts_with('.') || text.ends_with('/') || path.windows(2).any(suspect) {
            if text.split('/').any(|part| part == "..") {
                return refused("leads out of the archive");
            }
            if text.split('/').any(|part| part.is_empty() || part == ".") {
                return refused("has a path with an empty part");
            }
        }
        match Place::within(text) {
            Some(place) => Ok(place),
            None => refused("is not of Velero's layout (resources/… and metadata/version)"),
        }
    }

    fn within(text: &'a str) -> Option<Place<'a>> {
        if text == VERSION_PATH {
            return Some(Place::Version);
        }
        let (resource, rest) = text.strip_prefix("resources/")?.split_once('/')?;
        let (copy, rest) = match rest.split_once('/')? {
            ("namespaces" | "cluster", _) => (Copy::First, rest),
            (version, rest) => match version.strip_suffix("-preferredversion") {
                Some(version) => (Copy::Preferred(version), rest),
                None => (Copy::Other(version), rest),
            },
        };
        let (namespace, file) = match rest.split_once('/')? {
            ("cluster", file) => (None, file),
            ("namespaces", rest) => rest.split_once('/').map(|(namespace, file)| (Some(namespace), file))?,
            _ => return None,
        };
        let name = file.strip_suffix(".json").filter(|name| !name.is_empty() && !name.contains('/'))?;
        Some(Place::Object { resource, copy, namespace, name })
    }
}

/// Whether `second` is the path of the second copy of the object whose first copy lies at `first`.
pub(crate) fn is_second_copy(first: &[u8], second: &[u8]) -> bool {
    let start = if first.starts_with(b"./") { 2 } else { 0 } + "resources/".len();
    let Some(end) = first.get(start..).and_then(|resource| memchr::memchr(b'/', resource)) else {
        return false;
    };
    let (root, rest) = first.split_at(start + end + 1);
    let between = second.strip_prefix(root).and_then(|second| second.strip_suffix(rest));
    let version = between.and_then(|between| between.strip_suffix(b"-preferredversion/"));
    version.is_some_and(|version| !version.is_empty() && !version.contains(&b'/'))
}

/// Whether a name can be a part of a path.
pub(crate) fn can_be_part(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.bytes().any(|byte| byte == b'/' || byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_layout_are_understood() {
        let object = |resource, copy, namespace, name| Ok(Place::Object { resource, copy, namespace, name });
        assert_eq!(Place::of(b"metadata/version"), Ok(Place::Version));
        assert_eq!(
            Place::of(b"resources/pods/namespaces/default/web.json"),
            object("pods", Copy::First, Some("default"), "web")
        );
        assert_eq!(
            Place::of(b"./resources/deployments.apps/v1-preferredversion/namespaces/a/b.c.json"),
            object("deployments.apps", Copy::Preferred("v1"), Some("a"), "b.c")
        );
        assert_eq!(
            Place::of(b"resources/clusterroles.rbac.authorization.k8s.io/v1/cluster/system:node.json"),
            object("clusterroles.rbac.authorization.k8s.io", Copy::Other("v1"), None, "system:node")
        );
    }

    #[test]
    fn the_second_copy_of_an_object_is_known_by_its_path() {
        let first = b"resources/pods/namespaces/a/x.json";
        assert!(is_second_copy(first, b"resources/pods/v1-preferredversion/namespaces/a/x.json"));
        for other in [
            &first[..],
            b"resources/pods/v1/namespaces/a/x.json",
            b"resources/pods/-preferredversion/namespaces/a/x.json",
            b"resources/pods/v1/2-preferredversion/namespaces/a/x.json",
            b"resources/pods/v1-preferredversion/namespaces/b/x.json",
            b"resources/jobs/v1-preferredversion/namespaces/a/x.json",
            b"",
        ] {
            assert!(!is_second_copy(first, other), "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for path in [
            "/etc/passwd",
            "../x",
            "resources/pods/namespaces/../../../../x.json",
            "resources/pods/cluster/..",
            "resources//cluster/x.json",
            "resources/pods/cluster/./x.json",
            "resources/pods/cluster/a/b.json",
            "resources/pods/cluster/.json",
            "resources/pods/cluster/x",
            "resources/pods/x.json",
            "other/x.json",
            "metadata/version/x",
            "",
            "resources/pods/cluster/x\0.json",
        ] {
            assert!(Place::of(path.as_bytes()).is_err(), "{path:?} was taken");
        }
        assert!(Place::of(b"resources/pods/cluster/\xff.json").is_err());
        let long = format!("resources/pods/cluster/{}.json", "x".repeat(LONGEST));
        assert!(Place::of(long.as_bytes()).unwrap_err().to_string().len() < 500);
    }
}
