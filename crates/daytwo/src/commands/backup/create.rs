//! `daytwo backup create`.

use daytwo_archive::{BackupName, Location};
use daytwo_engine::api::Patience;
use daytwo_engine::{BackupRequest, ClusterOptions, Site};

use crate::cli::backup::Create;
use crate::commands::twin::open::Means;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::filters;
use crate::place;
use crate::progress::Progress;
use crate::settings::Session;
use crate::site;

use super::describe::{self, Style};
use super::naming;
use super::writing;

/// Backs the cluster up and prints what came of it; exit 1 where something wanted could not be read.
///
/// # Errors
/// Exit 2 for what cannot be asked, exit 3 where cluster or store do not answer, exit 4 where the name is taken.
pub async fn run(session: &Session, verb: Create) -> Result {
    let filter = filters::filter(&verb.filters)?;
    let named = verb.name.as_deref().map(BackupName::try_from).transpose()?;
    let (write, ttl) = writing::options(session, &verb.writing)?;
    let slow = ClusterOptions { compress: verb.compress, ..session.cluster.clone() };
    let reading = Session { cluster: slow, ..session.clone() };
    let connecting = async {
        let location = place::open(session, &verb.at).await?;
        let means = Means::beside(&verb.at, &verb.identities);
        Ok::<_, Failure>((location, site::open(&reading, verb.from.as_ref(), means).await?.site))
    };
    let (location, site) = session
        .interrupt
        .or(connecting)
        .await
        .ok_or_else(|| Failure::new(Exit::Failed, "stopped; nothing was written"))??;
    let name = named.unwrap_or_else(|| naming::default_name(&site.identity().context, session.clock.now()));
    let request = BackupRequest {
        name,
        filter,
        ttl,
        storage_location: place::storage_location(&verb.at).to_owned(),
        concurrency: usize::from(verb.concurrency),
        patience: Patience::default(),
        write,
    };
    back_up(session, &site, &location, request).await
}

/// Backs `site` up and prints what came of it; exit 1 where something wanted could not be read.
///
/// # Errors
/// Exit 3 where cluster or store do not answer, exit 4 where the name is taken.
pub async fn back_up(session: &Session, site: &Site, location: &Location, request: BackupRequest) -> Result {
    session.speak.note(&format!(
        "backing up {} ({}) as {} to {}",
        site.identity().context,
        site.identity().server,
        request.name,
        location.url()
    ));
    let progress = Progress::new(session);
    let head =
        daytwo_engine::backup(site, location, request, &*session.clock, &progress, session.interrupt.token())
            .await;
    drop(progress);
    let head = head?;
    let exit = if head.problems.is_empty() { Exit::Done } else { Exit::Findings };
    for problem in &head.problems {
        session.speak.warn(&describe::problem(problem));
    }
    session.out.document(&describe::BackupDocument::new(location.url(), head, Style::Brief))?;
    Ok(exit)
}
