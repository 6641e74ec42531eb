//! Every verb has help with examples, every example parses, and Velero's command lines mean the same here.

use clap::{Command, Parser};

use super::shared::Sse;
use super::*;

fn verbs(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
    let path = format!("{path} {}", command.get_name()).trim().to_owned();
    if command.has_subcommands() {
        for verb in command.get_subcommands() {
            verbs(verb, &path, found);
        }
    } else {
        found.push((path, command.clone()));
    }
}

fn every_verb() -> Vec<(String, Command)> {
    let mut command = command();
    command.build();
    let mut found = Vec::new();
    verbs(&command, "", &mut found);
    found
}

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

fn create(line: &str) -> backup::Create {
    match parse(line).unwrap().verb {
        Verb::Backup(backup::Backup::Create(create)) => create,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_command_is_consistent() {
    command().debug_assert();
}

#[test]
fn every_verb_has_examples_that_parse() {
    let found = every_verb();
    assert!(found.len() >= 16, "{}", found.len());
    for (path, verb) in found {
        let help = verb.get_after_help().unwrap_or_else(|| panic!("{path} has no examples")).to_string();
        let lines: Vec<&str> = help.lines().collect();
        assert_eq!(lines.first(), Some(&"Examples:"), "{path}");
        let examples: Vec<&str> = lines[1..].iter().map(|line| line.trim()).collect();
        assert!(!examples.is_empty(), "{path}");
        for example in examples {
            assert!(example.starts_with(&path), "{example:?} is no example of {path}");
            let line = example.split(['>', '|']).next().unwrap();
            parse(line).unwrap_or_else(|error| panic!("{example}: {error}"));
        }
    }
}

#[test]
fn the_examples_of_the_program_parse() {
    let help = command().get_after_help().unwrap().to_string();
    let examples: Vec<&str> =
        help.lines().map(str::trim).filter(|line| line.starts_with("daytwo ")).collect();
    assert!(examples.len() >= 3);
    for example in examples {
        parse(example).unwrap_or_else(|error| panic!("{example}: {error}"));
    }
}

#[test]
fn every_flag_has_help() {
    for (path, verb) in every_verb() {
        for arg in verb.get_arguments().filter(|arg| !arg.is_hide_set()) {
            assert!(arg.get_help().is_some(), "{path}: {}", arg.get_id());
        }
    }
}

#[test]
fn veleros_backup_command_line_means_the_same() {
    let create = create(
        "daytwo backup create x --include-namespaces a,b --include-namespaces c --exclude-resources secrets \
         --selector app=web --include-cluster-resources=false --ttl 720h --storage-location /b --wait",
    );
    assert_eq!(create.name.as_deref(), Some("x"));
    assert_eq!(create.filters.include_namespaces, ["a", "b", "c"]);
    assert_eq!(create.filters.exclude_resources, ["secrets"]);
    assert_eq!(create.filters.selector.as_deref(), Some("app=web"));
    assert_eq!(create.filters.include_cluster_resources, Some(false));
    assert_eq!(create.writing.ttl.as_deref(), Some("720h"));
    assert_eq!(create.at.location.as_deref(), Some("/b"));
}

#[test]
fn include_cluster_resources_alone_means_true() {
    let create = create("daytwo backup create --include-cluster-resources x");
    assert_eq!(create.filters.include_cluster_resources, Some(true));
    assert_eq!(create.name.as_deref(), Some("x"));
}

#[test]
fn veleros_restore_command_line_means_the_same() {
    let cli = parse("daytwo restore create --from-backup x --namespace-mappings a:b,c:d -w").unwrap();
    let Verb::Restore(verb) = cli.verb else { panic!() };
    let restore::Restore::Create(create) = *verb else { panic!() };
    assert_eq!(create.request.from, "x");
    assert_eq!(create.request.namespace_mapping, ["a:b", "c:d"]);
}

#[test]
fn global_flags_stand_anywhere() {
    for line in ["daytwo -o json -vv --context c backup list", "daytwo backup list --context c -vv -o json"] {
        let global = parse(line).unwrap().global;
        assert_eq!((global.output, global.verbose, global.context.as_deref()), (Format::Json, 2, Some("c")));
    }
}

#[test]
fn a_namespace_flag_that_would_be_ignored_is_refused_with_the_right_one() {
    let error = parse("daytwo backup create -n shop").unwrap_err();
    assert_eq!(habits::remedy(&error), Some("--include-namespaces NAMESPACE"));
}

#[test]
fn a_mistyped_verb_suggests_the_right_one() {
    let error = parse("daytwo backup creat").unwrap_err().to_string();
    assert!(error.contains("'create'"), "{error}");
}

#[test]
fn conflicting_and_incomplete_flags_are_refused() {
    for line in [
        "daytwo",
        "daytwo backup",
        "daytwo backup diff a",
        "daytwo backup diff a b --live",
        "daytwo backup get a pods -n x -A",
        "daytwo backup prune",
        "daytwo backup prune --yes",
        "daytwo key generate",
        "daytwo key generate --sign --encrypt",
        "daytwo location add a",
        "daytwo location add a b --retain-for 1d",
        "daytwo location add a b --sse-kms-key-id k",
        "daytwo restore create",
        "daytwo backup create --concurrency 0",
        "daytwo backup list -o xml",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn the_words_of_flags_are_the_words_of_the_config_file() {
    for kind in [Sse::Aes256, Sse::Kms] {
        assert_eq!(<Sse as ValueEnum>::from_str(kind.word(), false), Ok(kind));
    }
}
