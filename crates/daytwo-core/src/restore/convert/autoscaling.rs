//! HorizontalPodAutoscalers of autoscaling/v2beta1 (kubernetes v1.34.4, `pkg/apis/autoscaling/v2beta1/conversion.go` and
//! `pkg/apis/autoscaling/annotations.go`; v2beta2 has the fields of v2). It refuses to bring a target twice: where an
//! average is wanted, the value beside it counted for nothing.

use serde_json::{Map, Value};

use super::Unconvertible;
use super::draft::Draft;
use crate::json::quote;

/// What v2beta1 could not say in fields stood in annotations; the others told of the status.
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const ROUND_TRIPS: [&str; 4] = [
    BEHAVIOR,
    "autoscaling.alpha.kubernetes.io/metrics",
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
];

/// A metric names what it measures in `metric`, and what it aims at in `target`.
pub(super) fn autoscaler(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    draft.each(&["spec", "metrics"], |metric| {
        for kind in ["resource", "containerResource"] {
            metric.within(&[kind], resource)?;
        }
        metric.within(&["pods"], |pods| {
            identifier(pods, "selector")?;
            target(pods, &[], Some("targetAverageValue"))
        })?;
        metric.within(&["object"], |object| {
            object.rename(&["target"], &["describedObject"])?;
            identifier(object, "selector")?;
            target(object, &["targetValue"], Some("averageValue"))
        })?;
        metric.within(&["external"], |external| {
            identifier(external, "metricSelector")?;
            target(external, &["targetValue"], Some("targetAverageValue"))
        })
    })?;
    if let Some(text) = draft.text(&["metadata", "annotations", BEHAVIOR])? {
        match serde_json::from_str::<Value>(&text).map(lower) {
            Ok(behavior @ Value::Object(_)) => {
                draft.edits.insert(&["spec", "behavior"], behavior.to_string());
            }
            _ => draft
                .notes
                .push(format!("lost its scaling behavior: its annotation {BEHAVIOR} cannot be read")),
        }
    }
    for annotation in ROUND_TRIPS {
        draft.gone(&["metadata", "annotations", annotation])?;
    }
    Ok(())
}

fn resource(resource: &mut Draft<'_>) -> Result<(), Unconvertible> {
    if resource.value(&["targetAverageUtilization"])?.is_some() {
        resource.edits.set(&["target", "type"], r#""Utilization""#);
        resource.rename(&["targetAverageUtilization"], &["target", "averageUtilization"])?;
        resource.gone(&["targetAverageValue"])?;
        return Ok(());
    }
    target(resource, &[], Some("targetAverageValue"))
}

/// The metric's name and selector.
fn identifier(metric: &mut Draft<'_>, selector: &str) -> Result<(), Unconvertible> {
    metric.rename(&["metricName"], &["metric", "name"])?;
    metric.rename(&[selector], &["metric", "selector"])?;
    Ok(())
}

/// What it aims at: the average where there is one, else the value.
fn target(metric: &mut Draft<'_>, value: &[&str], average: Option<&str>) -> Result<(), Unconvertible> {
    let wanted = average.map(|key| metric.value(&[key])).transpose()?.flatten();
    let plain = if value.is_empty() { None } else { metric.value(value)? };
    // An object metric is named `target` already: that was moved.
    let aims = match (wanted, plain) {
        (Some(average), _) => Some(("AverageValue", "averageValue", average)),
        (None, Some(plain)) => Some(("Value", "value", plain)),
        (None, None) => None,
    };
    for key in value.iter().copied().chain(average) {
        metric.edits.remove(&[key]);
    }
    if let Some((kind, key, quantity)) = aims {
        let quantity = std::str::from_utf8(quantity).unwrap_or("0");
        metric.edits.set(&["target"], format!(r#"{{"type":{},"{key}":{quantity}}}"#, quote(kind)));
    }
    Ok(())
}

/// The annotation holds the server's own structure, whose keys begin with capitals.
fn lower(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut lowered = Map::new();
            for (key, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
                let mut letters = key.chars();
                let first = letters.next().map(|letter| letter.to_ascii_lowercase());
                lowered.insert(first.into_iter().chain(letters).collect(), lower(value));
            }
            Value::Object(lowered)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(lower).collect()),
        other => other,
    }
}
