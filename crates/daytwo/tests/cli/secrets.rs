//! No verb shows a Secret's value, at any verbosity, unless it is asked to.

use std::fs;

use crate::archive::{Draft, PLANTED, shop, write, write_shop};
use crate::run::Person;

#[test]
fn planted_values_appear_in_no_output_at_any_verbosity() {
    let person = Person::new().with("DAYTWO_LOCATION", "./store");
    let store = person.home().join("store");
    write_shop(&store, "nightly");
    let mut objects = shop();
    for object in &mut objects {
        object.json = object.json.replace("password", "passphrase");
    }
    write(&store, "tuesday", Draft { objects, ..Draft::default() });
    write_shop(&store, "hurt");
    let path = store.join("backups/hurt/hurt.tar.gz");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&path, bytes).unwrap();

    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, PLANTED[0]);
    let mut checked = 0;
    for verb in [
        "list",
        "describe nightly",
        "get nightly secrets -A",
        "get nightly secret/db -n shop",
        "get hurt secrets -A",
        "get nightly secrets,cm,deploy,no -A",
        "verify nightly",
        "verify hurt",
        "diff nightly tuesday",
        "diff nightly tuesday --noise",
        "diff nightly hurt",
        "export nightly --to out-{n}",
        "export hurt --to hurt-{n}",
        "prune --keep-last 1",
        "delete absent",
    ] {
        for loud in ["", "-v", "-vv", "-vvv"] {
            for format in ["wide", "json", "yaml"] {
                checked += 1;
                let verb = verb.replace("{n}", &checked.to_string());
                let ran = person.run(&format!("backup {verb} {loud} -o {format}"));
                for text in [&ran.stdout, &ran.stderr] {
                    for planted in PLANTED.iter().copied().chain([encoded.as_str()]) {
                        assert!(!text.contains(planted), "{verb} {loud} -o {format} shows {planted}: {text}");
                    }
                }
            }
        }
    }
}
