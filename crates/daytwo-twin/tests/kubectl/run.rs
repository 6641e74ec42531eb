//! Runs the commands of one file on both sides, each with a home and a namespace of its own, and says how they went.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use regex::Regex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::Instant;

use crate::script::{Script, Step};
use crate::sides::labels::Labels;
use crate::sides::report::{Area, Outcome};
use crate::sides::{Server, Sides, diff};

/// A command that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(90);
/// The same for the twin, which waits for nobody.
const AT_ONCE: Duration = Duration::from_secs(15);
const INTERVAL: Duration = Duration::from_millis(300);

/// How long something is ago, but not a setting such as `timeout=1s`.
static AGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(^|[^=\w.-])(?:[0-9]+[ydhms]){1,2}(?:[^\w.-]|$)").expect("a pattern"));
/// What alignment makes of ages of one and two digits.
static GAP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" {2,}|\t+").expect("a pattern"));
/// Times as `describe` writes them.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} 20(?:2[1-9]|[3-8]\d) \d\d:\d\d:\d\d [+-]\d{4}|\b20(?:2[1-9]|[3-8]\d)-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} UTC",
    )
    .expect("a pattern")
});
/// Revisions in YAML and JSON, and what klog writes before a line.
static REVISION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(resourceVersion"?: "|Resource Version: +)[0-9]+"#).expect("a pattern"));
static KLOG: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b([EWI])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ").expect("a pattern"));

/// One side of a file.
struct Side {
    home: TempDir,
    kubeconfig: PathBuf,
    kubectl: PathBuf,
    labels: Labels,
    variables: Vec<(String, String)>,
    deadline: Duration,
}

/// Exit code, stdout, stderr.
type Seen = (i32, String, String);

pub async fn file(
    sides: &Sides,
    kubectl: &std::path::Path,
    name: &str,
    text: &str,
    script: &Script,
    wanted: &[String],
) -> Area {
    let mut area =
        Area { name: name.to_owned(), outcomes: Vec::new(), whole: wanted.is_empty(), broken: None };
    let ran = run(sides, kubectl, &mut area, text, script, wanted).await;
    area.broken = ran.err().map(|error| format!("{error:#}"));
    area
}

async fn run(
    sides: &Sides,
    kubectl: &std::path::Path,
    area: &mut Area,
    text: &str,
    script: &Script,
    wanted: &[String],
) -> Result<()> {
    let namespace = format!("kubectl-{}", area.name);
    let mut real = Side::new(&sides.real, kubectl, &namespace, text, script).await?;
    let mut twin = Side::new(&sides.twin, kubectl, &namespace, text, script).await?;
    for step in &script.steps {
        let about = || format!("files/{}.txt:{} ({})", area.name, step.at, step.id);
        let (one, other) = tokio::join!(real.step(step), twin.step(step));
        let one = one.with_context(about)?;
        if step.code.is_some_and(|wanted| wanted != one.0) {
            bail!(
                "{}: the real side ends with {}, not as the line says:\n{}{}",
                about(),
                one.0,
                one.1,
                one.2
            );
        }
        let mut differences = Vec::new();
        match other {
            Ok(other) => {
                if one.0 != other.0 {
                    differences.push(format!("exit code: real {}, twin {}", one.0, other.0));
                }
                compare("stdout", &one.1, &other.1, &mut differences);
                diff::lines("stderr", &one.2, &other.2, &mut differences);
            }
            Err(error) => differences.push(format!("twin: {error:#}")),
        }
        if wanted.is_empty() || wanted.iter().any(|id| step.id.starts_with(id.as_str())) {
            let (id, line) = (step.id.clone(), step.line.clone());
            let real = format!("{}\n{}{}", one.0, one.1, one.2);
            area.outcomes.push(Outcome { id, at: step.at, line, real, differences });
        }
    }
    Ok(())
}

/// JSON by its fields, everything else by its lines.
fn compare(place: &str, real: &str, twin: &str, found: &mut Vec<String>) {
    match (serde_json::from_str::<Value>(real), serde_json::from_str::<Value>(twin)) {
        (Ok(real), Ok(twin)) => diff::values(place, &real, &twin, found),
        _ => diff::lines(place, real, twin, found),
    }
}

