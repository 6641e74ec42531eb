//! The site `enclave` against the real API server: all of it must be taken, as a restore would write it, with no field
//! that its kinds have not, and be kept as it stands in the fixture: that is what stored form means.
//!
//! Controllers and webhooks are not there to object: what they would say of the objects is not seen here.

#![expect(clippy::unwrap_used, reason = "the whole binary is a test")]

use std::collections::{BTreeSet, HashMap, HashSet};

use daytwo_twin::chance::Chance;
use daytwo_twin::fixture::Fixture;
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Map, Value};
use testbed::{ControlPlane, Family};

type Object = Map<String, Value>;

/// How a kind is served: the path's front, the plural, whether in namespaces, whether status stands apart.
type Kinds = HashMap<(String, String), (String, String, bool, bool)>;

const NOW: &str = "2026-03-01T12:00:00Z";

/// Kinds that others need to be there first, in order; all others come after.
const FIRST: [&str; 9] = [
    "CustomResourceDefinition",
    "Namespace",
    "PriorityClass",
    "StorageClass",
    "ServiceAccount",
    "Node",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
];

/// What the server makes itself as soon as there is a Service or a definition.
const MADE: [&str; 2] = ["APIService", "IPAddress"];

/// All it warns of: names that real sites have, and that are none of a fixture's making.
const WARNINGS: [&str; 5] = [
    "metadata.finalizers: \\\"foregroundDeleteKubeVirt\\\": prefer a domain-qualified finalizer name",
    "metadata.finalizers: \\\"foregroundDeleteVirtualMachine\\\": prefer a domain-qualified finalizer name",
    "metadata.finalizers: \\\"longhorn.io\\\": prefer a domain-qualified finalizer name",
    "unrecognized format \\\"int64\\\"",
    "v1 Endpoints is deprecated in v1.33+",
];

fn text<'a>(object: &'a Object, path: &[&str]) -> &'a str {
    let start = object.get(path[0]).unwrap_or(&Value::Null);
    path[1..].iter().fold(start, |at, name| &at[*name]).as_str().unwrap_or_default()
}

fn key(object: &Object) -> [String; 4] {
    [&["apiVersion"][..], &["kind"], &["metadata", "namespace"], &["metadata", "name"]]
        .map(|path| text(object, path).to_owned())
}

fn objects(fixture: Fixture) -> Vec<Object> {
    fixture.objects(NOW.parse().unwrap(), &mut Chance::new(1)).collect()
}

/// As a restore writes it: without what a server decides.
fn bare(object: &Object) -> Object {
    let mut bare = Value::Object(object.clone());
    let Some(meta) = bare["metadata"].as_object_mut() else { return Object::new() };
    for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
        meta.shift_remove(field);
    }
    if bare["kind"] == "Job" {
        bare["spec"].as_object_mut().unwrap().shift_remove("selector");
        for path in ["/metadata/labels", "/spec/template/metadata/labels"] {
            let labels = bare.pointer_mut(path).unwrap().as_object_mut().unwrap();
            labels.retain(|name, _| !name.contains("controller-uid") && !name.contains("job-name"));
        }
    }
    bare.as_object().unwrap().clone()
}

fn builtin(kinds: &mut Kinds) {
    let discovery: Value = serde_json::from_str(include_str!("../src/record/1.36/discovery.json")).unwrap();
    for group in ["/api", "/apis"].into_iter().flat_map(|path| discovery[path]["items"].as_array().unwrap()) {
        let name = group["metadata"]["name"].as_str().unwrap_or_default();
        for version in group["versions"].as_array().unwrap() {
            let number = version["version"].as_str().unwrap();
            let (api, front) = match name {
                "" => (number.to_owned(), format!("/api/{number}")),
                name => (format!("{name}/{number}"), format!("/apis/{name}/{number}")),
            };
            for resource in version["resources"].as_array().unwrap() {
                let mut parts = resource["subresources"].as_array().into_iter().flatten();
                let apart = parts.any(|part| part["subresource"] == "status");
                let plural = resource["resource"].as_str().unwrap().to_owned();
                let kind = resource["responseKind"]["kind"].as_str().unwrap().to_owned();
                kinds.insert(
                    (api.clone(), kind),
                    (front.clone(), plural, resource["scope"] == "Namespaced", apart),
                );
            }
        }
    }
}

fn kinds(all: &[Object]) -> Kinds {
    let mut kinds = Kinds::new();
    builtin(&mut kinds);
    for definition in all.iter().filter(|object| object["kind"] == "CustomResourceDefinition") {
        let spec = &definition["spec"];
        let (group, names) = (spec["group"].as_str().unwrap(), &spec["names"]);
        for version in spec["versions"].as_array().unwrap() {
            let api = format!("{group}/{}", version["name"].as_str().unwrap());
            let [kind, plural] = ["kind", "plural"].map(|field| names[field].as_str().unwrap().to_owned());
            let apart = version["subresources"]["status"].is_object();
            let row = (format!("/apis/{api}"), plural, spec["scope"] == "Namespaced", apart);
            kinds.insert((api, kind), row);
        }
    }
    kinds
}

/// With no times, of which the server has its own.
fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                *field = if name.ends_with("Time") { Value::Null } else { timeless(field.take()) };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = timeless(item.take())),
        _ => {}
    }
    value
}

