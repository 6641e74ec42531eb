//! Backups of a small shop, written straight into a folder.

use std::path::Path;

use daytwo_archive::encrypt::Recipient;
use daytwo_archive::sign::SigningKey;
use daytwo_archive::{
    BackupName, BackupWriter, Complete, Consistency, Location, LocationOptions, Object, Outcome, Problem,
    Resource, Server, WriteOptions,
};
use jiff::Timestamp;

/// Values of the Secret, as they are meant; nothing but `--show-secrets` and `export` may show them.
pub const PLANTED: [&str; 2] = ["pl4nted-in-data", "pl4nted-in-annotation"];

/// An object to put into a backup.
#[derive(Clone)]
pub struct Put {
    pub resource: Resource,
    pub namespace: Option<&'static str>,
    pub name: String,
    pub json: String,
}

/// A backup to be written.
#[derive(Default)]
pub struct Draft {
    pub objects: Vec<Put>,
    pub recipients: Vec<Recipient>,
    pub sign: Option<SigningKey>,
    pub started: Option<Timestamp>,
    pub problems: Vec<Problem>,
}

pub fn resource(group: &str, resource: &str, kind: &str, namespaced: bool) -> Resource {
    Resource {
        group: group.into(),
        version: "v1".into(),
        kind: kind.into(),
        resource: resource.into(),
        namespaced,
    }
}

pub fn put(of: Resource, namespace: Option<&'static str>, name: &str, rest: &str) -> Put {
    let space = namespace.map(|space| format!(",\"namespace\":\"{space}\"")).unwrap_or_default();
    let json = format!(
        "{{\"apiVersion\":\"{}\",\"kind\":\"{}\",\"metadata\":{{\"name\":\"{name}\"{space},\"uid\":\"u-{name}\",\
         \"resourceVersion\":\"7\",\"creationTimestamp\":\"2026-11-01T00:00:00Z\"}}{rest}}}",
        of.api_version(),
        of.kind
    );
    Put { resource: of, namespace, name: name.to_owned(), json }
}

pub fn config_map(name: &str, data: &str) -> Put {
    put(resource("", "configmaps", "ConfigMap", true), Some("shop"), name, &format!(",\"data\":{{{data}}}"))
}

/// A Secret with values planted in its data and in what kubectl last applied.
pub fn secret() -> Put {
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, PLANTED[0]);
    let applied = format!(r#"{{\"kind\":\"Secret\",\"stringData\":{{\"p\":\"{}\"}}}}"#, PLANTED[1]);
    let of = resource("", "secrets", "Secret", true);
    let json = format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"db","namespace":"shop","annotations":{{"kubectl.kubernetes.io/last-applied-configuration":"{applied}"}}}},"type":"Opaque","data":{{"password":"{data}"}}}}"#
    );
    Put { resource: of, namespace: Some("shop"), name: "db".into(), json }
}

/// A shop: namespace, settings with digits and words that are easily lost, a Secret, a Deployment, its pod, a node, a
/// ClusterRole with a colon in its name and a ConfigMap with the longest name there is.
pub fn shop() -> Vec<Put> {
    let odd = r#""yes":"yes","mode":"0644","n":"1e3","text":"a\nb\n","big":"12345678901234567890""#;
    let mut pod = put(resource("", "pods", "Pod", true), Some("shop"), "web-1", ",\"spec\":{},\"status\":{}");
    pod.json = pod.json.replace(
        "\"uid\":\"u-web-1\"",
        "\"uid\":\"u-web-1\",\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"name\":\"web\",\"uid\":\"x\",\"controller\":true}]",
    );
    let deployment = ",\"spec\":{\"replicas\":3,\"paused\":false,\"ratio\":1.50,\"serial\":123456789012345678901234567890}";
    vec![
        put(resource("", "namespaces", "Namespace", false), None, "shop", ",\"spec\":{}"),
        put(resource("", "nodes", "Node", false), None, "n1", ",\"spec\":{}"),
        put(
            resource("rbac.authorization.k8s.io", "clusterroles", "ClusterRole", false),
            None,
            "shop:reader",
            ",\"rules\":[]",
        ),
        secret(),
        config_map("settings", odd),
        config_map(&"l".repeat(253), "\"a\":\"b\""),
        pod,
        put(resource("apps", "deployments", "Deployment", true), Some("shop"), "web", deployment),
    ]
}

/// Writes a backup into a folder.
pub fn write(folder: &Path, name: &str, draft: Draft) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let location =
            Location::open(folder.to_str().expect("text"), &LocationOptions::default()).expect("a folder");
        let started = draft.started.unwrap_or("2026-11-20T01:02:03Z".parse().expect("a time"));
        let options = WriteOptions {
            run: format!("run-of-{name}"),
            started,
            recipients: draft.recipients,
            sign: draft.sign,
            threads: 1,
        };
        let name = BackupName::try_from(name).expect("a name");
        let mut writer = BackupWriter::claim(&location, &name, options).await.expect("claimed");
        let mut complete: Vec<Complete> = Vec::new();
        for object in &draft.objects {
            let resource = object.resource.group_resource();
            if complete.last().is_none_or(|last| last.resource != resource) {
                writer.begin(&object.resource).await.expect("begun");
                complete.push(Complete { resource, namespaces: None });
            }
            let bytes = object.json.as_bytes();
            let object = Object { namespace: object.namespace, name: &object.name, head: &[], body: bytes };
            writer.add(object).await.expect("added");
        }
        let server = Server { version: "v1.36.3".into(), context: "lab".into(), ..Server::default() };
        let outcome = Outcome {
            finished: started,
            server,
            revision: Some(4711),
            consistency: Consistency::OneRevision,
            problems: draft.problems,
            left_out: Vec::new(),
            outside: Vec::new(),
            fallbacks: Vec::new(),
            complete,
            spec: serde_json::json!({}),
            ttl: None,
            warnings: Vec::new(),
        };
        writer.finish(outcome).await.expect("finished");
    });
}

/// Writes the shop.
pub fn write_shop(folder: &Path, name: &str) {
    write(folder, name, Draft { objects: shop(), ..Draft::default() });
}
