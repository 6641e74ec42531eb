//! What a restore would do, for a person who decides whether to let it: counts first, then what to act on, then each
//! object by what becomes of it, then the steps. `restore plan` and `restore create --dry-run` print it alike; in JSON
//! the one is the plan and the other the report.
//!
//! It refuses to fill the screen: long lists end, and say how much is left out and where it is to be seen.

use std::fmt::Write;

use daytwo_core::diff::{Field, Secrets};
use daytwo_core::finding::Finding;
use daytwo_core::plan::{Fact, Impact, Phase, Plan};
use daytwo_core::restore::{Action, Asked, Decided, Failed, Report, Request, Scope};
use daytwo_engine::restore::{Comparing, Comparison, Detail, Planned, Runner};
use serde::{Serialize, Serializer};

use crate::cli::Format;
use crate::failure::Result;
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::words;

use super::{fields, plan, report};

/// Entries of a list that the table shows; the wide one shows all.
const SHOWN: usize = 50;
/// Objects that differ, and objects changed on the way, whose fields the text shows; JSON has those of all.
const COMPARED: usize = 200;

/// What becomes of an object, and of its fields where that was asked for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Viewed {
    #[serde(flatten)]
    decided: Decided,
    /// What differs or is changed on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<Field>>,
    /// Why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields_unknown: Option<String>,
}

/// A plan with what it would come to.
#[derive(Debug)]
pub struct View {
    /// The plan.
    pub plan: Plan,
    /// What it would come to.
    pub report: Report,
    objects: Vec<Viewed>,
    left_out: (u64, u64),
    /// What the server was asked, where it was.
    asked: Option<Asked>,
}

/// What of the fields is to be seen.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// The fields too.
    pub diff: bool,
    /// The values of Secrets too.
    pub secrets: bool,
    /// About what the server is asked.
    pub ask: Option<Scope>,
}

impl View {
    /// Plans, and compares where `look` asks for it. Writes nothing.
    ///
    /// # Errors
    /// Those of planning.
    pub async fn of(
        runner: &Runner<'_>,
        request: &Request,
        run: &str,
        look: Look,
        format: Format,
    ) -> Result<Self> {
        let mut planned = runner.plan(request, run, Detail::Objects).await?;
        let asked = match look.ask {
            Some(scope) => Some(runner.ask(&mut planned, scope).await?),
            None => None,
        };
        let most = match format {
            Format::Table | Format::Wide => COMPARED,
            Format::Json | Format::Yaml => usize::MAX,
            Format::Name => 0,
        };
        let secrets = if look.secrets { Secrets::Show } else { Secrets::Hide };
        let comparison = match look.diff && most > 0 {
            true => runner.compare(&planned, Comparing { secrets, most }).await?,
            false => Comparison::default(),
        };
        let Planned { plan, report, objects, .. } = planned;
        Ok(Self { asked, ..Self::new(plan, report, objects, comparison) })
    }

    fn new(plan: Plan, report: Report, objects: Vec<Decided>, comparison: Comparison) -> Self {
        let left_out = (comparison.differing_left_out, comparison.changed_left_out);
        let plain = |decided| Viewed { decided, fields: None, fields_unknown: None };
        let mut objects: Vec<Viewed> = objects.into_iter().map(plain).collect();
        for compared in comparison.objects {
            let Some(object) = objects.get_mut(compared.place) else { continue };
            match compared.fields {
                Ok(fields) => object.fields = Some(fields),
                Err(why) => object.fields_unknown = Some(why),
            }
        }
        Self { plan, report, objects, left_out, asked: None }
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        let Self { plan, report, .. } = self;
        let Impact { creates, updates, deletes } = plan.impact;
        let mut text = report::head(report, paint);
        let _ = writeln!(text, "  creates {creates}, updates {updates}, deletes {deletes}");
        text.push_str(&self.asked.as_ref().map(asked).unwrap_or_default());
        text.push_str(&report::table(report, paint));
        let tally = &report.tally;
        let most = if wide { usize::MAX } else { SHOWN };
        let lines = |title: &str, lines: Vec<String>| section(title, &lines, most, paint);
        text.push_str(&lines("To act on", tally.findings.iter().map(report::finding).collect()));
        text.push_str(&lines("Cannot be restored", tally.failures.iter().map(report::failed).collect()));
        for (title, action) in [
            ("To create", Action::Created),
            ("To update", Action::Updated),
            ("To replace: deleted, and created again", Action::Replaced),
            ("To merge into what a controller made", Action::Merged),
            ("To delete: the backup does not hold it", Action::Deleted),
            ("Differs, and is left as it is", Action::Differs),
        ] {
            text.push_str(&self.group(title, action, most, paint));
        }
        text.push_str(&self.skipped(wide, paint));
        if wide {
            text.push_str(&self.group("The same", Action::Same, most, paint));
        }
        text.push_str(&lines("Asked to be changed", report::changed(report)));
        let notes = tally.notes.iter().map(|note| format!("{} {}", note.object, note.what));
        text.push_str(&lines("Changed on the way", notes.collect()));
        text.push_str(&self.cut());
        text.push_str(&plan::steps(plan, paint));
        text
    }

