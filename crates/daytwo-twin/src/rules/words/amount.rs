//! Quantities: `100m`, `1Gi`, `1e3`, compared and added without loss
//! (`k8s.io/apimachinery/pkg/api/resource/quantity.go`, v0.36).
//!
//! It refuses to be the way in: what stands in an object has been read and spelled canonically before.

use std::cmp::Ordering;

use serde_json::Value;

/// Billionths: the least that a quantity can tell apart.
const UNIT: i128 = 1_000_000_000;

/// An amount of something.
#[derive(Debug, Clone, Copy)]
pub(in crate::rules) struct Amount {
    billionths: i128,
    binary: bool,
}

const DECIMAL: [(&str, i128); 10] = [
    ("n", 1),
    ("u", 1_000),
    ("m", 1_000_000),
    ("", UNIT),
    ("k", UNIT * 1_000),
    ("M", UNIT * 1_000_000),
    ("G", UNIT * 1_000_000_000),
    ("T", UNIT * 1_000_000_000_000),
    ("P", UNIT * 1_000_000_000_000_000),
    ("E", UNIT * 1_000_000_000_000_000_000),
];

const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

impl Amount {
    pub const ZERO: Self = Self { billionths: 0, binary: false };

    /// A whole number.
    pub fn whole(number: i64) -> Self {
        Self { billionths: i128::from(number) * UNIT, binary: false }
    }

    /// Reads one; `None` for what is none. Larger ones than 2⁶³−1 become that.
    pub fn read(text: &str) -> Option<Self> {
        let end = text.find(|one: char| !matches!(one, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (negative, digits) = match number.as_bytes().first()? {
            b'-' => (true, &number[1..]),
            b'+' => (false, &number[1..]),
            _ => (false, number),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(part) || (whole.is_empty() && part.is_empty()) {
            return None;
        }
        let (scale, binary) = scale_of(suffix)?;
        let mut billionths = scaled(whole, scale);
        let mut place = scale;
        for digit in part.bytes() {
            let digit = i128::from(digit - b'0');
            place = match place {
                Scale::Times(by) if by >= 10 && by % 10 == 0 => Scale::Times(by / 10),
                _ => {
                    billionths = billionths.saturating_add(finest(place, digit));
                    break;
                }
            };
            if let Scale::Times(by) = place {
                billionths = billionths.saturating_add(digit.saturating_mul(by));
            }
        }
        let most = i128::from(i64::MAX) * UNIT;
        let billionths = billionths.min(most);
        Some(Self { billionths: if negative { -billionths } else { billionths }, binary })
    }

    /// The amount at a place: zero where there is none, or none that can be read.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::read(text).unwrap_or(Self::ZERO),
            Value::Number(number) => Self::read(&number.to_string()).unwrap_or(Self::ZERO),
            _ => Self::ZERO,
        }
    }

    pub fn negative(self) -> bool {
        self.billionths < 0
    }

    pub fn zero(self) -> bool {
        self.billionths == 0
    }

    pub fn positive(self) -> bool {
        self.billionths > 0
    }

    /// Whether it is whole, to the thousandth (as `MilliValue() % 1000` tells).
    pub fn is_whole(self) -> bool {
        let up = |value: i128, by: i128| value.div_euclid(by) + i128::from(value.rem_euclid(by) != 0);
        up(self.billionths, UNIT / 1000) % 1000 == 0
    }

    /// The whole number, rounded up (`Value()`).
    pub fn value(self) -> i128 {
        self.billionths.div_euclid(UNIT) + i128::from(self.billionths.rem_euclid(UNIT) != 0)
    }

    pub fn plus(self, other: Self) -> Self {
        let binary = if self.zero() { other.binary } else { self.binary };
        Self { billionths: self.billionths.saturating_add(other.billionths), binary }
    }

    /// What is left, but nothing below zero.
    pub fn minus(self, other: Self) -> Self {
        Self { billionths: self.billionths.saturating_sub(other.billionths).max(0), binary: self.binary }
    }

    /// The ratio to another; 0 for nothing to compare with.
    #[expect(clippy::cast_precision_loss, reason = "shown as %f, as the server's own float64")]
    pub fn ratio(self, other: Self) -> f64 {
        if other.zero() { 0.0 } else { self.billionths as f64 / other.billionths as f64 }
    }
}

#[derive(Clone, Copy)]
enum Scale {
    /// Billionths in one.
    Times(i128),
    /// Below a billionth.
    Less,
}

/// What a digit below the finest step counts: a binary suffix's fraction, or rounding up.
fn finest(place: Scale, digit: i128) -> i128 {
    match place {
        Scale::Times(by) => (by * digit).div_euclid(10) + i128::from((by * digit).rem_euclid(10) != 0),
        Scale::Less => i128::from(digit != 0),
    }
}

fn scale_of(suffix: &str) -> Option<(Scale, bool)> {
    if let Some((_, scale)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Scale::Times(*scale), false));
    }
    if let Some((_, shift)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Some((Scale::Times(UNIT << shift), true));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let power = exponent.saturating_add(9);
    let scale = match u32::try_from(power) {
        Ok(power) => Scale::Times(10_i128.checked_pow(power.min(37)).unwrap_or(i128::MAX)),
        Err(_) => Scale::Less,
    };
    Some((scale, false))
}

fn scaled(digits: &str, scale: Scale) -> i128 {
    let number = digits
        .bytes()
        .fold(0_i128, |sum, digit| sum.saturating_mul(10).saturating_add(i128::from(digit - b'0')));
    match scale {
        Scale::Times(by) => number.saturating_mul(by),
        Scale::Less => i128::from(number != 0),
    }
}

impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        self.billionths == other.billionths
    }
}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.billionths.cmp(&other.billionths))
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = self.billionths % UNIT == 0;
        if self.binary && whole && self.billionths.abs() >= 1024 * UNIT {
            let number = self.billionths / UNIT;
            let fits = BINARY.iter().rev().find(|(_, shift)| number % (1_i128 << shift) == 0);
            return match fits {
                Some((suffix, shift)) => write!(out, "{}{suffix}", number >> shift),
                None => write!(out, "{number}"),
            };
        }
        let fits = DECIMAL.iter().rev().find(|(_, scale)| self.billionths % scale == 0);
        match fits {
            Some((suffix, scale)) if !self.zero() => write!(out, "{}{suffix}", self.billionths / scale),
            _ => out.write_str("0"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_compare_add_and_read_back() {
        let amount = |text: &str| Amount::read(text).unwrap_or_else(|| panic!("{text}"));
        assert!(amount("1500m") == amount("1500m") && amount("1.5") == amount("1500m"));
        assert!(amount("1Ki") > amount("1k") && amount("1e3") <= amount("1k"));
        assert!(amount("9E99") <= amount("9223372036854775807"));
        assert_eq!(amount("100m").plus(amount("900m")).to_string(), "1");
        assert_eq!(amount("1Gi").plus(amount("512Mi")).to_string(), "1536Mi");
        assert_eq!(amount("0.5Gi").to_string(), "512Mi");
        assert_eq!(amount("1e-12").to_string(), "1n", "what is too little is rounded up");
        assert_eq!(
            (amount("1.5").is_whole(), amount("2").is_whole(), amount("1.2").value()),
            (false, true, 2)
        );
        assert_eq!(amount("-1").to_string(), "-1");
        for wrong in ["", "a", "1.2.3", "1x", "-", "."] {
            assert_eq!(Amount::read(wrong), None, "{wrong}");
        }
    }
}
