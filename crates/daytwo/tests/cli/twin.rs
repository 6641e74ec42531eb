//! Twins as a person meets them: served, asked, backed up, restored into; and the demo. No real part is started, so
//! nothing here sees whether a real server would answer alike.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use daytwo_archive::encrypt::Identity;
use serde_json::Value;

use crate::archive::{Draft, shop, write, write_shop};
use crate::conform::conforms;
use crate::run::{Person, Ran};

/// A twin that is served, until this is dropped.
struct Served {
    child: Child,
    said: Value,
}

impl Served {
    fn begin(person: &Person, flags: &str) -> Served {
        let mut command =
            person.command(format!("twin serve {flags} -o json").split_whitespace().collect::<Vec<_>>());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut text = String::new();
        let said = loop {
            match lines.next() {
                Some(line) => text.push_str(&line.expect("text")),
                None => {
                    let mut stderr = String::new();
                    let _ = child.stderr.take().expect("piped").read_to_string(&mut stderr);
                    panic!("it ended early: {text}{stderr}");
                }
            }
            if let Ok(said) = serde_json::from_str(&text) {
                break said;
            }
        };
        Served { child, said }
    }

    fn kubeconfig(&self) -> PathBuf {
        self.said["kubeconfig"].as_str().expect("a path").into()
    }

