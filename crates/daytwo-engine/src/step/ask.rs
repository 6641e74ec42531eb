//! Asks the server about objects before they are restored: the same bodies that a restore would create, with
//! `dryRun=All`, so that nothing is written.
//!
//! What cannot be asked yet (its namespace or kind is made by the same restore) is not sent. It refuses to take an
//! object for fine that the server was not asked about.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use daytwo_archive::{Backup, Entries};
use daytwo_core::json::Meta;
use daytwo_core::resource::{ObjectKey, ResourceType};
use daytwo_core::restore::{
    Asked, Failed, Rules, Sampler, Scope, Source, Unasked, Verdict, Wave, acting_webhook, lacking,
    may_be_lacking,
};
use daytwo_core::webhook::Webhook;
use futures::stream::{self, StreamExt};
use kube::Client;
use tokio_util::sync::CancellationToken;

use super::barriers::Barriers;
use super::object::{self, Trouble};
use super::owners::Owners;
use super::request::{Created, Writer};
use super::{duration, failed};
use crate::advance::RunError;
use crate::api::ApiError;
use crate::discovery;
use crate::event::{Event, Observer};
use crate::pace::Gate;
use crate::restore::{Admitted, Intake, Live, Look, lists};

/// Progress is told after this many answers.
const TELL_EVERY: u64 = 100;
/// Where webhooks are configured.
const HOOKS: [&str; 2] = ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"];

/// Where objects come from and whom to ask.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub client: &'a Client,
    pub backup: &'a Backup,
    pub rules: &'a Rules,
    pub events: &'a dyn Observer,
    pub stop: &'a CancellationToken,
    pub scope: Scope,
}

/// Asks, and gives back what the server refuses.
///
/// # Errors
/// The cluster does not answer, or the backup cannot be read. What the server refuses is none.
pub(crate) async fn ask(question: Question<'_>) -> Result<(Asked, Vec<Failed>), RunError> {
    let Question { client, backup, rules, events, stop, scope } = question;
    let cluster = |source| RunError::Cluster { step: "asking the server".to_owned(), source };
    let kinds: BTreeSet<ResourceType> =
        Wave::ALL.into_iter().flat_map(|wave| rules.census().kinds_of(wave)).collect();
    let kinds: Vec<ResourceType> = kinds.into_iter().collect();
    let live = Live::see(client, rules, &kinds, Look::Before).await.map_err(cluster)?;
    let hooks = match scope {
        Scope::Sample => hooks(client, events).await.map_err(cluster)?,
        Scope::All => Vec::new(),
    };
    let barriers = Barriers::new(events);
    let patience = duration(rules.request().waits.request);
    let gate = Gate::new(rules.request().in_flight());
    let writer = Writer { client, patience, halt: stop, gate: &gate, barriers: &barriers };
    let asking = Asking {
        rules,
        events,
        writer,
        owners: Owners::new(writer, rules, true),
        books: Mutex::new(Books::new(scope)),
    };
    let reader = Reader {
        asking: &asking,
        live,
        sampler: Sampler::new(scope, hooks),
        intake: Intake::new(rules.target()),
        entries: backup.entries().await?,
    };
    stream::unfold(reader, |mut reader| async move {
        let item = reader.next().await.transpose()?;
        Some((item, reader))
    })
    .for_each_concurrent(rules.request().in_flight(), |item| {
        let asking = &asking;
        async move {
            let _pass = asking.writer.gate.enter().await;
            match item {
                Ok(item) => asking.ask(&item).await,
                Err(error) => asking.books().broken = Some(error),
            }
        }
    })
    .await;
    let mut books = asking.books.into_inner().unwrap_or_else(PoisonError::into_inner);
    match books.broken.take() {
        Some(error) => Err(error),
        None => Ok(books.close()),
    }
}

/// The live webhooks.
async fn hooks(client: &Client, events: &dyn Observer) -> Result<Vec<Webhook>, ApiError> {
    let mut hooks = Vec::new();
    for resource in HOOKS {
        let path = format!("/apis/admissionregistration.k8s.io/v1/{resource}");
        let listed = lists::each(client, &path, "application/json", |configuration| {
            let name = Meta::of_prefix(configuration)?.name;
            match Webhook::all_of(resource, &name, configuration)? {
                Some(all) => hooks.extend(all),
                None => events.event(Event::Note(format!(
                    "{resource}/{name} cannot be read, so the sample does not follow its selectors"
                ))),
            }
            Ok(())
        });
        match listed.await {
            Err(error) if error.is_denied() || error.is_not_found() => {
                let note =
                    format!("{resource} cannot be listed, so the sample does not follow their selectors");
                events.event(Event::Note(note));
            }
            listed => listed?,
        }
    }
    Ok(hooks)
}

/// An object to ask about.
struct Item {
    admitted: Admitted,
    key: ObjectKey,
}

impl Item {
    fn source(&self) -> Source<'_> {
        self.admitted.source()
    }
}

struct Reader<'a> {
    asking: &'a Asking<'a>,
    live: Live,
    sampler: Sampler,
    intake: Intake<'a>,
    entries: Entries,
}

