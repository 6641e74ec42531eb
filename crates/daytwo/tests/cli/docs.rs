//! The pages under `docs/` say what the program does.

use std::path::Path;

use daytwo_core::filter::{DEFAULTS, Objects};

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
