//! How many connections the system lets this program have.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Takes as many file descriptors as the system gives without asking anybody: each connection is one. Where it gives no
/// more, connections beyond wait until one is free.
pub fn raise() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(now, most)| {
        if now < most {
            setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
        }
        Ok((now, most))
    });
    match raised {
        Ok((now, most)) => tracing::debug!(now, most, "file descriptors"),
        Err(error) => tracing::debug!(%error, "the limit of file descriptors stays as it is"),
    }
}
