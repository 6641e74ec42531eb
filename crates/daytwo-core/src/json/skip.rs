//! Passes over one value as fast as its strings allow, also when it arrives in pieces.

use super::{JsonError, is_whitespace};

/// How deep objects and arrays may nest in one value.
pub const MAX_DEPTH: usize = 512;

/// Passes over values that arrive in pieces, keeping a few words of state between the pieces.
///
/// ```
/// # use daytwo_core::json::Skip;
/// let mut skip = Skip::new();
/// assert_eq!(skip.advance(br#"{"a":"x\"#), Ok(None));
/// assert_eq!(skip.advance(br#""}"},{"#), Ok(Some(4)));
/// ```
#[derive(Debug, Clone)]
pub struct Skip {
    state: State,
    depth: usize,
    /// One bit for each open level: set for an object, clear for an array.
    objects: [u64; MAX_DEPTH / 64],
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Start,
    Inside,
    String,
    Escape,
    Scalar,
}

impl Default for Skip {
    fn default() -> Skip {
        Skip::new()
    }
}

impl Skip {
    /// Stands before a value, or before whitespace and a value.
    pub fn new() -> Skip {
        Skip { state: State::Start, depth: 0, objects: [0; MAX_DEPTH / 64] }
    }

    /// Reads on. `Some(end)`: the value ends before `bytes[end]`, and the next call starts a new value. `None`: it
    /// goes on in the next piece. A number or literal at the top ends only where a delimiter shows it.
    ///
    /// # Errors
    /// As [`skip_value`](super::skip_value), with an offset into this piece.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, JsonError> {
        let mut at = 0;
        while at < bytes.len() {
            match self.state {
                State::Start => at = self.start(bytes, at)?,
                State::Inside => at = self.inside(bytes, at)?,
                State::Escape => {
                    at += 1;
                    self.state = State::String;
                    continue;
                }
                State::String => match string_stop(bytes, at) {
                    None => return Ok(None),
                    Some(stop) => {
                        at = stop + 1;
                        self.state = if bytes[stop] == b'\\' { State::Escape } else { State::Inside };
                    }
                },
                State::Scalar => {
                    at = scalar_end(bytes, at);
                    if at == bytes.len() {
                        return Ok(None);
                    }
                    self.state = State::Inside;
                }
            }
            if self.depth == 0 && self.state == State::Inside {
                self.state = State::Start;
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn start(&mut self, bytes: &[u8], at: usize) -> Result<usize, JsonError> {
        match bytes[at] {
            byte if is_whitespace(byte) => {}
            b'"' => self.state = State::String,
            byte @ (b'{' | b'[') => {
                self.state = State::Inside;
                self.open(byte == b'{', at)?;
            }
            byte if starts_scalar(byte) => self.state = State::Scalar,
            _ => return Err(JsonError::new(at, "a value")),
        }
        Ok(at + 1)
    }

    /// Goes on to the start of the next string, or past the bracket that ends the value.
    fn inside(&mut self, bytes: &[u8], mut at: usize) -> Result<usize, JsonError> {
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'"' => match string_end(bytes, at) {
                    Some(end) => at = end,
                    None => {
                        self.state = State::String;
                        return Ok(at);
                    }
                },
                b'{' | b'[' => self.open(byte == b'{', at - 1)?,
                b'}' | b']' => {
                    self.close(byte == b'}', at - 1)?;
                    if self.depth == 0 {
                        return Ok(at);
                    }
                }
                _ => {}
            }
        }
        Ok(at)
    }

    fn open(&mut self, object: bool, at: usize) -> Result<(), JsonError> {
        if self.depth == MAX_DEPTH {
            return Err(JsonError::new(at, "at most 512 levels of nesting"));
        }
        let bit = 1_u64 << (self.depth % 64);
        let word = &mut self.objects[self.depth / 64];
        *word = if object { *word | bit } else { *word & !bit };
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self, object: bool, at: usize) -> Result<(), JsonError> {
        // `inside` runs only between an open and its close, so a level is open here.
        self.depth -= 1;
        let opened = self.objects[self.depth / 64] >> (self.depth % 64) & 1 == 1;
        if opened == object {
            return Ok(());
        }
        Err(JsonError::new(at, if opened { "'}'" } else { "']'" }))
    }
}

/// The offset after the closing quote of the string whose text starts at `at`; `None` if it does not close.
pub(super) fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let stop = string_stop(bytes, at)?;
        if bytes[stop] == b'"' {
            return Some(stop + 1);
        }
        at = stop + 2;
    }
}

/// The first quote or backslash from `at` on.
fn string_stop(bytes: &[u8], mut at: usize) -> Option<usize> {
    // Most strings end before a vector search has been set up: look at eight bytes at a time first.
    for _ in 0..4 {
        let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) else { break };
        let word = u64::from_le_bytes(*eight);
        let stops = zeros(word ^ every(b'"')) | zeros(word ^ every(b'\\'));
        if stops != 0 {
            return Some(at + (stops.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    Some(at + memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?)
}

const fn every(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The top bit of every byte that is zero; above the lowest such byte others may be set too.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(every(1)) & !word & every(0x80)
}

/// Whether a number, `true`, `false` or `null` may start with this byte.
pub(super) fn starts_scalar(byte: u8) -> bool {
    matches!(byte, b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
}

/// The offset of the delimiter after the number or literal at `at`, or the end of the bytes.
pub(super) fn scalar_end(bytes: &[u8], at: usize) -> usize {
    let delimiter =
        |byte: &u8| matches!(byte, b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']') || is_whitespace(*byte);
    bytes[at..].iter().position(delimiter).map_or(bytes.len(), |length| at + length)
}
