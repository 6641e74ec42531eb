//! Images from elsewhere: of every container that a built-in kind describes, and of image volumes.
//!
//! An image may be written short: `nginx` is `docker.io/library/nginx`. It is looked up as it is written, then as it is
//! written in full (`github.com/distribution/reference` v0.6.0, `normalize.go`). It refuses to know custom resources.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::json::{Change, Edits, quote, string};

/// Where each pod of a resource is described.
fn pod_specs(resource: &str) -> &'static [&'static str] {
    match resource {
        "pods" => &["spec"],
        "podtemplates" => &["template", "spec"],
        "replicationcontrollers"
        | "daemonsets.apps"
        | "deployments.apps"
        | "replicasets.apps"
        | "statefulsets.apps"
        | "jobs.batch" => &["spec", "template", "spec"],
        "cronjobs.batch" => &["spec", "jobTemplate", "spec", "template", "spec"],
        // A StatefulSet or DaemonSet knows its revision by its template's bytes.
        "controllerrevisions.apps" => &["data", "spec", "template", "spec"],
        _ => &[],
    }
}

/// Images and beginnings of images, each with what takes its place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageMapping(BTreeMap<String, String>);

/// Why a mapping of images cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Not of the form `FROM=TO`.
    #[error(
        "{0:?} is no mapping of images: write FROM=TO, such as docker.io/library=registry.example/mirror or nginx:1.27=registry.example/nginx:1.28"
    )]
    Form(String),
    /// An image is mapped twice.
    #[error("the image {0} is mapped twice: name it once")]
    Twice(String),
}

impl ImageMapping {
    /// Reads `FROM=TO` texts.
    ///
    /// # Errors
    /// A text that is no mapping, or an image that is mapped twice.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, ImageError> {
        let mut mapping = BTreeMap::new();
        for text in texts {
            let form = || ImageError::Form(text.to_owned());
            let (from, to) = text.split_once('=').ok_or_else(form)?;
            let (from, to) = (from.trim_end_matches('/'), to.trim_end_matches('/'));
            let odd = |side: &str| side.is_empty() || side.contains(['=', ' ']) || side.starts_with('/');
            if odd(from) || odd(to) {
                return Err(form());
            }
            if mapping.insert(from.to_owned(), to.to_owned()).is_some() {
                return Err(ImageError::Twice(from.to_owned()));
            }
        }
        Ok(Self(mapping))
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The image that takes the place of `image`; `None` where it stays. The longest beginning counts that ends where a
    /// part of the image's name ends.
    pub fn map(&self, image: &str) -> Option<String> {
        self.begins(image).or_else(|| self.begins(&in_full(image)?))
    }

    fn begins(&self, image: &str) -> Option<String> {
        let fits = |from: &str| {
            let rest = image.strip_prefix(from)?;
            (rest.is_empty() || rest.starts_with(['/', ':', '@'])).then_some(rest)
        };
        let fitting = self.0.iter().filter_map(|(from, to)| Some((from.len(), to, fits(from)?)));
        let (_, to, rest) = fitting.max_by_key(|(length, ..)| *length)?;
        Some(format!("{to}{rest}"))
    }

    /// Adds the edits that map the images in an object of `resource`.
    pub(super) fn edit<'f>(&'f self, resource: &str, edits: &mut Edits<'f>) {
        let spec = pod_specs(resource);
        if spec.is_empty() {
            return;
        }
        for (list, image) in [
            ("containers", &["image"][..]),
            ("initContainers", &["image"]),
            ("ephemeralContainers", &["image"]),
            ("volumes", &["image", "reference"]),
        ] {
            edits.each_element(&[spec, &[list]].concat(), move |element| {
                let mut edits = Edits::new();
                edits.replace(image, |image| match string(image).and_then(|image| self.map(&image)) {
                    Some(to) => Change::With(quote(&to).into_bytes()),
                    None => Change::Keep,
                });
                edits.apply(element).map_or(Change::Keep, Change::With)
            });
        }
    }
}

