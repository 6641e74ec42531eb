//! Reads an archive with none of the product's code: gzip by another decoder, tar by hand. What the product's reader
//! and writer agree upon could still be wrong.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

/// Entries by path.
pub type Entries = BTreeMap<String, Vec<u8>>;

/// All entries of a `.tar.gz`.
pub fn read(path: &Path) -> Entries {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut tar = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut tar).unwrap();
    entries(&tar)
}

fn entries(tar: &[u8]) -> Entries {
    let mut entries = Entries::new();
    let mut at = 0;
    let mut long_name = None;
    while let Some(header) = tar.get(at..at + 512) {
        if header.iter().all(|byte| *byte == 0) {
            return entries;
        }
        let text = |range: std::ops::Range<usize>| {
            let field = &header[range];
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
            String::from_utf8(field[..end].to_vec()).unwrap()
        };
        let size = usize::from_str_radix(text(124..136).trim(), 8).unwrap();
        let content = tar[at + 512..at + 512 + size].to_vec();
        at += 512 + size.next_multiple_of(512);
        match header[156] {
            b'x' => {
                let records = String::from_utf8(content).unwrap();
                long_name = records
                    .lines()
                    .find_map(|line| Some(line.split_once(" path=")?.1.to_owned()))
                    .or(long_name);
            }
            _ => {
                let (prefix, name) = (text(345..500), text(0..100));
                let short = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
                let path = long_name.take().unwrap_or(short);
                assert!(entries.insert(path.clone(), content).is_none(), "{path} is there twice");
            }
        }
    }
    panic!("the archive has no end")
}

/// The objects of an archive by `resource/namespace/name` (or `resource/name`), after looking that every object is
/// there twice, at the two paths Velero writes, with the same bytes.
pub fn objects(entries: &Entries) -> BTreeMap<String, Vec<u8>> {
    let (mut plain, mut versioned) = (BTreeMap::new(), BTreeMap::new());
    for (path, bytes) in entries {
        let Some(rest) = path.strip_prefix("resources/") else {
            assert_eq!(path, "metadata/version");
            continue;
        };
        let (resource, rest) = rest.split_once('/').unwrap();
        let (into, rest) = match rest.split_once('/').unwrap() {
            (version, rest) if version.ends_with("-preferredversion") => (&mut versioned, rest),
            _ => (&mut plain, rest),
        };
        let rest = rest.strip_prefix("namespaces/").or(rest.strip_prefix("cluster/")).unwrap();
        let name = rest.strip_suffix(".json").unwrap();
        into.insert(format!("{resource}/{name}"), bytes.clone());
    }
    assert!(plain == versioned, "the two copies of the objects differ");
    plain
}

/// One object as JSON.
pub fn object(objects: &BTreeMap<String, Vec<u8>>, key: &str) -> Option<Value> {
    objects.get(key).map(|bytes| serde_json::from_slice(bytes).unwrap())
}

#[test]
fn what_tar_writes_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{}/{}", "d".repeat(90), "f".repeat(120));
    std::fs::create_dir(folder.path().join("d".repeat(90))).unwrap();
    std::fs::write(folder.path().join(&long), "long").unwrap();
    std::fs::write(folder.path().join("short"), "s").unwrap();
    let mut tar = std::process::Command::new("tar");
    tar.current_dir(folder.path()).args(["--format=pax", "-czf", "a.tar.gz", "short", &long]);
    match tar.status() {
        Ok(status) => assert!(status.success()),
        Err(error) => return eprintln!("skipped: no tar to compare with: {error}"),
    }
    let entries = read(&folder.path().join("a.tar.gz"));
    assert_eq!(entries[&long], b"long");
    assert_eq!(entries["short"], b"s");
}
