//! Times as Go reads them by the layout of RFC 3339, and what it says of those it cannot read (`time/format.go`, Go 1.26).

use jiff::Timestamp;

/// In UTC, to the second; `None` for year 1, which is no time to Go.
///
/// # Errors
/// Go's words.
pub(super) fn canonical(text: &str) -> Result<Option<String>, String> {
    if let Some((rest, element)) = stumbles(text) {
        return Err(format!(
            "parsing time {} as \"2006-01-02T15:04:05Z07:00\": cannot parse {} as \"{element}\"",
            crate::field::quoted(text),
            crate::field::quoted(rest)
        ));
    }
    let range = |what: &str| Err(format!("parsing time {}: {what} out of range", crate::field::quoted(text)));
    match (&text[5..7], &text[11..13], &text[14..16], &text[17..19]) {
        (month, ..) if !("01"..="12").contains(&month) => return range("month"),
        (_, hour, ..) if hour > "23" => return range("hour"),
        (_, _, minute, _) if minute > "59" => return range("minute"),
        (.., second) if second > "59" => return range("second"),
        _ => {}
    }
    match text.parse::<Timestamp>() {
        Ok(_) if text.starts_with("0001-01-01T00:00:00") => Ok(None),
        Ok(time) => Ok(Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
        Err(_) => range("day"),
    }
}

/// Where reading stumbles: what is left, and the element of the layout that was to be read.
fn stumbles(text: &str) -> Option<(&str, &'static str)> {
    const PARTS: [(&str, usize); 11] = [
        ("2006", 4),
        ("-", 0),
        ("01", 2),
        ("-", 0),
        ("02", 2),
        ("T", 0),
        ("15", 2),
        (":", 0),
        ("04", 2),
        (":", 0),
        ("05", 2),
    ];
    let mut rest = text;
    for (element, digits) in PARTS {
        let taken = match digits {
            0 => rest.starts_with(element).then_some(1),
            _ => rest
                .as_bytes()
                .get(..digits)
                .filter(|part| part.iter().all(u8::is_ascii_digit))
                .map(|_| digits),
        };
        match taken {
            Some(taken) => rest = &rest[taken..],
            None => return Some((rest, element)),
        }
    }
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            rest = &fraction[digits..];
        }
    }
    let zone = rest.as_bytes();
    let two = |at: usize| zone.get(at..at + 2).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let offset = matches!(zone.first(), Some(b'+' | b'-')) && two(1) && zone.get(3) == Some(&b':') && two(4);
    let whole = rest == "Z" || (offset && zone.len() == 6);
    (!whole).then_some((rest, "Z07:00"))
}
