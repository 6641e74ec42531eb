//! JSON bytes to YAML, as kubectl prints it, keeping every digit.
//!
//! Numbers are copied as they stand; a string is quoted wherever a YAML 1.1 or 1.2 reader could take it for something
//! else (`yes`, `0644`, `1e3`, `null`, `2001-01-01`), as Go's YAML library does; lines become a block. Key order stays.
//! It reads no YAML.

use super::json::{skip_space, string_end};

/// How deep objects may nest. The API server refuses more than 10,000; nobody reads more than this.
const MAX_DEPTH: usize = 512;

/// Why bytes could not be shown as YAML.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum YamlError {
    /// Not JSON.
    #[error("not JSON at byte {0}")]
    Invalid(usize),
    /// Nested too deep.
    #[error("nested more than {MAX_DEPTH} deep at byte {0}")]
    TooDeep(usize),
}

/// The YAML of one JSON value, with a newline at the end.
///
/// # Errors
/// [`YamlError`] where the bytes are no JSON.
pub fn of_json(json: &[u8]) -> Result<Vec<u8>, YamlError> {
    let mut writer = Writer { json, at: 0, out: Vec::with_capacity(json.len() * 2) };
    writer.value(0, Place::Start)?;
    writer.space();
    if writer.at < json.len() {
        return Err(YamlError::Invalid(writer.at));
    }
    Ok(writer.out)
}

/// Where a value stands, which decides how it begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    AfterKey,
    AfterDash,
}

