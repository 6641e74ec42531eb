//! How long ago something was, in two or three figures.

use jiff::Timestamp;
use serde_json::Value;

const SECOND: i64 = 1_000_000_000;

/// The age of the time that stands in a field: `<unknown>` if none does, `<invalid>` if it is more than a second ahead.
pub(super) fn since(time: Option<&Value>, now: Timestamp) -> String {
    time.and_then(Value::as_str).and_then(|time| of(time, now)).unwrap_or_else(|| "<unknown>".to_owned())
}

/// The age of a time; `None` if the text is none.
pub(super) fn of(time: &str, now: Timestamp) -> Option<String> {
    read(time).map(|then| human(between(then, now)))
}

/// A time as RFC 3339 writes it; `None` for any other text, for which jiff alone would be too kind.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:dd";
    let fits = |byte: u8, mark: u8| if mark == b'd' { byte.is_ascii_digit() } else { byte == mark };
    let (head, tail) = bytes.split_at_checked(shape.len())?;
    if !head.iter().zip(shape).all(|(byte, mark)| fits(*byte, *mark)) || head[17] > b'5' {
        return None;
    }
    let fraction = match tail.first()? {
        b'.' | b',' => 1 + tail[1..].iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let zoned = match &tail[fraction..] {
        b"Z" => true,
        [b'+' | b'-', zone @ ..] => {
            zone.len() == 5 && zone.iter().zip(b"dd:dd").all(|(byte, mark)| fits(*byte, *mark))
        }
        _ => false,
    };
    if fraction == 1 || !zoned {
        return None;
    }
    text.parse().ok()
}

/// Nanoseconds, within what Go's `time.Duration` holds.
pub(super) fn between(from: Timestamp, to: Timestamp) -> i64 {
    let nanos = to.as_nanosecond() - from.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// Nanoseconds as people read them (`HumanDuration` of apimachinery's `util/duration`, v0.36).
pub(super) fn human(nanos: i64) -> String {
    let seconds = nanos / SECOND;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / 24 / 365);
    let pair = |many: i64, unit: char, rest: i64, small: char| match rest {
        0 => format!("{many}{unit}"),
        rest => format!("{many}{unit}{rest}{small}"),
    };
    match () {
        () if seconds < -1 => "<invalid>".to_owned(),
        () if seconds < 0 => "0s".to_owned(),
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => pair(minutes, 'm', seconds % 60, 's'),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => pair(hours, 'h', minutes % 60, 'm'),
        () if hours < 48 => format!("{hours}h"),
        () if hours < 24 * 8 => pair(days, 'd', hours % 24, 'h'),
        () if hours < 24 * 365 * 2 => format!("{days}d"),
        () if hours < 24 * 365 * 8 => pair(years, 'y', days % 365, 'd'),
        () => format!("{years}y"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_as_kubectl_shows_them() {
        let (minute, hour, day) = (60, 3600, 86400);
        let cases = [
            (-3, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (2 * minute, "2m"),
            (2 * minute + 5, "2m5s"),
            (9 * minute + 59, "9m59s"),
            (10 * minute + 1, "10m"),
            (179 * minute, "179m"),
            (3 * hour, "3h"),
            (7 * hour + 59 * minute, "7h59m"),
            (8 * hour + minute, "8h"),
            (47 * hour, "47h"),
            (2 * day, "2d"),
            (7 * day + 23 * hour, "7d23h"),
            (8 * day + hour, "8d"),
            (729 * day, "729d"),
            (730 * day, "2y"),
            (731 * day, "2y1d"),
            (8 * 365 * day + day, "8y"),
        ];
        for (seconds, text) in cases {
            assert_eq!(human(seconds * SECOND), text, "{seconds} s");
        }
        assert_eq!(human(-SECOND - SECOND / 2), "0s", "Go cuts off the fraction");
    }

    #[test]
    fn only_rfc_3339_is_a_time() {
        for text in ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123456Z", "2026-01-02T03:04:05+02:00"] {
            assert!(read(text).is_some(), "{text}");
        }
        for text in [
            "",
            "null",
            "2026-01-02",
            "2026-01-02 03:04:05Z",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:60Z",
            "2026-13-02T03:04:05Z",
            "2026-01-02T03:04:05Z[UTC]",
            "2026-01-02T03:04:05+0200",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
