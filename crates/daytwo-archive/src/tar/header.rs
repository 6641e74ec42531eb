//! One header block: where its fields lie, and how numbers are written in them.

use super::BLOCK;

pub(super) const NAME: std::ops::Range<usize> = 0..100;
pub(super) const MODE: std::ops::Range<usize> = 100..108;
pub(super) const UID: std::ops::Range<usize> = 108..116;
pub(super) const GID: std::ops::Range<usize> = 116..124;
pub(super) const SIZE: std::ops::Range<usize> = 124..136;
pub(super) const MTIME: std::ops::Range<usize> = 136..148;
pub(super) const CHECKSUM: std::ops::Range<usize> = 148..156;
pub(super) const KIND: usize = 156;
pub(super) const MAGIC: std::ops::Range<usize> = 257..265;
pub(super) const PREFIX: std::ops::Range<usize> = 345..500;

/// The magic and version of POSIX.
pub(super) const USTAR: &[u8; 8] = b"ustar\x0000";

/// Sum of all bytes, those of the checksum counted as spaces.
pub(super) fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    let own: u32 = block[CHECKSUM].iter().map(|&byte| u32::from(byte)).sum();
    sum - own + 8 * u32::from(b' ')
}

/// Writes `value` in octal, filled up with zeros, with a zero byte after it.
pub(super) fn write_octal(field: &mut [u8], mut value: u64) {
    let Some((last, digits)) = field.split_last_mut() else { return };
    *last = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value & 7).expect("invariant: three bits");
        value >>= 3;
    }
}

/// Reads a number: octal among spaces and zero bytes, or base 256 as GNU and Go write what octal cannot hold. `None`
/// for anything else, negative numbers too.
pub(super) fn read_number(field: &[u8]) -> Option<u64> {
    if let [first, rest @ ..] = field
        && first & 0x80 != 0
    {
        if first & 0x7f != 0 || rest.len() > 8 && rest[..rest.len() - 8].iter().any(|&byte| byte != 0) {
            return None;
        }
        return Some(rest.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte)));
    }
    let start = field.iter().position(|&byte| byte != b' ')?;
    let digits = &field[start..];
    let end = digits.iter().position(|&byte| byte == 0 || byte == b' ').unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if rest.iter().any(|&byte| byte != 0 && byte != b' ') {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| match byte {
        b'0'..=b'7' => value.checked_mul(8).map(|value| value + u64::from(byte - b'0')),
        _ => None,
    })
}

/// A text field up to its zero byte.
pub(super) fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    &field[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let mut field = [0xff; 12];
        for value in [0, 7, 8, 511, 0o77_777_777_777] {
            write_octal(&mut field, value);
            assert_eq!(read_number(&field), Some(value));
        }
        assert_eq!(read_number(b"   644 \0"), Some(0o644));
        assert_eq!(read_number(b"\x80\0\0\0\0\0\0\0\0\0\x01\0"), Some(256));
        for bad in
            [&b"9"[..], b"12x", b"\xff\xff\xff\xff", b"1 2", b"\x80\x01\0\0\0\0\0\0\0\0\0\0", b"        "]
        {
            assert_eq!(read_number(bad), None, "{bad:?}");
        }
    }
}
