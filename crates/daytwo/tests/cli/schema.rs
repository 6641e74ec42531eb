//! Every JSON document is described by its published schema, field by field.

use std::fs;

use daytwo_core::plan::Step;
use serde_json::Value;

use crate::archive::{Draft, config_map, shop, write, write_shop};
use crate::conform::{conforms, folder, schema};
use crate::run::Person;

#[test]
fn what_the_verbs_print_is_what_the_schemas_describe() {
    let person = Person::new().with("DAYTWO_LOCATION", "./store");
    let store = person.home().join("store");
    write_shop(&store, "nightly");
    let mut objects = shop();
    objects.push(config_map("extra", "\"a\":\"b\""));
    objects[1].json = objects[1].json.replace("\"spec\":{}", "\"spec\":{\"unschedulable\":true}");
    objects.sort_by(|a, b| a.resource.cmp(&b.resource));
    write(&store, "tuesday", Draft { objects, ..Draft::default() });
    let hurt = store.join("backups/nightly/nightly.tar.gz");
    fs::create_dir_all(store.join("backups/dead")).expect("a folder");
    fs::write(store.join("backups/dead/dead.tar.gz"), "x").expect("a file");
    for line in [
        "version",
        "location add disk ./store --path-style --sse AES256 --retention-mode GOVERNANCE --retain-for 1d",
        "location list",
        "location check",
        "key generate --sign",
        "key generate --encrypt",
        "backup list",
        "backup list --sizes",
        "backup describe nightly",
        "backup verify nightly",
        "backup diff nightly tuesday",
        "backup export nightly --to out",
        "backup prune --keep-last 1 --orphans",
        "backup delete tuesday --yes",
    ] {
        let ran = person.run(&format!("{line} -o json"));
        assert!(ran.code <= 1, "{line}: {ran:?}");
        if !ran.stdout.is_empty() {
            conforms(&ran.json());
        }
    }
    let mut bytes = fs::read(&hurt).expect("an archive");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&hurt, bytes).expect("written");
    conforms(&person.run("backup verify nightly -o json").exits(1).json());
}

#[test]
fn json_and_yaml_say_the_same() {
    let person = Person::new().with("DAYTWO_LOCATION", "./store");
    write_shop(&person.home().join("store"), "nightly");
    for line in ["backup describe nightly", "backup list", "version"] {
        let json = person.run(&format!("{line} -o json")).exits(0).json();
        let yaml = person.run(&format!("{line} -o yaml")).exits(0).stdout;
        let read: Value = serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{error}: {yaml}"));
        assert_eq!(read, json, "{line}");
    }
}

#[test]
fn every_schema_is_json_with_a_title_that_is_its_file_name() {
    for entry in fs::read_dir(folder()).expect("the schemas").map(|entry| entry.expect("an entry").path()) {
        let kind = entry.file_stem().expect("a name").to_string_lossy().into_owned();
        assert_eq!(schema(&kind)["title"], kind);
        assert_eq!(schema(&kind)["properties"]["kind"]["const"], kind);
    }
}

#[test]
fn what_several_documents_hold_is_described_alike_in_each() {
    let part = |kind: &str, path: &str| {
        let found = schema(kind).pointer(path).cloned();
        found.unwrap_or_else(|| panic!("{kind} does not describe {path}"))
    };
    for path in ["request", "site", "facts/items", "impact/properties", "phases/items", "objects/items"] {
        let path = format!("/properties/{path}");
        assert_eq!(part("RestorePlan", &path), part("RestoreReport", &path), "{path}");
    }
    for list in ["findings", "failures"] {
        let path = format!("/properties/{list}/items");
        assert_eq!(part("RestorePlan", &path), part("RestoreReport", &path), "{path}");
    }
    for path in ["request", "site", "waves"] {
        let path = format!("/properties/{path}");
        assert_eq!(part("Run", &path), part("RestoreReport", &path), "{path}");
    }
}

#[test]
fn every_step_of_a_plan_is_described() {
    // Who reads a step that there is not names those that there are.
    let none = serde_json::from_str::<Step>(r#"{"do":"nothing"}"#).unwrap_err().to_string();
    let mut known: Vec<&str> = none.split('`').skip(1).step_by(2).filter(|word| *word != "nothing").collect();
    assert!(known.contains(&"bindOwners"), "{none}");
    let plans = ["RestorePlan", "EtcdDefragPlan", "EtcdDisarmPlan"].map(schema);
    let steps =
        plans.iter().map(|plan| &plan["properties"]["phases"]["items"]["properties"]["steps"]["items"]);
    let told = steps.flat_map(|step| step["properties"]["do"]["enum"].as_array().expect("a list"));
    let mut told: Vec<&str> = told.filter_map(Value::as_str).collect();
    told.sort_unstable();
    known.sort_unstable();
    assert_eq!(told, known);
}
