//! Forms of tokens, and what is said of datastores that do not open. What Go sealed is opened in `tests/kine.rs`.

use super::{NoToken, Token, Verdict, seal, verdict};
use crate::kine::tests::Table;

const CA: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

#[test]
fn a_token_is_read_in_each_of_its_forms() {
    let ca = "ab".repeat(32);
    let pass = |text: &str| {
        let token = Token::parse(text).unwrap();
        (token.passphrases().next().unwrap().to_owned(), token.ca().map(str::to_owned))
    };
    assert_eq!(pass(&format!("K10{ca}::server:secret\n")), ("secret".to_owned(), Some(ca.clone())));
    assert_eq!(pass(&format!("K10{ca}::node:a:b::c")), ("a:b::c".to_owned(), Some(ca.clone())));
    assert_eq!(pass("K10::server:secret"), ("secret".to_owned(), None));
    assert_eq!(pass("K10server:secret"), ("secret".to_owned(), None));
    assert_eq!(pass("secret\r\n"), ("secret".to_owned(), None));
    assert_eq!(pass("a:b"), ("a:b".to_owned(), None));
    let no = |text: &str| Token::parse(text).unwrap_err();
    assert_eq!(no(" \n"), NoToken::Empty);
    assert_eq!(no("K10ab::server:secret"), NoToken::Digest);
    assert_eq!(no(&format!("K10{ca}::server")), NoToken::Passphrase);
    assert_eq!(no(&format!("K10{ca}::server:")), NoToken::Passphrase);
    assert_eq!(no("abcdef.0123456789abcdef"), NoToken::Join);
    assert_eq!(no(&format!("K10{ca}::abcdef.0123456789abcdef")), NoToken::Join);
    let shown = format!("{:?}", Token::parse("K10::server:secret").unwrap());
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn a_datastore_says_by_which_token_it_opens() {
    let token = Token::parse("word").unwrap();
    let table = Table::new("WAL");
    assert_eq!(verdict(&table.open(), &token).unwrap(), Verdict::NoProof);
    let key = format!("/bootstrap/{}", seal::digest("other"));
    table.put(&key, b"whatever", 0);
    let wanted = vec!["d9298a10d1b0".to_owned()]; // sha256sum of `other`
    assert_eq!(verdict(&table.open(), &token).unwrap(), Verdict::WrongToken { wanted });
}

#[test]
fn what_is_not_as_k3s_writes_it_is_damaged() {
    let token = Token::parse("word").unwrap();
    let key = format!("/bootstrap/{}", seal::digest("word"));
    for (value, word) in [
        (&b""[..], "empty"),
        (b"no colon", "colon"),
        (b"salt:***", "base64"),
        (b"salt:AAAA", "short"),
        (b"salt:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "changed"),
    ] {
        let table = Table::new("WAL");
        table.put(&key, value, 0);
        match verdict(&table.open(), &token).unwrap() {
            Verdict::Damaged { what } => assert!(what.contains(word), "{what}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn names_are_told_and_never_contents() {
    use base64::Engine as _;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let plain = format!(
        r#"{{"ServerCA":{{"Timestamp":"2026-01-01T00:00:00Z","Content":"{}"}},
            "ServerCAKey":{{"Timestamp":"2026-01-01T00:00:00Z","Content":"{}"}},
            "EncryptionConfig":{{"Timestamp":"2026-01-01T00:00:00Z","Content":"{}"}},
            "PasswdFile":"{}", "IPSECKey":{{"Timestamp":"2026-01-01T00:00:00Z","Content":null}}}}"#,
        encode(CA),
        encode("hidden"),
        encode("hidden"),
        encode("hidden")
    );
    let token = Token::parse("K10::server:word").unwrap();
    let inside = super::inside::read(plain.as_bytes(), &token).unwrap();
    let names: Vec<&str> = inside.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["EncryptionConfig", "IPSECKey", "PasswdFile", "ServerCA", "ServerCAKey"]);
    assert_eq!(inside.files.iter().map(|file| file.bytes).collect::<Vec<_>>(), [6, 0, 6, CA.len() as u64, 6]);
    assert!(inside.encryption_config);
    assert_eq!(inside.ca_matches, None);
    assert!(inside.files.iter().all(|file| file.sha256.is_some() == (file.name == "ServerCA")));
    assert!(!format!("{inside:?}").contains("hidden"));
    let digest = inside.files[3].sha256.clone().unwrap();
    for (ca, matches) in [(digest, true), ("ab".repeat(32), false)] {
        let token = Token::parse(&format!("K10{ca}::server:word")).unwrap();
        assert_eq!(super::inside::read(plain.as_bytes(), &token).unwrap().ca_matches, Some(matches));
    }
    assert!(super::inside::read(b"[]", &token).is_err());
}
