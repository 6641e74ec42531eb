//! `daytwo demo`: the tool's main job in front of your eyes, on a cluster in memory.
//!
//! Each step is what the verb does, with that verb's own code and words. The cluster is a fixture; the backup and the journal
//! of the restore are kept, to be looked into. It refuses to touch any cluster of yours: none is read.

mod summary;

use std::collections::BTreeMap;

use daytwo_archive::{Backup, BackupName, Keys, Location, LocationOptions, WriteOptions};
use daytwo_core::filter::Filter;
use daytwo_core::plan::Plan;
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::Request;
use daytwo_engine::api::{self, ApiError, Patience};
use daytwo_engine::restore::Detail;
use daytwo_engine::{BackupRequest, Site};
use daytwo_twin::Twin;
use daytwo_twin::fixture::Fixture;
use serde_json::Value;

use super::backup::{create as backup, naming, open as backups, verify};
use super::compare::live::Live;
use super::compare::stored::Stored;
use super::compare::{self, Side};
use super::restore::sides::Sides;
use super::restore::{create as restore, plan, report};
use super::twin::open::{self, Means};
use crate::cli::backup::Verify;
use crate::cli::demo::Demo;
use crate::cli::restore::Pruning;
use crate::cli::shared::{At, Filters, Identities, Journals, Places};
use crate::cli::twin::Of;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::filters;
use crate::output::words;
use crate::progress::Progress;
use crate::settings::Session;
use summary::Summary;

/// The namespace that is lost.
const NAMESPACE: &str = "shop";
/// Columns that a line of the demo's own takes at most.
const WIDTH: usize = 110;
/// What people know a site by, and where each is listed.
const KNOWN_BY: [(&str, &str); 5] = [
    ("node", "/api/v1/nodes"),
    ("namespace", "/api/v1/namespaces"),
    ("virtual machine", "/apis/kubevirt.io/v1/virtualmachines"),
    ("pod", "/api/v1/pods"),
    ("volume", "/api/v1/persistentvolumes"),
];

/// Where the demo plays.
struct Stage {
    /// What the verbs print is conversation here.
    session: Session,
    twin: Twin,
    site: Site,
    location: Location,
    places: Places,
    name: BackupName,
}

/// Plays, and prints what it came to; exit 0 if nothing differs in the end.
///
/// # Errors
/// Exit 5 where a step did not come to what it shows; those of the folder.
pub async fn run(session: &Session, verb: Demo) -> Result {
    let began = session.clock.now();
    let folder = verb.location.display().to_string();
    let stage = Stage::set(session, &folder).await?;
    stage.back_up().await?;
    let lost = stage.lose().await?;
    let (sides, request) = stage.plan().await?;
    let run = stage.restore(&sides, &request).await?;
    stage.again(&sides, &request).await?;
    let took = session.clock.now().duration_since(began);
    let (name, url) = (stage.name.as_str(), &folder);
    session.out.document(&Summary::new(&session.program, name, url, &run, NAMESPACE, lost, took))?;
    Ok(Exit::Done)
}

