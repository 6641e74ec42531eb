//! Numbers and times in words, with their units.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Bytes in binary units: `999 B`, `1.5 MiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A count with its noun: `1 object`, `2 objects`.
pub fn count(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

/// An age as kubectl shows it: `45s`, `12m`, `5h`, `3d`.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long something took: `0.42 s`, `12.3 s`, `3 m 5 s`.
pub fn took(time: SignedDuration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 10.0 {
        format!("{seconds:.2} s")
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = time.as_secs();
        format!("{} m {} s", whole / 60, whole % 60)
    }
}

/// A time to the second, in UTC.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Why text is no duration.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no duration; write it as 720h, 90m, 72h30m or 30d")]
pub struct NoDuration(String);

/// A duration as Go and Velero write it (`720h`, `1h30m`), or in days (`30d`, 24 hours each); more than zero.
///
/// # Errors
/// [`NoDuration`].
pub fn duration(text: &str) -> Result<Duration, NoDuration> {
    let bad = || NoDuration(text.to_owned());
    let span: jiff::Span = text.trim().parse().map_err(|_| bad())?;
    let total = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| bad())?;
    let total = Duration::try_from(total).map_err(|_| bad())?;
    if total.is_zero() { Err(bad()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_velero_and_in_days_are_read() {
        let hour = Duration::from_secs(3600);
        assert_eq!(duration("720h").unwrap(), 720 * hour);
        assert_eq!(duration("720h0m0s").unwrap(), 720 * hour);
        assert_eq!(duration("30d").unwrap(), 720 * hour);
        assert_eq!(duration("1h30m").unwrap(), hour * 3 / 2);
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "0s", "-5h", "soon", "12", "1 fortnight"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_have_one_unit() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(bytes(u64::MAX), "16384.0 PiB");
    }

    #[test]
    fn ages_read_as_in_kubectl() {
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let ago = |seconds: i64| age(now - SignedDuration::from_secs(seconds), now);
        assert_eq!([ago(-5), ago(45), ago(300), ago(7_200), ago(200_000)], ["0s", "45s", "5m", "2h", "2d"]);
    }
}
