//! Kubeconfig files that hold all they need, so that they can be copied anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::certs::Pair;

/// As who to speak to the cluster.
pub(crate) enum Identity<'a> {
    Certificate(&'a Pair),
    Token(&'a str),
}

/// The text of a kubeconfig. JSON, which is YAML too.
pub(crate) fn kubeconfig(url: &str, ca_pem: &str, user: &str, identity: &Identity<'_>) -> String {
    let credentials: Value = match identity {
        Identity::Certificate(pair) => json!({
            "client-certificate-data": STANDARD.encode(&pair.cert),
            "client-key-data": STANDARD.encode(&pair.key),
        }),
        Identity::Token(token) => json!({ "token": token }),
    };
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "testbed",
        "clusters": [{
            "name": "testbed",
            "cluster": { "server": url, "certificate-authority-data": STANDARD.encode(ca_pem) },
        }],
        "users": [{ "name": user, "user": credentials }],
        "contexts": [{ "name": "testbed", "context": { "cluster": "testbed", "user": user } }],
    });
    format!("{config:#}\n")
}
