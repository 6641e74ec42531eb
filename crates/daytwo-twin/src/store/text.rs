//! JSON that shares what it has in common with another: 150,000 pods of 500 templates are 500 texts and what differs.
//!
//! A text is a sequence of pieces, each of a base or its own. Bases are whole texts; the pieces are found by looking the
//! text's blocks up among those of the base, as rsync does (Tridgell, "Efficient algorithms for sorting and
//! synchronization", 1999, chapter 3). It refuses to know what the bytes mean.

use std::borrow::Cow;
use std::sync::Arc;

/// Bytes that are looked up at once. Smaller finds more and takes longer.
const BLOCK: usize = 32;

/// A text that others are like.
#[derive(Debug)]
pub struct Base {
    bytes: Box<[u8]>,
    /// Where its blocks are: each at the first place from that of its hash on that was free. Every place of other texts is
    /// looked up here, nearly all in vain, so that most places are free.
    blocks: Box<[u32]>,
}

/// A place without a block.
const FREE: u32 = u32::MAX;
/// Places that are looked at for a block.
const PROBES: usize = 8;
/// Places for each block.
const SPARSE: usize = 4;

impl Base {
    /// A base of these bytes.
    pub fn new(bytes: &[u8]) -> Arc<Base> {
        let count = bytes.len() / BLOCK;
        let mut blocks = vec![FREE; (count * SPARSE).next_power_of_two()].into_boxed_slice();
        for (at, block) in bytes.as_chunks::<BLOCK>().0.iter().enumerate() {
            let Some(at) = u32::try_from(at * BLOCK).ok().filter(|at| *at != FREE) else { break };
            let free = places(block, blocks.len()).find(|place| {
                let there = blocks[*place];
                there == FREE || bytes[there as usize..].starts_with(block)
            });
            // Of equal blocks the first is found.
            if let Some(place) = free.filter(|place| blocks[*place] == FREE) {
                blocks[place] = at;
            }
        }
        Arc::new(Base { bytes: bytes.into(), blocks })
    }

    /// Where a block is.
    fn find(&self, block: &[u8; BLOCK]) -> Option<usize> {
        let there = |place: usize| self.blocks[place];
        places(block, self.blocks.len())
            .map(there)
            .take_while(|at| *at != FREE)
            .map(|at| at as usize)
            .find(|at| self.bytes[*at..].starts_with(block))
    }
}

/// The places at which a block may be, in turn: a few, so that blocks made to be at one place cost no time.
fn places(block: &[u8; BLOCK], count: usize) -> impl Iterator<Item = usize> {
    let first = hash(block) as usize;
    (0..count.min(PROBES)).map(move |next| first.wrapping_add(next) & (count - 1))
}

/// Tells blocks apart. Whoever chooses blocks that it does not tell apart gets a text that shares less.
fn hash(block: &[u8; BLOCK]) -> u32 {
    // The fractional part of the golden ratio, as in Knuth, "The Art of Computer Programming" 3, 6.4.
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let words = block.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    let mixed = words.fold(0_u64, |hash, word| (hash.rotate_left(29) ^ word).wrapping_mul(MIX));
    (mixed >> 32) as u32
}

/// Bytes, whole or in pieces.
#[derive(Debug)]
pub enum Text {
    /// All of them.
    Whole(Box<[u8]>),
    /// What the base has not, and how the two go together.
    Pieces {
        /// What it is like.
        base: Arc<Base>,
        /// Pieces in turn: of the base from..to, then so many of its own.
        pieces: Box<[Piece]>,
        /// Its own bytes.
        own: Box<[u8]>,
        /// All bytes.
        len: u32,
    },
}

/// Bytes of the base, then own ones.
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    from: u32,
    to: u32,
    own: u32,
}

impl Text {
    /// A text by itself.
    pub fn whole(bytes: Vec<u8>) -> Text {
        Text::Whole(bytes.into_boxed_slice())
    }

