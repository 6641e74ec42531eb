use super::*;
use proptest::prelude::*;
use std::io::Read;

fn compressed(raw: &[u8], repeats: &[Repeat]) -> Vec<u8> {
    let mut out = Vec::new();
    Deflate::default().compress(raw, repeats, &mut out);
    out
}

/// Read by two libraries that have nothing in common with this one.
fn read_back(packed: &[u8], length: usize) -> Vec<u8> {
    let mut by_zlib = Vec::new();
    let mut decoder = flate2::read::DeflateDecoder::new(packed);
    decoder.read_to_end(&mut by_zlib).expect("zlib reads it");
    let mut by_libdeflate = vec![0; length];
    let written = libdeflater::Decompressor::new()
        .deflate_decompress(packed, &mut by_libdeflate)
        .expect("libdeflate reads it");
    assert_eq!((written, &by_libdeflate), (length, &by_zlib));
    by_zlib
}

/// Objects that resemble each other, in groups of a few whose copies follow; and what was said of the copies.
fn archive(objects: usize, group: usize, filler: usize) -> (Vec<u8>, Vec<Repeat>) {
    let (mut raw, mut repeats) = (Vec::new(), Vec::new());
    let mut firsts = Vec::new();
    for object in 0..objects {
        let content = format!(
            r#"{{"kind":"ConfigMap","metadata":{{"name":"settings-{object}","uid":"{:08x}"}},"data":"{}"}}"#,
            object.wrapping_mul(0x9E37_79B1) & 0xffff_ffff,
            "x".repeat(filler)
        );
        raw.extend_from_slice(format!("{:<100}", format!("path/{object}.json")).as_bytes());
        firsts.push((raw.len(), content.len()));
        raw.extend_from_slice(content.as_bytes());
        if firsts.len() == group || object + 1 == objects {
            for (first, length) in firsts.drain(..) {
                let start = raw.len();
                raw.extend_from_slice(format!("{:<100}", format!("path/v1/{object}.json")).as_bytes());
                let distance = raw.len() - first;
                raw.extend_from_within(first..first + length);
                repeats.push(Repeat { start, head: 100, length, distance });
            }
        }
    }
    (raw, repeats)
}

#[test]
fn nothing_one_byte_and_one_byte_many_times_come_back() {
    for raw in [vec![], vec![7], vec![7, 7], vec![7; 3], vec![0; 100_000], (0..=255).collect()] {
        assert_eq!(read_back(&compressed(&raw, &[]), raw.len()), raw);
    }
}

#[test]
fn repeats_cost_next_to_nothing() {
    let (raw, repeats) = archive(2000, 50, 100);
    let firsts: Vec<u8> = {
        let mut at = 0;
        let mut firsts = Vec::new();
        for repeat in &repeats {
            firsts.extend_from_slice(&raw[at..repeat.start]);
            at = repeat.end();
        }
        firsts
    };
    let (all, once) = (compressed(&raw, &repeats), compressed(&firsts, &[]));
    assert_eq!(read_back(&all, raw.len()), raw);
    assert!(all.len() < once.len() * 3 / 2, "{} for both copies, {} for one", all.len(), once.len());
}

#[test]
fn of_a_repeat_that_does_not_hold_nothing_is_believed() {
    let raw = b"one two one too one two".to_vec();
    let wrong = [
        Repeat { start: 8, head: 0, length: 7, distance: 8 },
        Repeat { start: 4, head: 0, length: 2, distance: 8 },
        Repeat { start: 16, head: 0, length: 7, distance: 0 },
        Repeat { start: 16, head: 0, length: usize::MAX, distance: 8 },
        Repeat { start: usize::MAX, head: 1, length: 1, distance: 1 },
        Repeat { start: 16, head: 0, length: 7, distance: 16 },
    ];
    assert_eq!(read_back(&compressed(&raw, &wrong), raw.len()), raw);
}

#[test]
fn every_length_of_a_repeat_comes_back() {
    for length in 1..1100 {
        let bytes: Vec<u8> = (0..=250_u8).cycle().take(length).collect();
        let raw = [&bytes[..], &bytes[..]].concat();
        let repeat = Repeat { start: length, head: 0, length, distance: length };
        assert_eq!(read_back(&compressed(&raw, &[repeat]), raw.len()), raw, "{length}");
    }
}

#[test]
fn codes_deeper_than_allowed_are_bounded() {
    // Counts like Fibonacci's numbers make the deepest tree there is.
    let mut counts = [0_u32; 40];
    let (mut one, mut other) = (1, 1);
    for count in &mut counts {
        *count = one;
        (one, other) = (other, one + other);
    }
    for longest in [6, 7, 15] {
        let codes = huffman::codes(&counts, longest);
        let space: u64 = codes.iter().map(|code| 1 << (longest - usize::from(code.length))).sum();
        assert_eq!(space, 1 << longest, "a full code of at most {longest} bits");
    }
}

proptest! {
    #[test]
    fn whatever_is_compressed_comes_back(
        raw in prop::collection::vec(prop_oneof![Just(0_u8), Just(b'a'), Just(b'{'), any::<u8>()], 0..6000),
        claims in prop::collection::vec((0..6000_usize, 0..600_usize, 0..600_usize, 0..40_000_usize), 0..8),
    ) {
        let mut repeats: Vec<Repeat> = claims
            .into_iter()
            .map(|(start, head, length, distance)| Repeat { start, head, length, distance })
            .collect();
        repeats.sort_by_key(|repeat| repeat.start);
        prop_assert_eq!(read_back(&compressed(&raw, &repeats), raw.len()), raw);
    }

    #[test]
    fn archives_come_back(objects in 1..200_usize, group in 1..40_usize, filler in 0..3000_usize) {
        let (raw, repeats) = archive(objects, group, filler);
        let packed = compressed(&raw, &repeats);
        prop_assert_eq!(read_back(&packed, raw.len()), raw);
        // Tables that served once make no difference.
        let mut deflate = Deflate::default();
        let (mut one, mut two) = (Vec::new(), Vec::new());
        deflate.compress(b"something else before", &[], &mut one);
        deflate.compress(&archive(objects, group, filler).0, &repeats, &mut two);
        prop_assert_eq!(two, packed);
    }
}
