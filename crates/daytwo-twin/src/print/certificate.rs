//! Requests for certificates.

use jiff::Timestamp;
use serde_json::Value;

use super::{age, read};
use crate::ask::Object;

/// For how long the certificate is wanted.
pub(super) fn request_duration(request: &Object, _: Timestamp) -> Value {
    match read::at(request, &["spec", "expirationSeconds"]).and_then(Value::as_i64) {
        Some(seconds) => age::human(seconds.saturating_mul(1_000_000_000)).into(),
        None => "<none>".into(),
    }
}

/// What was decided, and whether the certificate is there. The conditions count whatever their status.
pub(super) fn request_state(request: &Object, _: Timestamp) -> Value {
    let conditions = read::list(request, &["status", "conditions"]);
    let has = |kind| read::condition(conditions, kind).is_some();
    let mut state = match (has("Denied"), has("Approved")) {
        (true, _) => "Denied",
        (false, true) => "Approved",
        (false, false) => "Pending",
    }
    .to_owned();
    if has("Failed") {
        state.push_str(",Failed");
    }
    if !read::text(request, &["status", "certificate"]).is_empty() {
        state.push_str(",Issued");
    }
    state.into()
}

/// What became of a pod's request.
pub(super) fn pod_request_state(request: &Object, _: Timestamp) -> Value {
    let conditions = read::list(request, &["status", "conditions"]).iter();
    let mut kinds = conditions.map(|condition| read::field(condition, "type"));
    kinds.rfind(|kind| matches!(*kind, "Issued" | "Denied" | "Failed")).unwrap_or("Pending").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// States that a signer writes, which the tests with a server have none of.
    #[test]
    fn a_request_tells_what_became_of_it() {
        let state = |cell: fn(&Object, Timestamp) -> Value, kinds: &[&str], certificate: &str| {
            let conditions: Vec<Value> =
                kinds.iter().map(|kind| json!({"type": kind, "status": "True"})).collect();
            let request = json!({"status": {"conditions": conditions, "certificate": certificate}});
            cell(request.as_object().unwrap(), Timestamp::UNIX_EPOCH)
        };
        assert_eq!(state(request_state, &["Approved"], "QQ=="), "Approved,Issued");
        assert_eq!(state(request_state, &["Approved", "Denied", "Failed"], ""), "Denied,Failed");
        assert_eq!(state(request_state, &[], ""), "Pending");
        assert_eq!(state(pod_request_state, &["Other", "Issued"], ""), "Issued");
        assert_eq!(state(pod_request_state, &["Other"], ""), "Pending");
    }
}
