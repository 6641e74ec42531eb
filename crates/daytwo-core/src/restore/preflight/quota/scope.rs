//! Which pods a quota counts: its scopes (`pkg/quota/v1/evaluator/core/pods.go`, `podMatchesScopeFunc`, of Kubernetes
//! 1.36). It refuses other objects: a quota with a scope counts none.

use serde::Deserialize;

use super::super::pod::Spec;
use crate::json::{JsonError, find, nullable};

/// One condition on a pod.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Scope {
    scope_name: String,
    operator: String,
    #[serde(default, deserialize_with = "nullable")]
    values: Vec<String>,
}

/// The scopes of a quota; `None` where they cannot be read.
pub(super) fn read(quota: &[u8]) -> Result<Option<Vec<Scope>>, JsonError> {
    let mut scopes = Vec::new();
    if let Some(span) = find(quota, &["spec", "scopes"])? {
        let Ok(names) = serde_json::from_slice::<Option<Vec<String>>>(&quota[span]) else { return Ok(None) };
        let exists = |scope_name| Scope { scope_name, operator: "Exists".to_owned(), values: Vec::new() };
        scopes.extend(names.unwrap_or_default().into_iter().map(exists));
    }
    if let Some(span) = find(quota, &["spec", "scopeSelector", "matchExpressions"])? {
        let Ok(more) = serde_json::from_slice::<Option<Vec<Scope>>>(&quota[span]) else { return Ok(None) };
        scopes.extend(more.unwrap_or_default());
    }
    Ok(Some(scopes))
}

impl Scope {
    /// Whether a pod is within.
    pub(super) fn has(&self, pod: &Spec) -> bool {
        let ends = pod.active_deadline_seconds.is_some_and(|seconds| seconds >= 0);
        match self.scope_name.as_str() {
            "Terminating" => ends,
            "NotTerminating" => !ends,
            "BestEffort" => pod.best_effort(),
            "NotBestEffort" => !pod.best_effort(),
            "PriorityClass" => self.has_class(&pod.priority_class_name),
            "CrossNamespacePodAffinity" => pod.looks_across(),
            _ => false,
        }
    }

    fn has_class(&self, class: &str) -> bool {
        let listed = self.values.iter().any(|value| value == class);
        match self.operator.as_str() {
            "In" => !class.is_empty() && listed,
            "NotIn" => class.is_empty() || !listed,
            "Exists" => !class.is_empty(),
            "DoesNotExist" => class.is_empty(),
            _ => false,
        }
    }
}
