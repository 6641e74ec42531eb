//! The text of a quantity.
//!
//! Go has two ways to read it: one for what fits 64 bits, which may keep what was written, and one for all else. It refuses
//! what the server refuses, in its words.

use super::{BINARY, DECIMAL, Format, NANO, Quantity};

const FORMAT: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const NUMERIC: &str = "unable to parse numeric part of quantity";
const SUFFIX: &str = "unable to parse quantity's suffix";

/// Digits that surely fit 64 bits.
const FAST: usize = 18;

/// The parts of a text.
struct Parts<'a> {
    negative: bool,
    /// Without leading zeros, but never empty.
    whole: &'a str,
    fraction: &'a str,
    /// Whether there was a digit at all.
    number: bool,
    suffix: &'a str,
}

impl Quantity {
    /// Reads what stands between the quotation marks.
    ///
    /// # Errors
    /// In the words of the server.
    pub(in crate::form) fn parse(text: &str) -> Result<Quantity, &'static str> {
        if text.is_empty() {
            return Err(FORMAT);
        }
        let parts = parts(text)?;
        let (format, power) = suffix(parts.suffix)?;
        match quick(text, &parts, format, power) {
            Some(quantity) => Ok(quantity),
            None => slow(&parts, format, power),
        }
    }
}

fn parts(text: &str) -> Result<Parts<'_>, &'static str> {
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let after = |rest: &str| rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (mut whole, mut rest) = rest.split_at(after(rest));
    let mut number = !whole.is_empty();
    whole = whole.trim_start_matches('0');
    let mut fraction = "";
    if let Some(behind) = rest.strip_prefix('.') {
        (fraction, rest) = behind.split_at(after(behind));
        number |= !fraction.is_empty();
    }
    let letters = rest.find(|letter: char| !"eEinumkKMGTP".contains(letter)).unwrap_or(rest.len());
    let digits = rest[letters..].trim_start_matches(['-', '+']);
    if rest.len() - letters - digits.len() > 1 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(FORMAT);
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    Ok(Parts { negative, whole, fraction, number, suffix: rest })
}

/// How it is written, and the power: of two for binary suffixes, of ten for others.
fn suffix(text: &str) -> Result<(Format, i64), &'static str> {
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == text) {
        return Ok((Format::Decimal, *power));
    }
    if let Some((_, power)) = BINARY.iter().find(|(name, _)| *name == text) {
        return Ok((Format::Binary, i64::from(*power)));
    }
    let exponent = text.strip_prefix(['e', 'E']).filter(|rest| !rest.is_empty()).ok_or(SUFFIX)?;
    let parsed: i64 = exponent.parse().map_err(|_| SUFFIX)?;
    #[expect(clippy::cast_possible_truncation, reason = "the server cuts it to 32 bits too")]
    let cut = parsed as i32;
    Ok((Format::Exponent, i64::from(cut)))
}

/// What fits 64 bits; kept as written where the server finds it canonical.
fn quick(text: &str, parts: &Parts<'_>, format: Format, power: i64) -> Option<Quantity> {
    let (length, fraction) = (parts.whole.len() + parts.fraction.len(), parts.fraction.len());
    let shifted = format!("{}{}", parts.whole, parts.fraction);
    let (factor, exponent) = match format {
        Format::Binary => {
            let digits = usize::try_from(power).ok()? * 3 / 10;
            if fraction > 0 || 15 < length + digits + 1 {
                return None;
            }
            (1_i64 << power, 0)
        }
        _ if length > FAST => return None,
        _ => (1, power - i64::try_from(fraction).ok()?),
    };
    if exponent < NANO {
        return None;
    }
    let value: i64 = shifted.parse().ok()?;
    let product = value.checked_mul(factor)?;
    let canonical = match format {
        Format::Binary => value & 7 != 0,
        _ => exponent % 3 == 0 && !shifted.ends_with("000") && !shifted.starts_with('0'),
    };
    Some(Quantity {
        negative: parts.negative && product != 0,
        digits: if product == 0 { String::new() } else { product.to_string() },
        exponent,
        format,
        kept: canonical.then(|| text.to_owned()),
    })
}

fn slow(parts: &Parts<'_>, format: Format, power: i64) -> Result<Quantity, &'static str> {
    if !parts.number {
        return Err(NUMERIC);
    }
    let digits = format!("{}{}", parts.whole, parts.fraction).trim_start_matches('0').to_owned();
    let fraction = i64::try_from(parts.fraction.len()).unwrap_or(i64::MAX);
    let mut made = Quantity { negative: parts.negative, digits, exponent: -fraction, format, kept: None };
    match format {
        Format::Binary => made.digits = times(&made.digits, 1 << power),
        _ => made.exponent += power,
    }
    made.round(NANO);
    if format == Format::Binary {
        let most = i128::from(i64::MAX) * 1_000_000_000;
        match made.nanos().map(i128::abs) {
            Some(size) if size > 0 && size < 1_000_000_000 => made.format = Format::Decimal,
            Some(size) if size <= most => {}
            _ => (made.digits, made.exponent) = (i64::MAX.to_string(), 0),
        }
    }
    made.negative &= !made.is_zero();
    Ok(made)
}

/// Digits times a number below 2^61.
fn times(digits: &str, factor: u64) -> String {
    let mut out = Vec::with_capacity(digits.len() + 20);
    let mut carry: u128 = 0;
    for digit in digits.bytes().rev() {
        carry += u128::from(digit - b'0') * u128::from(factor);
        out.push(digit_of(carry));
        carry /= 10;
    }
    while carry > 0 {
        out.push(digit_of(carry));
        carry /= 10;
    }
    out.iter().rev().collect()
}

fn digit_of(number: u128) -> char {
    char::from(b'0' + u8::try_from(number % 10).expect("invariant: below ten"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_quantity_is_refused_in_the_servers_words() {
        for (text, why) in
            [("", FORMAT), ("1x", FORMAT), ("1Ki5", SUFFIX), ("1e", SUFFIX), (".e-20", NUMERIC)]
        {
            assert_eq!(Quantity::parse(text).unwrap_err(), why, "{text}");
        }
        assert_eq!(Quantity::parse(&format!("1e-{}", i32::MAX)).unwrap().to_string(), "1e-9");
        assert!(Quantity::parse(&"9".repeat(100_000)).is_ok());
    }
}
