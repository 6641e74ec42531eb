use daytwo_core::plan::{API_VERSION, Fact, Impact, Kind, Phase, Place, SiteIdentity, Step};
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Action, Counts, Fates, Request, State, Wave};

use super::*;
use crate::event::Silent;

struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn clock(second: i64) -> At {
    At(at(second))
}

/// Short enough for a test, in the order that makes the lock hold.
const QUICK: Timing = Timing {
    checkpoint: Duration::from_millis(20),
    beat: Duration::from_millis(40),
    lease: Duration::from_millis(100),
    dead_after: Duration::from_millis(300),
};

fn plan(run: &str) -> Plan {
    Plan {
        api_version: API_VERSION.to_owned(),
        kind: Kind::Restore(Request { backup: "nightly".into(), ..Request::default() }),
        id: run.to_owned(),
        created: at(0),
        site: SiteIdentity {
            context: "c".into(),
            server: "https://h".into(),
            version: "v1".into(),
            uid: None,
        },
        facts: vec![Fact::new("backup", "nightly")],
        impact: Impact::default(),
        phases: vec![Phase {
            name: "config".into(),
            steps: vec![
                Step::CreateObjects { wave: Wave::Config, objects: 3 },
                Step::CreateObjects { wave: Wave::Services, objects: 1 },
            ],
        }],
    }
}

const FIRST: Place = Place { phase: 0, step: 0 };
const SECOND: Place = Place { phase: 0, step: 1 };

async fn begin(location: &Location, holder: &str) -> Result<Journal, JournalError> {
    Journal::begin(location, plan("run-1"), Tally::default(), holder, QUICK, at(1)).await
}

async fn take(location: &Location, holder: &str) -> Result<Journal, JournalError> {
    Journal::take(location, "run-1", holder, QUICK, &clock(9), &Silent).await
}

fn tally(created: u64) -> Tally {
    let mut tally = Tally::default();
    for _ in 0..created {
        tally.count("configmaps", Action::Created);
    }
    tally
}

#[tokio::test]
async fn what_was_done_is_read_back() {
    let location = Location::memory();
    let mut journal = begin(&location, "one").await.unwrap();
    journal.append(Entry::Began { step: FIRST }, at(2)).await.unwrap();
    journal
        .append(Entry::Checkpoint { step: FIRST, through: 7, tally: tally(5), fates: fates(0, 5) }, at(3))
        .await
        .unwrap();
    let read = Journal::read(&location, "run-1").await.unwrap();
    assert_eq!(&read, journal.recorded());
    assert_eq!((read.next_step(), read.through(FIRST)), (Some(FIRST), 7));
    assert_eq!((read.began, read.last, read.holder.as_str()), (at(1), at(3), "one"));
    journal
        .append(Entry::Ended { step: FIRST, tally: tally(2), wave: None, fates: fates(7, 9) }, at(4))
        .await
        .unwrap();
    let read = Journal::read(&location, "run-1").await.unwrap();
    assert_eq!((read.next_step(), read.through(SECOND)), (Some(SECOND), 0));
    assert_eq!(read.tally.counts(), Counts { created: 7, ..Counts::default() });
    let told: Vec<u64> = (0..12).filter(|number| read.fates[&Wave::Config].of(*number).is_some()).collect();
    assert_eq!(told, (0..9).collect::<Vec<_>>(), "the stretch between two checkpoints holds no other object");
}

fn fates(from: u64, to: u64) -> Fates {
    let mut fates = Fates::default();
    (from..to).for_each(|number| fates.push(number, Action::Created));
    fates
}

#[tokio::test]
async fn a_step_begun_again_goes_on_where_it_was() {
    let location = Location::memory();
    let mut journal = begin(&location, "one").await.unwrap();
    journal.append(Entry::Began { step: FIRST }, at(2)).await.unwrap();
    journal
        .append(
            Entry::Checkpoint { step: FIRST, through: 7, tally: Tally::default(), fates: Fates::default() },
            at(3),
        )
        .await
        .unwrap();
    journal.append(Entry::Began { step: FIRST }, at(4)).await.unwrap();
    assert_eq!(journal.recorded().through(FIRST), 7);
}

#[tokio::test]
async fn two_runs_of_one_name_are_refused_and_the_holder_is_named() {
    for location in [Location::memory(), folder()] {
        begin(&location, "one").await.unwrap();
        let error = begin(&location, "two").await.unwrap_err();
        let JournalError::Held { holder, since, .. } = &error else { panic!("{error}") };
        assert_eq!((holder.as_str(), *since), ("one", at(1)));
        assert!(error.to_string().contains("held by one since 1970-01-01T00:00:01Z"), "{error}");
    }
}

