//! One side of an area: makes its calls, keeps its variables and watches, and takes out of its answers what is random.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::http::{Answer, Client, Request, Stream};
use crate::place::{forget, found, pointer, yaml};
use crate::script::Step;
use crate::sides::Server;
use crate::sides::labels::Labels;

/// How long the real side's controllers may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long the twin may take, which does the same at once.
const AT_ONCE: Duration = Duration::from_secs(5);
const INTERVAL: Duration = Duration::from_millis(100);

/// One side of an area.
pub struct Side {
    client: Client,
    labels: Labels,
    pub variables: HashMap<String, String>,
    watches: HashMap<String, Stream>,
    pub namespace: String,
    deadline: Duration,
}

/// What of an answer is compared.
pub type Seen = (u16, Value);

impl Side {
    /// With a namespace of its own.
    pub async fn new(server: &Server, namespace: &str, script: &str) -> Result<Side> {
        let variables = HashMap::from([("ns".to_owned(), namespace.to_owned())]);
        let side = Side {
            client: Client::new(server)?,
            labels: Labels::new(&server.url, script),
            variables,
            watches: HashMap::new(),
            namespace: namespace.to_owned(),
            deadline: if server.name == "twin" { AT_ONCE } else { DEADLINE },
        };
        let body = json!({ "metadata": { "name": namespace } });
        let mut request = Request::get("/api/v1/namespaces");
        "POST".clone_into(&mut request.method);
        request.body = Some(body.to_string().into_bytes());
        let made = side.client.call(&request).await?;
        if made.status != 201 {
            bail!("{} does not make a namespace: {}", server.name, String::from_utf8_lossy(&made.body));
        }
        Ok(side)
    }

    /// Waits for what a new namespace gets.
    pub async fn begin(&self) -> Result<()> {
        for there in ["serviceaccounts/default", "configmaps/kube-root-ca.crt"] {
            let request = Request::get(&format!("/api/v1/namespaces/{}/{there}", self.namespace));
            self.until(&request, "200").await.with_context(|| format!("no {there}"))?;
        }
        Ok(())
    }

    /// Does what a line says.
    pub async fn step(&mut self, step: &Step, recorded: &HashMap<String, Vec<u8>>) -> Result<Seen> {
        if step.method == "NEXT" {
            let name = step.flag("name").context("NEXT without name=")?;
            let count = step.flag("n").unwrap_or("1").parse()?;
            let watch = self.watches.get_mut(name).with_context(|| format!("no watch {name}"))?;
            let events = Value::Array(watch.next(count).await?);
            self.capture(step, &events);
            return Ok((200, json!({ "body": self.labels.value(&step.id, &events) })));
        }
        let request = self.request(step, recorded)?;
        if let Some(value) = request.body.as_ref().and_then(|body| serde_json::from_slice(body).ok()) {
            self.labels.learn(&value);
        }
        let answer = match (step.method.as_str(), step.flag("until")) {
            ("WATCH" | "OPEN", _) => return self.watch(step, &request).await,
            (_, Some(condition)) => self.until(&request, condition).await?,
            (_, None) => self.ready(&request).await?,
        };
        if let Ok(value) = serde_json::from_slice::<Value>(&answer.body) {
            self.capture(step, &value);
        }
        Ok(self.seen(step, &answer))
    }

    /// The real side's answer, as bytes, to send to both.
    pub async fn record(&mut self, step: &Step) -> Result<Vec<u8>> {
        let mut request = self.request(step, &HashMap::new())?;
        "POST".clone_into(&mut request.method);
        request.headers.push(("Accept".into(), "application/vnd.kubernetes.protobuf".into()));
        let answer = self.client.call(&request).await?;
        match answer.status {
            200 | 201 => Ok(answer.body),
            status => bail!("{status}: {}", String::from_utf8_lossy(&answer.body)),
        }
    }

    async fn watch(&mut self, step: &Step, request: &Request) -> Result<Seen> {
        let (answer, stream) = self.client.open(request).await?;
        let mut seen = self.seen(step, &answer);
        let Some(mut stream) = stream else { return Ok(seen) };
        if step.method == "OPEN" {
            let name = step.flag("name").context("OPEN without name=")?;
            self.watches.insert(name.to_owned(), stream);
            return Ok(seen);
        }
        let count = step.flag("n").map_or(Ok(usize::MAX), str::parse)?;
        let events = Value::Array(stream.next(count).await?);
        self.capture(step, &events);
        seen.1["body"] = self.labels.value(&step.id, &events);
        Ok(seen)
    }

