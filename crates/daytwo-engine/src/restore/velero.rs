//! A Restore object of Velero's for a run of ours, so that `velero restore get` shows it.
//!
//! It is written once, with its terminal phase in it: the type has no status subresource (`pkg/apis/velero/v1/
//! restore_types.go` of Velero 1.18), and a server runs what has the phase `New` or none. It refuses to touch a Restore
//! of this name that tells of another run.

use daytwo_archive::restores::Results;
use daytwo_core::finding::{Finding, Severity};
use daytwo_core::restore::{Existing, Report, Request, State};
use http::Request as HttpRequest;
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde_json::{Map, Value, json};

use super::lists::escape;
use crate::api::{self, ApiError, Attempts, Patience};

/// What `namespace` of the cluster lacks for a Restore object; `None` if nothing.
///
/// # Errors
/// The cluster did not answer, or refuses the caller the look.
pub async fn lacks(client: &Client, namespace: &str) -> Result<Option<String>, ApiError> {
    let asked = [
        (
            format!("{}?limit=1", collection(namespace)),
            "the cluster does not serve restores.velero.io/v1".to_owned(),
        ),
        (format!("/api/v1/namespaces/{}", escape(namespace)), format!("there is no namespace {namespace}")),
    ];
    for (path, lacks) in asked {
        match api::get(client, &path, "application/json").await {
            Ok(_) => {}
            Err(error) if error.is_not_found() => return Ok(Some(lacks)),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Makes the object; a finding where that could not be done.
pub(super) async fn restore(
    client: &Client,
    namespace: &str,
    report: &Report,
    results: &Results,
) -> Option<Finding> {
    let object = object(namespace, report, results);
    let evidence = match create(client, namespace, report, &object).await {
        Ok(true) => return None,
        Ok(false) => "there is one of this name, which tells of another restore".to_owned(),
        Err(error) => error.to_string(),
    };
    Some(Finding {
        id: "restore-velero-object".to_owned(),
        severity: Severity::Warning,
        subject: format!("restores.velero.io/{namespace}/{}", report.run),
        evidence,
        breaks: "velero restore get does not show this run".to_owned(),
        remedy:
            "allow the caller to create restores.velero.io there, or choose another name for the next run"
                .to_owned(),
        command: Some(format!("kubectl auth can-i create restores.velero.io -n {namespace}")),
    })
}

/// Whether the object is there, and ours.
async fn create(client: &Client, namespace: &str, report: &Report, object: &Value) -> Result<bool, ApiError> {
    let path = collection(namespace);
    let mut attempts = Attempts::new(Patience::default());
    loop {
        let body = Body::from(object.to_string().into_bytes());
        let request = HttpRequest::post(format!("{path}?fieldManager=daytwo"))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body)
            .expect("invariant: a path made of escaped parts, and a constant header");
        match api::send(client, request, &Patience::default()).await {
            Ok(_) => return Ok(true),
            Err(error) if error.code() == Some(409) => break,
            Err(error) => attempts.again(error).await?,
        }
    }
    // Perhaps of a try whose answer was lost, or that was killed before the journal told that the run is over.
    let there: Value = api::get_json(client, &format!("{path}/{}", escape(&report.run))).await?;
    let same = |path: &str| there.pointer(path) == object.pointer(path);
    Ok(same("/spec/backupName") && same("/status/startTimestamp"))
}

fn collection(namespace: &str) -> String {
    format!("/apis/velero.io/v1/namespaces/{}/restores", escape(namespace))
}

fn object(namespace: &str, report: &Report, results: &Results) -> Value {
    let counts = &report.counts;
    let (phase, why) = match (&report.state, counts.failed) {
        (State::Aborted { because, .. }, _) => ("Failed", Some(format!("given up: {because}"))),
        (_, 0) => ("Completed", None),
        _ => ("PartiallyFailed", None),
    };
    let mut status = json!({
        "phase": phase,
        "startTimestamp": seconds(report.started),
        "completionTimestamp": seconds(report.finished),
        "warnings": results.warnings.count(),
        "errors": results.errors.count(),
        "progress": {
            "totalItems": counts.total(),
            "itemsRestored": counts.total() - counts.failed - counts.skipped,
        },
    });
    if let Some(why) = why {
        status["failureReason"] = json!(why);
    }
    json!({
        "apiVersion": "velero.io/v1",
        "kind": "Restore",
        "metadata": { "name": report.run, "namespace": namespace },
        "spec": spec(&report.request),
        "status": status,
    })
}

/// As `metav1.Time` is written.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `RestoreSpec` of `pkg/apis/velero/v1/restore_types.go`.
fn spec(request: &Request) -> Value {
    let filter = &request.filter;
    let mut spec = Map::new();
    let all_or = |names: &[String]| if names.is_empty() { json!(["*"]) } else { json!(names) };
    let mut set = |key: &str, value: Value| {
        spec.insert(key.to_owned(), value);
    };
    set("backupName", json!(request.backup));
    set("includedNamespaces", all_or(&filter.include_namespaces));
    set("includedResources", all_or(&filter.include_resources));
    for (key, names) in
        [("excludedNamespaces", &filter.exclude_namespaces), ("excludedResources", &filter.exclude_resources)]
    {
        if !names.is_empty() {
            set(key, json!(names));
        }
    }
    if !request.namespace_mapping.is_empty() {
        set("namespaceMapping", json!(request.namespace_mapping));
    }
    if let Some(include) = filter.include_cluster_resources {
        set("includeClusterResources", json!(include));
    }
    if let Some(selector) = &filter.selector {
        set("labelSelector", selector.to_label_selector());
    }
    let policy = if request.existing == Existing::Keep { "none" } else { "update" };
    set("existingResourcePolicy", json!(policy));
    Value::Object(spec)
}
