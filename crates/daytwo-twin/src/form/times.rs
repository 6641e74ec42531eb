//! Times as Go's `time.Parse` reads them and Kubernetes writes them: RFC 3339 in UTC, to the second or the microsecond
//! (`k8s.io/apimachinery/pkg/apis/meta/v1/{time,micro_time}.go`, v0.36; `time/format.go` of Go 1.26 for the errors).
//!
//! It refuses years beyond 9999 that an offset leads to.

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};

use crate::field::quoted;

const SECONDS: &str = "2006-01-02T15:04:05Z07:00";
const MICROS: &str = "2006-01-02T15:04:05.000000Z07:00";

/// What is wrong: a part that reads otherwise, or is out of range.
enum Wrong {
    Part(&'static str),
    Said(String),
}

/// The canonical text of a time; `None` for Go's zero time, which is written as `null`.
///
/// # Errors
/// In Go's words.
pub(super) fn canonical(text: &str, micro: bool) -> Result<Option<String>, String> {
    let mut reader = Reader { rest: text };
    let read = reader.time(micro);
    let (moment, nanos) = read.map_err(|wrong| match wrong {
        Wrong::Part(part) => format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quoted(text),
            quoted(if micro { MICROS } else { SECONDS }),
            quoted(reader.rest),
            quoted(part)
        ),
        Wrong::Said(what) => format!("parsing time {}: {what}", quoted(text)),
    })?;
    if moment == DateTime::constant(1, 1, 1, 0, 0, 0, 0) {
        return Ok(None);
    }
    let (date, time) = (moment.date(), moment.time());
    let fraction = if micro { format!(".{:06}", nanos / 1000) } else { String::new() };
    Ok(Some(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}Z",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )))
}

/// What is still to be read; at an error, from where it could not be read.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// The time in UTC without its fraction, and the fraction in nanoseconds.
    fn time(&mut self, micro: bool) -> Result<(DateTime, u32), Wrong> {
        let year = self.year()?;
        self.mark("-")?;
        let month = self.pair("01", true)?;
        range(1..=12, month, "month")?;
        self.mark("-")?;
        let day = self.pair("02", true)?;
        self.mark("T")?;
        let hour = self.pair("15", false)?;
        range(0..=23, hour, "hour")?;
        self.mark(":")?;
        let minute = self.pair("04", true)?;
        range(0..=59, minute, "minute")?;
        self.mark(":")?;
        let second = self.pair("05", true)?;
        range(0..=59, second, "second")?;
        let nanos = self.fraction(micro)?;
        let offset = self.offset()?;
        if !self.rest.is_empty() {
            return Err(Wrong::Said(format!("extra text: {}", quoted(self.rest))));
        }
        let date = Date::new(year, month, day).map_err(|_| Wrong::Said("day out of range".to_owned()))?;
        let local = date.at(hour, minute, second, 0);
        let moment = local.checked_sub(offset.seconds());
        Ok((moment.map_err(|_| Wrong::Said("year out of range".to_owned()))?, nanos))
    }

    fn year(&mut self) -> Result<i16, Wrong> {
        let (year, rest) = self.rest.split_at_checked(4).ok_or(Wrong::Part("2006"))?;
        let digits = year.bytes().all(|digit| digit.is_ascii_digit());
        let year = digits.then(|| year.parse().ok()).flatten().ok_or(Wrong::Part("2006"))?;
        self.rest = rest;
        Ok(year)
    }

    fn mark(&mut self, mark: &'static str) -> Result<(), Wrong> {
        self.rest = self.rest.strip_prefix(mark).ok_or(Wrong::Part(mark))?;
        Ok(())
    }

    /// Two digits, or one where it is not `fixed`.
    fn pair(&mut self, part: &'static str, fixed: bool) -> Result<i8, Wrong> {
        let digits = self.rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
        if digits == 0 || (digits == 1 && fixed) {
            return Err(Wrong::Part(part));
        }
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().map_err(|_| Wrong::Part(part))
    }

    /// After the seconds: with six digits exactly, or as many as there are.
    fn fraction(&mut self, micro: bool) -> Result<u32, Wrong> {
        let point = self.rest.starts_with(['.', ',']);
        let found = self.rest.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        let count = match micro {
            true if !point || found < 6 => return Err(Wrong::Part(".000000")),
            true => 6,
            false if !point || found == 0 => return Ok(0),
            false => found,
        };
        let digits = &self.rest[1..=count];
        self.rest = &self.rest[count + 1..];
        Ok(format!("{digits:0<9.9}").parse().unwrap_or(0))
    }

    /// Seconds east of Greenwich.
    fn offset(&mut self) -> Result<i32, Wrong> {
        let wrong = || Wrong::Part("Z07:00");
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let bytes = self.rest.as_bytes();
        let (Some(sign), Some(b':')) = (bytes.first(), bytes.get(3)) else { return Err(wrong()) };
        let number = |from: usize| {
            let digits = bytes.get(from..from + 2).filter(|two| two.iter().all(u8::is_ascii_digit))?;
            Some(i32::from(digits[0] - b'0') * 10 + i32::from(digits[1] - b'0'))
        };
        let (Some(hours), Some(minutes)) = (number(1), number(4)) else { return Err(wrong()) };
        if hours > 24 {
            return Err(Wrong::Said("time zone offset hour out of range".to_owned()));
        }
        if minutes > 60 {
            return Err(Wrong::Said("time zone offset minute out of range".to_owned()));
        }
        let offset = (hours * 60 + minutes) * 60;
        let offset = match sign {
            b'+' => offset,
            b'-' => -offset,
            _ => return Err(wrong()),
        };
        self.rest = &self.rest[6..];
        Ok(offset)
    }
}

fn range(allowed: std::ops::RangeInclusive<i8>, number: i8, what: &str) -> Result<(), Wrong> {
    match allowed.contains(&number) {
        true => Ok(()),
        false => Err(Wrong::Said(format!("{what} out of range"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_reads_them() {
        let seconds = [
            ("2020-01-01T5:00:00,5Z", Some("2020-01-01T05:00:00Z")),
            ("2020-01-01T00:00:00+01:30", Some("2019-12-31T22:30:00Z")),
            ("9999-12-31T23:59:59Z", Some("9999-12-31T23:59:59Z")),
            ("0001-01-01T00:00:00Z", None),
        ];
        for (text, written) in seconds {
            assert_eq!(canonical(text, false).unwrap().as_deref(), written, "{text}");
        }
        let micro = canonical("2020-01-01T00:00:00.120000-00:30", true).unwrap();
        assert_eq!(micro.as_deref(), Some("2020-01-01T00:30:00.120000Z"));
    }

    #[test]
    fn what_is_no_time_is_refused_in_gos_words() {
        let known = [
            (
                "x",
                false,
                "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\"",
            ),
            ("2020-01-01T00:00:61Z", false, "parsing time \"2020-01-01T00:00:61Z\": second out of range"),
            ("2020-02-31T00:00:00Z", false, "parsing time \"2020-02-31T00:00:00Z\": day out of range"),
            (
                "2020-01-01T00:00:00Z",
                true,
                "parsing time \"2020-01-01T00:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"Z\" as \".000000\"",
            ),
            (
                "2020-01-01T00:00:00.1234567Z",
                true,
                "parsing time \"2020-01-01T00:00:00.1234567Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"7Z\" as \"Z07:00\"",
            ),
        ];
        for (text, micro, why) in known {
            assert_eq!(canonical(text, micro).unwrap_err(), why);
        }
        assert!(canonical("2020-01-01T00:00:00é€", false).is_err());
    }
}
