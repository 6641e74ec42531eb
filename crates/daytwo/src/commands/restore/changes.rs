//! What a restore changes on the way, as the flags and the file of rules say it. It refuses all of it for the first thing
//! wrong, before cluster or store are asked for anything.

use std::fs;
use std::path::Path;

use daytwo_core::restore::{Annotations, Changes, ClassMapping, ImageMapping, Modifiers, StatusChoice};
use serde_json::Value;

use crate::cli::changes as cli;
use crate::failure::{Failure, Result};

/// The largest file of rules, in bytes: what a ConfigMap may hold. It goes into the plan.
const LARGEST: u64 = 1 << 20;

/// The changes that the flags describe; the names of resources in them are still as they were typed.
///
/// # Errors
/// Exit 2 for what cannot be meant.
pub fn changes(flags: &cli::Changes) -> Result<Changes> {
    let bad = |flag: &str, error: &dyn std::error::Error| Failure::usage(format!("--{flag}: {error}"));
    Ok(Changes {
        storage_classes: ClassMapping::parse(flags.storage_class_mapping.iter().map(String::as_str))
            .map_err(|error| bad("storage-class-mapping", &error))?,
        images: ImageMapping::parse(flags.image_mapping.iter().map(String::as_str))
            .map_err(|error| bad("image-mapping", &error))?,
        modifiers: flags.resource_modifiers.as_deref().map(modifiers).transpose()?.unwrap_or_default(),
        annotations: Annotations::parse(flags.set_annotation.iter().map(String::as_str))
            .map_err(|error| bad("set-annotation", &error))?,
        suspend_cronjobs: flags.suspend_cronjobs,
        new_node_ports: flags.preserve_node_ports == Some(false),
        new_cluster_ips: flags.preserve_cluster_ips == Some(false),
        status: StatusChoice::of(flags.restore_status.clone()),
    })
}

fn modifiers(file: &Path) -> Result<Modifiers> {
    let bad = |why: String| {
        Failure::usage(format!("{} holds no resource modifiers that can be used: {why}", file.display()))
    };
    let length = fs::metadata(file).map_err(|error| bad(error.to_string()))?.len();
    if length > LARGEST {
        return Err(bad(format!("it is {length} bytes long, and at most {LARGEST} are read")));
    }
    let text = fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
    let document = yaml(&text).map_err(bad)?;
    Modifiers::parse(document, &yaml).map_err(|error| bad(error.to_string()))
}

/// YAML, which JSON is too.
fn yaml(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        // What it quotes of the text may be anything.
        let said = error.to_string();
        said.lines().next().unwrap_or_default().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_are_read_alike() {
        let json = r#"{"a": "1", "b": 2, "c": null, "d": ["x"], "e": true, "f": 1.5}"#;
        let block = "a: \"1\"\nb: 2\nc: ~\nd:\n- x\ne: true\nf: 1.5\n";
        assert_eq!(yaml(json).unwrap(), serde_json::from_str::<Value>(json).unwrap());
        assert_eq!(yaml(block).unwrap(), yaml(json).unwrap());
    }

    #[test]
    fn yaml_is_read_as_velero_reads_it() {
        assert!(yaml("a: 1\na: 2\n").is_err(), "a key twice");
        assert_eq!(yaml("a: yes\nb: 'yes'\n").unwrap(), serde_json::json!({ "a": true, "b": "yes" }));
    }
}
