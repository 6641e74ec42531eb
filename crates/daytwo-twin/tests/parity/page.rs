//! `docs/twin-parity.md`: how much is compared, and what is known to differ. Written by the test where
//! `DAYTWO_WRITE_DOCS` is set, held against the lists otherwise.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::sides::known::Known;
use crate::sides::scripts;
use crate::{commands, script};

const BEGIN: &str = "# How far the twin is a kube-apiserver

The same API calls go to the twin and to kube-apiserver 1.36.3, and the answers are compared: status, reasons, messages,
the headers that clients read, every field of every body; but for uids, times, allocated addresses, names that are random
by nature, managedFields, and what describes the columns of a Table. Then kubectl runs the same commands against both, and what it prints is compared, but for
ages.

```console
$ cargo xtask parity
$ cargo xtask parity --kubectl
$ cargo xtask parity objects/create --show
```

The calls are lines of `crates/daytwo-twin/tests/parity/areas/*.txt`, the commands of
`crates/daytwo-twin/tests/kubectl/files/*.txt`. What differs and is known is listed below; anything else fails the test,
as does an entry of the list that agrees by now. `DAYTWO_WRITE_DOCS=1 cargo test -p daytwo-twin --test parity -- page`
writes this page.
";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/twin-parity.md")
}

fn page() -> String {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let calls = lines(&tests.join("parity/areas"), |text| {
        let steps = script::parse(text).unwrap();
        steps.into_iter().filter(|step| step.method != "RECORD").map(|step| (step.id, step.line)).collect()
    });
    let said = lines(&tests.join("kubectl/files"), |text| {
        commands::parse(text).unwrap().steps.into_iter().map(|step| (step.id, step.line)).collect()
    });
    let mut text = BEGIN.to_owned();
    section(&mut text, "Calls", &calls, &Known::read(&tests.join("parity/known.txt")));
    section(&mut text, "Commands of kubectl", &said, &Known::read(&tests.join("kubectl/known.txt")));
    text
}

/// Of each script its name, and the ids and texts of its lines.
type Scripts = Vec<(String, Vec<(String, String)>)>;

fn lines(folder: &Path, parse: impl Fn(&str) -> Vec<(String, String)>) -> Scripts {
    scripts(folder).into_iter().map(|(name, text)| (name, parse(&text))).collect()
}

fn section(text: &mut String, title: &str, scripts: &Scripts, known: &Known) {
    let _ = writeln!(text, "\n## {title}\n\n| area | compared | known to differ |\n|---|---|---|");
    let mut sum = [0, 0];
    for (name, lines) in scripts {
        let differ = known.0.keys().filter(|(area, _)| area == name).count();
        sum = [sum[0] + lines.len(), sum[1] + differ];
        let _ = writeln!(text, "| {name} | {} | {differ} |", lines.len());
    }
    let _ = writeln!(text, "| **all** | **{}** | **{}** |", sum[0], sum[1]);
    if known.0.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n| area | line | what | why it differs |\n|---|---|---|---|");
    for ((area, id), reason) in &known.0 {
        let lines = scripts.iter().find(|(name, _)| name == area).map(|(_, lines)| lines);
        let line = lines.and_then(|lines| lines.iter().find(|(known, _)| known == id));
        let line = line.map_or_else(
            || panic!("{area} {id} is on the list of what is known, but is no line"),
            |(_, line)| line,
        );
        let shown: String = line.chars().take(90).collect::<String>().replace('|', "\\|").replace('`', "'");
        let _ = writeln!(text, "| {area} | {id} | `{}` | {reason} |", shown.trim_end());
    }
}

#[test]
fn the_page_lists_what_is_known() {
    let page = page();
    if std::env::var_os("DAYTWO_WRITE_DOCS").is_some() {
        std::fs::write(path(), &page).unwrap();
    }
    let kept = std::fs::read_to_string(path()).unwrap_or_default();
    assert!(kept == page, "docs/twin-parity.md is not what the lists say: run with DAYTWO_WRITE_DOCS=1");
}
