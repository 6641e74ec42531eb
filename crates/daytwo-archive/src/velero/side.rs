//! The small files beside the archive.

use crate::gzip::{Holding, Packer};
use crate::head::{Head, Phase};
use crate::layout::File;
use serde_json::{Map, Value, json};

/// Every side file but the list of resources, compressed.
pub(crate) fn side_files(head: &Head) -> Vec<(File, Vec<u8>)> {
    let mut packer = Packer::default();
    let mut results = results(head).to_string();
    results.push('\n');
    [
        (File::Logs, log(head)),
        (File::Results, results),
        (File::VolumeInfo, "[]".to_owned()),
        (File::PodVolumeBackups, "[]".to_owned()),
        (File::VolumeSnapshots, "[]".to_owned()),
        (File::ItemOperations, "[]".to_owned()),
    ]
    .into_iter()
    .map(|(file, text)| (file, packer.pack(text.as_bytes(), &Holding::List).to_vec()))
    .collect()
}

/// `pkg/util/results/result.go`: errors and warnings of Velero itself, of the cluster, of namespaces.
fn results(head: &Head) -> Value {
    let mut cluster = Vec::new();
    let mut namespaces: Map<String, Value> = Map::new();
    for problem in &head.problems {
        let name = problem.name.as_deref().unwrap_or_default();
        let line = json!(format!("resource: /{} name: /{name} error: {}", problem.resource, problem.what));
        match &problem.namespace {
            None => cluster.push(line),
            Some(namespace) => {
                let lines = namespaces.entry(namespace.clone()).or_insert_with(|| json!([]));
                lines.as_array_mut().expect("invariant: made an array above").push(line);
            }
        }
    }
    let mut errors = Map::new();
    if !cluster.is_empty() {
        errors.insert("cluster".into(), Value::Array(cluster));
    }
    if !namespaces.is_empty() {
        errors.insert("namespaces".into(), Value::Object(namespaces));
    }
    let mut warnings = Map::new();
    if !head.warnings.is_empty() {
        warnings.insert("velero".into(), json!(head.warnings));
    }
    json!({ "errors": errors, "warnings": warnings })
}

/// Lines as logrus writes them, which `velero backup logs` shows.
fn log(head: &Head) -> String {
    let mut log = String::new();
    let mut line = |at: Option<jiff::Timestamp>, level: &str, message: &str| {
        let at = at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default();
        // A Rust string literal quotes what Go's would.
        log.push_str(&format!("time=\"{at}\" level={level} msg={message:?} backup=velero/{}\n", head.name));
    };
    let server = &head.server;
    line(head.started, "info", &format!("Backing up the cluster at {} ({})", server.url, server.version));
    for count in &head.counts {
        let resource = count.resource.as_deref().unwrap_or(&count.kind);
        line(head.finished, "info", &format!("Backed up {} of {resource}", count.objects));
    }
    for problem in &head.problems {
        let namespace = problem.namespace.as_deref().unwrap_or_default();
        let name = problem.name.as_deref().unwrap_or_default();
        line(head.finished, "error", &format!("{} {namespace}/{name}: {}", problem.resource, problem.what));
    }
    for warning in &head.warnings {
        line(head.finished, "warning", warning);
    }
    let phase = match head.phase {
        Phase::PartiallyFailed => "Backed up in part",
        _ => "Backed up",
    };
    line(head.finished, "info", &format!("{phase}: {} objects", head.objects));
    log
}
