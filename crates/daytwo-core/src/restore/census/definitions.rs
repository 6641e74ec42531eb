//! What a CustomResourceDefinition says that restoring its objects needs: the versions it serves, the one it stores,
//! and who converts between them. It refuses to judge whether anybody answers.

use crate::json::{JsonError, elements, find, text_at};

/// A CustomResourceDefinition of the backup.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Definition {
    /// The versions it serves.
    pub served: Vec<String>,
    /// The version its objects are stored at.
    stored: String,
    /// Namespace and name of the Service that converts between versions.
    converter: Option<(String, String)>,
}

impl Definition {
    pub fn read(definition: &[u8]) -> Result<Self, JsonError> {
        let mut read = Self::default();
        if let Some(span) = find(definition, &["spec", "versions"])? {
            let versions = &definition[span];
            if versions.starts_with(b"[") {
                for version in elements(versions) {
                    read.version(&versions[version?])?;
                }
            }
        }
        let at = |path: &[&str]| text_at(definition, path);
        if at(&["spec", "conversion", "strategy"])?.as_deref() == Some("Webhook") {
            let service = ["spec", "conversion", "webhook", "clientConfig", "service"];
            let part = |key| at(&[service.as_slice(), &[key]].concat());
            let service = part("namespace")?.zip(part("name")?);
            read.converter = service.map(|(namespace, name)| (namespace.into_owned(), name.into_owned()));
        }
        Ok(read)
    }

    fn version(&mut self, version: &[u8]) -> Result<(), JsonError> {
        let Some(name) = text_at(version, &["name"])? else { return Ok(()) };
        let is =
            |key| Ok::<_, JsonError>(find(version, &[key])?.is_some_and(|span| &version[span] == b"true"));
        if is("storage")? {
            (*name).clone_into(&mut self.stored);
        }
        if is("served")? {
            self.served.push(name.into_owned());
        }
        Ok(())
    }

    /// Namespace and name of the Service without which nothing can be written at `version`.
    pub fn converter(&self, version: &str) -> Option<(&str, &str)> {
        let (namespace, name) = self.converter.as_ref().filter(|_| self.stored != version)?;
        Some((namespace, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_written_as_it_is_stored_needs_its_converter() {
        let versions = r#"[{"name":"v1","served":true,"storage":false},{"name":"v2","served":true,"storage":true},{"name":"v0","served":false,"storage":false}]"#;
        let read = |conversion: &str| {
            let text = format!(r#"{{"spec":{{"versions":{versions},"conversion":{conversion}}}}}"#);
            Definition::read(text.as_bytes()).unwrap()
        };
        let webhook = read(
            r#"{"strategy":"Webhook","webhook":{"clientConfig":{"service":{"namespace":"n","name":"s"}}}}"#,
        );
        assert_eq!(webhook.served, ["v1", "v2"]);
        assert_eq!((webhook.converter("v1"), webhook.converter("v2")), (Some(("n", "s")), None));
        assert_eq!(read(r#"{"strategy":"None"}"#).converter("v1"), None);
        let outside = read(r#"{"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://x"}}}"#);
        assert_eq!(outside.converter("v1"), None, "no Service to wait for");
    }
}
