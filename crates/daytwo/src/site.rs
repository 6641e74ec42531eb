//! The cluster that a verb works on: that of a kubeconfig context, or a twin. All verbs get it here.
//!
//! A context that begins with `twin:` is a twin, wherever it is named. It refuses to guess: two contexts are one too many.

use daytwo_engine::{ClusterOptions, Site};
use daytwo_twin::Twin;

use crate::cli::twin::{Cluster, PREFIX};
use crate::commands::twin::open::{self, Means};
use crate::failure::{Failure, Result};
use crate::settings::Session;

/// A cluster to work on.
pub struct Reached {
    /// It.
    pub site: Site,
    /// The twin that it is, of which nothing is left once this program ends.
    pub twin: Option<Twin>,
}

/// Opens the cluster that `named` names, else `--context`, else the current context. `means` are those of a twin.
///
/// # Errors
/// Exit 2 for two contexts, and for one that there is not; exit 3 where the cluster does not answer; those of a twin's
/// source.
pub async fn open(session: &Session, named: Option<&Cluster>, means: Means<'_>) -> Result<Reached> {
    let of = match (named, &session.cluster.context) {
        (Some(_), Some(context)) => {
            return Err(
                Failure::usage(format!("--context {context} names another cluster")).or_try("leave one out")
            );
        }
        (Some(cluster), None) => cluster.clone(),
        (None, Some(context)) => {
            context.parse().map_err(|error| Failure::usage(format!("--context {context}: {error}")))?
        }
        (None, None) => return real(session, None).await,
    };
    match of {
        Cluster::Context(context) => real(session, Some(context)).await,
        Cluster::Twin(of) => {
            let twin = open::open(session, &of, means).await?;
            Ok(Reached { site: twin.site().await?, twin: Some(twin) })
        }
    }
}

/// How a cluster that is no twin is reached: at `context`, or else at the one that the global flags name.
pub fn options(session: &Session, context: Option<String>) -> ClusterOptions {
    let named = session.cluster.context.clone().filter(|context| !context.starts_with(PREFIX));
    ClusterOptions { context: context.or(named), ..session.cluster.clone() }
}

async fn real(session: &Session, context: Option<String>) -> Result<Reached> {
    Ok(Reached { site: Site::connect(&options(session, context)).await?, twin: None })
}

/// Whether a run or a backup of this context was one of a twin, which is gone.
pub fn was_twin(context: &str) -> bool {
    context.starts_with(PREFIX)
}
