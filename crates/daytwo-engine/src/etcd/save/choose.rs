//! Which member a snapshot is taken from. A pure function of what was seen.
//!
//! A snapshot costs its member a read of the whole database: a follower bears it, the leader has all others wait. It
//! refuses learners, which may lack what the others have.

use std::cmp::Reverse;

use daytwo_core::etcd::{AlarmKind, Member, Observation, Status};

use super::super::error::EtcdError;

/// Raft entries that a follower may be behind and still be called up to date.
const CLOSE: u64 = 1_000;

/// The members to ask, the best first; or the one that is wanted, by name or id.
///
/// # Errors
/// [`EtcdError::Invalid`] where nobody answers, or the wanted one is unknown or does not.
pub fn candidates<'a>(seen: &'a Observation, wanted: Option<&str>) -> Result<Vec<&'a Member>, EtcdError> {
    if let Some(wanted) = wanted {
        let member = seen.members.iter().find(|m| m.name == wanted || m.id.to_string() == wanted);
        let names = || seen.members.iter().map(Member::title).collect::<Vec<_>>().join(", ");
        return match member {
            Some(member) if member.status().is_some() => Ok(vec![member]),
            Some(_) => Err(EtcdError::Invalid(format!("member {wanted} does not answer"))),
            None => Err(EtcdError::Invalid(format!("there is no member {wanted}: there are {}", names()))),
        };
    }
    let leads = seen.leader().and_then(Member::status).map_or(0, |status| status.index);
    let corrupt = |member: &Member| {
        let alarms = seen.alarms.iter().flatten();
        alarms.clone().any(|alarm| alarm.member == member.id && alarm.alarm == AlarmKind::Corrupt)
    };
    let rank = |member: &Member, status: &Status| {
        let behind = leads.saturating_sub(status.applied);
        let troubled = status.errors.iter().any(|error| !error.contains("alarm:NOSPACE"));
        let leader = status.leader == Some(member.id);
        // What makes it worse first; among equals the one that is furthest on.
        (
            corrupt(member),
            troubled || status.leader.is_none(),
            behind > CLOSE,
            leader,
            Reverse(status.applied),
        )
    };
    let mut able: Vec<_> = seen.statuses().filter(|(member, _)| !member.learner).collect();
    able.sort_by_key(|(member, status)| (rank(member, status), member.id));
    if able.is_empty() {
        let why = match seen.silent.first() {
            Some((_, why)) => why.clone(),
            None => "no member of the cluster answers".to_owned(),
        };
        return Err(EtcdError::Invalid(why));
    }
    Ok(able.into_iter().map(|(member, _)| member).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use daytwo_core::etcd::{Alarm, Id, Sight};

    fn seen() -> Observation {
        let member = |id: u64, applied: u64| Member {
            id: Id(id),
            name: format!("m{id}"),
            peer_urls: Vec::new(),
            client_urls: Vec::new(),
            learner: false,
            sight: Sight::Seen(Box::new(Status {
                leader: Some(Id(1)),
                index: applied,
                applied,
                ..Status::default()
            })),
        };
        let members = vec![member(1, 9_000), member(2, 8_990), member(3, 8_999)];
        Observation { members, alarms: Some(Vec::new()), ..Observation::nothing(Vec::new()) }
    }

    fn order(seen: &Observation) -> Vec<u64> {
        candidates(seen, None).unwrap().into_iter().map(|member| member.id.0).collect()
    }

    fn of(seen: &mut Observation, at: usize) -> &mut Status {
        match &mut seen.members[at].sight {
            Sight::Seen(status) => status,
            Sight::Unseen { .. } => panic!("not seen"),
        }
    }

    #[test]
    fn the_follower_that_is_furthest_on_comes_first_and_the_leader_last() {
        assert_eq!(order(&seen()), [3, 2, 1]);
    }

    #[test]
    fn a_follower_that_is_behind_or_in_trouble_comes_after_the_leader() {
        let mut seen = seen();
        of(&mut seen, 2).applied = 1_000;
        assert_eq!(order(&seen), [2, 1, 3]);
        of(&mut seen, 1).errors = vec!["etcdserver: something".into()];
        assert_eq!(order(&seen), [1, 3, 2]);
    }

    #[test]
    fn learners_and_the_unseen_are_never_asked_and_the_corrupt_last() {
        let mut seen = seen();
        seen.members[2].learner = true;
        assert_eq!(order(&seen), [2, 1]);
        seen.alarms = Some(vec![Alarm { member: Id(2), alarm: AlarmKind::Corrupt }]);
        assert_eq!(order(&seen), [1, 2]);
        seen.members[0].sight = Sight::Unseen { because: "gone".into() };
        assert_eq!(order(&seen), [2]);
    }

    #[test]
    fn the_wanted_one_is_asked_alone() {
        assert_eq!(candidates(&seen(), Some("m1")).unwrap()[0].id, Id(1));
        assert_eq!(candidates(&seen(), Some("2")).unwrap()[0].id, Id(2));
        let error = candidates(&seen(), Some("m9")).unwrap_err().to_string();
        assert!(error.contains("m1, m2, m3"), "{error}");
    }

    #[test]
    fn a_full_cluster_can_still_be_saved_from_a_follower() {
        let mut seen = seen();
        of(&mut seen, 2).errors = vec!["memberID:3 alarm:NOSPACE".into()];
        assert_eq!(order(&seen), [3, 2, 1]);
    }
}
