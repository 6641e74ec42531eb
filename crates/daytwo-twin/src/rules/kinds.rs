//! What is the same for all writes of a kind, read once from `kinds.txt`.
//!
//! It refuses to say what a kind's fields must hold: that is [`super::check`].

use std::collections::HashMap;
use std::sync::LazyLock;

use daytwo_core::resource::ResourceType;
use serde_json::Value;

use super::words::{self, Format};

/// A line of the table.
pub(super) struct Kind {
    /// `pods`, `deployments.apps`.
    pub resource: &'static str,
    pub name: Format,
    pub generation: Generation,
    pub status: Status,
    /// What a write of the status leaves as it was.
    pub kept: Vec<&'static str>,
}

/// When `metadata.generation` rises.
pub(super) enum Generation {
    Never,
    /// 1 at creation; never raised.
    Once,
    /// 1 at creation; raised when one of these changes.
    Raised(Vec<&'static str>),
    /// 1 at creation; raised when anything but the metadata changes, or the labels.
    All,
    /// Nothing at creation; raised with the spec.
    Late,
}

/// What becomes of the status at creation.
pub(super) enum Status {
    /// The kind has none, or its registry does not look at it.
    Untouched,
    /// It is the client's at creation, the old one at an update.
    Client,
    /// A pod's, which depends on its spec.
    Pod,
    Reset(Value),
}

/// What kinds that the table does not name do.
static OTHER: Kind = Kind {
    resource: "",
    name: words::segment,
    generation: Generation::Never,
    status: Status::Untouched,
    kept: Vec::new(),
};

static KINDS: LazyLock<HashMap<&'static str, Kind>> = LazyLock::new(|| {
    let lines = include_str!("kinds.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let kind = read(line);
            (kind.resource, kind)
        })
        .collect()
});

/// The kind of a resource.
pub(super) fn of(resource: &ResourceType) -> &'static Kind {
    named(&resource.group_resource())
}

/// The kind by what [`ResourceType::group_resource`] calls it.
pub(super) fn named(group_resource: &str) -> &'static Kind {
    KINDS.get(group_resource).unwrap_or(&OTHER)
}

fn read(line: &'static str) -> Kind {
    let mut words = line.split_whitespace();
    let mut word = || words.next().expect("invariant: kinds.txt has five columns");
    Kind {
        resource: word(),
        name: match word() {
            "label" => words::label,
            "segment" => words::segment,
            "address" => words::address,
            "key" => words::config_key,
            "any" => |_| Vec::new(),
            _ => words::subdomain,
        },
        generation: match word() {
            "-" => Generation::Never,
            "once" => Generation::Once,
            "all" => Generation::All,
            "late" => Generation::Late,
            fields => Generation::Raised(fields.split('+').collect()),
        },
        status: match word() {
            "-" => Status::Untouched,
            "keep" => Status::Client,
            "pod" => Status::Pod,
            json => Status::Reset(serde_json::from_str(json).expect("invariant: kinds.txt holds JSON")),
        },
        kept: match word() {
            "-" => Vec::new(),
            fields => fields.split(',').collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        assert!(KINDS.len() > 60, "{}", KINDS.len());
        assert!(
            matches!(named("deployments.apps").generation, Generation::Raised(ref fields) if fields.len() == 2)
        );
        assert!(matches!(named("pods").status, Status::Pod));
        assert_eq!(named("widgets.example.com").resource, "");
    }
}
