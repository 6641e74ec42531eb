//! Any bytes as a stored value: the envelope, protobuf of any kind, JSON, and encrypted values.
//!
//! The first bytes choose the kind, so that the decoder is reached without having to find an envelope first.

#![no_main]

use daytwo_etcd::kube::{Catalogue, Keyring, Objects, Prefix, decode};
use libfuzzer_sys::fuzz_target;

/// Keys of this target alone: 32 letters `A`.
const KEYS: &str = "kind: EncryptionConfiguration
resources:
- resources: ['*.*']
  providers:
  - aescbc: {keys: [{name: k, secret: QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=}]}
  - aesgcm: {keys: [{name: k, secret: QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=}]}
  - secretbox: {keys: [{name: k, secret: QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=}]}
";

fuzz_target!(|bytes: &[u8]| {
    let keyring = Keyring::parse(KEYS).expect("the keys are whole");
    let objects = Objects::new(Prefix::default(), keyring);
    let _ = objects.show_value(b"/registry/secrets/a/b", bytes);
    let _ = objects.kind(b"/registry/secrets/a/b", bytes);
    let catalogue = Catalogue::built_in();
    let _ = Prefix::default().place(bytes, &catalogue);
    let Some(([kind, minor], message)) = bytes.split_first_chunk() else { return };
    let all = catalogue.all();
    let resource = &all[usize::from(*kind) % all.len()];
    let _ = decode(&resource.group, &resource.version, &resource.kind, message, 33 + minor % 5);
});
