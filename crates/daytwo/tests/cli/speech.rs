//! What is data goes to stdout and what is talk to stderr; no colour where nobody wants it; closed pipes are quiet.

use std::io::Read;
use std::process::Stdio;

use crate::run::Person;

const ESCAPE: char = '\u{1b}';

#[test]
fn a_pipe_gets_no_colour_and_no_bars() {
    let person = Person::new();
    for line in ["--help", "backup lst", "backup list", "location check ./store", "version"] {
        let ran = person.run(line);
        assert!(!ran.stdout.contains(ESCAPE) && !ran.stderr.contains(ESCAPE), "{line}: {ran:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_gets_colour_unless_it_is_unwanted() {
    let in_terminal = |environment: &str, flag: &str| {
        let program = env!("CARGO_BIN_EXE_daytwo");
        let line = format!("env {environment} {program} {flag} location check ./store");
        let output = Person::new().script(&line)?;
        Some(output.contains(ESCAPE))
    };
    let Some(plain) = in_terminal("TERM=xterm", "") else { return };
    assert!(plain, "a terminal gets colour");
    assert_eq!(in_terminal("TERM=xterm NO_COLOR=1", ""), Some(false));
    assert_eq!(in_terminal("TERM=dumb", ""), Some(false));
    assert_eq!(in_terminal("TERM=xterm", "--no-color"), Some(false));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let person = Person::new();
    for line in ["completion bash", "man", "version -o json"] {
        let mut command = person.command(line.split(' '));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{line}: {stderr}");
        assert_eq!(stderr, "", "{line}");
    }
}

#[test]
fn completions_and_manual_pages_name_every_verb() {
    let person = Person::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = person.run(&format!("completion {shell}")).exits(0).stdout;
        for word in ["backup", "restore", "location", "prune", "include-namespaces"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    person.run("man").exits(0).prints(".TH daytwo 1");
    person.run("man --dir pages").exits(0);
    for page in ["daytwo.1", "daytwo-backup-create.1", "daytwo-restore-create.1", "daytwo-key-generate.1"] {
        assert!(person.home().join("pages").join(page).exists(), "{page}");
    }
}

#[test]
fn an_error_is_one_line_its_causes_and_what_to_try() {
    let ran = Person::new().run("backup describe x --location ./none").exits(2);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("error:").count(), 1);
}
