use super::*;

/// Keys of these tests alone: 32 bytes of `1`, `2` and so on.
fn configuration(keys: &[(&str, &str, u8)]) -> String {
    use base64::Engine as _;
    let secret = |byte: u8| base64::engine::general_purpose::STANDARD.encode([byte; 32]);
    let providers: Vec<String> = keys
        .iter()
        .map(|(provider, name, byte)| {
            format!("  - {provider}:\n      keys:\n      - name: {name}\n        secret: {}\n", secret(*byte))
        })
        .collect();
    format!(
        "kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources:\n- resources: [\"*.*\"]\n  providers:\n{}  - identity: {{}}\n",
        providers.concat()
    )
}

fn sealed(provider: &str, rest: &[u8]) -> Vec<u8> {
    [format!("k8s:enc:{provider}:v1:one:").as_bytes(), rest].concat()
}

/// Made by the crate's own ciphers: that they are those of Kubernetes is for a test with a real API server.
fn gcm(place: &[u8]) -> Vec<u8> {
    use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
    let cipher = aes_gcm::Aes256Gcm::new_from_slice(&[b'1'; 32]).unwrap();
    let nonce = [7_u8; 12];
    let text = cipher.encrypt((&nonce).into(), Payload { msg: b"{}", aad: place }).unwrap();
    sealed("aesgcm", &[&nonce[..], &text].concat())
}

#[test]
fn a_value_opens_at_its_own_place_only() {
    let keyring = Keyring::parse(&configuration(&[("aesgcm", "one", b'1')])).unwrap();
    let value = gcm(b"/registry/secrets/a/b");
    assert_eq!(keyring.open(b"/registry/secrets/a/b", &value).unwrap(), &b"{}"[..]);
    let moved = keyring.open(b"/registry/secrets/a/c", &value).unwrap_err();
    assert!(matches!(moved, NotOpened::WrongKeyOrDamaged(_)), "{moved}");
}

#[test]
fn a_missing_key_is_named_and_is_no_damage() {
    let value = gcm(b"k");
    let seal = Seal { provider: "aesgcm".into(), version: "v1".into(), key: "one".into() };
    let others = Keyring::parse(&configuration(&[("aesgcm", "two", b'1'), ("aescbc", "one", b'1')])).unwrap();
    assert_eq!(others.open(b"k", &value), Err(NotOpened::MissingKey(seal.clone())));
    assert_eq!(Keyring::default().open(b"k", &value), Err(NotOpened::MissingKey(seal.clone())));
    let wrong = Keyring::parse(&configuration(&[("aesgcm", "one", b'9')])).unwrap();
    assert_eq!(wrong.open(b"k", &value), Err(NotOpened::WrongKeyOrDamaged(seal)));
}

#[test]
fn two_keys_of_one_name_are_both_tried() {
    let text = configuration(&[("aesgcm", "one", b'9'), ("aesgcm", "one", b'1')]);
    assert_eq!(Keyring::parse(&text).unwrap().open(b"k", &gcm(b"k")).unwrap(), &b"{}"[..]);
}

#[test]
fn a_key_management_service_is_named() {
    for version in ["v1", "v2"] {
        let value = format!("k8s:enc:kms:{version}:vault:xyz");
        let closed = Keyring::default().open(b"k", value.as_bytes()).unwrap_err();
        assert!(closed.to_string().starts_with(&format!("encrypted by kms {version} by vault")), "{closed}");
    }
    let closed = Keyring::default().open(b"k", b"k8s:enc:new:v1:one:xyz").unwrap_err();
    assert!(matches!(closed, NotOpened::UnknownProvider(_)));
}

#[test]
fn hostile_values_stay_closed() {
    let text = configuration(&[("aesgcm", "one", b'1'), ("aescbc", "one", b'1'), ("secretbox", "one", b'1')]);
    let keyring = Keyring::parse(&text).unwrap();
    for provider in ["aesgcm", "aescbc", "secretbox"] {
        for length in 0..80 {
            let value = sealed(provider, &vec![b'x'; length]);
            assert!(keyring.open(b"k", &value).is_err(), "{provider} {length}");
        }
    }
    // Not long enough to be sealed, and so a value as any other.
    assert_eq!(keyring.open(b"k", b"k8s:enc:aescbc").unwrap(), &b"k8s:enc:aescbc"[..]);
}

#[test]
fn keys_are_never_shown() {
    let text = configuration(&[("aescbc", "one", b'1')]);
    let shown = format!("{:?}", Keyring::parse(&text).unwrap());
    assert!(shown.contains("aescbc:one") && !shown.contains("MTEx"), "{shown}");
    for broken in [
        text.replace("MTEx", "!!"),
        text.replace("MTExMTEx", ""),
        text.replace("        secret: ", "       secret: [ "),
        text.replace("kind: Enc", "kind: Other"),
    ] {
        let error = Keyring::parse(&broken).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("MTEx"), "{error}");
    }
}