impl Side {
    async fn new(
        server: &Server,
        kubectl: &std::path::Path,
        namespace: &str,
        text: &str,
        script: &Script,
    ) -> Result<Side> {
        let home = TempDir::new()?;
        let kubeconfig = server.kubeconfig(home.path(), namespace)?;
        let mut labels = Labels::new(&server.url, text);
        script.prefixes.iter().for_each(|prefix| labels.learn(&json!({ "generateName": prefix })));
        let deadline = if server.name == "twin" { AT_ONCE } else { DEADLINE };
        let mut side =
            Side { home, kubeconfig, kubectl: kubectl.to_owned(), labels, variables: Vec::new(), deadline };
        let made = side.once(&["create".into(), "namespace".into(), namespace.to_owned()], "").await?;
        if made.0 != 0 {
            bail!("{} does not make a namespace: {}", server.name, made.2);
        }
        for there in ["serviceaccount/default", "configmap/kube-root-ca.crt"] {
            let words = ["wait", "--for=create", "--timeout=60s", there].map(str::to_owned);
            let waited = side.once(&words, "").await?;
            if waited.0 != 0 {
                bail!("{} has no {there}: {}", server.name, waited.2);
            }
        }
        Ok(side)
    }

    async fn step(&mut self, step: &Step) -> Result<Seen> {
        let end = Instant::now() + self.deadline;
        let words: Vec<String> = step.words.iter().map(|word| self.expand(word)).collect();
        let stdin = self.expand(&step.stdin);
        loop {
            let seen = self.once(&words, &stdin).await?;
            if let Some(name) = &step.set {
                self.variables.push((name.clone(), seen.1.trim().to_owned()));
            }
            if !step.retry || step.code.is_none_or(|code| code == seen.0) || Instant::now() > end {
                let (stdout, stderr) = (self.plain(&step.id, &seen.1), self.plain(&step.id, &seen.2));
                return Ok((seen.0, stdout, stderr));
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    async fn once(&mut self, words: &[String], stdin: &str) -> Result<Seen> {
        let mut child = Command::new(&self.kubectl)
            .args(words)
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start kubectl")?;
        let mut pipe = child.stdin.take().context("no stdin")?;
        // One that does not read its input says why on stderr.
        let _ = pipe.write_all(stdin.as_bytes()).await;
        drop(pipe);
        let output = tokio::time::timeout(self.deadline, child.wait_with_output())
            .await
            .with_context(|| format!("kubectl does not end within {:?}", self.deadline))??;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr)))
    }

    /// `text` with the variables' values, the newest of each.
    fn expand(&self, text: &str) -> String {
        let newest = self.variables.iter().rev();
        newest.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
    }

    /// Output as it can be compared.
    fn plain(&mut self, place: &str, text: &str) -> String {
        let yaml =
            || text.starts_with("apiVersion:").then(|| serde_saphyr::from_str::<Value>(text).ok()).flatten();
        if let Some(value) = serde_json::from_str::<Value>(text).ok().or_else(yaml)
            && value.is_object()
        {
            return self.labels.value(place, &value).to_string();
        }
        let home = self.home.path().display().to_string();
        let text = text.replace(&home, "<home>");
        let text = self.labels.text(place, &text);
        let text = DATE.replace_all(&text, "<date>");
        let text = KLOG.replace_all(&text, "$1 ");
        let text = REVISION.replace_all(&text, "$1<revision>");
        let text = text.lines().map(ages).collect::<Vec<_>>().join("\n");
        GAP.replace_all(&text, "  ").into_owned()
    }
}

/// `line` without ages; one after another, as their surroundings overlap.
fn ages(line: &str) -> String {
    let mut line = line.to_owned();
    while let Some(found) = AGE.find(&line) {
        let text = found.as_str().trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let at = found.start() + found.as_str().find(text).unwrap_or_default();
        line.replace_range(at..at + text.len(), "<age>");
    }
    line.trim_end().to_owned()
}
