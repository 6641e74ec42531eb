//! Schedules of CronJobs, and the words of the parser that the server uses (`github.com/robfig/cron/v3`).

use crate::rules::look::{At, Faults};

struct Bounds {
    low: u64,
    high: u64,
    names: &'static [&'static str],
}

const FIELDS: [Bounds; 5] = [
    Bounds { low: 0, high: 59, names: &[] },
    Bounds { low: 0, high: 23, names: &[] },
    Bounds { low: 1, high: 31, names: &[] },
    Bounds {
        low: 1,
        high: 12,
        names: &["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Bounds { low: 0, high: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/// `schedule`, and whether it names a time zone itself.
pub(super) fn schedule(spec: &At<'_>, was: &At<'_>, update: bool, out: &mut Faults) {
    let place = spec.at("schedule");
    let text = place.text();
    if text.is_empty() {
        return out.push(place.required(""));
    }
    if let Err(words) = parse(text) {
        out.push(place.invalid(words));
    }
    let before = update && was.str("schedule").contains("TZ");
    if text.contains("TZ") && before && spec.at("timeZone").has() {
        out.push(place.invalid("cannot use both timeZone field and TZ or CRON_TZ in schedule"));
    } else if text.contains("TZ") && !before {
        out.push(place.invalid("cannot use TZ or CRON_TZ in schedule, use timeZone field instead"));
    }
}

fn parse(text: &str) -> Result<(), String> {
    let mut text = text;
    if let Some(rest) = text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ=")) {
        let (zone, rest) = rest.split_once(' ').ok_or("invalid schedule format")?;
        if unknown_zone(zone) {
            return Err(format!("provided bad location {zone}: unknown time zone {zone}"));
        }
        text = rest.trim();
    }
    if text.starts_with('@') {
        return descriptor(text);
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 5 {
        return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    for (field, bounds) in fields.iter().zip(&FIELDS) {
        for part in field.split(',').filter(|part| !part.is_empty()) {
            range(part, bounds)?;
        }
    }
    Ok(())
}

fn descriptor(text: &str) -> Result<(), String> {
    if matches!(text, "@yearly" | "@annually" | "@monthly" | "@weekly" | "@daily" | "@midnight" | "@hourly") {
        return Ok(());
    }
    let Some(every) = text.strip_prefix("@every ") else {
        return Err(format!("unrecognized descriptor: {text}"));
    };
    let mut rest = every.trim_start_matches(['+', '-']);
    let good = !rest.is_empty()
        && (rest == "0" || {
            while !rest.is_empty() {
                let digits = rest.find(|one: char| !one.is_ascii_digit() && one != '.').unwrap_or(rest.len());
                let unit = ["ns", "us", "µs", "ms", "s", "m", "h"]
                    .iter()
                    .filter(|unit| rest[digits..].starts_with(**unit))
                    .max_by_key(|unit| unit.len());
                match unit.filter(|_| digits > 0) {
                    Some(unit) => rest = &rest[digits + unit.len()..],
                    None => break,
                }
            }
            rest.is_empty()
        });
    if good {
        return Ok(());
    }
    let quoted = crate::field::quoted(every);
    Err(format!("failed to parse duration {text}: time: invalid duration {quoted}"))
}

fn number(text: &str, names: &[&str]) -> Result<u64, String> {
    let lower = text.to_lowercase();
    if let Some(index) = names.iter().position(|name| !name.is_empty() && *name == lower) {
        return Ok(index as u64);
    }
    let quoted = crate::field::quoted(text);
    let parsed: i64 = text.parse().map_err(|_| {
        format!("failed to parse int from {text}: strconv.Atoi: parsing {quoted}: invalid syntax")
    })?;
    u64::try_from(parsed).map_err(|_| format!("negative number ({parsed}) not allowed: {text}"))
}

fn range(text: &str, bounds: &Bounds) -> Result<(), String> {
    let parts: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = parts[0].split('-').collect();
    let (low, mut high) = match ends.as_slice() {
        ["*" | "?", ..] => (bounds.low, bounds.high),
        [one] => {
            let one = number(one, bounds.names)?;
            (one, one)
        }
        [low, high] => (number(low, bounds.names)?, number(high, bounds.names)?),
        [low, ..] => {
            number(low, bounds.names)?;
            return Err(format!("too many hyphens: {text}"));
        }
        [] => return Ok(()),
    };
    let step = match parts.as_slice() {
        [_] => 1,
        [_, step] => {
            let step = number(step, &[])?;
            if ends.len() == 1 {
                high = bounds.high;
            }
            step
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    if low < bounds.low {
        return Err(format!("beginning of range ({low}) below minimum ({}): {text}", bounds.low));
    }
    if high > bounds.high {
        return Err(format!("end of range ({high}) above maximum ({}): {text}", bounds.high));
    }
    if low > high {
        return Err(format!("beginning of range ({low}) beyond end of range ({high}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok(())
}

/// Whether the time zone is known not to be; a machine without zones knows none.
fn unknown_zone(name: &str) -> bool {
    !name.is_empty()
        && name != "UTC"
        && !jiff::tz::db().is_definitively_empty()
        && jiff::tz::db().get(name).is_err()
}

/// `timeZone`.
pub(super) fn zone(place: &At<'_>, out: &mut Faults) {
    if !place.has() {
        return;
    }
    let name = place.text();
    if name.is_empty() {
        return out.push(place.invalid("timeZone must be nil or non-empty string"));
    }
    let odd = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
        matches!(part, "." | "..")
            || part.starts_with('-')
            || !(1..=14).contains(&part.len())
            || !part.bytes().all(plain)
    };
    if name.split('/').any(odd) {
        return out.push(place.invalid(format!("unknown time zone {name}")));
    }
    if name.eq_ignore_ascii_case("local") {
        let words = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        out.push(place.invalid(words));
    }
    if name != "Local" && unknown_zone(name) {
        out.push(place.invalid(format!("unknown time zone {name}")));
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn schedules_are_read_as_the_server_reads_them() {
        for good in ["* * * * *", "*/5 0-6 1,15 jan MON-fri", "@daily", "@every 1h30m", "0 0 ? * 0/2"] {
            assert_eq!(parse(good), Ok(()), "{good}");
        }
        let bad = [
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("61 * * * *", "end of range (61) above maximum (59): 61"),
            ("a * * * *", "failed to parse int from a: strconv.Atoi: parsing \"a\": invalid syntax"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("@now", "unrecognized descriptor: @now"),
            ("@every x", "failed to parse duration @every x: time: invalid duration \"x\""),
        ];
        for (text, words) in bad {
            assert_eq!(parse(text), Err(words.to_owned()), "{text}");
        }
    }
}
