//! Every command in the README and the documentation is one that can be given: those of the README that start with
//! `daytwo` are run, one after another, against a cluster; the others are held against the command line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;
use testbed::Api;

use crate::binary::Daytwo;
use crate::site;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The commands in blocks fenced as `console` (lines after `$ `) and `sh` (every line), continued lines joined.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut block = None;
    let mut joined = String::new();
    for line in text.lines() {
        let line = line.trim_end();
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            block = if block.is_some() { None } else { Some(fence.trim().to_owned()) };
            continue;
        }
        let line = match block.as_deref() {
            Some("console") if joined.is_empty() => match line.trim_start().strip_prefix("$ ") {
                Some(command) => command,
                None => continue,
            },
            Some("sh" | "shell" | "bash") if !line.trim_start().starts_with('#') => line.trim(),
            Some("console") => line.trim(),
            _ => continue,
        };
        match line.strip_suffix('\\') {
            Some(begun) => joined.push_str(begun),
            None => {
                joined.push_str(line);
                if !joined.trim().is_empty() {
                    commands.push(joined.trim().to_owned());
                }
                joined.clear();
            }
        }
    }
    commands
}

#[test]
fn commands_are_found_in_console_and_sh_blocks() {
    let text = "a\n```console\n$ one \\\n  two\noutput\n$ three\n```\n```sh\n# no\nfour\n```\n```yaml\n$ five\n```\n";
    assert_eq!(commands(text), ["one two", "three", "four"]);
}

/// The words of a command line, as far as `'` and `"` go.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    for c in command.chars() {
        match (quote, c) {
            (None, '\'' | '"') => (quote, any) = (Some(c), true),
            (Some(open), c) if c == open => quote = None,
            (None, c) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (None, '#') if word.is_empty() => break,
            _ => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

/// What stands before a pipe, a redirection or a second command.
fn simple(command: &str) -> Vec<String> {
    words(command)
        .into_iter()
        .take_while(|word| !["|", ">", ">>", "&&", ";"].contains(&word.as_str()))
        .collect()
}

/// Every verb of the binary, as `backup create`, with the long and short flags its help shows.
fn flags(daytwo: &Daytwo, verb: &[String]) -> Option<BTreeSet<String>> {
    let mut args = verb.to_vec();
    args.push("--help".to_owned());
    let help = daytwo.run(&args);
    (help.code == Some(0)).then(|| {
        let separators = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
        help.stdout.split(separators).filter(|word| word.starts_with('-')).map(str::to_owned).collect()
    })
}

/// Fails unless the verb and every flag of the command are known to the binary.
fn known(daytwo: &Daytwo, place: &str, command: &str) {
    let words = simple(command);
    let verb: Vec<String> =
        words[1..].iter().take_while(|word| !word.starts_with('-')).take(3).cloned().collect();
    let flags = (1..=verb.len()).rev().find_map(|length| flags(daytwo, &verb[..length]));
    let flags = flags.unwrap_or_else(|| panic!("{place}: no such verb: {command}"));
    for word in words.iter().skip(1).filter(|word| word.starts_with("--")) {
        let flag = word.split('=').next().unwrap();
        assert!(flags.contains(flag), "{place}: {flag} is no flag of daytwo {}: {command}", verb.join(" "));
    }
}

fn documents() -> Vec<(String, String)> {
    let root = root();
    let mut paths = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "md") {
            paths.push(path);
        }
    }
    paths
        .into_iter()
        .map(|path| {
            (path.strip_prefix(&root).unwrap().display().to_string(), std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn every_daytwo_command_in_the_documents_is_understood() {
    let daytwo = Daytwo::new();
    let mut count = 0;
    for (place, text) in documents() {
        for command in commands(&text).iter().filter(|command| command.starts_with("daytwo ")) {
            known(&daytwo, &place, command);
            count += 1;
        }
    }
    assert!(count > 0, "no document holds a command");
}

#[test]
fn every_cargo_xtask_in_the_documents_exists() {
    let mut asked = BTreeSet::new();
    for (place, text) in documents() {
        for command in commands(&text).iter().filter(|command| command.starts_with("cargo xtask ")) {
            let verb: Vec<String> = simple(command)
                .into_iter()
                .skip(2)
                .take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
                .collect();
            assert!(!verb.is_empty(), "{place}: {command}");
            if !asked.insert(verb.clone()) {
                continue;
            }
            let help = std::process::Command::new(env!("CARGO"))
                .args(["run", "--quiet", "--package", "xtask", "--"])
                .args(&verb)
                .arg("--help")
                .current_dir(root())
                .output()
                .unwrap();
            assert!(help.status.success(), "{place}: {command}: {}", String::from_utf8_lossy(&help.stderr));
        }
    }
}

/// The README's own sequence, on a cluster with a namespace to lose.
#[test]
fn the_commands_of_the_readme_run() {
    let Some(site) = testbed::shared::control_plane() else { return };
    let mut api = Api::of(site).unwrap();
    site::namespace(&mut api, "shop");
    site::config_map(&mut api, "shop", "settings", &json!({ "mode": "a" }));
    site::secret(&mut api, "shop", "db", &json!({ "word": "b" }));
    let home = Daytwo::new();
    let bin = Path::new(env!("CARGO_BIN_EXE_daytwo")).parent().unwrap();
    let kubectl = site.kubectl_path().unwrap();
    let path = format!(
        "{}:{}:{}",
        bin.display(),
        kubectl.parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let home = home.cluster(site.kubeconfig()).env("PATH", &path);
    let snapshot = home.home().join("snapshot.db");
    site.etcdctl(&["snapshot", "save", snapshot.to_str().unwrap()]).unwrap();
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    for command in commands(&text) {
        let runs = command.starts_with("daytwo ") || command.starts_with("kubectl ");
        if !runs || command.contains("://") {
            continue;
        }
        let output = std::process::Command::new("timeout")
            .args(["--kill-after=5", "200", "sh", "-c", &command])
            .env_clear()
            .envs(home.environment())
            .current_dir(home.home())
            .output()
            .unwrap();
        let code = output.status.code();
        let said = || {
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        };
        // 1 is a finding, such as a difference that the README shows.
        assert!(matches!(code, Some(0 | 1)), "{command} ended with {code:?}: {}", said());
    }
}
