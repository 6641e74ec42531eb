//! How etcd is reached: what the flags say, else what this host keeps.

use std::time::Duration;

use daytwo_core::etcd::Reach;
use daytwo_engine::etcd::{Access, Login, find};

use crate::cli::etcd::live as cli;
use crate::failure::{Failure, Result};
use crate::output::words;
use crate::settings::Session;

/// For calls of a run that is gone on with.
const DEADLINE: Duration = Duration::from_secs(5);

/// What the flags mean.
pub struct Reached {
    /// For the engine.
    pub access: Access,
    /// For a plan.
    pub reach: Reach,
}

/// Resolves the flags; files are looked for where no certificate is named.
///
/// # Errors
/// Exit 2 where neither flags nor this host say where etcd is.
pub fn reach(session: &Session, flags: &cli::Reach) -> Result<Reached> {
    let mut reach = Reach {
        endpoints: flags.endpoints.clone(),
        cacert: flags.cacert.clone(),
        cert: flags.cert.clone(),
        key: flags.key.clone(),
    };
    let plain = !reach.endpoints.is_empty() && reach.endpoints.iter().all(|url| url.starts_with("http://"));
    if reach.cacert.is_none() && !plain {
        match find(&flags.host_root) {
            Some(found) => {
                session.speak.note(&format!("etcd of {}: {}", found.by, found.endpoint));
                reach.cacert = Some(found.tls.ca);
                if reach.cert.is_none() {
                    (reach.cert, reach.key) = found.tls.pair.unzip();
                }
                if reach.endpoints.is_empty() {
                    reach.endpoints = vec![found.endpoint];
                }
            }
            None if reach.endpoints.is_empty() => return Err(nowhere(&flags.host_root)),
            None => {}
        }
    }
    if reach.endpoints.is_empty() {
        return Err(nowhere(&flags.host_root));
    }
    let login = flags.user.as_deref().map(login).transpose()?;
    let access = Access::of(&reach, login, words::duration(&flags.command_timeout)?);
    Ok(Reached { access, reach })
}

/// By what a plan remembers; the user comes from the variable.
///
/// # Errors
/// Exit 2 where the variable holds no name and password.
pub fn again(reach: &Reach) -> Result<Access> {
    let user = std::env::var("ETCDCTL_USER").ok().filter(|user| !user.is_empty());
    Ok(Access::of(reach, user.as_deref().map(login).transpose()?, DEADLINE))
}

fn login(text: &str) -> Result<Login> {
    let login = Login::parse(text);
    login.ok_or_else(|| {
        Failure::usage("the user of etcd is given as NAME:PASSWORD").or_try("ETCDCTL_USER=NAME:PASSWORD")
    })
}

fn nowhere(root: &std::path::Path) -> Failure {
    let what = format!(
        "no endpoint is named, and below {} neither kubeadm, RKE2, K3s nor Harvester keeps etcd's certificates",
        root.display()
    );
    Failure::usage(what)
        .or_try("--endpoints https://HOST:2379 --cacert FILE --cert FILE --key FILE")
        .or_try("on a control-plane host, as root")
}
