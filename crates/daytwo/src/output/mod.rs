//! stdout: data, in the format asked for. stderr: conversation.
//!
//! Every result that is not a Kubernetes object is a [`Document`]: JSON with `apiVersion: daytwo.dev/v1alpha1` and a
//! kind, whose schema is under `docs/schema`. Kubernetes objects out of a backup are printed with the digits and the
//! key order they are stored with ([`json`], [`yaml`]).

pub mod json;
pub mod objects;
pub mod paint;
pub mod speak;
pub mod table;
pub mod words;
pub mod yaml;

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::Format;
use crate::failure::Result;
use paint::Paint;

/// The version of every document this program prints.
pub const API_VERSION: &str = "daytwo.dev/v1alpha1";

/// A result that can be printed in every format.
pub trait Document: Serialize {
    /// The kind, as in the schema's file name; `None` where the document says its `apiVersion` and `kind` by itself.
    fn kind(&self) -> Option<&'static str>;
    /// The text for people, each line with its newline; `wide` asks for more columns.
    fn text(&self, paint: Paint, wide: bool) -> String;
    /// One name a line for `-o name`.
    fn names(&self) -> Vec<String>;
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Versioned<'a, T> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    document: &'a T,
}

/// Where documents are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Data.
    Stdout,
    /// Conversation: what a verb that is a part of another would print.
    Stderr,
}

/// stdout, and how to fill it.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    /// The format asked for.
    pub format: Format,
    /// Colour there.
    pub paint: Paint,
    /// Where to.
    pub channel: Channel,
}

impl Out {
    /// Prints a document. A reader that went away is no failure: what the verb did still counts.
    ///
    /// # Errors
    /// Those of writing.
    pub fn document<T: Document>(&self, document: &T) -> Result<()> {
        match self.bytes(&render(document, self.format, self.paint)?) {
            Err(error) if error.is_closed_pipe() => Ok(()),
            other => other,
        }
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// Those of writing; a closed pipe too, so that long output stops early.
    pub fn bytes(&self, bytes: &[u8]) -> Result<()> {
        let mut to: Box<dyn Write> = match self.channel {
            Channel::Stdout => Box::new(io::stdout().lock()),
            Channel::Stderr => Box::new(io::stderr().lock()),
        };
        to.write_all(bytes)?;
        to.flush()?;
        Ok(())
    }
}

fn render<T: Document>(document: &T, format: Format, paint: Paint) -> Result<Vec<u8>> {
    let compact = || -> Result<Vec<u8>> {
        Ok(match document.kind() {
            None => serde_json::to_vec(document)?,
            Some(kind) => serde_json::to_vec(&Versioned { api_version: API_VERSION, kind, document })?,
        })
    };
    Ok(match format {
        Format::Table => document.text(paint, false).into_bytes(),
        Format::Wide => document.text(paint, true).into_bytes(),
        Format::Json => json::pretty(&compact()?),
        Format::Yaml => yaml::of_json(&compact()?)?,
        Format::Name => {
            let mut text = document.names().join("\n");
            if !text.is_empty() {
                text.push('\n');
            }
            text.into_bytes()
        }
    })
}
