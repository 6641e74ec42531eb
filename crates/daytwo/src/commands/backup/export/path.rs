//! Where an exported object's file stands, and what it is called.
//!
//! `kubectl apply -R` takes files in the order of their paths, so definitions stand first and what would refuse or
//! change other objects stands last. A name that a file system cannot hold is escaped and shortened; the index says
//! which object a file is.

use daytwo_core::resource::ResourceType;
use daytwo_core::restore::Wave;

/// The longest file name written, in bytes; most file systems take 255.
const LONGEST: usize = 200;

/// The folder of CustomResourceDefinitions.
pub const DEFINITIONS: &str = "1-definitions";

/// The path of an object's file, with `/` between its parts; `wave` is when a restore would write it.
pub fn of(resource: &ResourceType, namespace: Option<&str>, name: &str, wave: Wave) -> String {
    let kind = file_name(&resource.group_resource());
    let folder = match (wave, namespace) {
        (Wave::Definitions, _) => DEFINITIONS.to_owned(),
        (Wave::Limits, None) => format!("4-limits/{kind}"),
        (Wave::Limits, Some(namespace)) => format!("4-limits/{}/{kind}", file_name(namespace)),
        (Wave::Webhooks, _) => format!("5-webhooks/{kind}"),
        (Wave::Namespaces, _) => "2-cluster/0-namespaces".to_owned(),
        (_, None) => format!("2-cluster/{kind}"),
        (_, Some(namespace)) => format!("3-namespaces/{}/{kind}", file_name(namespace)),
    };
    format!("{folder}/{}.yaml", file_name(name))
}

/// The name as a file name: bytes other than letters, digits, `-`, `_` and `.` as `%XX`, a long one cut and ended with
/// `~` and 16 hexadecimal digits of its hash.
fn file_name(name: &str) -> String {
    use std::fmt::Write;
    let mut escaped = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        let plain =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && index > 0);
        if plain {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    if escaped.len() > LONGEST {
        escaped.truncate(LONGEST - 17);
        let _ = write!(escaped, "~{:016x}", fnv1a(name.as_bytes()));
    }
    escaped
}

/// FNV-1a, 64 bits: tells shortened names apart. Not against an adversary: a file that exists is never overwritten.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(group: &str, plural: &str) -> ResourceType {
        ResourceType {
            group: group.into(),
            version: "v1".into(),
            kind: "K".into(),
            resource: plural.into(),
            namespaced: true,
        }
    }

    #[test]
    fn paths_sort_in_the_order_of_applying() {
        let paths = [
            of(
                &resource("apiextensions.k8s.io", "customresourcedefinitions"),
                None,
                "w.example",
                Wave::Definitions,
            ),
            of(&resource("", "namespaces"), None, "shop", Wave::Namespaces),
            of(&resource("", "persistentvolumes"), None, "a", Wave::Volumes),
            of(&resource("", "configmaps"), Some("shop"), "c", Wave::Config),
            of(&resource("apps", "deployments"), Some("shop"), "d", Wave::Workloads),
            of(&resource("", "resourcequotas"), Some("shop"), "q", Wave::Limits),
            of(
                &resource("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
                None,
                "w",
                Wave::Webhooks,
            ),
        ];
        assert!(paths.is_sorted(), "{paths:?}");
        assert_eq!(paths[4], "3-namespaces/shop/deployments.apps/d.yaml");
    }

    #[test]
    fn names_that_no_file_can_have_are_escaped() {
        assert_eq!(file_name("system:node"), "system%3Anode");
        assert_eq!(file_name("../x"), "%2E.%2Fx");
        assert!(!file_name("..").starts_with('.'));
        assert_eq!(file_name("a%b"), "a%25b");
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (a, b) = (format!("{}a", "x".repeat(252)), format!("{}b", "x".repeat(252)));
        assert!(file_name(&a).len() <= LONGEST);
        assert_ne!(file_name(&a), file_name(&b));
        assert_eq!(file_name(&"y".repeat(200)), "y".repeat(200));
    }
}
