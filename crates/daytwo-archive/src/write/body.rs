//! What grows while objects arrive: archive, lines of the manifest, list of resources, counts. The path of an object
//! through it allocates nothing and touches each byte while it is in the cache.

use super::Object;
use super::lane::{Content, Lane};
use super::pool::Pool;
use super::sink::Sink;
use crate::claim::Claim;
use crate::deflate::Repeat;
use crate::digest::{Digest, Hasher};
use crate::encrypt::Recipient;
use crate::head::{Count, Resource};
use crate::layout::File;
use crate::location::{Error, Result};
use crate::manifest::{OPENING, write_row, write_string};
use crate::tar::{Groups, LARGEST_ENTRY, TarWriter, VERSION, VERSION_PATH, can_be_part, padding};

/// Longest file name that file systems take; Velero unpacks archives into files.
const LONGEST_FILE_NAME: usize = 255;

/// Names too long for that which are named one by one.
const MOST_NAMED: usize = 20;

/// Everything of a backup but its side files and heads.
pub(super) struct Body {
    pub(super) archive: Lane,
    pub(super) rows: Lane,
    pub(super) list: Lane,
    pub(super) root: Hasher,
    pub(super) counts: Vec<Count>,
    pub(super) objects: u64,
    pub(super) bytes: u64,
    /// Names that Velero cannot unpack.
    pub(super) too_long: Vec<String>,
    pub(super) more_too_long: u64,
    tar: TarWriter,
    paths: Paths,
    groups: Groups,
    /// Second copies of the group under way, and their paths, one after another.
    seconds: Vec<Second>,
    second_paths: Vec<u8>,
}

/// A second copy that is still to be written.
struct Second {
    /// Where in the member that fills the first one's content begins.
    start: usize,
    size: usize,
    /// Where in [`Body::second_paths`] its path ends.
    path_end: usize,
}

impl Body {
    pub(super) async fn begin(
        claim: &Claim,
        pool: &Pool,
        recipients: &[Recipient],
        time: i64,
    ) -> Result<Body> {
        let archive = Sink::begin(claim, File::Archive, recipients).await?;
        let rows = Sink::begin(claim, File::Manifest, recipients).await?;
        let list = Sink::begin(claim, File::ResourceList, recipients).await?;
        let tar = TarWriter::new(time);
        let mut body = Body {
            archive: Lane::new(pool, Content::Archive, archive),
            rows: Lane::new(pool, Content::List, rows),
            list: Lane::new(pool, Content::List, list),
            root: Hasher::default(),
            counts: Vec::new(),
            objects: 0,
            bytes: 0,
            too_long: Vec::new(),
            more_too_long: 0,
            tar,
            paths: Paths::default(),
            groups: Groups::default(),
            seconds: Vec::new(),
            second_paths: Vec::new(),
        };
        let first = body.archive.buffer();
        body.tar.header(first, VERSION_PATH.as_bytes(), VERSION.len());
        first.extend_from_slice(VERSION.as_bytes());
        first.resize(first.len() + padding(VERSION.len()), 0);
        body.rows.buffer().extend_from_slice(OPENING.as_bytes());
        body.list.buffer().push(b'{');
        Ok(body)
    }

    /// Makes the files appear, side by side, once they are drained. All are waited for, also when one fails.
    pub(super) async fn close(self) -> Result<()> {
        let (archive, rows, list) = tokio::join!(self.archive.close(), self.rows.close(), self.list.close());
        archive.and(rows).and(list)
    }

    pub(super) async fn abort(self) -> Result<()> {
        let (archive, rows, list) =
            (self.archive.abort().await, self.rows.abort().await, self.list.abort().await);
        archive.and(rows).and(list)
    }

