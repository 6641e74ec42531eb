//! The few protobuf messages of etcd's own, field by field: none has more than numbers and bytes.

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of 4 or 8 bytes, which no message of etcd's uses.
    Fixed,
}

/// The fields of a message, in the order they stand there. Ends after the first that cannot be read.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

/// What is wrong with a message.
pub(crate) type Wrong = &'static str;

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Fields<'a> {
        Fields { rest: message }
    }

    fn field(&mut self) -> Result<(u64, Value<'a>), Wrong> {
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number > 0x1FFF_FFFF {
            return Err("a field's number cannot be");
        }
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return Err("a field's type cannot be"),
        };
        Ok((number, value))
    }

    fn varint(&mut self) -> Result<u64, Wrong> {
        let mut value = 0;
        for (place, &byte) in self.rest.iter().enumerate().take(10) {
            let part = u64::from(byte & 0x7F);
            if place == 9 && part > 1 {
                return Err("a number is longer than 64 bits");
            }
            value |= part << (7 * place);
            if byte < 0x80 {
                self.rest = &self.rest[place + 1..];
                return Ok(value);
            }
        }
        Err("a number does not end")
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Wrong> {
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let (taken, rest) = split.ok_or("a field is longer than its message")?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Wrong>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Value<'a> {
    pub(crate) fn number(self) -> Result<u64, Wrong> {
        match self {
            Value::Number(number) => Ok(number),
            _ => Err("a field that is a number has another type"),
        }
    }

    /// As Go reads an int64.
    pub(crate) fn signed(self) -> Result<i64, Wrong> {
        self.number().map(u64::cast_signed)
    }

    pub(crate) fn bytes(self) -> Result<&'a [u8], Wrong> {
        match self {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err("a field that is bytes has another type"),
        }
    }
}