fn folder() -> Location {
    let folder = tempfile::tempdir().unwrap().keep();
    Location::open(folder.to_str().unwrap(), &daytwo_archive::LocationOptions::default()).unwrap()
}

#[tokio::test]
async fn of_many_that_take_over_at_once_one_wins() {
    for location in [Location::memory(), folder()] {
        let seen = begin(&location, "dead").await.unwrap().recorded().clone();
        let holders: Vec<String> = (0..16).map(|n| format!("runner {n}")).collect();
        let tries =
            holders.iter().map(|holder| Journal::seize(&location, seen.clone(), holder, QUICK, at(9)));
        let taken = futures::future::join_all(tries).await;
        let winners: Vec<_> = taken.iter().flatten().collect();
        assert_eq!(winners.len(), 1);
        for error in taken.iter().filter_map(|result| result.as_ref().err()) {
            let JournalError::Held { holder, .. } = error else { panic!("{error}") };
            assert_eq!(*holder, winners[0].holder);
        }
    }
}

#[tokio::test]
async fn a_dead_holder_is_taken_over_and_finds_out_if_it_was_not_dead() {
    let location = Location::memory();
    let mut first = begin(&location, "one").await.unwrap();
    let second = take(&location, "two").await.unwrap();
    assert_eq!((second.recorded().holder.as_str(), second.recorded().since), ("two", at(9)));
    assert!(!first.lease().holds(), "an act of the first could still start");
    let error = first.append(Entry::Beat, at(10)).await.unwrap_err();
    assert!(matches!(&error, JournalError::Held { holder, .. } if holder == "two"), "{error}");
}

#[tokio::test]
async fn a_living_holder_is_not_taken_over() {
    let location = Location::memory();
    let mut first = begin(&location, "one").await.unwrap();
    let beats = async {
        for beat in 0..40 {
            sleep(QUICK.beat).await;
            if first.append(Entry::Beat, at(2 + beat)).await.is_err() {
                panic!("the living holder lost its run");
            }
        }
    };
    let error = tokio::select! {
        () = beats => panic!("the second runner neither took the run nor was refused"),
        taken = take(&location, "two") => taken.unwrap_err(),
    };
    assert!(matches!(&error, JournalError::Held { holder, .. } if holder == "one"), "{error}");
}

#[tokio::test]
async fn a_run_that_was_let_go_is_taken_at_once() {
    let location = Location::memory();
    let mut first = begin(&location, "one").await.unwrap();
    let stopped = Entry::Stopped { because: "it was interrupted".into(), stands: vec!["x".into()] };
    first.append(stopped, at(2)).await.unwrap();
    let patient = Timing { dead_after: Duration::from_secs(3600), ..QUICK };
    let second = Journal::take(&location, "run-1", "two", patient, &clock(9), &Silent).await.unwrap();
    assert_eq!(second.recorded().holder, "two");
    assert_eq!(second.recorded().stopped, None);
}

#[tokio::test]
async fn a_run_that_ended_is_not_begun_again() {
    let location = Location::memory();
    let mut journal = begin(&location, "one").await.unwrap();
    journal.append(Entry::Finished, at(5)).await.unwrap();
    assert!(matches!(take(&location, "two").await.unwrap_err(), JournalError::Ended { .. }));
    assert!(matches!(begin(&location, "two").await.unwrap_err(), JournalError::Exists { .. }));
}

fn volumes(run: &str) -> Plan {
    let mut plan = plan(run);
    let wait = jiff::SignedDuration::from_secs(1);
    let steps = vec![Step::BindOwners { last: true }, Step::RestoreReclaimPolicies { deadline: wait }];
    plan.phases.insert(0, Phase { name: "before".into(), steps: vec![Step::BindOwners { last: false }] });
    plan.phases.push(Phase { name: "after".into(), steps });
    plan
}