    pub(super) fn begin_resource(&mut self, resource: &Resource) -> Result<()> {
        let name = resource.group_resource();
        if !can_be_part(&name) || !can_be_part(&resource.version) {
            return Err(Error::Invalid(format!(
                "a resource named {name:?} at version {:?} has no place in an archive",
                resource.version
            )));
        }
        if self.counts.iter().any(|count| count.resource.as_deref() == Some(&name)) {
            return Err(Error::Invalid(format!(
                "{name} was begun before: the objects of a resource belong together"
            )));
        }
        self.end_resource();
        self.paths = Paths::of(&name, &resource.version);
        self.counts.push(Count {
            api_version: resource.api_version(),
            kind: resource.kind.clone(),
            resource: Some(name),
            objects: 0,
            bytes: Some(0),
            namespaces: Default::default(),
        });
        Ok(())
    }

    /// Completes counts and list of the resource begun last.
    pub(super) fn end_resource(&mut self) {
        self.count_namespace();
        if self.counts.last().is_some_and(|count| count.objects > 0) {
            self.list.buffer().push(b']');
        }
        self.paths = Paths::default();
    }

    fn count_namespace(&mut self) {
        let Some(count) = self.counts.last_mut() else { return };
        let seen = std::mem::take(&mut self.paths.seen);
        if seen > 0 {
            *count.namespaces.entry(self.paths.namespace.clone().unwrap_or_default()).or_insert(0) += seen;
        }
    }

    pub(super) async fn add(&mut self, object: Object<'_>) -> Result<()> {
        let size = object.head.len() + object.body.len();
        self.check(object, size)?;
        if !self.paths.in_namespace(object.namespace) {
            self.count_namespace();
            self.paths.enter(object.namespace);
        }
        self.paths.name(object.name);
        let digest = self.write_first(object, size);
        self.write_lines(object, size, &digest);
        self.paths.seen += 1;
        self.objects += 1;
        self.bytes += size as u64;
        if object.name.len() + ".json".len() > LONGEST_FILE_NAME {
            self.note_too_long(object);
        }
        if self.archive.full() {
            self.end_group();
            self.archive.cut(self.objects).await?;
        }
        if self.rows.full() {
            self.rows.cut(self.objects).await?;
        }
        if self.list.full() {
            self.list.cut(self.objects).await?;
        }
        Ok(())
    }

    fn check(&self, object: Object<'_>, size: usize) -> Result<()> {
        let Object { namespace, name, .. } = object;
        let Some(resource) = self.counts.last().and_then(|count| count.resource.as_deref()) else {
            return Err(Error::Invalid("an object was added before any resource was begun".into()));
        };
        if !can_be_part(name) || !namespace.is_none_or(can_be_part) {
            return Err(Error::Invalid(format!(
                "{resource} {namespace:?} {name:?} cannot be a path in an archive"
            )));
        }
        if size as u64 > LARGEST_ENTRY {
            let of = namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
            return Err(Error::Invalid(format!(
                "{resource} {of}{name} has {size} bytes, more than the {LARGEST_ENTRY} an archive takes"
            )));
        }
        Ok(())
    }

    /// The first copy; the second follows when its group ends.
    fn write_first(&mut self, object: Object<'_>, size: usize) -> Digest {
        if self.groups.begins(size) {
            self.write_seconds();
        }
        let into = self.archive.buffer();
        self.tar.header(into, &self.paths.first, size);
        let start = into.len();
        into.extend_from_slice(object.head);
        into.extend_from_slice(object.body);
        let digest = Digest::of(&into[start..]);
        into.resize(start + size + padding(size), 0);
        self.second_paths.extend_from_slice(&self.paths.second);
        self.seconds.push(Second { start, size, path_end: self.second_paths.len() });
        digest
    }

    fn write_seconds(&mut self) {
        let mut path = 0;
        for Second { start: first, size, path_end } in self.seconds.drain(..) {
            let into = self.archive.buffer();
            let (start, length) = (into.len(), size + padding(size));
            self.tar.header(into, &self.second_paths[path..path_end], size);
            let content = into.len();
            into.extend_from_within(first..first + length);
            let (head, distance) = (content - start, content - first);
            self.archive.repeats(Repeat { start, head, length, distance });
            path = path_end;
        }
        self.second_paths.clear();
    }

