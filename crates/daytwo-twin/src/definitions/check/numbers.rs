//! Bounds of numbers, with the arithmetic of Go: a bound on a whole number is cut to a whole number first
//! (`validate/{validator,values}.go` of kube-openapi).

use serde_json::Value;

use super::{Outcome, bare, issue};
use crate::deep::GoNumber;
use crate::definitions::path::Path;
use crate::definitions::schema::{Checks, Schema};

pub(super) fn check(schema: &Schema, value: GoNumber, path: &Path<'_>) -> Outcome {
    let (checks, mut all) = (&schema.checks, Outcome::default());
    let kind = Kind::of(schema);
    if let Some(text) = kind.refuses(value, "Checked", path) {
        all.add(bare(text));
    }
    if let Some(factor) = checks.multiple_of {
        let native = bound(&kind, factor, "MultipleOf", path, &mut all);
        multiple(value, factor, native, path, &mut all);
    }
    if let Some(least) = checks.minimum {
        let native = bound(&kind, least, "Minimum boundary", path, &mut all);
        limit(value, least, native, &Limit::minimum(checks), path, &mut all);
    }
    if let Some(most) = checks.maximum {
        let native = bound(&kind, most, "Maximum boundary", path, &mut all);
        limit(value, most, native, &Limit::maximum(checks), path, &mut all);
    }
    all.matches += 1;
    all
}

/// The type that values are to fit, where there is exactly one.
struct Kind<'a> {
    name: &'a str,
    format: &'a str,
}

impl<'a> Kind<'a> {
    fn of(schema: &'a Schema) -> Self {
        match (schema.int_or_string, schema.kind.as_str()) {
            (false, name @ ("integer" | "number")) => Kind { name, format: &schema.checks.format },
            _ => Kind { name: "", format: "" },
        }
    }

    fn refuses(&self, value: GoNumber, prefix: &str, path: &Path<'_>) -> Option<String> {
        let fits = match (self.name, self.format, value) {
            ("integer", "int32", GoNumber::Int(whole)) => i32::try_from(whole).is_ok(),
            ("integer", "int32", GoNumber::Float(float)) => {
                float.fract() == 0.0 && float.abs() < 2_147_483_648.0
            }
            ("integer", _, GoNumber::Int(_)) => true,
            ("integer", _, GoNumber::Float(float)) => {
                float.fract() == 0.0 && float.abs() < 9.223_372_036_854_775e18
            }
            ("number", "float", GoNumber::Float(float)) => float.abs() <= f64::from(f32::MAX),
            _ => true,
        };
        let format = match self.format {
            "" => "(default format)".to_owned(),
            format => format!("with format {format}"),
        };
        (!fits).then(|| format!("{prefix} value must be of type {} {format} in {path}", self.name))
    }
}

/// Whether a bound is of the type that it bounds; if not, that is an error, and it is compared as a fraction.
fn bound(kind: &Kind<'_>, bound: f64, prefix: &str, path: &Path<'_>, all: &mut Outcome) -> bool {
    let refused = kind.refuses(GoNumber::Float(bound), prefix, path);
    let native = refused.is_none();
    if let Some(text) = refused {
        all.add(bare(text));
    }
    native
}

/// As Go converts a fraction to a whole number.
#[expect(clippy::cast_possible_truncation, reason = "Go cuts the fraction off as well")]
fn cut(float: f64) -> i64 {
    float as i64
}

#[expect(clippy::cast_precision_loss, reason = "Go compares it as a float64 as well")]
fn fraction(value: GoNumber) -> f64 {
    match value {
        GoNumber::Int(whole) => whole as f64,
        GoNumber::Float(float) => float,
    }
}

fn shown(value: GoNumber) -> Value {
    let mut value = match value {
        GoNumber::Int(whole) => Value::from(whole),
        GoNumber::Float(float) => Value::from(float),
    };
    crate::deep::write_numbers(&mut value);
    value
}

fn multiple(value: GoNumber, factor: f64, native: bool, path: &Path<'_>, all: &mut Outcome) {
    let (positive, holds, factor) = match (value, native) {
        (GoNumber::Int(whole), true) => {
            let factor = cut(factor);
            (factor > 0, factor > 0 && whole % factor == 0, GoNumber::Int(factor))
        }
        (value, _) => {
            let value = fraction(value);
            let times = if factor < 1.0 { 1.0 / factor * value } else { value / factor };
            (factor > 0.0, whole(times), GoNumber::Float(factor))
        }
    };
    if !positive {
        let text = format!("factor MultipleOf declared for {path} must be positive: {}", factor.plain());
        all.add(issue(path, shown(factor), text));
    } else if !holds {
        let value = if native { value } else { GoNumber::Float(fraction(value)) };
        all.add(issue(
            path,
            shown(value),
            format!("{path} in body should be a multiple of {}", factor.plain()),
        ));
    }
}

struct Limit {
    exclusive: bool,
    upper: bool,
}

impl Limit {
    fn minimum(checks: &Checks) -> Self {
        Limit { exclusive: checks.exclusive_minimum, upper: false }
    }

    fn maximum(checks: &Checks) -> Self {
        Limit { exclusive: checks.exclusive_maximum, upper: true }
    }

    fn words(&self) -> &'static str {
        match (self.upper, self.exclusive) {
            (true, true) => "less than",
            (true, false) => "less than or equal to",
            (false, true) => "greater than",
            (false, false) => "greater than or equal to",
        }
    }

    fn holds<T: PartialOrd>(&self, value: &T, bound: &T) -> bool {
        match (self.upper, self.exclusive) {
            (true, true) => value < bound,
            (true, false) => value <= bound,
            (false, true) => value > bound,
            (false, false) => value >= bound,
        }
    }
}

fn limit(value: GoNumber, bound: f64, native: bool, limit: &Limit, path: &Path<'_>, all: &mut Outcome) {
    let (holds, bound, value) = match (value, native) {
        (GoNumber::Int(whole), true) => (limit.holds(&whole, &cut(bound)), GoNumber::Int(cut(bound)), value),
        _ => {
            let value = fraction(value);
            (limit.holds(&value, &bound), GoNumber::Float(bound), GoNumber::Float(value))
        }
    };
    if !holds {
        all.add(issue(
            path,
            shown(value),
            format!("{path} in body should be {} {}", limit.words(), bound.plain()),
        ));
    }
}

/// Whether a fraction is a whole number that JSON can hold (`IsFloat64AJSONInteger` of go-openapi's swag).
pub(super) fn whole(float: f64) -> bool {
    const MOST: f64 = 9_007_199_254_740_991.0;
    const CLOSE: f64 = 1e-9;
    if !(-MOST..=MOST).contains(&float) {
        return false;
    }
    let near = float.trunc();
    let apart = (float - near).abs();
    float == near || (near != 0.0 && apart / (float.abs() + near.abs()) < CLOSE)
}
