//! Key files: private, never overwritten, never printed.

use std::fs;

use crate::run::Person;

#[test]
fn a_signing_pair_is_two_pem_files() {
    let person = Person::new();
    let ran = person.run("key generate --sign --to k.pem -o json").exits(0);
    assert_eq!(ran.json()["publicFile"], "k.pub.pem");
    let private = fs::read_to_string(person.home().join("k.pem")).unwrap();
    assert!(private.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(
        fs::read_to_string(person.home().join("k.pub.pem"))
            .unwrap()
            .starts_with("-----BEGIN PUBLIC KEY-----")
    );
    let secret = private.lines().nth(1).unwrap();
    assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret));
}

#[test]
fn an_identity_is_one_file_and_its_recipient_is_printed() {
    let person = Person::new();
    let ran = person.run("key generate --encrypt -o name").exits(0);
    assert!(ran.stdout.starts_with("age1"), "{}", ran.stdout);
    let file = fs::read_to_string(person.home().join("daytwo-identity.txt")).unwrap();
    assert!(file.contains(ran.stdout.trim()) && file.contains("AGE-SECRET-KEY-"));
    assert!(!ran.stderr.contains("AGE-SECRET-KEY-"));
}

#[test]
#[cfg(unix)]
fn private_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let person = Person::new();
    person.run("key generate --sign").exits(0);
    person.run("key generate --encrypt").exits(0);
    for name in ["daytwo-sign.pem", "daytwo-identity.txt"] {
        let mode = fs::metadata(person.home().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_key_that_exists_is_never_overwritten() {
    let person = Person::new();
    person.run("key generate --sign --to k.pem").exits(0);
    let before = fs::read(person.home().join("k.pem")).unwrap();
    person.run("key generate --sign --to k.pem").exits(4).says("exists already");
    person.run("key generate --encrypt --to k.pem").exits(4);
    assert_eq!(fs::read(person.home().join("k.pem")).unwrap(), before);
}
