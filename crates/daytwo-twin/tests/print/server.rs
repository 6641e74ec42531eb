//! A real kube-apiserver that serves all it can, and the objects of `objects.yaml` on it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use daytwo_core::resource::ResourceType;
use daytwo_twin::print::Column;
use jiff::Timestamp;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use testbed::ControlPlane;

pub(crate) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
pub(crate) const JSON: &str = "application/json";

pub(crate) struct Server {
    client: Client,
    _plane: ControlPlane,
}

/// A resource as the server tells of it.
pub(crate) struct Known {
    pub(crate) kind: ResourceType,
    pub(crate) listed: bool,
    pub(crate) path: String,
}

impl Known {
    /// The path of its objects in a namespace.
    pub(crate) fn within(&self, namespace: &str) -> String {
        let base = self.path.strip_suffix(&self.kind.resource).unwrap_or_default();
        format!("{base}namespaces/{namespace}/{}", self.kind.resource)
    }
}

impl Server {
    pub(crate) async fn start() -> Result<Self> {
        let plane = tokio::task::spawn_blocking(|| {
            ControlPlane::builder()
                .controller_manager(false)
                .apiserver_arg("--runtime-config=api/all=true")
                .apiserver_arg("--feature-gates=AllAlpha=true,AllBeta=true")
                .start()
        })
        .await??;
        let kubeconfig = Kubeconfig::read_from(plane.kubeconfig())?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        Ok(Self { client: Client::try_from(config)?, _plane: plane })
    }

    pub(crate) async fn text(
        &self,
        method: &str,
        path: &str,
        accept: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> Result<String> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("accept", accept)
            .header("content-type", kind)
            .body(body)?;
        self.client.request_text(request).await.with_context(|| format!("{method} {path}"))
    }

    pub(crate) async fn get(&self, path: &str, accept: &str) -> Result<Value> {
        Ok(serde_json::from_str(&self.text("GET", path, accept, JSON, Vec::new()).await?)?)
    }

    pub(crate) async fn write(&self, method: &str, path: &str, kind: &str, body: &Value) -> Result<()> {
        self.text(method, path, JSON, kind, body.to_string().into_bytes()).await.map(drop)
    }

    /// All resources of a group version, without subresources.
    pub(crate) async fn resources(&self, group: &str, version: &str) -> Result<Vec<Known>> {
        let base =
            if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let found = self.get(&base, JSON).await?;
        let list = found["resources"].as_array().context("no resources")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let known =
            list.iter().filter(|resource| !text(&resource["name"]).contains('/')).map(|resource| Known {
                path: format!("{base}/{}", text(&resource["name"])),
                listed: resource["verbs"].as_array().is_some_and(|verbs| verbs.contains(&json!("list"))),
                kind: ResourceType {
                    group: group.to_owned(),
                    version: version.to_owned(),
                    resource: text(&resource["name"]),
                    kind: text(&resource["kind"]),
                    namespaced: resource["namespaced"] == true,
                },
            });
        Ok(known.collect())
    }

    /// Makes what `objects.yaml` says.
    pub(crate) async fn fill(&self) -> Result<()> {
        for mut object in objects()? {
            let version = object["apiVersion"].as_str().unwrap_or_default().to_owned();
            let (group, version) = version.split_once('/').unwrap_or(("", &version));
            let known = self.await_kind(group, version, object["kind"].as_str().unwrap_or_default()).await?;
            let path = match object["metadata"]["namespace"].as_str() {
                Some(namespace) => known.within(namespace),
                None => known.path,
            };
            let status = object.as_object_mut().and_then(|object| object.remove("status"));
            self.write("POST", &path, JSON, &object).await.with_context(|| object.to_string())?;
            let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap_or_default());
            if let Some(status) = status {
                let patch = json!({"status": status});
                self.write("PATCH", &format!("{path}/status"), "application/merge-patch+json", &patch)
                    .await?;
            }
            if object["metadata"]["labels"]["test"] == "deleted" {
                self.write("DELETE", &path, JSON, &json!({})).await?;
            }
        }
        let approval =
            json!({"status": {"conditions": [{"type": "Approved", "status": "True", "reason": "Test"}]}});
        let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests/csr/approval";
        self.write("PATCH", path, "application/merge-patch+json", &approval).await
    }

    /// A kind, within ten seconds: a definition's is not served at once.
    pub(crate) async fn await_kind(&self, group: &str, version: &str, kind: &str) -> Result<Known> {
        for _ in 0..100 {
            let known = self.resources(group, version).await.unwrap_or_default();
            if let Some(known) = known.into_iter().find(|known| known.kind.kind == kind) {
                return Ok(known);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("{kind} of {group}/{version} is not served after 10 s")
    }

    /// All group versions, the preferred ones of a group first.
    pub(crate) async fn versions(&self) -> Result<Vec<(String, String)>> {
        let groups = self.get("/apis", JSON).await?;
        let mut all = vec![(String::new(), "v1".to_owned())];
        for group in groups["groups"].as_array().context("no groups")? {
            for version in group["versions"].as_array().context("no versions")? {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                all.push((text(&group["name"]), text(&version["version"])));
            }
        }
        Ok(all)
    }

    /// The columns that definitions ask for, by group, plural and version.
    pub(crate) async fn columns(&self) -> Result<BTreeMap<(String, String, String), Vec<Column>>> {
        let list = self.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", JSON).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut all = BTreeMap::new();
        for definition in list["items"].as_array().context("no items")? {
            let spec = &definition["spec"];
            for version in spec["versions"].as_array().context("no versions")? {
                let entries = version["additionalPrinterColumns"].as_array().map_or(&[][..], Vec::as_slice);
                let key = (text(&spec["group"]), text(&spec["names"]["plural"]), text(&version["name"]));
                all.insert(key, Column::all(entries));
            }
        }
        Ok(all)
    }
}

/// The objects of `objects.yaml`.
pub(crate) fn objects() -> Result<Vec<Value>> {
    let options = serde_saphyr::options! { budget: None, strict_booleans: true };
    Ok(serde_saphyr::from_multiple_with_options(&prepared(include_str!("objects.yaml"))?, options)?)
}

/// Fills in times and certificates.
pub(crate) fn prepared(text: &str) -> Result<String> {
    use base64::Engine as _;
    let key = rcgen::KeyPair::generate()?;
    let request = rcgen::CertificateParams::new([])?.serialize_request(&key)?.pem()?;
    let mut authority = rcgen::CertificateParams::new([])?;
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = json!(authority.self_signed(&key)?.pem()).to_string();
    let text = text
        .replace("REQUEST", &base64::engine::general_purpose::STANDARD.encode(request))
        .replace("CERTIFICATE", &certificate);
    let now = now();
    let times = regex::Regex::new("@-([0-9]+)(s|us)")?;
    let time = |found: &regex::Captures<'_>| {
        let seconds: i64 = found[1].parse().unwrap_or_default();
        let time = now - jiff::SignedDuration::from_secs(seconds);
        if &found[2] == "s" { format!("{time:.0}") } else { format!("{time:.6}") }
    };
    Ok(times.replace_all(&text, time).into_owned())
}

#[expect(clippy::disallowed_methods, reason = "the real server's ages are of now")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
