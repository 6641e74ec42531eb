//! One block of DEFLATE with codes of its own (RFC 1951, 3.2.7): literals and matches are gathered, counted, and written.

use super::huffman::{Code, codes};
use super::{LONGEST, SHORTEST};

/// Literals and matches after which a block ends: content changes, and so do its best codes.
const FULL: usize = 24 * 1024;

const LITERALS: usize = 288;
const DISTANCES: usize = 30;
const END_OF_BLOCK: usize = 256;
/// The longest code of a code length.
const LONGEST_LENGTH_CODE: usize = 7;
/// The order in which the lengths of code lengths are written.
const LENGTHS_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// A symbol for a range of values: the first of them, and how many bits choose among them.
#[derive(Debug, Clone, Copy)]
struct Range {
    base: u16,
    extra: u8,
}

const LENGTH_RANGES: [Range; 29] = length_ranges();
const DISTANCE_RANGES: [Range; DISTANCES] = distance_ranges();
/// The length symbol of each length, by length less [`SHORTEST`].
const LENGTH_SYMBOLS: [u8; LONGEST - SHORTEST + 1] = length_symbols();

#[expect(clippy::cast_possible_truncation, reason = "a table of the standard, whose values fit")]
const fn length_ranges() -> [Range; 29] {
    let mut ranges = [Range { base: 0, extra: 0 }; 29];
    let (mut symbol, mut base) = (0, SHORTEST as u16);
    while symbol < 28 {
        let extra = if symbol < 8 { 0 } else { (symbol / 4 - 1) as u8 };
        ranges[symbol] = Range { base, extra };
        base += 1 << extra;
        symbol += 1;
    }
    ranges[28] = Range { base: LONGEST as u16, extra: 0 };
    ranges
}

#[expect(clippy::cast_possible_truncation, reason = "a table of the standard, whose values fit")]
const fn distance_ranges() -> [Range; DISTANCES] {
    let mut ranges = [Range { base: 0, extra: 0 }; DISTANCES];
    let (mut symbol, mut base) = (0, 1);
    while symbol < DISTANCES {
        let extra = if symbol < 4 { 0 } else { (symbol / 2 - 1) as u8 };
        ranges[symbol] = Range { base, extra };
        base += 1 << extra;
        symbol += 1;
    }
    ranges
}

#[expect(clippy::cast_possible_truncation, reason = "a table of the standard, whose values fit")]
const fn length_symbols() -> [u8; LONGEST - SHORTEST + 1] {
    let mut symbols = [0; LONGEST - SHORTEST + 1];
    let mut symbol = 0;
    while symbol < 29 {
        let Range { base, extra } = LENGTH_RANGES[symbol];
        let first = base as usize - SHORTEST;
        let mut at = first;
        while at < first + (1 << extra) && at < symbols.len() {
            symbols[at] = symbol as u8;
            at += 1;
        }
        symbol += 1;
    }
    symbols
}

/// The symbol of a distance of 1 or more: of every power of two there are two.
fn distance_symbol(distance: usize) -> usize {
    let less = distance - 1;
    if less < 4 {
        return less;
    }
    let bits = less.ilog2() as usize;
    2 * bits + (less >> (bits - 1) & 1)
}

/// A literal or a match: length in the low 9 bits, distance above; a literal has distance 0.
#[derive(Debug, Clone, Copy)]
struct Token(u32);

/// What was gathered.
pub(super) struct Block {
    tokens: Vec<Token>,
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
}

impl Default for Block {
    fn default() -> Block {
        Block { tokens: Vec::with_capacity(FULL), literals: [0; LITERALS], distances: [0; DISTANCES] }
    }
}

impl Block {
    pub(super) fn literal(&mut self, byte: u8, out: &mut Out<'_>) {
        self.literals[usize::from(byte)] += 1;
        self.push(Token(u32::from(byte)), out);
    }

    /// A match of [`SHORTEST`] to [`LONGEST`] bytes, at most [`super::WINDOW`] back.
    pub(super) fn copy(&mut self, length: usize, distance: usize, out: &mut Out<'_>) {
        self.literals[257 + usize::from(LENGTH_SYMBOLS[length - SHORTEST])] += 1;
        self.distances[distance_symbol(distance)] += 1;
        #[expect(clippy::cast_possible_truncation, reason = "at most 258 and 32768")]
        self.push(Token(length as u32 | (distance as u32) << 9), out);
    }

    fn push(&mut self, token: Token, out: &mut Out<'_>) {
        self.tokens.push(token);
        if self.tokens.len() == FULL {
            self.end(out, false);
        }
    }

