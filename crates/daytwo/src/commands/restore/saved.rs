//! `daytwo restore run`: carries out a plan that was saved, if what it rests on is still so.

use std::path::Path;

use daytwo_core::plan::{API_VERSION, Kind, Plan};

use crate::cli::restore::Run;
use crate::cli::shared::Places;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::place;
use crate::settings::Session;

use super::create::{self, velero_takes};
use super::sides::Sides;
use super::{drill, resume};

/// Writes `plan` into `file`.
///
/// # Errors
/// Exit 5 where it cannot be written.
pub fn save(session: &Session, file: &Path, plan: &Plan, places: &Places) -> Result<()> {
    let failed = |why: String| {
        Failure::new(Exit::Failed, format!("cannot write the plan to {}: {why}", file.display()))
    };
    let mut text = serde_json::to_vec_pretty(plan).map_err(|error| failed(error.to_string()))?;
    text.push(b'\n');
    std::fs::write(file, text).map_err(|error| failed(error.to_string()))?;
    let places = places.flags();
    session.speak.note(&format!("the plan is in {0}: daytwo restore run {0}{places}", file.display()));
    Ok(())
}

/// Plans anew, compares, and carries the plan out.
///
/// # Errors
/// Exit 2 for a file that holds no plan, exit 4 where the backup or the cluster is another or more would be changed.
pub async fn run(session: &Session, verb: Run) -> Result {
    let saved = read(&verb.file)?;
    let Kind::Restore(mut request) = saved.kind.clone() else {
        return Err(Failure::usage(format!("{} holds no plan of a restore", verb.file.display())));
    };
    let opening = async {
        let journals = place::journals(session, &verb.places).await?;
        let begun = resume::begun(&journals, &saved.id).await?;
        let (at, named) = (&verb.places.at, verb.target.into.as_ref());
        let near = Sides::near(session, at, journals, &verb.identities, &request.backup, named);
        Ok::<_, Failure>((near.await?, begun))
    };
    let stopped = || Failure::new(Exit::Failed, "stopped; nothing was written");
    let (sides, begun) = session.interrupt.or(opening).await.ok_or_else(stopped)??;
    if let Some(recorded) = begun.filter(|_| sides.twin.is_none()) {
        return resume::same(session, &sides, recorded, &request, &verb.places).await;
    }
    velero_takes(&sides.site, &request).await?;
    let mut run = saved.id.clone();
    if sides.twin.is_some() {
        drill::fit(session, &mut request);
        // The plan's own name is for the run that is rehearsed.
        run = drill::name(session, &run);
        drill::tell(session, &run, &verb.places);
    }
    let allowing = |planned: &Plan| allowed(&saved, planned);
    create::carry_out(session, &sides, &request, &run, &verb.pruning, &verb.places, allowing).await
}

fn read(file: &Path) -> Result<Plan> {
    let wrong = |why: String| Failure::usage(format!("{} holds no plan: {why}", file.display()));
    let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let plan: Plan = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    match plan.api_version == API_VERSION {
        true => Ok(plan),
        false => Err(wrong(format!("it is of {}, this is {API_VERSION}", plan.api_version))),
    }
}

/// Whether what would be done now is what was planned, or less.
fn allowed(saved: &Plan, now: &Plan) -> Result<()> {
    let refused =
        |what: String| Err(Failure::new(Exit::Refused, what).or_try("daytwo restore plan".to_owned()));
    if let Some(changed) = saved.stale(&now.facts).first() {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        return refused(format!(
            "the plan is for another state: {} was {} and is {}",
            changed.what,
            side(&changed.was),
            side(&changed.is)
        ));
    }
    if now.impact.grew_from(&saved.impact) {
        let told = |plan: &Plan| {
            let impact = &plan.impact;
            format!("{} creates, {} updates, {} deletes", impact.creates, impact.updates, impact.deletes)
        };
        return refused(format!(
            "more would be changed than was planned: {} where the plan says {}",
            told(now),
            told(saved)
        ));
    }
    Ok(())
}
