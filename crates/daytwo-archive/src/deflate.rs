//! Compresses what an archive holds (DEFLATE, RFC 1951), and knows beforehand what stands there twice.
//!
//! Velero's layout holds every object twice, a few kilobytes apart. A general compressor finds that out byte by byte, and
//! fills its tables with the second copies: half of its time, and half of its memory of earlier objects. Here the caller
//! says which entries repeat earlier ones ([`Repeat`]): they become matches as they are, and enter no table. The rest is
//! hash chains with a short search, tuned to objects that resemble each other; where nothing repeats, use a general
//! compressor.

mod block;
mod huffman;

use self::block::{Block, Out};

/// The farthest that a match may reach back.
pub(crate) const WINDOW: usize = 32 * 1024;
/// The shortest and the longest match.
const SHORTEST: usize = 3;
const LONGEST: usize = 258;

/// Bytes that are hashed to find a match. Ones of three bytes are not worth looking for.
const HASHED: usize = 4;
const HASH_BITS: u32 = 15;
/// Earlier places that are compared at most.
const CHAIN: usize = 4;
/// A match of this length is taken without looking further.
const NICE: usize = 48;
/// After so many literals in a row one more is passed over unsearched, after twice as many two, up to a bound: keys and
/// certificates match nothing.
const PATIENCE: usize = 16;
const STRIDE: usize = 8;
/// Of a match from this length on only every so many places enter the tables: what repeats once does so again from its
/// beginning.
const DENSE: usize = 32;
const SPARSE: usize = 8;
/// A match of this length with what the caller named is taken without looking further.
const ENOUGH: usize = 24;
/// A match of this length is taken without looking whether the next byte begins a longer one.
const LAZY_BELOW: usize = 8;

/// An entry that repeats an earlier one: what it begins with may differ, the rest is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeat {
    /// Where it begins.
    pub(crate) start: usize,
    /// Bytes at its beginning that may differ from the earlier ones.
    pub(crate) head: usize,
    /// Bytes after those, which do not.
    pub(crate) length: usize,
    /// How far back the same bytes stand: at most [`WINDOW`].
    pub(crate) distance: usize,
}

impl Repeat {
    fn end(&self) -> usize {
        self.start + self.head + self.length
    }

    /// Whether it is as it says, and begins at `at` or later.
    fn holds(&self, raw: &[u8], at: usize) -> bool {
        let content = self.start.saturating_add(self.head);
        let bytes = raw.get(content..content.saturating_add(self.length));
        let earlier = content
            .checked_sub(self.distance)
            .and_then(|from| raw.get(from..from.saturating_add(self.length)));
        self.start >= at && (1..=WINDOW).contains(&self.distance) && bytes.is_some() && bytes == earlier
    }
}

/// A length, and how far back the same bytes stand.
#[derive(Debug, Clone, Copy)]
struct Match {
    length: usize,
    distance: usize,
}

/// A compressor with tables it uses again.
pub(crate) struct Deflate {
    /// The last place plus one of each hash; 0 is none. Places are counted without repeats.
    heads: Vec<u32>,
    /// The place plus one before it of the same hash, by place within the window.
    chains: Vec<u32>,
    /// Bytes of repeats before the place under way. A run of repeats copies what stands before it, so a place found in
    /// the tables is looked at this many bytes later: in its last copy, which is the one within reach.
    passed: usize,
    block: Block,
}

impl Default for Deflate {
    fn default() -> Deflate {
        let (heads, chains) = (vec![0; 1 << HASH_BITS], vec![0; WINDOW]);
        Deflate { heads, chains, passed: 0, block: Block::default() }
    }
}

impl Deflate {
    /// Appends `raw`, compressed, to `into`. `repeats` are in order; of one that does not hold nothing is believed. At
    /// most 2 GiB.
    pub(crate) fn compress(&mut self, raw: &[u8], repeats: &[Repeat], into: &mut Vec<u8>) {
        self.heads.fill(0);
        self.passed = 0;
        let mut out = Out::new(into);
        let mut at = 0;
        // Those that follow each other without a gap, and where the first begins.
        let mut run = 0;
        let mut before = 0;
        for repeat in repeats.iter().filter(|repeat| repeat.length > 0) {
            if !repeat.holds(raw, at) {
                continue;
            }
            if repeat.start > at {
                self.passed += run;
                (run, before) = (0, 0);
                self.search(raw, at, repeat.start, &mut out);
            }
            self.head(raw, repeat, before, &mut out);
            self.content(raw, repeat, &mut out);
            at = repeat.end();
            before = at - repeat.start;
            run += before;
        }
        self.passed += run;
        self.search(raw, at, raw.len(), &mut out);
        self.block.end(&mut out, true);
        out.finish();
    }

