//! Looks at every member of a cluster, also at those that were not named. Refuses to guess: who does not answer is
//! reported as not seen, with the reason.

use std::collections::{BTreeMap, BTreeSet};

use daytwo_core::etcd::{Alarm, Id, Member, Observation, Read, Sight, Status};
use futures::future::join_all;
use tokio::time::Instant;

use super::access::Access;
use super::client::{self, Client};
use super::error::EtcdError;
use super::generated::{self, StatusResponse};

/// An endpoint that answered.
struct Answer {
    client: Client,
    status: StatusResponse,
    answered_ms: u64,
}

/// What is to be seen of the cluster that `access` leads to. Members that its list names and that are at none of the
/// endpoints given are asked at their own client URLs.
///
/// # Errors
/// [`EtcdError::Invalid`] for endpoints and certificates that cannot be used. That nobody answers is no error.
pub async fn observe(access: &Access) -> Result<Observation, EtcdError> {
    let mut silent = Vec::new();
    let mut strangers = Vec::new();
    let mut answers: Vec<Answer> = Vec::new();
    for (endpoint, asked) in
        access.endpoints.iter().zip(join_all(access.endpoints.iter().map(|e| ask(access, e))).await)
    {
        match asked {
            Ok(answer) => answers.push(answer),
            Err(error @ EtcdError::Invalid(_)) => return Err(error),
            Err(error) => silent.push((endpoint.clone(), error.to_string())),
        }
    }
    let Some(cluster) = answers.iter().max_by_key(|answer| answer.status.raft_term).map(Answer::cluster)
    else {
        return Ok(Observation::nothing(silent));
    };
    answers.retain(|answer| {
        let ours = answer.cluster() == cluster;
        if !ours {
            strangers.push((answer.client.endpoint().to_owned(), answer.cluster()));
        }
        ours
    });
    let listed = list(&answers).await;
    let mut seen: BTreeMap<Id, Answer> = BTreeMap::new();
    for answer in answers {
        seen.entry(answer.member()).or_insert(answer);
    }
    let unseen = look_for(access, &listed, &mut seen, cluster, &mut silent).await;
    let (alarms, statuses) = futures::join!(alarms(&seen), statuses(&seen));
    let mut members: Vec<Member> =
        listed.into_iter().map(|member| listed_member(member, &statuses, &unseen)).collect();
    members.sort_by_key(|member| member.id);
    Ok(Observation { cluster: Some(cluster), members, alarms, silent, strangers })
}

impl Answer {
    fn cluster(&self) -> Id {
        Id(self.status.header.map(|header| header.cluster_id).unwrap_or_default())
    }

    fn member(&self) -> Id {
        Id(self.status.header.map(|header| header.member_id).unwrap_or_default())
    }
}

async fn ask(access: &Access, endpoint: &str) -> Result<Answer, EtcdError> {
    let client = Client::connect(access, endpoint).await?;
    // Once without counting: the first call makes the connection.
    client.status().await?;
    let since = Instant::now();
    let status = client.status().await?;
    Ok(Answer { client, status, answered_ms: millis(since) })
}

/// The members, as the one that is furthest on knows them.
async fn list(answers: &[Answer]) -> Vec<generated::Member> {
    let mut by_index: Vec<&Answer> = answers.iter().collect();
    by_index.sort_by_key(|answer| std::cmp::Reverse(answer.status.raft_applied_index));
    for answer in by_index {
        match answer.client.members().await {
            Ok(members) => return members,
            Err(error) => tracing::debug!(%error, "no list of members"),
        }
    }
    // Who answers belongs to it, whatever its name is.
    let alone = |answer: &Answer| generated::Member {
        id: answer.member().0,
        client_urls: vec![answer.client.endpoint().to_owned()],
        ..generated::Member::default()
    };
    answers.iter().map(alone).collect()
}

/// Asks listed members that were not seen yet at their own URLs, and returns why those that stay unseen do.
async fn look_for(
    access: &Access,
    listed: &[generated::Member],
    seen: &mut BTreeMap<Id, Answer>,
    cluster: Id,
    silent: &mut Vec<(String, String)>,
) -> BTreeMap<Id, String> {
    let mut unseen = BTreeMap::new();
    let urls: BTreeSet<String> =
        listed.iter().flat_map(|member| &member.client_urls).map(|url| access.url(url)).collect();
    let missing: Vec<&generated::Member> = listed.iter().filter(|m| !seen.contains_key(&Id(m.id))).collect();
    let asked = missing.iter().map(|member| async {
        let mut why = "it has no client URL, as it has never started".to_owned();
        for url in &member.client_urls {
            match ask(access, url).await {
                Ok(answer) if answer.member() == Id(member.id) && answer.cluster() == cluster => {
                    return Ok(answer);
                }
                Ok(answer) => why = format!("at {url} there is member {} instead", answer.member()),
                Err(error) => why = error.to_string(),
            }
        }
        Err(why)
    });
    for (member, asked) in missing.iter().zip(join_all(asked).await) {
        match asked {
            Ok(answer) => {
                seen.insert(Id(member.id), answer);
            }
            Err(why) => {
                unseen.insert(Id(member.id), why);
            }
        }
    }
    // An endpoint of a listed member is told with that member.
    silent.retain(|(endpoint, _)| !urls.contains(&access.url(endpoint)));
    unseen
}