    /// A text that shares what it has in common with `base`; whole where that is less than half.
    pub fn like(bytes: &[u8], base: &Arc<Base>) -> Text {
        let Ok(len) = u32::try_from(bytes.len()) else { return Text::whole(bytes.to_vec()) };
        let (mut pieces, mut own): (Vec<Piece>, Vec<u8>) =
            (vec![Piece { from: 0, to: 0, own: 0 }], Vec::new());
        let (mut at, mut plain) = (0, 0);
        while at + BLOCK <= bytes.len() {
            let Some(found) = bytes[at..].first_chunk().and_then(|block| base.find(block)) else {
                at += 1;
                continue;
            };
            // As far as they agree, to both sides.
            let back = same(bytes[plain..at].iter().rev(), base.bytes[..found].iter().rev());
            let ahead = same(bytes[at..].iter(), base.bytes[found..].iter());
            let fresh = &bytes[plain..at - back];
            own.extend_from_slice(fresh);
            let last = pieces.last_mut().expect("invariant: begun with one");
            last.own += narrow(fresh.len());
            pieces.push(Piece { from: narrow(found - back), to: narrow(found + ahead), own: 0 });
            at += ahead;
            plain = at;
        }
        own.extend_from_slice(&bytes[plain..]);
        pieces.last_mut().expect("invariant: begun with one").own += narrow(bytes.len() - plain);
        if own.len() + pieces.len() * size_of::<Piece>() > bytes.len() / 2 {
            return Text::whole(bytes.to_vec());
        }
        Text::Pieces { base: Arc::clone(base), pieces: pieces.into(), own: own.into(), len }
    }

    /// All bytes, in one.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Text::Whole(bytes) => Cow::Borrowed(bytes),
            Text::Pieces { .. } => {
                let mut out = Vec::with_capacity(self.len());
                self.write(&mut out);
                Cow::Owned(out)
            }
        }
    }

    /// Adds all bytes to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Text::Whole(bytes) => out.extend_from_slice(bytes),
            Text::Pieces { base, pieces, own, .. } => {
                let mut at = 0;
                for piece in pieces {
                    out.extend_from_slice(&base.bytes[piece.from as usize..piece.to as usize]);
                    out.extend_from_slice(&own[at..at + piece.own as usize]);
                    at += piece.own as usize;
                }
            }
        }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        match self {
            Text::Whole(bytes) => bytes.len(),
            Text::Pieces { len, .. } => *len as usize,
        }
    }

    /// How many bytes of memory are its own.
    pub fn weight(&self) -> usize {
        match self {
            Text::Whole(bytes) => bytes.len(),
            Text::Pieces { pieces, own, .. } => own.len() + pieces.len() * size_of::<Piece>(),
        }
    }
}

fn same<'a>(one: impl Iterator<Item = &'a u8>, other: impl Iterator<Item = &'a u8>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).count()
}

/// Offsets in a text whose length was checked to fit.
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_in_pieces_is_the_text(
            base in proptest::collection::vec(0u8..4, 0..600),
            edits in proptest::collection::vec((0usize..600, proptest::collection::vec(0u8..4, 0..20)), 0..6),
        ) {
            let mut text = base.clone();
            for (at, with) in edits {
                let at = at.min(text.len());
                let to = (at + with.len() / 2).min(text.len());
                text.splice(at..to, with);
            }
            let kept = Text::like(&text, &Base::new(&base));
            prop_assert_eq!(&*kept.bytes(), &text[..]);
            prop_assert_eq!(kept.len(), text.len());
        }
    }

    #[test]
    fn pods_of_one_template_take_a_fraction() {
        let pod = |name: &str| {
            format!("{{\"name\":\"{name}\",\"spec\":\"{}\"}}", "containers of a template, ".repeat(40))
        };
        let base = Base::new(pod("web-5d4f-abcde").as_bytes());
        let other = Text::like(pod("web-5d4f-vwxyz").as_bytes(), &base);
        assert!(other.weight() * 10 < other.len(), "{} of {}", other.weight(), other.len());
    }
}