struct Writer<'a> {
    json: &'a [u8],
    at: usize,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn value(&mut self, depth: usize, place: Place) -> Result<(), YamlError> {
        if depth > MAX_DEPTH {
            return Err(YamlError::TooDeep(self.at));
        }
        self.space();
        match self.peek()? {
            b'{' => self.mapping(depth, place),
            b'[' => self.sequence(depth, place),
            b'"' => {
                let text = self.string()?;
                self.lead(place);
                self.scalar(&text, depth, place);
                Ok(())
            }
            _ => self.literal(place),
        }
    }

    fn mapping(&mut self, depth: usize, place: Place) -> Result<(), YamlError> {
        self.at += 1;
        self.space();
        if self.peek()? == b'}' {
            self.at += 1;
            self.lead(place);
            self.out.extend_from_slice(b"{}\n");
            return Ok(());
        }
        let mut first = true;
        loop {
            self.space();
            let key = self.string()?;
            match (first, place) {
                (true, Place::AfterKey) => {
                    self.out.push(b'\n');
                    self.pad(depth);
                }
                (true, Place::AfterDash) => self.out.push(b' '),
                (true, Place::Start) => {}
                (false, _) => self.pad(depth),
            }
            self.key(&key);
            self.expect(b':')?;
            self.value(depth + 1, Place::AfterKey)?;
            first = false;
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    /// A sequence under a key stands at the key's own column, as kubectl prints it.
    fn sequence(&mut self, depth: usize, place: Place) -> Result<(), YamlError> {
        self.at += 1;
        self.space();
        if self.peek()? == b']' {
            self.at += 1;
            self.lead(place);
            self.out.extend_from_slice(b"[]\n");
            return Ok(());
        }
        let column = if place == Place::AfterKey { depth - 1 } else { depth };
        let mut first = true;
        loop {
            match (first, place) {
                (true, Place::AfterKey) => {
                    self.out.push(b'\n');
                    self.pad(column);
                }
                (true, Place::AfterDash) => self.out.push(b' '),
                (true, Place::Start) => {}
                (false, _) => self.pad(column),
            }
            self.out.push(b'-');
            self.value(column + 1, Place::AfterDash)?;
            first = false;
            if !self.more(b']')? {
                return Ok(());
            }
        }
    }

    /// Numbers, `true`, `false` and `null`, copied.
    fn literal(&mut self, place: Place) -> Result<(), YamlError> {
        let start = self.at;
        while self
            .json
            .get(self.at)
            .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.'))
        {
            self.at += 1;
        }
        let word = &self.json[start..self.at];
        let number = word.first().is_some_and(|b| b.is_ascii_digit() || *b == b'-');
        if !number && !matches!(word, b"true" | b"false" | b"null") {
            return Err(YamlError::Invalid(start));
        }
        self.lead(place);
        let word = &self.json[start..self.at];
        self.out.extend_from_slice(word);
        self.out.push(b'\n');
        Ok(())
    }

    fn string(&mut self) -> Result<String, YamlError> {
        if self.peek()? != b'"' {
            return Err(YamlError::Invalid(self.at));
        }
        let start = self.at;
        self.at = string_end(self.json, start);
        serde_json::from_slice(&self.json[start..self.at]).map_err(|_| YamlError::Invalid(start))
    }

    fn scalar(&mut self, text: &str, depth: usize, place: Place) {
        if block_fits(text) && place != Place::Start {
            self.block(text, depth);
        } else {
            self.inline(text);
            self.out.push(b'\n');
        }
    }

    fn block(&mut self, text: &str, depth: usize) {
        self.out.push(b'|');
        if text.starts_with([' ', '\n']) {
            self.out.push(b'2');
        }
        let body = text.trim_end_matches('\n');
        match text.len() - body.len() {
            0 => self.out.push(b'-'),
            1 => {}
            _ => self.out.push(b'+'),
        }
        self.out.push(b'\n');
        let lines = text.strip_suffix('\n').unwrap_or(text);
        for line in lines.split('\n') {
            if !line.is_empty() {
                self.pad(depth);
                self.out.extend_from_slice(line.as_bytes());
            }
            self.out.push(b'\n');
        }
    }

    fn key(&mut self, key: &str) {
        self.inline(key);
        self.out.push(b':');
    }

    fn inline(&mut self, text: &str) {
        if plain(text) {
            self.out.extend_from_slice(text.as_bytes());
        } else {
            quote(&mut self.out, text);
        }
    }

    fn lead(&mut self, place: Place) {
        if place != Place::Start {
            self.out.push(b' ');
        }
    }

    fn pad(&mut self, depth: usize) {
        self.out.extend(std::iter::repeat_n(b' ', depth * 2));
    }

    fn more(&mut self, close: u8) -> Result<bool, YamlError> {
        self.space();
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Ok(true),
            byte if byte == close => Ok(false),
            _ => Err(YamlError::Invalid(self.at - 1)),
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), YamlError> {
        self.space();
        if self.peek()? != byte {
            return Err(YamlError::Invalid(self.at));
        }
        self.at += 1;
        Ok(())
    }

    fn space(&mut self) {
        self.at = skip_space(self.json, self.at);
    }

    fn peek(&self) -> Result<u8, YamlError> {
        self.json.get(self.at).copied().ok_or(YamlError::Invalid(self.at))
    }
}

/// Whether a block of lines can hold the text exactly: it has lines, and nothing in it needs an escape.
fn block_fits(text: &str) -> bool {
    text.contains('\n')
        && text.trim_end_matches('\n').lines().next().is_some()
        && !text.chars().any(|c| c != '\n' && needs_escape(c))
        && !text.split('\n').any(|line| line.ends_with([' ', '\t']) || line.starts_with('\t'))
}

fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether every YAML reader takes the bare text for this very string.
fn plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    !text.chars().any(needs_escape)
        && !text.starts_with(' ')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !"-?:,[]{}#&*!|>'\"%@`=~".contains(first)
        && !another_type(text)
}

/// Whether a YAML 1.1 or 1.2 reader could take the bare text for a bool, null, number or time. Wider than either:
/// a quote too many harms nobody.
fn another_type(text: &str) -> bool {
    const WORDS: [&str; 12] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"];
    let bare = text.trim_start_matches(['+', '-', '.']);
    bare.is_empty()
        || text == "<<"
        || looks_numeric(bare)
        || WORDS.iter().any(|word| bare.eq_ignore_ascii_case(word))
}

/// Whether text without its sign could be an integer of any base, a float, a sexagesimal or a time.
fn looks_numeric(bare: &str) -> bool {
    let all = |text: &str, set: &str| text.chars().all(|c| c.is_ascii_digit() || set.contains(c));
    let based = ["0x", "0X", "0b", "0o"].iter().find_map(|prefix| bare.strip_prefix(prefix));
    let time =
        bare.len() >= 8 && bare.as_bytes()[..4].iter().all(u8::is_ascii_digit) && bare.as_bytes()[4] == b'-';
    bare.starts_with(|c: char| c.is_ascii_digit())
        && (all(bare, "_.:eE+-")
            || based.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit() || c == '_'))
            || (time && all(bare, "-:.+tTzZ ")))
}

fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\r' => out.extend_from_slice(b"\\r"),
            c if needs_escape(c) => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests;
