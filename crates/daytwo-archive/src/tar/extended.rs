//! Extended headers (POSIX.1-2001): records `<length> <key>=<value>\n` for the entry that follows.

/// What is taken of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
}

impl Extended {
    /// Reads the records; `None` if they cannot be read.
    pub(super) fn parse(mut text: &[u8]) -> Option<Extended> {
        let mut extended = Extended::default();
        while !text.is_empty() {
            let space = text.iter().take(8).position(|&byte| byte == b' ')?;
            let length: usize = std::str::from_utf8(&text[..space]).ok()?.parse().ok()?;
            let record = text.get(space + 1..length)?.strip_suffix(b"\n")?;
            let equals = memchr::memchr(b'=', record)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => extended.path = Some(value.to_vec()),
                b"size" => extended.size = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
                _ => {}
            }
            text = &text[length..];
        }
        Some(extended)
    }
}
