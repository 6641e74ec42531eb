//! A cluster, the access to it, and what is told of a run.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use daytwo_core::etcd::{Limits, Observation, check};
use daytwo_engine::etcd::{Access, Tls, observe};
use daytwo_engine::{Clock, Event, Observer};
use jiff::Timestamp;
use testbed::EtcdCluster;

/// A time that does not pass.
pub struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// What is to be done when something is told.
pub type Reaction<'a> = Box<dyn Fn(&Event) + Send + Sync + 'a>;

/// Keeps what it is told, and may do something when it is.
#[derive(Default)]
pub struct Heard<'a> {
    pub events: Mutex<Vec<Event>>,
    pub on: Option<Reaction<'a>>,
}

impl Observer for Heard<'_> {
    fn event(&self, event: Event) {
        if let Some(on) = &self.on {
            on(&event);
        }
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

impl Heard<'_> {
    pub fn says(&self, part: &str) -> bool {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().any(|event| format!("{event:?}").contains(part))
    }
}

/// The administrator's access by these endpoints.
pub fn access(cluster: &EtcdCluster, endpoints: Vec<String>) -> Access {
    Access {
        endpoints,
        tls: Some(Tls {
            ca: cluster.ca_file().to_owned(),
            pair: Some((cluster.cert().to_owned(), cluster.key().to_owned())),
        }),
        login: None,
        deadline: Duration::from_secs(10),
    }
}

pub async fn look(cluster: &EtcdCluster) -> Observation {
    observe(&access(cluster, cluster.endpoints())).await.expect("an observation")
}

pub fn ids(seen: &Observation) -> Vec<String> {
    check(seen, &Limits::default()).into_iter().map(|finding| finding.id).collect()
}

/// Looks until `there` holds of what is seen.
pub async fn until(cluster: &EtcdCluster, what: &str, there: impl Fn(&Observation) -> bool) -> Observation {
    let end = tokio::time::Instant::now() + Duration::from_secs(90);
    loop {
        let seen = look(cluster).await;
        if there(&seen) {
            return seen;
        }
        assert!(tokio::time::Instant::now() < end, "gave up waiting for {what}: {seen:#?}");
    }
}

/// Puts `count` values of `size` bytes, by etcdctl.
pub fn fill(cluster: &EtcdCluster, prefix: &str, count: usize, size: usize) {
    let value = vec![b'x'; size];
    for n in 0..count {
        cluster.etcdctl_stdin(&["put", &format!("{prefix}{n}")], &value).expect("a put");
    }
}

/// Deletes what `fill` put under `k`, and waits until every member has more than `bytes` free. Pages that a deletion
/// frees are told as free after a later write only.
pub async fn free_pages(cluster: &EtcdCluster, bytes: u64) -> Observation {
    let deleted = cluster.etcdctl(&["del", "k", "--prefix", "-w", "json"]).expect("a deletion");
    let answer: serde_json::Value = serde_json::from_str(&deleted).expect("JSON");
    let revision = answer["header"]["revision"].to_string();
    cluster.etcdctl(&["compact", &revision, "--physical"]).expect("a compaction");
    until(cluster, "free pages", |seen| {
        cluster.etcdctl(&["put", "tick", "x"]).expect("a write");
        // One that does not answer in time has not told.
        let free = seen.statuses().filter(|(_, status)| status.free() > bytes).count();
        free == cluster.endpoints().len()
    })
    .await
}

/// The place of the leader among the members.
pub fn leader(seen: &Observation) -> usize {
    let name = &seen.leader().expect("a leader").name;
    name.trim_start_matches('m').parse().expect("a number")
}
