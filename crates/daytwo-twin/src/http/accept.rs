//! What a client takes (`pkg/endpoints/handlers/negotiation/negotiate.go` of k8s.io/apiserver v0.36, behind go-restful's
//! own look at `Accept`).
//!
//! It refuses protobuf and CBOR: a client that takes nothing else gets 406, one that takes JSON as well gets that.

use super::view::{Shape, View};
use crate::print::Include;
use crate::status::{Result, Status};

/// What is given, as the real server lists it where nothing fits.
const GIVEN: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/// What is given of watches.
pub(super) const STREAMED: [&str; 2] =
    ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];

/// One of the things a client takes.
struct Clause<'a> {
    media: &'a str,
    form: &'a str,
    version: &'a str,
    group: &'a str,
    /// Of a thousand.
    weight: u32,
}

impl<'a> Clause<'a> {
    fn of(text: &'a str) -> Clause<'a> {
        let mut parts = text.split(';').map(str::trim);
        let mut clause = Clause {
            media: parts.next().unwrap_or_default(),
            form: "",
            version: "",
            group: "",
            weight: 1_000,
        };
        for part in parts {
            match part.split_once('=') {
                Some(("as", word)) => clause.form = word,
                Some(("v", word)) => clause.version = word,
                Some(("g", word)) => clause.group = word,
                Some(("q", word)) => clause.weight = thousandths(word),
                _ => {}
            }
        }
        clause
    }

    /// Whether it is YAML; `None` where it is nothing that is given.
    fn yaml(&self) -> Option<bool> {
        match self.media {
            "application/json" | "*/*" | "application/*" => Some(false),
            "application/yaml" => Some(true),
            _ => None,
        }
    }

    fn plain(&self) -> bool {
        self.form.is_empty() && self.version.is_empty() && self.group.is_empty()
    }
}

fn thousandths(text: &str) -> u32 {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if whole != "0" {
        return 1_000;
    }
    format!("{rest:0<3.3}").parse().unwrap_or(0)
}

/// What a client takes, what it likes best first.
fn clauses(accept: &str) -> Vec<Clause<'_>> {
    let mut all: Vec<Clause<'_>> = accept.split(',').map(Clause::of).collect();
    all.sort_by_key(|clause| std::cmp::Reverse(clause.weight));
    all
}

impl View {
    /// The first of what a client takes that can be given. What asks for nothing gets JSON.
    ///
    /// # Errors
    /// 406 where nothing can; 400 of a table with other rows than there are.
    pub(super) fn of(accept: &str, include: &str) -> Result<View> {
        if accept.trim().is_empty() {
            return Ok(View { shape: Shape::Whole, yaml: false });
        }
        for clause in clauses(accept) {
            let Some(yaml) = clause.yaml() else { continue };
            let version = match (clause.group, clause.version) {
                ("meta.k8s.io", "v1") => "v1",
                ("meta.k8s.io", "v1beta1") => "v1beta1",
                _ => "",
            };
            let shape = match clause.form {
                "" if clause.plain() => Shape::Whole,
                "Table" if !version.is_empty() => Shape::Table(version, Include::of(include)?),
                "PartialObjectMetadata" if !version.is_empty() => Shape::Partial(version),
                "PartialObjectMetadataList" if !version.is_empty() => Shape::Partials(version),
                _ => continue,
            };
            return Ok(View { shape, yaml });
        }
        Err(Status::not_acceptable(&GIVEN))
    }

    /// Documents that have one form only, as YAML or not.
    ///
    /// # Errors
    /// 406 where neither is taken.
    pub(super) fn of_document(accept: &str) -> Result<bool> {
        if accept.trim().is_empty() {
            return Ok(false);
        }
        let plain = clauses(accept).into_iter().filter(Clause::plain).find_map(|clause| clause.yaml());
        plain.ok_or_else(|| Status::not_acceptable(&GIVEN))
    }
}

/// What go-restful says of a client that takes nothing that a route gives: it knows no `application/*`, and takes weights
/// and forms for granted. `lists` says that the route also gives watches.
pub(super) fn refused(accept: &str, lists: bool) -> Option<Status> {
    let mut given = GIVEN.to_vec();
    if lists {
        given.extend(STREAMED);
    }
    let media = |text: &'_ str| text.split(';').next().unwrap_or_default().trim().to_owned();
    let fits = accept.trim().is_empty()
        || accept.split(',').map(media).any(|media| media == "*/*" || given.contains(&media.as_str()));
    if fits {
        return None;
    }
    let message = format!("406: Not Acceptable\n\nAvailable representations: {}", given.join(", "));
    Some(Status { bare: true, ..Status::new(406, "NotAcceptable", message) })
}

/// The version of the aggregated document that a client prefers to the plain one.
pub(super) fn aggregated(accept: &str) -> bool {
    for clause in clauses(accept) {
        if clause.media != "application/json" {
            continue;
        }
        match (clause.group, clause.form, clause.version) {
            ("apidiscovery.k8s.io", "APIGroupDiscoveryList", "v2") => return true,
            _ if clause.plain() => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_that_can_be_given_is() {
        let of = |accept: &str| View::of(accept, "").map_err(|status| status.code);
        let whole = |yaml| Ok(View { shape: Shape::Whole, yaml });
        assert_eq!(of(""), whole(false));
        assert_eq!(of("text/html,application/yaml;q=0.5,application/json;q=0.4"), whole(true));
        assert_eq!(of("application/json;as=Nothing;v=v1;g=meta.k8s.io,*/*"), whole(false));
        assert_eq!(of("application/vnd.kubernetes.protobuf"), Err(406));
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
        let shape = of(&format!("{table},application/json")).unwrap().shape;
        assert_eq!(shape, Shape::Table("v1", Include::Metadata));
        assert!(refused("application/*", false).is_some());
        assert!(refused(table, false).is_none());
        assert_eq!(View::of_document(table).unwrap_err().code, 406);
        assert!(aggregated(
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
        ));
        assert!(!aggregated(
            "application/json,application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        ));
    }
}
