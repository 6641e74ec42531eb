//! Lists: long ones are written while they are sent.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Map;

use super::view::{Shape, Writer, write};
use crate::api::Listed;
use crate::ask::Object;
use crate::kinds::Origin;
use crate::print::Form;
use crate::store::Stored;

/// About how many bytes are made at once.
const PIECE: usize = 128 << 10;

/// A list that is written while it is sent.
pub struct Pieces {
    writer: Writer,
    objects: std::vec::IntoIter<Arc<Stored>>,
    /// What stands before the objects; then a comma between them.
    before: Vec<u8>,
    /// What stands behind them.
    after: &'static [u8],
    ended: bool,
    deep: bool,
    /// Written before it was asked for, as a table is.
    whole: Option<Bytes>,
}

impl Pieces {
    /// `deep` says whether objects may be nested too deeply for a thread's stack.
    pub(super) fn new(listed: Listed, writer: Writer, deep: bool) -> Pieces {
        let mut metadata = Map::new();
        metadata.insert("resourceVersion".into(), listed.revision.to_string().into());
        if let Some(next) = listed.next {
            metadata.insert("continue".into(), next.into());
        }
        if let Some(remaining) = listed.remaining {
            metadata.insert("remainingItemCount".into(), remaining.into());
        }
        let (mut before, mut whole) = (Vec::new(), None);
        let mut objects = listed.objects;
        let kind = &writer.resource.kind;
        let head = |kind: &str, version: &str, metadata: &Object| {
            let mut out =
                format!("{{\"kind\":\"{kind}\",\"apiVersion\":\"{version}\",\"metadata\":").into_bytes();
            write(&mut out, metadata);
            out.extend_from_slice(b",\"items\":[");
            out
        };
        match writer.view.shape {
            Shape::Whole => {
                let list = match writer.resource.definition() {
                    Some(definition) => definition.names.list_kind.clone(),
                    None => format!("{}List", kind.kind),
                };
                // Lists of what has no struct say also that they do not go on.
                if !matches!(writer.resource.origin, Origin::BuiltIn) {
                    metadata.entry("continue").or_insert_with(|| "".into());
                }
                before = head(&list, &kind.api_version(), &metadata);
            }
            Shape::Partial(version) | Shape::Partials(version) => {
                before = head("PartialObjectMetadataList", &format!("meta.k8s.io/{version}"), &metadata);
            }
            Shape::Table(version, include) => {
                let mut out = Vec::new();
                let form = Form { version, include, headed: true };
                let all = std::mem::take(&mut objects);
                let trees = all.iter().map(|stored| writer.printed(stored));
                writer.printer().table(&mut out, form, &metadata, trees, writer.now());
                whole = Some(Bytes::from(out));
            }
        }
        Pieces {
            writer,
            objects: objects.into_iter(),
            before,
            after: b"]}\n",
            ended: whole.is_some(),
            deep,
            whole,
        }
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        crate::depth::with_room(self.deep, || self.piece())
    }

    fn piece(&mut self) -> Option<Bytes> {
        if let Some(whole) = self.whole.take() {
            return Some(whole);
        }
        if self.ended {
            return None;
        }
        let mut out = Vec::with_capacity(PIECE + (16 << 10));
        for stored in self.objects.by_ref() {
            out.append(&mut self.before);
            self.writer.item(&stored, &mut out);
            self.before.push(b',');
            if out.len() >= PIECE {
                return Some(out.into());
            }
        }
        if self.before != b"," {
            out.append(&mut self.before);
        }
        out.extend_from_slice(self.after);
        self.ended = true;
        Some(out.into())
    }
}
