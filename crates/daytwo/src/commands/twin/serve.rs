//! `daytwo twin serve`: a twin behind a port, until Ctrl-C.

use std::net::SocketAddr;

use daytwo_engine::ClusterOptions;
use daytwo_twin::{Serving, Twin};
use serde::Serialize;

use crate::cli::shared::quoted;
use crate::cli::twin::Serve;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::settings::Session;

use super::kubeconfig::Written;
use super::limits;
use super::open::{self, Means};

/// A twin that is served.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Served {
    /// What it is of.
    source: String,
    /// Its URL.
    server: String,
    /// Where it listens.
    address: SocketAddr,
    /// The file that leads to it.
    kubeconfig: String,
    /// The version it answers as.
    version: String,
    /// Its revision as it was opened.
    revision: u64,
    read_only: bool,
}

impl Document for Served {
    fn kind(&self) -> Option<&'static str> {
        Some("Twin")
    }

    fn text(&self, _: Paint, _: bool) -> String {
        format!("export KUBECONFIG={}\n", quoted(&self.kubeconfig))
    }

    fn names(&self) -> Vec<String> {
        vec![self.kubeconfig.clone()]
    }
}

/// Opens, serves, and ends with exit 0 once it is asked to.
///
/// # Errors
/// Those of opening; exit 2 where the address cannot be listened on, exit 4 where the kubeconfig would take another's place.
pub async fn run(session: &Session, verb: Serve) -> Result {
    limits::raise();
    // The flag names the file to write here.
    let reading = Session {
        cluster: ClusterOptions { kubeconfig: None, ..session.cluster.clone() },
        ..session.clone()
    };
    let twin = open::open(&reading, &verb.opening.from, Means::of(&verb.opening, verb.read_only)).await?;
    let serving = serve(&twin, verb.listen).await?;
    let written = Written::write(verb.kubeconfig.as_deref(), &serving.kubeconfig())?;
    tell(session, &serving);
    session.out.document(&Served {
        source: twin.name().to_owned(),
        server: serving.url(),
        address: serving.address(),
        kubeconfig: written.path().display().to_string(),
        version: twin.api().settings().version.clone(),
        revision: twin.api().revision(),
        read_only: verb.read_only,
    })?;
    session.interrupt.token().cancelled().await;
    drop(written);
    serving.end().await;
    Ok(Exit::Done)
}

/// Serves `twin` at `address`, with a token of its own.
///
/// # Errors
/// Exit 2 where the address cannot be listened on; exit 5 where the system gives nothing random.
pub async fn serve(twin: &Twin, address: SocketAddr) -> Result<Serving> {
    let mut secret = [0; 40];
    getrandom::fill(&mut secret)
        .map_err(|error| Failure::new(Exit::Failed, format!("no random token: {error}")))?;
    Ok(twin.serve(address, secret).await?)
}

fn tell(session: &Session, serving: &Serving) {
    let address = serving.address();
    session.speak.note(&format!(
        "serving at {} until Ctrl-C, to whoever holds the token in the kubeconfig",
        serving.url()
    ));
    if !address.ip().is_loopback() {
        let mut warning =
            format!("{address} is reached from other machines: the token alone protects what is in it");
        if address.ip().is_unspecified() {
            warning.push_str("; the kubeconfig leads to this machine: listen on one of its addresses to be reached by name");
        }
        session.speak.warn(&warning);
    }
}