/// A short image in full; `None` where it is that already.
fn in_full(image: &str) -> Option<String> {
    let (first, rest) = image.split_once('/').unwrap_or(("", image));
    let library = |name: &str| if name.contains('/') { "" } else { "library/" };
    match first {
        "index.docker.io" => return Some(format!("docker.io/{}{rest}", library(rest))),
        "docker.io" if !rest.contains('/') => return Some(format!("docker.io/library/{rest}")),
        _ => {}
    }
    if first.contains(['.', ':']) || first == "localhost" || first.chars().any(char::is_uppercase) {
        return None;
    }
    Some(format!("docker.io/{}{image}", library(image)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(texts: &[&str]) -> ImageMapping {
        ImageMapping::parse(texts.iter().copied()).unwrap()
    }

    #[test]
    fn a_beginning_ends_where_a_part_of_the_name_ends() {
        let mapping =
            mapping(&["quay.io/org=mirror.example/org", "quay.io/org/app:1=mirror.example/special:2"]);
        let map = |image: &str| mapping.map(image);
        assert_eq!(map("quay.io/org/app:2").as_deref(), Some("mirror.example/org/app:2"));
        assert_eq!(map("quay.io/org/app@sha256:0a").as_deref(), Some("mirror.example/org/app@sha256:0a"));
        assert_eq!(map("quay.io/org").as_deref(), Some("mirror.example/org"));
        assert_eq!(map("quay.io/organ/app"), None);
        assert_eq!(
            map("quay.io/org/app:1").as_deref(),
            Some("mirror.example/special:2"),
            "the longest counts"
        );
        assert_eq!(map("quay.io/org/app:10").as_deref(), Some("mirror.example/org/app:10"));
        assert_eq!(map("other/quay.io/org/app"), None);
    }

    #[test]
    fn a_short_image_is_one_of_docker_hub() {
        let mapping =
            mapping(&["docker.io/library=mirror.example/hub", "docker.io=mirror.example/all", "busybox=box"]);
        let map = |image: &str| mapping.map(image);
        assert_eq!(map("nginx:1.27").as_deref(), Some("mirror.example/hub/nginx:1.27"));
        assert_eq!(map("grafana/grafana").as_deref(), Some("mirror.example/all/grafana/grafana"));
        assert_eq!(map("index.docker.io/a/b").as_deref(), Some("mirror.example/all/a/b"));
        assert_eq!(map("busybox:1").as_deref(), Some("box:1"), "as it is written goes first");
        let library = self::mapping(&["docker.io/library=mirror.example/hub"]);
        for image in ["docker.io/nginx:1", "index.docker.io/nginx:1", "docker.io/library/nginx:1"] {
            assert_eq!(library.map(image).as_deref(), Some("mirror.example/hub/nginx:1"), "{image}");
        }
        assert_eq!(map("localhost/nginx"), None);
        assert_eq!(map("registry:5000/nginx"), None);
        assert_eq!(map("mirror.example/hub/nginx:1.27"), None, "what was mapped is not mapped again");
    }

    #[test]
    fn every_container_and_image_volume_is_mapped_and_nothing_else_changes() {
        let mapping = mapping(&["a=b"]);
        let spec = r#"{"containers":[{"name":"a","image":"a:1","env":[{"value":"a:1"}]}],"initContainers":[{"image":"a:1"}],"ephemeralContainers":[{"image":"a:1"}],"volumes":[{"image":{"reference":"a:1"}},{"name":"a"}]}"#;
        let after = spec
            .replace(r#""image":"a:1""#, r#""image":"b:1""#)
            .replace(r#"reference":"a"#, r#"reference":"b"#);
        let inside = |path: &[&str], spec: &str| {
            path.iter().rev().fold(spec.to_owned(), |inner, key| format!(r#"{{"{key}":{inner}}}"#))
        };
        for resource in [
            "pods",
            "podtemplates",
            "replicationcontrollers",
            "daemonsets.apps",
            "deployments.apps",
            "replicasets.apps",
            "statefulsets.apps",
            "controllerrevisions.apps",
            "jobs.batch",
            "cronjobs.batch",
        ] {
            let path = pod_specs(resource);
            let mut edits = Edits::new();
            mapping.edit(resource, &mut edits);
            let edited = edits.apply(inside(path, spec).as_bytes()).unwrap();
            assert_eq!(String::from_utf8(edited).unwrap(), inside(path, &after), "{resource}");
        }
    }

    #[test]
    fn what_is_no_mapping_is_refused() {
        let parse = |texts: &[&str]| ImageMapping::parse(texts.iter().copied()).unwrap_err();
        for bad in ["a:b", "a=", "=b", "a=b=c", "/a=b"] {
            assert_eq!(parse(&[bad]), ImageError::Form(bad.into()));
        }
        assert_eq!(parse(&["a=b", "a/=c"]), ImageError::Twice("a".into()));
    }
}
