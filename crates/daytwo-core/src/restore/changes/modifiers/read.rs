//! Reads a file of rules, and refuses it whole for the first thing wrong, before anything is done.

use std::collections::BTreeMap;

use json_patch::jsonptr::PointerBuf;
use json_patch::{
    AddOperation, CopyOperation, MoveOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation,
    TestOperation,
};
use serde::Deserialize;
use serde_json::Value;

use super::conditions::{Conditions, GroupResource, Match};
use super::secrets::holds_values;
use super::{Modifiers, Patches, Rule};
use crate::filter::glob;
use crate::restore::order::built_in;
use crate::selector::Selector;

/// Why a file of rules cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModifiersError {
    /// The file as a whole.
    #[error("{0}")]
    File(String),
    /// One of its rules.
    #[error("rule {rule}: {why}")]
    Rule {
        /// Which, counted from 1.
        rule: usize,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    version: String,
    resource_modifier_rules: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RuleText {
    conditions: ConditionsText,
    #[serde(default)]
    patches: Vec<OperationText>,
    #[serde(default)]
    merge_patches: Vec<PatchText>,
    #[serde(default)]
    strategic_patches: Vec<PatchText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConditionsText {
    group_resource: String,
    resource_name_regex: Option<String>,
    #[serde(default)]
    namespaces: Vec<String>,
    label_selector: Option<LabelSelector>,
    #[serde(default)]
    matches: Vec<MatchText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchText {
    path: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationText {
    operation: String,
    path: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PatchText {
    patch_data: String,
}

/// `metav1.LabelSelector`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LabelSelector {
    #[serde(default)]
    match_labels: BTreeMap<String, String>,
    #[serde(default)]
    match_expressions: Vec<Expression>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expression {
    key: String,
    operator: String,
    #[serde(default)]
    values: Vec<String>,
}

impl Modifiers {
    /// Reads a file of rules, parsed into `document`; or the ConfigMap that Velero keeps them in. `yaml` reads the texts
    /// inside it.
    ///
    /// # Errors
    /// [`ModifiersError`], for the first thing wrong.
    pub fn parse(
        document: Value,
        yaml: &dyn Fn(&str) -> Result<Value, String>,
    ) -> Result<Self, ModifiersError> {
        let document = match config_map(&document)? {
            Some(text) => yaml(text).map_err(ModifiersError::File)?,
            None => document,
        };
        let wrong = |what: String| ModifiersError::File(what);
        let file: File = serde_json::from_value(document).map_err(|error| wrong(error.to_string()))?;
        if !file.version.eq_ignore_ascii_case("v1") {
            return Err(wrong(format!("it is of version {:?}, and v1 is read", file.version)));
        }
        if file.resource_modifier_rules.is_empty() {
            return Err(wrong("it has no resourceModifierRules".to_owned()));
        }
        let rules = file.resource_modifier_rules.into_iter().enumerate();
        let rules = rules.map(|(at, text)| {
            let rule = |why: String| ModifiersError::Rule { rule: at + 1, why };
            let text = serde_json::from_value(text).map_err(|error| rule(error.to_string()))?;
            self::rule(text, yaml).map_err(rule)
        });
        rules.collect::<Result<_, _>>().map(Modifiers)
    }
}

/// The rules in a ConfigMap, which holds them under one key.
fn config_map(document: &Value) -> Result<Option<&str>, ModifiersError> {
    if document.get("kind").and_then(Value::as_str) != Some("ConfigMap") {
        return Ok(None);
    }
    let data = document.get("data").and_then(Value::as_object);
    match data.map(|data| data.values().collect::<Vec<_>>()).as_deref() {
        Some([Value::String(text)]) => Ok(Some(text)),
        _ => Err(ModifiersError::File("the ConfigMap does not hold one key with rules".to_owned())),
    }
}

fn rule(text: RuleText, yaml: &dyn Fn(&str) -> Result<Value, String>) -> Result<Rule, String> {
    let conditions = conditions(text.conditions)?;
    let objects = |texts: Vec<PatchText>| {
        let object = |text: PatchText| match yaml(&text.patch_data) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => Err("a patchData is no object".to_owned()),
            Err(error) => Err(format!("a patchData cannot be read: {error}")),
        };
        texts.into_iter().map(object).collect::<Result<Vec<Value>, _>>()
    };
    let given =
        [!text.patches.is_empty(), !text.merge_patches.is_empty(), !text.strategic_patches.is_empty()];
    let patches = match given {
        [true, false, false] => {
            let operations = text.patches.iter().map(operation).collect::<Result<Vec<_>, _>>()?;
            Patches::Json(Patch(operations))
        }
        [false, true, false] => Patches::Merge(objects(text.merge_patches)?),
        [false, false, true] => Patches::Strategic(objects(text.strategic_patches)?),
        _ => return Err("it needs one of patches, mergePatches, strategicPatches, and only one".to_owned()),
    };
    if matches!(patches, Patches::Strategic(_))
        && let Some(group) = conditions.group_resource.group().filter(|group| !built_in(group))
    {
        return Err(format!(
            "{group} is a group of custom resources, which have no strategic patches: use mergePatches"
        ));
    }
    if conditions.group_resource.is("secrets") && holds_values(&conditions, &patches) {
        return Err(
            "it may be about Secrets and holds a value for data or stringData, which would stand in \
             plans and journals: name other resources, or change metadata only, or remove, move and copy keys"
                .to_owned(),
        );
    }
    Ok(Rule { conditions, patches })
}

fn conditions(text: ConditionsText) -> Result<Conditions, String> {
    let pattern = text.group_resource;
    glob::check(&pattern).map_err(|why| format!("groupResource {pattern:?}: {why}"))?;
    for namespace in &text.namespaces {
        glob::check(namespace).map_err(|why| format!("namespace {namespace:?}: {why}"))?;
    }
    let matches = text.matches.into_iter().map(|one| {
        pointer(&one.path)?;
        Ok::<_, String>(Match { value: value(&one.value)?, path: one.path })
    });
    Ok(Conditions {
        group_resource: GroupResource(pattern),
        resource_name_regex: text
            .resource_name_regex
            .filter(|text| !text.is_empty())
            .map(TryInto::try_into)
            .transpose()?,
        namespaces: text.namespaces,
        label_selector: text.label_selector.map(selector).transpose()?,
        matches: matches.collect::<Result<_, _>>()?,
    })
}

fn selector(text: LabelSelector) -> Result<Selector, String> {
    let mut requirements: Vec<String> =
        text.match_labels.into_iter().map(|(key, value)| format!("{key} in ({value})")).collect();
    for Expression { key, operator, values } in text.match_expressions {
        requirements.push(match (operator.as_str(), values.is_empty()) {
            ("In", false) => format!("{key} in ({})", values.join(",")),
            ("NotIn", false) => format!("{key} notin ({})", values.join(",")),
            ("Exists", true) => key,
            ("DoesNotExist", true) => format!("!{key}"),
            _ => return Err(format!("labelSelector: {operator} of {key} cannot be meant")),
        });
    }
    requirements.join(",").parse().map_err(|error| format!("labelSelector: {error}"))
}

fn operation(text: &OperationText) -> Result<PatchOperation, String> {
    let path = pointer(&text.path)?;
    let from = || pointer(&text.from);
    let value = || value(&text.value);
    let operation = match text.operation.to_lowercase().as_str() {
        "add" => PatchOperation::Add(AddOperation { path, value: value()? }),
        "remove" => PatchOperation::Remove(RemoveOperation { path }),
        "replace" => PatchOperation::Replace(ReplaceOperation { path, value: value()? }),
        "move" => PatchOperation::Move(MoveOperation { from: from()?, path }),
        "copy" => PatchOperation::Copy(CopyOperation { from: from()?, path }),
        "test" => PatchOperation::Test(TestOperation { path, value: value()? }),
        other => {
            return Err(format!("the operation {other:?} is none of add, remove, replace, move, copy, test"));
        }
    };
    let writes = !matches!(operation, PatchOperation::Test(_));
    let identity =
        ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace", "/metadata/uid", "/metadata"];
    match identity.iter().any(|path| *path == text.path) && writes {
        true => Err(format!("{} is who the object is, which no rule may change", text.path)),
        false => Ok(operation),
    }
}

fn pointer(text: &str) -> Result<PointerBuf, String> {
    match text.is_empty() {
        true => Err("a path is empty".to_owned()),
        false => PointerBuf::parse(text)
            .map_err(|_| format!("{text:?} is no path: it begins with '/', with ~0 for ~ and ~1 for /")),
    }
}

/// The value that a text stands for, as Velero reads it (`json_patch.go`, `addQuotes`): JSON where it is a number,
/// `true`, `false`, `null`, an object, an array or a quoted string, else the text itself. What only looks like one of
/// these is refused, as Velero fails on it.
fn value(text: &str) -> Result<Value, String> {
    let looks = text.starts_with(['{', '['])
        || (text.len() > 1 && text.starts_with('"') && text.ends_with('"'))
        || ["true", "false"].contains(&text.to_lowercase().as_str())
        || text == "null"
        || text.parse::<f64>().is_ok();
    if !looks {
        return Ok(Value::String(text.to_owned()));
    }
    crate::patch::read(text.as_bytes()).map_err(|_| {
        "a value looks like JSON and is not; a text goes between escaped quotes, as in \"\\\"1_000\\\"\""
            .to_owned()
    })
}