    /// Ctrl-C; what it ends with, and what it said.
    fn interrupt(mut self) -> (i32, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
        let mut stderr = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
        (self.child.wait().expect("ended").code().expect("by itself"), stderr)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// Runs a command line at the cluster of a kubeconfig.
fn at(person: &Person, kubeconfig: &Path, line: &str) -> Ran {
    let line = format!("{line} --kubeconfig {}", kubeconfig.display());
    person.run(&line)
}

fn person() -> Person {
    let person = Person::new().with("DAYTWO_LOCATION", "./store");
    fs::create_dir(person.home().join("store")).expect("a folder");
    person
}

#[test]
fn a_served_twin_answers_whoever_holds_its_token_and_nothing_is_left_of_it() {
    let person = person();
    let served = Served::begin(&person, "--from fixture:empty");
    conforms(&served.said);
    let kubeconfig = served.kubeconfig();
    assert_eq!((mode(&kubeconfig), mode(kubeconfig.parent().unwrap())), (0o600, 0o700));
    let known = at(&person, &kubeconfig, "backup create known -o json").exits(0).json();
    assert_eq!(known["server"]["version"], served.said["version"]);

    // The same address, certificate and path, and another token.
    let text = fs::read_to_string(&kubeconfig).unwrap();
    let (head, tail) = text.split_once("token: ").unwrap();
    let stranger = person.home().join("stranger");
    fs::write(&stranger, format!("{head}token: {}{}", "0".repeat(64), &tail[64..])).unwrap();
    at(&person, &stranger, "backup create unknown").exits(3).says("401");
    // And none at all.
    fs::write(&stranger, format!("{head}username: a\n    password: b{}", &tail[64..])).unwrap();
    at(&person, &stranger, "backup create unknown").exits(3).says("401");

    let (code, stderr) = served.interrupt();
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("serving at https://127.0.0.1:") && !stderr.contains("warning"), "{stderr}");
    assert!(!kubeconfig.parent().unwrap().exists(), "{} is left", kubeconfig.display());
    at(&person, &stranger, "backup create late").exits(3);
}

#[test]
fn the_one_line_on_stdout_is_the_one_to_copy() {
    let person = person();
    let mut child =
        person.command(["twin", "serve", "--from", "fixture:empty"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let path = line.trim_end().strip_prefix("export KUBECONFIG=").unwrap_or_else(|| panic!("{line}"));
    assert!(path.starts_with('/'), "{path}");
    assert_eq!(stdout.lines().count(), 0);
}

#[test]
fn a_kubeconfig_that_is_named_is_written_and_never_in_place_of_another() {
    let person = person();
    fs::write(person.home().join("mine"), "apiVersion: v1\n").unwrap();
    let refused = person.run("twin serve --from fixture:empty --kubeconfig mine").exits(4);
    refused.says("mine is there").says("KUBECONFIG=FILE");
    assert_eq!(fs::read_to_string(person.home().join("mine")).unwrap(), "apiVersion: v1\n");
    let served = Served::begin(&person, "--from fixture:empty --kubeconfig twin.yaml --read-only");
    let file = person.home().join("twin.yaml");
    assert_eq!((mode(&file), &served.said["readOnly"]), (0o600, &Value::Bool(true)));
    write_shop(&person.home().join("store"), "nightly");
    let written = at(&person, &file, "restore create --from nightly --include-namespaces shop");
    assert_eq!(written.code, 5, "{written:?}");
    assert_eq!(served.interrupt().0, 0);
    assert!(!file.exists());
}

#[test]
fn beyond_loopback_it_is_said_and_an_address_that_is_not_there_is_refused() {
    let person = person();
    let (code, stderr) = Served::begin(&person, "--from fixture:empty --listen 0.0.0.0:0").interrupt();
    assert_eq!(code, 0);
    assert!(stderr.contains("warning: 0.0.0.0:") && stderr.contains("the token alone protects"), "{stderr}");
    person.run("twin serve --from fixture:empty --listen 192.0.2.1:1").exits(2).says("--listen");
    for (line, said) in [
        ("twin serve --from nightly", "backup:NAME"),
        ("twin serve --from fixture:enclaev", "enclave"),
        ("twin serve --from etcd:absent.db", "absent.db"),
        ("twin serve --from backup:nightly", "there is no backup"),
        ("backup create x --from fixture:empty", "twin:fixture:empty"),
        ("backup create x --from twin:fixture:empty --context lab", "--context lab"),
        ("backup create x --context twin:nothing", "backup:NAME"),
    ] {
        person.run(line).exits(2).says(said);
    }
}

#[test]
fn a_sealed_backup_asks_for_its_key_before_anybody_sees_it() {
    let person = person();
    let identity = Identity::generate();
    fs::write(person.home().join("id.txt"), identity.reveal()).unwrap();
    let draft = Draft { objects: shop(), recipients: vec![identity.recipient()], ..Draft::default() };
    write(&person.home().join("store"), "sealed", draft);
    person.run("twin serve --from backup:sealed").exits(3).says("--identity");
    person.run("backup create copy --from twin:backup:sealed").exits(3).says("--identity");
    let served = Served::begin(&person, "--from backup:sealed@./store --identity id.txt");
    let copied = at(&person, &served.kubeconfig(), "backup create copy").exits(0);
    assert!(copied.stdout.contains("at revision 4711"), "{copied:?}");
    // Values, and their digits, are those that were backed up.
    let deployment = person.run("backup get copy deploy/web -n shop -o json").exits(0);
    deployment.prints("123456789012345678901234567890").prints("1.50");
}

/// A kubectl that shows what it is given.
const ASKED: &str = "#!/bin/sh\n[ -r \"$KUBECONFIG\" ] && [ -d \"$KUBECACHEDIR\" ] && echo \"$@\"\ncat \"$KUBECONFIG\" > seen\nexit 7\n";

#[test]
fn kubectl_is_asked_once_and_its_exit_code_is_passed_on() {
    let person = person();
    let kubectl = person.home().join("kubectl");
    fs::write(&kubectl, ASKED).unwrap();
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    let ran = person.run("twin kubectl --from fixture:empty --kubectl ./kubectl -- get pods -A -o wide");
    assert_eq!((ran.code, ran.stdout.as_str()), (7, "get pods -A -o wide\n"), "{ran:?}");
    let seen = fs::read_to_string(person.home().join("seen")).unwrap();
    assert!(seen.contains("server: https://127.0.0.1:"), "{seen}");
    person
        .run("twin kubectl --from fixture:empty --kubectl ./absent -- get pods")
        .exits(2)
        .says("--kubectl PATH");
    person.run("twin kubectl --from fixture:empty get pods").exits(2);
}

#[test]
fn a_twin_is_backed_up_proved_compared_and_restored_into() {
    let person = person();
    let made = person.run("backup create site --from twin:fixture:enclave -o json").exits(0).json();
    conforms(&made);
    assert_eq!(made["server"]["context"], "twin:fixture:enclave");
    person.run("backup verify site").exits(0).prints("sound");
    // Opened again it is what was backed up.
    person.run("backup diff site --live --context twin:backup:site").exits(0).says("0 changed");

    let drill = "restore create drill --from site --include-namespaces intranet --include-derived";
    let planned = person.run(&format!("{drill} --into twin:fixture:empty --dry-run -o json"));
    conforms(&planned.json());
    let ran = person.run(&format!("{drill} --into twin:fixture:empty -o json"));
    let report = ran.json();
    conforms(&report);
    assert!(matches!(ran.code, 0 | 1), "{ran:?}");
    assert_eq!(report["counts"]["failed"], 0, "{report:#}");
    assert_eq!(report["site"]["context"], "twin:fixture:empty");
    let ids: Vec<&str> =
        report["findings"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    assert!(ids.contains(&"restore-not-checked"), "{ids:?}");
    let ran = ran.says("of the twin nothing is left").says("daytwo runs show drill");
    assert_eq!(ran.stderr.matches("in memory").count(), 2, "{}", ran.stderr);

    // What stays is the journal; nobody goes on with it, and Velero's tools see nothing of it.
    person.run("runs show drill").exits(0).prints("twin:fixture:empty").prints("Finished");
    person.run(&format!("{drill} --into twin:fixture:empty")).exits(4);
    person.run("resume drill").exits(4).says("nothing is left");
    assert!(!person.home().join("store/restores").exists());
    // What is there is the same again.
    let again = person.run("restore create --from site --into twin:backup:site -o json").exits(0).json();
    assert_eq!((&again["counts"]["created"], &again["counts"]["differs"]), (&0.into(), &0.into()));
}

#[test]
fn a_plan_is_rehearsed_on_a_twin_of_the_cluster_before_it_is_run() {
    let person = person();
    let served = Served::begin(&person, "--from fixture:enclave --kubeconfig twin.yaml");
    let person = person.with("KUBECONFIG", served.kubeconfig().to_str().unwrap());
    person.run("backup create before --include-namespaces intranet").exits(0);
    let plan = "restore plan --from before --existing update --plan-out plan.json";
    person.run(plan).exits(0);
    let rehearsed = person.run("restore run plan.json --into twin:cluster -o json").exits(0).json();
    assert_eq!(rehearsed["site"]["context"], "twin:cluster:twin");
    assert_eq!(rehearsed["counts"]["failed"], 0);
    let drill = rehearsed["run"].as_str().unwrap();
    assert!(drill.contains("-drill-"), "{drill}");
    // The rehearsal's journal is not taken for the cluster's, nor gone on with in it.
    person.run(&format!("resume {drill}")).exits(4).says("nothing is left");
    let run = person.run("restore run plan.json -o json").exits(0).json();
    assert_eq!((&run["site"]["context"], &run["counts"]), (&"twin".into(), &rehearsed["counts"]));
    // On a cluster that the plan is not of it is as little rehearsed as run.
    person.run("restore run plan.json --into twin:fixture:empty").exits(4).says("another state");
}

#[test]
fn a_restore_without_controllers_waits_for_none() {
    let person = person();
    write_shop(&person.home().join("store"), "nightly");
    let ran = person
        .run("restore create --from nightly --include-namespaces shop --into twin:fixture:empty --wait");
    ran.says("no controller runs in a twin");
}

#[test]
fn the_demo_comes_to_its_end_and_what_it_kept_can_be_looked_into() {
    let person = Person::new();
    let ended = person.run("demo -o json").exits(0);
    for said in ["1. A cluster in memory", "3. Lose the namespace shop", "5. Plan the same restore again"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    let ended = ended.json();
    conforms(&ended);
    assert!(ended["lost"].as_u64().is_some_and(|lost| lost > 20), "{ended}");
    // The commands that it ends with; those that need another program are not run here.
    let commands: Vec<&str> =
        ended["commands"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let mut run = 0;
    for command in commands {
        let (program, line) = command.split_once(' ').unwrap();
        if program.ends_with("daytwo") && !line.contains("kubectl") {
            let ran = person.run(line);
            assert!(matches!(ran.code, 0 | 1), "{command}: {ran:?}");
            run += 1;
        }
    }
    assert!(run >= 4);
    // Another one beside it.
    person.run("demo").exits(0).prints("Done:").prints("./daytwo-demo");
    let list = person.run("backup list --location ./daytwo-demo -o name").exits(0).stdout;
    assert_eq!(list.lines().count(), 2, "{list}");
}
