//! Which objects a damaged member hurt. The manifest's lines say where each entry of it must lie, and the writer what
//! its header must be; so damage in one place does not hide what lies behind it.

use crate::digest::Digest;
use crate::head::Count;
use crate::manifest::Row;
use crate::tar::{Copy, Groups, Place, TarWriter, VERSION, VERSION_PATH, padding};
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
        let mut entry = |path: &str, size: usize| {
            expected.clear();
            self.tar.header(&mut expected, path.as_bytes(), size);
            let start = at.saturating_add(expected.len());
            let header = raw.get(at..start).is_some_and(|header| header == expected);
            at = start.saturating_add(size + padding(size));
            let whole = raw.get(start..at);
            let clean = whole.is_some_and(|whole| whole[size..].iter().all(|&byte| byte == 0));
            Entry { content: whole.map(|whole| &whole[..size]), clean: header && clean }
        };
        let mut harmed = Vec::new();
        for group in groups(rows) {
            let firsts: Vec<Entry<'_>> = group.iter().map(|row| entry(&row.path, size(row))).collect();
            for (row, first) in group.iter().zip(firsts) {
                let second = entry(&self.second(&row.path), size(row));
                let harm = match first.content {
                    None => Some(Harm::Lost),
                    Some(content) if Digest::of(content) != row.sha256 => Some(Harm::Content),
                    content if first.clean && second.clean && second.content == content => None,
                    Some(_) => Some(Harm::Second),
                };
                harmed.extend(harm.map(|harm| (name(&row.path), harm)));
            }
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

/// An entry where it must lie.
struct Entry<'a> {
    /// `None` where the member cannot be decompressed that far.
    content: Option<&'a [u8]>,
    /// Whether header and padding are as written.
    clean: bool,
}

/// A row's length, far from where sums of lengths could overflow.
fn size(row: &Row) -> usize {
    usize::try_from(row.size).unwrap_or(usize::MAX).min(usize::MAX / 8)
}

/// The rows of a member, cut where second copies stand.
fn groups(mut rows: &[Row]) -> Vec<&[Row]> {
    let mut groups = Vec::new();
    while !rows.is_empty() {
        let mut lengths = Groups::default();
        let end = rows.iter().position(|row| lengths.begins(size(row))).unwrap_or(rows.len());
        let (group, rest) = rows.split_at(end);
        groups.push(group);
        rows = rest;
    }
    groups
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
