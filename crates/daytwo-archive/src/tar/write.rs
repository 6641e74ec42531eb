//! Writes entries into a buffer: header, content, padding. Regular files of mode 0755, as Velero's are, all with one
//! time.

use super::BLOCK;
use super::header::{self, CHECKSUM, GID, KIND, MAGIC, MODE, MTIME, NAME, PREFIX, SIZE, UID, USTAR};

/// What closes an archive: two blocks of zeros.
pub(crate) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Zeros that follow a content of `length` bytes.
pub(crate) fn padding(length: usize) -> usize {
    length.next_multiple_of(BLOCK) - length
}

/// Appends entries to a buffer.
#[derive(Clone)]
pub(crate) struct TarWriter {
    /// A header with all but name, size and checksum.
    template: [u8; BLOCK],
    /// Sum of the template's bytes, those of the checksum counted as spaces.
    sum: u32,
}

impl TarWriter {
    /// `time`: seconds since 1970 that every entry carries; earlier times count as 0.
    pub(crate) fn new(time: i64) -> TarWriter {
        let mut template = [0; BLOCK];
        header::write_octal(&mut template[MODE], 0o755);
        header::write_octal(&mut template[UID], 0);
        header::write_octal(&mut template[GID], 0);
        header::write_octal(&mut template[SIZE], 0);
        header::write_octal(&mut template[MTIME], u64::try_from(time).unwrap_or(0));
        template[KIND] = b'0';
        template[MAGIC].copy_from_slice(USTAR);
        let sum = header::checksum(&template);
        TarWriter { template, sum }
    }

    /// Appends the header of an entry of `size` bytes. Its content and [`padding`] must follow.
    pub(crate) fn header(&self, into: &mut Vec<u8>, path: &[u8], size: usize) {
        match split(path) {
            Some((prefix, name)) => self.block(into, prefix, name, b'0', size),
            None => {
                self.extended(into, path);
                let start = path.len().saturating_sub(NAME.len());
                self.block(into, b"", &path[start..], b'0', size);
            }
        }
    }

    /// An extended header that carries `path`.
    fn extended(&self, into: &mut Vec<u8>, path: &[u8]) {
        let record = path.len() + " path=\n".len();
        let mut length = record + digits(record);
        if digits(length) != digits(record) {
            length = record + digits(length);
        }
        self.block(into, b"", b"PaxHeaders/path", b'x', length);
        into.extend_from_slice(length.to_string().as_bytes());
        into.extend_from_slice(b" path=");
        into.extend_from_slice(path);
        into.push(b'\n');
        into.resize(into.len() + padding(length), 0);
    }

    fn block(&self, into: &mut Vec<u8>, prefix: &[u8], name: &[u8], kind: u8, size: usize) {
        let start = into.len();
        into.extend_from_slice(&self.template);
        let block = &mut into[start..];
        let mut sum = self.sum;
        for (field, bytes) in [(NAME.start, name), (PREFIX.start, prefix)] {
            block[field..field + bytes.len()].copy_from_slice(bytes);
            sum += bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
        }
        if kind != b'0' {
            sum = sum + u32::from(kind) - u32::from(b'0');
            block[KIND] = kind;
        }
        let mut octal = [b'0'; 12];
        header::write_octal(&mut octal, size as u64);
        // The template's size is eleven zeros and a zero byte.
        sum += octal[..11].iter().map(|&digit| u32::from(digit - b'0')).sum::<u32>();
        block[SIZE].copy_from_slice(&octal);
        header::write_octal(&mut block[CHECKSUM.start..CHECKSUM.end - 1], u64::from(sum));
        block[CHECKSUM.end - 1] = b' ';
    }
}

/// `path` as prefix and name of a plain header; `None` where it does not fit or is not ASCII, which such a header
/// leaves undefined.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if !path.is_ascii() || path.contains(&0) {
        return None;
    }
    if path.len() <= NAME.len() {
        return Some((b"", path));
    }
    // The name must hold what follows the slash, the prefix what goes before.
    let first = path.len().checked_sub(NAME.len() + 1)?;
    let slash = first + path.get(first..)?.iter().position(|&byte| byte == b'/')?;
    let (prefix, name) = (&path[..slash], &path[slash + 1..]);
    (prefix.len() <= PREFIX.len() && !prefix.is_empty() && !name.is_empty()).then_some((prefix, name))
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::super::header::checksum;
    use super::*;

    #[test]
    fn headers_carry_the_checksum_of_their_bytes() {
        let writer = TarWriter::new(1_700_000_000);
        let long = format!("resources/{}/{}", "a".repeat(120), "b".repeat(90));
        for path in ["x", "metadata/version", &long] {
            for size in [0, 1, 511, 123_456_789] {
                let mut buffer = Vec::new();
                writer.header(&mut buffer, path.as_bytes(), size);
                let block: [u8; BLOCK] = buffer.try_into().unwrap();
                let said = header::read_number(&block[CHECKSUM]).unwrap();
                assert_eq!(said, u64::from(checksum(&block)), "{path} {size}");
            }
        }
    }

    #[test]
    fn paths_are_split_at_a_slash_where_they_fit() {
        let path = format!("{}/{}", "p".repeat(155), "n".repeat(100));
        assert_eq!(split(path.as_bytes()).map(|(prefix, name)| (prefix.len(), name.len())), Some((155, 100)));
        assert_eq!(split(format!("{}/{}", "p".repeat(156), "n".repeat(100)).as_bytes()), None);
        assert_eq!(split("p".repeat(101).as_bytes()), None);
        assert_eq!(split("ä".as_bytes()), None);
    }

    #[test]
    fn the_length_of_an_extended_header_counts_itself() {
        for length in 1..2000 {
            let mut buffer = Vec::new();
            TarWriter::new(0).extended(&mut buffer, &vec![b'x'; length]);
            let record = &buffer[BLOCK..];
            let said: usize =
                std::str::from_utf8(record).unwrap().split(' ').next().unwrap().parse().unwrap();
            assert_eq!(record[said - 1], b'\n', "{length}");
            assert!(record[said..].iter().all(|&byte| byte == 0), "{length}");
            assert_eq!(record.len() % BLOCK, 0);
        }
    }
}
