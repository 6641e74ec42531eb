//! Claims to devices, and what the pools of devices hold.

use jiff::Timestamp;
use serde_json::Value;

use super::{age, read};
use crate::ask::Object;

/// Whether it is allocated, reserved, deleted.
pub(super) fn claim_state(claim: &Object, _: Timestamp) -> Value {
    let allocated = read::at(claim, &["status", "allocation"]).is_some();
    let reserved = !read::list(claim, &["status", "reservedFor"]).is_empty();
    match (read::deleting(claim), allocated, reserved) {
        (true, false, _) => "deleted",
        (true, true, false) => "deleted,allocated",
        (true, true, true) => "deleted,allocated,reserved",
        (false, false, _) => "pending",
        (false, true, false) => "allocated",
        (false, true, true) => "allocated,reserved",
    }
    .into()
}

/// All cells of a ResourcePoolStatusRequest.
pub(super) fn pool_status(request: &Object, now: Timestamp) -> Vec<Value> {
    let answered = read::at(request, &["status"]).is_some();
    let ended = read::list(request, &["status", "conditions"]).iter().find(|condition| {
        matches!(read::field(condition, "type"), "Complete" | "Failed")
            && read::field(condition, "status") == "True"
    });
    let state = ended.map_or("Pending", |condition| read::field(condition, "type"));
    let pools = read::list(request, &["status", "pools"]);
    let sum = |name: &str| match answered && state != "Failed" {
        true => pools.iter().filter_map(|pool| pool.get(name)?.as_i64()).sum::<i64>().to_string(),
        false => "-".to_owned(),
    };
    let errors = match answered && state != "Failed" {
        true => pools.iter().filter(|pool| pool.get("validationError").is_some()).count().to_string(),
        false => "-".to_owned(),
    };
    let count = read::int(request, &["status", "poolCount"]);
    let shown = pools.len();
    let cut = state == "Complete" && usize::try_from(count).is_ok_and(|count| count > shown);
    let completed = match (state, ended) {
        ("Complete", Some(condition)) => age::since(condition.get("lastTransitionTime"), now),
        _ => "<none>".to_owned(),
    };
    vec![
        read::text(request, &["metadata", "name"]).into(),
        read::text(request, &["spec", "driver"]).into(),
        sum("totalDevices").into(),
        sum("availableDevices").into(),
        sum("allocatedDevices").into(),
        sum("unavailableDevices").into(),
        errors.into(),
        count.into(),
        if cut { format!("{state} ({shown}/{count} pools)").into() } else { state.into() },
        completed.into(),
    ]
}
