//! What a restore works with: the cluster, the backup, the place of the journal. All verbs that act open it here.

use daytwo_archive::{Backup, Location};
use daytwo_core::restore::Request;
use daytwo_engine::Site;
use daytwo_engine::journal::Timing;
use daytwo_engine::restore::Runner;
use daytwo_twin::Twin;

use crate::cli::restore as cli;
use crate::cli::shared::{At, Identities, OneRun};
use crate::cli::twin::Cluster;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::place;
use crate::progress::Progress;
use crate::settings::Session;
use crate::site::{self, Reached};

use super::super::backup::{objects, open};
use super::super::runs::find;
use super::super::twin::open::Means;
use super::drill;

/// The cluster and the backup.
pub struct Sides {
    /// The cluster.
    pub site: Site,
    /// The twin that it is, of which nothing is left afterwards.
    pub twin: Option<Twin>,
    /// Where the journal is kept; by habit where the backup lies.
    pub journals: Location,
    /// The backup, brought near.
    pub backup: Backup,
}

impl Sides {
    /// The one who plans and carries out.
    pub fn runner<'a>(&'a self, session: &'a Session, events: &'a Progress) -> Runner<'a> {
        Runner {
            site: &self.site,
            location: &self.journals,
            backup: &self.backup,
            clock: &*session.clock,
            events,
            stop: session.interrupt.token(),
            timing: Timing::default(),
        }
    }

    /// For what the flags ask; `request` learns where the backup lies and what the names of resources mean in it.
    ///
    /// # Errors
    /// Those of either side; Ctrl-C.
    pub async fn of(session: &Session, flags: &cli::Request, request: &mut Request) -> Result<Self> {
        let opening = async {
            let journals = place::journals(session, &flags.places).await?;
            let named = flags.target.into.as_ref();
            Self::near(session, &flags.places.at, journals, &flags.identities, &flags.from, named).await
        };
        let stopped = || Failure::new(Exit::Failed, "stopped; nothing was written");
        let sides = session.interrupt.or(opening).await.ok_or_else(stopped)??;
        sides.fit(session, request).await
    }

    /// Lets `request` learn where the backup lies, what the names of resources mean in it, and what a twin cannot do.
    ///
    /// # Errors
    /// Those of reading the backup.
    pub async fn fit(mut self, session: &Session, request: &mut Request) -> Result<Self> {
        let sides = &mut self;
        if sides.twin.is_some() {
            drill::fit(session, request);
        }
        let kinds = objects::kinds(&mut sides.backup).await?;
        let mut unknown = request.filter.resolve(&kinds);
        unknown.extend(request.changes.status.resolve(&kinds));
        for name in unknown {
            session.speak.warn(&format!("the backup has no resource {name}"));
        }
        sides.backup.location().url().clone_into(&mut request.location);
        Ok(self)
    }

    /// For a run that was begun.
    ///
    /// # Errors
    /// Exit 2 for a run that is unknown; those of either side. Not under Ctrl-C.
    pub async fn of_run(session: &Session, one: &OneRun, identities: &Identities) -> Result<Self> {
        let journals = place::journals(session, &one.places).await?;
        let recorded = find::one(&journals, &one.run).await?;
        let backup = find::restore(&recorded)?.backup.clone();
        drill::gone(&recorded, false)?;
        Self::near(session, &one.places.at, journals, identities, &backup, None).await
    }

    /// Opens the backup called `name`, connects to the cluster that is `named`, and brings the backup near.
    ///
    /// # Errors
    /// Those of either side.
    pub async fn near(
        session: &Session,
        at: &At,
        journals: Location,
        identities: &Identities,
        name: &str,
        named: Option<&Cluster>,
    ) -> Result<Self> {
        let mut backup = open::open(session, at, identities, name).await?.backup;
        let Reached { site, twin } = site::open(session, named, Means::beside(at, identities)).await?;
        backup.spool().await?;
        Ok(Self { site, twin, journals, backup })
    }
}

/// What no other runner is called, for people to read: user, host, process and a part of the run's UUID.
pub fn holder(session: &Session) -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "somebody".to_owned());
    let host = variable("HOSTNAME").or_else(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    });
    let id: String = session.run.chars().take(8).collect();
    format!(
        "{user}@{}, process {}, {id}",
        host.unwrap_or_else(|| "unknown host".to_owned()),
        std::process::id()
    )
}
