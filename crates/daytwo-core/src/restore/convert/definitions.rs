//! CustomResourceDefinitions of apiextensions.k8s.io/v1beta1 (apiextensions-apiserver v0.36.3,
//! `pkg/apis/apiextensions/{v1beta1/defaults,v1/conversion}.go`, and `validation/validation.go` for what v1 requires).
//!
//! v1 wants a schema for each version, and drops what a schema does not name. v1beta1 did so only where
//! `preserveUnknownFields` was false; elsewhere the schema says now, at every level, that unknown fields stay. It refuses
//! to write a schema where there was one: what is not structural is the server's to refuse.

use super::Unconvertible;
use super::draft::Draft;
use crate::json::{JsonError, fields, quote, text_at};

const OPEN: &str = r#"{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}"#;
const KEEP: &str = "x-kubernetes-preserve-unknown-fields";

/// What stood once for all versions stands in each.
pub(super) fn definition(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    let prunes = draft.value(&["spec", "preserveUnknownFields"])? == Some(b"false");
    let version = draft.text(&["spec", "version"])?;
    if draft.value(&["spec", "versions"])?.is_none_or(|versions| versions == b"[]") {
        let name = quote(version.as_deref().unwrap_or_default());
        let only = format!(r#"[{{"name":{name},"served":true,"storage":true}}]"#);
        let mut part = Draft::new(draft.from, only.as_bytes());
        part.each(&[], |version| spread(draft, version, prunes))?;
        draft.edits.set(&["spec", "versions"], part.finish()?.bytes);
    } else {
        let spec = Draft::new(draft.from, draft.bytes);
        draft.each(&["spec", "versions"], |version| spread(&spec, version, prunes))?;
    }
    for key in ["version", "validation", "subresources", "additionalPrinterColumns", "selectableFields"] {
        draft.edits.remove(&["spec", key]);
    }
    // Also where it was true, which is said in the schemas now: v1 takes nothing else.
    draft.edits.remove(&["spec", "preserveUnknownFields"]);
    draft.implied(&["spec", "scope"], &quote("Namespaced"));
    conversion(draft)?;
    if !prunes {
        let note =
            "keeps unknown fields of its objects, which its schema says now: v1 has no preserveUnknownFields";
        draft.notes.push(note.to_owned());
    }
    Ok(())
}

/// Gives `version` what `definition` has for all.
fn spread(definition: &Draft<'_>, version: &mut Draft<'_>, prunes: bool) -> Result<(), Unconvertible> {
    if let Some(subresources) = definition.value(&["spec", "subresources"])? {
        version.edits.insert(&["subresources"], subresources);
    }
    if let Some(fields) = definition.value(&["spec", "selectableFields"])? {
        version.edits.insert(&["selectableFields"], fields);
    }
    let own = version.value(&["additionalPrinterColumns"])?;
    if let Some(columns) = own.or(definition.value(&["spec", "additionalPrinterColumns"])?) {
        let mut part = Draft::new(version.from, columns);
        part.each(&[], |column| column.rename(&["JSONPath"], &["jsonPath"]).map(drop).map_err(Into::into))?;
        version.edits.set(&["additionalPrinterColumns"], part.finish()?.bytes);
    }
    let schema = match version.value(&["schema"])? {
        Some(schema) => Some(schema),
        None => definition.value(&["spec", "validation"])?,
    };
    let schema =
        schema.map(|whole| Draft::new(version.from, whole).value(&["openAPIV3Schema"])).transpose()?;
    let Some(root) = schema.flatten() else {
        version.edits.set(&["schema"], OPEN);
        return Ok(());
    };
    let mut part = Draft::new(version.from, root);
    part.implied(&["type"], r#""object""#);
    if !prunes {
        keep_unknown(&mut part, true)?;
    }
    version.edits.remove(&["schema"]).set(&["schema", "openAPIV3Schema"], part.finish()?.bytes);
    Ok(())
}

/// Says of `schema`, and of what is inside it, that unknown fields stay: naming a field begins pruning anew.
fn keep_unknown(schema: &mut Draft<'_>, root: bool) -> Result<(), Unconvertible> {
    let properties = schema.value(&["properties"])?;
    if root || properties.is_some() {
        schema.edits.insert(&[KEEP], "true");
    }
    let inside = |schema: &mut Draft<'_>| keep_unknown(schema, false);
    for names in properties.into_iter().filter(|properties| properties.starts_with(b"{")) {
        for field in fields(names) {
            let key = field?.key;
            // The server knows these, and wants nothing said of them.
            if !root || !matches!(&*key, "metadata" | "apiVersion" | "kind") {
                schema.within(&["properties", &key], inside)?;
            }
        }
    }
    for list in ["items", "additionalProperties"] {
        if schema.value(&[list])?.is_some_and(|value| value.starts_with(b"{")) {
            schema.within(&[list], inside)?;
        }
    }
    Ok(())
}

fn conversion(draft: &mut Draft<'_>) -> Result<(), JsonError> {
    draft.rename(
        &["spec", "conversion", "webhookClientConfig"],
        &["spec", "conversion", "webhook", "clientConfig"],
    )?;
    let named = draft.rename(
        &["spec", "conversion", "conversionReviewVersions"],
        &["spec", "conversion", "webhook", "conversionReviewVersions"],
    )?;
    let strategy = text_at(draft.bytes, &["spec", "conversion", "strategy"])?;
    if strategy.as_deref() == Some("Webhook") && !named {
        draft.implied(&["spec", "conversion", "webhook", "conversionReviewVersions"], r#"["v1beta1"]"#);
    }
    Ok(())
}
