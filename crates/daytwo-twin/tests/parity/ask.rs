//! Makes a request of a line: its path in full, its variables, its headers, its body.

use std::collections::HashMap;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::http::Request;
use crate::place::yaml;
use crate::script::{Body, Paths, Step, expand};
use crate::side::Side;

static PATHS: LazyLock<Paths> = LazyLock::new(|| Paths::read(include_str!("paths.txt")));

/// Short names of media types.
const TYPES: [(&str, &str); 13] = [
    ("json", "application/json-patch+json"),
    ("merge", "application/merge-patch+json"),
    ("strategic", "application/strategic-merge-patch+json"),
    ("apply", "application/apply-patch+yaml"),
    ("plain", "application/json"),
    ("yaml", "application/yaml"),
    ("proto", "application/vnd.kubernetes.protobuf"),
    ("cbor", "application/cbor"),
    ("table", "application/json;as=Table;v=v1;g=meta.k8s.io"),
    ("partial", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"),
    ("partials", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"),
    ("aggregated", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"),
    (
        "kubectl",
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
    ),
];

impl Side {
    pub fn request(&self, step: &Step, recorded: &HashMap<String, Vec<u8>>) -> Result<Request> {
        let text = |text: &str| expand(text, &self.variables).map_err(|why| anyhow!(why));
        let mut path = PATHS.whole(&text(&step.path)?, &self.namespace).map_err(|why| anyhow!(why))?;
        let mut request = Request::get("");
        request.method = match step.method.as_str() {
            "WATCH" | "OPEN" => {
                path.push_str(if path.contains('?') { "&watch=1" } else { "?watch=1" });
                "GET".to_owned()
            }
            method => method.to_owned(),
        };
        request.path = path;
        request.body = match &step.body {
            Body::None => None,
            Body::Raw(body) => Some(text(body)?.into_bytes()),
            Body::Yaml(body) => {
                let value = yaml(&text(body)?).context("the body is no YAML")?;
                Some(value.to_string().into_bytes())
            }
        };
        if let Some(digits) = step.flag("body").and_then(|name| name.strip_prefix("hex:")) {
            request.body = Some(bytes(digits)?);
        }
        if let Some(name) = step.flag("body").and_then(|name| name.strip_prefix('@')) {
            let (name, length) =
                name.split_once(':').map_or((name, None), |(name, length)| (name, Some(length)));
            let bytes = recorded.get(name).with_context(|| format!("nothing recorded as {name}"))?;
            let length = length.map_or(Ok(bytes.len()), str::parse)?;
            request.body = Some(bytes.get(..length).context("cut too late")?.to_vec());
        }
        for (flag, header) in [("type", "Content-Type"), ("accept", "Accept"), ("as", "Impersonate-User")] {
            if let Some(value) = step.flag(flag) {
                let value = TYPES.iter().find(|(name, _)| *name == value).map_or(value, |(_, whole)| whole);
                request.headers.push((header.to_owned(), text(value)?));
            }
        }
        let patch = request.method == "PATCH" && step.flag("type").is_none();
        if patch {
            bail!("a PATCH without type=");
        }
        for header in step.all("header") {
            let (name, value) = header.split_once(':').context("header=NAME:VALUE")?;
            request.headers.push((name.to_owned(), text(value)?));
        }
        request.token = match step.flag("token") {
            None => None,
            Some("none") => Some(String::new()),
            Some(token) => Some(text(token)?),
        };
        Ok(request)
    }
}

/// Bytes, two digits each.
fn bytes(digits: &str) -> Result<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or_default());
    pairs.map(|pair| u8::from_str_radix(pair, 16).with_context(|| format!("{pair:?} is no byte"))).collect()
}

impl Request {
    pub fn get(path: &str) -> Request {
        Request { method: "GET".into(), path: path.to_owned(), headers: Vec::new(), token: None, body: None }
    }
}