#[tokio::test]
async fn a_run_that_is_given_up_goes_on_with_what_releases_and_is_not_resumed() {
    let location = Location::memory();
    let begun = Journal::begin(&location, volumes("run-1"), Tally::default(), "one", QUICK, at(1)).await;
    let mut journal = begun.unwrap();
    let place = |phase, step| Place { phase, step };
    journal.append(Entry::Began { step: place(0, 0) }, at(2)).await.unwrap();
    let ended = |step| Entry::Ended { step, tally: Tally::default(), wave: None, fates: Fates::default() };
    journal.append(ended(place(0, 0)), at(3)).await.unwrap();
    journal.append(Entry::Began { step: place(1, 0) }, at(4)).await.unwrap();
    journal.append(Entry::Aborting { because: "wrong backup".into() }, at(5)).await.unwrap();
    assert_eq!(journal.recorded().next_step(), Some(place(2, 0)), "only what releases is left");
    journal.append(ended(place(2, 0)), at(6)).await.unwrap();
    let read = Journal::read(&location, "run-1").await.unwrap();
    assert_eq!(read.next_step(), Some(place(2, 1)));
    let done: Vec<bool> = read.plan.steps().map(|(at, _)| read.is_done(at)).collect();
    assert_eq!(done, [true, false, false, true, false], "what was passed over is not done");
    assert!(matches!(read.state(), State::Stopped { .. }), "it is not over yet");
    journal.append(ended(place(2, 1)), at(7)).await.unwrap();
    assert_eq!(journal.recorded().next_step(), None);
    let (because, stands) = ("wrong backup".to_owned(), vec!["x".to_owned()]);
    let over = Entry::Aborted { because: because.clone(), stands: stands.clone() };
    journal.append(over, at(8)).await.unwrap();
    let read = Journal::read(&location, "run-1").await.unwrap();
    assert_eq!((read.ended, read.state()), (Some(at(8)), State::Aborted { because, stands }));
    assert!(matches!(take(&location, "two").await.unwrap_err(), JournalError::Ended { .. }));
}

#[tokio::test]
async fn what_is_kept_beside_the_records_is_no_record() {
    let location = Location::memory();
    let mut journal = begin(&location, "one").await.unwrap();
    location.put(&format!("{}report.json", super::folder("run-1")), Bytes::from_static(b"{}")).await.unwrap();
    journal.append(Entry::Beat, at(2)).await.unwrap();
    assert_eq!(Journal::read(&location, "run-1").await.unwrap().next, 2);
}

#[tokio::test]
async fn a_record_whose_answer_was_lost_is_our_own() {
    let location = Location::memory();
    let mut journal = begin(&location, "one").await.unwrap();
    let arrived = Record::new("run-1", 1, at(2), "one", Entry::Beat);
    location.create(&key("run-1", 1), serde_json::to_vec(&arrived).unwrap().into()).await.unwrap();
    journal.append(Entry::Beat, at(2)).await.unwrap();
    journal.append(Entry::Beat, at(3)).await.unwrap();
    assert_eq!(Journal::read(&location, "run-1").await.unwrap().last, at(3));
}

#[tokio::test]
async fn a_journal_with_a_gap_or_garbage_is_not_trusted() {
    let location = Location::memory();
    let mut journal = begin(&location, "one").await.unwrap();
    journal.append(Entry::Beat, at(2)).await.unwrap();
    journal.append(Entry::Beat, at(3)).await.unwrap();
    location.delete(&key("run-1", 1)).await.unwrap();
    let error = Journal::read(&location, "run-1").await.unwrap_err();
    assert!(error.to_string().contains("runs/run-1/1.json"), "{error}");
    location.put(&key("run-1", 1), Bytes::from_static(b"{}")).await.unwrap();
    assert!(matches!(Journal::read(&location, "run-1").await.unwrap_err(), JournalError::Corrupt { .. }));
}

#[tokio::test]
async fn a_run_nobody_began_and_a_name_that_leads_elsewhere_are_refused() {
    let location = folder();
    for location in [&Location::memory(), &location] {
        assert!(matches!(take(location, "two").await.unwrap_err(), JournalError::NotFound { .. }));
    }
    for name in ["../x", "a/b", "", "A", "-a", "a..b"] {
        let error = Journal::read(&location, name).await.unwrap_err();
        assert!(matches!(error, JournalError::Invalid(_)), "{name:?}: {error}");
    }
}

#[test]
fn records_hold_names_and_reasons_in_a_form_that_says_its_version() {
    let object = ObjectKey { resource: "secrets".into(), namespace: Some("a".into()), name: "s".into() };
    let mut tally = Tally::default();
    tally.differs(object);
    let record = Record::new(
        "r",
        4,
        at(0),
        "h",
        Entry::Checkpoint { step: FIRST, through: 1, tally, fates: fates(3, 5) },
    );
    assert_eq!(
        serde_json::to_string(&record).unwrap(),
        r#"{"apiVersion":"daytwo.dev/v1alpha1","kind":"JournalRecord","run":"r","n":4,"at":"1970-01-01T00:00:00Z","holder":"h","says":"checkpoint","step":{"phase":0,"step":0},"through":1,"tally":{"resources":{"secrets":{"created":0,"same":0,"differs":1,"merged":0,"skipped":0,"failed":0}},"differing":[{"resource":"secrets","namespace":"a","name":"s"}]},"fates":[[3,4,"created"]]}"#
    );
}
