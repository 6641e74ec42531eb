//! One record of a journal, as it is stored. It refuses to be rewritten: what is said once stays said.

use daytwo_core::plan::{API_VERSION, Place, Plan};
use daytwo_core::restore::{Fates, Tally, WaveReport};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::process::Process;

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The version of its form.
    pub api_version: String,
    /// `JournalRecord`.
    pub kind: RecordKind,
    /// The run.
    pub run: String,
    /// Its number, from 0.
    pub n: u64,
    /// When it was written, by its writer's clock.
    pub at: Timestamp,
    /// Who wrote it.
    pub holder: String,
    /// The holder's process, in the records by which it takes hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) process: Option<Process>,
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
}

/// The `kind` of a record in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordKind {
    /// The only one.
    JournalRecord,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Entry {
    /// The run begins. Always record 0, and only that.
    Planned {
        /// What is to be done.
        plan: Box<Plan>,
        /// What is known before any step about objects that none will touch.
        #[serde(default, skip_serializing_if = "Tally::is_empty")]
        known: Tally,
    },
    /// Another runner goes on with it.
    Taken {
        /// Who held it before.
        from: String,
    },
    /// A step begins, or is begun again.
    Began {
        /// Which.
        step: Place,
    },
    /// How far a bulk step has come.
    Checkpoint {
        /// Which.
        step: Place,
        /// Of what the step reads, this many are dealt with, from the first one on.
        through: u64,
        /// What came of it since the checkpoint before.
        #[serde(default, skip_serializing_if = "Tally::is_empty")]
        tally: Tally,
        /// What became of the objects dealt with since then, each.
        #[serde(default, skip_serializing_if = "Fates::is_empty")]
        fates: Fates,
    },
    /// A step was carried out.
    Ended {
        /// Which.
        step: Place,
        /// What came of it since its last checkpoint.
        #[serde(default, skip_serializing_if = "Tally::is_empty")]
        tally: Tally,
        /// What became of the objects dealt with since then, each.
        #[serde(default, skip_serializing_if = "Fates::is_empty")]
        fates: Fates,
        /// How long a wave took.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wave: Option<WaveReport>,
    },
    /// The holder lives.
    Beat,
    /// The holder lets go; the run can be resumed.
    Stopped {
        /// Why.
        because: String,
        /// What is left half done in the cluster, in sentences.
        stands: Vec<String>,
    },
    /// Every step was carried out.
    Finished,
    /// The run is given up: from here on only its release steps are carried out, and it cannot be resumed.
    Aborting {
        /// Why.
        because: String,
    },
    /// The run was given up. Nothing follows.
    Aborted {
        /// Why.
        because: String,
        /// What is left as it is in the cluster, in sentences.
        stands: Vec<String>,
    },
}

impl Record {
    /// A record.
    pub fn new(run: &str, n: u64, at: Timestamp, holder: &str, entry: Entry) -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            kind: RecordKind::JournalRecord,
            run: run.to_owned(),
            n,
            at,
            holder: holder.to_owned(),
            process: None,
            entry,
        }
    }
}
