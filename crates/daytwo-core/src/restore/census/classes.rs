//! Which classes objects name: storage, priority, runtime, ingress. It refuses to judge whether they are there.

use super::{Census, PRIORITY_CLASSES, RUNTIME_CLASSES, STORAGE_CLASSES};
use crate::json::{JsonError, elements, find, text_at};
use crate::resource::ObjectKey;
use crate::restore::Source;

impl Census {
    pub(super) fn need_of_pod(&mut self, source: &Source<'_>, spec: &[&str]) -> Result<(), JsonError> {
        let Some(span) = find(source.bytes, spec)? else { return Ok(()) };
        let spec = &source.bytes[span];
        self.need(PRIORITY_CLASSES, source, spec, &["priorityClassName"])?;
        self.need(RUNTIME_CLASSES, source, spec, &["runtimeClassName"])
    }

    pub(super) fn need_of_claim_templates(&mut self, source: &Source<'_>) -> Result<(), JsonError> {
        let Some(span) = find(source.bytes, &["spec", "volumeClaimTemplates"])? else { return Ok(()) };
        let templates = &source.bytes[span];
        if !templates.starts_with(b"[") {
            return Ok(());
        }
        for template in elements(templates) {
            self.need(STORAGE_CLASSES, source, &templates[template?], &["spec", "storageClassName"])?;
        }
        Ok(())
    }

    pub(super) fn need(
        &mut self,
        class: &'static str,
        source: &Source<'_>,
        bytes: &[u8],
        path: &[&str],
    ) -> Result<(), JsonError> {
        let Some(name) = text_at(bytes, path)? else { return Ok(()) };
        if class == PRIORITY_CLASSES && name.starts_with("system-") {
            return Ok(());
        }
        let first = || ObjectKey {
            resource: source.resource.group_resource(),
            namespace: source.namespace.map(str::to_owned),
            name: source.name.to_owned(),
        };
        self.needed_classes.entry((class, name.into_owned())).or_insert_with(|| (0, first())).0 += 1;
        Ok(())
    }
}
