//! Many watchers beside writers: each must see every event once and in order. One of them does not read until all is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;
use tokio::sync::watch as signal;
use tokio::task::JoinSet;

use super::Creates;
use super::create::{accepted, namespace, request};
use super::lean::Lean;
use super::watcher::{Seen, Watcher, revision};
use crate::connect::Server;

/// How long the slow watcher is left alone at least, and how long its end may take.
const SLOW: Duration = Duration::from_secs(15);

/// What the watchers saw.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Watched {
    /// From the first write until the last watcher had seen the last event.
    wall: f64,
    /// Watchers that saw exactly what was written, in that order.
    exact: usize,
    /// What others saw, in words; at most a few of them.
    others: Vec<String>,
    /// Events that the slow watcher got before its watch ended; nothing if it did not end.
    slow: Option<u64>,
}

#[tokio::main]
pub async fn watch(watchers: usize, creates: &Creates) -> Result<Watched> {
    let server = Server::of(&creates.kubeconfig)?;
    namespace(&server, &creates.namespace).await?;
    let path = format!("/api/v1/namespaces/{}/configmaps", creates.namespace);
    let list = format!("{}\r\n", server.head("GET", &path)).into_bytes();
    // What every namespace has is there before.
    let before = revision(Lean::connect(&server).await?.ask(&list).await?.body)
        .context("a list without a revision")?;
    let path = format!("{path}?watch=true&resourceVersion={before}");
    let last = u64::from(creates.count);
    let mut watching = JoinSet::new();
    for _ in 0..watchers {
        let watcher = Watcher::open(&server, &path).await?;
        watching.spawn(watcher.until(last));
    }
    let slow = Watcher::slow(&server, &path).await?;
    let begin = Instant::now();
    let written = write(&server, creates).await?;
    let expected = Seen::all(&written);
    let mut watched = Watched { wall: 0.0, exact: 0, others: Vec::new(), slow: None };
    while let Some(seen) = watching.join_next().await {
        match seen.context("a watcher panicked")? {
            Ok(seen) if seen == expected => watched.exact += 1,
            Ok(seen) => watched.other(format!("saw {seen:?} and not {expected:?}")),
            Err(error) => watched.other(format!("{error:#}")),
        }
    }
    watched.wall = begin.elapsed().as_secs_f64();
    // What the kernel holds of its events it may still get; then comes the end.
    tokio::time::sleep(SLOW.saturating_sub(begin.elapsed())).await;
    if let Ok(ended) = tokio::time::timeout(SLOW, slow.until_its_end()).await {
        watched.slow = Some(ended?.events).filter(|events| *events < last);
    }
    Ok(watched)
}

impl Watched {
    fn other(&mut self, what: String) {
        if self.others.len() < 5 {
            self.others.push(what);
        }
    }
}

/// Creates all of it, and returns the revisions in order.
async fn write(server: &Server, creates: &Creates) -> Result<Vec<u64>> {
    let next = Arc::new(AtomicU32::new(0));
    let (done, _) = signal::channel(());
    let mut writers = JoinSet::new();
    for _ in 0..creates.connections {
        let (server, next, creates, _done) =
            (server.clone(), Arc::clone(&next), creates.clone(), done.subscribe());
        let mut connection = Lean::connect(&server).await?;
        writers.spawn(async move {
            let mut revisions = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= creates.count {
                    return anyhow::Ok(revisions);
                }
                let answer = connection.ask(&request(&server, &creates.namespace, number)).await?;
                accepted(&answer)?;
                revisions.push(revision(answer.body).context("an object without a revision")?);
            }
        });
    }
    let mut all = Vec::new();
    while let Some(written) = writers.join_next().await {
        all.extend(written.context("a writer panicked")??);
    }
    all.sort_unstable();
    Ok(all)
}
