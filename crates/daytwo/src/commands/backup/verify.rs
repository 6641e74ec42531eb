//! `daytwo backup verify`: reads every byte again and says what is proved, what is damaged, and what cannot be proved.

use daytwo_archive::sign::VerifyingKey;
use daytwo_archive::{BackupName, Finding, Report, Severity, VerifyOptions};
use serde::Serialize;

use crate::cli::backup::Verify;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::words;
use crate::place;
use crate::settings::Session;

use super::open;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    name: String,
    location: String,
    sound: bool,
    #[serde(flatten)]
    report: Report,
}

impl Document for Verification {
    fn kind(&self) -> Option<&'static str> {
        Some("BackupVerification")
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        let report = &self.report;
        let mut text = String::new();
        for finding in &report.findings {
            text.push_str(&format!("{}\n", line(finding, paint)));
        }
        if report.more > 0 {
            text.push_str(&format!("and {} more\n", words::count(report.more, "finding")));
        }
        let verdict = if self.sound { paint.good("sound") } else { paint.bad("damaged or not proved") };
        text.push_str(&format!(
            "{}: {verdict}; {}, {}, {} read",
            self.name,
            words::count(report.objects, "object"),
            words::count(report.files, "file"),
            words::bytes(report.bytes),
        ));
        if report.damaged > 0 {
            text.push_str(&format!(", {} damaged", words::count(report.damaged, "object")));
        }
        text.push('\n');
        if let Some(key) = &report.signed_by {
            text.push_str(&format!("  signed by {key}\n"));
        }
        if wide {
            report.proved.iter().for_each(|what| text.push_str(&format!("  proved: {what}\n")));
        }
        report.not_proved.iter().for_each(|what| text.push_str(&format!("  not proved: {what}\n")));
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
}

fn line(finding: &Finding, paint: Paint) -> String {
    let word = match finding.severity {
        Severity::Note => "note:".to_owned(),
        Severity::Warning => paint.odd("warning:"),
        Severity::Damage => paint.bad("damage:"),
    };
    let about = finding.object.as_ref().or(finding.file.as_ref());
    let about = about.map(|about| format!("{about}: ")).unwrap_or_default();
    format!("{word} {about}{} ({})", finding.what, finding.id)
}

/// Verifies and prints the report; exit 1 where something is damaged or not proved that should be.
///
/// # Errors
/// Exit 2 for an unknown backup or a key that cannot be read, exit 3 where the location does not answer.
pub async fn run(session: &Session, verb: Verify) -> Result {
    let key = verb.key.as_deref().map(VerifyingKey::load).transpose()?;
    let keys = open::keys(&verb.identities)?;
    let options = VerifyOptions { key, ..VerifyOptions::default() };
    let verifying = async {
        let location = place::open(session, &verb.at).await?;
        let listed = open::find(&location, &verb.name).await?;
        let name = BackupName::try_from(listed.name.as_str())?;
        let report = daytwo_archive::verify(&location, &name, &keys, &options).await?;
        Ok::<_, Failure>((location, report))
    };
    let stopped = || Failure::new(Exit::Failed, "stopped: nothing is said about the rest of the backup");
    let (location, report) = session.interrupt.or(verifying).await.ok_or_else(stopped)??;
    let sound = report.sound();
    session.out.document(&Verification {
        name: verb.name,
        location: location.url().to_owned(),
        sound,
        report,
    })?;
    Ok(if sound { Exit::Done } else { Exit::Findings })
}
