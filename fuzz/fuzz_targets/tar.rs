//! Whatever the bytes: the reader of tar gives entries or an error, never a panic, and no content beyond its limit. This
//! one gets past the checksum of gzip, which `archive` seldom does.

#![no_main]

use daytwo_archive::tar::{LARGEST_ENTRY, Place, TarReader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut tar = TarReader::new(bytes);
    let mut content = Vec::new();
    while let Ok(Some(header)) = tar.next() {
        if let Ok(Place::Object { name, .. }) = Place::of(header.path) {
            assert!(!name.contains('/'));
        }
        if tar.content(&mut content).is_err() {
            break;
        }
        assert!(content.len() as u64 <= LARGEST_ENTRY);
    }
});
