pub(crate) mod build;

use build::{Build, PAGE, bucket, inline};

use super::*;

/// A tree of a branch (3) over two leaves (4, and 5 with an overflow page), beside a bucket inside of its element.
fn small() -> Build {
    let mut build = Build::new(7);
    let small = inline(&[(b"x", b"1", false)]);
    build.leaf(2, &[(b"big", &bucket(3), true), (b"small", &small, true)]);
    build.branch(3, &[(b"a", 4), (b"m", 5)]);
    build.leaf(4, &[(b"a", b"1", false), (b"b", b"", false)]);
    build.leaf(5, &[(b"m", &[7; PAGE], false), (b"z", b"3", false)]);
    build
}

#[derive(Default)]
struct Seen {
    buckets: Vec<String>,
    keys: Vec<String>,
    flaws: Vec<Flaw>,
}

impl<'a> Visit<'a> for Seen {
    fn bucket(&mut self, path: &[&'a [u8]], _: &Entry<'a>) -> Result<(), Stop> {
        self.buckets.extend(path.iter().map(|name| String::from_utf8_lossy(name).into_owned()));
        Ok(())
    }

    fn entry(&mut self, _: &[&'a [u8]], entry: &Entry<'a>) -> Result<(), Stop> {
        self.keys.push(String::from_utf8_lossy(entry.key).into_owned());
        Ok(())
    }

    fn flaw(&mut self, flaw: Flaw) -> Result<(), Stop> {
        self.flaws.push(flaw);
        Ok(())
    }
}

fn checked(bytes: &[u8]) -> (Seen, Usage) {
    let mut seen = Seen::default();
    let usage = check(Db::open(bytes).unwrap(), &mut seen).unwrap();
    (seen, usage)
}

/// That a check of `build` finds exactly one flaw, which says `what`, on `page`; and that walks end on it.
#[track_caller]
fn flawed(build: Build, page: u64, what: &str) {
    let bytes = build.finish();
    let flaws = checked(&bytes).0.flaws;
    assert_eq!(flaws.len(), 1, "{flaws:?}");
    assert!(flaws[0].what.contains(what), "{}", flaws[0]);
    assert_eq!(flaws[0].place.page, page, "{}", flaws[0]);
    assert_eq!(flaws[0].place.offset / PAGE as u64, page, "{}", flaws[0]);
    let db = Db::open(&bytes).unwrap();
    for direction in [Direction::Forward, Direction::Backward] {
        if let Ok(Some(bucket)) = db.bucket(b"big") {
            assert!(bucket.walk(db, direction).count() < 10);
        }
    }
}

fn keys(bytes: &[u8], name: &[u8], direction: Direction) -> Vec<String> {
    let db = Db::open(bytes).unwrap();
    let walk = db.bucket(name).unwrap().unwrap().walk(db, direction);
    walk.map(|entry| String::from_utf8_lossy(entry.unwrap().key).into_owned()).collect()
}

#[test]
fn a_walk_goes_over_all_entries_from_either_end() {
    let bytes = small().finish();
    assert_eq!(keys(&bytes, b"big", Direction::Forward), ["a", "b", "m", "z"]);
    assert_eq!(keys(&bytes, b"big", Direction::Backward), ["z", "m", "b", "a"]);
    assert_eq!(keys(&bytes, b"small", Direction::Backward), ["x"]);
    let db = Db::open(&bytes).unwrap();
    assert!(db.bucket(b"none").unwrap().is_none());
    let found = db.bucket(b"big").unwrap().unwrap().get(db, b"m").unwrap().unwrap();
    assert_eq!(found.value, [7; PAGE]);
    let big = db.bucket(b"big").unwrap().unwrap();
    for key in keys(&bytes, b"big", Direction::Forward) {
        assert_eq!(big.get(db, key.as_bytes()).unwrap().unwrap().key, key.as_bytes());
    }
    for key in ["", "0", "aa", "c", "n", "zz"] {
        assert!(big.get(db, key.as_bytes()).unwrap().is_none(), "{key}");
    }
    assert_eq!(found.place, Place { page: 5, offset: 5 * PAGE as u64 + 16 });
}

#[test]
fn a_good_file_has_no_flaw_and_its_pages_are_counted() {
    let mut build = small();
    build.bytes.extend([0; PAGE]);
    let bytes = build.finish();
    let (seen, usage) = checked(&bytes);
    assert_eq!(seen.flaws, []);
    assert_eq!(seen.buckets, ["big", "small"]);
    assert_eq!(seen.keys, ["a", "b", "m", "z", "x"]);
    let root = 16 + 2 * 16 + (3 + 16) + (5 + 16 + 16 + 16 + 2);
    let filled = root + (16 + 2 * 16 + 2) + (16 + 2 * 16 + 3) + (16 + 2 * 16 + 3 + PAGE as u64);
    assert_eq!(usage, Usage { pages: 8, branch: 1, leaf: 3, overflow: 1, freelist: 0, free: 1, filled });
}

#[test]
fn the_newest_valid_meta_page_counts_whatever_the_page_size() {
    let mut build = small();
    build.meta(0, 4);
    build.meta(1, 5);
    assert_eq!(Meta::newest(&build.bytes).unwrap().number, 1);
    build.bytes[17] ^= 1;
    assert_eq!(Meta::newest(&build.bytes).unwrap().txid, 5);
    build.bytes[PAGE + 70] ^= 1;
    let flaw = Meta::newest(&build.bytes).unwrap_err();
    assert!(flaw.what.starts_with("neither meta page is valid"), "{flaw}");

    for page_size in (0..=14).map(|shift| 1024 << shift) {
        let mut large = Build::new(0);
        large.page_size = page_size;
        large.bytes = vec![0; 3 * page_size];
        large.leaf(2, &[]);
        let mut bytes = large.finish();
        assert_eq!(Db::open(&bytes).unwrap().meta().page_size as usize, page_size);
        bytes[..16].fill(0);
        let db = Db::open(&bytes).unwrap();
        assert_eq!((db.meta().number, db.meta().page_size as usize), (1, page_size));
        assert!(metas(&bytes)[0].is_err() && metas(&bytes)[1].is_ok());
    }
}

#[test]
fn numbers_of_a_meta_page_are_not_believed_for_their_checksum() {
    for (root, freelist, page_size) in
        [(7, u64::MAX, PAGE), (1, u64::MAX, PAGE), (2, 7, PAGE), (2, u64::MAX, 4000)]
    {
        let mut build = Build { root, freelist, ..small() };
        build.page_size = page_size;
        build.bytes.truncate(7 * page_size);
        assert!(Db::open(&build.finish()).is_err(), "{root} {freelist} {page_size}");
    }
}

#[test]
fn a_file_shorter_than_its_pages_is_refused_and_a_longer_one_is_not() {
    let mut bytes = small().finish();
    bytes.extend([0; 100]);
    assert!(Db::open(&bytes).is_ok());
    for size in [7 * PAGE - 1, 2 * PAGE, PAGE + 1, 100, 16, 0] {
        assert!(Db::open(&bytes[..size]).is_err(), "{size}");
    }
}

#[test]
fn a_loop_ends() {
    let mut build = small();
    build.branch(3, &[(b"a", 3), (b"m", 5)]);
    let bytes = build.finish();
    let flaws = checked(&bytes).0.flaws;
    assert!(flaws[0].what.contains("page 3 is reached more than once"), "{flaws:?}");
    let db = Db::open(&bytes).unwrap();
    let walk = db.bucket(b"big").unwrap().unwrap().walk(db, Direction::Forward);
    assert!(walk.last().unwrap().is_err());
}

#[test]
fn many_ways_to_one_page_are_not_all_walked() {
    let mut build = Build::new(40);
    build.leaf(2, &[(b"big", &bucket(3), true)]);
    for id in 3..39 {
        build.branch(id, &[(b"a", id as u64 + 1), (b"b", id as u64 + 1)]);
    }
    build.leaf(39, &[(b"a", b"", false)]);
    let bytes = build.finish();
    assert!(checked(&bytes).0.flaws.len() < 100);
    assert!(keys_until_error(&bytes) < 2);
}

fn keys_until_error(bytes: &[u8]) -> usize {
    let db = Db::open(bytes).unwrap();
    db.bucket(b"big").unwrap().unwrap().walk(db, Direction::Forward).take_while(Result::is_ok).count()
}

#[test]
fn a_tree_deeper_than_any_is_an_error() {
    let mut build = Build::new(80);
    build.leaf(2, &[(b"big", &bucket(3), true)]);
    for id in 3..79 {
        build.branch(id, &[(b"a", id as u64 + 1)]);
    }
    build.leaf(79, &[(b"a", b"", false)]);
    let bytes = build.finish();
    assert!(checked(&bytes).0.flaws[0].what.contains("nested deeper"));
    assert_eq!(keys_until_error(&bytes), 0);
}

#[test]
fn pages_that_overlap_are_found() {
    let mut build = small();
    build.header(4, 2, 2, 1);
    flawed(build, 5, "page 5 is reached more than once");
}

/// Two elements over the same bytes: a few pages of such could stand for gigabytes.
#[test]
fn elements_that_share_their_bytes_are_found() {
    let mut build = small();
    build.leaf(4, &[(b"a", &[1; 3_000], false), (b"b", b"", false)]);
    let element = |index: usize, at: usize| 4 * PAGE + 16 + index * 16 + at;
    build.put(element(1, 4), &16_u32.to_le_bytes());
    build.put(element(1, 12), &3_000_u32.to_le_bytes());
    flawed(build, 4, "which it has not");
}

#[test]
fn page_ids_out_of_range_are_found() {
    for id in [0, 1, 7, u64::MAX] {
        let mut build = small();
        build.branch(3, &[(b"a", 4), (b"m", id)]);
        let flaws = checked(&build.finish()).0.flaws;
        assert!(flaws.len() == 1 && flaws[0].what.contains("there is no page"), "{flaws:?}");
    }
}

#[test]
fn headers_that_cannot_be_are_found() {
    let change = |at: usize, with: &[u8]| {
        let mut build = small();
        build.put(4 * PAGE + at, with);
        build
    };
    flawed(change(0, &[9]), 4, "its header says page 9");
    flawed(change(8, &[3]), 4, "are no kind of data page");
    flawed(change(8, &[4]), 4, "are no kind of data page");
    flawed(change(8, &[16]), 4, "a freelist stands where");
    flawed(change(10, &[255, 255]), 4, "65535 elements do not fit");
    flawed(change(12, &[3, 0, 0, 0]), 4, "would reach beyond page 6");
    flawed(change(12, &[255; 4]), 4, "would reach beyond page 6");
    let mut build = small();
    build.put(3 * PAGE + 10, &[0, 0]);
    flawed(build, 3, "a branch without elements");
}

#[test]
fn elements_that_point_elsewhere_are_found() {
    for (at, with) in [
        (16, &[2_u8, 0, 0, 0]),    // flags
        (20, &[255; 4]),           // position
        (20, &[1, 0, 0, 0]),       // into the table
        (24, &[255; 4]),           // size of the key
        (28, &[255; 4]),           // size of the value
        (28, &[0xF0, 0x0F, 0, 0]), // over the end of the page by little
    ] {
        let mut build = small();
        build.put(4 * PAGE + at, with);
        let flaws = checked(&build.finish()).0.flaws;
        assert!(flaws.iter().any(|flaw| flaw.place.page == 4), "{at} {with:?} {flaws:?}");
    }
}

#[test]
fn keys_out_of_order_or_out_of_their_parents_range_are_found() {
    let mut build = small();
    build.leaf(4, &[(b"b", b"", false), (b"a", b"", false)]);
    flawed(build, 4, "not higher than the one before");
    let mut build = small();
    build.leaf(4, &[(b"b", b"", false), (b"b", b"", false)]);
    flawed(build, 4, "not higher than the one before");
    let mut build = small();
    build.leaf(4, &[(b"b", b"", false), (b"m", b"", false)]);
    flawed(build, 4, "not lower than the next one");
    let mut build = small();
    build.leaf(5, &[(b"l", &[0; PAGE], false), (b"z", b"", false)]);
    flawed(build, 5, "lower than its parent says");
    let mut build = small();
    build.branch(3, &[(b"a", 4), (b"a", 5)]);
    assert!(!checked(&build.finish()).0.flaws.is_empty());
}

#[test]
fn a_bucket_that_cannot_be_is_found() {
    for value in [&b""[..], &[0; 8], &[0; 16], &[0; 31]] {
        let mut build = small();
        build.leaf(2, &[(b"big", &bucket(3), true), (b"small", value, true)]);
        flawed(build, 2, "few");
    }
    let mut value = inline(&[(b"x", b"1", false)]);
    value[24] = 1;
    let mut build = small();
    build.leaf(2, &[(b"big", &bucket(3), true), (b"small", &value, true)]);
    assert_eq!(checked(&build.finish()).0.flaws.len(), 1);
}

#[test]
fn a_stored_list_of_free_pages_is_held_against_those_in_use() {
    let list = |count: u16, ids: &[u64]| {
        let mut build = Build { freelist: 7, ..small() };
        build.bytes.extend([0; 3 * PAGE]);
        build.header(7, 16, count, 0);
        let ids: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        build.put(7 * PAGE + 16, &ids);
        build
    };
    assert_eq!(checked(&list(2, &[8, 9]).finish()).0.flaws, []);
    assert_eq!(checked(&list(0xFFFF, &[2, 8, 9]).finish()).0.flaws, []);
    flawed(list(1, &[8]), 9, "neither in use nor in the list");
    flawed(list(3, &[8, 9, 4]), 4, "in use and in the list");
    flawed(list(3, &[8, 9, 6]), 5, "in use and in the list");
    flawed(list(3, &[8, 9, 9]), 7, "listed as free twice");
    flawed(list(3, &[8, 9, 10]), 7, "there is none");
    flawed(list(0xFFFF, &[u64::MAX, 8, 9]), 7, "do not fit");
    flawed(list(0xFFFF, &[1 << 61, 8, 9]), 7, "do not fit");
    flawed(list(1000, &[8, 9]), 7, "do not fit");
    let mut build = Build { freelist: 4, ..small() };
    build.bytes.extend([0; PAGE]);
    assert!(!checked(&build.finish()).0.flaws.is_empty());
}
