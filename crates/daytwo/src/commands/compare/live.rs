//! The cluster as a side of a comparison: its resources, listed page by page, each object with the bytes a backup would
//! hold.

use bytes::Bytes;
use daytwo_core::json::{JsonError, Meta, elements, find, quote, string};
use daytwo_core::resource::ResourceType;
use daytwo_engine::Site;
use daytwo_engine::api::{self, ApiError};
use daytwo_engine::discovery::{Discovery, Served, discover};

use crate::failure::Result;

/// Objects asked for with one request.
const PAGE: u32 = 500;

/// A cluster and what it serves.
pub struct Live {
    site: Site,
    discovery: Discovery,
}

/// One object of the cluster.
pub struct Listed {
    pub namespace: Option<String>,
    pub name: String,
    pub bytes: Bytes,
}

/// A list that is being read.
pub struct List<'a> {
    site: &'a Site,
    kind: ResourceType,
    path: String,
    next: Option<String>,
    begun: bool,
}

/// Why a list could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The server did not give it.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The server's answer is no list.
    #[error("the list cannot be read: {0}")]
    Garbled(#[from] JsonError),
}

impl Live {
    /// Asks `site` what it serves.
    ///
    /// # Errors
    /// Those of discovery.
    pub async fn of(site: Site) -> Result<Self> {
        let discovery = discover(site.client()).await?;
        Ok(Self { site, discovery })
    }

    /// The context, by which people know the cluster.
    pub fn name(&self) -> &str {
        &self.site.identity().context
    }

    /// What it serves and lists.
    pub fn resources(&self) -> impl Iterator<Item = &Served> {
        self.discovery.resources.iter().filter(|served| served.listable())
    }

    /// Whether it serves the resource.
    pub fn serves(&self, resource: &str) -> bool {
        self.discovery.resources.iter().any(|served| served.kind.group_resource() == resource)
    }

    /// Why it cannot be told whether it serves the resource.
    pub fn unknown(&self, resource: &str) -> Option<&str> {
        let group = resource.split_once('.').map_or("", |(_, group)| group);
        let unknown = self.discovery.unknown.iter().find(|unknown| unknown.group == group)?;
        Some(&unknown.why)
    }

    /// Begins to list a resource, at `version` if it is served.
    pub fn list<'a>(&'a self, served: &Served, version: Option<&str>, namespace: Option<&str>) -> List<'a> {
        let mut kind = served.kind.clone();
        if let Some(version) =
            version.filter(|version| served.other_versions.iter().any(|other| other == version))
        {
            version.clone_into(&mut kind.version);
        }
        List { site: &self.site, path: served.path(&kind.version, namespace), kind, next: None, begun: false }
    }
}

impl List<'_> {
    /// The resource, at the version it is listed at.
    pub fn kind(&self) -> &ResourceType {
        &self.kind
    }

    /// The next page; `None` after the last.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn next(&mut self) -> Result<Option<Vec<Listed>>, ListError> {
        if self.begun && self.next.is_none() {
            return Ok(None);
        }
        self.begun = true;
        let mut path = format!("{}?limit={PAGE}", self.path);
        if let Some(token) = self.next.take() {
            path.push_str("&continue=");
            path.extend(token.bytes().map(escape));
        }
        let body = api::get(self.site.client(), &path, "application/json").await?;
        let token = find(&body, &["metadata", "continue"])?.and_then(|span| string(&body[span]));
        self.next = token.filter(|token| !token.is_empty()).map(|token| token.into_owned());
        self.page(&body).map(Some)
    }

    fn page(&self, body: &Bytes) -> Result<Vec<Listed>, ListError> {
        let mut page = Vec::new();
        let Some(items) = find(body, &["items"])? else {
            return Err(JsonError { offset: body.len(), expected: "a list with items" }.into());
        };
        if &body[items.clone()] == b"null" {
            return Ok(page);
        }
        for span in elements(&body[items.clone()]) {
            let span = span?;
            let item = body.slice(items.start + span.start..items.start + span.end);
            let meta = Meta::of(&item)?;
            let (namespace, name) = (meta.namespace.map(|text| text.into_owned()), meta.name.into_owned());
            let bytes = if meta.api_version.is_some() { item } else { with_type(&self.kind, &item) };
            page.push(Listed { namespace, name, bytes });
        }
        Ok(page)
    }
}

/// Items of lists carry no type; objects of a backup do, in front.
fn with_type(kind: &ResourceType, item: &[u8]) -> Bytes {
    let mut bytes = format!("{{\"apiVersion\":{},\"kind\":{}", quote(&kind.api_version()), quote(&kind.kind))
        .into_bytes();
    let rest = item.strip_prefix(b"{").unwrap_or(item);
    if !rest.trim_ascii_start().starts_with(b"}") {
        bytes.push(b',');
    }
    bytes.extend_from_slice(rest);
    bytes.into()
}

/// A byte of a query's value.
fn escape(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_of_a_list_gets_its_type_in_front() {
        let kind = ResourceType {
            group: "apps".into(),
            version: "v1".into(),
            resource: "deployments".into(),
            kind: "Deployment".into(),
            namespaced: true,
        };
        assert_eq!(
            with_type(&kind, br#"{"metadata":{}}"#),
            r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{}}"#
        );
        assert_eq!(with_type(&kind, b"{}"), r#"{"apiVersion":"apps/v1","kind":"Deployment"}"#);
    }

    #[test]
    fn a_continue_token_is_escaped() {
        assert_eq!("a+/=".bytes().map(escape).collect::<String>(), "a%2B%2F%3D");
    }
}
