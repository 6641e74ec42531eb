//! One flipped bit anywhere in the files of a backup: `verify` finds it, and nothing panics.

use std::path::{Path, PathBuf};
use std::sync::Once;

use daytwo_archive::encrypt::Identity;
use daytwo_archive::{BackupName, Keys, Location, LocationOptions, VerifyOptions};
use serde_json::json;
use testbed::Api;

use crate::binary::Daytwo;
use crate::chance::Chance;
use crate::{say, site, stored, times};

const FLIPS: usize = 2_000;

/// A backup of a small namespace, made with further flags.
struct Sample {
    what: &'static str,
    daytwo: Daytwo,
    keys: Keys,
    /// Of the signature, where there is one.
    key: Option<PathBuf>,
}

fn samples() -> Option<Vec<Sample>> {
    static FILLED: Once = Once::new();
    let site = testbed::shared::control_plane()?;
    FILLED.call_once(|| {
        let mut api = Api::of(site).unwrap();
        site::namespace(&mut api, "damage");
        site::fill(&mut api, "damage", 40, 900, 41);
        for n in 0..10 {
            site::secret(&mut api, "damage", &format!("secret-{n}"), &json!({ "word": format!("word-{n}") }));
        }
    });
    let make = |what: &'static str, sign: bool, encrypt: bool| {
        let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
        let (sign_key, identity) = (daytwo.home().join("sign.pem"), daytwo.home().join("identity.txt"));
        let mut args: Vec<String> =
            ["backup", "create", "sample", "--include-namespaces=damage"].map(str::to_owned).to_vec();
        if sign {
            daytwo.run(&["key", "generate", "--sign", "--to", sign_key.to_str().unwrap()]).expect(0);
            args.extend(["--sign-key".to_owned(), sign_key.to_str().unwrap().to_owned()]);
        }
        let mut keys = Keys::default();
        if encrypt {
            let made = daytwo.run(&[
                "key",
                "generate",
                "--encrypt",
                "--to",
                identity.to_str().unwrap(),
                "-o",
                "json",
            ]);
            let recipient = made.expect(0).json()["recipient"].as_str().unwrap().to_owned();
            args.extend(["--encrypt-to".to_owned(), recipient]);
            keys = Keys { identities: Identity::load(&identity).unwrap() };
        }
        daytwo.run(&args).expect(0);
        let key = sign.then(|| daytwo.home().join("sign.pub.pem"));
        Sample { what, daytwo, keys, key }
    };
    Some(vec![
        make("plain", false, false),
        make("signed", true, false),
        make("encrypted", false, true),
        make("signed and encrypted", true, true),
    ])
}

/// What verification says: how much is damaged, or the error it ends with.
fn verify(location: &Location, keys: &Keys) -> Result<u64, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let name = BackupName::try_from("sample").unwrap();
    let report = runtime.block_on(daytwo_archive::verify(location, &name, keys, &VerifyOptions::default()));
    report.map(|report| report.damage).map_err(|error| error.to_string())
}

#[test]
fn every_flipped_bit_is_found() {
    let Some(samples) = samples() else { return };
    for (seed, sample) in samples.iter().enumerate() {
        let files = stored::files(&sample.daytwo.folder());
        let location = open(&sample.daytwo.folder());
        assert_eq!(verify(&location, &sample.keys), Ok(0), "{} is damaged from the start", sample.what);
        let mut chance = Chance::new(seed as u64);
        let flips = FLIPS / samples.len();
        for flip in 0..flips {
            let (key, path, byte, bit) = choose(&files, &mut chance, flip);
            let whole = std::fs::read(path).unwrap();
            let mut damaged = whole.clone();
            damaged[byte] ^= 1 << bit;
            std::fs::write(path, &damaged).unwrap();
            let said = verify(&location, &sample.keys);
            let found = said.as_ref().is_ok_and(|damage| *damage > 0);
            assert!(found, "{}: bit {bit} of byte {byte} of {key} is flipped: {said:?}", sample.what);
            std::fs::write(path, &whole).unwrap();
        }
        assert_eq!(verify(&location, &sample.keys), Ok(0), "{} was not put back", sample.what);
        say(&format!("{}: {flips} of {flips} flipped bits found", sample.what));
    }
}

fn open(folder: &Path) -> Location {
    Location::open(folder.to_str().unwrap(), &LocationOptions::default()).unwrap()
}

/// Half of the flips hit any byte with the same chance, half any file: most bytes are the archive's.
fn choose<'a>(
    files: &'a std::collections::BTreeMap<String, PathBuf>,
    chance: &mut Chance,
    flip: usize,
) -> (&'a str, &'a Path, usize, u32) {
    let size = |path: &PathBuf| std::fs::metadata(path).unwrap().len();
    let sized: Vec<(&String, &PathBuf, u64)> =
        files.iter().map(|(key, path)| (key, path, size(path))).filter(|(_, _, size)| *size > 0).collect();
    let bit = u32::try_from(chance.below(8)).unwrap();
    if flip.is_multiple_of(2) {
        let mut at = chance.below(sized.iter().map(|(_, _, size)| size).sum());
        for (key, path, size) in &sized {
            if at < *size {
                return (key, path, usize::try_from(at).unwrap(), bit);
            }
            at -= size;
        }
    }
    let (key, path, size) = sized[usize::try_from(chance.below(sized.len() as u64)).unwrap()];
    (key, path, usize::try_from(chance.below(size)).unwrap(), bit)
}

#[test]
fn damage_is_found_by_the_binary_too() {
    let Some(samples) = samples() else { return };
    for sample in &samples {
        let files = stored::files(&sample.daytwo.folder());
        let mut args = vec!["backup".to_owned(), "verify".to_owned(), "sample".to_owned()];
        if let Some(key) = &sample.key {
            args.extend(["--key".to_owned(), key.to_str().unwrap().to_owned()]);
        }
        let identity = sample.daytwo.home().join("identity.txt");
        if identity.exists() {
            args.extend(["--identity".to_owned(), identity.to_str().unwrap().to_owned()]);
        }
        sample.daytwo.run(&args).expect(0);
        let mut chance = Chance::new(43);
        for flip in 0..times(8, 100) {
            let (key, path, byte, bit) = choose(&files, &mut chance, flip);
            let whole = std::fs::read(path).unwrap();
            let mut damaged = whole.clone();
            damaged[byte] ^= 1 << bit;
            std::fs::write(path, &damaged).unwrap();
            let run = sample.daytwo.run(&args).sound();
            let what = format!("{}: bit {bit} of byte {byte} of {key}", sample.what);
            assert_eq!(run.code, Some(1), "{what}: {run}");
            std::fs::write(path, &whole).unwrap();
        }
        for (key, path) in &files {
            let whole = std::fs::read(path).unwrap();
            std::fs::write(path, &whole[..whole.len() / 2]).unwrap();
            let run = sample.daytwo.run(&args).sound();
            assert!(matches!(run.code, Some(1..=5)), "{}: half of {key} is gone: {run}", sample.what);
            std::fs::remove_file(path).unwrap();
            let run = sample.daytwo.run(&args).sound();
            assert!(matches!(run.code, Some(1..=5)), "{}: {key} is gone: {run}", sample.what);
            std::fs::write(path, &whole).unwrap();
        }
        sample.daytwo.run(&args).expect(0);
    }
}
