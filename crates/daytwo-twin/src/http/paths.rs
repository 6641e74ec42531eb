//! What stands outside of resources: health, version, discovery, and the list of all paths.

use serde_json::{Value, json};

use super::discovery;
use crate::api::Api;
use crate::kinds::Kinds;
use crate::openapi::Patched;

/// An answer outside of resources.
pub(super) enum Plain {
    /// Of which only JSON is given.
    Json(Value),
    /// What is read alone, as JSON or YAML.
    Document(Value),
    /// What is read alone, with its media type.
    Typed(Value, &'static str),
    /// What is known by its hash, and its path below `/openapi/v3`.
    Hashed(Value, String),
    Text(String),
}

/// What is at a path; `None` where no such thing is.
pub(super) fn at(api: &Api, path: &str, query: &str, accept: &str) -> Option<Plain> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        [""] => Some(Plain::Json(all(api))),
        ["version"] => Some(Plain::Typed(version(&api.settings().version), "application/json")),
        ["healthz" | "livez" | "readyz", rest @ ..] => health(parts[0], rest, query),
        ["api" | "apis", ..] => discovery::at(api, &parts, accept),
        ["openapi", "v3", rest @ ..] => openapi(api, rest),
        _ => None,
    }
}

/// `/version` of a server of `version`, such as `v1.36.3`.
fn version(version: &str) -> Value {
    let mut recorded: Value = serde_json::from_str(include_str!("../record/1.36/version.json"))
        .expect("invariant: the record in the tree is read by a test");
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or("1"), numbers.next().unwrap_or("36"));
    for (name, value) in [("major", major), ("minor", minor), ("gitVersion", version)] {
        recorded[name] = value.into();
    }
    for name in ["emulationMajor", "minCompatibilityMajor"] {
        recorded[name] = major.into();
    }
    recorded["emulationMinor"] = minor.into();
    let before: u32 = minor.parse::<u32>().unwrap_or(36).saturating_sub(1);
    recorded["minCompatibilityMinor"] = before.to_string().into();
    recorded
}

fn health(what: &str, rest: &[&str], query: &str) -> Option<Plain> {
    match rest {
        [] if query.split('&').any(|one| one.split('=').next() == Some("verbose")) => {
            Some(Plain::Text(format!("[+]ping ok\n[+]log ok\n[+]twin ok\n{what} check passed\n")))
        }
        [] | ["ping" | "log" | "twin"] => Some(Plain::Text("ok".to_owned())),
        _ => None,
    }
}

fn openapi(api: &Api, rest: &[&str]) -> Option<Plain> {
    let kinds = api.kinds();
    let all = patched(&kinds);
    let hashed = |group: &str, version: &str| {
        let document = crate::openapi::document(group, version, &all)?;
        Some(Plain::Hashed(document, rest.join("/")))
    };
    match rest {
        [] => Some(Plain::Json(crate::openapi::index(&all))),
        ["api", version] => hashed("", version),
        ["apis", group, version] => hashed(group, version),
        _ => None,
    }
}

/// Everything that can be patched.
fn patched(kinds: &Kinds) -> Vec<Patched<'_>> {
    let versions = kinds.groups().iter().flat_map(|group| &group.versions);
    let mut all = Vec::new();
    for resource in versions.flat_map(|version| &version.resources) {
        let kind = &resource.kind;
        if resource.does("patch") {
            all.push(Patched {
                resource: kind,
                subresource: None,
                kind: [&kind.group, &kind.version, &kind.kind],
            });
        }
        for sub in resource.subresources.iter().filter(|sub| sub.verbs.iter().any(|verb| verb == "patch")) {
            let (group, version, name) = &sub.answer;
            all.push(Patched { resource: kind, subresource: Some(&sub.name), kind: [group, version, name] });
        }
    }
    all
}

fn all(api: &Api) -> Value {
    let kinds = api.kinds();
    let mut paths: Vec<String> = [
        "/.well-known/openid-configuration",
        "/api",
        "/api/v1",
        "/apis",
        "/apis/",
        "/healthz",
        "/livez",
        "/openapi/v3",
        "/readyz",
        "/version",
    ]
    .map(str::to_owned)
    .to_vec();
    for group in kinds.groups().iter().filter(|group| !group.name.is_empty()) {
        paths.push(format!("/apis/{}", group.name));
        paths
            .extend(group.versions.iter().map(|version| format!("/apis/{}/{}", group.name, version.version)));
    }
    paths.remove(0);
    paths.sort();
    json!({"paths": paths})
}
