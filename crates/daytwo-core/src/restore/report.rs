//! The document that a restore ends with, and what a dry run foresees in the same form.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Asked, Counts, Failed, Request, Tally, Wave, barrier, next};
use crate::plan::{API_VERSION, SiteIdentity};

/// How long a wave took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaveReport {
    /// Which.
    pub wave: Wave,
    /// Objects looked at.
    pub objects: u64,
    /// From its first look to its last answer, in seconds.
    pub seconds: f64,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum State {
    /// Every step was carried out.
    Finished,
    /// It was stopped and can be resumed.
    Stopped {
        /// By whom or what.
        because: String,
        /// What is left half done in the cluster, in sentences.
        stands: Vec<String>,
    },
    /// It was given up: what could be released was, and it cannot be resumed.
    Aborted {
        /// By whom or what.
        because: String,
        /// What is left as it is in the cluster, in sentences.
        stands: Vec<String>,
    },
    /// A dry run: nothing was written.
    Planned,
}

/// The `kind` of a report in JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportKind {
    /// The only one.
    #[default]
    RestoreReport,
}

/// What came of a restore, or, of a dry run, what would.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `RestoreReport`.
    pub kind: ReportKind,
    /// The run's name.
    pub run: String,
    /// What was asked for.
    pub request: Request,
    /// The cluster restored into.
    pub site: SiteIdentity,
    /// Whether the backup was made of this cluster; `None` where that is not known.
    pub same_cluster: Option<bool>,
    /// Where the run stands.
    pub state: State,
    /// When it was planned.
    pub started: Timestamp,
    /// When it ended or stopped.
    pub finished: Timestamp,
    /// All objects together.
    pub counts: Counts,
    /// What came of them.
    #[serde(flatten)]
    pub tally: Tally,
    /// Times by wave, in order.
    pub waves: Vec<WaveReport>,
}

impl Report {
    /// A report of a run that ended, with the next command for each failure. What refused several of its objects is a
    /// finding.
    #[expect(clippy::too_many_arguments, reason = "the fields of a document, each of its own type")]
    pub fn new(
        run: String,
        request: Request,
        site: SiteIdentity,
        same_cluster: Option<bool>,
        state: State,
        times: (Timestamp, Timestamp),
        mut tally: Tally,
        waves: Vec<WaveReport>,
    ) -> Self {
        tally.findings.extend(barrier::findings(&tally.failures));
        for failed in &mut tally.failures {
            failed.next = Some(next::command(failed, &request));
        }
        Self {
            api_version: API_VERSION.to_owned(),
            kind: ReportKind::default(),
            run,
            request,
            site,
            same_cluster,
            state,
            started: times.0,
            finished: times.1,
            counts: tally.counts(),
            tally,
            waves,
        }
    }

    /// Corrects what was foreseen by what the server said: it refuses `refused`, and what it was asked is `asked`.
    pub fn correct(&mut self, refused: Vec<Failed>, asked: &Asked) {
        self.tally.findings.extend(barrier::findings(&refused));
        for mut failed in refused {
            failed.next = Some(next::command(&failed, &self.request));
            self.tally.refused(failed);
        }
        self.tally.findings.extend(asked.findings());
        self.counts = self.tally.counts();
    }

    /// Whether nothing failed, nothing differs, nothing is lost, and nobody has to act.
    pub fn is_clean(&self) -> bool {
        let lost = self.tally.skipped.keys().any(|why| why.is_loss());
        let acted_on = self.tally.findings.iter().any(|finding| finding.severity.counts());
        self.counts.failed == 0 && self.counts.differs == 0 && !lost && !acted_on
    }
}
