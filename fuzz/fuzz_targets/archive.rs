//! Whatever the bytes: the reader of archives gives objects or an error, never a panic, and each object's names can be
//! parts of a path.

#![no_main]

use daytwo_archive::read::ArchiveReader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut archive = ArchiveReader::new(bytes);
    while let Ok(Some(found)) = archive.next() {
        for part in [found.resource, found.name, found.namespace.unwrap_or("x")] {
            assert!(!part.is_empty() && !part.contains('/') && part != "..");
        }
    }
});