    /// The answer once the real side's cache of a kind is there: a definition is served before it is, and the first to ask
    /// may be told to come back (429; `pkg/storage/cacher/ready.go` of k8s.io/apiserver 0.36).
    async fn ready(&self, request: &Request) -> Result<Answer> {
        let end = Instant::now() + self.deadline;
        loop {
            let answer = self.client.call(request).await?;
            let begins = answer.status == 429
                && String::from_utf8_lossy(&answer.body).contains("storage is (re)initializing");
            if !begins || Instant::now() > end {
                return Ok(answer);
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Asks again until the condition holds: a status, `.path=value`, or `~text` somewhere in the body.
    pub async fn until(&self, request: &Request, condition: &str) -> Result<Answer> {
        let end = Instant::now() + self.deadline;
        loop {
            let answer = self.client.call(request).await?;
            let holds = match condition.strip_prefix('.').and_then(|rest| rest.split_once('=')) {
                None if condition.starts_with('~') => {
                    String::from_utf8_lossy(&answer.body).contains(&condition[1..])
                }
                None => answer.status.to_string() == condition,
                Some((path, wanted)) => serde_json::from_slice::<Value>(&answer.body)
                    .is_ok_and(|value| found(&value, path).as_deref() == Some(wanted)),
            };
            if holds {
                return Ok(answer);
            }
            if Instant::now() > end {
                let body = String::from_utf8_lossy(&answer.body);
                bail!("gave up waiting for {condition}; last {}: {body:.300}", answer.status);
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn capture(&mut self, step: &Step, value: &Value) {
        for (name, path) in &step.captures {
            let text = found(value, path.trim_start_matches('.')).unwrap_or("<missing>".to_owned());
            self.variables.insert(name.clone(), text);
        }
    }

    fn seen(&mut self, step: &Step, answer: &Answer) -> Seen {
        let mut seen = Map::new();
        if step.flag("only") == Some("code") {
            return (answer.status, Value::Object(seen));
        }
        seen.insert("headers".into(), self.headers(step, answer));
        let kind = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let proto = kind.ends_with("protobuf");
        if step.flag("only") != Some("status") && !proto {
            let text = String::from_utf8_lossy(&answer.body);
            let yaml = kind.ends_with("/yaml").then(|| yaml(&text).ok()).flatten();
            let mut body = match yaml.or_else(|| serde_json::from_slice::<Value>(&answer.body).ok()) {
                Some(value) => self.labels.value(&step.id, &value),
                None => self.labels.text(&step.id, &text).into(),
            };
            step.all("ignore").for_each(|path| forget(&mut body, path.trim_start_matches('.')));
            for path in step.all("order") {
                if let Some(Value::Array(items)) = body.pointer_mut(&pointer(path)) {
                    items.sort_by_key(ToString::to_string);
                }
            }
            seen.insert("body".into(), body);
        }
        (answer.status, Value::Object(seen))
    }

    /// The headers that clients read; with `headers=all` those too that stand on every answer.
    fn headers(&mut self, step: &Step, answer: &Answer) -> Value {
        let mut out = Map::new();
        let mut read = vec!["content-type", "warning", "retry-after"];
        let mut there = Vec::new();
        if step.flag("headers") == Some("all") {
            read.extend([
                "cache-control",
                "content-encoding",
                "allow",
                "location",
                "x-content-type-options",
                "vary",
            ]);
            there = vec![
                "audit-id",
                "x-kubernetes-pf-flowschema-uid",
                "x-kubernetes-pf-prioritylevel-uid",
                "date",
            ];
        }
        for name in read {
            let values: Vec<Value> = answer
                .headers
                .get_all(name)
                .iter()
                .map(|value| self.labels.text(&step.id, &String::from_utf8_lossy(value.as_bytes())).into())
                .collect();
            if !values.is_empty() {
                out.insert(name.to_owned(), values.into());
            }
        }
        for name in there.into_iter().filter(|name| answer.headers.contains_key(*name)) {
            out.insert(name.to_owned(), "<there>".into());
        }
        Value::Object(out)
    }
}
