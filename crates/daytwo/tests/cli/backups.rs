//! Backups in a folder: list, describe, get, verify, diff, delete and prune, with their exit codes.

use std::fs;
use std::path::PathBuf;

use daytwo_archive::Problem;
use daytwo_archive::encrypt::Identity;
use daytwo_archive::sign::SigningKey;

use crate::archive::{Draft, PLANTED, config_map, shop, write, write_shop};
use crate::run::Person;

/// A person whose default location holds the shop.
fn person() -> Person {
    let person = Person::new().with("DAYTWO_LOCATION", "./store");
    write_shop(&store(&person), "nightly");
    person
}

fn store(person: &Person) -> PathBuf {
    person.home().join("store")
}

#[test]
fn a_list_shows_every_backup_whoever_made_it_and_whatever_its_state() {
    let person = person();
    let problem = Problem { resource: "pods".into(), namespace: None, name: None, what: "403".into() };
    write(&store(&person), "partial", Draft { objects: shop(), problems: vec![problem], ..Draft::default() });
    fs::create_dir_all(store(&person).join("backups/broken")).unwrap();
    fs::write(store(&person).join("backups/broken/velero-backup.json"), "{").unwrap();
    let ran = person.run("backup list").exits(0).says("backup broken");
    for text in
        ["NAME", "nightly", "Completed", "partial", "PartiallyFailed", "broken", "Unreadable", "never"]
    {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    }
    person.run("backup list -o wide").exits(0).prints("4711").prints("KiB");
    assert_eq!(person.run("backup ls -o name").exits(0).stdout, "broken\nnightly\npartial\n");
}

#[test]
fn an_empty_location_has_no_backups_and_says_so() {
    let person = Person::new();
    person.run("backup list --location ./empty").exits(2).says("there is no folder");
    fs::create_dir(person.home().join("empty")).unwrap();
    let ran = person.run("backup list --location ./empty").exits(0).says("no backups");
    assert_eq!(ran.stdout, "");
    let json = person.run("backup list --location ./empty -o json").exits(0).json();
    assert_eq!(json["items"], serde_json::json!([]));
}

#[test]
fn a_description_counts_by_kind_and_namespace_and_names_the_cut() {
    let ran = person().run("backup describe nightly").exits(0);
    for text in
        ["one moment, revision 4711", "deployments.apps", "(cluster)", "shop", "lab", "v1.36.3", "Completed"]
    {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    }
}

#[test]
fn a_name_that_is_not_there_is_usage_and_suggests_one() {
    let person = person();
    for verb in ["describe", "verify", "delete --yes", "get", "diff nightly", "export --to x"] {
        let tail = if verb == "get" { " pods" } else { "" };
        person.run(&format!("backup {verb} nighlty{tail}")).exits(2).says("did you mean nightly?");
    }
}

#[test]
fn kinds_go_by_plural_singular_short_name_and_kind() {
    let person = person();
    for word in ["configmaps", "configmap", "cm", "ConfigMap", "cm.", "configmaps."] {
        if word.ends_with('.') {
            continue;
        }
        let ran = person.run(&format!("backup get nightly {word} -n shop -o name")).exits(0);
        assert!(ran.stdout.contains("configmap/settings\n"), "{word}: {}", ran.stdout);
    }
    for word in ["deploy/web", "deployment web", "deployments.apps web", "deploy.apps/web"] {
        let ran = person.run(&format!("backup get nightly {word} -n shop -o name")).exits(0);
        assert_eq!(ran.stdout, "deployment.apps/web\n", "{word}");
    }
    person.run("backup get nightly jobs -A").exits(0).says("holds no jobs");
    person.run("backup get nightly job/x -n shop").exits(1).says("holds no job");
    person.run("backup get nightly confgimaps -A").exits(2).says("configmaps");
}

#[test]
fn an_object_comes_out_with_the_digits_it_went_in_with() {
    let person = person();
    let json = person.run("backup get nightly deploy/web -n shop -o json").exits(0);
    let json = json.prints("\"serial\": 123456789012345678901234567890").prints("\"ratio\": 1.50");
    assert!(json.stdout.starts_with("{\n  \"apiVersion\": \"apps/v1\""), "{}", json.stdout);
    let yaml = person.run("backup get nightly deploy/web -n shop -o yaml").exits(0);
    yaml.prints("  serial: 123456789012345678901234567890\n")
        .prints("  ratio: 1.50\n")
        .prints("  replicas: 3\n");
    let yaml = person.run("backup get nightly cm/settings -n shop -o yaml").exits(0);
    let yaml = yaml.prints("  \"yes\": \"yes\"\n").prints("  mode: \"0644\"\n").prints("  \"n\": \"1e3\"\n");
    yaml.prints("  text: |\n    a\n    b\n").prints("  big: \"12345678901234567890\"\n");
}