/// The first thing that differs, the order of fields counted.
fn difference(meant: &Value, kept: &Value) -> Option<String> {
    let short = |value: &Value| value.to_string().chars().take(200).collect::<String>();
    match (meant, kept) {
        (Value::Object(left), Value::Object(right)) => {
            let names = [left, right].map(|fields| fields.keys().collect::<Vec<_>>());
            if names[0] != names[1] {
                return Some(format!(": fields {:?} are {:?}", names[0], names[1]));
            }
            left.iter()
                .find_map(|(name, left)| difference(left, &right[name]).map(|rest| format!(".{name}{rest}")))
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => left
            .iter()
            .zip(right)
            .enumerate()
            .find_map(|(at, (left, right))| difference(left, right).map(|rest| format!("[{at}]{rest}"))),
        _ => (meant != kept).then(|| format!(": {} is {}", short(meant), short(kept))),
    }
}

struct Server {
    client: kube::Client,
    kinds: Kinds,
    warnings: BTreeSet<String>,
    refused: Vec<String>,
}

impl Server {
    async fn of(site: &ControlPlane, all: &[Object]) -> Self {
        let config = Kubeconfig::read_from(site.kubeconfig()).unwrap();
        let config =
            kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
        let client = kube::Client::try_from(config).unwrap();
        Self { client, kinds: kinds(all), warnings: BTreeSet::new(), refused: Vec::new() }
    }

    fn path(&self, object: &Object) -> (String, bool) {
        let of = |field: &str| text(object, &[field]).to_owned();
        let row = self.kinds.get(&(of("apiVersion"), of("kind"))).unwrap_or_else(|| panic!("{object:?}"));
        let (front, plural, namespaced, apart) = row;
        match namespaced {
            true => {
                (format!("{front}/namespaces/{}/{plural}", text(object, &["metadata", "namespace"])), *apart)
            }
            false => (format!("{front}/{plural}"), *apart),
        }
    }

    async fn send(&mut self, method: &str, path: &str, object: &Object) -> Option<Object> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{path}?fieldValidation=Strict&fieldManager=test"))
            .header("content-type", "application/json")
            .body(Body::from(serde_json::to_vec(object).unwrap()))
            .unwrap();
        let answer = self.client.send(request).await.unwrap();
        for warning in answer.headers().get_all("warning") {
            self.warnings.insert(warning.to_str().unwrap().to_owned());
        }
        let good = answer.status().is_success();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Object = serde_json::from_slice(&body).unwrap();
        if good {
            return Some(body);
        }
        let name = text(object, &["metadata", "name"]);
        self.refused.push(format!("{method} {path} {name}: {}", text(&body, &["message"])));
        None
    }

    /// Creates it, then writes its status where that stands apart. Returns what is kept.
    async fn write(&mut self, object: &Object) -> Option<Object> {
        let (path, apart) = self.path(object);
        let mut made = self.send("POST", &path, &bare(object)).await?;
        let kind = text(object, &["kind"]);
        let Some(status) = object.get("status").filter(|_| apart && kind != "CustomResourceDefinition")
        else {
            return Some(made);
        };
        made.insert("status".into(), status.clone());
        self.send("PUT", &format!("{path}/{}/status", text(object, &["metadata", "name"])), &made).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_server_takes_every_object() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kube]).is_none() {
        return;
    }
    let fresh: HashSet<[String; 4]> = objects(Fixture::Empty).iter().map(key).collect();
    let mut site = objects(Fixture::Enclave);
    site.retain(|object| !fresh.contains(&key(object)));
    let (made, mut site): (Vec<Object>, Vec<Object>) =
        site.into_iter().partition(|object| MADE.contains(&text(object, &["kind"])));
    let rank = |object: &Object| {
        let kind = text(object, &["kind"]);
        // A quota counts what comes after it.
        let last = usize::from(kind == "ResourceQuota");
        FIRST.iter().position(|first| *first == kind).unwrap_or(FIRST.len() + last)
    };
    site.sort_by_key(rank);

    let real = ControlPlane::builder().controller_manager(false).start().unwrap();
    let mut server = Server::of(&real, &site).await;
    let definitions = site.iter().filter(|object| rank(object) == 0).count();
    assert!(definitions > 100, "{definitions}");
    for definition in &site[..definitions] {
        server.write(definition).await;
    }
    real.kubectl(&["wait", "--for=condition=Established", "--all", "--timeout=60s", "crd"]).unwrap();
    let mut other = Vec::new();
    for object in &site[definitions..] {
        let Some(kept) = server.write(object).await else { continue };
        let [meant, mut kept] = [object, &kept].map(|object| Value::Object(bare(object)));
        if kept["kind"] == "Node" {
            // No controller is there to take away again what admission gives a new node.
            kept["spec"].as_object_mut().unwrap().shift_remove("taints");
        }
        if let Some(difference) = difference(&meant, &kept) {
            other.push(format!("{:?} {difference}", key(object)));
        }
    }
    for object in site[..definitions].iter().chain(&made) {
        let (path, _) = server.path(object);
        let path = format!("{path}/{}", text(object, &["metadata", "name"]));
        let kept = server.send("GET", &path, &Object::new()).await.unwrap_or_default();
        let [meant, kept] = [object, &kept].map(|object| timeless(Value::Object(bare(object))));
        if let Some(difference) = difference(&meant, &kept) {
            other.push(format!("{:?} {difference}", key(object)));
        }
    }
    assert!(server.refused.is_empty(), "{} refused:\n{}", server.refused.len(), server.refused.join("\n"));
    let known = |said: &String| WARNINGS.iter().any(|known| said.contains(known));
    assert!(server.warnings.iter().all(known), "{:#?}", server.warnings);
    assert!(other.is_empty(), "{} kept otherwise:\n{}", other.len(), other.join("\n"));
}
