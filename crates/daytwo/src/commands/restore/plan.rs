//! `daytwo restore plan`: the steps of a restore, and what they rest on.

use daytwo_core::plan::{Plan, Step};

use crate::cli::restore as cli;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::paint::Paint;
use crate::output::table::Table;
use crate::output::words;
use crate::progress::Progress;
use crate::settings::Session;

use super::sides::Sides;
use super::view::{AsPlan, Look, View};
use super::{create, drill, pruning, saved};

/// The steps as a table, and what they rest on.
pub fn steps(plan: &Plan, paint: Paint) -> String {
    let mut table = Table::new(["PLACE", "PHASE", "STEP"]);
    for (place, step) in plan.steps() {
        let phase = plan.phases.get(place.phase).map(|phase| phase.name.clone()).unwrap_or_default();
        table.row([place.to_string().into(), phase.into(), step_text(step).into()]);
    }
    let mut text = match plan.steps().next() {
        Some(_) => format!("\n{}\n{}", paint.strong("Steps"), table.render(paint)),
        None => format!("\n{}\n", paint.strong("No steps: nothing is to be done")),
    };
    for fact in &plan.facts {
        text.push_str(&format!("relies on {}: {}\n", fact.what, fact.was));
    }
    text
}

/// What a step does, in a line.
pub fn step_text(step: &Step) -> String {
    match step {
        Step::EnsureNamespaces { namespaces } => format!("make namespaces {}", namespaces.join(", ")),
        Step::CreateObjects { wave, objects } => {
            let objects = words::count(*objects, "object");
            format!("write {}: {objects}, of which what is the same is left alone", wave.name())
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
        Step::AwaitWorkloads { workloads, deadline } => format!(
            "wait until {} are as available as they were, at most {} s",
            words::count(*workloads, "workload"),
            deadline.as_secs()
        ),
        Step::ReleaseWebhooks { deadline } => format!(
            "give parked webhooks their failure policy back once somebody answers, at most {} s",
            deadline.as_secs()
        ),
        Step::BindOwners { last: false } => "give objects their owners, as far as those are there".to_owned(),
        Step::BindOwners { last: true } => "give objects their owners".to_owned(),
        Step::RestoreReclaimPolicies { deadline } => {
            format!("give volumes their reclaim policies back once bound, at most {} s", deadline.as_secs())
        }
        Step::DefragMember { name, size, free, deadline, .. } => format!(
            "defragment {name}: {} of {} are free, at most {} s",
            words::bytes(*free),
            words::bytes(*size),
            deadline.as_secs()
        ),
        Step::AwaitMembers { members, deadline } => format!(
            "wait until {} are well, at most {} s",
            words::count(members.len() as u64, "member"),
            deadline.as_secs()
        ),
        Step::DisarmAlarm { alarm, name } => format!("take the alarm {} of {name} back", alarm.alarm),
    }
}

/// Prints the plan; exit 0 whatever it holds.
///
/// # Errors
/// As `restore create`.
pub async fn run(session: &Session, verb: cli::Plan) -> Result {
    let mut request = create::request(&verb.request)?;
    let sides = Sides::of(session, &verb.request, &mut request).await?;
    pruning::possible(&request, &sides.backup)?;
    let progress = Progress::new(session);
    let run = create::run_name(session, &request);
    let look = Look { diff: verb.show_diff, secrets: verb.show_secrets, ask: None };
    let view = View::of(&sides.runner(session, &progress), &request, &run, look, session.out.format).await;
    drop(progress);
    let mut view = view?;
    if sides.twin.is_some() {
        view.report.tally.findings.push(drill::not_checked(&view.report));
    }
    if let Some(file) = &verb.plan_out {
        saved::save(session, file, &view.plan, &verb.request.places)?;
    }
    session.out.document(&AsPlan { view, objects: verb.show_diff })?;
    Ok(Exit::Done)
}
