//! Quantities as Go reads and writes them (`k8s.io/apimachinery/pkg/api/resource/{quantity,suffix,amount}.go`, v0.36).
//!
//! What is canonical already is kept letter by letter, by the rules of the server, which let some other spellings pass. It
//! refuses floating point, and to count with numbers of more digits than 128 bits hold.

mod parse;

use std::fmt;

/// The finest that is kept: billionths.
const NANO: i64 = -9;

const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL: [(&str, i64); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

/// How a quantity is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// `12M`
    Decimal,
    /// `12e6`
    Exponent,
    /// `12Mi`
    Binary,
}

/// An amount and the way it is written: `digits` × 10^`exponent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quantity {
    negative: bool,
    /// Without leading zeros; empty for zero.
    digits: String,
    exponent: i64,
    format: Format,
    /// What was written, where that stays.
    kept: Option<String>,
}

impl Quantity {
    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// In billionths; `None` beyond 128 bits.
    pub(super) fn nanos(&self) -> Option<i128> {
        if self.is_zero() {
            return Some(0);
        }
        let power = u32::try_from(self.exponent - NANO).ok()?;
        let size = self.digits.parse::<i128>().ok()?.checked_mul(10_i128.checked_pow(power)?)?;
        Some(if self.negative { -size } else { size })
    }

    /// The sum, written as `self` is, or as `other` is where `self` is zero.
    pub(super) fn plus(&self, other: &Quantity) -> Option<Quantity> {
        let sum = self.nanos()?.checked_add(other.nanos()?)?;
        let format = if self.is_zero() { other.format } else { self.format };
        Some(Quantity {
            negative: sum < 0,
            digits: if sum == 0 { String::new() } else { sum.unsigned_abs().to_string() },
            exponent: NANO,
            format,
            kept: None,
        })
    }

    /// Rounds away from zero to thousandths.
    pub(super) fn round_to_milli(&mut self) {
        if self.exponent < -3 {
            self.round(-3);
            self.kept = None;
        }
    }

    fn round(&mut self, exponent: i64) {
        let drop = usize::try_from(exponent - self.exponent).unwrap_or(0);
        if drop == 0 || self.is_zero() {
            return;
        }
        let at = self.digits.len().saturating_sub(drop);
        let rest = self.digits.bytes().skip(at).any(|digit| digit != b'0') || drop > self.digits.len();
        self.digits.truncate(at);
        self.exponent = exponent;
        if rest {
            self.digits = increased(&self.digits);
        }
    }

    /// Whether it is smaller than 1024 in size.
    fn below_kibi(&self) -> bool {
        self.nanos().is_some_and(|nanos| nanos.unsigned_abs() < 1024 * 1_000_000_000)
    }

    /// The whole number it is.
    fn integer(&self) -> Option<u128> {
        let nanos = self.nanos()?.unsigned_abs();
        (nanos % 1_000_000_000 == 0).then_some(nanos / 1_000_000_000)
    }

    fn decimal(&self, out: &mut fmt::Formatter<'_>, exponential: bool) -> fmt::Result {
        let digits = self.digits.trim_end_matches('0');
        let stripped = i64::try_from(self.digits.len() - digits.len()).unwrap_or(i64::MAX);
        let exponent = self.exponent.saturating_add(stripped);
        let more = exponent.rem_euclid(3);
        let exponent = exponent - more;
        let zeros = ["", "0", "00"][usize::try_from(more).unwrap_or(0)];
        let sign = if self.negative { "-" } else { "" };
        write!(out, "{sign}{digits}{zeros}")?;
        match exponential {
            true if exponent != 0 => write!(out, "e{exponent}"),
            true => Ok(()),
            // The server writes no suffix where there is none for the size.
            false => {
                let suffix = DECIMAL.iter().find(|(_, power)| *power == exponent);
                out.write_str(suffix.map_or("", |(suffix, _)| suffix))
            }
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(kept) = &self.kept {
            return out.write_str(kept);
        }
        if self.is_zero() {
            return out.write_str("0");
        }
        match (self.format, self.integer()) {
            (Format::Binary, Some(mut whole)) if !self.below_kibi() => {
                let mut times: usize = 0;
                while whole >= 1024 && whole.is_multiple_of(1024) {
                    whole /= 1024;
                    times += 1;
                }
                let sign = if self.negative { "-" } else { "" };
                let suffix = times.checked_sub(1).and_then(|at| BINARY.get(at));
                write!(out, "{sign}{whole}{}", suffix.map_or("", |(suffix, _)| suffix))
            }
            (format, _) => self.decimal(out, format == Format::Exponent),
        }
    }
}

/// Digits plus one.
fn increased(digits: &str) -> String {
    let kept = digits.trim_end_matches('9');
    let nines = digits.len() - kept.len();
    let head = match kept.as_bytes().split_last() {
        Some((last, before)) => format!("{}{}", String::from_utf8_lossy(before), char::from(last + 1)),
        None => "1".to_owned(),
    };
    head + &"0".repeat(nines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_as_go_writes_them() {
        // As printed by the server's own code.
        let known = [
            ("1.5", "1500m"),
            ("1.1Ki", "1126400m"),
            ("+5Gi", "+5Gi"),
            ("0005Gi", "0005Gi"),
            ("1000E", "1"),
            ("1e3", "1e3"),
            ("1E4", "10e3"),
            ("1.5Ki", "1536"),
            ("1e-12", "1e-9"),
            ("9223372036854775807Ei", "9223372036854775807"),
            (".5", "500m"),
            ("5.", "5."),
            ("1.10Gi", "1181116006400m"),
            ("1024Mi", "1Gi"),
            ("0.0001", "100u"),
            ("-0.5", "-500m"),
            ("0", "0"),
            ("0Gi", "0"),
        ];
        for (text, written) in known {
            assert_eq!(Quantity::parse(text).unwrap().to_string(), written, "{text}");
        }
        let mut fine = Quantity::parse("0.0001").unwrap();
        fine.round_to_milli();
        assert_eq!(fine.to_string(), "1m");
    }
}
