//! Whatever the bytes: a backend opens or does not, walks end, and what is said of it is said without a panic. What is good has
//! a status.

#![no_main]

use std::ops::ControlFlow;

use daytwo_etcd::bolt::Map;
use daytwo_etcd::mvcc::Backend;
use daytwo_etcd::status::status;
use daytwo_etcd::verify::verify;
use daytwo_etcd::{Store as _, keyspace};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // A checksum of 64 bits is not guessed: the meta pages are made to fit, so that what is behind them is reached.
    let mut bytes = bytes.to_vec();
    for page in [0, 1024, 4096] {
        if let Some(body) = bytes.get_mut(page + 16..page + 80) {
            let sum = body[..56].iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
            });
            body[56..].copy_from_slice(&sum.to_le_bytes());
        }
    }
    let Ok(backend) = Backend::open(Map::from(bytes)) else { return };
    let mut records = 0_u64;
    let good = verify(&backend, &mut |_| None).good();
    let all = &mut |_: &daytwo_etcd::Record<'_>| {
        records += 1;
        ControlFlow::Continue(())
    };
    let _ = backend.newest_first(all);
    let _ = keyspace::list(&backend, b"", None, all);
    let _ = backend.of_key(b"none", all);
    assert!(status(&backend).is_ok() || !good);
});