    /// Objects of one action, each with its fields. One with fields is always named.
    fn group(&self, title: &str, action: Action, most: usize, paint: Paint) -> String {
        let objects: Vec<&Viewed> =
            self.objects.iter().filter(|object| object.decided.action == action).collect();
        if objects.is_empty() {
            return String::new();
        }
        let mut text = format!("\n{}\n", paint.strong(&format!("{title} ({})", objects.len())));
        let mut hidden = 0;
        for (place, object) in objects.into_iter().enumerate() {
            let told = object.fields.is_some() || object.fields_unknown.is_some();
            if place >= most && !told {
                hidden += 1;
                continue;
            }
            let _ = writeln!(text, "  {}", object.decided.object);
            if let Some(fields) = &object.fields {
                text.push_str(&fields::text(fields, action, paint));
            }
            if let Some(why) = &object.fields_unknown {
                let _ = writeln!(text, "    its fields are not known: {why}");
            }
        }
        text.push_str(&more(hidden));
        text
    }

    /// What is passed over, by reason; in the wide text object by object.
    fn skipped(&self, wide: bool, paint: Paint) -> String {
        let (count, lines) = (self.report.counts.skipped, report::skipped(&self.report));
        if !wide {
            return section_of("Passed over", count, &lines, SHOWN, paint);
        }
        let skipped = self.objects.iter().filter(|object| object.decided.action == Action::Skipped);
        let lines: Vec<String> = skipped
            .map(|Viewed { decided, .. }| {
                let why = decided.why.map(|why| format!(": {}", why.text())).unwrap_or_default();
                format!("{}{why}", decided.object)
            })
            .collect();
        section_of("Passed over", count, &lines, usize::MAX, paint)
    }

    /// What is not told.
    fn cut(&self) -> String {
        let mut text = String::new();
        let (differing, changed) = self.left_out;
        if differing + changed > 0 {
            let _ = writeln!(
                text,
                "\nWithout their fields: {differing} more that differ, {changed} more that are changed on the way: see -o json"
            );
        }
        let unnamed = self.report.tally.unnamed;
        if unnamed > 0 {
            let _ = writeln!(text, "\n{unnamed} more are counted and not named");
        }
        text
    }
}

/// What the server was asked and said, in a line.
fn asked(asked: &Asked) -> String {
    let Asked { objects, taken, refused, .. } = asked;
    let unasked = asked.unasked();
    format!(
        "  of {} to be created the server was asked about {}: it would take {taken}, and refuses {refused}{}\n",
        words::count(*objects, "object"),
        taken + refused,
        if unasked > 0 { format!("; about {unasked} it could not be asked") } else { String::new() }
    )
}

fn section(title: &str, lines: &[String], most: usize, paint: Paint) -> String {
    section_of(title, lines.len() as u64, lines, most, paint)
}

fn section_of(title: &str, count: u64, lines: &[String], most: usize, paint: Paint) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", paint.strong(&format!("{title} ({count})")));
    lines.iter().take(most).for_each(|line| text.push_str(&format!("  {line}\n")));
    text.push_str(&more(lines.len().saturating_sub(most)));
    text
}

fn more(hidden: usize) -> String {
    if hidden > 0 { format!("  and {hidden} more: see -o wide\n") } else { String::new() }
}

/// A view that is a `RestoreReport` in JSON: `restore create --dry-run`.
#[derive(Debug)]
pub struct AsReport(pub View);

/// A view that is a `RestorePlan` in JSON: `restore plan`.
#[derive(Debug)]
pub struct AsPlan {
    /// The view.
    pub view: View,
    /// Whether objects are part of the JSON too: they are no part of what is saved.
    pub objects: bool,
}

impl Serialize for AsReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            report: &'a Report,
            objects: &'a [Viewed],
            #[serde(skip_serializing_if = "Option::is_none")]
            asked: Option<&'a Asked>,
            impact: &'a Impact,
            facts: &'a [Fact],
            phases: &'a [Phase],
        }
        let View { plan, report, objects, asked, .. } = &self.0;
        let Plan { impact, facts, phases, .. } = plan;
        Whole { report, objects, asked: asked.as_ref(), impact, facts, phases }.serialize(serializer)
    }
}

impl Serialize for AsPlan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            plan: &'a Plan,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            findings: &'a [Finding],
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            failures: &'a [Failed],
            #[serde(skip_serializing_if = "Option::is_none")]
            objects: Option<&'a [Viewed]>,
        }
        let View { plan, report, .. } = &self.view;
        let (findings, failures) = (&*report.tally.findings, &*report.tally.failures);
        let objects = self.objects.then_some(self.view.objects.as_slice());
        Whole { plan, findings, failures, objects }.serialize(serializer)
    }
}

impl Document for AsReport {
    fn kind(&self) -> Option<&'static str> {
        None
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        self.0.text(paint, wide)
    }

    fn names(&self) -> Vec<String> {
        vec![self.0.report.run.clone()]
    }
}

impl Document for AsPlan {
    fn kind(&self) -> Option<&'static str> {
        None
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        self.view.text(paint, wide)
    }

    fn names(&self) -> Vec<String> {
        vec![self.view.plan.id.clone()]
    }
}

#[cfg(test)]
mod tests;
