//! `daytwo etcd health`: members, quorum and space of a living cluster, as findings.

use daytwo_core::etcd::{Limits, Member, Observation, Quorum, Read, Verdict, check, verdict};
use daytwo_core::finding::{Finding, Severity};
use daytwo_engine::etcd::observe;
use serde::Serialize;

use crate::cli::etcd::live::Health;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::table::{Cell, Table, Tone};
use crate::output::words;
use crate::settings::Session;

use super::reach;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EtcdHealth {
    /// `Healthy`, `Findings` or `Unknown`.
    verdict: &'static str,
    quorum: Quorum,
    /// How many more voters may fail; absent where none may.
    #[serde(skip_serializing_if = "Option::is_none")]
    margin: Option<u64>,
    #[serde(flatten)]
    seen: Observation,
    findings: Vec<Finding>,
}

/// Prints how the cluster stands: exit 0 healthy, 1 something to act on, 3 too little was seen.
///
/// # Errors
/// Exit 2 where neither flags nor this host say where etcd is.
pub async fn run(session: &Session, verb: Health) -> Result {
    let reached = reach::reach(session, &verb.reach)?;
    let looking = session.interrupt.or(observe(&reached.access)).await;
    let seen = looking.ok_or_else(|| Failure::new(Exit::Failed, "stopped"))??;
    let findings = check(&seen, &Limits::default());
    let stands = verdict(&seen, &findings);
    let quorum = seen.quorum();
    session.out.document(&EtcdHealth {
        verdict: match stands {
            Verdict::Healthy => "Healthy",
            Verdict::Findings => "Findings",
            Verdict::Unknown => "Unknown",
        },
        quorum,
        margin: quorum.margin(),
        seen,
        findings,
    })?;
    Ok(match stands {
        Verdict::Healthy => Exit::Done,
        Verdict::Findings => Exit::Findings,
        Verdict::Unknown => Exit::Unknown,
    })
}

impl Document for EtcdHealth {
    fn kind(&self) -> Option<&'static str> {
        Some("EtcdHealth")
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        let mut text = self.head(paint);
        if !self.seen.members.is_empty() {
            text.push_str(&members(&self.seen, paint, wide));
        }
        for finding in &self.findings {
            let word = match finding.severity {
                Severity::Critical => paint.bad("critical"),
                Severity::Warning => paint.odd("warning"),
                Severity::Info => "info".to_owned(),
            };
            text.push_str(&format!(
                "\n{word}: {}: {} ({})\n  {}\n  {}\n",
                finding.subject, finding.evidence, finding.id, finding.breaks, finding.remedy
            ));
            if let Some(command) = &finding.command {
                text.push_str(&format!("    {command}\n"));
            }
        }
        text
    }

    fn names(&self) -> Vec<String> {
        self.findings.iter().map(|finding| finding.id.clone()).collect()
    }
}

impl EtcdHealth {
    fn head(&self, paint: Paint) -> String {
        let cluster =
            self.seen.cluster.map_or_else(|| "nobody answers".to_owned(), |id| format!("cluster {id}"));
        let Quorum { voters, healthy, .. } = self.quorum;
        let margin = match self.margin {
            _ if voters == 0 => "the quorum is not known".to_owned(),
            None => "no quorum".to_owned(),
            Some(0) => "quorum margin 0: one more failure and the cluster is read-only".to_owned(),
            Some(margin) => format!("quorum margin {margin}"),
        };
        let verdict = match self.verdict {
            "Healthy" => paint.good("healthy"),
            "Findings" => paint.bad("see the findings"),
            _ => paint.odd("unknown"),
        };
        format!("{cluster}: {verdict}; {healthy} of {voters} voters healthy, {margin}\n")
    }
}

fn members(seen: &Observation, paint: Paint, wide: bool) -> String {
    let mut header = vec!["MEMBER", "ROLE", "VERSION", "DB", "FREE", "QUOTA", "APPLIED", "READ"];
    if wide {
        header.extend(["ID", "TERM", "REVISION", "ENDPOINT"]);
    }
    let mut table = Table::new(header);
    let leader = seen.leader().map(|member| member.id);
    for member in &seen.members {
        table.row(row(member, leader == Some(member.id), wide));
    }
    table.render(paint)
}

fn row(member: &Member, leads: bool, wide: bool) -> Vec<Cell> {
    let mut row: Vec<Cell> = vec![member.title().into()];
    let Some(status) = member.status() else {
        row.push(Cell::new("unseen", Tone::Bad));
        return row;
    };
    let role = match (leads, member.learner) {
        (true, _) => "leader",
        (false, true) => "learner",
        (false, false) => "follower",
    };
    let quota = status.quota.map_or_else(|| "-".to_owned(), words::bytes);
    let read = match &status.read {
        Read::TookMs(ms) => Cell::from(format!("{ms} ms")),
        Read::Failed(_) => Cell::new("failed", Tone::Bad),
    };
    row.extend([
        role.into(),
        status.version.clone().into(),
        words::bytes(status.db_size).into(),
        format!("{} %", status.free_percent()).into(),
        quota.into(),
        status.applied.to_string().into(),
        read,
    ]);
    if wide {
        row.extend([
            Cell::from(member.id.to_string()),
            status.term.to_string().into(),
            status.revision.to_string().into(),
            status.endpoint.clone().into(),
        ]);
    }
    row
}
