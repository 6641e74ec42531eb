//! The pages under `docs/` say what the program does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use daytwo_core::filter::{DEFAULTS, Objects};

use crate::run::Person;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn which(objects: &Objects) -> String {
    match objects {
        Objects::All => "all".to_owned(),
        Objects::InNamespace(namespace) => format!("in namespace `{namespace}`"),
        Objects::Named(namespace, name) => format!("`{namespace}/{name}`"),
        Objects::Labelled(label, []) => format!("with the label `{label}`"),
        Objects::Labelled(label, values) => {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            format!("with the label `{label}`: {}", values.join(" or "))
        }
        Objects::Annotated(annotation) => format!("with the annotation `{annotation}`"),
        Objects::WrittenBy(manager) => format!("written by `{manager}` alone"),
    }
}

#[test]
fn what_is_left_out_by_default_is_listed_row_by_row() {
    let rows: String = DEFAULTS
        .iter()
        .map(|row| format!("| `{}` | {} | {} |\n", row.resource, which(&row.objects), row.why))
        .collect();
    assert!(page("backup.md").contains(&rows), "docs/backup.md should hold:\n{rows}");
}

/// The Rust files below `folder`, of which there may be none.
fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

/// What of `text` stands between two of `quote` and may be the id of a finding.
fn ids(text: &str, quote: char) -> BTreeSet<String> {
    let is_id = |word: &&str| {
        let rest = word.strip_prefix("restore-").unwrap_or_default();
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    text.split(quote).filter(is_id).map(str::to_owned).collect()
}

#[test]
fn every_finding_of_a_restore_is_documented_and_none_that_there_is_not() {
    let mut files = Vec::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for entry in std::fs::read_dir(crates).expect("the crates") {
        sources(&entry.expect("an entry").path().join("src"), &mut files);
    }
    let mut known: BTreeSet<String> = BTreeSet::new();
    for file in files {
        known.extend(ids(&std::fs::read_to_string(file).expect("a source"), '"'));
    }
    // The name of what webhooks are asked about.
    assert!(known.remove("restore-probe-of-daytwo"));
    assert_eq!(ids(&page("restore.md"), '`'), known);
}

#[test]
fn every_flag_of_restores_and_runs_is_documented() {
    let pages =
        ["restore.md", "runs.md", "backup.md", "locations.md", "output.md", "keys.md"].map(page).concat();
    let words = |text: &str| -> BTreeSet<String> {
        let separators = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
        text.split(separators).filter(|word| word.starts_with("--")).map(str::to_owned).collect()
    };
    let told = words(&pages);
    let person = Person::new();
    for verb in [
        "restore create",
        "restore plan",
        "restore run",
        "restore resume",
        "restore list",
        "restore describe",
        "resume",
        "runs list",
        "runs show",
        "runs abort",
    ] {
        let help = person.run(&format!("{verb} --help")).exits(0).stdout;
        for flag in words(&help).iter().filter(|flag| *flag != "--help") {
            assert!(told.contains(flag), "no page names {flag} of daytwo {verb}");
        }
    }
}
