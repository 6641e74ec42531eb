//! One object out of a backup.

use super::Backup;
use super::archive::ArchiveReader;
use super::source::{Source, blocking, explain};
use crate::digest::Digest;
use crate::gzip::GzipReader;
use crate::layout::File;
use crate::location::Result;
use crate::manifest::{Member, Row, Rows, write_string};
use crate::tar::TarReader;
use bytes::Bytes;
use std::io;

impl Backup {
    /// One object; `None` if the backup holds none such. `resource` is a [`crate::Resource::group_resource`].
    ///
    /// Of a backup of daytwo's the manifest is searched and one gzip member fetched, and both member and object must
    /// have their digests ([`crate::ArchiveError::Corrupt`] otherwise). Encrypted backups, and Velero's, are read from the start until
    /// the object comes.
    pub async fn get(&self, resource: &str, namespace: Option<&str>, name: &str) -> Result<Option<Bytes>> {
        if self.members.is_empty() || self.head.encrypted {
            return self.search(resource, namespace, name).await;
        }
        let path = match namespace {
            Some(namespace) => format!("resources/{resource}/namespaces/{namespace}/{name}.json"),
            None => format!("resources/{resource}/cluster/{name}.json"),
        };
        let Some((number, row)) = self.find_row(path).await? else { return Ok(None) };
        let holds = |member: &&Member| (member.first..member.first + member.objects).contains(&number);
        let key = self.name.key(File::Archive);
        let corrupt = |what: String| self.location.corrupt(&key, what);
        let Some(member) = self.members.iter().find(holds) else {
            return Err(self.location.corrupt(
                &self.name.key(File::Manifest),
                "is damaged: no member holds an object that it names",
            ));
        };
        let range = member.offset..member.offset.saturating_add(member.packed);
        let bytes = self.location.get_range(&key, range).await?;
        if bytes.len() as u64 != member.packed || Digest::of(&bytes) != member.sha256 {
            return Err(corrupt(format!("is damaged where {} lies: see daytwo backup verify", row.path)));
        }
        let found = out_of(&bytes, &row).map_err(|error| explain(error, &self.location, &key))?;
        match found {
            Some(object) if Digest::of(&object) == row.sha256 => Ok(Some(object.into())),
            _ => Err(corrupt(format!("does not hold {} as the manifest says", row.path))),
        }
    }

    /// Number and line of the object of `path` in the manifest.
    async fn find_row(&self, path: String) -> Result<Option<(u64, Row)>> {
        let key = self.name.key(File::Manifest);
        let source = Source::fetch(&self.location, &key).await?;
        let location = self.location.clone();
        blocking(move || {
            let mut beginning = br#"{"path":"#.to_vec();
            write_string(&mut beginning, &path);
            beginning.push(b',');
            let find = || -> io::Result<Option<(u64, Row)>> {
                let mut rows = Rows::new(GzipReader::new(source))?;
                let mut number = 0;
                while let Some(line) = rows.next()? {
                    if line.starts_with(&beginning) {
                        return Ok(Some((number, serde_json::from_slice(line)?)));
                    }
                    number += 1;
                }
                Ok(None)
            };
            find().map_err(|error| explain(error, &location, &key))
        })
        .await
    }

    async fn search(&self, resource: &str, namespace: Option<&str>, name: &str) -> Result<Option<Bytes>> {
        let source = self.source().await?;
        let wanted = (resource.to_owned(), namespace.map(str::to_owned), name.to_owned());
        let (identities, location, key) =
            (self.identities(), self.location.clone(), self.name.key(File::Archive));
        blocking(move || {
            let search = || -> io::Result<Option<Bytes>> {
                let mut archive = ArchiveReader::new(source.opened(identities.as_deref())?);
                while let Some(found) = archive.next()? {
                    if (found.resource, found.namespace, found.name)
                        == (&*wanted.0, wanted.1.as_deref(), &*wanted.2)
                    {
                        return Ok(Some(Bytes::copy_from_slice(found.bytes)));
                    }
                }
                Ok(None)
            };
            search().map_err(|error| explain(error, &location, &key))
        })
        .await
    }
}

/// The object of `row` out of its gzip member.
fn out_of(member: &[u8], row: &Row) -> io::Result<Option<Vec<u8>>> {
    let mut tar = TarReader::new(GzipReader::new(member));
    while let Some(header) = tar.next()? {
        if header.path == row.path.as_bytes() {
            let mut object = Vec::new();
            tar.content(&mut object)?;
            return Ok(Some(object));
        }
    }
    Ok(None)
}
