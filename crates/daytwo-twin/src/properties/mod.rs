//! What holds after any sequence of writes: revisions rise, watches replay to lists, garbage goes and nothing else does.
//!
//! It runs the API itself, in process; what it cannot see is whether the rules it checks are the real server's: the contract
//! of the API asks that one, call by call.

mod garbage;
mod replay;
mod steps;
mod world;

use proptest::prelude::*;

use steps::Step;
use world::World;

/// How many sequences are tried.
fn cases() -> ProptestConfig {
    let long = std::env::var_os("DAYTWO_LONG").is_some_and(|value| value != "0");
    ProptestConfig {
        cases: if long { 4_000 } else { 96 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    /// Each revision is one event's, each event's object says its own revision.
    #[test]
    fn every_write_has_a_revision_of_its_own(steps in steps::some()) {
        let world = World::new();
        for step in &steps {
            let before = world.revision();
            world.take(step);
            let inner = world.api.read();
            let mut last = before;
            for event in inner.store.history().after(before) {
                prop_assert_eq!(event.revision, last + 1);
                prop_assert_eq!(event.stored.revision, event.revision);
                let said = event.stored.text_at(&["metadata", "resourceVersion"]);
                prop_assert_eq!(said, Some(event.revision.to_string()));
                last = event.revision;
            }
            prop_assert_eq!(last, inner.store.revision());
        }
    }

    /// A list of then, asked for now, is what the list was then; and a watch from then on makes it the list of now.
    #[test]
    fn the_past_is_what_it_was_and_a_watch_leads_to_the_present(steps in steps::some()) {
        let world = World::new();
        let mut seen = vec![replay::Seen::now(&world)];
        for step in &steps {
            world.take(step);
            seen.push(replay::Seen::now(&world));
        }
        let now = seen.last().expect("invariant: begun with one");
        for then in &seen {
            then.is_remembered(&world)?;
            then.replays_to(now, &world)?;
        }
        replay::a_fresh_watch_is_a_list(&world)?;
    }

    #[test]
    fn garbage_goes_and_nothing_that_is_owned(steps in steps::some()) {
        let world = World::new();
        for step in &steps {
            let (before, revision) = (world.objects(), world.revision());
            world.take(step);
            garbage::check(&world, step, &before, revision)?;
        }
        // With nothing left to hold them, namespaces end, and end empty.
        for step in Step::ending() {
            world.take(&step);
        }
        for object in world.objects().values() {
            prop_assert_eq!(object.namespace(), None, "{} is left", object.key);
        }
    }
}
