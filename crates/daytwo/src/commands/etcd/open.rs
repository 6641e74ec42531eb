//! A file of etcd's or K3s', opened for the verbs that show what is in it.

use std::ops::ControlFlow;
use std::path::Path;

use daytwo_core::resource::{NameError, Named, ResourceType};
use daytwo_etcd::kube::{Catalogue, Keyring, NotShown, Objects, Prefix, Resource, Shown};
use daytwo_etcd::source::{self, Options, Source};
use daytwo_etcd::{Record, Revision, Store, keyspace};

use super::found;
use crate::cli::etcd::file::Reading;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::settings::Session;

/// Does `work` on a thread of its own, so that the first Ctrl-C ends it wherever it is: it only reads.
///
/// # Errors
/// Those of `work`.
pub async fn apart(session: &Session, work: impl FnOnce(&Session) -> Result + Send + 'static) -> Result {
    let own = session.clone();
    let working = tokio::task::spawn_blocking(move || work(&own));
    match session.interrupt.or(working).await {
        None => Err(Failure::new(Exit::Failed, "stopped")),
        Some(ended) => ended?,
    }
}

/// An opened file, and how to read what is in it.
pub struct Opened {
    /// The file.
    pub source: Source,
    /// How its objects are shown.
    pub objects: Objects,
    name: String,
}

impl Opened {
    /// Opens `file` as the flags say, and says what a reader should know about it.
    ///
    /// # Errors
    /// Exit 2 for a file that is none of those that are read, exit 4 for one that is in use.
    pub fn open(session: &Session, file: &Path, reading: &Reading) -> Result<Self> {
        let opened = Self::quietly(file, reading)?;
        for note in found::notes(&opened.source) {
            session.speak.note(&note);
        }
        Ok(opened)
    }

    fn quietly(file: &Path, reading: &Reading) -> Result<Self> {
        let keyring = match &reading.encryption_config {
            Some(path) => Keyring::read(path)?,
            None => Keyring::default(),
        };
        let source = source::open(file, &Options { wal_dir: reading.wal_dir.clone(), ..Options::default() })?;
        let mut objects = Objects::new(Prefix::new(&reading.etcd_prefix), keyring);
        if let Some(minor) = reading.kubernetes_minor {
            objects = objects.minor(minor);
        }
        Ok(Self { source, objects, name: file.display().to_string() })
    }

    /// The file as it was named.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its records.
    pub fn store(&self) -> &dyn Store {
        self.source.store()
    }

    /// Every resource it may hold: Kubernetes' own, and those that its definitions define.
    ///
    /// # Errors
    /// Those of reading.
    pub fn catalogue(&self, at: Option<i64>) -> Result<Catalogue> {
        Ok(Catalogue::of(self.store(), &self.objects, at)?)
    }

    /// What the words of a command line mean, by the resources of Kubernetes or else by those the file defines, which
    /// takes a pass over it.
    ///
    /// # Errors
    /// Exit 2 for a word that means none.
    pub fn find<T>(
        &self,
        at: Option<i64>,
        find: impl Fn(&[Named]) -> Result<T, NameError>,
    ) -> Result<(T, Catalogue)> {
        let built_in = Catalogue::built_in();
        match find(&named(&built_in)) {
            Ok(found) => Ok((found, built_in)),
            Err(NameError::NotFound { .. }) => {
                let all = self.catalogue(at)?;
                match find(&named(&all)) {
                    Ok(found) => Ok((found, all)),
                    Err(error) => {
                        Err(Failure::from(error).or_try(format!("daytwo etcd status {}", self.name)))
                    }
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The object that stands at a revision of the file.
    ///
    /// # Errors
    /// Why it cannot be shown; those of reading.
    pub fn show(&self, revision: Revision) -> Result<Result<Shown, NotShown>> {
        let mut shown = None;
        self.store().at(revision, &mut |record| shown = Some(self.objects.show(record)))?;
        shown.ok_or_else(|| {
            let main = revision.main;
            Failure::new(
                Exit::Failed,
                format!("{} changed while it was read: revision {main} is gone", self.name),
            )
        })
    }

    /// The keys that begin with `prefix`, in their order, without their values.
    ///
    /// # Errors
    /// Exit 2 for a revision that the file has not; those of reading.
    pub fn keys(&self, prefix: &[u8], at: Option<i64>) -> Result<Vec<Key>> {
        let mut keys = Vec::new();
        keyspace::list(self.store(), prefix, at, &mut |record| {
            keys.push(Key::of(record));
            ControlFlow::Continue(())
        })?;
        keys.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(keys)
    }
}

/// A key, and where its value stands.
pub struct Key {
    /// Its bytes.
    pub key: Box<[u8]>,
    /// When it was put.
    pub revision: Revision,
    /// When it had come into being.
    pub create_revision: i64,
    /// How often it had been put.
    pub version: i64,
    /// The lease it hangs on, 0 for none.
    pub lease: i64,
    /// Bytes of its value.
    pub size: u64,
}

impl Key {
    fn of(record: &Record<'_>) -> Self {
        Self {
            key: record.key.into(),
            revision: record.revision,
            create_revision: record.create_revision,
            version: record.version,
            lease: record.lease,
            size: record.value.len() as u64,
        }
    }
}

/// The resource in the words of the crates that decide.
pub fn core_type(resource: &Resource) -> ResourceType {
    ResourceType {
        group: resource.group.clone(),
        version: resource.version.clone(),
        resource: resource.plural.clone(),
        kind: resource.kind.clone(),
        namespaced: resource.namespaced,
    }
}

/// The resource of the file that a type stands for.
pub fn resource_of<'a>(catalogue: &'a Catalogue, kind: &ResourceType) -> &'a Resource {
    let is = |resource: &&Resource| resource.group == kind.group && resource.plural == kind.resource;
    catalogue.all().iter().find(is).expect("invariant: the type was made from this catalogue")
}

fn named(catalogue: &Catalogue) -> Vec<Named> {
    let name = |resource: &Resource| Named {
        resource: core_type(resource),
        singular: resource.singular.clone(),
        short_names: resource.short_names.clone(),
    };
    catalogue.all().iter().map(name).collect()
}