impl Reader<'_> {
    /// The next object that is to be created and can be asked about.
    async fn next(&mut self) -> Result<Option<Item>, RunError> {
        let rules = self.asking.rules;
        // What could not be asked of one cannot be asked of the next.
        if self.asking.books().broken.is_some() {
            return Ok(None);
        }
        while let Some(entry) = self.entries.next().await? {
            let admitted = self.intake.admit(entry);
            let source = admitted.source();
            // What is no JSON was counted as failed by the plan, and so was what stays behind.
            if admitted.stays_behind()
                || !matches!(rules.judge(&source), Ok(Verdict::Take(_)))
                || self.live.get(rules, &source).is_some()
            {
                continue;
            }
            let key = rules.key(&source);
            let labels = Meta::of_prefix(source.bytes).ok().and_then(|meta| meta.labels);
            let mut books = self.asking.books();
            books.asked.objects += 1;
            if may_be_lacking(&key.resource) {
                books.coming.insert(key.clone());
            }
            if let Some(why) = too_early(rules, &admitted.kind, &key) {
                books.asked.passed_over(&key, why);
                continue;
            }
            drop(books);
            if self.sampler.takes(&key, labels).unwrap_or(true) {
                return Ok(Some(Item { admitted, key }));
            }
        }
        Ok(None)
    }
}

/// Whether the restore itself has to make first what the server needs to judge the object.
fn too_early(rules: &Rules, kind: &ResourceType, key: &ObjectKey) -> Option<Unasked> {
    let target = rules.target();
    if !target.serves(&key.resource, &kind.version) {
        return Some(Unasked::KindMissing);
    }
    // Where no namespace may be seen, the server says whether it is there.
    let seen = !target.namespaces.is_empty();
    let missing = |namespace: &String| seen && !target.namespaces.contains_key(namespace);
    key.namespace.as_ref().is_some_and(missing).then_some(Unasked::NamespaceMissing)
}

struct Asking<'a> {
    rules: &'a Rules,
    events: &'a dyn Observer,
    writer: Writer<'a>,
    owners: Owners<'a>,
    books: Mutex<Books>,
}

impl Asking<'_> {
    async fn ask(&self, item: &Item) {
        let answer = self.answer(item).await;
        let mut books = self.books();
        match answer {
            Ok(Created::New) => books.asked.taken += 1,
            Ok(Created::Exists { .. }) => books.asked.passed_over(&item.key, Unasked::Exists),
            // The whole is given up.
            Err(Trouble::Halted) => {}
            // The plan named it as failed.
            Err(Trouble::Source(_)) => books.asked.objects -= 1,
            Err(Trouble::Refused { error, .. }) if error.code().is_none() => {
                let step = format!("asking the server about {}", item.key);
                books.broken.get_or_insert(RunError::Cluster { step, source: error });
            }
            Err(Trouble::Refused { error, body, what }) => {
                let failed = failed(item.key.clone(), &error, &body, what);
                match acting(&error) {
                    Some(name) => books.asked.passed_over(&item.key, Unasked::WebhookActs(name)),
                    None => {
                        self.writer.barriers.tell(&failed);
                        books.refused.push(failed);
                    }
                }
            }
        }
        books.answers += 1;
        let done = books.answers;
        drop(books);
        if done.is_multiple_of(TELL_EVERY) {
            self.events.event(Event::Progress { what: "answers".to_owned(), done, total: None });
        }
    }

    async fn answer(&self, item: &Item) -> Result<Created, Trouble> {
        let source = item.source();
        let key = &item.key;
        let write = self.rules.prepare(&source)?;
        let uids = match &write.later {
            Some(later) => {
                let found = self.owners.find(key.namespace.as_deref(), later, false).await;
                found.map_err(|error| Trouble::Refused { error, body: Vec::new(), what: "its owners" })?
            }
            None => None,
        };
        let path =
            discovery::path(&item.admitted.kind, &item.admitted.kind.version, key.namespace.as_deref());
        let create = async |body| self.writer.would_take(&path, body).await;
        object::send(key, object::body(&write, uids.as_deref())?, &mut Vec::new(), create).await
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The webhook that does not let itself be asked, whatever was sent.
fn acting(error: &ApiError) -> Option<String> {
    match error {
        ApiError::Status { code: 400, message, .. } => acting_webhook(message).map(str::to_owned),
        _ => None,
    }
}

/// What was answered so far.
struct Books {
    asked: Asked,
    refused: Vec<Failed>,
    answers: u64,
    /// Objects that would be created and that others may need.
    coming: BTreeSet<ObjectKey>,
    broken: Option<RunError>,
}

impl Books {
    fn new(scope: Scope) -> Self {
        let (refused, coming) = (Vec::new(), BTreeSet::new());
        Self { asked: Asked::new(scope), refused, answers: 0, coming, broken: None }
    }

    /// Once every answer is there: what was refused only for want of an object that the restore makes was not asked.
    fn close(mut self) -> (Asked, Vec<Failed>) {
        let mut refused = Vec::new();
        for failed in self.refused {
            match lacking(&failed) {
                Some(lack) if lack.resource == "namespaces" => {
                    self.asked.passed_over(&failed.object, Unasked::NamespaceMissing);
                }
                Some(lack) if self.coming.contains(&lack) => {
                    self.asked.passed_over(&failed.object, Unasked::NeedsEarlier);
                }
                _ => refused.push(failed),
            }
        }
        refused.sort_by(|a, b| a.object.cmp(&b.object));
        self.asked.refused = refused.len() as u64;
        self.asked.sort();
        (self.asked, refused)
    }
}
