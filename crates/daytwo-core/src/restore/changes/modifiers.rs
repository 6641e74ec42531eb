//! Rules that change objects on the way, in the words of Velero 1.18's resource modifiers
//! (`internal/resourcemodifiers`, `site/content/docs/v1.18/restore-resource-modifiers.md`).
//!
//! A rule sees the object as the backup has it, with classes and images mapped and its namespace not yet. Whether it is
//! about an object is judged before any rule changed it; the rules that are follow one another. Where a `test` of its
//! JSON patch fails, a rule changes nothing.
//!
//! Three things differ from Velero. A rule that cannot be applied fails the object instead of restoring it without the
//! change. Who an object is (version, kind, namespace, name) stays. No rule may hold values of Secrets: the rules stand in
//! plans and journals.

mod conditions;
mod read;
mod secrets;

use json_patch::{Patch, PatchOperation};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use read::ModifiersError;

use super::Unfit;
use crate::json::Meta;
use crate::patch::{self, strategic, table};
use crate::restore::Source;
use conditions::Conditions;

/// Rules, in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Modifiers(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Rule {
    conditions: Conditions,
    #[serde(flatten)]
    patches: Patches,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Patches {
    /// One JSON patch (RFC 6902).
    #[serde(rename = "patches")]
    Json(Patch),
    /// Merge patches (RFC 7386), one after another.
    #[serde(rename = "mergePatches")]
    Merge(Vec<Value>),
    /// Strategic merge patches, one after another.
    #[serde(rename = "strategicPatches")]
    Strategic(Vec<Value>),
}

/// What rules made of an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Applied {
    /// Its JSON.
    pub bytes: Vec<u8>,
    /// Which of them, counted from 1.
    pub rules: Vec<usize>,
}

impl Modifiers {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// `source`, one of `resource`, as the rules make it; `None` where none is
    /// about it.
    ///
    /// # Errors
    /// It is not JSON, a number in it has more digits than a patch can keep, or a rule that is about it cannot be
    /// applied.
    pub(super) fn apply(&self, source: &Source<'_>, resource: &str) -> Result<Option<Applied>, Unfit> {
        let rules = self.0.iter().enumerate().map(|(at, rule)| (at + 1, rule));
        let concerned: Vec<(usize, &Rule)> =
            rules.filter(|(_, rule)| rule.conditions.name(source, resource)).collect();
        let Some((first, _)) = concerned.first() else { return Ok(None) };
        let unfit = |rule: usize| move |why: String| Unfit::Rule { rule, why };
        let before = patch::read(source.bytes).map_err(|error| unfit(*first)(error.to_string()))?;
        let meta = Meta::of(source.bytes)?;
        let mut object = before.clone();
        let mut applied = Vec::new();
        for (number, rule) in concerned {
            if !rule.conditions.content(&before, &meta)? {
                continue;
            }
            if rule.patches.apply(&mut object, source).map_err(unfit(number))? {
                applied.push(number);
                if let Some(what) = moved(&before, &object) {
                    return Err(unfit(number)(format!(
                        "it would change the object's {what}, which no rule may"
                    )));
                }
            }
        }
        if applied.is_empty() {
            return Ok(None);
        }
        let bytes = serde_json::to_vec(&object).map_err(|error| unfit(applied[0])(error.to_string()))?;
        Ok(Some(Applied { bytes, rules: applied }))
    }
}

impl Patches {
    /// Changes `object`; `false` where a test says not to.
    fn apply(&self, object: &mut Value, source: &Source<'_>) -> Result<bool, String> {
        match self {
            Patches::Json(operations) => match json_patch::patch(object, operations) {
                Ok(()) => Ok(true),
                Err(error) if matches!(operations.get(error.operation), Some(PatchOperation::Test(_))) => {
                    Ok(false)
                }
                Err(error) => Err(format!(
                    "operation {} of its patch, at {}: {}",
                    error.operation + 1,
                    error.path,
                    error.kind
                )),
            },
            Patches::Merge(patches) => {
                patches.iter().for_each(|patch| json_patch::merge(object, patch));
                Ok(true)
            }
            Patches::Strategic(patches) => {
                let kind = source.resource;
                let custom = || strategic::StrategicError::Custom(kind.kind.clone()).to_string();
                let fields = table::fields(&kind.group, &kind.kind).ok_or_else(custom)?;
                for patch in patches {
                    strategic::apply(object, patch, fields).map_err(|error| error.to_string())?;
                }
                Ok(true)
            }
        }
    }
}

/// What of who the object is differs between the two.
fn moved(before: &Value, after: &Value) -> Option<&'static str> {
    [
        ("/apiVersion", "apiVersion"),
        ("/kind", "kind"),
        ("/metadata/namespace", "namespace"),
        ("/metadata/name", "name"),
        ("/metadata/uid", "UID"),
    ]
    .into_iter()
    .find(|(path, _)| before.pointer(path) != after.pointer(path))
    .map(|(_, what)| what)
}

#[cfg(test)]
mod tests;