    /// Writes what was gathered.
    pub(super) fn end(&mut self, out: &mut Out<'_>, last: bool) {
        self.literals[END_OF_BLOCK] = 1;
        let literals = codes(&self.literals, super::huffman::LONGEST_CODE);
        let distances = codes(&self.distances, super::huffman::LONGEST_CODE);
        out.put(u64::from(last) | 2 << 1, 3);
        header(&literals, &distances, out);
        for Token(token) in self.tokens.drain(..) {
            let (low, distance) = ((token & 511) as usize, (token >> 9) as usize);
            if distance == 0 {
                out.code(literals[low]);
                continue;
            }
            let symbol = usize::from(LENGTH_SYMBOLS[low - SHORTEST]);
            out.in_range(literals[257 + symbol], LENGTH_RANGES[symbol], low);
            let symbol = distance_symbol(distance);
            out.in_range(distances[symbol], DISTANCE_RANGES[symbol], distance);
        }
        out.code(literals[END_OF_BLOCK]);
        self.literals = [0; LITERALS];
        self.distances = [0; DISTANCES];
    }
}

/// Writes the lengths of both codes, themselves in a code, runs in short.
fn header(literals: &[Code; LITERALS], distances: &[Code; DISTANCES], out: &mut Out<'_>) {
    let used = |codes: &[Code], least: usize| {
        codes.iter().rposition(|code| code.length > 0).map_or(least, |last| (last + 1).max(least))
    };
    let (literals, distances) = (&literals[..used(literals, 257)], &distances[..used(distances, 1)]);
    let lengths: Vec<u8> = literals.iter().chain(distances).map(|code| code.length).collect();
    let runs = runs(&lengths);
    let mut counts = [0_u32; 19];
    for &(symbol, _, _) in &runs {
        counts[usize::from(symbol)] += 1;
    }
    let packed = codes(&counts, LONGEST_LENGTH_CODE);
    let written = LENGTHS_ORDER
        .iter()
        .rposition(|symbol| packed[*symbol].length > 0)
        .map_or(4, |last| (last + 1).max(4));
    out.put((literals.len() - 257) as u64, 5);
    out.put((distances.len() - 1) as u64, 5);
    out.put((written - 4) as u64, 4);
    for &symbol in &LENGTHS_ORDER[..written] {
        out.put(u64::from(packed[symbol].length), 3);
    }
    for (symbol, extra, bits) in runs {
        out.code(packed[usize::from(symbol)]);
        out.put(u64::from(extra), bits);
    }
}

/// Code lengths as symbols, each with the value of its extra bits and how many those are.
fn runs(lengths: &[u8]) -> Vec<(u8, u8, u32)> {
    let mut runs = Vec::with_capacity(lengths.len());
    let mut at = 0;
    while let Some(&length) = lengths.get(at) {
        let mut run = lengths[at..].iter().take_while(|other| **other == length).count();
        at += run;
        if length > 0 {
            runs.push((length, 0, 0));
            run -= 1;
        }
        while run > 0 {
            let (symbol, least, most, bits) = match (length, run) {
                (0, 11..) => (18, 11, 138, 7),
                (0, 3..) => (17, 3, 10, 3),
                (1.., 3..) => (16, 3, 6, 2),
                _ => {
                    runs.push((length, 0, 0));
                    run -= 1;
                    continue;
                }
            };
            let taken = run.min(most);
            runs.push((symbol, u8::try_from(taken - least).unwrap_or_default(), bits));
            run -= taken;
        }
    }
    runs
}

/// Bits, the first one lowest, appended to bytes.
pub(super) struct Out<'a> {
    into: &'a mut Vec<u8>,
    bits: u64,
    filled: u32,
}

impl<'a> Out<'a> {
    pub(super) fn new(into: &'a mut Vec<u8>) -> Out<'a> {
        Out { into, bits: 0, filled: 0 }
    }

    /// At most 32 at once.
    fn put(&mut self, bits: u64, count: u32) {
        self.bits |= bits << self.filled;
        self.filled += count;
        if self.filled >= 32 {
            self.into.extend_from_slice(&self.bits.to_le_bytes()[..4]);
            self.bits >>= 32;
            self.filled -= 32;
        }
    }

    fn code(&mut self, Code { bits, length }: Code) {
        self.put(u64::from(bits), u32::from(length));
    }

    fn in_range(&mut self, code: Code, Range { base, extra }: Range, value: usize) {
        let above = (value - usize::from(base)) as u64;
        self.put(u64::from(code.bits) | above << code.length, u32::from(code.length) + u32::from(extra));
    }

    /// Fills the last byte up.
    pub(super) fn finish(self) {
        let bytes = self.filled.div_ceil(8) as usize;
        self.into.extend_from_slice(&self.bits.to_le_bytes()[..bytes]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1951, 3.2.5.
    #[test]
    fn ranges_are_those_of_the_standard() {
        assert_eq!((LENGTH_RANGES[8].base, LENGTH_RANGES[8].extra), (11, 1));
        assert_eq!((LENGTH_RANGES[27].base, LENGTH_RANGES[27].extra), (227, 5));
        assert_eq!((LENGTH_SYMBOLS[257 - SHORTEST], LENGTH_SYMBOLS[258 - SHORTEST]), (27, 28));
        assert_eq!((DISTANCE_RANGES[29].base, DISTANCE_RANGES[29].extra), (24577, 13));
        for (symbol, range) in DISTANCE_RANGES.iter().enumerate() {
            let base = usize::from(range.base);
            assert_eq!(distance_symbol(base), symbol);
            assert_eq!(distance_symbol(base + (1 << range.extra) - 1), symbol);
        }
    }
}