#[test]
fn many_objects_are_a_list_and_none_are_an_empty_one() {
    let person = person();
    let list = person.run("backup get nightly cm,deploy -A -o json").exits(0).json();
    assert_eq!((list["kind"].as_str(), list["items"].as_array().map(Vec::len)), (Some("List"), Some(3)));
    let yaml = person.run("backup get nightly cm -A -o yaml").exits(0).stdout;
    assert!(
        yaml.starts_with("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n"),
        "{yaml}"
    );
    let none = person.run("backup get nightly cm -n other -o json").exits(0).says("-A").json();
    assert_eq!(none["items"], serde_json::json!([]));
    person.run("backup get nightly cm").exits(0).says("namespace default");
    person.run("backup get nightly cm -A").exits(0).prints("NAMESPACE").prints("shop").prints("settings");
    person.run("backup get nightly nodes").exits(0).prints("n1");
}

#[test]
fn an_object_that_is_not_there_is_exit_1() {
    let person = person();
    person
        .run("backup get nightly cm/absent -n shop")
        .exits(1)
        .says("configmaps/shop/absent is not in backup nightly");
    let ran = person.run("backup get nightly cm/absent cm/settings -n shop -o name").exits(1);
    assert_eq!(ran.stdout, "configmap/settings\n");
}

#[test]
fn secrets_are_hidden_unless_asked_for() {
    let person = person();
    let hidden =
        person.run("backup get nightly secret/db -n shop -o yaml").exits(0).prints("password: <changed>");
    let shown = person.run("backup get nightly secret/db -n shop -o yaml --show-secrets").exits(0);
    assert!(shown.stdout.contains(PLANTED[1]) && !hidden.stdout.contains(PLANTED[1]));
}

#[test]
fn a_flipped_byte_is_found_and_the_backup_next_to_it_is_sound() {
    let person = person();
    write_shop(&store(&person), "other");
    person.run("backup verify nightly").exits(0).prints("nightly: sound; 8 objects");
    let path = store(&person).join("backups/nightly/nightly.tar.gz");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let ran = person.run("backup verify nightly -o json").exits(1);
    assert_eq!(ran.json()["sound"], false);
    person.run("backup verify nightly").exits(1).prints("damage:");
    person.run("backup verify other").exits(0);
}

#[test]
fn a_signature_is_checked_against_the_key_given() {
    let person = person();
    let key = SigningKey::generate();
    fs::write(person.home().join("right.pem"), key.verifying_key().to_pem()).unwrap();
    fs::write(person.home().join("wrong.pem"), SigningKey::generate().verifying_key().to_pem()).unwrap();
    write(&store(&person), "signed", Draft { objects: shop(), sign: Some(key), ..Draft::default() });
    person.run("backup verify signed --key right.pem").exits(0).prints("signed by");
    person.run("backup verify signed --key wrong.pem").exits(1);
    person.run("backup verify nightly --key right.pem").exits(1);
    person.run("backup verify signed --key absent.pem").exits(2).says("absent.pem");
}

#[test]
fn an_encrypted_backup_needs_its_identity() {
    let person = person();
    let identity = Identity::generate();
    fs::write(person.home().join("id.txt"), identity.reveal()).unwrap();
    fs::write(person.home().join("other.txt"), Identity::generate().reveal()).unwrap();
    write(
        &store(&person),
        "sealed",
        Draft { objects: shop(), recipients: vec![identity.recipient()], ..Draft::default() },
    );
    person.run("backup list -o wide").exits(0).prints("sealed");
    person.run("backup get sealed cm -A").exits(3).says("--identity");
    person.run("backup get sealed cm -A --identity other.txt").exits(3);
    person.run("backup get sealed cm -A --identity id.txt").exits(0).prints("settings");
    person.run("backup verify sealed --identity id.txt").exits(0).prints("8 objects");
    person.run("backup verify sealed").exits(0).prints("not proved");
}