/// Every member's status, with how long a read with a quorum takes through it.
async fn statuses(seen: &BTreeMap<Id, Answer>) -> BTreeMap<Id, Status> {
    let each = seen.iter().map(|(id, answer)| async move {
        let since = Instant::now();
        let read = match answer.client.read().await {
            Ok(()) => Read::TookMs(millis(since)),
            Err(error) => Read::Failed(error.to_string()),
        };
        (*id, status(answer, read))
    });
    join_all(each).await.into_iter().collect()
}

/// A member's answer in the core's terms. What etcd sends as a signed number is never negative.
fn status(answer: &Answer, read: Read) -> Status {
    let said = &answer.status;
    let bytes = |signed: i64| u64::try_from(signed).unwrap_or(0);
    Status {
        endpoint: answer.client.endpoint().to_owned(),
        version: said.version.clone(),
        storage_version: said.storage_version.clone(),
        leader: Some(Id(said.leader)).filter(|leader| leader.0 != 0),
        term: said.raft_term,
        index: said.raft_index,
        applied: said.raft_applied_index,
        revision: said.header.map(|header| header.revision).unwrap_or_default(),
        db_size: bytes(said.db_size),
        in_use: bytes(said.db_size_in_use),
        quota: Some(bytes(said.db_size_quota)).filter(|quota| *quota > 0),
        errors: said.errors.iter().map(|error| error.trim().to_owned()).collect(),
        answered_ms: answer.answered_ms,
        read,
    }
}

/// Alarms by the call for them, which needs a quorum and the role root; else as members tell of them in their status.
async fn alarms(seen: &BTreeMap<Id, Answer>) -> Option<Vec<Alarm>> {
    let mut raised = None;
    for answer in seen.values().filter(|answer| answer.status.leader != 0) {
        match answer.client.alarms().await {
            Ok(alarms) => {
                raised = Some(alarms);
                break;
            }
            Err(error) => tracing::debug!(%error, "no list of alarms"),
        }
    }
    let told =
        || seen.values().flat_map(|answer| answer.status.errors.iter().filter_map(|text| told_alarm(text)));
    let mut alarms = match raised {
        Some(alarms) => alarms,
        None if seen.is_empty() => return None,
        None => told().collect(),
    };
    alarms.sort_unstable();
    alarms.dedup();
    Some(alarms)
}

/// `memberID:9372538179322589801 alarm:NOSPACE `, as a status tells of an alarm (v3rpc/maintenance.go, Status).
fn told_alarm(text: &str) -> Option<Alarm> {
    let mut words = text.split_whitespace();
    let member = words.next()?.strip_prefix("memberID:")?.parse().ok()?;
    let kind = generated::AlarmType::from_str_name(words.next()?.strip_prefix("alarm:")?)?;
    client::alarm(member, kind.into())
}

fn listed_member(
    member: generated::Member,
    statuses: &BTreeMap<Id, Status>,
    unseen: &BTreeMap<Id, String>,
) -> Member {
    let id = Id(member.id);
    let sight = match statuses.get(&id) {
        Some(status) => Sight::Seen(Box::new(status.clone())),
        None => Sight::Unseen { because: unseen.get(&id).cloned().unwrap_or_default() },
    };
    Member {
        id,
        name: member.name,
        peer_urls: member.peer_urls,
        client_urls: member.client_urls,
        learner: member.is_learner,
        sight,
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use daytwo_core::etcd::AlarmKind;

    #[test]
    fn an_alarm_is_read_out_of_a_status_as_etcd_writes_it() {
        let alarm = told_alarm("memberID:9372538179322589801 alarm:NOSPACE ").unwrap();
        assert_eq!(
            (alarm.member.to_string().as_str(), alarm.alarm),
            ("8211f1d0f64f3269", AlarmKind::NoSpace)
        );
        assert_eq!(told_alarm("etcdserver: no leader"), None);
    }
}
