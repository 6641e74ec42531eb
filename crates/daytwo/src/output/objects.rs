//! Kubernetes objects on stdout, one after another, as kubectl prints those of a cluster.
//!
//! Each is printed as it is given, so that a list of many needs no memory. The values of Secrets stay hidden unless they
//! are asked for.

use daytwo_core::json::Meta;
use daytwo_core::redact::redact;
use daytwo_core::resource::ResourceType;

use super::table::Table;
use super::{Out, json, yaml};
use crate::cli::Format;
use crate::failure::Result;
use crate::kinds;

/// What the question says about the form of its answer.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Whether the objects go into a `List`, as where a kind is asked for and not one object.
    pub list: bool,
    /// Whether objects of several namespaces may come, so that each names its own.
    pub namespaces: bool,
    /// Whether several kinds may come, so that each name says its kind.
    pub kinds: bool,
    /// Whether the values of Secrets are shown.
    pub show_secrets: bool,
}

/// Prints objects one after another in the format asked for.
pub struct Printer {
    out: Out,
    shape: Shape,
    shown: u64,
    table: Table,
}

impl Printer {
    /// Nothing is printed yet.
    pub fn new(out: Out, shape: Shape) -> Self {
        let mut header = vec!["NAMESPACE", "NAME", "CREATED"];
        if !shape.namespaces {
            header.remove(0);
        }
        if out.format == Format::Wide {
            header.extend(["API-VERSION", "RESOURCE-VERSION", "UID"]);
        }
        Self { out, shape, shown: 0, table: Table::new(header) }
    }

    /// How many objects were given.
    pub fn shown(&self) -> u64 {
        self.shown
    }

    /// Prints one object. Rows of a table come at the end, since columns are as wide as the widest.
    ///
    /// # Errors
    /// Those of writing to stdout; for an object that is no JSON.
    pub fn object(
        &mut self,
        kind: &ResourceType,
        namespace: Option<&str>,
        name: &str,
        bytes: &[u8],
    ) -> Result<()> {
        let first = self.shown == 0;
        self.shown += 1;
        match self.out.format {
            Format::Name => self.out.bytes(format!("{}{name}\n", kinds::name_prefix(kind)).as_bytes()),
            Format::Table | Format::Wide => self.row(kind, namespace, name, bytes),
            Format::Json => {
                let shown = self.showable(kind, bytes)?;
                if !self.shape.list {
                    return self.out.bytes(&json::pretty(&shown));
                }
                let mut text = if first { LIST_JSON.as_bytes().to_vec() } else { b",\n    ".to_vec() };
                json::indent(&mut text, &shown, 2);
                self.out.bytes(&text)
            }
            Format::Yaml => {
                let shown = self.showable(kind, bytes)?;
                if !self.shape.list {
                    return self.out.bytes(&yaml::of_json(&shown)?);
                }
                let mut text = if first { LIST_YAML.as_bytes().to_vec() } else { Vec::new() };
                // A list of one, at the column where the items of the List stand.
                let item = [b"[", shown.as_slice(), b"]"].concat();
                text.extend_from_slice(&yaml::of_json(&item)?);
                self.out.bytes(&text)
            }
        }
    }

    fn row(&mut self, kind: &ResourceType, namespace: Option<&str>, name: &str, bytes: &[u8]) -> Result<()> {
        let meta = Meta::of_prefix(bytes)?;
        let text = |value: Option<std::borrow::Cow<'_, str>>| value.unwrap_or_default().into_owned();
        let shown =
            if self.shape.kinds { format!("{}{name}", kinds::name_prefix(kind)) } else { name.to_owned() };
        let mut row = vec![shown.into(), text(meta.creation_timestamp).into()];
        if self.shape.namespaces {
            row.insert(0, namespace.unwrap_or_default().into());
        }
        if self.out.format == Format::Wide {
            row.extend([
                kind.api_version().into(),
                text(meta.resource_version).into(),
                text(meta.uid).into(),
            ]);
        }
        self.table.row(row);
        Ok(())
    }

    fn showable(&self, kind: &ResourceType, bytes: &[u8]) -> Result<Vec<u8>> {
        if self.shape.show_secrets {
            return Ok(bytes.to_vec());
        }
        Ok(redact(&kind.group_resource(), bytes)?)
    }

    /// Ends the list; one without objects is printed empty.
    ///
    /// # Errors
    /// Those of writing to stdout.
    pub fn end(self) -> Result<()> {
        match (self.out.format, self.shape.list, self.shown) {
            (Format::Table | Format::Wide, ..) => {
                self.out.bytes(self.table.render(self.out.paint).as_bytes())
            }
            (Format::Json, true, 0) => self.out.bytes(EMPTY_JSON.as_bytes()),
            (Format::Json, true, _) => self.out.bytes(b"\n  ]\n}\n"),
            (Format::Yaml, true, 0) => self.out.bytes(EMPTY_YAML.as_bytes()),
            _ => Ok(()),
        }
    }
}

const LIST_JSON: &str = "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"List\",\n  \"items\": [\n    ";
const EMPTY_JSON: &str = "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"List\",\n  \"items\": []\n}\n";
const EMPTY_YAML: &str = "apiVersion: v1\nkind: List\nitems: []\n";
const LIST_YAML: &str = "apiVersion: v1\nkind: List\nitems:\n";
