use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn backup(at: &str, grade: Grade) -> Candidate {
    Candidate { name: at.to_owned(), at: format!("{at}:00:00Z").parse().unwrap(), grade }
}

fn policy(last: u32, daily: u32, weekly: u32, monthly: u32) -> Policy {
    let [last, daily, weekly, monthly] = [last, daily, weekly, monthly].map(NonZeroU32::new);
    Policy { last, daily, weekly, monthly }
}

fn kept(backups: &[Candidate], policy: Policy) -> Vec<String> {
    keep(backups, &policy).keep.into_iter().map(|kept| kept.name).collect()
}

use Grade::{Partial, Unsettled, Useless, Whole};

#[test]
fn the_newest_so_many_stay() {
    let backups = ["2026-03-01T01", "2026-03-03T01", "2026-03-02T01"].map(|at| backup(at, Whole));
    assert_eq!(kept(&backups, policy(2, 0, 0, 0)), ["2026-03-03T01", "2026-03-02T01"]);
    let decision = keep(&backups, &policy(2, 0, 0, 0));
    assert_eq!(decision.keep[0].why, ["number 1 of the newest 2", "the newest whole backup"]);
    assert_eq!(decision.drop, [Dropped { name: "2026-03-01T01".into(), why: "no rule keeps it" }]);
}

#[test]
fn days_weeks_and_months_are_those_of_utc() {
    let backups = [
        "2025-12-28T23",
        "2025-12-29T00",
        "2026-01-04T23",
        "2026-01-05T00",
        "2026-01-05T23",
        "2026-01-31T23",
        "2026-02-01T00",
    ]
    .map(|at| backup(at, Whole));
    assert_eq!(kept(&backups, policy(0, 3, 0, 0)), ["2026-02-01T00", "2026-01-31T23", "2026-01-05T23"]);
    // The first of February is a Sunday: week 5; the ISO year 2026 begins on 29 December.
    assert_eq!(kept(&backups, policy(0, 0, 3, 0)), ["2026-02-01T00", "2026-01-05T23", "2026-01-04T23"]);
    assert_eq!(kept(&backups, policy(0, 0, 0, 3)), ["2026-02-01T00", "2026-01-31T23", "2025-12-29T00"]);
    assert_eq!(keep(&backups, &policy(0, 0, 1, 0)).keep[0].why[0], "the newest of week 2026-W05");
}

#[test]
fn a_whole_backup_stands_for_its_day_before_a_newer_partial_one() {
    let backups =
        [backup("2026-03-02T01", Whole), backup("2026-03-02T09", Partial), backup("2026-03-01T01", Partial)];
    assert_eq!(kept(&backups, policy(0, 2, 0, 0)), ["2026-03-02T01", "2026-03-01T01"]);
    let decision = keep(&backups, &policy(0, 2, 0, 0));
    assert_eq!(decision.keep[1].why, ["the newest of day 2026-03-01, which has no whole one"]);
}

#[test]
fn the_newest_whole_backup_is_never_dropped() {
    let backups = [
        backup("2026-01-01T01", Whole),
        backup("2026-03-01T01", Partial),
        backup("2026-03-02T01", Partial),
        backup("2025-01-01T01", Whole),
    ];
    assert_eq!(kept(&backups, policy(1, 0, 0, 0)), ["2026-03-02T01", "2026-01-01T01"]);
}

#[test]
fn failed_backups_go_unless_they_are_the_news() {
    let backups = [
        backup("2026-03-01T01", Useless),
        backup("2026-03-02T01", Whole),
        backup("2026-03-03T01", Useless),
        backup("2026-02-01T01", Unsettled),
    ];
    let decision = keep(&backups, &policy(9, 9, 9, 9));
    assert_eq!(
        decision.drop,
        [Dropped { name: "2026-03-01T01".into(), why: "failed, and a newer one succeeded" }]
    );
    assert_eq!(decision.keep[0].why, ["failed, and no newer backup succeeded"]);
    assert_eq!(decision.keep[2].name, "2026-02-01T01");
}

#[test]
fn without_a_policy_everything_stays() {
    let backups = [backup("2026-03-01T01", Useless), backup("2026-03-02T01", Whole)];
    assert_eq!(kept(&backups, Policy::default()).len(), 2);
    assert!(keep(&[], &policy(1, 1, 1, 1)).keep.is_empty());
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let grade = prop_oneof![4 => Just(Whole), 2 => Just(Partial), 1 => Just(Useless), 1 => Just(Unsettled)];
    prop::collection::vec((0_i64..60 * 24, grade), 0..40).prop_map(|all| {
        let first = 1_766_000_000;
        let one = |(index, (hours, grade)): (usize, (i64, Grade))| Candidate {
            name: format!("b{index}"),
            at: Timestamp::from_second(first + hours * 3600).unwrap(),
            grade,
        };
        all.into_iter().enumerate().map(one).collect()
    })
}

proptest! {
    #[test]
    fn every_backup_is_kept_or_dropped_and_the_newest_whole_one_kept(
        backups in candidates(), (a, b, c, d) in (0_u32..4, 0_u32..4, 0_u32..4, 0_u32..4),
    ) {
        let policy = policy(a, b, c, d);
        let decision = keep(&backups, &policy);
        let stay: BTreeSet<&str> = decision.keep.iter().map(|kept| kept.name.as_str()).collect();
        let go: BTreeSet<&str> = decision.drop.iter().map(|dropped| dropped.name.as_str()).collect();
        prop_assert_eq!(stay.len() + go.len(), backups.len());
        prop_assert!(stay.is_disjoint(&go));
        prop_assert!(decision.keep.iter().all(|kept| !kept.why.is_empty()));
        let newest = backups.iter().filter(|one| one.grade == Whole).map(|one| one.at).max();
        if let Some(newest) = newest {
            prop_assert!(backups.iter().any(|one| one.grade == Whole && one.at == newest && stay.contains(one.name.as_str())));
        }
        prop_assert!(backups.iter().all(|one| one.grade != Unsettled || stay.contains(one.name.as_str())));
    }

    #[test]
    fn pruning_twice_drops_nothing_more(backups in candidates(), (a, b, c, d) in (0_u32..4, 0_u32..4, 0_u32..4, 0_u32..4)) {
        let policy = policy(a, b, c, d);
        let stay: BTreeSet<String> = kept(&backups, policy).into_iter().collect();
        let left: Vec<Candidate> = backups.into_iter().filter(|one| stay.contains(&one.name)).collect();
        prop_assert_eq!(keep(&left, &policy).drop, []);
    }

    #[test]
    fn a_wider_policy_keeps_no_less(backups in candidates(), (a, b, c, d) in (1_u32..4, 1_u32..4, 1_u32..4, 1_u32..4), more in 0_u32..3) {
        let narrow: BTreeSet<String> = kept(&backups, policy(a, b, c, d)).into_iter().collect();
        let wide: BTreeSet<String> = kept(&backups, policy(a + more, b, c + more, d)).into_iter().collect();
        prop_assert!(narrow.is_subset(&wide));
    }
}
