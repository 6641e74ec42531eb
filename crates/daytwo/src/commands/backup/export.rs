//! `daytwo backup export`: a backup's objects as YAML files that `kubectl apply -R -f` takes.
//!
//! They are what a restore would write, and what it would pass over is left out and counted. Secrets are written with
//! their values: every file is readable by its owner only.

mod path;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use daytwo_archive::Backup;
use daytwo_core::restore::{
    Census, DataElsewhere, Request, Rules, ServedKind, Skip, Source, Target, Verdict,
};
use serde::Serialize;

use crate::cli::backup::Export;
use crate::config::private_file;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::filters;
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::{words, yaml};
use crate::settings::Session;

use super::objects::Pass;
use super::open;

/// Says which object each file is; kubectl passes over a file of this ending.
const INDEX: &str = "index.jsonl";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BackupExport {
    name: String,
    folder: PathBuf,
    files: u64,
    /// Secrets among them, whose values are in the files.
    secrets: u64,
    left_out: Vec<LeftOut>,
    /// Changes to objects beyond what a server decides.
    notes: Vec<Note>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LeftOut {
    objects: u64,
    why: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Note {
    object: String,
    what: String,
}

impl Document for BackupExport {
    fn kind(&self) -> Option<&'static str> {
        Some("BackupExport")
    }

    fn text(&self, _: Paint, wide: bool) -> String {
        let mut text =
            format!("{}: {} in {}\n", self.name, words::count(self.files, "file"), self.folder.display());
        for left in &self.left_out {
            text.push_str(&format!("  left out {}: {}\n", left.objects, left.why));
        }
        if wide {
            for note in &self.notes {
                text.push_str(&format!("  {} {}\n", note.object, note.what));
            }
        } else if !self.notes.is_empty() {
            let count = words::count(self.notes.len() as u64, "change");
            text.push_str(&format!("  {count} to what was backed up: see -o wide\n"));
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.folder.display().to_string()]
    }
}

/// One line of the index.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    file: &'a str,
    api_version: String,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
}

/// Writes the files.
///
/// # Errors
/// Exit 4 where the folder is not empty; those of reading and writing. What was written until then stays.
pub async fn run(session: &Session, verb: Export) -> Result {
    let filter = filters::filter(&verb.filters)?;
    ready(&verb.to)?;
    let request = Request { backup: verb.name.clone(), filter, empty_volumes: true, ..Request::default() };
    let exporting = async {
        let mut opened = open::open(session, &verb.at, &verb.identities, &verb.name).await?;
        opened.backup.spool().await?;
        let rules = rules(&opened.backup, request).await?;
        write_all(&opened.backup, &rules, &verb.to).await
    };
    let stopped =
        || Failure::new(Exit::Failed, format!("stopped; a part of the files is in {}", verb.to.display()));
    let export = session.interrupt.or(exporting).await.ok_or_else(stopped)??;
    if export.secrets > 0 {
        let count = words::count(export.secrets, "Secret");
        session
            .speak
            .warn(&format!("{} holds {count} with their values, in files of mode 0600", verb.to.display()));
    }
    session.speak.suggest(&format!(
        "kubectl apply -R -f {to}/{}, then kubectl apply -R -f {to}",
        path::DEFINITIONS,
        to = verb.to.display()
    ));
    session.out.document(&export)?;
    Ok(Exit::Done)
}

fn ready(folder: &Path) -> Result<()> {
    let cannot = |error: std::io::Error| {
        Failure::from(error).while_doing(format!("cannot write to {}", folder.display()))
    };
    fs::create_dir_all(folder).map_err(cannot)?;
    if fs::read_dir(folder).map_err(cannot)?.next().is_some() {
        return Err(Failure::refused(format!("{} is not empty", folder.display()))
            .or_try("--to DIR, with a new folder"));
    }
    Ok(())
}

/// The rules of a restore into a cluster that serves what the backup holds, and holds nothing itself.
async fn rules(backup: &Backup, request: Request) -> Result<Rules> {
    let mut census = Census::new(DataElsewhere::default());
    let mut target = Target::default();
    let mut pass = Pass::begin(backup).await?;
    while let Some((kind, entry)) = pass.next().await? {
        let source = Source {
            resource: &kind,
            namespace: entry.namespace.as_deref(),
            name: &entry.name,
            bytes: &entry.bytes,
        };
        census.note(&request, &source)?;
        let resource = kind.group_resource();
        target.served.entry(resource).or_insert_with(|| ServedKind {
            kind: kind.kind.clone(),
            versions: vec![kind.version.clone()],
            namespaced: kind.namespaced,
            status: false,
        });
        if kind.is("", "nodes") {
            target.nodes.insert(entry.name.clone());
        }
    }
    Ok(Rules::new(request, census, target))
}

async fn write_all(backup: &Backup, rules: &Rules, folder: &Path) -> Result<BackupExport> {
    let mut export = BackupExport {
        name: backup.head().name.clone(),
        folder: folder.to_owned(),
        files: 0,
        secrets: 0,
        left_out: Vec::new(),
        notes: Vec::new(),
    };
    let mut left: BTreeMap<Skip, u64> = BTreeMap::new();
    let mut index = BufWriter::new(private_file(&folder.join(INDEX))?);
    let mut pass = Pass::begin(backup).await?;
    while let Some((kind, entry)) = pass.next().await? {
        let (namespace, name) = (entry.namespace.as_deref(), entry.name.as_str());
        let source = Source { resource: &kind, namespace, name, bytes: &entry.bytes };
        let wave = match rules.judge(&source)? {
            Verdict::NotAsked => continue,
            Verdict::Skip(skip) => {
                *left.entry(skip).or_default() += 1;
                continue;
            }
            Verdict::Take(wave) => wave,
        };
        let write = rules.prepare(&source)?;
        let file = path::of(&kind, namespace, name, wave);
        store(&folder.join(&file), &yaml::of_json(&write.body)?)?;
        let line = Line { file: &file, api_version: kind.api_version(), kind: &kind.kind, namespace, name };
        serde_json::to_writer(&mut index, &line)?;
        index.write_all(b"\n")?;
        let object = rules.key(&source).to_string();
        let owners = write.later.iter().flat_map(|later| &later.owners);
        let orphaned = owners.map(|owner| format!("is without its owner {} {}", owner.kind, owner.name));
        export.notes.extend(orphaned.map(|what| Note { object: object.clone(), what }));
        export.notes.extend(write.notes.into_iter().map(|what| Note { object: object.clone(), what }));
        export.files += 1;
        export.secrets += u64::from(kind.is("", "secrets"));
    }
    index.flush()?;
    export.left_out = left.into_iter().map(|(skip, objects)| LeftOut { objects, why: skip.text() }).collect();
    Ok(export)
}

fn store(path: &Path, text: &[u8]) -> Result<()> {
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        private_file(path)?.write_all(text)
    };
    write().map_err(|error| Failure::from(error).while_doing(format!("cannot write {}", path.display())))
}
