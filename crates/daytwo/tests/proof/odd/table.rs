//! The table of `docs/exactness.md`: what became of each object of the set, restored by daytwo and by Velero.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::compare::Fate;
use super::rules::FIELDS;
use super::set::Made;

/// Where it is kept.
pub fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/exactness.md")
}

/// How many of the set came back as they were, or rightly did not.
pub fn well(made: &[Made], fates: &BTreeMap<String, Fate>) -> usize {
    made.iter().filter(|made| fates.get(&made.key).is_some_and(Fate::well)).count()
}

/// How many of the set came back as they were.
pub fn equal(made: &[Made], fates: &BTreeMap<String, Fate>) -> usize {
    made.iter().filter(|made| fates.get(&made.key) == Some(&Fate::Equal)).count()
}

/// The page, of the fates in a restore of daytwo's and one of Velero's.
pub fn page(made: &[Made], ours: &BTreeMap<String, Fate>, theirs: &BTreeMap<String, Fate>) -> String {
    let mut page = String::from(HEAD);
    let all = made.len();
    writeln!(page, "| | of {all} objects of the set | of all objects in the cluster |\n|---|---|---|")
        .unwrap();
    for (who, fates) in [("daytwo", ours), ("Velero 1.18.3", theirs)] {
        let whole = fates.values().filter(|fate| fate.well()).count();
        writeln!(page, "| {who} | {} | {whole} of {} |", well(made, fates), fates.len()).unwrap();
    }
    page.push_str("\n| object | what is odd about it | daytwo | Velero | what Velero changes |\n|---|---|---|---|---|\n");
    for Made { key, odd } in made {
        let (our, their) = (&ours[key], &theirs[key]);
        let (key, odd) = (short(key), odd.replace('|', "\\|"));
        writeln!(page, "| `{key}` | {odd} | {} | {} | {} |", word(our), word(their), changes(their)).unwrap();
    }
    page.push_str("\n## What may differ\n\nUIDs are compared by what they are of. Beyond that:\n\n| field | why |\n|---|---|\n");
    for rule in FIELDS {
        writeln!(page, "| `{}` | {} |", rule.path.join(" "), rule.why).unwrap();
    }
    page
}

const HEAD: &str = "# Exactness

Odd but legal objects ([the set](../crates/daytwo/tests/proof/odd/set)) in a cluster with its controllers are backed up,
everything is deleted, and they are restored: by daytwo, and by Velero with its defaults. Every field of every object is
compared with what it was; what may differ is listed below, the same for both. The labels that Velero puts on what
it restores, and its entry in `metadata.managedFields`, are not held against it.

Of a backup with the two objects that have the longest names, Velero restores nothing at all: its extractor cannot make
files of such names. They are left out of its backup, and count as missing.

```console
$ DAYTWO_LONG=1 DAYTWO_WRITE_DOCS=1 cargo test -p daytwo --test proof -- what_velero_s_restore_changes
```

writes this page.

";

fn short(key: &str) -> String {
    if key.chars().count() <= 60 {
        key.to_owned()
    } else {
        key.chars().take(57).chain("...".chars()).collect()
    }
}

fn word(fate: &Fate) -> String {
    match fate {
        Fate::Equal => "equal".to_owned(),
        Fate::Apart(why) => format!("not restored, as {why}"),
        Fate::Different(_) => "**differs**".to_owned(),
        Fate::Missing => "**missing**".to_owned(),
        Fate::New => "**made again**".to_owned(),
    }
}

/// The fields that differ, each once.
fn changes(fate: &Fate) -> String {
    let Fate::Different(fields) = fate else { return String::new() };
    let mut named: Vec<String> = Vec::new();
    for field in fields {
        let path = field.split(": ").next().unwrap();
        let depth = if path.starts_with("metadata managedFields") { 2 } else { 4 };
        let path = path.split(' ').take(depth).collect::<Vec<_>>().join(".");
        if !named.contains(&path) {
            named.push(path);
        }
    }
    named.iter().map(|path| format!("`{}`", path.replace('|', "\\|"))).collect::<Vec<_>>().join(", ")
}
