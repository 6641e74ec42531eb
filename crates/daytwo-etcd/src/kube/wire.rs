//! Takes protobuf apart into fields, without knowing what they mean. Refuses what no writer makes: groups, numbers of
//! more than ten bytes, lengths past the end.
//!
//! Format: <https://protobuf.dev/programming-guides/encoding/>.

/// A field's value as it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wire<'a> {
    /// Integers and booleans.
    Varint(u64),
    /// Eight bytes, as a double has.
    Fixed64([u8; 8]),
    /// Text, bytes, messages, packed numbers.
    Bytes(&'a [u8]),
    /// Four bytes; Kubernetes has none.
    Fixed32,
}

/// Why bytes are no message.
pub(super) type Broken = &'static str;

/// The fields of a message, in the order written.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn read(&mut self) -> Result<(u32, Wire<'a>), Broken> {
        let tag = varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        let number = number.ok_or("a field number out of range")?;
        let value = match tag & 7 {
            0 => Wire::Varint(varint(&mut self.rest)?),
            1 => {
                let (eight, rest) = self.rest.split_first_chunk().ok_or("eight bytes past the end")?;
                self.rest = rest;
                Wire::Fixed64(*eight)
            }
            2 => {
                let length = varint(&mut self.rest)?;
                let length = usize::try_from(length).map_err(|_| "a length past the end")?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or("a length past the end")?;
                self.rest = rest;
                Wire::Bytes(bytes)
            }
            5 => {
                self.rest = self.rest.get(4..).ok_or("four bytes past the end")?;
                Wire::Fixed32
            }
            3 | 4 => return Err("a group, which Kubernetes never writes"),
            _ => return Err("a wire type that does not exist"),
        };
        Ok((number, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Wire<'a>), Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.rest = &[];
        }
        Some(read)
    }
}

/// A number of one to ten bytes, the lowest seven bits first.
pub(super) fn varint(rest: &mut &[u8]) -> Result<u64, Broken> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let (byte, after) = rest.split_first().ok_or("a number past the end")?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err("a number of more than 64 bits");
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a number of more than ten bytes")
}

/// The last value of a field of bytes, of those that are not repeated.
pub(super) fn bytes_of(message: &[u8], wanted: u32) -> Result<Option<&[u8]>, Broken> {
    let mut found = None;
    for field in Fields::of(message) {
        match field? {
            (number, Wire::Bytes(bytes)) if number == wanted => found = Some(bytes),
            (number, _) if number == wanted => return Err("a field of another wire type"),
            _ => {}
        }
    }
    Ok(found)
}

/// The last value of an integer field; 0 where it is not written.
pub(super) fn integer_of(message: &[u8], wanted: u32) -> Result<i64, Broken> {
    let mut found = 0;
    for field in Fields::of(message) {
        match field? {
            (number, Wire::Varint(value)) if number == wanted => found = value.cast_signed(),
            (number, _) if number == wanted => return Err("a field of another wire type"),
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_s_own_examples_are_read() {
        // From the encoding guide: {a: 150} and {b: "testing"}.
        let first: Vec<_> = Fields::of(&[0x08, 0x96, 0x01]).collect();
        assert_eq!(first, [Ok((1, Wire::Varint(150)))]);
        let text = [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67];
        assert_eq!(Fields::of(&text).collect::<Vec<_>>(), [Ok((2, Wire::Bytes(b"testing")))]);
        assert_eq!(
            integer_of(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 1),
            Ok(-1)
        );
    }

    #[test]
    fn what_is_cut_or_overlong_ends_in_an_error() {
        for bad in
            [&[0x08][..], &[0x08, 0x80], &[0x12, 0x05, 1], &[0x0b], &[0x00, 0x01], &[0x09, 1, 2], &[0x0f]]
        {
            let read: Result<Vec<_>, _> = Fields::of(bad).collect();
            assert!(read.is_err(), "{bad:?}");
        }
        let endless = [0xff_u8; 11];
        assert!(varint(&mut &endless[..]).is_err());
    }
}
