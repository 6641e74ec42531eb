//! Compares JSON numbers by their digits: no digit is lost to a float.

/// Whether two JSON numbers have the same value. Texts that are no numbers are the same only if they are equal.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    match (Decimal::of(a), Decimal::of(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// `± 0.digits × 10^exponent`, without zeros at either end of the digits.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn of(text: &[u8]) -> Option<Decimal> {
        let text = std::str::from_utf8(text).ok()?;
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole.as_bytes(), fraction.as_bytes()].concat();
        if whole.is_empty() || !all.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let Some(first) = all.iter().position(|digit| *digit != b'0') else {
            return Some(Decimal { negative: false, digits: Vec::new(), exponent: 0 });
        };
        let last = all.iter().rposition(|digit| *digit != b'0')?;
        let shift = i64::try_from(whole.len()).ok()?.checked_sub(i64::try_from(first).ok()?)?;
        let exponent = exponent.checked_add(shift)?;
        Some(Decimal { negative, digits: all[first..=last].to_vec(), exponent })
    }
}
