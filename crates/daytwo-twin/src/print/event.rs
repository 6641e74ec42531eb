//! Events, of both groups: events.k8s.io names the fields of core/v1 anew (`pkg/apis/events/v1/conversion.go`, v1.36).

use jiff::Timestamp;
use serde_json::Value;

use super::{age, read};
use crate::ask::Object;

/// All cells.
pub(super) fn event(event: &Object, now: Timestamp) -> Vec<Value> {
    let either = |core: &'static str, other: &'static str| {
        read::at(event, &[core]).or_else(|| read::at(event, &[other]))
    };
    let known = |time: &Value| time.as_str().is_some_and(|text| age::read(text).is_some());
    let happened = read::at(event, &["eventTime"]);
    let first_time =
        either("firstTimestamp", "deprecatedFirstTimestamp").filter(|time| known(time)).or(happened);
    let last_time =
        either("lastTimestamp", "deprecatedLastTimestamp").filter(|time| known(time)).or(first_time);
    let first = age::since(first_time, now);
    let (last, count) = match read::at(event, &["series"]) {
        Some(series) => {
            let count = series.get("count").and_then(Value::as_i64).unwrap_or_default();
            (age::since(series.get("lastObservedTime"), now), count)
        }
        None => {
            let count = either("count", "deprecatedCount").and_then(Value::as_i64).unwrap_or_default();
            (age::since(last_time, now), if count == 0 { 1 } else { count })
        }
    };
    let about =
        |name: &str| either("involvedObject", "regarding").map_or("", |about| read::field(about, name));
    let said = either("message", "note").and_then(Value::as_str).unwrap_or_default();
    vec![
        last.into(),
        read::text(event, &["type"]).into(),
        read::text(event, &["reason"]).into(),
        match (about("kind").to_lowercase(), about("name")) {
            (kind, "") => kind.into(),
            (kind, name) => format!("{kind}/{name}").into(),
        },
        about("fieldPath").into(),
        source(event).into(),
        said.trim().into(),
        first.into(),
        count.into(),
        read::text(event, &["metadata", "name"]).into(),
    ]
}

/// Who tells of it: the component, and on which host or instance, if that is known.
fn source(event: &Object) -> String {
    let first = |paths: [&[&str]; 4]| {
        paths
            .into_iter()
            .map(|path| read::text(event, path))
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    };
    let component = first([
        &["source", "component"],
        &["deprecatedSource", "component"],
        &["reportingComponent"],
        &["reportingController"],
    ]);
    let instance = first([
        &["source", "host"],
        &["deprecatedSource", "host"],
        &["reportingInstance"],
        &["reportingInstance"],
    ]);
    if instance.is_empty() { component.to_owned() } else { format!("{component}, {instance}") }
}
