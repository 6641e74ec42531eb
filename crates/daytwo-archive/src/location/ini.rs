//! The dialect of INI that AWS tools write: sections, comments, and settings nested by indentation.
//! Refuses nothing: what is not understood is passed over, as those tools do.

use std::collections::BTreeMap;

/// Settings of one section; nested ones as `s3.addressing_style`.
pub(super) type Section = BTreeMap<String, String>;

/// Sections by name, `profile x` as written.
pub(super) fn sections(text: &str) -> BTreeMap<String, Section> {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    let mut current: Option<String> = None;
    let mut parent = String::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = trimmed.strip_prefix('[') {
            let name = header.split(']').next().unwrap_or_default();
            let name = name
                .split_whitespace()
                .map(|word| word.trim_matches(['"', '\'']))
                .collect::<Vec<_>>()
                .join(" ");
            sections.entry(name.clone()).or_default();
            current = Some(name);
            parent.clear();
            continue;
        }
        let (Some(section), Some((key, value))) = (&current, trimmed.split_once('=')) else { continue };
        let key = key.trim().to_ascii_lowercase();
        let value =
            value.split(" #").next().unwrap_or_default().split(" ;").next().unwrap_or_default().trim();
        let nested = line.starts_with([' ', '\t']) && !parent.is_empty();
        let key = if nested { format!("{parent}.{key}") } else { key };
        if value.is_empty() && !nested {
            parent = key;
            continue;
        }
        if !nested {
            parent.clear();
        }
        sections.entry(section.clone()).or_default().insert(key, value.to_owned());
    }
    sections
}