impl Stage {
    /// Opens the cluster and the folder.
    async fn set(session: &Session, folder: &str) -> Result<Self> {
        let session = session.apart();
        let say = |text: &str| session.speak.note(&session.speak.paint.strong(text));
        say("1. A cluster in memory: a Harvester site of three nodes");
        let (at, identities) = (At::default(), Identities::default());
        let twin =
            open::open(&session, &Of::Fixture(Fixture::Enclave), Means::beside(&at, &identities)).await?;
        let site = twin.site().await?;
        let mut held = Vec::new();
        for (noun, path) in KNOWN_BY {
            let list: Value = api::get_json(site.client(), path).await?;
            held.push(words::count(list["items"].as_array().map_or(0, Vec::len) as u64, noun));
        }
        session.speak.note(&held.join(", "));
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::from(error).while_doing(format!("cannot make the folder {folder}")))?;
        let url = match folder.starts_with(['/', '.']) {
            true => folder.to_owned(),
            false => format!("./{folder}"),
        };
        let location = Location::open(&url, &LocationOptions::default())?;
        let places =
            Places { at: At { location: Some(url), ..At::default() }, journals: Journals::default() };
        let name = naming::default_name("enclave", session.clock.now());
        Ok(Self { session, twin, site, location, places, name })
    }

    fn title(&self, text: &str) -> Result<()> {
        self.session.speak.note(&format!("\n{}", self.session.speak.paint.strong(text)));
        match self.session.interrupt.token().is_cancelled() {
            true => Err(failed("stopped".to_owned())),
            false => Ok(()),
        }
    }

    async fn back_up(&self) -> Result<()> {
        self.title("2. Back it up as of one revision, and prove the backup good")?;
        let request = BackupRequest {
            name: self.name.clone(),
            filter: Filter::default(),
            ttl: None,
            storage_location: "default".to_owned(),
            concurrency: 4,
            patience: Patience::default(),
            write: WriteOptions {
                run: self.session.run.clone(),
                started: self.session.clock.now(),
                recipients: Vec::new(),
                sign: None,
                threads: 2,
            },
        };
        done(backup::back_up(&self.session, &self.site, &self.location, request).await?, "the backup")?;
        let verb = Verify {
            name: self.name.to_string(),
            key: None,
            identities: Identities::default(),
            at: self.places.at.clone(),
        };
        done(verify::run(&self.session, verb).await?, "the proof")
    }

    /// Deletes the namespace and shows what is missing then; how many objects are.
    async fn lose(&self) -> Result<u64> {
        self.title(&format!("3. Lose the namespace {NAMESPACE}, and compare the backup with what is left"))?;
        let path = format!("/api/v1/namespaces/{NAMESPACE}");
        api::delete(self.site.client(), &path).await?;
        // Rancher keeps namespaces until it has cleared up after them. It does not run here.
        match api::merge(self.site.client(), &path, br#"{"metadata":{"finalizers":null}}"#).await {
            Ok(()) | Err(ApiError::Status { code: 404, .. }) => {}
            Err(error) => return Err(error.into()),
        }
        match api::get_json::<Value>(self.site.client(), &path).await {
            Err(ApiError::Status { code: 404, .. }) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(failed("the namespace is still there".to_owned())),
        }
        let sides = async {
            let after = Side::Live(Box::new(Live::of(self.site.clone()).await?));
            Ok((Stored::Backup(Box::new(self.backup().await?)), after))
        };
        let options = compare::options(false, false);
        let missing = compare::found(&self.session, Filter::default(), options, sides).await?.removed;
        if !missing.iter().any(|key| key.namespace.as_deref() == Some(NAMESPACE)) {
            return Err(failed("no object of the namespace is missing".to_owned()));
        }
        self.session.speak.note(&by_resource(&missing));
        Ok(missing.len() as u64)
    }

    /// What the namespace is restored with.
    async fn plan(&self) -> Result<(Sides, Request)> {
        self.title(&format!("4. Plan the restore of {NAMESPACE}, and carry the plan out"))?;
        let only = Filters { include_namespaces: vec![NAMESPACE.to_owned()], ..Filters::default() };
        let mut request = Request {
            backup: self.name.to_string(),
            filter: filters::filter(&only)?,
            // No controller runs in a twin that would make pods again.
            include_derived: true,
            ..Request::default()
        };
        let (site, journals) = (self.site.clone(), self.location.clone());
        let sides = Sides { site, twin: Some(self.twin.clone()), journals, backup: self.backup().await? };
        let sides = sides.fit(&self.session, &mut request).await?;
        Ok((sides, request))
    }

    /// Shows the steps, and carries them out; the run's name.
    async fn restore(&self, sides: &Sides, request: &Request) -> Result<String> {
        let run = restore::run_name(&self.session, request);
        let pruning = Pruning { prune_data: false, yes: false };
        let shown = |planned: &Plan| {
            self.session.speak.note(plan::steps(planned, self.session.speak.paint).trim_end());
            self.session.speak.note("");
            Ok(())
        };
        let exit =
            restore::carry_out(&self.session, sides, request, &run, &pruning, &self.places, shown).await?;
        done(exit, "the restore")?;
        Ok(run)
    }

    /// Plans the same restore again.
    async fn again(&self, sides: &Sides, request: &Request) -> Result<()> {
        self.title("5. Plan the same restore again: nothing differs, and nothing is left to do")?;
        let progress = Progress::new(&self.session);
        let runner = sides.runner(&self.session, &progress);
        let planned =
            runner.plan(request, &restore::run_name(&self.session, request), Detail::Needed).await?;
        drop(progress);
        self.session.speak.note(report::table(&planned.report, self.session.speak.paint).trim_end());
        let counts = &planned.report.counts;
        match counts.created + counts.differs + counts.failed {
            0 => Ok(()),
            left => Err(failed(format!("{} still differ", words::count(left, "object")))),
        }
    }

    /// The backup, brought near.
    async fn backup(&self) -> Result<Backup> {
        let mut backup = backups::named(&self.location, self.name.as_str(), &Keys::default()).await?;
        backup.spool().await?;
        Ok(backup)
    }
}

/// `3 deployments.apps, 19 pods, …`, a few to a line.
fn by_resource(objects: &[ObjectKey]) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for object in objects {
        *counts.entry(&object.resource).or_default() += 1;
    }
    let mut lines = vec!["missing:".to_owned()];
    let last = counts.len();
    for (place, (resource, count)) in counts.into_iter().enumerate() {
        let word = format!(" {count} {resource}{}", if place + 1 < last { "," } else { "" });
        match lines.last_mut() {
            Some(line) if line.len() + word.len() <= WIDTH => line.push_str(&word),
            _ => lines.push(format!(" {word}")),
        }
    }
    lines.join("\n")
}

fn done(exit: Exit, what: &str) -> Result<()> {
    match exit {
        Exit::Done => Ok(()),
        other => Err(failed(format!("{what} ended with exit code {}", other.code()))),
    }
}

fn failed(what: String) -> Failure {
    Failure::new(Exit::Failed, what)
}
