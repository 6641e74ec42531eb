//! Which backups a retention policy keeps, and why.
//!
//! Days, ISO weeks and months are those of UTC. It refuses to drop the newest backup that holds everything, whatever
//! the policy says, and drops nothing without a policy.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// How many backups to keep; several rules keep what any of them keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Policy {
    /// The newest so many.
    pub last: Option<NonZeroU32>,
    /// One for each of the newest so many days that have any.
    pub daily: Option<NonZeroU32>,
    /// One for each of the newest so many weeks that have any.
    pub weekly: Option<NonZeroU32>,
    /// One for each of the newest so many months that have any.
    pub monthly: Option<NonZeroU32>,
}

impl Policy {
    /// Whether it says nothing, so that everything is kept.
    pub fn is_empty(&self) -> bool {
        *self == Policy::default()
    }
}

/// What a backup is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grade {
    /// It holds everything that was wanted (`Completed`).
    Whole,
    /// Something wanted is missing (`PartiallyFailed`).
    Partial,
    /// Nothing can be restored from it (`Failed`, `FailedValidation`).
    Useless,
    /// It is not finished, or being deleted, or nobody knows.
    Unsettled,
}

/// A backup that a policy is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The backup's name.
    pub name: String,
    /// When it started.
    pub at: Timestamp,
    /// What it is worth.
    pub grade: Grade,
}

/// What becomes of the backups. Each list is in the order of time, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Those that stay, each with all reasons.
    pub keep: Vec<Kept>,
    /// Those that go.
    pub drop: Vec<Dropped>,
}

/// A backup that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The backup's name.
    pub name: String,
    /// Why, for a person.
    pub why: Vec<String>,
}

/// A backup that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// The backup's name.
    pub name: String,
    /// Why, for a person.
    pub why: &'static str,
}

/// Decides for each backup.
///
/// A day, week or month is stood for by its newest whole backup, or its newest partial one if none is whole; the
/// newest so many count partial ones as well. Always kept: the newest whole backup, whatever is not settled, and
/// useless ones newer than every other, since they tell that backups fail.
pub fn keep(backups: &[Candidate], policy: &Policy) -> Decision {
    let mut sorted: Vec<&Candidate> = backups.iter().collect();
    sorted.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| b.name.cmp(&a.name)));
    let mut why: Vec<Vec<String>> = vec![Vec::new(); sorted.len()];
    let usable: Vec<usize> = (0..sorted.len()).filter(|index| is_usable(sorted[*index].grade)).collect();

    if policy.is_empty() {
        why.iter_mut().for_each(|why| why.push("no policy: everything is kept".to_owned()));
    }
    for (rank, index) in usable.iter().take(count(policy.last)).enumerate() {
        why[*index].push(format!("number {} of the newest {}", rank + 1, count(policy.last)));
    }
    for (word, wanted, period) in [
        ("day", policy.daily, day as fn(Timestamp) -> String),
        ("week", policy.weekly, week),
        ("month", policy.monthly, month),
    ] {
        for (period, index) in periods(&sorted, &usable, period).into_iter().rev().take(count(wanted)) {
            let partial = if sorted[index].grade == Grade::Partial { ", which has no whole one" } else { "" };
            why[index].push(format!("the newest of {word} {period}{partial}"));
        }
    }
    if let Some(index) = usable.iter().find(|index| sorted[**index].grade == Grade::Whole) {
        why[*index].push("the newest whole backup".to_owned());
    }
    let newest_usable = usable.first().copied().unwrap_or(sorted.len());
    for (index, one) in sorted.iter().enumerate() {
        match one.grade {
            Grade::Unsettled => {
                why[index].push("not finished, or its state is not known".to_owned());
            }
            Grade::Useless if index < newest_usable => {
                why[index].push("failed, and no newer backup succeeded".to_owned());
            }
            _ => {}
        }
    }
    let mut decision = Decision::default();
    for (one, why) in sorted.into_iter().zip(why) {
        let name = one.name.clone();
        if !why.is_empty() {
            decision.keep.push(Kept { name, why });
            continue;
        }
        let failed = one.grade == Grade::Useless;
        let why = if failed { "failed, and a newer one succeeded" } else { "no rule keeps it" };
        decision.drop.push(Dropped { name, why });
    }
    decision
}

fn is_usable(grade: Grade) -> bool {
    matches!(grade, Grade::Whole | Grade::Partial)
}

fn count(wanted: Option<NonZeroU32>) -> usize {
    wanted.map_or(0, |wanted| usize::try_from(wanted.get()).unwrap_or(usize::MAX))
}

/// Which backup stands for each period.
fn periods(
    sorted: &[&Candidate],
    usable: &[usize],
    period: fn(Timestamp) -> String,
) -> BTreeMap<String, usize> {
    let mut periods: BTreeMap<String, usize> = BTreeMap::new();
    for index in usable {
        let one = sorted[*index];
        periods
            .entry(period(one.at))
            .and_modify(|chosen| {
                if sorted[*chosen].grade == Grade::Partial && one.grade == Grade::Whole {
                    *chosen = *index;
                }
            })
            .or_insert(*index);
    }
    periods
}

// Names whose order is that of time, for years 0 to 9999.
fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

fn week(at: Timestamp) -> String {
    let week = at.to_zoned(TimeZone::UTC).date().iso_week_date();
    format!("{:04}-W{:02}", week.year(), week.week())
}

fn month(at: Timestamp) -> String {
    let date = at.to_zoned(TimeZone::UTC).date();
    format!("{:04}-{:02}", date.year(), date.month())
}

#[cfg(test)]
mod tests;
