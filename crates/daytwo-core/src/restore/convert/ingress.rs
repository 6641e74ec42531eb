//! Ingresses of extensions/v1beta1 and networking.k8s.io/v1beta1 (kubernetes v1.36.3,
//! `pkg/apis/networking/v1beta1/{conversion,defaults}.go`, `pkg/apis/extensions/v1beta1/conversion.go`), and their
//! classes. It refuses to choose a path type: what was left open stays `ImplementationSpecific`, as it was meant.

use super::Unconvertible;
use super::draft::Draft;
use crate::json::quote;

/// `backend` is `defaultBackend`, and a backend names its Service and port in an object.
pub(super) fn ingress(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    if let Some(default) = draft.value(&["spec", "backend"])? {
        let mut part = Draft::new(draft.from, default);
        backend(&mut part)?;
        draft.edits.remove(&["spec", "backend"]).set(&["spec", "defaultBackend"], part.finish()?.bytes);
    }
    draft.each(&["spec", "rules"], |rule| {
        rule.each(&["http", "paths"], |path| {
            path.implied(&["pathType"], r#""ImplementationSpecific""#);
            path.within(&["backend"], backend)
        })
    })
}

fn backend(backend: &mut Draft<'_>) -> Result<(), Unconvertible> {
    let name = backend.value(&["serviceName"])?.filter(|name| *name != b"\"\"");
    // Beside a resource an old server wrote the port 0.
    let port = backend.value(&["servicePort"])?.filter(|port| !matches!(*port, b"0" | b"\"\""));
    backend.edits.remove(&["serviceName"]).remove(&["servicePort"]);
    if let Some(name) = name {
        backend.edits.set(&["service", "name"], name);
    }
    if let Some(port) = port {
        let key = if port.starts_with(b"\"") { "name" } else { "number" };
        backend.edits.set(&["service", "port", key], port);
    }
    Ok(())
}

/// Parameters without a scope are cluster-scoped (`pkg/apis/networking/v1/defaults.go`).
pub(super) fn class(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    if draft.value(&["spec", "parameters"])?.is_some() {
        draft.implied(&["spec", "parameters", "scope"], &quote("Cluster"));
    }
    Ok(())
}
