//! `daytwo restore plan`: the steps of a restore, and what they rest on.

use daytwo_core::plan::{Plan, Step};
use daytwo_engine::restore::Detail;
use serde::Serialize;

use crate::cli::restore as cli;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::table::Table;
use crate::output::words;
use crate::progress::Progress;
use crate::settings::Session;

use super::{create, saved};

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct PlanDocument(Plan);

impl Document for PlanDocument {
    const KIND: &'static str = "RestorePlan";
    const SAYS_KIND: bool = true;

    fn text(&self, paint: Paint, _: bool) -> String {
        let plan = &self.0;
        let impact = &plan.impact;
        let mut text = format!(
            "{} into {} ({}): creates {}, updates {}, deletes {}\n",
            plan.id, plan.site.context, plan.site.server, impact.creates, impact.updates, impact.deletes
        );
        let mut table = Table::new(["PLACE", "PHASE", "STEP"]);
        for (place, step) in plan.steps() {
            let phase = plan.phases.get(place.phase).map(|phase| phase.name.clone()).unwrap_or_default();
            table.row([place.to_string().into(), phase.into(), step_text(step).into()]);
        }
        text.push_str(&table.render(paint));
        for fact in &plan.facts {
            text.push_str(&format!("relies on {}: {}\n", fact.what, fact.was));
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.0.id.clone()]
    }
}

fn step_text(step: &Step) -> String {
    match step {
        Step::EnsureNamespaces { namespaces } => format!("make namespaces {}", namespaces.join(", ")),
        Step::CreateObjects { wave, objects } => {
            format!("create {} of {}", words::count(*objects, "object"), wave.name())
        }
        Step::AwaitEstablished { definitions, deadline } => format!(
            "wait until {} are established, at most {} s",
            words::count(definitions.len() as u64, "definition"),
            deadline.as_secs()
        ),
        Step::AwaitEndpoints { services, deadline } => {
            format!("wait for endpoints of {}, at most {} s", services.join(", "), deadline.as_secs())
        }
        Step::PruneObjects { extra } => {
            format!("delete {} that the backup does not hold", words::count(extra.len() as u64, "object"))
        }
        Step::BindOwners { last: false } => "give objects their owners, as far as those are there".to_owned(),
        Step::BindOwners { last: true } => "give objects their owners".to_owned(),
        Step::RestoreReclaimPolicies { deadline } => {
            format!("give volumes their reclaim policies back once bound, at most {} s", deadline.as_secs())
        }
    }
}

/// Prints the plan; exit 0 whatever it holds.
///
/// # Errors
/// As `restore create`.
pub async fn run(session: &Session, verb: cli::Plan) -> Result {
    let mut request = create::request(&verb.request)?;
    let sides = create::sides(session, &verb.request, &mut request).await?;
    let progress = Progress::new(session);
    let run = create::run_name(session, &request);
    let planned = sides.runner(session, &progress).plan(&request, &run, Detail::Needed).await;
    drop(progress);
    let plan = planned?.plan;
    if let Some(file) = &verb.plan_out {
        saved::save(session, file, &plan)?;
    }
    session.out.document(&PlanDocument(plan))?;
    Ok(Exit::Done)
}
