//! Names of images, as far as a pull policy needs them (`pkg/util/parsers/parsers.go` of Kubernetes 1.36.3,
//! `github.com/distribution/reference` v0.6.0).
//!
//! It refuses to resolve anything: only whether the tag is `latest` is asked.

use std::sync::OnceLock;

use regex::Regex;

const HOST: &str = r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?";
const PART: &str = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const TAG: &str = r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}";
const DIGEST: &str = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";

/// As long as the path of a name may be.
const PATH: usize = 255;

/// `Always` for the tag `latest`, given or meant; `IfNotPresent` for others, and for what is no name of an image.
pub(super) fn pull_policy(image: &str) -> &'static str {
    match tag(image) {
        Some("latest") => "Always",
        _ => "IfNotPresent",
    }
}

/// The tag, `latest` where there is neither tag nor digest, and nothing where there is only a digest. `None` for what
/// is no name.
fn tag(image: &str) -> Option<&str> {
    static NAME: OnceLock<Regex> = OnceLock::new();
    let name = NAME.get_or_init(|| {
        let pattern = format!(
            "^(?:{HOST}/)?(?P<path>{PART}(?:/{PART})*)(?::(?P<tag>{TAG}))?(?:@(?P<digest>{DIGEST}))?$"
        );
        Regex::new(&pattern).expect("invariant: the pattern is a constant, and tested")
    });
    let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if image.len() == 64 && hex(image) {
        return None;
    }
    let (domain, rest) = match image.split_once('/') {
        Some((first, rest))
            if first == "localhost" || first.contains(['.', ':']) || first.to_lowercase() != first =>
        {
            (first, rest)
        }
        _ => ("docker.io", image),
    };
    let remote = rest.split(':').next().unwrap_or_default();
    if remote.to_lowercase() != remote {
        return None;
    }
    let library = matches!(domain, "docker.io" | "index.docker.io") && !rest.contains('/');
    let whole = format!("{domain}/{}{rest}", if library { "library/" } else { "" });
    let found = name.captures(&whole)?;
    let digest = found.name("digest").map(|digest| digest.as_str());
    if found.name("path").is_none_or(|path| path.len() > PATH) || digest.is_some_and(|digest| !known(digest))
    {
        return None;
    }
    match (found.name("tag"), digest) {
        // At the same distance from the end as in the whole.
        (Some(tag), _) => {
            let end = image.len().checked_sub(whole.len() - tag.end())?;
            image.get(end.checked_sub(tag.len())?..end)
        }
        (None, Some(_)) => Some(""),
        (None, None) => Some("latest"),
    }
}

/// Whether the digest is of an algorithm that is known, and of its length.
fn known(digest: &str) -> bool {
    let lower = |hex: &str| hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        let length = match algorithm {
            "sha256" => 64,
            "sha384" => 96,
            "sha512" => 128,
            _ => 0,
        };
        hex.len() == length && lower(hex)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_found_or_meant() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let known = [
            ("nginx", Some("latest")),
            ("nginx:1.2", Some("1.2")),
            ("localhost:5000/a/b", Some("latest")),
            ("localhost:5000/a/b:latest", Some("latest")),
            ("Registry/a:1", Some("1")),
            ("Nginx", None),
            ("", None),
            ("a b", None),
            ("a:", None),
        ];
        for (image, expected) in known {
            assert_eq!(tag(image), expected, "{image}");
        }
        assert_eq!(tag(&format!("a@{digest}")), Some(""));
        assert_eq!(tag(&format!("a:latest@{digest}")), Some("latest"));
        assert_eq!(tag(&format!("a@sha256:{}", "a".repeat(63))), None);
        assert_eq!(tag(&"a".repeat(64)), None);
        assert_eq!(pull_policy(&"é".repeat(40)), "IfNotPresent");
    }
}
