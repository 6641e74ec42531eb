//! Which objects a damaged member hurt. The manifest's lines say where each entry of it must lie, and the writer what
//! its header must be; so damage in one place does not hide what lies behind it.

use crate::digest::Digest;
use crate::head::Count;
use crate::manifest::Row;
use crate::tar::{Copy, Place, TarWriter, VERSION, VERSION_PATH, padding};
use std::collections::HashMap;

/// What is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Harm {
    /// Its JSON is not as written.
    Content,
    /// The first copy is whole; the second, or a header, is not.
    Second,
    /// It lies behind a place where the member cannot be decompressed.
    Lost,
}

/// Knows what the entries of an archive look like.
pub(super) struct Naming {
    tar: TarWriter,
    versions: HashMap<String, String>,
}

impl Naming {
    /// `time`: of the entries, in seconds. `counts`: of the head, which names the versions.
    pub(super) fn new(time: i64, counts: &[Count]) -> Naming {
        let versions = counts.iter().filter_map(|count| {
            let version = count.api_version.rsplit('/').next().unwrap_or_default().to_owned();
            count.resource.clone().map(|resource| (resource, version))
        });
        Naming { tar: TarWriter::new(time), versions: versions.collect() }
    }

    /// The objects of `rows` that are not as written in `raw`, the content of a member as far as it can be told.
    pub(super) fn harmed(&self, raw: &[u8], first_member: bool, rows: &[Row]) -> Vec<(String, Harm)> {
        let mut at = 0;
        let mut expected = Vec::new();
        if first_member {
            self.tar.header(&mut expected, VERSION_PATH.as_bytes(), VERSION.len());
            at = expected.len() + VERSION.len() + padding(VERSION.len());
        }
        let mut harmed = Vec::new();
        for row in rows {
            let size = usize::try_from(row.size).unwrap_or(usize::MAX / 4).min(usize::MAX / 4);
            let mut entry = |path: &str| {
                expected.clear();
                self.tar.header(&mut expected, path.as_bytes(), size);
                let header = raw.get(at..at + expected.len()).map(|header| header == expected);
                let start = at + expected.len();
                at = start + size + padding(size);
                let whole = raw.get(start..at);
                let clean = whole.is_some_and(|whole| whole[size..].iter().all(|&byte| byte == 0));
                (header, whole.map(|whole| &whole[..size]), clean)
            };
            let (header, first, clean) = entry(&row.path);
            let (other_header, second, other_clean) = entry(&self.second(&row.path));
            let harm = match first {
                None => Some(Harm::Lost),
                Some(first) if Digest::of(first) != row.sha256 => Some(Harm::Content),
                Some(first) => {
                    let whole = header == Some(true)
                        && other_header == Some(true)
                        && clean
                        && other_clean
                        && second == Some(first);
                    (!whole).then_some(Harm::Second)
                }
            };
            harmed.extend(harm.map(|harm| (name(&row.path), harm)));
        }
        harmed
    }

    /// Path of the second copy.
    fn second(&self, path: &str) -> String {
        match Place::of(path.as_bytes()) {
            Ok(Place::Object { resource, copy: Copy::First, .. }) => {
                let version = self.versions.get(resource).map(String::as_str).unwrap_or_default();
                let root = "resources/".len() + resource.len() + 1;
                format!("{}{version}-preferredversion/{}", &path[..root], &path[root..])
            }
            _ => path.to_owned(),
        }
    }
}

/// How people name the object at `path`: `configmaps/default/settings`.
pub(super) fn name(path: &str) -> String {
    match Place::of(path.as_bytes()) {
        Ok(Place::Object { resource, namespace: Some(namespace), name, .. }) => {
            format!("{resource}/{namespace}/{name}")
        }
        Ok(Place::Object { resource, namespace: None, name, .. }) => format!("{resource}/{name}"),
        _ => path.to_owned(),
    }
}