    /// Completes the group under way: members hold whole groups.
    pub(super) fn end_group(&mut self) {
        self.write_seconds();
        self.groups = Groups::default();
    }

    fn write_lines(&mut self, object: Object<'_>, size: usize, digest: &Digest) {
        let row = self.rows.buffer();
        if self.objects > 0 {
            row.push(b',');
        }
        row.push(b'\n');
        let start = row.len();
        let path = std::str::from_utf8(&self.paths.first).expect("invariant: made of text");
        write_row(row, path, size, digest);
        self.root.update(&row[start..]);
        self.root.update(b"\n");

        let Some(count) = self.counts.last_mut() else { return };
        let list = self.list.buffer();
        if count.objects == 0 {
            list.extend_from_slice(if self.objects == 0 { b"" } else { b"," });
            self.paths.item.clear();
            self.paths.item.push_str(&count.api_version);
            self.paths.item.push('/');
            self.paths.item.push_str(&count.kind);
            write_string(list, &self.paths.item);
            list.extend_from_slice(b":[");
        } else {
            list.push(b',');
        }
        self.paths.item.clear();
        if let Some(namespace) = object.namespace {
            self.paths.item.push_str(namespace);
            self.paths.item.push('/');
        }
        self.paths.item.push_str(object.name);
        write_string(list, &self.paths.item);
        count.objects += 1;
        count.bytes = count.bytes.map(|bytes| bytes + size as u64);
    }

    fn note_too_long(&mut self, object: Object<'_>) {
        if self.too_long.len() == MOST_NAMED {
            self.more_too_long += 1;
            return;
        }
        let resource = self.counts.last().and_then(|count| count.resource.as_deref()).unwrap_or_default();
        let namespace = object.namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
        self.too_long.push(format!("{resource}/{namespace}{}", object.name));
    }
}

/// The two paths of an object. Their directories are made once a namespace.
#[derive(Default)]
struct Paths {
    /// `resources/<gr>/` and `resources/<gr>/<version>-preferredversion/`.
    roots: (Vec<u8>, Vec<u8>),
    /// Lengths of the directories in `first` and `second`.
    dirs: (usize, usize),
    first: Vec<u8>,
    second: Vec<u8>,
    namespace: Option<String>,
    /// Whether `namespace` is that of the directories.
    entered: bool,
    /// Objects in this namespace.
    seen: u64,
    item: String,
}

impl Paths {
    fn of(resource: &str, version: &str) -> Paths {
        let first = format!("resources/{resource}/");
        let second = format!("{first}{version}-preferredversion/");
        Paths { roots: (first.into_bytes(), second.into_bytes()), ..Paths::default() }
    }

    fn in_namespace(&self, namespace: Option<&str>) -> bool {
        self.entered && self.namespace.as_deref() == namespace
    }

    fn enter(&mut self, namespace: Option<&str>) {
        for (path, root) in [(&mut self.first, &self.roots.0), (&mut self.second, &self.roots.1)] {
            path.clear();
            path.extend_from_slice(root);
            match namespace {
                None => path.extend_from_slice(b"cluster/"),
                Some(namespace) => {
                    path.extend_from_slice(b"namespaces/");
                    path.extend_from_slice(namespace.as_bytes());
                    path.push(b'/');
                }
            }
        }
        self.dirs = (self.first.len(), self.second.len());
        self.namespace = namespace.map(str::to_owned);
        self.entered = true;
    }

    fn name(&mut self, name: &str) {
        for (path, dir) in [(&mut self.first, self.dirs.0), (&mut self.second, self.dirs.1)] {
            path.truncate(dir);
            path.extend_from_slice(name.as_bytes());
            path.extend_from_slice(b".json");
        }
    }
}
