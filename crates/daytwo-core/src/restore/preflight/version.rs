//! A server older than the one the backup was made on, and versions of custom resources that it would take instead. It
//! refuses to convert anything.

use serde::Deserialize;

use crate::finding::{Finding, Severity};
use crate::json::{JsonError, find, text_at};

/// The minor of a version such as `v1.36.3`; `None` where it has none.
pub(super) fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix('v').unwrap_or(version).strip_prefix("1.")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Whether the cluster is older than the backup's.
pub(super) fn finding(backup: &str, cluster: &str) -> Option<Finding> {
    let (was, is) = (minor(backup)?, minor(cluster)?);
    let older = was.checked_sub(is).filter(|older| *older > 0)?;
    Some(Finding {
        id: "restore-server-older".to_owned(),
        // One minor apart, servers of one cluster run side by side while it is upgraded.
        severity: if older > 1 { Severity::Warning } else { Severity::Info },
        subject: format!("the server of 1.{is}"),
        evidence: format!("the backup was made on 1.{was} ({backup}), this server is 1.{is} ({cluster})"),
        breaks: "fields and kinds that came with the minors between are dropped or refused".to_owned(),
        remedy: format!("look at what the dry run passes over, or upgrade the cluster to 1.{was} first"),
        command: Some("kubectl version".to_owned()),
    })
}

/// What a CustomResourceDefinition of the cluster says of its versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definition {
    /// Each version, and whether it is served.
    versions: Vec<(String, bool)>,
    /// Whether a webhook converts between them.
    webhook: bool,
}

impl Definition {
    /// Reads one; `None` where its versions cannot be read.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn of(object: &[u8]) -> Result<Option<Self>, JsonError> {
        #[derive(Deserialize)]
        struct Version {
            name: String,
            served: bool,
        }
        let Some(span) = find(object, &["spec", "versions"])? else { return Ok(None) };
        let Ok(versions) = serde_json::from_slice::<Vec<Version>>(&object[span]) else { return Ok(None) };
        let strategy = text_at(object, &["spec", "conversion", "strategy"])?;
        Ok(Some(Self {
            versions: versions.into_iter().map(|version| (version.name, version.served)).collect(),
            webhook: strategy.as_deref() == Some("Webhook"),
        }))
    }

    /// What to do with objects of `resource` at `version`, which is not served; and the command, if there is one.
    pub(crate) fn remedy(&self, resource: &str, version: &str) -> (String, Option<String>) {
        if let Some(index) = self.versions.iter().position(|(name, served)| name == version && !served) {
            return (
                format!(
                    "serve {version} again until they are restored: its CustomResourceDefinition knows it"
                ),
                Some(format!(
                    "kubectl patch customresourcedefinition {resource} --type=json -p \
                     '[{{\"op\":\"replace\",\"path\":\"/spec/versions/{index}/served\",\"value\":true}}]'"
                )),
            );
        }
        let served: Vec<&str> =
            self.versions.iter().filter(|(_, served)| *served).map(|(name, _)| name.as_str()).collect();
        let remedy = match (served.as_slice(), self.webhook) {
            ([], _) => "make its CustomResourceDefinition serve a version".to_owned(),
            (versions, false) => format!(
                "{} would take them if their fields are the same there, which its CustomResourceDefinition does not \
                 say of {version}; install the release that serves both, restore, then upgrade",
                versions.join(" or ")
            ),
            (versions, true) => format!(
                "{} would take them once who made the kind has converted them: the cluster's webhook knows no {version}; \
                 install the release that serves both, restore, then upgrade",
                versions.join(" or ")
            ),
        };
        (remedy, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_server_is_told_with_both_minors() {
        assert_eq!(finding("v1.36.3", "v1.36.0"), None);
        assert_eq!(finding("v1.33.1", "v1.36.3"), None, "a newer one is no loss");
        assert_eq!(finding("", "v1.36.3"), None, "of Velero's backups the minor may be missing");
        let one = finding("v1.36.3", "v1.35.9-eks-123").unwrap();
        assert_eq!(one.severity, Severity::Info);
        assert!(one.evidence.contains("on 1.36 ") && one.evidence.contains("is 1.35 "), "{}", one.evidence);
        assert_eq!(finding("1.36", "v1.33+").unwrap().severity, Severity::Warning);
    }

    fn definition(versions: &str, strategy: &str) -> Definition {
        let json =
            format!(r#"{{"spec":{{"versions":[{versions}],"conversion":{{"strategy":"{strategy}"}}}}}}"#);
        Definition::of(json.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_version_that_is_known_and_not_served_can_be_served_again() {
        let known = definition(r#"{"name":"v1","served":true},{"name":"v1beta1","served":false}"#, "None");
        let (remedy, command) = known.remedy("ws.x.io", "v1beta1");
        assert!(remedy.starts_with("serve v1beta1 again"), "{remedy}");
        assert!(command.unwrap().contains("/spec/versions/1/served"));
    }

    #[test]
    fn the_version_that_would_take_them_is_named() {
        let plain = definition(r#"{"name":"v2","served":true}"#, "None");
        assert!(plain.remedy("ws.x.io", "v1").0.starts_with("v2 would take them if "));
        let converted = definition(r#"{"name":"v2","served":true},{"name":"v3","served":true}"#, "Webhook");
        assert!(converted.remedy("ws.x.io", "v1").0.contains("v2 or v3 would take them once"));
        assert_eq!(Definition::of(b"{}").unwrap(), None);
    }
}
