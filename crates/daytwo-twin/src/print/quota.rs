//! ResourceQuotas: what is used of what may be.

use jiff::Timestamp;
use serde_json::Value;

use super::read;
use crate::ask::Object;

/// All but limits.
pub(super) fn requests(quota: &Object, _: Timestamp) -> Value {
    used(quota, |name| !name.starts_with("limits."))
}

/// Limits.
pub(super) fn limits(quota: &Object, _: Timestamp) -> Value {
    used(quota, |name| name.starts_with("limits."))
}

fn used(quota: &Object, which: impl Fn(&str) -> bool) -> Value {
    let hard = read::at(quota, &["status", "hard"]).and_then(Value::as_object);
    let mut names: Vec<_> = hard.into_iter().flatten().filter(|(name, _)| which(name)).collect();
    names.sort_unstable_by_key(|(name, _)| *name);
    let texts = names.into_iter().map(|(name, hard)| {
        let used = read::at(quota, &["status", "used", name]).and_then(read::scalar);
        format!("{name}: {}/{}", used.as_deref().unwrap_or("0"), read::scalar(hard).as_deref().unwrap_or("0"))
    });
    texts.collect::<Vec<_>>().join(", ").into()
}