    /// The first bytes of a repeat are like those of the one before it, or else like those that it repeats.
    fn head(&mut self, raw: &[u8], repeat: &Repeat, before: usize, out: &mut Out<'_>) {
        let end = repeat.start + repeat.head;
        let mut at = repeat.start;
        while at < end {
            let here = &raw[at..end.min(at + LONGEST)];
            let mut best = Match { length: SHORTEST, distance: 0 };
            for distance in [before, repeat.distance] {
                if (1..=WINDOW.min(at)).contains(&distance) {
                    let length = common(here, &raw[at - distance..][..here.len()]);
                    if length > best.length {
                        best = Match { length, distance };
                    }
                }
            }
            if best.length < ENOUGH && at + HASHED <= end {
                best = self.longest(raw, at, end, best);
            }
            if best.distance == 0 {
                self.block.literal(raw[at], out);
                at += 1;
            } else {
                self.block.copy(best.length, best.distance, out);
                at += best.length;
            }
        }
    }

    /// Matches as long as they come.
    fn content(&mut self, raw: &[u8], repeat: &Repeat, out: &mut Out<'_>) {
        let mut left = repeat.length;
        while left >= SHORTEST {
            // None may be left that is shorter than the shortest.
            let length = if left > LONGEST && left < LONGEST + SHORTEST {
                LONGEST - SHORTEST
            } else {
                left.min(LONGEST)
            };
            self.block.copy(length, repeat.distance, out);
            left -= length;
        }
        for &byte in &raw[repeat.end() - left..repeat.end()] {
            self.block.literal(byte, out);
        }
    }

    /// Compresses `raw[from..to]` with matches from anywhere before.
    fn search(&mut self, raw: &[u8], from: usize, to: usize, out: &mut Out<'_>) {
        const NONE: Match = Match { length: SHORTEST, distance: 0 };
        let mut at = from;
        let mut misses = 0;
        while at + HASHED <= to {
            let mut best = self.longest(raw, at, to, NONE);
            self.enter(raw, at);
            if best.distance == 0 {
                misses += 1;
                let next = to.min(at + 1 + (misses / PATIENCE).min(STRIDE));
                for &byte in &raw[at..next] {
                    self.block.literal(byte, out);
                }
                at = next;
                continue;
            }
            misses = 0;
            let mut entered = at + 1;
            // A longer one may begin with the next byte.
            while best.length < LAZY_BELOW && at + 1 + HASHED <= to {
                let next = self.longest(raw, at + 1, to, Match { length: best.length, distance: 0 });
                self.enter(raw, at + 1);
                entered = at + 2;
                if next.distance == 0 {
                    break;
                }
                self.block.literal(raw[at], out);
                at += 1;
                best = next;
            }
            self.block.copy(best.length, best.distance, out);
            at += best.length;
            let step = if best.length < DENSE { 1 } else { SPARSE };
            for passed in (entered..at.min(to.saturating_sub(HASHED - 1))).step_by(step) {
                self.enter(raw, passed);
            }
        }
        for &byte in raw.get(at..to).unwrap_or_default() {
            self.block.literal(byte, out);
        }
    }

    /// Puts the bytes at `at` into the tables.
    fn enter(&mut self, raw: &[u8], at: usize) {
        let Some(hash) = hash(raw, at) else { return };
        let place = at - self.passed;
        self.chains[place % WINDOW] =
            std::mem::replace(&mut self.heads[hash], u32::try_from(place + 1).unwrap_or(0));
    }

    /// The longest match of the bytes at `at` that is longer than `best`, or else `best`.
    fn longest(&self, raw: &[u8], at: usize, to: usize, mut best: Match) -> Match {
        let Some(hash) = hash(raw, at) else { return best };
        let here = &raw[at..to.min(at + LONGEST)];
        if here.len() <= best.length {
            return best;
        }
        let mut candidate = self.heads[hash];
        for _ in 0..CHAIN {
            let Some(place) = (candidate as usize).checked_sub(1) else { break };
            let from = place + self.passed;
            let distance = at - from;
            if distance > WINDOW {
                break;
            }
            let there = &raw[from..from + here.len()];
            if there[best.length] == here[best.length] {
                let length = common(here, there);
                if length > best.length {
                    best = Match { length, distance };
                    if length >= NICE || length == here.len() {
                        break;
                    }
                }
            }
            let earlier = self.chains[place % WINDOW];
            // Its slot was taken by a later one.
            if earlier >= candidate {
                break;
            }
            candidate = earlier;
        }
        best
    }
}

fn hash(raw: &[u8], at: usize) -> Option<usize> {
    let four: &[u8; HASHED] = raw.get(at..)?.first_chunk()?;
    Some((u32::from_le_bytes(*four).wrapping_mul(0x9E37_79B1) >> (32 - HASH_BITS)) as usize)
}

/// How many bytes both begin with.
fn common(one: &[u8], other: &[u8]) -> usize {
    let mut length = 0;
    for (a, b) in one.chunks_exact(8).zip(other.chunks_exact(8)) {
        let differ = word(a) ^ word(b);
        if differ != 0 {
            return length + (differ.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    length + one[length..].iter().zip(&other[length..]).take_while(|(a, b)| a == b).count()
}

fn word(eight: &[u8]) -> u64 {
    eight.first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight))
}

#[cfg(test)]
mod tests;
