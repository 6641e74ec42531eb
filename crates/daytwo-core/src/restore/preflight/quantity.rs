//! Amounts of CPU, memory, storage and counts, exactly as a server compares them. It refuses floating point, and what
//! no server would take.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

const NANO: i128 = 1_000_000_000;

/// An amount, in billionths: the finest that Kubernetes keeps. Default: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i128);

/// Amounts by the name of what they are of, such as `cpu`.
pub type Amounts = BTreeMap<String, Quantity>;

impl Quantity {
    /// A whole number.
    pub fn whole(number: u64) -> Self {
        Self(i128::from(number) * NANO)
    }

    /// Reads the text of a quantity (`k8s.io/apimachinery/pkg/api/resource/quantity.go` of Kubernetes 1.36): a decimal
    /// number with a binary suffix (`Ki` to `Ei`), a decimal one (`n` to `E`) or an exponent (`e3`, `E3`). What is finer
    /// than a billionth is rounded away from zero. `None` for any other text, and for more than 128
    /// bits of billionths.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let (factor, exponent) = scale(suffix)?;
        // digits × factor × 10^power billionths.
        let digits: i128 = match format!("{whole}{fraction}").trim_start_matches('0') {
            "" => return Some(Self(0)),
            digits => digits.parse().ok()?,
        };
        let power = 9 + exponent - i32::try_from(fraction.len()).ok()?;
        let scaled = digits.checked_mul(factor)?;
        let nanos = match u32::try_from(power) {
            Ok(power) => scaled.checked_mul(10_i128.checked_pow(power)?)?,
            Err(_) => match 10_i128.checked_pow(power.unsigned_abs()) {
                Some(divisor) => scaled.checked_add(divisor - 1)? / divisor,
                None => 1,
            },
        };
        Some(Self(if negative { -nanos } else { nanos }))
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// As often as `count` says.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(i128::from(count)))
    }

    /// How much it is above `other`; nothing where it is not.
    #[must_use]
    pub fn above(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }

    /// In thousandths, rounded up, as LimitRanges are compared.
    pub(super) fn milli(self) -> i128 {
        self.0.div_euclid(1_000_000) + i128::from(self.0.rem_euclid(1_000_000) != 0)
    }

    /// Without fractions, rounded up, as storage is counted.
    #[must_use]
    pub fn ceiling(self) -> Self {
        Self((self.0.div_euclid(NANO) + i128::from(self.0.rem_euclid(NANO) != 0)) * NANO)
    }
}

/// The factor and the power of ten of a suffix.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    let decimal = |power| Some((1, power));
    match suffix {
        "" => decimal(0),
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => Some((1 << 10, 0)),
        "Mi" => Some((1 << 20, 0)),
        "Gi" => Some((1 << 30, 0)),
        "Ti" => Some((1 << 40, 0)),
        "Pi" => Some((1 << 50, 0)),
        "Ei" => Some((1 << 60, 0)),
        _ => decimal(suffix.strip_prefix(['e', 'E'])?.parse::<i16>().ok()?.into()),
    }
}

impl fmt::Display for Quantity {
    /// In the largest unit that is exact, binary ones from `Mi` on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % NANO != 0 {
            let (by, unit) = if self.0 % 1_000_000 == 0 { (1_000_000, "m") } else { (1, "n") };
            return write!(f, "{}{unit}", self.0 / by);
        }
        let whole = self.0 / NANO;
        let units = [(1_i128 << 40, "Ti"), (1 << 30, "Gi"), (1 << 20, "Mi")];
        match units.into_iter().find(|(size, _)| whole != 0 && whole % size == 0) {
            Some((size, unit)) => write!(f, "{}{unit}", whole / size),
            None => write!(f, "{whole}"),
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity such as \"500m\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Quantity, E> {
                Quantity::parse(text).ok_or_else(|| E::custom("no quantity"))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Quantity, E> {
                Ok(Quantity::whole(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Quantity, E> {
                Ok(Quantity(i128::from(number) * NANO))
            }

            // Servers write numbers as text; who wrote this one meant its decimal digits.
            fn visit_f64<E: Error>(self, number: f64) -> Result<Quantity, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// Adds each of `more` to `sum`.
pub(super) fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        match sum.get_mut(name) {
            Some(known) => *known = known.plus(*amount),
            None => {
                sum.insert(name.clone(), *amount);
            }
        }
    }
}

/// Raises each of `most` to that of `other`.
pub(super) fn raise(most: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        match most.get_mut(name) {
            Some(known) => *known = (*known).max(*amount),
            None => {
                most.insert(name.clone(), *amount);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    #[test]
    fn one_amount_has_many_spellings() {
        for (one, other) in [
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.", "1000m"),
            ("+1", "1"),
            ("1e3", "1k"),
            ("1E3", "1k"),
            ("1E", "1000P"),
            ("1e-3", "1m"),
            ("1Ki", "1024"),
            ("1.5Gi", "1536Mi"),
            ("128974848", "123Mi"),
            ("0.0000000001", "1n"),
            ("1.0000000001n", "2n"),
            ("-0.1n", "-1n"),
            ("000", "0"),
            ("0.000000000000000000000000000000000000000000000000001", "1n"),
            ("8Ei", "8192Pi"),
        ] {
            assert_eq!(of(one), of(other), "{one}");
        }
    }

    #[test]
    fn what_no_server_takes_is_no_amount() {
        for text in
            ["", "-", "m", "1.2.3", "1 Gi", "1gi", "1K", "Gi", "1e", "1e1.5", "0x10", "1mi", "9e40", "é"]
        {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_are_shown_exactly() {
        for (text, shown) in
            [("1500m", "1500m"), ("2", "2"), ("1536Mi", "1536Mi"), ("2048Mi", "2Gi"), ("1n", "1n")]
        {
            assert_eq!(of(text).to_string(), shown);
        }
        assert_eq!(of("0").to_string(), "0");
    }

    #[test]
    fn json_may_hold_numbers() {
        let amounts: Amounts = serde_json::from_str(r#"{"cpu":0.5,"memory":1024,"pods":"3"}"#).unwrap();
        assert_eq!(
            amounts,
            [("cpu", "500m"), ("memory", "1Ki"), ("pods", "3")].map(|(k, v)| (k.to_owned(), of(v))).into()
        );
        assert!(serde_json::from_str::<Amounts>(r#"{"cpu":"much"}"#).is_err());
    }

    #[test]
    fn rounding_goes_up() {
        assert_eq!((of("1n").milli(), of("1m").milli(), of("-1500u").milli()), (1, 1, -1));
        assert_eq!(of("1m").ceiling(), of("1"));
    }
}
