//! Changes to a file, half of them where a reader is led by what stands there.

/// Numbers that look random, the same for the same seed and round (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, round: u64) -> Dice {
        let mut dice = Dice(seed);
        Dice(dice.next() ^ round.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }
}

const PAGE: usize = 4096;

/// What was changed, and what came of it.
pub fn change(base: &[u8], dice: &mut Dice) -> (String, Vec<u8>) {
    let mut bytes = base.to_vec();
    let what = match dice.below(20) {
        0 => meta(&mut bytes, dice, false),
        1 => meta(&mut bytes, dice, true),
        2 => header(&mut bytes, dice),
        3..=5 => element(&mut bytes, dice),
        6 => child(&mut bytes, dice),
        7 => content(&mut bytes, dice, "revision", 0, 18),
        8 => content(&mut bytes, dice, "record", 17, 60),
        9 => whole_pages(&mut bytes, dice),
        _ => flips(&mut bytes, dice),
    };
    (what, bytes)
}

fn flips(bytes: &mut [u8], dice: &mut Dice) -> String {
    let count = 1 + dice.below(4);
    let at: Vec<usize> = (0..count)
        .map(|_| {
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
            at
        })
        .collect();
    format!("bits flipped at {at:?}")
}

/// In one meta page, or in both with a checksum that fits.
fn meta(bytes: &mut [u8], dice: &mut Dice, summed: bool) -> String {
    let at = dice.below(64);
    let with = odd(dice);
    let pages = if summed { 0..2 } else { dice.below(2)..2 };
    for page in pages {
        let body = page * PAGE + 16;
        let width = if at < 16 { 4 } else { 8 };
        let at = body + at / width * width;
        bytes[at..at + width].copy_from_slice(&with.to_le_bytes()[..width]);
        if summed {
            let sum = bytes[body..body + 56].iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
            });
            bytes[body + 56..body + 64].copy_from_slice(&sum.to_le_bytes());
        }
    }
    format!("meta byte {at} becomes {with}, summed: {summed}")
}

fn header(bytes: &mut [u8], dice: &mut Dice) -> String {
    let page = dice.below(bytes.len() / PAGE);
    let (at, width) = [(0, 8), (8, 2), (10, 2), (12, 4)][dice.below(4)];
    let with = odd(dice);
    put(bytes, page * PAGE + at, width, with);
    format!("header of page {page}: byte {at} becomes {with}")
}

/// A page of `bytes` that has elements, and one of these.
fn pick(bytes: &[u8], dice: &mut Dice, flags: &[u8]) -> (usize, usize) {
    let count =
        |page: usize| usize::from(u16::from_le_bytes([bytes[page * PAGE + 10], bytes[page * PAGE + 11]]));
    let pages: Vec<usize> = (2..bytes.len() / PAGE)
        .filter(|&page| flags.contains(&bytes[page * PAGE + 8]) && (1..=250).contains(&count(page)))
        .collect();
    let page = pages[dice.below(pages.len())];
    (page, dice.below(count(page)))
}

fn element(bytes: &mut [u8], dice: &mut Dice) -> String {
    let (page, index) = pick(bytes, dice, &[1, 2]);
    let (field, with) = (dice.below(4) * 4, odd(dice));
    put(bytes, page * PAGE + 16 + index * 16 + field, 4, with);
    format!("element {index} of page {page}: byte {field} becomes {with}")
}

fn child(bytes: &mut [u8], dice: &mut Dice) -> String {
    let (page, index) = pick(bytes, dice, &[1]);
    let with = dice.below(bytes.len() / PAGE + 2);
    put(bytes, page * PAGE + 16 + index * 16 + 8, 8, with as u64);
    format!("element {index} of page {page} leads to page {with}")
}

/// A byte of what a leaf's element points to.
fn content(bytes: &mut [u8], dice: &mut Dice, what: &str, from: usize, to: usize) -> String {
    let (page, index) = pick(bytes, dice, &[2]);
    let element = page * PAGE + 16 + index * 16;
    let pos = u32::from_le_bytes(bytes[element + 4..element + 8].try_into().unwrap());
    let at = element + usize::try_from(pos).unwrap() + from + dice.below(to - from);
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << dice.below(8);
    }
    format!("a bit of a {what} at {at}, of element {index} of page {page}")
}

fn whole_pages(bytes: &mut Vec<u8>, dice: &mut Dice) -> String {
    let pages = bytes.len() / PAGE;
    let (from, to) = (dice.below(pages), dice.below(pages));
    match dice.below(4) {
        0 => {
            bytes.truncate(dice.below(bytes.len()));
            format!("cut to {} bytes", bytes.len())
        }
        1 => {
            bytes[to * PAGE..(to + 1) * PAGE].fill(0);
            format!("page {to} zeroed")
        }
        2 => {
            bytes.copy_within(from * PAGE..(from + 1) * PAGE, to * PAGE);
            format!("page {from} over page {to}")
        }
        _ => {
            bytes.copy_within(from * PAGE..(from + 1) * PAGE, to * PAGE);
            put(bytes, to * PAGE, 8, to as u64);
            format!("page {from} over page {to}, with its number")
        }
    }
}

/// Numbers that make readers stumble.
fn odd(dice: &mut Dice) -> u64 {
    let small = dice.below(130) as u64;
    match dice.below(8) {
        0 => 0,
        1 => u64::MAX,
        2 => 1 << dice.below(64),
        3 => u64::from(u32::MAX) - small,
        4 => dice.next(),
        5 => 4096 - small,
        _ => small,
    }
}

fn put(bytes: &mut [u8], at: usize, width: usize, with: u64) {
    bytes[at..at + width].copy_from_slice(&with.to_le_bytes()[..width]);
}
