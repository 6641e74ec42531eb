//! The disagreements that are known: a file of lines `AREA ID reason`. One that agrees meanwhile is an error, as is one
//! that names no call.

use std::collections::BTreeMap;
use std::path::Path;

/// By area and id, why the twin answers otherwise.
pub struct Known(pub BTreeMap<(String, String), String>);

impl Known {
    /// # Panics
    /// If the file cannot be read, or a line has no reason.
    pub fn read(path: &Path) -> Known {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut known = BTreeMap::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.splitn(3, ' ');
            let [Some(area), Some(id), Some(reason)] = [words.next(), words.next(), words.next()] else {
                panic!("{}: {line:?} is not `AREA ID reason`", path.display());
            };
            let twice = known.insert((area.to_owned(), id.to_owned()), reason.trim().to_owned());
            assert!(twice.is_none(), "{}: {area} {id} twice", path.display());
        }
        Known(known)
    }

    /// Why this call may disagree.
    pub fn reason(&self, area: &str, id: &str) -> Option<&str> {
        self.0.get(&(area.to_owned(), id.to_owned())).map(String::as_str)
    }
}
