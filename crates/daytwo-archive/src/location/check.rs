//! Proof that a location does what backups rely on, by doing it: above all that of several who create one object at
//! once exactly one succeeds. A store that ignores `If-None-Match` would let two runs write one backup.
//!
//! Works under `metadata/daytwo/check-<run>/` and removes what it made. Refuses nothing itself: says what it found.

use super::error::{Error, Result};
use super::{Backend, Location};
use crate::layout::{OWN, TOP};
use crate::upload::{PART_SIZE, Upload};
use bytes::Bytes;
use futures::future::join_all;
use futures::stream::TryStreamExt;

/// Creators that race for one object.
pub const RACERS: usize = 16;

/// One step of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// What was tried, in a few words.
    pub step: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// What was seen, or what is wrong and what to do.
    pub detail: String,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Good,
    /// Backups work; something is to be looked at.
    Warning,
    /// Backups to this location would fail, or be unsafe.
    Bad,
    /// Not tried, since an earlier step went wrong.
    Skipped,
}

const STEPS: [&str; 9] = [
    "top-level directories",
    "retention",
    "write",
    "read back",
    "ranged read",
    "list",
    "conditional create",
    "upload in parts",
    "delete",
];

struct Check<'a> {
    location: &'a Location,
    dir: String,
    body: Bytes,
}

impl Location {
    /// Tries every act that backups need, one after another; `run` keeps several checks at once apart. After a step
    /// that is bad the rest is skipped, except for the removal of what was made.
    pub async fn check(&self, run: &str) -> Vec<CheckResult> {
        let body: Vec<u8> =
            (0..100_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let check = Check { location: self, dir: format!("{OWN}/check-{run}"), body: body.into() };
        let mut results: Vec<CheckResult> = Vec::new();
        for step in STEPS {
            let failed = results.iter().any(|result| result.outcome == Outcome::Bad);
            let done = if failed && step != "delete" { None } else { Some(check.run(step).await) };
            results.push(match done {
                None => {
                    CheckResult { step, outcome: Outcome::Skipped, detail: "an earlier step failed".into() }
                }
                Some(Ok((outcome, detail))) => CheckResult { step, outcome, detail },
                Some(Err(error)) => CheckResult { step, outcome: Outcome::Bad, detail: error.to_string() },
            });
        }
        results
    }
}

type Seen = Result<(Outcome, String)>;

fn good(detail: impl Into<String>) -> Seen {
    Ok((Outcome::Good, detail.into()))
}

fn bad(detail: impl Into<String>) -> Seen {
    Ok((Outcome::Bad, detail.into()))
}

impl Check<'_> {
    async fn run(&self, step: &str) -> Seen {
        match step {
            "top-level directories" => self.top().await,
            "write" => self.write().await,
            "read back" => self.read_back().await,
            "ranged read" => self.ranged().await,
            "list" => self.list().await,
            "conditional create" => self.race().await,
            "upload in parts" => self.parts().await,
            "retention" => self.retention().await,
            _ => self.delete().await,
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.dir)
    }

    fn retained(&self) -> bool {
        matches!(self.location.backend(), Backend::Bucket(bucket) if bucket.retained)
    }

    async fn top(&self) -> Seen {
        let dirs = match self.location.list_dirs("").await {
            Ok(dirs) => dirs,
            Err(Error::Invalid(_)) if self.location.folder().is_some_and(|folder| !folder.exists()) => {
                return good("the folder will be made");
            }
            Err(error) => return Err(error),
        };
        let strange: Vec<&str> = dirs.iter().map(String::as_str).filter(|dir| !TOP.contains(dir)).collect();
        if strange.is_empty() {
            return good(format!("{} of those Velero knows", dirs.len()));
        }
        let detail = format!(
            "{} is not a directory Velero knows ({}): Velero calls a location with others unavailable; move it, or use a prefix of its own",
            strange.join(", "),
            TOP.join(", ")
        );
        Ok((Outcome::Warning, detail))
    }

    async fn write(&self) -> Seen {
        self.location.put_scratch(&self.key("object"), self.body.clone()).await?;
        good(format!("{} bytes", self.body.len()))
    }

