//! Words, numbers and strings.

use serde_json::{Number, Value};

use super::{ReadError, Reader, quote, unexpected};

impl Reader<'_> {
    pub(super) fn literal(&mut self, word: &str, value: Value) -> Result<Value, ReadError> {
        for wanted in word.bytes().skip(1) {
            let byte = self.take()?;
            if byte != wanted {
                let wanted = quote(char::from(wanted));
                return Err(unexpected(byte, &format!("in literal {word} (expecting {wanted})")));
            }
        }
        Ok(value)
    }

    pub(super) fn number(&mut self) -> Result<Value, ReadError> {
        let start = self.at;
        let digits = |reader: &mut Self| {
            let before = reader.at;
            while matches!(reader.bytes.get(reader.at), Some(b'0'..=b'9')) {
                reader.at += 1;
            }
            reader.at > before
        };
        let missing = |reader: &Self, context: &str| match reader.bytes.get(reader.at) {
            None => ReadError::new("unexpected end of JSON input"),
            Some(byte) => unexpected(*byte, context),
        };
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else if !digits(self) {
            return Err(missing(self, "in numeric literal"));
        }
        let mut whole = true;
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            whole = false;
            if !digits(self) {
                return Err(missing(self, "after decimal point in numeric literal"));
            }
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            whole = false;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !digits(self) {
                return Err(missing(self, "in exponent of numeric literal"));
            }
        }
        let text = std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default();
        if let (true, Ok(whole)) = (whole, text.parse::<i64>()) {
            return Ok(whole.into());
        }
        let too_large = || ReadError {
            words: format!("json: cannot unmarshal number {text} into Go value of type float64"),
            number: true,
        };
        let float = text.parse::<f64>().ok().and_then(Number::from_f64);
        float.map(Value::Number).ok_or_else(too_large)
    }

    /// The rest of a string, whose opening quote is taken. Lone surrogates and bytes that are no UTF-8 become U+FFFD.
    pub(super) fn string(&mut self) -> Result<String, ReadError> {
        let mut out: Vec<u8> = Vec::new();
        loop {
            let rest = &self.bytes[self.at..];
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\') || *byte < 0x20);
            let plain = plain.ok_or_else(|| ReadError::new("unexpected end of JSON input"))?;
            out.extend_from_slice(&rest[..plain]);
            let byte = rest[plain];
            self.at += plain + 1;
            match byte {
                b'"' => return Ok(String::from_utf8_lossy(&out).into_owned()),
                b'\\' => {
                    let mut room = [0; 4];
                    let character = self.escape()?;
                    out.extend_from_slice(character.encode_utf8(&mut room).as_bytes());
                }
                byte => return Err(unexpected(byte, "in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        Ok(match self.take()? {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                if (0xd800..0xdc00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
                    let before = self.at;
                    self.at += 2;
                    let second = self.hex()?;
                    if (0xdc00..0xe000).contains(&second) {
                        let both = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        return Ok(char::from_u32(both).unwrap_or('\u{fffd}'));
                    }
                    self.at = before;
                }
                char::from_u32(first).unwrap_or('\u{fffd}')
            }
            byte => return Err(unexpected(byte, "in string escape code")),
        })
    }

    fn hex(&mut self) -> Result<u32, ReadError> {
        let mut value = 0;
        for _ in 0..4 {
            let byte = self.take()?;
            let digit = char::from(byte).to_digit(16);
            value =
                value * 16 + digit.ok_or_else(|| unexpected(byte, "in \\u hexadecimal character escape"))?;
        }
        Ok(value)
    }
}