#[test]
fn a_diff_names_what_was_added_removed_and_changed() {
    let person = person();
    let mut objects = shop();
    objects.retain(|object| object.resource.kind != "Node");
    for object in &mut objects {
        object.json = object
            .json
            .replace("\"replicas\":3", "\"replicas\":4")
            .replace("\"resourceVersion\":\"7\"", "\"resourceVersion\":\"8\"");
    }
    let last = objects.iter().rposition(|object| object.resource.kind == "ConfigMap").unwrap();
    objects.insert(last, config_map("extra", "\"a\":\"b\""));
    write(&store(&person), "tuesday", Draft { objects, ..Draft::default() });
    let ran = person.run("backup diff nightly tuesday").exits(1).says("1 added, 0 removed, 1 changed");
    let ran = ran
        .prints("+ configmaps/shop/extra\n")
        .prints("~ deployments.apps/shop/web\n")
        .prints("spec.replicas");
    assert!(!ran.stdout.contains("resourceVersion"), "{}", ran.stdout);
    person.run("backup diff nightly tuesday --noise").exits(1).prints("metadata.resourceVersion");
    person.run("backup diff nightly nightly").exits(0);
    person.run("backup diff nightly tuesday --exclude-resources cm,deploy").exits(0);
    person.run("backup diff nightly tuesday -n elsewhere --include-cluster-resources=false").exits(0);
    let names = person.run("backup diff nightly tuesday -o name").exits(1).stdout;
    assert_eq!(names, "configmaps/shop/extra\ndeployments.apps/shop/web\n");
}

#[test]
fn a_changed_secret_is_named_and_its_values_are_not() {
    let person = person();
    let mut objects = shop();
    let secret = objects.iter_mut().find(|object| object.resource.kind == "Secret").unwrap();
    secret.json = secret.json.replace("\"password\":\"", "\"password\":\"pl4nted-too");
    write(&store(&person), "tuesday", Draft { objects, ..Draft::default() });
    let ran = person
        .run("backup diff nightly tuesday")
        .exits(1)
        .prints("~ secrets/shop/db")
        .prints("data.password");
    assert!(!ran.stdout.contains("pl4nted"), "{}", ran.stdout);
    person.run("backup diff nightly tuesday --show-secrets").exits(1).prints("pl4nted-too");
}

#[test]
fn deleting_asks_and_without_anybody_to_ask_refuses() {
    let person = person();
    person.run("backup delete nightly").exits(4).says("--yes");
    person.run("backup describe nightly").exits(0);
    person.run("backup delete nightly --yes").exits(0).prints("deleted nightly");
    person.run("backup delete nightly --yes").exits(2);
    assert!(!store(&person).join("backups/nightly").exists());
}

#[test]
fn pruning_shows_first_and_keeps_what_a_rule_keeps() {
    let person = Person::new().with("DAYTWO_LOCATION", "./store");
    for day in 1..=4 {
        let started = Some(format!("2026-11-0{day}T00:00:00Z").parse().unwrap());
        write(&store(&person), &format!("day-{day}"), Draft { objects: shop(), started, ..Draft::default() });
    }
    person.run("backup prune --keep-last 2").exits(0).says("nothing was deleted").prints("would delete");
    assert_eq!(person.run("backup list -o name").stdout, "day-1\nday-2\nday-3\nday-4\n");
    let ran = person.run("backup prune --keep-last 2 --yes -o json").exits(0).json();
    assert_eq!(ran["dryRun"], false);
    assert_eq!(person.run("backup list -o name").stdout, "day-3\nday-4\n");
}

#[test]
fn what_a_killed_run_left_is_removed_once_it_is_old_enough() {
    let person = person();
    let left = store(&person).join("backups/dead");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("dead.tar.gz"), "x").unwrap();
    person.run("backup list").exits(0).prints("Unfinished");
    person.run("backup prune --orphans --yes").exits(0).prints("keep");
    assert!(left.exists(), "a run may still be writing it");
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    fs::File::options().write(true).open(left.join("dead.tar.gz")).unwrap().set_modified(old).unwrap();
    person.run("backup prune --orphans").exits(0).prints("would delete");
    person.run("backup prune --orphans --yes").exits(0).prints("deleted");
    assert!(!left.join("dead.tar.gz").exists());
    person.run("backup describe nightly").exits(0);
}

#[test]
fn a_long_list_into_a_closed_pipe_ends_early_and_quietly() {
    let person = Person::new().with("DAYTWO_LOCATION", "./store");
    let objects = (0..2000)
        .map(|n| config_map(&format!("c{n}"), "\"a\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""))
        .collect();
    write(&store(&person), "many", Draft { objects, ..Draft::default() });
    let mut command = person.command("backup get many cm -A -o yaml".split(' '));
    let mut child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
