//! HorizontalPodAutoscalers of autoscaling/v2, the version they are kept at. It refuses v1, whose objects have lost the
//! order of their metrics.

use jiff::Timestamp;
use serde_json::Value;

use super::read;
use crate::ask::Object;

/// How many metrics are shown before the rest is only counted.
const SHOWN: usize = 2;

/// What is scaled: `Deployment/web`.
pub(super) fn reference(autoscaler: &Object, _: Timestamp) -> Value {
    let part = |name| read::text(autoscaler, &["spec", "scaleTargetRef", name]);
    format!("{}/{}", part("kind"), part("name")).into()
}

/// Each metric, as it is and as it should be.
pub(super) fn targets(autoscaler: &Object, _: Timestamp) -> Value {
    let (wanted, current) =
        (read::list(autoscaler, &["spec", "metrics"]), read::list(autoscaler, &["status", "currentMetrics"]));
    if wanted.is_empty() {
        return "<none>".into();
    }
    let pairs = wanted.iter().enumerate().map(|(at, metric)| target(metric, current.get(at)));
    let shown = pairs.take(SHOWN).collect::<Vec<_>>().join(", ");
    match wanted.len().saturating_sub(SHOWN) {
        0 => shown.into(),
        more => format!("{shown} + {more} more...").into(),
    }
}

/// What is aimed at, or what is: of the two forms of an amount, and of a share.
#[derive(Default)]
struct Amount<'a> {
    value: Option<&'a str>,
    average: Option<&'a str>,
    share: Option<i64>,
}

impl Amount<'_> {
    fn share(&self) -> Option<String> {
        self.share.map(|share| format!("{share}%"))
    }
}

fn target(metric: &Value, current: Option<&Value>) -> String {
    let (name, measured) = match read::field(metric, "type") {
        "External" => ("external", false),
        "Pods" => ("pods", false),
        "Object" => ("object", false),
        "Resource" => ("resource", true),
        "ContainerResource" => ("containerResource", true),
        _ => return "<unknown type>".to_owned(),
    };
    let Some(metric) = metric.get(name) else { return "<unknown type>".to_owned() };
    let aim = amount(metric, "target");
    let is = current.and_then(|current| current.get(name)).map(|current| amount(current, "current"));
    let text = |quantity: Option<&str>| quantity.unwrap_or("<nil>").to_owned();
    let unknown = || "<unknown>".to_owned();
    if measured {
        let (is, aim) = match aim.average {
            Some(aim) => (is.map_or_else(unknown, |is| text(is.average)), aim.to_owned()),
            None => {
                let is = is.and_then(|is| is.share()).unwrap_or_else(unknown);
                (is, aim.share().unwrap_or_else(|| "<auto>".to_owned()))
            }
        };
        return format!("{}: {is}/{aim}", read::field(metric, "name"));
    }
    match (name, aim.average) {
        ("pods", average) => format!("{}/{}", is.map_or_else(unknown, |is| text(is.average)), text(average)),
        (_, Some(average)) => {
            format!("{}/{average} (avg)", is.and_then(|is| is.average).map_or_else(unknown, str::to_owned))
        }
        (_, None) => format!("{}/{}", is.map_or_else(unknown, |is| text(is.value)), text(aim.value)),
    }
}

fn amount<'a>(of: &'a Value, part: &str) -> Amount<'a> {
    let Some(amount) = of.get(part) else { return Amount::default() };
    let quantity = |name: &str| amount.get(name).and_then(Value::as_str);
    Amount {
        value: quantity("value"),
        average: quantity("averageValue"),
        share: amount.get("averageUtilization").and_then(Value::as_i64),
    }
}
