//! Creates what the backup holds of one wave: streams the backup, and writes many objects at a time.
//!
//! It looks first (lists of the wave's kinds), so that what is there costs no request; what appears meanwhile is
//! found by the create itself. One bad object never stops the others. It refuses to keep more objects in memory than
//! are being written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use daytwo_archive::Entries;
use daytwo_core::resource::ResourceType;
use daytwo_core::restore::order::may_hold;
use daytwo_core::restore::{Skip, Verdict, Wave, WaveReport};
use futures::stream::{self, StreamExt};
use tokio::time::Instant;

use super::object::Objects;
use super::outcome::Outcome;
use super::{endpoints, is_webhook_configuration};
use crate::advance::{Act, Carried, RunError};
use crate::event::Event;
use crate::restore::{Admitted, Door, Live, Look};

/// Progress is told after this many objects.
const TELL_EVERY: u64 = 100;

/// Creates the objects of `wave`, of which the plan counted `expected`.
pub(super) async fn create(wave: Wave, expected: u64, act: &Act<'_>) -> Result<Carried, RunError> {
    let world = act.world;
    let begun = Instant::now();
    let cluster = |source| RunError::Cluster { step: format!("restoring {wave}"), source };
    let client = world.site.client();
    let kinds = world.rules.census().kinds_of(wave);
    let live = Live::see(client, world.rules, &kinds, Look::Before).await.map_err(cluster)?;
    for (resource, error) in &live.unseen {
        let note = format!("{resource} cannot be listed, so each is tried by itself: {error}");
        world.events.event(Event::Note(note));
    }
    let unready = match wave {
        Wave::Webhooks => endpoints::unready(act).await.map_err(cluster)?,
        _ => BTreeSet::new(),
    };
    let objects = Objects::new(act, live, Some(wave));
    let ledger = Ledger::new(act, expected);
    let broken = Mutex::new(None);
    let entries = world.backup.entries().await?;
    let last = world.rules.census().last_of(wave);
    let reader = Reader {
        act,
        wave,
        ledger: &ledger,
        unready,
        door: Door::new(world.rules.target()),
        last,
        entries,
        broken: &broken,
    };
    let items = stream::unfold(reader, |mut reader| async move {
        let item = reader.next().await?;
        let pass = reader.act.enter().await?;
        Some(((item, pass), reader))
    });
    items
        .for_each_concurrent(world.rules.request().in_flight(), |(item, pass)| {
            let (objects, ledger) = (&objects, &ledger);
            async move {
                let _pass = pass;
                if let Some(outcome) = objects.write(&item.admitted.source()).await {
                    ledger.done(item.number, item.admitted.kind, outcome);
                }
            }
        })
        .await;
    if let Some(error) = broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let report = WaveReport { wave, objects: ledger.finish(), seconds };
    Ok(Carried { wave: Some(report), stopped: act.halt.is_cancelled() })
}

/// An object on its way, with its number in the archive.
struct Item {
    admitted: Admitted,
    number: u64,
}

/// Reads the backup for the objects of one wave.
struct Reader<'a> {
    act: &'a Act<'a>,
    wave: Wave,
    ledger: &'a Ledger<'a>,
    unready: BTreeSet<String>,
    door: Door<'a>,
    /// The number of the last object that may belong to the wave: what follows need not be read.
    last: Option<u64>,
    entries: Entries,
    /// Why it ended early.
    broken: &'a Mutex<Option<RunError>>,
}

impl Reader<'_> {
    async fn next(&mut self) -> Option<Item> {
        loop {
            if self.act.halt.is_cancelled() || self.last.is_none_or(|last| self.ledger.next() > last) {
                return None;
            }
            let entry = match self.entries.next().await {
                Ok(entry) => entry?,
                Err(error) => {
                    *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.into());
                    return None;
                }
            };
            let number = self.ledger.read();
            if number < self.act.from {
                continue;
            }
            let admitted = self.door.admit(entry);
            // What stays behind was counted with the plan too.
            if admitted.stays_behind() || !may_hold(self.wave, &admitted.kind.group_resource()) {
                continue;
            }
            let item = Item { admitted, number };
            // Objects that no wave takes were counted with the plan.
            if !matches!(self.act.world.rules.judge(&item.admitted.source()), Ok(Verdict::Take(wave)) if wave == self.wave)
            {
                continue;
            }
            self.ledger.begin(number);
            match self.held_back(&item) {
                Some(outcome) => self.ledger.done(number, item.admitted.kind, outcome),
                None => return Some(item),
            }
        }
    }

    /// What becomes of a webhook that would refuse every write, as nothing answers for it.
    fn held_back(&self, item: &Item) -> Option<Outcome> {
        if !is_webhook_configuration(self.wave, &item.admitted.kind.group_resource()) {
            return None;
        }
        let (rules, source) = (self.act.world.rules, item.admitted.source());
        match rules.backends(&source) {
            Ok(services) if services.iter().any(|service| self.unready.contains(service)) => {
                Some(Outcome::skipped(rules.key(&source), Skip::BackendNotReady))
            }
            Ok(_) => None,
            Err(error) => Some(Outcome::unfit(rules.key(&source), &error)),
        }
    }
}

/// Knows which objects of the archive are dealt with, while many are written at a time. What came of them is told in
/// the archive's order, so that a checkpoint tells of exactly what stands before its number.
struct Ledger<'a> {
    act: &'a Act<'a>,
    expected: u64,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    /// Objects read, of whatever wave.
    read: u64,
    /// Objects of this wave that ended.
    done: u64,
    under_way: BTreeSet<u64>,
    /// Objects that ended before one that was begun earlier.
    ahead: BTreeMap<u64, (Arc<ResourceType>, Outcome)>,
}

impl<'a> Ledger<'a> {
    fn new(act: &'a Act<'a>, expected: u64) -> Self {
        Self { act, expected, books: Mutex::default() }
    }

    /// The number of the object that is read next.
    fn next(&self) -> u64 {
        self.books().read
    }

    /// The number of the object that was read just now.
    fn read(&self) -> u64 {
        let mut books = self.books();
        books.read += 1;
        books.read - 1
    }

    fn begin(&self, number: u64) {
        self.books().under_way.insert(number);
    }

    fn done(&self, number: u64, kind: Arc<ResourceType>, outcome: Outcome) {
        let mut books = self.books();
        books.under_way.remove(&number);
        books.ahead.insert(number, (kind, outcome));
        books.done += 1;
        let done = books.done;
        self.settle(&mut books);
        drop(books);
        if done.is_multiple_of(TELL_EVERY) {
            self.tell(done);
        }
    }

    /// Tells what came of everything before the first object that is under way.
    fn settle(&self, books: &mut Books) {
        let through = books.under_way.first().copied().unwrap_or(books.read);
        let rest = books.ahead.split_off(&through);
        let settled = std::mem::replace(&mut books.ahead, rest);
        self.act.dealt_with(through, |tally| {
            for (kind, outcome) in settled.into_values() {
                outcome.add_to(&kind.group_resource(), tally);
            }
        });
    }

    /// The end of the wave: how many objects it wrote, or found.
    fn finish(&self) -> u64 {
        let mut books = self.books();
        self.settle(&mut books);
        let done = books.done;
        drop(books);
        self.tell(done);
        done
    }

    fn tell(&self, done: u64) {
        let total = Some(self.expected.max(done)).filter(|_| self.act.from == 0);
        self.act.world.events.event(Event::Progress { what: "objects".to_owned(), done, total });
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
