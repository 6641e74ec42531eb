//! Named locations: kept, listed, checked, removed, and suggested where one is mistyped.

use crate::run::Person;

#[test]
fn a_location_is_kept_listed_checked_and_forgotten() {
    let person = Person::new();
    person.run("location list").exits(0).says("location add");
    person.run("location add disk ./store --default").exits(0).says("kept disk");
    person.run("location add lab s3://backups/lab --endpoint https://minio.lab:9000 --region r1").exits(0);
    let list = person.run("location list").exits(0).stdout;
    assert!(list.starts_with("NAME   DEFAULT   URL\ndisk   yes       /"), "{list}");
    assert_eq!(person.run("location list -o name").stdout, "disk\nlab\n");
    let json = person.run("location list -o json").exits(0).json();
    assert_eq!(json["kind"], "LocationList");
    assert_eq!(json["items"][1]["endpoint"], "https://minio.lab:9000");
    person.run("location check").exits(0).prints("conditional create");
    person
        .run("location check disk -o yaml")
        .exits(0)
        .prints("kind: LocationCheck\n")
        .prints("usable: true\n");
    person.run("location remove disk").exits(0).says("default");
    person.run("location check").exits(2).says("no location is named");
}

#[test]
fn the_config_file_is_private_and_follows_xdg() {
    let person = Person::new().with("XDG_CONFIG_HOME", "");
    person.run("location add disk ./store").exits(0);
    let path = person.home().join(".config/daytwo/config.yaml");
    assert!(path.exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let elsewhere = person.home().join("xdg");
    let person = Person::new().with("XDG_CONFIG_HOME", elsewhere.to_str().unwrap());
    person.run("location add disk ./store").exits(0);
    assert!(elsewhere.join("daytwo/config.yaml").exists());
}

#[test]
fn a_name_that_is_taken_unknown_or_no_name_is_refused() {
    let person = Person::new();
    person.run("location add disk ./store").exits(0);
    person.run("location add disk ./other").exits(4).says("--replace");
    person.run("location add disk ./other --replace").exits(0);
    person.run("location add s3://b ./other").exits(2);
    person.run("location add bucket backups").exits(2).says("./backups");
    person.run("location check dsik").exits(2).says("did you mean disk?");
    person.run("backup list --location dsik").exits(2).says("did you mean disk?");
    person.run("location remove nothing").exits(2);
}

#[test]
fn credentials_are_not_kept() {
    let person = Person::new();
    person.run("location add a s3://key:planted-secret@bucket/p").exits(2).says("credentials");
    assert!(!person.home().join(".config/daytwo/config.yaml").exists());
}

#[test]
fn the_environment_names_a_location_and_the_flag_goes_before_it() {
    let person = Person::new().with("DAYTWO_LOCATION", "./from-env");
    person.run("location check -o name").exits(0).prints("from-env");
    person.run("location check --location ./from-flag -o name").exits(0).prints("from-flag");
}

#[test]
fn a_config_file_that_cannot_be_read_is_named() {
    let person = Person::new();
    let folder = person.home().join(".config/daytwo");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.yaml"), "kind: [").unwrap();
    person.run("location list").exits(2).says("config.yaml");
}