    async fn read_back(&self) -> Seen {
        if self.location.get(&self.key("object")).await? != self.body {
            return bad("what was read is not what was written: do not keep backups here");
        }
        match self.location.head(&self.key("object")).await? {
            Some(info) if info.size == self.body.len() as u64 => good("the same bytes"),
            Some(info) => {
                bad(format!("the store says {} bytes where {} were written", info.size, self.body.len()))
            }
            None => bad("the store denies having what it gave a moment ago"),
        }
    }

    async fn ranged(&self) -> Seen {
        let key = self.key("object");
        let (size, at) = (self.body.len(), 70_001);
        let middle = self.location.get_range(&key, at as u64..at as u64 + 5_000).await?;
        let tail = self.location.get_tail(&key, 1_234).await?;
        if middle != self.body[at..at + 5_000] || tail != self.body[size - 1_234..] {
            return bad(
                "a range of the object is not the bytes that lie there: single objects could not be read",
            );
        }
        good("the bytes asked for, and no others")
    }

    async fn list(&self) -> Seen {
        let found: Vec<_> = self.location.list(&self.dir).await?.try_collect().await?;
        let dirs = self.location.list_dirs(OWN).await?;
        let name = self.dir.rsplit('/').next().unwrap_or_default();
        if found.len() != 1 || !dirs.iter().any(|dir| dir == name) {
            return bad("the object just written is not listed: backups would be overlooked");
        }
        good("what was written is listed at once")
    }

    async fn race(&self) -> Seen {
        let key = self.key("claim");
        let racers = (0..RACERS).map(|n| {
            let (location, key) = (self.location.clone(), key.clone());
            tokio::spawn(async move { location.create(&key, Bytes::from(format!("racer {n}"))).await })
        });
        let mut won = Vec::new();
        for (n, ended) in join_all(racers).await.into_iter().enumerate() {
            match ended {
                Ok(Ok(())) => won.push(n),
                Ok(Err(Error::Exists { .. })) => {}
                Ok(Err(error)) => return Err(error),
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
        let kept = self.location.get(&key).await?;
        match won.as_slice() {
            [one] if kept == format!("racer {one}") => {
                good(format!("of {RACERS} who created one object at once, one succeeded"))
            }
            [_] => bad(
                "the object holds the bytes of one who was told that it failed: two runs could write one backup",
            ),
            // A winner may have been told that it failed if the store answered a retry; the object says so.
            [] => bad(format!("of {RACERS} who created one object at once, none was told that it succeeded")),
            many => bad(format!(
                "{} of {RACERS} who created one object at once were told that they succeeded: the store ignores If-None-Match, and two runs could write one backup; use another store, or a release of it with conditional writes",
                many.len()
            )),
        }
    }

    async fn parts(&self) -> Seen {
        let key = self.key("parts");
        let size = PART_SIZE + 1_000_000;
        let mut upload = Upload::begin(self.location, &key, None).await?;
        let mut sent = 0;
        while sent < size {
            let chunk = self.body.slice(..self.body.len().min(size - sent));
            sent += chunk.len();
            if let Err(error) = upload.write(chunk).await {
                let _ = upload.abort().await;
                return Err(error);
            }
        }
        if self.location.exists(&key).await? {
            let _ = upload.abort().await;
            return bad("an object is visible before it is whole");
        }
        // Thrown away: whether it can be finished under retention is not worth an object that cannot be deleted.
        if self.retained() {
            upload.abort().await?;
            return good(format!("{sent} bytes sent and thrown away, since retention would keep them"));
        }
        upload.finish().await?;
        let tail = self.location.get_tail(&key, 4).await?;
        match self.location.head(&key).await? {
            Some(info) if info.size == sent as u64 && tail.len() == 4 => {
                good(format!("{sent} bytes in two parts, visible when finished"))
            }
            _ => bad("the object put together from parts is not of their size"),
        }
    }

    async fn retention(&self) -> Seen {
        if !self.retained() {
            return good("none asked for");
        }
        self.location.takes_lock().await?;
        good("the bucket takes Object Lock")
    }

    async fn delete(&self) -> Seen {
        let found = self.location.list_to_write(&self.dir).await?;
        for info in &found {
            self.location.delete(&info.key).await?;
        }
        let left = self.location.list_to_write(&self.dir).await?;
        if left.is_empty() {
            good(format!("{} objects removed", found.len()))
        } else {
            bad(format!("{} objects are still listed after they were deleted", left.len()))
        }
    }
}

#[cfg(test)]
mod tests;
