//! Values that hold no others: text, numbers, bytes, and types with a JSON of their own.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use daytwo_etcd::kube::types::Holds;
use serde_json::{Number, Value};

use super::decode::{Decoder, Fatal, Read, named};
use super::quantity::Quantity;
use super::times;

/// As Go's: padding must be there, bits beyond the last byte do not matter.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

impl Decoder {
    pub(super) fn leaf(&mut self, holds: Holds, go: &str, value: Value) -> Result<Read, Fatal> {
        match (holds, value) {
            (Holds::Text | Holds::Duration, Value::String(text)) => {
                let zero = text.is_empty();
                Ok(Read::some(text, zero))
            }
            (Holds::Text | Holds::Duration, Value::Null) => Ok(Read::some("", true)),
            (Holds::Bool, Value::Bool(set)) => Ok(Read::some(set, !set)),
            (Holds::Bool, Value::Null) => Ok(Read::some(false, true)),
            (Holds::Integer | Holds::Long, Value::Null) => Ok(Read::some(0, true)),
            (Holds::Integer | Holds::Long, Value::Number(number)) => Ok(self.integer(holds, go, &number)),
            (Holds::Double, Value::Null) => Ok(Read::some(0, true)),
            (Holds::Double, Value::Number(read)) => Ok(Read::some(number(&read), read.as_f64() == Some(0.0))),
            (Holds::Bytes, Value::Null) => Ok(Read::none()),
            (Holds::Bytes, Value::String(text)) => Ok(self.bytes(&text)),
            (Holds::Bytes, Value::Array(items)) => Ok(self.octets(&items)),
            (Holds::Quantity, value) => quantity(&value),
            (Holds::IntOrString, value) => self.int_or_string(value),
            (Holds::Time, value) => self.time(value, false),
            (Holds::MicroTime, value) => self.time(value, true),
            (_, other) => {
                let zero = self.leaf(holds, go, Value::Null)?;
                self.mismatch(&other, go);
                Ok(zero)
            }
        }
    }

    fn integer(&mut self, holds: Holds, go: &str, number: &Number) -> Read {
        let read = number.as_i64().filter(|read| holds == Holds::Long || i32::try_from(*read).is_ok());
        match read {
            Some(read) => Read::some(read, read == 0),
            None => {
                self.note(self.path.mismatch(&format!("number {number}"), go));
                Read::some(0, true)
            }
        }
    }

    /// Line breaks are no part of base64's text to Go.
    fn bytes(&mut self, text: &str) -> Read {
        let plain: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        match BASE64.decode(&plain) {
            Ok(bytes) => {
                Read::some(base64::engine::general_purpose::STANDARD.encode(&bytes), bytes.is_empty())
            }
            Err(_) => {
                self.note(format!("illegal base64 data at input byte {}", illegal(text)));
                Read::none()
            }
        }
    }

    /// A list of numbers is bytes to Go as well.
    fn octets(&mut self, items: &[Value]) -> Read {
        let mut bytes = Vec::with_capacity(items.len());
        for item in items {
            let byte = match item {
                Value::Null => Some(0),
                Value::Number(number) => number.as_u64().and_then(|number| u8::try_from(number).ok()),
                _ => None,
            };
            match (byte, item) {
                (Some(byte), _) => bytes.push(byte),
                (None, Value::Number(number)) => {
                    self.note(self.path.mismatch(&format!("number {number}"), "uint8"));
                }
                (None, other) => self.note(self.path.mismatch(named(other), "uint8")),
            }
        }
        Read::some(base64::engine::general_purpose::STANDARD.encode(&bytes), bytes.is_empty())
    }

    fn int_or_string(&mut self, value: Value) -> Result<Read, Fatal> {
        let read = match value {
            Value::Null => Some((0.into(), true)),
            Value::String(text) => Some((Value::String(text), false)),
            Value::Number(number) => match number.as_i64().and_then(|number| i32::try_from(number).ok()) {
                Some(number) => Some((number.into(), number == 0)),
                None => return Err(Fatal(self.path.mismatch(&format!("number {number}"), "int32"))),
            },
            other => return Err(Fatal(self.path.mismatch(named(&other), "int32"))),
        };
        let (value, zero) = read.unwrap_or((Value::Null, true));
        Ok(Read { value, empty: false, zero })
    }

    fn time(&mut self, value: Value, micro: bool) -> Result<Read, Fatal> {
        let value = match value {
            Value::Null => Value::Null,
            Value::String(text) => times::canonical(&text, micro).map_err(Fatal)?.into(),
            other => return Err(Fatal(self.path.mismatch(named(&other), "string"))),
        };
        let zero = value.is_null();
        Ok(Read { value, empty: false, zero })
    }
}

/// The server takes a number for its text.
fn quantity(value: &Value) -> Result<Read, Fatal> {
    let text = match value {
        Value::Null => "0".to_owned(),
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let quantity = Quantity::parse(&text).map_err(|why| Fatal(why.to_owned()))?.to_string();
    let zero = quantity == "0";
    Ok(Read { value: Value::String(quantity), empty: false, zero })
}

/// Where Go's `encoding/base64` stops: groups of four, line breaks anywhere, nothing behind the padding.
fn illegal(text: &str) -> usize {
    let bytes = text.as_bytes();
    let skip = |at: &mut usize| {
        while bytes.get(*at).is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
            *at += 1;
        }
    };
    let (mut at, mut group) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => group = (group + 1) % 4,
            b'\r' | b'\n' => {}
            b'=' if group == 3 => {
                skip(&mut at);
                return at;
            }
            b'=' if group == 2 => {
                skip(&mut at);
                match bytes.get(at) {
                    None => return bytes.len(),
                    Some(b'=') => at += 1,
                    Some(_) => return at - 1,
                }
                skip(&mut at);
                return at;
            }
            _ => return at - 1,
        }
    }
    bytes.len() - group
}

/// A number as Go's float64 or int64 is written: without a fraction that is none.
pub(super) fn number(number: &Number) -> Value {
    match number.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within 53 bits")]
        Some(read) if number.is_f64() && read.fract() == 0.0 && read.abs() < 9_007_199_254_740_992.0 => {
            (read as i64).into()
        }
        _ => Value::Number(number.clone()),
    }
}
