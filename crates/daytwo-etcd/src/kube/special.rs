//! Types whose JSON is made by Go code of their own, not by tags: quantities, times, durations, and JSON within protobuf.
//!
//! Sources: `pkg/api/resource`, `pkg/util/intstr`, `pkg/runtime` and `pkg/apis/meta/v1` of k8s.io/apimachinery v0.36, and
//! `Duration.String` of Go's `time`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Span;
use jiff::civil::DateTime;
use serde_json::Value;

use super::table::{Holds, Or};
use super::wire::{Broken, Wire, bytes_of, integer_of};

/// The second of Go's zero time, 0001-01-01T00:00:00Z.
const GO_ZERO: i64 = -62_135_596_800;

/// The JSON of such a type, and whether Go counts it as zero.
pub(super) fn value(holds: Holds, message: &[u8]) -> Result<(Value, bool), Broken> {
    match holds {
        Holds::Quantity => {
            let text = bytes_of(message, 1)?.filter(|text| !text.is_empty()).unwrap_or(b"0");
            Ok((text_of(text), text == b"0"))
        }
        Holds::IntOrString => match integer_of(message, 1)? {
            0 => integer_of(message, 2).map(|number| (number.into(), number == 0)),
            1 => Ok((text_of(bytes_of(message, 3)?.unwrap_or_default()), false)),
            _ => Err("neither number nor text where it should be one of them"),
        },
        Holds::Time => time(message, false),
        Holds::MicroTime => time(message, true),
        Holds::Duration => {
            let nanoseconds = integer_of(message, 1)?;
            Ok((duration(nanoseconds).into(), nanoseconds == 0))
        }
        _ => json(bytes_of(message, 1)?),
    }
}

/// What one field of a schema's alternative means.
pub(super) enum Alternative<'a> {
    /// A schema.
    Schema(&'a [u8]),
    /// What may stand in its place.
    Other(Wire<'a>),
    /// A field it has not.
    Unknown,
}

impl Or {
    /// The numbers are those of `JSONSchemaPropsOrArray` and its like in `pkg/apis/apiextensions/v1/generated.proto` of
    /// k8s.io/apiextensions-apiserver v0.36.
    pub(super) fn meaning(self, (number, wire): (u32, Wire<'_>)) -> Alternative<'_> {
        let schema = if self == Or::Bool { 2 } else { 1 };
        match wire {
            Wire::Bytes(bytes) if number == schema => Alternative::Schema(bytes),
            wire if number == 3 - schema => Alternative::Other(wire),
            _ => Alternative::Unknown,
        }
    }
}

/// As Go's JSON encoder: what is no UTF-8 becomes U+FFFD.
pub(super) fn text_of(bytes: &[u8]) -> Value {
    Value::String(String::from_utf8_lossy(bytes).into_owned())
}

/// The standard base64 that Go writes bytes as.
pub(super) fn base64_of(bytes: &[u8]) -> Value {
    Value::String(STANDARD.encode(bytes))
}

/// JSON kept as bytes. What is no JSON is shown as base64, since it is somebody's data all the same.
fn json(raw: Option<&[u8]>) -> Result<(Value, bool), Broken> {
    match raw {
        None => Ok((Value::Null, true)),
        Some(raw) => Ok((serde_json::from_slice(raw).unwrap_or_else(|_| base64_of(raw)), false)),
    }
}

fn time(message: &[u8], micro: bool) -> Result<(Value, bool), Broken> {
    let seconds = integer_of(message, 1)?;
    // Go writes nothing for its zero time, and takes nothing for it.
    if message.is_empty() || seconds == GO_ZERO {
        return Ok((Value::Null, true));
    }
    let nanos = if micro { integer_of(message, 2)? } else { 0 };
    let outside = "a time beyond what a calendar has";
    let nanos =
        i32::try_from(nanos).ok().filter(|nanos| (0..1_000_000_000).contains(nanos)).ok_or(outside)?;
    // Not as a timestamp, which ends a day before the calendar does, and "never" is often its last second.
    let since = Span::new().try_seconds(seconds).map_err(|_| outside)?;
    let time = DateTime::constant(1970, 1, 1, 0, 0, 0, 0).checked_add(since).map_err(|_| outside)?;
    let fraction = if micro { format!(".{:06}", nanos / 1000) } else { String::new() };
    Ok((format!("{time}{fraction}Z").into(), false))
}

/// Go's form: `1h0m0.5s`, `1.5ms`, `0s`.
fn duration(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let all = nanoseconds.unsigned_abs();
    let (unit, digits, name) = match all {
        0 => return "0s".to_owned(),
        1..1_000 => (1, 0, "ns"),
        1_000..1_000_000 => (1_000, 3, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, 6, "ms"),
        _ => (1_000_000_000, 9, "s"),
    };
    let fraction = |rest: u64| {
        let text = format!(".{rest:0digits$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let (whole, rest) = (all / unit, fraction(all % unit));
    match (name, whole / 3600, whole / 60 % 60) {
        ("s", 0, 0) => format!("{sign}{whole}{rest}s"),
        ("s", 0, minutes) => format!("{sign}{minutes}m{}{rest}s", whole % 60),
        ("s", hours, minutes) => format!("{sign}{hours}h{minutes}m{}{rest}s", whole % 60),
        _ => format!("{sign}{whole}{rest}{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_go_prints_them() {
        // From TestDurationString of Go's time package.
        let known = [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (4 * 60_000_000_000 + 5_000_000_000, "4m5s"),
            (4 * 60_000_000_000 + 5_001_000_000, "4m5.001s"),
            (5 * 3_600_000_000_000 + 6 * 60_000_000_000 + 7_001_000_000, "5h6m7.001s"),
            (8 * 60_000_000_000 + 1, "8m0.000000001s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ];
        for (nanoseconds, text) in known {
            assert_eq!(duration(nanoseconds), text);
        }
    }

    #[test]
    fn a_time_that_was_never_set_is_null() {
        assert_eq!(value(Holds::Time, &[]), Ok((Value::Null, true)));
        assert_eq!(value(Holds::Time, &[0x08, 0x00]), Ok(("1970-01-01T00:00:00Z".into(), false)));
        let micro = [0x08, 0x01, 0x10, 0xe8, 0x07];
        assert_eq!(value(Holds::MicroTime, &micro), Ok(("1970-01-01T00:00:01.000001Z".into(), false)));
        let last = [0x08, 0xff, 0x82, 0xd1, 0xff, 0xaf, 0x07];
        assert_eq!(value(Holds::Time, &last), Ok(("9999-12-31T23:59:59Z".into(), false)));
        assert!(value(Holds::Time, &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]).is_err());
    }

    #[test]
    fn a_number_or_text_is_told_by_its_type() {
        assert_eq!(value(Holds::IntOrString, &[0x08, 0, 0x10, 80]), Ok((80.into(), false)));
        assert_eq!(value(Holds::IntOrString, &[0x08, 1, 0x1a, 1, b'a']), Ok(("a".into(), false)));
        assert!(value(Holds::IntOrString, &[0x08, 2]).is_err());
    }
}
